"""Golden values per language, and every number spoken is read back to the number it was."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.domain.audio import SPEECH_KINDS, Silence
from ivrengine.prompts.speech import SPEECH_LANGUAGES, SPEECH_PREFIX, SpeechError, en_us, speech_for
from ivrengine.prompts.speech.en_us import ENGLISH
from ivrengine.prompts.speech.zh_cn import MANDARIN

GOLDEN = [
    # kind, value, Chinese, English
    ("number", "0", "零", "zero"),
    ("number", "-0", "零", "zero"),
    ("number", "007", "七", "seven"),
    ("number", "10", "十", "ten"),
    ("number", "15", "十五", "fifteen"),
    ("number", "20", "二十", "twenty"),
    ("number", "22", "二十二", "twenty two"),
    ("number", "99", "九十九", "ninety nine"),
    ("number", "100", "一百", "one hundred"),
    ("number", "101", "一百零一", "one hundred one"),
    ("number", "110", "一百一十", "one hundred ten"),
    ("number", "115", "一百一十五", "one hundred fifteen"),
    ("number", "200", "二百", "two hundred"),
    ("number", "1001", "一千零一", "one thousand one"),
    ("number", "1010", "一千零一十", "one thousand ten"),
    ("number", "1100", "一千一百", "one thousand one hundred"),
    ("number", "10000", "一万", "ten thousand"),
    ("number", "10010", "一万零一十", "ten thousand ten"),
    ("number", "10100", "一万零一百", "ten thousand one hundred"),
    ("number", "100000", "十万", "one hundred thousand"),
    ("number", "100015", "十万零一十五", "one hundred thousand fifteen"),
    ("number", "150000", "十五万", "one hundred fifty thousand"),
    ("number", "1001000", "一百万一千", "one million one thousand"),
    ("number", "10000001", "一千万零一", "ten million one"),
    ("number", "100000000", "一亿", "one hundred million"),
    ("number", "100000001", "一亿零一", "one hundred million one"),
    ("number", "100150000", "一亿零一十五万", "one hundred million one hundred fifty thousand"),
    ("number", "123456789", "一亿二千三百四十五万六千七百八十九", (
        "one hundred twenty three million four hundred fifty six thousand seven hundred eighty nine"
    )),
    ("number", "1000000000000", "一万亿", "one trillion"),
    ("number", "1000100000000", "一万零一亿", "one trillion one hundred million"),
    ("number", "-5", "负五", "minus five"),
    ("number", "3.14", "三点一四", "three point one four"),
    ("number", "-0.50", "负零点五零", "minus zero point five zero"),
    ("count", "0", "零", "zero"),
    ("count", "2", "两", "two"),
    ("count", "12", "十二", "twelve"),
    ("count", "20", "二十", "twenty"),
    ("count", "200", "两百", "two hundred"),
    ("count", "220000", "二十二万", "two hundred twenty thousand"),
    ("count", "2002", "两千零二", "two thousand two"),
    ("count", "200000000", "两亿", "two hundred million"),
    ("money", "0", "零元", "zero yuan"),
    ("money", "0.05", "五分", "five fen"),
    ("money", "0.20", "两角", "twenty fen"),
    ("money", "0.5", "五角", "fifty fen"),
    ("money", "2", "两元", "two yuan"),
    ("money", "2.22", "两元二角二分", "two yuan and twenty two fen"),
    ("money", "10.05", "十元零五分", "ten yuan and five fen"),
    ("money", "1234.56", "一千二百三十四元五角六分", "one thousand two hundred thirty four yuan and fifty six fen"),
    ("money", "-3.00", "负三元", "minus three yuan"),
    ("money", "1.01 USD", "一美元零一美分", "one dollar and one cent"),
    ("money", "2.50 USD", "两美元五十美分", "two dollars and fifty cents"),
    ("date", "2026-10-01", "二零二六年十月一日", "October first twenty twenty six"),
    ("date", "2024-02-29", "二零二四年二月二十九日", "February twenty-ninth twenty twenty four"),
    ("date", "2000-12-31", "二零零零年十二月三十一日", "December thirty-first two thousand"),
    ("date", "2006-01-20", "二零零六年一月二十日", "January twentieth two thousand six"),
    ("date", "1900-11-11", "一九零零年十一月十一日", "November eleventh nineteen hundred"),
    ("date", "1905-03-03", "一九零五年三月三日", "March third nineteen oh five"),
    ("time", "00:00", "凌晨零点", "twelve midnight"),
    ("time", "00:05", "凌晨零点零五分", "twelve oh five A.M."),
    ("time", "7:59", "早上七点五十九分", "seven fifty nine A.M."),
    ("time", "08:00", "上午八点", "eight A.M."),
    ("time", "12:00", "中午十二点", "twelve noon"),
    ("time", "12:30", "中午十二点三十分", "twelve thirty P.M."),
    ("time", "14:10", "下午两点十分", "two ten P.M."),
    ("time", "18:00", "晚上六点", "six P.M."),
    ("time", "21:30", "晚上九点三十分", "nine thirty P.M."),
    ("time", "23:59:59", "晚上十一点五十九分", "eleven fifty nine P.M."),
    ("datetime", "2026-10-01T21:30:00", "二零二六年十月一日 晚上九点三十分", "October first twenty twenty six, nine thirty P.M."),
    ("digits", "1024", "幺零二四", "one zero two four"),
    ("digits", "A1*#", "A幺星号井号", "A one star pound"),
    ("phone", "13800138000", "幺三八 零零幺三 八零零零", "one three eight, zero zero one three, eight zero zero zero"),
    ("phone", "+86 138-0013-8000", "加八六 幺三八 零零幺三 八零零零", (
        "plus eight six, one three eight, zero zero one three, eight zero zero zero"
    )),
    ("phone", "02988880001", "零二九 八八八八 零零零幺", "zero two nine, eight eight eight eight, zero zero zero one"),
    ("phone", "051088880001", "零五幺零 八八八八 零零零幺", "zero five one zero, eight eight eight eight, zero zero zero one"),
    ("phone", "4008001234", "四零零 八零零 幺二三四", "four zero zero, eight zero zero, one two three four"),
    ("phone", "8001", "八零零幺", "eight zero zero one"),
    ("phone", "12345", "幺二三四五", "one two three four five"),
]  # fmt: skip

BAD = [
    ("number", ""),
    ("number", "1e5"),
    ("number", "1,234"),
    ("number", "１２"),
    ("number", "1" * 16),
    ("number", "nan"),
    ("count", "-1"),
    ("count", "1.5"),
    ("money", "1.005"),
    ("money", "5 EUR"),
    ("money", "five USD"),
    ("date", "2025-02-29"),
    ("date", "0476-01-01"),
    ("date", "2026-1-1"),
    ("time", "24:00"),
    ("time", "9.30"),
    ("datetime", "2026-10-01"),
    ("datetime", "2026-10-01T21:30Z"),
    ("digits", "12 ${x}"),
    ("digits", ""),
    ("digits", "1" * 41),
    ("phone", "+"),
    ("phone", "1\nEvent"),
    ("colour", "red"),
]


@pytest.mark.parametrize(("kind", "value", "chinese", "english"), GOLDEN)
def test_golden(kind: str, value: str, chinese: str, english: str) -> None:
    assert MANDARIN.join(MANDARIN.expand(kind, value)) == chinese
    assert ENGLISH.join(ENGLISH.expand(kind, value)) == english


@pytest.mark.parametrize(("kind", "value"), BAD)
@pytest.mark.parametrize("language", SPEECH_LANGUAGES)
def test_a_bad_value_is_named_with_its_kind(language: str, kind: str, value: str) -> None:
    with pytest.raises(SpeechError) as caught:
        SPEECH_LANGUAGES[language].expand(kind, value)
    assert kind in str(caught.value)
    if kind not in ("digits", "phone"):
        assert repr(value) in str(caught.value)


def test_a_bad_telephone_number_is_masked_in_the_sentence() -> None:
    with pytest.raises(SpeechError) as caught:
        MANDARIN.expand("phone", "13800138000;drop")
    assert "13800138000" not in str(caught.value)


def test_groups_of_a_telephone_number_are_parted_by_silence() -> None:
    words = MANDARIN.expand("phone", "13800138000")
    assert [index for index, word in enumerate(words) if isinstance(word, Silence)] == [3, 8]
    assert all(word.milliseconds > 0 for word in words if isinstance(word, Silence))


def test_other_countries_speak_the_language_they_share() -> None:
    assert speech_for("en-GB") is ENGLISH
    assert speech_for("zh-TW") is MANDARIN
    assert speech_for("fr-FR") is None


@pytest.mark.parametrize("language", SPEECH_LANGUAGES)
def test_words_of_a_kind_are_words_of_the_language(language: str) -> None:
    words = SPEECH_LANGUAGES[language]
    needed = [words.words_needed(kind) for kind in SPEECH_KINDS]
    assert frozenset().union(*needed) == frozenset(words.WORDS)
    assert all(name.startswith(SPEECH_PREFIX) and text for name, text in words.WORDS.items())


# --- reading back -------------------------------------------------------------------------------------------------------


def chinese_value(words: list[str]) -> int:
    """An independent reader: sums digit x unit per group of four, groups x 万 and 亿."""
    small = {"十": 10, "百": 100, "千": 1000}
    total = hundred_millions = group = digit = 0
    for sign in "".join(MANDARIN.WORDS[word] for word in words):
        if sign in small:
            group += (digit or 1) * small[sign]
            digit = 0
        elif sign == "万":
            total += (group + digit) * 10**4
            group = digit = 0
        elif sign == "亿":
            hundred_millions = (total + group + digit) * 10**8
            total = group = digit = 0
        else:
            digit = "零一二三四五六七八九".index("二" if sign == "两" else sign)
    return hundred_millions + total + group + digit


def english_value(words: list[str]) -> int:
    big = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
    plain = {word: number for number, word in enumerate(en_us._SMALL)} | {word: number for number, word in en_us._TENS.items()}
    total = group = 0
    for word in (ENGLISH.WORDS[name] for name in words):
        if word == "hundred":
            group *= 100
        elif word in big:
            total += group * big[word]
            group = 0
        else:
            group += plain[word]
    return total + group


def either_size(most: int) -> st.SearchStrategy[int]:
    """All magnitudes alike, and numbers with many zeros, where the rules are."""
    digits = len(str(most)) - 1
    magnitudes = st.integers(0, digits).flatmap(lambda count: st.integers(0, 10**count))
    sparse = st.lists(st.sampled_from("000001259"), min_size=1, max_size=digits).map(lambda signs: int("".join(signs)))
    return st.one_of(magnitudes, sparse)


@given(either_size(10**15 - 1))
def test_chinese_numbers_read_back(number: int) -> None:
    for kind in ("number", "count"):
        words = MANDARIN.expand(kind, str(number))
        assert chinese_value(words) == number
        text = MANDARIN.join(words)
        assert "零零" not in text
        assert number == 0 or not text.endswith("零")
        assert kind == "count" or "两" not in text
        assert not text.startswith("一十")


@given(either_size(10**15 - 1))
def test_english_numbers_read_back(number: int) -> None:
    assert english_value(ENGLISH.expand("number", str(number))) == number


@given(st.text("0123456789", min_size=1, max_size=40))
def test_digits_read_back_one_by_one(digits: str) -> None:
    spoken = MANDARIN.join(MANDARIN.expand("digits", digits)).translate(str.maketrans("零幺二三四五六七八九", "0123456789"))
    assert spoken == digits
    assert [en_us._SMALL.index(ENGLISH.WORDS[word]) for word in ENGLISH.expand("digits", digits)] == [int(digit) for digit in digits]


@given(st.text("0123456789", min_size=1, max_size=40), st.booleans())
def test_a_telephone_number_loses_no_digit_to_its_groups(number: str, international: bool) -> None:
    for words in SPEECH_LANGUAGES.values():
        grouped = words.expand("phone", "+" * (international and len(number) < 40) + number)
        plain = words.expand("digits", number)
        assert [word for word in grouped if not isinstance(word, Silence) and not word.endswith("plus")] == plain
        assert not isinstance(grouped[-1], Silence)


@given(st.integers(0, 10**12), st.integers(0, 99))
def test_money_reads_back(yuan: int, fen: int) -> None:
    text = MANDARIN.join(MANDARIN.expand("money", f"{yuan}.{fen:02}"))
    whole, rest = text.split("元") if "元" in text else ("零", text)
    names = {text: name for name, text in MANDARIN.WORDS.items() if len(text) == 1 and name[7:] not in ("minute", "point")}
    value = {"角": 0, "分": 0}
    for digit, unit in zip(rest.replace("零", "")[::2], rest.replace("零", "")[1::2], strict=True):
        value[unit] = chinese_value([names[digit]])
    assert chinese_value([names[sign] for sign in whole]) == yuan
    assert value["角"] * 10 + value["分"] == fen


@given(st.dates(min_value=date(1000, 1, 1)), st.times())
def test_every_date_and_time_has_words(day: date, clock) -> None:
    for words in SPEECH_LANGUAGES.values():
        spoken = words.expand("datetime", f"{day} {clock.hour}:{clock.minute:02}")
        names = {word for word in spoken if not isinstance(word, Silence)}
        assert names <= words.words_needed("datetime")
        assert {f"speech/month-{day.month}", f"speech/day-{day.day}"} <= names
