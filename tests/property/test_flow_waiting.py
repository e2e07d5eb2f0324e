"""Whatever happens while a caller waits, hears information, is found an agent, talks or asks for a callback, the queue is told once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_flow_property import Call, SomeQueues, SometimesOpen, compiled

from ivrengine.domain import commands as do
from ivrengine.domain.caller import CallInfo
from ivrengine.flow.flowset import FlowSet
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.world import World

LINE = """
flow: line
languages: [zh-CN]
start: pin
keys: {"*": {label: Back, do: back}}
%s
steps:
  pin: {collect: {variable: pin, prompt: p, digits: 1-9, secret: true, next: person, no_input: person, no_match: person}}
  person:
    queue:
      queue: one
      priority: '60 if pin == "1" else 0'
      announce: {first: 1s, every: 5s, position: [{number: position}], offer: keys}
      choices:
        1: {label: Message, go: message, leaves_as: voicemail}
        2: {label: Hours, do: inform, flow: info}
        3: {label: Call me, do: inform, flow: call}
        4: {label: Call me later, go: later, leaves_as: callback_requested}
        5: {label: Wait, do: wait}
        6: {label: Broken, do: inform, flow: nowhere}
      announce_agent: [{digits: agent}]
      answered: rate
      failed: message
  message: {voicemail: {box: box, next: bye}}
  later: {callback: {prompt: enter, accepted: bye, failed: person}}
  rate: {survey: {survey: s, questions: [{question: q, prompt: p, answers: {1: good}}], comment: {prompt: p}, next: bye}}
  bye: {hangup: }
"""
INFO = """
flow: info
languages: [zh-CN]
start: menu
keys: {"*": {label: Back, do: back}, "0": {label: Out, do: hangup}}
%s
steps:
  menu: {menu: {prompt: p, choices: {1: {label: Deeper, go: deeper}, 2: {label: Sad, go: sad}}, no_input: done, no_match: done}}
  deeper: {sub_flow: {flow: deep, otherwise: done}}
  sad: {by_hours: {calendar: unknown, open: done, closed: done}}
  done: {return: }
"""
DEEP = """
flow: deep
languages: [zh-CN]
start: tell
keys: {"*": {label: Back, do: back}}
steps:
  tell: {play: {prompt: [p, p], next: message}}
  message: {voicemail: {box: box, next: again}}
  again: {queue: {queue: two, failed: done}}
  done: {return: }
"""
CALL = """
flow: call
languages: [zh-CN]
start: ask
keys: {"*": {label: Back, do: back}}
steps:
  ask: {callback: {prompt: p, tries: 1, accepted: done, failed: done}}
  done: {return: }
"""
FALLBACKS = ("", "fallback: message")
INSIDE = ("", "fallback: done", "on_hangup: done")
KINDS = ["end"] * 9 + ["press"] * 6 + ["time"] * 2 + ["stale", "resume", "fail", "abandon", "hang_up"]
ENTER_PIN = [("end", 0), ("end", 0)]  # the call is answered, the secret collected
WORLD = World(SometimesOpen(), SomeQueues(), outside_numbers=("139*",))


class Caller(Call):
    def happen(self, kind: str, pick: int) -> None:
        if kind == "press":
            return super().happen(kind, (1, 2, 3, 4, 5, 6, 1, 2, 3, 10, 0, 11)[pick % 12])
        self.event = None
        if kind == "fail" and not self.run.finished:
            self.take(*(self.interpreter.fail(run, self.now, "provoked", "by a test") for run in (self.run, self.twin)))
        elif kind == "abandon":
            self.take(*(self.interpreter.abandon(run, self.now, "by a test") for run in (self.run, self.twin)))
        elif kind != "fail":
            super().happen(kind, pick)
        return None


def walk(fallback: str, inside: str, what: list[tuple[str, int]]) -> Caller:
    flows = [compiled(LINE % fallback), compiled(INFO % inside), compiled(DEEP), compiled(CALL)]
    caller = Caller(Interpreter(FlowSet(flows), WORLD), flows[0], CallInfo("call-1", "400", "13912345678"))
    for kind, pick in what:
        caller.happen(kind, pick)
    return caller


happenings: Any = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 9999)), max_size=40)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FALLBACKS), st.sampled_from(INSIDE), happenings)
def test_a_waiting_ends_once(fallback: str, inside: str, what: list[tuple[str, int]]) -> None:
    walk(fallback, inside, [*ENTER_PIN, *what]).finish()


@pytest.mark.parametrize("fallback", FALLBACKS)
@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("last", ["fail", "abandon", "hang_up", "resume"])
@pytest.mark.parametrize("keys", ["", "2", "21", "3"])
def test_however_the_caller_is_lost_where_they_are(keys: str, last: str, inside: str, fallback: str) -> None:
    presses = [("press", {"1": 0, "2": 1, "3": 2}[key]) for key in keys]
    caller = walk(fallback, inside, [*ENTER_PIN, *presses, (last, 0)])
    caller.finish()
    left = [command for command in caller.commands if isinstance(command, do.LeaveQueue)]
    assert len(left) == 1
    assert left[0].outcome == ("abandoned" if last in ("hang_up", "resume") or (last == "fail" and "fallback" in inside and keys[:1] == "2")
                               else "flow_out")  # fmt: skip
