"""How the site wants its queues and agents to work: plain data that people edit, never changed by the dispatcher.

Seconds everywhere. 0 means "no limit" where a limit is named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

StrategyName = Literal[
    "longest_idle", "round_robin", "fewest_calls", "least_talk", "random", "top_down", "ring_all", "best_skill"
]


@dataclass(frozen=True, slots=True)
class QueueRules:
    """One queue. ``order``: whom a free agent serves first of several calls, the cheapest for the agent or the oldest."""

    name: str
    title: str = ""
    strategy: StrategyName = "longest_idle"
    order: Literal["cost", "age"] = "cost"
    weight_seconds: float = 0.0  # head start of this queue's calls over those of other queues
    capacity: int = 0  # waiting calls; one more is refused_full
    max_wait_seconds: float = 0.0  # then timeout
    # a call that comes while no agent is logged in who could ever serve it, its needs fully relaxed: refused_empty
    when_empty: Literal["wait", "refuse"] = "refuse"
    no_agent_seconds: float = 60.0  # a waiting call ends as no_agent after so long without any such agent logged in; 0: never
    ring_seconds: float = 20.0
    ring_all_limit: int = 5
    accept_key: str = ""  # the agent must press it after answering; "" connects at once
    accept_seconds: float = 10.0
    wrap_up_least_seconds: float = 0.0
    wrap_up_most_seconds: float = 30.0
    disposition_required: bool = False
    longest_hold_seconds: float = 180.0  # then an alarm
    exclusion_seconds: float = 30.0  # a call is not offered again to the agent who refused or missed it, for so long
    short_abandon_seconds: float = 5.0
    service_level_seconds: float = 20.0
    record: bool = True
    announce_recording: bool = False
    whisper: bool = True
    callback_from_abandoned: bool = False
    callback_from_messages: bool = False
    callback_first: Literal["agent", "customer"] = "agent"  # who is rung first when the callback's turn has come
    callback_tries: int = 3  # diallings that a customer who is busy or does not answer is worth
    callback_pause_seconds: float = 600.0  # between two of them
    callback_ring_seconds: float = 30.0
    number: str = ""  # the digits by which agents transfer a caller to it from their phones
    outbound_number: str = ""  # shown to whom its agents call outside; "" for the engine's
    notes_required: bool = False  # of those who don't say at a phone that they are done


@dataclass(frozen=True, slots=True)
class Membership:
    """An agent's place in one queue: a lower tier is asked first, a penalty makes the agent dearer within the tier."""

    tier: int = 1
    penalty: int = 0


@dataclass(frozen=True, slots=True)
class AgentRules:
    """One agent. ``agent_id`` is the agent's number, in digits. ``position`` orders the agents of a top-down queue."""

    agent_id: str
    name: str = ""
    team: str = ""
    skills: dict[str, int] = field(default_factory=dict)  # skill -> level 1-10
    queues: dict[str, Membership] = field(default_factory=dict)
    position: int = 0
    no_answer_limit: int = 1  # missed calls in a row until NOT_READY(no_answer)
    no_answer_seconds: float = 0.0  # cool-downs by cause, while below the limit
    rejected_seconds: float = 30.0
    busy_seconds: float = 60.0
    unregistered_seconds: float = 120.0
    record: bool = True
    auto_answer: bool = False  # the agent's phone is told to answer by itself


@dataclass(frozen=True, slots=True)
class BreakReason:
    """Why an agent may be away. ``longest_seconds`` 0: no limit; beyond it an alarm. ``approval``: a supervisor must agree."""

    reason: str
    title: str = ""
    longest_seconds: float = 0.0
    approval: bool = False


@dataclass(frozen=True, slots=True)
class Team:
    """``most_away``: how many of the team may be on a break at once; 0: no cap."""

    name: str
    title: str = ""
    most_away: int = 0
