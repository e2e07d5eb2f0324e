"""Needs as they are asked of the call centre: what is fixed, what is worked out for one caller, and what relaxes."""

from __future__ import annotations

from typing import Any

import pytest

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import Enqueue, RaiseAlarm
from ivrengine.domain.needs import Ring
from ivrengine.flow.compile import compile_flow
from ivrengine.flow.flowset import FlowSet
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.rehearsal import Rehearsal
from ivrengine.flow.waiting import as_command, as_record
from ivrengine.flow.world import World


class Closed:
    def label(self, calendar: str, now: float) -> str:
        return "closed"


def asked(fields: str, **variables: Any) -> tuple[Enqueue, list[RaiseAlarm]]:
    text = f"""
flow: line
languages: [zh-CN, en-US]
start: person
steps:
  person: {{queue: {{queue: circulation, {fields}, failed: bye}}}}
  bye: {{hangup: }}
"""
    compiled = compile_flow(text, "line.yml")
    assert compiled.flow is not None, compiled.findings
    interpreter = Interpreter(FlowSet([compiled.flow]), World(Closed()))
    run = interpreter.new_run(compiled.flow, CallInfo("call-1", "100", "13800138000"))
    run.variables.update(variables)
    rehearsal = Rehearsal(interpreter, run)
    rehearsal.begin()
    (command,) = [command for command in rehearsal.commands if isinstance(command, Enqueue)]
    return command, [command for command in rehearsal.commands if isinstance(command, RaiseAlarm)]


def rings(fields: str, **variables: Any) -> tuple[Ring, ...]:
    return asked(fields, **variables)[0].rings


def test_needs_relax_ring_by_ring_sorted_by_skill() -> None:
    found = rings("needs: {zulu: 2, complaints: 5}, relax: [{after: 20s, needs: {zulu: 1}}, {after: 1m}]")
    assert found == (Ring(0.0, (("complaints", 5), ("zulu", 2))), Ring(20.0, (("zulu", 1),)), Ring(60.0, ()))


def test_a_level_worked_out_as_nought_is_no_need() -> None:
    fields = "needs: {english: '1 if language == \"en-US\" else 0', mandarin: '3 if language == \"zh-CN\" else 0'}"
    assert rings(fields) == (Ring(0.0, (("mandarin", 3),)),)


def test_a_later_ring_that_is_worked_out_never_asks_for_more() -> None:
    found = rings("needs: {english: low}, relax: [{after: 20s, needs: {english: high}}]", low=2, high=9)
    assert found == (Ring(0.0, (("english", 2),)), Ring(20.0, (("english", 2),)))
    assert rings("needs: {english: low}, relax: [{after: 20s, needs: {english: high}}]", low=0, high=9)[1].needs == ()


@pytest.mark.parametrize(("level", "needed"), [(99, 10), (-3, 0), (2.9, 2), ("4", 4)])
def test_levels_stay_between_0_and_10(level: Any, needed: int) -> None:
    assert rings("needs: {english: level}", level=level)[0].needs == ((("english", needed),) if needed else ())


@pytest.mark.parametrize(
    ("priority", "seconds"), [("90s", 90.0), ("2m", 120.0), ("60", 60.0), ("'30 * 2'", 60.0), ("24h", 3600.0), ("'-5'", 0.0)]
)
def test_a_head_start(priority: str, seconds: float) -> None:
    assert asked(f"priority: {priority}")[0].boost_seconds == seconds


def test_what_is_no_number_is_nought_and_an_alarm() -> None:
    command, alarms = asked("priority: level, needs: {english: level}", level="gold")
    assert (command.boost_seconds, command.rings) == (0.0, (Ring(0.0, ()),))
    assert [alarm.code for alarm in alarms] == ["expression_failed", "expression_failed"]


@pytest.mark.parametrize(
    ("sticky", "agent"), [("last", "last"), ("favourite", "1007"), ("nobody", ""), ("missing", ""), ("strange", "")]
)
def test_the_same_agent(sticky: str, agent: str) -> None:
    command, _ = asked(f"sticky: {{agent: {sticky}, wait: 20s}}", favourite="1007", nobody="", strange="10'; drop")
    assert (command.sticky_agent, command.sticky_seconds) == (agent, 20.0)


def test_what_was_asked_is_saved_and_asked_again_as_it_was() -> None:
    command, _ = asked("needs: {english: 3}, relax: [{after: 20s}], priority: 30s, sticky: {agent: last}, max_wait: 5m")
    assert as_command(as_record(command)) == command
