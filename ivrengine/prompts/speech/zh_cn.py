"""Mandarin as spoken on the telephone: 一万零一十, 两千, 幺 for one in numbers read digit by digit, 晚上九点三十分.

二 becomes 两 where something is counted or paid: before 百 千 万 亿 and the thing itself, and only as the first digit
(两千二百二十二, but 二十). Amounts are spoken to the 分, never rounded.
"""

from __future__ import annotations

from datetime import date

from .language import Language
from .values import Money

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NUMERALS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_UNITS = {"ten": "十", "hundred": "百", "thousand": "千", "wan": "万", "yi": "亿"}
_MONTHS = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
_HOURS = ("零", "一", "两", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
_MONEY = {"yuan": "元", "jiao": "角", "fen": "分", "us-dollar": "美元", "us-cent": "美分"}
_PERIODS = {
    "before-dawn": "凌晨",
    "early-morning": "早上",
    "morning": "上午",
    "noon": "中午",
    "afternoon": "下午",
    "evening": "晚上",
}
_PERIOD_STARTS = ((0, "before-dawn"), (5, "early-morning"), (8, "morning"), (12, "noon"), (13, "afternoon"), (18, "evening"))


def _day_text(day: int) -> str:
    tens, ones = divmod(day, 10)
    return ("", "十", "二十", "三十")[tens] + (_NUMERALS[str(ones)] if ones else "") + "日"


_NUMBER_WORDS = {**_NUMERALS, **_UNITS}
_SIGNED_WORDS = {**_NUMBER_WORDS, "minus": "负", "point": "点"}
_COUNT_WORDS = {**_NUMBER_WORDS, "liang": "两"}
_CALLED_OUT = {sign: text for sign, text in _NUMERALS.items() if sign != "1"} | {"yao": "幺", "star": "星号", "pound": "井号"}
_DIGIT_WORDS = {**_CALLED_OUT, **{letter: letter.upper() for letter in _LETTERS}}
_PHONE_WORDS = {**_DIGIT_WORDS, "plus": "加"}
_MONEY_WORDS = {**_COUNT_WORDS, "minus": "负", **_MONEY}
_DATE_WORDS = {
    **_NUMERALS,
    "year": "年",
    **{f"month-{number}": f"{text}月" for number, text in enumerate(_MONTHS, 1)},
    **{f"day-{number}": _day_text(number) for number in range(1, 32)},
}
_TIME_WORDS = {
    **_NUMERALS,
    "ten": "十",
    "minute": "分",
    **_PERIODS,
    **{f"hour-{number}": f"{text}点" for number, text in enumerate(_HOURS)},
}


def _counted(words: list[str]) -> list[str]:
    """二 at the start becomes 两 unless 十 follows."""
    if words[0] == "2" and words[1:2] != ["ten"]:
        return ["liang", *words[1:]]
    return words


def _whole(number: int) -> list[str]:
    words = _spoken(number)
    return words[1:] if words[:2] == ["1", "ten"] else words  # 十五 at the start, 一十五 after anything


def _spoken(number: int) -> list[str]:
    if number < 10:
        return [str(number)]
    for unit, name in ((10**8, "yi"), (10**4, "wan"), (1000, "thousand"), (100, "hundred"), (10, "ten")):
        high, low = divmod(number, unit)
        if not high:
            continue
        words = [*_spoken(high), name]
        if low:
            # zeros inside are read once, however many; zeros at the end of a group are not read
            if low < unit // 10:
                words.append("0")
            words += _spoken(low)
        return words
    raise AssertionError("every number from ten on has a unit")


def _money(money: Money) -> list[str]:
    words: list[str] = []
    if money.currency == "CNY":
        jiao, fen = divmod(money.hundredths, 10)
        if money.whole or not money.hundredths:
            words += [*_whole(money.whole), "yuan"]
        if jiao:
            words += [str(jiao), "jiao"]
        if fen:
            words += ["0"] * bool(words and not jiao) + [str(fen), "fen"]
    else:
        if money.whole or not money.hundredths:
            words += [*_whole(money.whole), "us-dollar"]
        if money.hundredths:
            words += ["0"] * bool(words and money.hundredths < 10) + [*_whole(money.hundredths), "us-cent"]
    return _counted(words)


def _date_words(day: date) -> list[str]:
    return [*str(day.year), "year", f"month-{day.month}", f"day-{day.day}"]


def _time_words(hour: int, minute: int) -> list[str]:
    period = [name for start, name in _PERIOD_STARTS if hour >= start][-1]
    words: list[str] = [period, f"hour-{hour if hour <= 12 else hour - 12}"]
    if minute:
        words += ["0"] * (minute < 10) + [*_whole(minute), "minute"]
    return words


MANDARIN = Language(
    {
        "number": _SIGNED_WORDS,
        "count": _COUNT_WORDS,
        "digits": _DIGIT_WORDS,
        "phone": _PHONE_WORDS,
        "money": _MONEY_WORDS,
        "date": _DATE_WORDS,
        "time": _TIME_WORDS,
    },
    join="".join,
    pause=" ",
    called={"1": "yao", "*": "star", "#": "pound", "+": "plus"},
    whole=_whole,
    count=lambda number: _counted(_whole(number)),
    money=_money,
    day=_date_words,
    time=_time_words,
)
