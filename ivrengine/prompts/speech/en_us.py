"""American English as spoken on the telephone: one hundred one, October first twenty twenty-six, nine oh five p.m.

Amounts are in yuan and fen unless the value names another currency, and spoken to the last hundredth.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

from ivrengine.domain.audio import Silence

from .digits import digit_words, phone_words
from .values import (
    PART_PAUSE,
    SPEECH_PREFIX,
    Word,
    check_kind,
    read_count,
    read_date,
    read_datetime,
    read_money,
    read_number,
    read_time,
)

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SMALL = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
_TENS = {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty", 90: "ninety"}
_UNITS = {"hundred": "hundred", "thousand": "thousand", "million": "million", "billion": "billion", "trillion": "trillion"}
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty-first",
    "twenty-second",
    "twenty-third",
    "twenty-fourth",
    "twenty-fifth",
    "twenty-sixth",
    "twenty-seventh",
    "twenty-eighth",
    "twenty-ninth",
    "thirtieth",
    "thirty-first",
)
_MONEY = {
    "yuan": "yuan",
    "fen": "fen",
    "us-dollar": "dollar",
    "us-dollars": "dollars",
    "us-cent": "cent",
    "us-cents": "cents",
}


def _named(words: dict[str, str]) -> dict[str, str]:
    return {SPEECH_PREFIX + name: text for name, text in words.items()}


_NUMERALS = {str(number): text for number, text in enumerate(_SMALL[:10])}
_BELOW_HUNDRED = {str(number): text for number, text in [*enumerate(_SMALL), *_TENS.items()]}
_COUNT_WORDS = _named({**_BELOW_HUNDRED, **_UNITS})
_SIGNED_WORDS = {**_COUNT_WORDS, **_named({"minus": "minus", "point": "point"})}
_DIGIT_WORDS = _named({**_NUMERALS, "star": "star", "pound": "pound", **{letter: letter.upper() for letter in _LETTERS}})
_PHONE_WORDS = {**_DIGIT_WORDS, **_named({"plus": "plus"})}
_MONEY_WORDS = {**_COUNT_WORDS, **_named({"minus": "minus", "and": "and", **_MONEY})}
_DATE_WORDS = _named(
    {
        **_BELOW_HUNDRED,
        "hundred": "hundred",
        "thousand": "thousand",
        "oh": "oh",
        **{f"month-{number}": text for number, text in enumerate(_MONTHS, 1)},
        **{f"day-{number}": text for number, text in enumerate(_DAYS, 1)},
    }
)
_BELOW_SIXTY = {number: text for number, text in _BELOW_HUNDRED.items() if 1 <= int(number) < 60}
_TIME_WORDS = _named({**_BELOW_SIXTY, "oh": "oh", "am": "A.M.", "pm": "P.M.", "noon": "noon", "midnight": "midnight"})
_BY_KIND: dict[str, dict[str, str]] = {
    "number": _SIGNED_WORDS,
    "count": _COUNT_WORDS,
    "digits": _DIGIT_WORDS,
    "phone": _PHONE_WORDS,
    "money": _MONEY_WORDS,
    "date": _DATE_WORDS,
    "time": _TIME_WORDS,
    "datetime": {**_DATE_WORDS, **_TIME_WORDS},
}
WORDS: dict[str, str] = {name: text for words in _BY_KIND.values() for name, text in words.items()}


def words_needed(kind: str) -> frozenset[str]:
    check_kind(kind, "")
    return frozenset(_BY_KIND[kind])


def join(words: Sequence[Word]) -> str:
    return " ".join("," if isinstance(word, Silence) else WORDS[word] for word in words).replace(" ,", ",")


def expand(kind: str, value: str) -> list[Word]:
    """The value as names of words and silences. Raises SpeechError."""
    check_kind(kind, value)
    return [word if isinstance(word, Silence) else SPEECH_PREFIX + word for word in _EXPANDERS[kind](value)]


def _number(value: str) -> list[Word]:
    number = read_number(value)
    words: list[Word] = ["minus"] if number.negative else []
    words += _whole(number.whole)
    if number.fraction:
        words += ["point", *number.fraction]
    return words


def _count(value: str) -> list[Word]:
    return list(_whole(read_count(value)))


def _whole(number: int) -> list[str]:
    if number < 20:
        return [str(number)]
    if number < 100:
        tens, ones = divmod(number, 10)
        return [str(tens * 10), *([str(ones)] if ones else [])]
    for unit, name in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")):
        high, low = divmod(number, unit)
        if high:
            return [*_whole(high), name, *(_whole(low) if low else [])]
    raise AssertionError("every number from a hundred on has a unit")


def _money(value: str) -> list[Word]:
    money = read_money(value)
    big = "yuan" if money.currency == "CNY" else "us-dollar" if money.whole == 1 else "us-dollars"
    small = "fen" if money.currency == "CNY" else "us-cent" if money.hundredths == 1 else "us-cents"
    words: list[Word] = ["minus"] if money.negative else []
    if money.whole or not money.hundredths:
        words += [*_whole(money.whole), big]
    if money.hundredths:
        words += ["and"] * bool(money.whole) + [*_whole(money.hundredths), small]
    return words


def _date(value: str) -> list[Word]:
    return _date_words(read_date(value))


def _date_words(day: date) -> list[Word]:
    return [f"month-{day.month}", f"day-{day.day}", *_year(day.year)]


def _year(year: int) -> list[str]:
    century, rest = divmod(year, 100)
    if year % 1000 < 10:
        return _whole(year)  # two thousand, two thousand six
    if rest == 0:
        return [*_whole(century), "hundred"]
    return [*_whole(century), *(["oh"] if rest < 10 else []), *_whole(rest)]


def _time(value: str) -> list[Word]:
    return _time_words(*read_time(value))


def _time_words(hour: int, minute: int) -> list[Word]:
    words: list[Word] = [*_whole(hour % 12 or 12)]
    if minute:
        return [*words, *(["oh"] if minute < 10 else []), *_whole(minute), "am" if hour < 12 else "pm"]
    return [*words, {0: "midnight", 12: "noon"}.get(hour, "am" if hour < 12 else "pm")]


def _datetime(value: str) -> list[Word]:
    day, hour, minute = read_datetime(value)
    return [*_date_words(day), PART_PAUSE, *_time_words(hour, minute)]


_SIGNS = {"*": "star", "#": "pound", "+": "plus"}
_EXPANDERS = {
    "number": _number,
    "count": _count,
    "digits": partial(digit_words, called=_SIGNS),
    "phone": partial(phone_words, called=_SIGNS),
    "money": _money,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
}
