"""When a caller wants to be called: so much later, within so long, and only while a calendar is open."""

from __future__ import annotations

import pytest

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import RequestCallback
from ivrengine.flow.compile import compile_flow
from ivrengine.flow.flowset import FlowSet
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.rehearsal import Rehearsal
from ivrengine.flow.world import World

HOUR = 3600.0
DAY = 24 * HOUR


class Office:
    """Open from 9 to 17, Greenwich time; ``never`` is a calendar that is never open, ``always`` one that always is."""

    def label(self, calendar: str, now: float) -> str:
        is_open = {"office": 9 * HOUR <= now % DAY < 17 * HOUR, "never": False, "always": True}[calendar]
        return "open" if is_open else "closed"


def window(fields: str, at: float) -> tuple[float, float]:
    text = f"""
flow: line
languages: [zh-CN]
start: ask
steps:
  ask: {{callback: {{queue: delivery, prompt: enter, {fields} accepted: bye, failed: bye}}}}
  bye: {{hangup: }}
"""
    compiled = compile_flow(text, "line.yml")
    assert compiled.flow is not None, compiled.findings
    interpreter = Interpreter(FlowSet([compiled.flow]), World(Office(), outside_numbers=("1*",)))
    rehearsal = Rehearsal(interpreter, interpreter.new_run(compiled.flow, CallInfo("call-1", "100", "13800138000")), start_at=at)
    rehearsal.begin()
    rehearsal.press("1")
    (request,) = [command for command in rehearsal.commands if isinstance(command, RequestCallback)]
    return request.not_before, request.not_after


@pytest.mark.parametrize(
    ("fields", "at", "expected"),
    [
        ("", 10 * HOUR, (0.0, 0.0)),
        ("after_at_least: 30m,", 10 * HOUR, (10.5 * HOUR, 0.0)),
        ("within: 4h,", 10 * HOUR, (0.0, 14 * HOUR)),
        ("calendar: office,", 10 * HOUR, (10 * HOUR, 17 * HOUR)),
        ("calendar: office,", 20 * HOUR, (DAY + 9 * HOUR, DAY + 17 * HOUR)),  # the next morning
        ("calendar: office, after_at_least: 30m,", 16.75 * HOUR, (DAY + 9 * HOUR, DAY + 17 * HOUR)),
        ("calendar: office, within: 2h,", 10 * HOUR, (10 * HOUR, 12 * HOUR)),
        ("calendar: office, within: 2h,", 20 * HOUR, (DAY + 9 * HOUR, DAY + 17 * HOUR)),  # not before it opens: then all that day
        ("calendar: always, within: 2h,", 20 * HOUR, (20 * HOUR, 22 * HOUR)),
        ("calendar: always,", 20 * HOUR, (20 * HOUR, 0.0)),
        ("calendar: never, within: 2h,", 20 * HOUR, (20 * HOUR, 22 * HOUR)),
    ],
)
def test_the_window(fields: str, at: float, expected: tuple[float, float]) -> None:
    assert window(fields, at) == expected
