"""The virtual switch keeps FreeSWITCH's order of things, and the core its figures."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from ivrengine.domain import commands as do
from ivrengine.domain.caller import CallInfo
from ivrengine.flow.compile import compile_flow
from ivrengine.flow.flowset import FlowSet
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.rehearsal import CommandItem, HeardItem, KeyItem, Phone, Rehearsal, RehearsalError
from ivrengine.flow.world import World

FLOW = """
flow: x
languages: [zh-CN]
start: pin
steps:
  pin: {collect: {variable: pin, prompt: enter_pin, digits: 4, secret: true, next: desk, no_input: bye, no_match: bye}}
  desk: {dial_extension: {extension: "8001", prompt: connecting, ring: 10s, answered: bye, failed: bye}}
  bye: {hangup: {prompt: goodbye}}
"""


class Closed:
    def label(self, calendar: str, now: float) -> str:
        return "closed"


def rehearsal(text: str = FLOW, **how: object) -> Rehearsal:
    flow = compile_flow(text, "x.yml").flow
    assert flow is not None
    interpreter = Interpreter(FlowSet([flow]), World(Closed()))
    return Rehearsal(interpreter, interpreter.new_run(flow, CallInfo("c", "1", "2")), **how)


def test_secret_keys_show_nowhere_and_cut_the_prompt():
    call = rehearsal()
    call.begin()
    call.wait(1)
    call.press("8642")
    keys = [item.key for item in call.transcript if isinstance(item, KeyItem)]
    first = next(item for item in call.transcript if isinstance(item, HeardItem))
    assert keys == ["*"] * 4 and first.cut and first.duration_ms == 1000
    assert call.run.secrets == {"pin": "8642"}


def test_the_next_moment_is_when_something_happens_by_itself():
    call = rehearsal(start_at=100.0, phones={"8001": Phone("no_answer")})
    call.begin()
    assert call.next_moment() == 107.0  # the prompt, and five seconds for a first digit
    call.press("1111")
    assert call.hearing and call.next_moment() == 102.0
    call.wait(2)
    assert not call.hearing and call.next_moment() == 112.0  # it rings for ten seconds
    call.run_to_end()
    assert call.ended == "hangup" and call.next_moment() is None


def test_durations_are_asked_for():
    call = rehearsal(
        "flow: x\nlanguages: [zh-CN]\nstart: a\nsteps:\n  a: {hangup: {prompt: [b, c]}}\n", durations=lambda item: 700
    )
    call.begin()
    call.run_to_end()
    assert [(item.at, item.duration_ms) for item in call.transcript if isinstance(item, HeardItem)] == [(0.0, 700), (0.7, 700)]
    assert call.now == 1.4


def test_a_call_that_never_ends_is_told():
    text = "flow: x\nlanguages: [zh-CN]\nstart: a\nsteps:\n  a: {dial_extension: {extension: '8001', answered: a, failed: a}}\n"
    call = rehearsal(text, phones={"8001": Phone("answered", 1.0, 10_000.0)})
    call.begin()
    with pytest.raises(RehearsalError, match="not over after 24 hours"):
        call.run_to_end()


def test_hanging_up_twice_is_once():
    call = rehearsal()
    call.begin()
    call.hang_up()
    call.hang_up()
    call.press("1")
    call.wait(10)
    rows = [item.command for item in call.transcript if isinstance(item, CommandItem) and isinstance(item.command, do.LogStep)]
    assert [row.outcome for row in rows] == ["hangup"] and call.ended == "caller_hung_up"


def test_the_bench_walks_a_whole_call_and_a_held_call_is_small():
    path = Path(__file__).parents[3] / "scripts" / "benches" / "flow.py"
    spec = importlib.util.spec_from_file_location("flow_bench", path)
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    bench.CALLS_HELD = 50
    flow = bench.typical_flow()
    interpreter = Interpreter(FlowSet([flow]), World(bench.AlwaysOpen()))
    call = bench.into_review(interpreter, flow, 1)
    call.press("2")
    call.run_to_end()
    verbs = [command.verb for command in call.commands if isinstance(command, do.LogStep)]
    assert verbs == ["by_hours", "play", "menu", "page", "menu", "voicemail", "hangup"]
    assert any(isinstance(command, do.KeepMessage) for command in call.commands)
    assert bench._kb_per_call(interpreter, flow) < bench.WANTED_KB_PER_CALL
