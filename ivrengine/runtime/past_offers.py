"""What offers of an earlier process still mean after a restart: who is not to be asked again yet, and whose pause is not over.

Computed from the rows of those offers and from the rules as they are now; nothing here is remembered in any other way. An offer that an
earlier process had not seen the end of charges nobody.
"""

from __future__ import annotations

from collections.abc import Iterable

from ivrengine.acd.offers import INNOCENT, cool_down_seconds
from ivrengine.acd.rules import AgentRules
from ivrengine.storage.attempts import Attempt

LATELY_LIMIT = 50  # offers of one agent that are looked at
COST_NOTHING = INNOCENT | {"talked"}


def excluded_until(offers: Iterable[Attempt], exclusion_seconds: float, now: float) -> tuple[tuple[str, float], ...]:
    """Of the offers of one waiting: agents who have refused or missed it, each with the end of the exclusion, if that is to come."""
    until: dict[str, float] = {}
    for offer in offers:
        if offer.ended_at is not None and offer.outcome not in COST_NOTHING:
            until[offer.agent_id] = max(until.get(offer.agent_id, 0.0), offer.ended_at + exclusion_seconds)
    return tuple((agent_id, at) for agent_id, at in sorted(until.items()) if at > now)


def cool_until(offers: Iterable[Attempt], rules: AgentRules) -> float:
    """Of the offers of one agent since the log-in: when the last pause after one that was not taken is over; 0.0 for none."""
    charged = [offer for offer in offers if offer.ended_at is not None and offer.outcome not in COST_NOTHING]
    return max((offer.ended_at + cool_down_seconds(rules, offer.outcome) for offer in charged if offer.ended_at), default=0.0)


def missed(offers: Iterable[Attempt], ready_since: float) -> int:
    """How many calls the agent has missed since the last one that was answered, or since being ready; the newest offer comes first."""
    count = 0
    for offer in offers:
        if offer.answered_at is not None or offer.offered_at < ready_since:
            break
        count += offer.outcome == "no_answer"
    return count
