"""How agents spent their time: from the log of their states, by agent, between two moments, with occupancy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ivrengine.acd.figures import AgentCounters, AgentFigures, agent_figures, of_agent_state
from ivrengine.storage.agent_states import Spent
from ivrengine.storage.store import Store


@dataclass(frozen=True, slots=True)
class AgentTimes:
    """One agent's time in each kind of state."""

    agent_id: str
    counters: AgentCounters
    figures: AgentFigures


def agent_times(store: Store, a: float, b: float, now: float, agent_id: str = "") -> list[AgentTimes]:
    """In [a, b), of one agent or of all, by agent number. What lasts is counted up to ``now``."""
    return times_of(store.agent_states.spent(a, min(b, now), agent_id))


def times_of(spent: Iterable[Spent]) -> list[AgentTimes]:
    """By agent number."""
    counted: defaultdict[str, AgentCounters] = defaultdict(AgentCounters)
    for each in spent:
        counted[each.agent_id] += of_agent_state(each.intent, each.work, each.seconds)
    return [AgentTimes(each, counters, agent_figures(counters)) for each, counters in sorted(counted.items())]
