"""What the rows of earlier offers still mean after a restart."""

from __future__ import annotations

from typing import Any

from ivrengine.acd.rules import AgentRules
from ivrengine.runtime import past_offers
from ivrengine.storage.attempts import Attempt

RULES = AgentRules("1", no_answer_seconds=5.0, rejected_seconds=30.0, busy_seconds=60.0, unregistered_seconds=120.0)


def offer(at: float, outcome: str, agent_id: str = "1", **known: Any) -> Attempt:
    """Made at ``at`` and over a second later; "" for one whose end was never seen."""
    times = {"rang_at": None, "answered_at": None, "bridged_at": None, "ended_at": at + 1.0 if outcome else None, **known}
    return Attempt(f"i/{at}", f"leg {at}", "i", agent_id, "101", at, outcome=outcome, **times)


def test_who_refused_is_excluded_until_the_queues_time_is_over():
    offers = [offer(0, "rejected"), offer(50, "no_answer", "2"), offer(60, "rejected"), offer(70, "failed", "3")]
    assert past_offers.excluded_until(offers, 20.0, 75.0) == (("1", 81.0), ("3", 91.0))


def test_what_costs_nothing_excludes_nobody():
    offers = [offer(50, outcome, str(number)) for number, outcome in enumerate(("talked", "withdrawn", "caller_gone", ""))]
    assert past_offers.excluded_until(offers, 20.0, 60.0) == ()
    assert past_offers.cool_until(offers, RULES) == 0.0


def test_the_longest_pause_counts():
    assert past_offers.cool_until([offer(10, "no_answer")], RULES) == 16.0
    assert past_offers.cool_until([offer(100, "rejected"), offer(80, "unregistered")], RULES) == 201.0
    assert past_offers.cool_until([offer(100, "failed")], RULES) == 111.0


def test_missed_calls_are_counted_back_to_the_last_answer_or_to_being_ready():
    newest_first = [offer(90, "no_answer"), offer(80, "rejected"), offer(70, "no_answer"), offer(60, "no_answer")]
    assert past_offers.missed(newest_first, 0.0) == 3
    assert past_offers.missed(newest_first, 65.0) == 2
    assert past_offers.missed([newest_first[0], offer(85, "talked", answered_at=86.0), *newest_first[1:]], 0.0) == 1
