"""Reading the values that are to be spoken. Refuses whatever is not exactly a value of its kind: a wrong date spoken with
confidence does more harm than an alarm."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from ivrengine.domain.audio import SPEECH_KINDS, Silence
from ivrengine.domain.caller import mask_number
from ivrengine.domain.sentence import Sentence

SPEECH_PREFIX = "speech/"
WHOLE_DIGITS = 15  # up to 999 trillion, 999 万亿
FRACTION_DIGITS = 10
DIGITS_LIMIT = 40
YEAR_LEAST = 1000  # earlier years would need "the year 476"
GROUP_PAUSE = Silence(250)  # between the groups of a telephone number
PART_PAUSE = Silence(150)  # between a date and its time
CURRENCIES = ("CNY", "USD")

Word = str | Silence

_NUMBER = re.compile(rf"([+-]?)([0-9]{{1,{WHOLE_DIGITS}}})(?:\.([0-9]{{1,{FRACTION_DIGITS}}}))?")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::[0-9]{2}(?:\.[0-9]{1,9})?)?")


class SpeechError(ValueError):
    """A value can't be spoken as what it was said to be."""

    def __init__(self, kind: str, value: str, reason: str) -> None:
        shown = mask_number(value[:DIGITS_LIMIT]) if kind in ("phone", "digits") else value[:DIGITS_LIMIT]
        super().__init__(Sentence("%(text)r can't be spoken as %(kind)s: %(reason)s", text=shown, kind=kind, reason=reason))
        self.kind = kind
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Number:
    """``fraction`` keeps its zeros: they are spoken. Zero is never negative."""

    negative: bool
    whole: int
    fraction: str


@dataclass(frozen=True, slots=True)
class Money:
    """``hundredths`` 0-99; ``currency`` one of CURRENCIES."""

    negative: bool
    whole: int
    hundredths: int
    currency: str


def check_kind(kind: str, value: str) -> None:
    if kind not in SPEECH_KINDS:
        raise SpeechError(kind, value, Sentence("there is no such kind; known are %(known)s", known=tuple(SPEECH_KINDS)))


def read_number(value: str) -> Number:
    return _read_number("number", value)


def read_count(value: str) -> int:
    number = _read_number("count", value)
    if number.negative or number.fraction:
        raise SpeechError("count", value, Sentence("a count is a whole number, not below zero"))
    return number.whole


def read_money(value: str) -> Money:
    amount, _, currency = value.strip().partition(" ")
    currency = currency.strip() or "CNY"
    if currency not in CURRENCIES:
        raise SpeechError(
            "money", value, Sentence("the currency must be one of %(known)s, written after the amount", known=tuple(CURRENCIES))
        )
    try:
        number = _read_number("money", amount)
    except SpeechError as error:
        raise SpeechError("money", value, error.reason) from None
    if len(number.fraction) > 2:
        raise SpeechError("money", value, Sentence("an amount has at most two decimals"))
    return Money(number.negative, number.whole, int(number.fraction.ljust(2, "0")), currency)


def read_date(value: str) -> date:
    match = _DATE.fullmatch(value.strip())
    if not match:
        raise SpeechError("date", value, Sentence("write a date like 2026-10-01"))
    year, month, day = map(int, match.groups())
    if year < YEAR_LEAST:
        raise SpeechError("date", value, Sentence("years before %(year)s can't be spoken", year=YEAR_LEAST))
    try:
        return date(year, month, day)
    except ValueError:
        raise SpeechError("date", value, Sentence("there is no such day")) from None


def read_time(value: str) -> tuple[int, int]:
    """(hour, minute); seconds are allowed and not spoken."""
    match = _TIME.fullmatch(value.strip())
    if not match:
        raise SpeechError("time", value, Sentence("write a time like 21:30"))
    hour, minute = int(match[1]), int(match[2])
    if hour > 23 or minute > 59:
        raise SpeechError("time", value, Sentence("there is no such time of day"))
    return hour, minute


def read_datetime(value: str) -> tuple[date, int, int]:
    day, separator, clock = value.strip().replace("T", " ", 1).partition(" ")
    if not separator:
        raise SpeechError("datetime", value, Sentence("write date and time like 2026-10-01 21:30"))
    try:
        return read_date(day), *read_time(clock)
    except SpeechError as error:
        raise SpeechError("datetime", value, error.reason) from None


def read_digits(value: str, kind: str = "digits") -> str:
    """Digits, ``*``, ``#``, lower case letters; what only groups them (blanks, ``-``, ``.``, brackets) is left out."""
    text = re.sub(r"[ ().-]", "", value.strip().lower())
    allowed = r"\+?[0-9a-z*#]+" if kind == "phone" else r"[0-9a-z*#]+"
    if not re.fullmatch(allowed, text):
        raise SpeechError(kind, value, Sentence("only digits, letters, * and # can be spoken one by one"))
    if len(text) > DIGITS_LIMIT:
        raise SpeechError(kind, value, Sentence("it has more than %(most)s characters", most=DIGITS_LIMIT))
    return text


def read_phone(value: str) -> list[str]:
    """The groups in which a telephone number is said, e.g. 138 0013 8000 or + 86 29 8888 0001."""
    text = read_digits(value, "phone")
    if not text.startswith("+"):
        return _groups(text)
    for code in ("+86", "+1"):
        if text.startswith(code) and len(text) > len(code):
            return [code, *_groups(text[len(code) :])]
    first, *rest = _groups(text[1:])
    return [f"+{first}", *rest]


def _groups(text: str) -> list[str]:
    if text.startswith("0") and text[1:2] not in ("0", "1", "2", "") and len(text) in (11, 12):
        return [text[:4], *_groups(text[4:])]  # a Chinese area code of four digits
    count = len(text)
    if count <= 5:
        return [text]
    fours = count % 3  # threes first, fours last: 3-4-4, 3-3-4, 3-4, 4-4
    threes = count // 3 - fours
    edges = [3 * index for index in range(threes)] + [3 * threes + 4 * index for index in range(fours)] + [count]
    return [text[start:end] for start, end in pairwise(edges)]


def _read_number(kind: str, value: str) -> Number:
    match = _NUMBER.fullmatch(value.strip())
    if not match:
        reason = f"write digits like -12.5, at most {WHOLE_DIGITS} before and {FRACTION_DIGITS} after the point"
        raise SpeechError(kind, value, reason)
    whole, fraction = int(match[2]), match[3] or ""
    return Number(match[1] == "-" and (whole > 0 or fraction.strip("0") != ""), whole, fraction)
