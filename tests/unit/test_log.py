"""The log line: fields behind a sentence, numbers masked, strangers' text on one line."""

import logging

import pytest

from ivrengine.log import note


def test_numbers_are_masked_and_text_stays_on_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        note(logging.getLogger("t"), "a call has come in", number="13800138000", name="Bob\nfake: line", call_id="u1")
    assert caplog.messages == ["a call has come in number=********000 name='Bob\\nfake: line' call_id=u1"]


def test_broken_text_and_long_text_do_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        note(logging.getLogger("t"), "odd", name="\udcff" + "x" * 10_000)
    assert len(caplog.messages[0]) < 400
    caplog.messages[0].encode("utf-8")
