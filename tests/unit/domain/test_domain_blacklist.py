from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.domain.blacklist import BadPattern, Blacklist, BlacklistEntry, clean_pattern

NOW = 1_800_000_000.0


def pattern_of(blacklist: Blacklist, number: str, now: float = NOW) -> str | None:
    entry = blacklist.match(number, now)
    return entry.pattern if entry else None


def test_exact_before_prefix_and_longer_prefix_before_shorter() -> None:
    blacklist = Blacklist([BlacklistEntry(p) for p in ("138*", "13800*", "13800138000", "0085*")])
    assert pattern_of(blacklist, "13800138000") == "13800138000"
    assert pattern_of(blacklist, "13800138001") == "13800*"
    assert pattern_of(blacklist, "13900138000") is None
    assert pattern_of(blacklist, "138") == "138*"
    assert pattern_of(blacklist, "13") is None
    assert len(blacklist) == 4


def test_an_expired_entry_gives_way_to_a_shorter_prefix() -> None:
    blacklist = Blacklist(
        [BlacklistEntry("13800138000", expires_at=NOW), BlacklistEntry("138001*", expires_at=NOW - 1), BlacklistEntry("138*")]
    )
    assert pattern_of(blacklist, "13800138000") == "138*"
    assert pattern_of(blacklist, "13800138000", NOW - 0.5) == "13800138000"


def test_a_plus_is_dropped_from_the_caller_but_never_added() -> None:
    assert pattern_of(Blacklist([BlacklistEntry("8613800138000")]), "+8613800138000") == "8613800138000"
    assert pattern_of(Blacklist([BlacklistEntry("+8613800138000")]), "+8613800138000") == "+8613800138000"
    # 8613 1234 is somebody's local number: an entry for +8613* must leave them alone
    assert pattern_of(Blacklist([BlacklistEntry("+8613*")]), "86131234") is None
    # the trunk forms are other numbers unless an entry says so
    assert pattern_of(Blacklist([BlacklistEntry("13800138000")]), "008613800138000") is None


@pytest.mark.parametrize("number", ["", "\n", "${hangup}", "\ud800", "x" * 10_000, "'; drop table calls; --", "+"])
def test_nonsense_from_a_stranger_matches_nothing_and_raises_nothing(number: str) -> None:
    assert Blacklist([BlacklistEntry("138*"), BlacklistEntry("0*")]).match(number, NOW) is None


def test_a_withheld_number_is_not_refused_by_an_entry_without_digits() -> None:
    assert Blacklist([BlacklistEntry("*"), BlacklistEntry("")]).match("", NOW) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" 138 0013-8000 ", "13800138000"),
        ("(029) 8888.0001", "02988880001"),
        ("+86 138*", "+86138*"),
        ("anonymous", "anonymous"),
        ("*67*", "*67*"),
    ],
)
def test_patterns_are_spelt_one_way(text: str, expected: str) -> None:
    assert clean_pattern(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "*",
        "+*",
        "13*8",
        "138**",
        "13800138000;drop",
        "1" * 41,
        "１３８",
        "\ud800",
        "0'1",
        "1.38E10",
        "1.38E+10",
        "13800138000.0",
    ],
)
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(BadPattern):
        clean_pattern(text)


@given(
    st.text(alphabet="0123456789", min_size=1, max_size=15),
    st.lists(st.text(alphabet="012", min_size=1, max_size=4), max_size=30),
)
def test_the_longest_prefix_wins_like_a_plain_search(number: str, prefixes: list[str]) -> None:
    blacklist = Blacklist([BlacklistEntry(prefix + "*") for prefix in prefixes])
    fitting = [prefix for prefix in prefixes if number.startswith(prefix)]
    assert pattern_of(blacklist, number) == (max(fitting, key=len) + "*" if fitting else None)
