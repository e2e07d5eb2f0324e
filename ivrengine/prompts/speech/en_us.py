"""American English as spoken on the telephone: one hundred one, October first twenty twenty-six, nine oh five p.m.

Amounts are in yuan and fen unless the value names another currency, and spoken to the last hundredth.
"""

from __future__ import annotations

from datetime import date

from .language import Language
from .values import Money

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


_NUMERALS = {str(number): text for number, text in enumerate(_SMALL[:10])}
_BELOW_HUNDRED = {str(number): text for number, text in [*enumerate(_SMALL), *_TENS.items()]}
_COUNT_WORDS = {**_BELOW_HUNDRED, **_UNITS}
_SIGNED_WORDS = {**_COUNT_WORDS, "minus": "minus", "point": "point"}
_DIGIT_WORDS = {**_NUMERALS, "star": "star", "pound": "pound", **{letter: letter.upper() for letter in _LETTERS}}
_PHONE_WORDS = {**_DIGIT_WORDS, "plus": "plus"}
_MONEY_WORDS = {**_COUNT_WORDS, "minus": "minus", "and": "and", **_MONEY}
_DATE_WORDS = {
    **_BELOW_HUNDRED,
    "hundred": "hundred",
    "thousand": "thousand",
    "oh": "oh",
    **{f"month-{number}": text for number, text in enumerate(_MONTHS, 1)},
    **{f"day-{number}": text for number, text in enumerate(_DAYS, 1)},
}
_BELOW_SIXTY = {number: text for number, text in _BELOW_HUNDRED.items() if 1 <= int(number) < 60}
_TIME_WORDS = {**_BELOW_SIXTY, "oh": "oh", "am": "A.M.", "pm": "P.M.", "noon": "noon", "midnight": "midnight"}


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


def _money(money: Money) -> list[str]:
    big = "yuan" if money.currency == "CNY" else "us-dollar" if money.whole == 1 else "us-dollars"
    small = "fen" if money.currency == "CNY" else "us-cent" if money.hundredths == 1 else "us-cents"
    words: list[str] = []
    if money.whole or not money.hundredths:
        words += [*_whole(money.whole), big]
    if money.hundredths:
        words += ["and"] * bool(money.whole) + [*_whole(money.hundredths), small]
    return words


def _date_words(day: date) -> list[str]:
    return [f"month-{day.month}", f"day-{day.day}", *_year(day.year)]


def _year(year: int) -> list[str]:
    century, rest = divmod(year, 100)
    if year % 1000 < 10:
        return _whole(year)  # two thousand, two thousand six
    if rest == 0:
        return [*_whole(century), "hundred"]
    return [*_whole(century), *(["oh"] if rest < 10 else []), *_whole(rest)]


def _time_words(hour: int, minute: int) -> list[str]:
    words: list[str] = [*_whole(hour % 12 or 12)]
    if minute:
        return [*words, *(["oh"] if minute < 10 else []), *_whole(minute), "am" if hour < 12 else "pm"]
    return [*words, {0: "midnight", 12: "noon"}.get(hour, "am" if hour < 12 else "pm")]


ENGLISH = Language(
    {
        "number": _SIGNED_WORDS,
        "count": _COUNT_WORDS,
        "digits": _DIGIT_WORDS,
        "phone": _PHONE_WORDS,
        "money": _MONEY_WORDS,
        "date": _DATE_WORDS,
        "time": _TIME_WORDS,
    },
    join=lambda texts: " ".join(texts).replace(" ,", ","),
    pause=",",
    called={"*": "star", "#": "pound", "+": "plus"},
    whole=_whole,
    count=_whole,
    money=_money,
    day=_date_words,
    time=_time_words,
)
