"""The expected wait grows with the line, shrinks with agents and with hang-ups, keeps silent when unsure; bands never grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.acd.expected_wait import BANDS, LEAST_KNOWN, MEMORY_SECONDS, Band, ExpectedWait

NOW = 1_800_000_000.0
aht = st.floats(20, 900)
places = st.integers(0, 60)
crews = st.integers(1, 80)


def queue_with(handling: float, *, served: tuple[float, ...] = (), abandoned: tuple[float, ...] = (), at: float = NOW) -> ExpectedWait:
    waits = ExpectedWait()
    for _ in range(LEAST_KNOWN):
        waits.handled(at, handling)
    for wait in served:
        waits.served(at, wait)
    for wait in abandoned:
        waits.abandoned(at, wait)
    return waits


@given(aht, places, crews)
def test_without_hang_ups_it_is_the_places_times_the_handling_time_over_the_agents(handling: float, ahead: int, agents: int):
    expected = (ahead + 1) * handling / agents
    seconds = queue_with(handling).seconds(NOW, ahead=ahead, waiting=ahead, agents=agents)
    assert seconds == (pytest.approx(expected) if expected <= BANDS[-1][1] * 60 else None)


@given(aht, places, crews, st.lists(st.floats(5, 600), min_size=1, max_size=20))
def test_hang_ups_shorten_it_as_the_sum_over_all_places_says(handling: float, ahead: int, agents: int, patience: list[float]):
    waits = queue_with(handling, abandoned=tuple(patience))
    service, loss = agents / handling, len(patience) / sum(patience)
    exact = sum(1 / (service + place * loss) for place in range(ahead + 1))
    seconds = waits.seconds(NOW, ahead=ahead, waiting=ahead, agents=agents)
    plain = queue_with(handling).seconds(NOW, ahead=ahead, waiting=ahead, agents=agents)
    if seconds is not None:
        if plain is not None:
            assert seconds <= plain * 1.1  # equal at the head of the line, where the sum's integral is roughest
        if loss < service:
            assert seconds == pytest.approx(exact, rel=0.1)


@given(aht, places, places, crews, crews, st.lists(st.floats(5, 600), max_size=10))
def test_a_later_place_waits_longer_and_more_agents_shorten_it(handling, ahead, other, agents, more, patience):
    waits = queue_with(handling, abandoned=tuple(patience))
    near, far = sorted((ahead, other))
    few, many = sorted((agents, more))
    line = max(near, far)
    at_near = waits.seconds(NOW, ahead=near, waiting=line, agents=few)
    at_far = waits.seconds(NOW, ahead=far, waiting=line, agents=few)
    with_many = waits.seconds(NOW, ahead=far, waiting=line, agents=many)
    if at_far is not None:
        assert at_near is not None
        assert at_near <= at_far + 1e-9
        assert with_many is not None
        assert with_many <= at_far + 1e-9


def test_it_is_silent_when_unsure():
    place = {"ahead": 3, "waiting": 5, "agents": 2}
    assert ExpectedWait().seconds(NOW, **place) is None
    few = ExpectedWait()
    for _ in range(LEAST_KNOWN - 1):
        few.handled(NOW, 120.0)
    assert few.seconds(NOW, **place) is None
    few.handled(NOW, 120.0)
    assert few.seconds(NOW, **place) == pytest.approx(240.0)
    assert few.seconds(NOW, ahead=3, waiting=5, agents=0) is None  # nobody will come
    assert few.seconds(NOW + MEMORY_SECONDS + 1, **place) is None  # what was known is old
    assert queue_with(120.0, served=(2000.0,) * 5).seconds(NOW, **place) is None  # the last waits say something else entirely
    assert queue_with(900.0).seconds(NOW, ahead=20, waiting=20, agents=1) is None  # beyond the longest band


def test_an_idle_agent_for_each_one_ahead_means_no_wait():
    assert ExpectedWait().seconds(NOW, ahead=1, waiting=1, agents=3, ready=2) == 0.0


def test_what_the_last_callers_waited_counts_too_by_the_place_in_line():
    waits = queue_with(120.0, served=(200.0,) * 5)
    assert waits.seconds(NOW, ahead=3, waiting=3, agents=2) == pytest.approx(0.6 * 240 + 0.4 * 200)
    assert waits.seconds(NOW, ahead=1, waiting=3, agents=2) == pytest.approx(0.6 * 120 + 0.4 * 100)


@given(st.lists(st.one_of(st.none(), st.floats(0, 5000)), max_size=40))
def test_a_band_never_grows_and_never_says_less_than_is_expected(estimates: list[float | None]):
    band, told = Band(), (10**6, 10**6)
    for estimate in estimates:
        said = band.minutes(estimate)
        if said is None:
            continue
        assert said in BANDS
        assert said[0] <= told[0]
        assert said[1] <= told[1]
        assert said[0] * 60 <= estimate <= said[1] * 60 * 1.25
        told = said


def test_a_band_follows_the_line_down_and_keeps_silent_when_it_would_have_to_go_up():
    band = Band()
    said = [band.minutes(seconds) for seconds in (400.0, 660.0, 900.0, None, 301.0, 299.0, 310.0, 500.0, 119.0, 30.0, 61.0, 200.0)]
    assert said == [(5, 10), (5, 10), None, None, (5, 10), (2, 5), (2, 5), None, (1, 2), (0, 1), (0, 1), None]
