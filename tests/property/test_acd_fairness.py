"""In the long run each strategy is fair by its own measure, under random callers and talks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random

import pytest

from ivrengine.acd import happenings as ha
from ivrengine.acd.decisions import CancelOffer, ItemEnded, Offer
from ivrengine.acd.dispatcher import Dispatcher
from ivrengine.acd.rules import AgentRules, Membership, QueueRules

CREW = ("1", "2", "3", "4")
CALLS = 1000
START = 1_800_000_000.0


def a_day(
    strategy: str,
    *,
    between: float,
    talk: Callable[[str, Random], float] = lambda agent_id, luck: luck.uniform(20, 40),
    tiers: dict[str, int] | None = None,
) -> tuple[Counter[str], Dispatcher]:
    """CALLS calls, one every ``between`` seconds on average, each answered at once: how many each agent served."""
    agents = tuple(AgentRules(each, queues={"q": Membership((tiers or {}).get(each, 1))}, position=int(each)) for each in CREW)
    dispatcher = Dispatcher()
    dispatcher.feed(ha.SiteSet((QueueRules("q", strategy=strategy, wrap_up_most_seconds=5.0),), agents), START)
    dispatcher.feed(ha.Opened(), START)
    for each in CREW:
        dispatcher.feed(ha.LoggedIn(each, f"10{each}"), START)
        dispatcher.feed(ha.BecameReady(each), START)
    luck, served = Random(1), Counter()
    to_come: list[tuple[float, str, ha.Happening]] = []
    at = START
    for number in range(CALLS):
        at += luck.expovariate(1 / between)
        heappush(to_come, (at, f"call {number}", ha.Queued(f"i{number}", "q", at)))
    while to_come or dispatcher.next_deadline():
        deadline = dispatcher.next_deadline()
        if to_come and (deadline is None or to_come[0][0] < deadline):
            now, _, happening = heappop(to_come)
            decisions = dispatcher.feed(happening, now)
        else:
            now, decisions = deadline, dispatcher.expire(deadline)
        for offer in [each for each in decisions if isinstance(each, Offer)]:
            bridged = False
            for told in (ha.OfferRinging, ha.OfferAnswered, ha.OfferBridging, ha.OfferBridged):
                for decided in dispatcher.feed(told(offer.attempt_id), now):
                    bridged |= isinstance(decided, ItemEnded)
                    if isinstance(decided, CancelOffer):  # it rang elsewhere too
                        heappush(to_come, (now, decided.attempt_id, ha.OfferFailed(decided.attempt_id, "withdrawn")))
            if bridged:
                served[offer.agent_id] += 1
                heappush(to_come, (now + talk(offer.agent_id, luck), offer.attempt_id, ha.TalkEnded(offer.attempt_id)))
    assert sum(served.values()) == CALLS
    return served, dispatcher


@pytest.mark.parametrize(
    ("strategy", "uneven"), [("fewest_calls", 4), ("round_robin", 50), ("longest_idle", 50), ("ring_all", 50), ("random", 100)]
)
def test_calls_are_shared_evenly(strategy: str, uneven: int):
    served, _ = a_day(strategy, between=12.0)
    assert max(served.values()) - min(served.values()) <= uneven, served


def test_least_talk_evens_out_the_talking():
    served, dispatcher = a_day("least_talk", between=20.0, talk=lambda agent_id, luck: 10.0 if agent_id == "1" else 40.0)
    talked = [view.talk_seconds for view in dispatcher.agents()]
    assert served["1"] > 2 * max(served[agent_id] for agent_id in CREW[1:])
    assert max(talked) - min(talked) < 200


def test_top_down_prefers_the_first():
    served, _ = a_day("top_down", between=30.0)
    assert served["1"] > served["2"] > served["3"] > served["4"]


def test_the_second_tier_serves_only_when_the_first_is_taken():
    served, _ = a_day("longest_idle", between=25.0, tiers={"4": 2})
    assert served["4"] < 0.3 * min(served[agent_id] for agent_id in CREW[:3])
