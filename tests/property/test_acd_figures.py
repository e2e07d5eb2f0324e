"""Figures are sums and quotients of what was counted: additive, within bounds, and never invented where nothing was counted."""

from __future__ import annotations

import itertools
from dataclasses import asdict, fields
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.acd.figures import (
    AGENT_FORMULAS,
    CALLBACK_FORMULAS,
    FORMULAS,
    MARK_FORMULAS,
    AgentCounters,
    CallbackCounters,
    Counters,
    MarkCounters,
    agent_figures,
    callback_figures,
    figures,
    mark_figures,
    of_agent_state,
    of_talk,
    of_terminal,
    of_wrap_up,
    shown,
)  # fmt: skip
from ivrengine.acd.happenings import Terminal

TERMINALS = get_args(Terminal)
seconds = st.floats(0, 1e5).map(lambda value: round(value, 3))
pieces = st.one_of(
    st.builds(of_terminal, st.sampled_from(TERMINALS), seconds, st.sampled_from([0.0, 10.0, 20.0])),
    st.builds(of_talk, seconds, seconds),
    st.builds(of_wrap_up, seconds),
)
counted = st.lists(pieces, max_size=30).map(lambda parts: sum(parts, Counters()))
agent_times = st.builds(AgentCounters, *[seconds] * len(fields(AgentCounters)))


def computed(text: str, names: dict) -> float | None:
    """The formula as it is printed, worked out by Python itself."""
    try:
        return eval(text, {"__builtins__": {}}, names)  # our own text, from the source
    except ZeroDivisionError:
        return None


@given(counted)
def test_each_figure_is_what_its_formula_says(counters: Counters):
    result = asdict(figures(counters))
    for name, formula in FORMULAS.items():
        assert result[name] == computed(formula.text, {**result, **asdict(counters)}), formula
    assert list(FORMULAS) == list(result)


@given(agent_times)
def test_each_figure_of_an_agent_is_what_its_formula_says(counters: AgentCounters):
    result = asdict(agent_figures(counters))
    for name, formula in AGENT_FORMULAS.items():
        assert result[name] == computed(formula.text, {**result, **asdict(counters)}), formula


@given(st.builds(MarkCounters, st.integers(0, 99), seconds), st.builds(CallbackCounters, *[st.integers(0, 9)] * 6, seconds))
def test_each_figure_of_surveys_and_callbacks_is_what_its_formula_says(marks: MarkCounters, callbacks: CallbackCounters):
    for formulas, counters, result in (
        (MARK_FORMULAS, marks, asdict(mark_figures(marks))),
        (CALLBACK_FORMULAS, callbacks, asdict(callback_figures(callbacks))),
    ):
        for name, formula in formulas.items():
            assert result[name] == computed(formula.text, {**result, **asdict(counters)}), formula


@given(st.lists(pieces, max_size=20), st.integers(0, 20))
def test_counters_of_parts_add_up_to_the_whole(parts: list[Counters], cut: int):
    whole, left, right = (sum(some, Counters()) for some in (parts, parts[:cut], parts[cut:]))
    for name, value in asdict(left + right).items():
        assert value == pytest.approx(getattr(whole, name))


@given(counted)
def test_shares_stay_between_nothing_and_all(counters: Counters):
    result = figures(counters)
    shares = [getattr(result, name) for name, formula in FORMULAS.items() if formula.unit == "share"]
    assert all(share is None or 0 <= share <= 1 for share in shares)
    ignored, negative, positive = result.service_level_ignored, result.service_level_negative, result.service_level_positive
    if ignored is not None:
        assert negative <= ignored
    if positive is not None:
        assert negative <= positive


@given(st.lists(st.tuples(st.sampled_from(TERMINALS), seconds), max_size=40), st.sampled_from([0.0, 15.0, 20.0]))
def test_every_terminal_is_counted_once_in_offered_or_in_refused(ends: list[tuple[Terminal, float]], level: float):
    counters = sum((of_terminal(terminal, wait, level) for terminal, wait in ends), Counters())
    result = figures(counters)
    assert result.offered + result.refused == len(ends)
    assert result.refused == sum(terminal.startswith("refused") for terminal, _ in ends)
    within = [terminal for terminal, wait in ends if wait <= level]
    assert counters.answered_within == within.count("answered")
    assert counters.abandoned_within == within.count("abandoned") + within.count("short_abandon")


def test_where_nothing_was_counted_nothing_is_claimed():
    empty = figures(Counters())
    assert (empty.offered, empty.refused) == (0, 0)
    for name, formula in FORMULAS.items():
        if "/" in formula.text:
            assert getattr(empty, name) is None
            assert shown(getattr(empty, name), formula.unit) == "-"
    assert agent_figures(AgentCounters()).occupancy is None
    # everybody hung up at once: there is nothing to measure the variant by that leaves them out
    assert figures(of_terminal("short_abandon", 2.0, 20.0)).service_level_ignored is None


def test_a_day_worked_out_by_hand():
    counters = sum(
        itertools.chain(
            [of_terminal("answered", wait, 20.0) for wait in (5.0, 15.0, 20.0, 40.0)],
            [of_terminal("abandoned", 12.0, 20.0), of_terminal("abandoned", 90.0, 20.0), of_terminal("short_abandon", 3.0, 20.0)],
            [of_terminal("timeout", 600.0, 20.0), of_terminal("refused_full", 0.0, 20.0)],
            [of_talk(100.0, 20.0), of_talk(50.0, 0.0), of_wrap_up(30.0), of_wrap_up(10.0)],
        ),
        Counters(),
    )
    result = figures(counters)
    assert (result.offered, result.refused, result.answered, result.abandoned) == (8, 1, 4, 2)
    assert result.average_speed_of_answer == 20.0
    assert result.average_handling_time == 105.0
    assert result.abandon_rate == 2 / 8
    assert result.service_level_ignored == 3 / 6
    assert result.service_level_negative == 3 / 8
    assert result.service_level_positive == 5 / 8
    assert [shown(result.average_handling_time, "seconds"), shown(result.service_level_negative, "share")] == ["1:45", "38 %"]


def test_an_agents_states_become_times():
    states = [
        ("READY", "IDLE", 100), ("READY", "RINGING", 10), ("READY", "TALKING", 60), ("READY", "HOLD", 5), ("READY", "CONSULT", 5),
        ("NOT_READY", "WRAP_UP", 20), ("NOT_READY", "IDLE", 600), ("READY", "EXTERNAL", 40), ("LOGGED_OUT", "IDLE", 9999),
    ]  # fmt: skip
    counters = sum((of_agent_state(*state) for state in states), AgentCounters())
    result = agent_figures(counters)
    assert result.occupancy == 0.5  # breaks, other calls and the time logged out are no part of it
    assert result.logged_in_seconds == 840
    assert shown(result.logged_in_seconds, "seconds") == "14:00"
