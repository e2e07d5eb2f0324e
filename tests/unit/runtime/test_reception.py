"""What the reception settles by itself, without a switch."""

from __future__ import annotations

from ivrengine.domain.caller import CallInfo
from ivrengine.flow.run import Frame, Run
from ivrengine.runtime.reception import new_tokens


def test_a_call_of_an_earlier_process_never_uses_its_tokens_again():
    run = Run(CallInfo("c", "100", "", "", 0.0), [Frame("line", "v", "main")], "zh-CN", tokens=7)
    new_tokens(run, 1_800_000_000.5)
    first = run.tokens
    assert first > 7 + 1000
    new_tokens(run, 1_700_000_000.0)  # the clock was put back meanwhile
    assert run.tokens > first
