"""Each case as written, saved and loaded after every event, and with a hang-up or a crash of the engine at every moment."""

from __future__ import annotations

import pytest

from ivrengine.domain import commands as do
from ivrengine.flow import steps as _steps  # noqa: F401  registers all steps
from ivrengine.flow.rehearsal import Rehearsal
from ivrengine.flow.step import REGISTRY

from .cases import HERE, Case, SavingRehearsal, alarms, check, load_cases, rehearsal_of, rows, walk
from .cases import moments as moments_of

CASES = load_cases()
MOST_MOMENTS = 40  # per case, spread evenly; enough for every stage of the longest case
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def test_every_step_has_cases() -> None:
    assert set(REGISTRY) - {case.file for case in CASES} == set()


def test_every_rule_of_menu_and_collect_has_a_case() -> None:
    told = {str(case.data["rule"]) for case in CASES if "rule" in case.data}
    assert {str(number) for number in range(1, 12)} - told == set()


def test_case_files_belong_to_steps() -> None:
    assert {path.stem for path in HERE.glob("*.yml")} - set(REGISTRY) - {"flow_keys", "on_hangup", "fallback"} == set()


@each_case
def test_as_written(case: Case) -> None:
    rehearsal = rehearsal_of(case)
    walk(case, rehearsal)
    check(case, rehearsal)


@each_case
def test_saved_and_loaded_after_every_event(case: Case) -> None:
    rehearsal = rehearsal_of(case, SavingRehearsal)
    walk(case, rehearsal)
    check(case, rehearsal)


def _some_moments(case: Case) -> list[float]:
    rehearsal = rehearsal_of(case)
    walk(case, rehearsal)
    found = moments_of(rehearsal)
    return found[:: max(1, len(found) // MOST_MOMENTS)]


def _quiet(case: Case, rehearsal: Rehearsal) -> None:
    """Only alarms that the case itself expects."""
    assert set(alarms(rehearsal)) <= set(case.data["expect"].get("alarms", []))


@each_case
def test_hang_up_at_every_moment(case: Case) -> None:
    for moment in _some_moments(case):
        rehearsal = rehearsal_of(case)
        walk(case, rehearsal, stop_at=moment)
        was_over = rehearsal.run.finished
        before = len(rehearsal.commands)
        rehearsal.hang_up()
        assert rehearsal.run.finished and not rehearsal.run.timers
        _quiet(case, rehearsal)
        if not was_over:
            after = rehearsal.commands[before:]
            assert "hangup" in {command.outcome for command in after if isinstance(command, do.LogStep)}
            assert not [
                command for command in after if isinstance(command, (do.Play, do.Record, do.Dial, do.CollectSecret, do.Answer))
            ]
            kept = [command for command in rehearsal.commands if isinstance(command, do.KeepMessage)]
            assert len({message.path for message in kept}) == len(kept)
        assert [row.sequence for row in rows(rehearsal)] == list(range(len(rows(rehearsal))))


@each_case
@pytest.mark.parametrize("down_seconds", [0.0, 60.0])
def test_crash_at_every_moment(case: Case, down_seconds: float) -> None:
    for moment in _some_moments(case):
        rehearsal = rehearsal_of(case)
        walk(case, rehearsal, stop_at=moment)
        if rehearsal.run.finished:
            continue
        rehearsal.restart_engine(down_seconds)
        _quiet(case, rehearsal)
        assert rehearsal.run.finished or rehearsal.next_moment() is not None
        if case.data.get("then") != "stay":
            rehearsal.run_to_end()
