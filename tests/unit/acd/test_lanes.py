"""The index: costs, lanes that are opened late and given up, and idle agents who flit in and out."""

from __future__ import annotations

from random import Random

import pytest
from callcentre import CallCentre, agent, offers, queue

from ivrengine.acd import happenings as ha
from ivrengine.acd import lanes
from ivrengine.acd.lanes import PENALTY, TIER, cost_of
from ivrengine.domain.needs import Ring

ENGLISH_5, ENGLISH_2 = (("english", 5),), (("english", 2),)


@pytest.mark.parametrize(
    ("rules", "rings", "expected"),
    [
        (agent("1"), ((),), TIER),
        (agent("1", "elsewhere"), ((),), None),
        (agent("1", tier=2, penalty=3), ((),), 2 * TIER + 3 * PENALTY),
        (agent("1"), (ENGLISH_5,), None),
        (agent("1", skills={"english": 4}), (ENGLISH_5,), None),
        (agent("1", skills={"english": 5}), (ENGLISH_5,), TIER),
        (agent("1", skills={"english": 4}), (ENGLISH_5, ENGLISH_2), TIER + 1),
        (agent("1", skills={"english": 9}), (ENGLISH_5, ENGLISH_2), TIER),
        (agent("1"), (ENGLISH_5, ()), TIER + 5),
    ],
)
def test_what_an_agent_costs(rules, rings, expected):
    assert cost_of(rules, "q", rings) == expected


def test_items_with_the_same_needs_share_a_lane_however_their_times_differ():
    centre = CallCentre(queue(when_empty="wait"), agent("1"))
    centre.away("1")
    for seconds in (10.0, 20.0, 30.0):
        centre.call(f"c{seconds}", rings=(Ring(0.0, ENGLISH_5), Ring(seconds, ENGLISH_2)))
    assert centre.dispatcher.lanes() == 1
    centre.wait(30)
    assert centre.dispatcher.lanes() == 2


def test_a_lane_for_one_agent_is_given_up_when_it_is_empty():
    centre = CallCentre(agent("1"))
    centre.tell(ha.PhoneBusy("1", "x"))
    for number in range(50):
        centre.call(f"c{number}", sticky_agent="1", sticky_seconds=60)
    assert centre.dispatcher.lanes() == 1
    for number in range(50):
        centre.tell(ha.Left(f"c{number}", "abandoned"))
    assert centre.dispatcher.lanes() == 0
    centre.call("next", sticky_agent="1", sticky_seconds=60)
    assert offers(centre.tell(ha.PhoneFree("1", "x"))) == [("next", "1")]


def test_empty_lanes_are_given_up_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(lanes, "MOST_LANES", 10)
    centre = CallCentre(agent("1", skills={f"s{n}": 5 for n in range(100)}), agent("2"))
    centre.away("1")
    for number in range(100):
        centre.call(f"c{number}", rings=(Ring(0.0, ((f"s{number}", 1),)),))
        if number % 10:
            centre.tell(ha.Left(f"c{number}", "abandoned"))
    assert centre.dispatcher.lanes() <= 20
    taken = []
    centre.ready("1")
    while centre.dispatcher.agent("1").item_id:
        taken.append(centre.dispatcher.agent("1").item_id)
        centre.serve("1")
    assert taken == [f"c{number}" for number in range(0, 100, 10)]


def test_idle_agents_are_found_by_a_lane_that_is_opened_later():
    centre = CallCentre(agent("1", skills={"x": 3}), agent("2", skills={"x": 5}))
    assert offers(centre.call("a", rings=(Ring(0.0, (("x", 4),)),))) == [("a", "2")]


def test_flitting_in_and_out_leaves_one_agent_one_time():
    centre = CallCentre(agent("1"), agent("2"))
    centre.call("earlier")  # opens the lane
    centre.serve("1")
    for _ in range(200):
        centre.away("1")
        centre.ready("1")
    centre.away("1")
    assert offers(centre.call("a")) == [("a", "2")]
    assert offers(centre.call("b")) == []
    assert offers(centre.ready("1")) == [("b", "1")]


def test_like_a_search_through_everything():
    """What free agents take, compared with a sort of all that they might take."""
    dice = Random(11)
    names = ["x", "y", "z"]
    queues = [queue(name, order=dice.choice(("cost", "age")), weight_seconds=dice.choice((0.0, 9.0))) for name in names]
    crew = [agent(str(n), *dice.sample(names, 2), tier=dice.randint(1, 2), skills={"s": dice.randint(0, 9)}) for n in range(8)]
    centre = CallCentre(*queues, *crew)
    for each in crew:
        centre.tell(ha.PhoneBusy(each.agent_id, "x"))
    calls = {}
    for number in range(300):
        level = dice.choice((0, 3, 6))
        call = ha.Queued(
            f"c{number:03}", dice.choice(names), centre.now - dice.randint(0, 90), (Ring(0.0, (("s", level),)),),
            excluded=(str(dice.randrange(8)),), virtual=dice.random() < 0.1,
        )  # fmt: skip
        calls[call.item_id] = call
        centre.tell(call)
    rules = {each.name: each for each in queues}

    def age(call: ha.Queued) -> tuple:
        return (call.queued_at - rules[call.queue].weight_seconds, call.item_id)

    def choice(call: ha.Queued, who) -> tuple:
        cost = cost_of(who, call.queue, (call.rings[0].needs,)) if rules[call.queue].order == "cost" else TIER
        return (cost, *age(call))

    for _ in range(200):
        who = dice.choice(crew)
        mine = [
            call for call in calls.values()
            if who.agent_id not in call.excluded and cost_of(who, call.queue, (call.rings[0].needs,)) is not None
        ]  # fmt: skip
        oldest = min((age(call)[0] for call in mine if not call.virtual), default=float("inf"))
        allowed = [call for call in mine if not call.virtual or age(call)[0] < oldest]
        callbacks = [call for call in allowed if call.virtual]
        if callbacks:  # of callbacks only the first in turn is compared with callers
            first = min(callbacks, key=lambda call: choice(call, who))
            allowed = [call for call in allowed if not call.virtual or call is first]
        expected = min(allowed, key=lambda call: choice(call, who)).item_id if allowed else ""
        centre.tell(ha.PhoneFree(who.agent_id, "x"))
        taken = centre.dispatcher.agent(who.agent_id).item_id
        assert taken == expected
        if taken:
            del calls[taken]
            centre.tell(ha.Left(taken, "abandoned"))
            attempt_id = centre.dispatcher.agent(who.agent_id).attempt_id
            centre.tell(ha.PhoneBusy(who.agent_id, "x"))
            centre.tell(ha.OfferFailed(attempt_id, "caller_gone"))
        else:
            centre.tell(ha.PhoneBusy(who.agent_id, "x"))
