"""The judge finds what is wrong: dispatchers that are broken on purpose do not get through a few days."""

from __future__ import annotations

from itertools import count

import pytest
from acd_soak import a_day

from ivrengine.acd import agents, callers, lanes, offers
from ivrengine.acd import dispatcher as door
from ivrengine.acd.decisions import ItemEnded
from ivrengine.acd.floor import Floor
from ivrengine.acd.happenings import Left, OfferAnswered, OfferFailed
from ivrengine.acd.strategies import STRATEGIES
from ivrengine.acd.strategies.base import Strategy
from ivrengine.acd.timers import Timers

DAYS = 150
_numbers = count()


def skill_does_not_matter(patch: pytest.MonkeyPatch) -> None:
    honest = lanes.cost_of
    patch.setattr(lanes, "cost_of", lambda rules, queue, rings: honest(rules, queue, ((),)))


def nobody_is_excluded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Floor, "exclude", lambda floor, item, agent_id, until: None)


def freed_agents_take_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lanes.Lanes, "item_for", lambda index, agent: None)


def calls_find_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lanes.Lanes, "agents_for", lambda index, item, draw: [])


def the_shortest_idle_is_asked_first(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(STRATEGIES, "longest_idle", Strategy(lambda agent, lane: -agent.idle_since))


def requeueing_costs_the_place(patch: pytest.MonkeyPatch) -> None:
    honest = Floor.requeue

    def requeue(floor: Floor, item, attempt, now: float) -> None:
        if item.state != "ENDED":
            floor.leave_line(item)
            item.boost(-1.0)
            floor.join_line(item, item.entered_at)
        honest(floor, item, attempt, now)

    patch.setattr(Floor, "requeue", requeue)


def everybody_wins_a_ring_all(patch: pytest.MonkeyPatch) -> None:
    honest = offers.answered

    def answered(floor: Floor, told: OfferAnswered, now: float) -> None:
        cancel, floor.cancel = floor.cancel, lambda *a, **k: None
        try:
            honest(floor, told, now)
        finally:
            floor.cancel = cancel

    patch.setitem(door.RULES, OfferAnswered, answered)


def an_end_is_told_twice(patch: pytest.MonkeyPatch) -> None:
    honest = callers.left

    def left(floor: Floor, told: Left, now: float) -> None:
        honest(floor, told, now)
        floor.decisions.extend([each for each in floor.decisions if isinstance(each, ItemEnded)])

    patch.setitem(door.RULES, Left, left)


def a_caller_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    honest = offers.failed

    def failed(floor: Floor, told: OfferFailed, now: float) -> None:
        attempt = floor.attempts.get(told.attempt_id)
        honest(floor, told, now)
        if attempt is not None and attempt.item.state == "QUEUED":
            floor.leave_line(attempt.item)
            floor.forget(attempt.item)

    patch.setitem(door.RULES, OfferFailed, failed)


def a_cancelled_leg_frees_its_agent_at_once(patch: pytest.MonkeyPatch) -> None:
    honest = Floor.cancel

    def cancel(floor: Floor, attempt, why: str, now: float, fault: str = "") -> None:
        honest(floor, attempt, why, now, fault)
        floor.attempts.pop(attempt.attempt_id, None)
        floor.rest(attempt.agent, "offer_over", now)

    patch.setattr(Floor, "cancel", cancel)


def breaks_are_granted_to_all(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(agents, "_is_away", lambda agent: False)


def timers_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    honest = Timers.set
    patch.setattr(Timers, "set", lambda timers, alarm, due: honest(timers, alarm, due) if alarm.kind != "item" else None)


def luck_is_not_repeatable(patch: pytest.MonkeyPatch) -> None:
    honest = lanes.Lanes.agents_for
    patch.setattr(lanes.Lanes, "agents_for", lambda index, item, draw: honest(index, item, lambda below: next(_numbers) % below))


BROKEN = (
    skill_does_not_matter, nobody_is_excluded, freed_agents_take_nothing, calls_find_nobody, the_shortest_idle_is_asked_first,
    requeueing_costs_the_place, everybody_wins_a_ring_all, an_end_is_told_twice, a_caller_is_forgotten,
    a_cancelled_leg_frees_its_agent_at_once, breaks_are_granted_to_all, timers_are_forgotten, luck_is_not_repeatable,
)  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_a_broken_dispatcher_is_found_out(broken, monkeypatch: pytest.MonkeyPatch):
    broken(monkeypatch)
    with pytest.raises(AssertionError):
        for seed in range(DAYS):
            a_day(seed)
