"""The door: what is stale, doubled or unknown changes nothing; a log leads to the same state; time is kept in order."""

from __future__ import annotations

import gc
import json
from random import Random

import pytest
from callcentre import CallCentre, agent, ends, queue

from ivrengine.acd import happenings as ha
from ivrengine.acd.dispatcher import Dispatcher
from ivrengine.acd.limits import ENDED_REMEMBERED
from ivrengine.acd.model import Attempt, Item
from ivrengine.acd.strategies import STRATEGIES
from ivrengine.domain.needs import Ring

UNKNOWN = [
    ha.Left("?", "abandoned"), ha.Raised("?", 5.0), ha.Moved("?", "q"), ha.Assigned("?", "1"), ha.LoggedOut("?"),
    ha.BreakDecided("?", True), ha.WrapUpDone("?", "x"), ha.WrapUpExtended("?", 5.0), ha.PhoneBusy("?", "x"), ha.PhoneFree("?", "x"),
    ha.PhoneReachable("?", False), ha.OfferRinging("?"), ha.OfferAnswered("?"), ha.OfferBridging("?"), ha.OfferBridged("?"),
    ha.OfferFailed("?", "rejected"), ha.TalkChanged("?", "HOLD"), ha.TalkEnded("?"), ha.TalkFound("?", "?", "?", "q", 0.0),
    ha.TalkFound("?", "?", "1", "?", 0.0), ha.AgentFound("?", "81", "READY", "", 0.0, 0.0), ha.BreakDecided("1", True),
    ha.WrapUpDone("1", "x"), ha.WrapUpExtended("1", 5.0), ha.PhoneFree("1", "x"), ha.Opened(), ha.Left("a", "answered"),
]  # fmt: skip
REFUSED = [ha.LoggedIn("?", "8"), ha.BecameReady("?"), ha.BecameNotReady("?", "lunch"), ha.BreakAsked("?", "lunch")]


def some_centre() -> CallCentre:
    centre = CallCentre(agent("1"), agent("2"))
    centre.call("a", waited=9)
    centre.call("b", waited=8, excluded=("2",))
    return centre


@pytest.mark.parametrize("happening", UNKNOWN + REFUSED)
def test_what_is_unknown_changes_nothing(happening):
    centre = some_centre()
    before = centre.dispatcher.snapshot()
    assert len(centre.tell(happening)) == (happening in REFUSED)  # whoever asked is told
    assert centre.dispatcher.snapshot() == before


def test_an_item_comes_once_even_after_its_end():
    centre = some_centre()
    assert centre.call("b", waited=99) == []
    assert centre.dispatcher.item("b").queued_at == centre.now - 8
    centre.tell(ha.Left("b", "abandoned"))
    assert centre.call("b") == []
    assert centre.line() == ["a"]


def test_only_so_many_ended_items_are_remembered():
    centre = CallCentre(queue(when_empty="refuse"), ready=False)
    for number in range(ENDED_REMEMBERED + 1):
        centre.call(f"c{number}")
    assert ends(centre.call("c1")) == []
    assert ends(centre.call("c0")) == [("c0", "refused_empty")]


def test_a_clock_that_is_set_back_stands_still():
    centre = some_centre()
    centre.wait(2)
    assert centre.dispatcher.feed(ha.Left("b", "abandoned"), 0.0)[0].wait_seconds == 10.0


def test_deadlines_that_were_slept_through_are_kept_in_order():
    centre = CallCentre(queue(max_wait_seconds=30.0), agent("1"))
    centre.away("1")
    centre.call("a")
    centre.call("b", waited=10)
    centre.now += 500
    assert centre.dispatcher.next_deadline() < centre.now
    assert ends(centre.wait(0)) == [("b", "timeout"), ("a", "timeout")]
    assert centre.dispatcher.next_deadline() is None


def random_day(seed: int, steps: int = 400) -> CallCentre:
    """Anything in any order, also nonsense; deadlines kept or not."""
    dice = Random(seed)
    queues = [
        queue(f"q{n}", strategy=strategy, order=dice.choice(("cost", "age")), max_wait_seconds=dice.choice((0.0, 60.0)))
        for n, strategy in enumerate(STRATEGIES)
    ]
    names = [each.name for each in queues]
    agents = [agent(str(n), *dice.sample(names, 4), skills={"x": dice.randint(0, 9)}, team="t") for n in range(6)]
    centre = CallCentre(*queues, *agents, seed=seed)
    for number in range(steps):
        one, item = str(dice.randrange(7)), f"c{dice.randrange(number + 1)}"
        attempt = f"{item}/{dice.randint(1, 2)}"
        live = [each.attempt_id for each in centre.dispatcher.agents() if each.attempt_id] or [attempt]
        attempt = dice.choice([attempt, *live, *live])
        rings = (Ring(0.0, (("x", dice.randint(0, 9)),)), Ring(10.0))
        centre.tell(
            dice.choice([
                ha.Queued(f"c{number}", dice.choice(names), centre.now - dice.choice((0, 50)), rings, dice.choice((0.0, 30.0)),
                          sticky_agent=one, sticky_seconds=dice.choice((0.0, 5.0)), virtual=dice.random() < 0.2),
                ha.Left(item, dice.choice(("abandoned", "voicemail"))), ha.Raised(item, 10.0), ha.Moved(item, dice.choice(names)),
                ha.Assigned(item, one), ha.LoggedIn(one, f"8{dice.randrange(7)}"), ha.LoggedOut(one), ha.BecameReady(one),
                ha.BecameReady(one), ha.BecameNotReady(one, "lunch"), ha.WrapUpDone(one), ha.PhoneBusy(one, "x"),
                ha.PhoneFree(one, "x"), ha.PhoneReachable(one, dice.random() < 0.8), ha.OfferRinging(attempt),
                ha.OfferAnswered(attempt), ha.OfferBridging(attempt), ha.OfferBridged(attempt), ha.TalkEnded(attempt),
                ha.OfferFailed(attempt, dice.choice(("no_answer", "rejected", "withdrawn"))), ha.TalkChanged(attempt, "HOLD"),
            ])  # fmt: skip
        )
        if dice.random() < 0.3:
            centre.wait(dice.choice((0.5, 3.0, 40.0)))
        elif dice.random() < 0.1:
            centre.now += 7.0
    return centre


@pytest.mark.parametrize("seed", range(8))
def test_the_same_log_leads_to_the_same_state_whoever_looks(seed):
    centre = random_day(seed)
    again = Dispatcher(seed)
    decisions = []
    for happening, now in centre.log:  # nobody asks for next_deadline in between
        decisions += again.expire(now) if happening is None else again.feed(happening, now)
    assert decisions == centre.told
    assert again.snapshot() == centre.dispatcher.snapshot()
    json.dumps(again.snapshot())


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_left_over_when_all_have_gone(seed):
    centre = random_day(seed)
    for item in centre.dispatcher.items():
        centre.tell(ha.Left(item.item_id, "abandoned"))
    for view in centre.dispatcher.agents():
        centre.tell(ha.PhoneFree(view.agent_id, "x"))
        if view.attempt_id:
            centre.tell(ha.OfferFailed(view.attempt_id, "caller_gone"))
            centre.tell(ha.TalkEnded(view.attempt_id))
        centre.tell(ha.LoggedOut(view.agent_id))
        centre.tell(ha.WrapUpDone(view.agent_id))
    centre.wait(1000)
    state = centre.dispatcher.snapshot()
    assert (state["items"], state["attempts"], state["next_deadline"]) == ({}, {}, None)
    assert {(view.work, view.intent) for view in centre.dispatcher.agents()} == {("IDLE", "LOGGED_OUT")}
    assert all(each["excluded_from"] == [] and each["assigned"] == [] for each in state["agents"].values())
    assert all(each["line"] == [] and each["living"] == each["logged_in"] == 0 for each in state["queues"].values())


def test_what_is_over_is_not_left_to_the_garbage_collector():
    centre = CallCentre(agent("1"), agent("2"))
    gc.collect()
    gc.disable()
    try:
        for number in range(20):
            centre.call(f"c{number}")
            centre.tell(ha.Left(f"c{number}", "abandoned")) if number % 2 else None
            for view in centre.dispatcher.agents():
                if view.attempt_id:
                    centre.tell(ha.OfferFailed(view.attempt_id, "caller_gone")) if number % 2 else centre.serve(view.agent_id)
        centre.wait(100)
        left = [each for each in gc.get_objects() if isinstance(each, Item | Attempt)]
    finally:
        gc.enable()
    assert left == []
