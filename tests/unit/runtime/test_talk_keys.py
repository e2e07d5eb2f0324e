"""Codes keyed during a talk, read key by key."""

from __future__ import annotations

import pytest

from ivrengine.runtime.talk_keys import NUMBER_LIMIT, PAUSE_SECONDS, Code, TalkKeys


def press(keys: TalkKeys, text: str, at: float = 0.0) -> list[Code]:
    return [code for key in text if (code := keys.press(key, at)) is not None]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("*28002#", [Code("blind", "8002")]),
        ("*3102#", [Code("consult", "102")]),
        ("*4", [Code("complete")]),
        ("*5", [Code("three_way")]),
        ("*1", [Code("take_back")]),
        ("*7*7", [Code("more_wrap_up")] * 2),
        ("*8", [Code("recording")]),
        ("*9", [Code("unknown")]),
        ("*2#", [Code("unknown")]),
        ("*#", [Code("unknown")]),
        ("1234#", []),
        ("28002#", []),
        ("***4", [Code("complete")]),  # begun, forgotten, begun again
        ("**4", []),
        ("*28*4", []),  # forgotten in the middle
        ("*28**28002#", [Code("blind", "8002")]),
        ("*2800A", [Code("unknown")]),
    ],
)
def test_codes(text, codes) -> None:
    assert press(TalkKeys(), text) == codes


def test_what_was_keyed_long_ago_is_forgotten() -> None:
    keys = TalkKeys()
    assert press(keys, "*28", 0.0) == []
    assert press(keys, "002#", PAUSE_SECONDS + 0.1) == []
    assert press(keys, "*4", PAUSE_SECONDS + 0.2) == [Code("complete")]


def test_a_number_without_end_is_refused_and_not_kept() -> None:
    keys = TalkKeys()
    assert press(keys, "*2" + "1" * (NUMBER_LIMIT + 1)) == [Code("unknown")]
    assert press(keys, "#") == []


def test_what_is_keyed_stands_in_no_repr() -> None:
    keys = TalkKeys()
    press(keys, "*24111")
    assert "4111" not in repr(keys)
