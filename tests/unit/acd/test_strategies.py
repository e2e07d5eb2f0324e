"""Each strategy by its own measure; cost comes before it; who is free and who may serve comes before both."""

from __future__ import annotations

from collections import Counter

import pytest
from callcentre import CallCentre, agent, offers, queue

from ivrengine.acd import happenings as ha
from ivrengine.acd.strategies import STRATEGIES
from ivrengine.domain.needs import Ring


def served_in_turn(centre: CallCentre, calls: int, talk: float = 10.0) -> list[str]:
    """Who gets each of several calls, one after the other."""
    order = []
    for number in range(calls):
        [(_, agent_id)] = offers(centre.call(f"{centre.now}-{number}"))
        centre.serve(agent_id, talk)
        order.append(agent_id)
    return order


def crew(strategy: str, *agents) -> CallCentre:
    return CallCentre(queue(strategy=strategy), *(agents or [agent("1"), agent("2"), agent("3")]))


def test_longest_idle():
    centre = crew("longest_idle")
    centre.away("1")
    centre.wait(500)
    centre.ready("1")
    assert served_in_turn(centre, 5) == ["2", "3", "1", "2", "3"]


def test_round_robin_goes_by_turns_whoever_was_idle_longer():
    centre = crew("round_robin")
    centre.away("1")
    centre.wait(500)
    centre.ready("1")
    assert served_in_turn(centre, 6) == ["1", "2", "3", "1", "2", "3"]


def test_round_robin_has_a_memory_for_each_queue_and_counts_what_was_not_answered():
    one = [agent("1", "q", "other", no_answer_limit=0), agent("2", "q", "other")]
    centre = CallCentre(queue(strategy="round_robin"), queue("other", strategy="round_robin"), *one)
    centre.call("a")
    assert offers(centre.fail("a/1", "rejected")) == [("a", "2")]
    centre.serve("2")
    centre.wait(60)
    assert offers(centre.call("b", "other")) == [("b", "1")]
    centre.serve("1")
    assert offers(centre.call("c")) == [("c", "1")]


def test_fewest_calls():
    centre = crew("fewest_calls")
    served_in_turn(centre, 3)
    centre.tell(ha.LoggedOut("3"))
    centre.log_in("3")
    centre.ready("3")
    assert served_in_turn(centre, 2) == ["3", "1"]


def test_least_talk():
    centre = crew("least_talk", agent("1"), agent("2"))
    assert served_in_turn(centre, 1, talk=100.0) == ["1"]
    assert served_in_turn(centre, 3, talk=40.0) == ["2", "2", "2"]
    assert served_in_turn(centre, 1) == ["1"]


def test_top_down():
    centre = crew("top_down", agent("1", position=3), agent("2", position=1), agent("3", position=2))
    assert served_in_turn(centre, 3) == ["2", "2", "2"]
    centre.call("a")
    assert offers(centre.call("b")) == [("b", "3")]


def test_best_skill():
    levels = [agent("1", skills={"english": 6, "billing": 9}), agent("2", skills={"english": 9}), agent("3", skills={"english": 4})]
    centre = crew("best_skill", *levels)
    assert offers(centre.call("a", rings=(Ring(0.0, (("english", 3),)),))) == [("a", "2")]
    assert offers(centre.call("b", rings=(Ring(0.0, (("billing", 1), ("english", 3))),))) == [("b", "1")]


def test_random_draws_for_each_call_and_the_same_from_the_same_seed():
    def shares(seed: int) -> list[str]:
        centre = CallCentre(queue(strategy="random"), agent("1"), agent("2"), agent("3"), seed=seed)
        return served_in_turn(centre, 60)

    assert shares(1) == shares(1) != shares(2)
    assert min(Counter(shares(1)).values()) >= 10
    assert set(Counter(shares(1))) == {"1", "2", "3"}


def test_random_stays_with_the_cheapest_and_keeps_off_the_excluded():
    centre = crew("random", agent("1"), agent("2"), agent("3", tier=2))
    for number in range(20):
        [(_, agent_id)] = offers(centre.call(f"c{number}", excluded=("1",)))
        assert agent_id == "2"
        centre.serve("2")


def test_ring_all_asks_the_longest_idle():
    centre = CallCentre(queue(strategy="ring_all", ring_all_limit=2), agent("1"), agent("2"), agent("3"))
    centre.call("a")
    centre.tell(ha.OfferAnswered("a/1"))
    centre.fail("a/2", "withdrawn")
    centre.go("a/1", "TALKING")
    centre.tell(ha.TalkEnded("a/1"))
    centre.tell(ha.WrapUpDone("1"))
    assert offers(centre.call("b")) == [("b", "2"), ("b", "3")]
    centre.tell(ha.OfferRinging("b/1"))
    centre.tell(ha.OfferRinging("b/2"))
    assert centre.state("b") == "OFFERING"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_lower_tier_then_a_lower_penalty_is_asked_first(strategy):
    agents = [agent("1", tier=2, position=0, skills={"x": 9}), agent("2", penalty=3, skills={"x": 9}), agent("3", position=9)]
    centre = CallCentre(queue(strategy=strategy, ring_all_limit=1), *agents)
    assert [offers(centre.call(each))[0][1] for each in "abc"] == ["3", "2", "1"]


def test_a_penalty_never_outweighs_a_tier():
    centre = CallCentre(agent("1", tier=1, penalty=10**9), agent("2", tier=2))
    assert offers(centre.call("a")) == [("a", "1")]
