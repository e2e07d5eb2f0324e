"""What the dispatcher wants done, and what it wants known. Edges perform them in order.

Nobody changes a decision. They are not frozen only because several are made for each event, and a frozen one takes five times as long.
"""

from __future__ import annotations

from dataclasses import dataclass

from .happenings import Terminal


@dataclass(slots=True, unsafe_hash=True)
class Offer:
    """Ring this agent for this item. ``epoch`` counts the agent's changes: an older one is stale."""

    attempt_id: str
    item_id: str
    agent_id: str
    phone: str
    queue: str
    epoch: int
    ring_seconds: float


@dataclass(slots=True, unsafe_hash=True)
class CancelOffer:
    """The race is lost or the caller is gone: take the leg down. The agent is free when OfferFailed (withdrawn, caller_gone) comes."""

    attempt_id: str
    why: str


@dataclass(slots=True, unsafe_hash=True)
class ItemEnded:
    """The item's one terminal. ``wait_seconds`` from queue entry to now."""

    item_id: str
    queue: str
    terminal: Terminal
    wait_seconds: float
    attempt_id: str = ""  # of the answering offer
    agent_id: str = ""


@dataclass(slots=True, unsafe_hash=True)
class ItemRequeued:
    """A failed offer: the item waits again, with the same age."""

    item_id: str
    attempt_id: str


@dataclass(slots=True, unsafe_hash=True)
class AgentChanged:
    """One row of the agent's state log: from ``since`` (UTC seconds) on the agent is this."""

    agent_id: str
    intent: str  # LOGGED_OUT READY NOT_READY
    work: str  # IDLE RESERVED RINGING ANSWERED BRIDGING TALKING HOLD CONSULT CONFERENCE WRAP_UP EXTERNAL
    reason: str
    since: float
    epoch: int
    attempt_id: str = ""


@dataclass(slots=True, unsafe_hash=True)
class WrapUpEnded:
    """``disposition`` "" and ``automatic``: the most time was over before one was given though the queue requires one."""

    agent_id: str
    attempt_id: str
    disposition: str
    automatic: bool


@dataclass(slots=True, unsafe_hash=True)
class Refused:
    """What was told can't be (a break over the team's cap, an unknown agent): a plain sentence for whoever asked."""

    agent_id: str
    code: str
    sentence: str


@dataclass(slots=True, unsafe_hash=True)
class Warned:
    """For a supervisor: held too long, break too long, missed calls."""

    code: str
    sentence: str
    agent_id: str = ""
    item_id: str = ""


Decision = Offer | CancelOffer | ItemEnded | ItemRequeued | AgentChanged | WrapUpEnded | Refused | Warned
