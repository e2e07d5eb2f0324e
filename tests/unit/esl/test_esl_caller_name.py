"""FreeSWITCH repeats the number where no name was told: that is no name."""

from __future__ import annotations

import pytest
from esl_peer import block

from ivrengine.esl.translate import call_info
from ivrengine.esl.wire import RawEvent


@pytest.mark.parametrize(
    ("told", "name"), [("13800138000", ""), ("+13800138000", "+13800138000"), ("张三", "张三"), ("", "")]
)
def test_a_name_that_only_repeats_the_number_is_left_out(told: str, name: str) -> None:
    headers = {"Unique-ID": "c1", "Caller-Caller-ID-Number": "13800138000", "Caller-Caller-ID-Name": told}
    call = call_info(RawEvent(block(headers)), 1.0)
    assert (call.number, call.name) == ("13800138000", name)
