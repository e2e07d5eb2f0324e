"""How agents spent their time: from the log of their states, by agent, between two moments, with occupancy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from ivrengine.acd.figures import AgentCounters, AgentFigures, agent_figures, of_agent_state
from ivrengine.storage.agent_states import AgentState
from ivrengine.storage.store import Store


@dataclass(frozen=True, slots=True)
class AgentTimes:
    """One agent's time in each kind of state."""

    agent_id: str
    counters: AgentCounters
    figures: AgentFigures


def agent_times(store: Store, a: float, b: float, now: float, agent_id: str = "") -> list[AgentTimes]:
    """In [a, b), of one agent or of all, by agent number. What lasts is counted up to ``now``."""
    states: defaultdict[str, list[AgentState]] = defaultdict(list)
    for state in store.agent_states.between(a, b, agent_id):
        states[state.agent_id].append(state)
    counted = {each: _counted(log, a, min(b, now)) for each, log in states.items()}
    return [AgentTimes(each, counters, agent_figures(counters)) for each, counters in sorted(counted.items())]


def _counted(log: Iterable[AgentState], a: float, b: float) -> AgentCounters:
    """Each state lasts until the next; the parts outside [a, b) are left out."""
    counters = AgentCounters()
    for state, after in pairwise((*log, None)):
        until = b if after is None else min(b, after.since)
        counters += of_agent_state(state.intent, state.work, max(0.0, until - max(a, state.since)))
    return counters
