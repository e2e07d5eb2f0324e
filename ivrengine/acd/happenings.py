"""What the dispatcher is told, in the past tense. Every one is plain data, so a log of them can be replayed.

``item_id`` names one waiting in one queue (a call may wait several times), ``agent_id`` an agent's number, ``attempt_id`` one
offer of one item to one agent. A happening that names an attempt which is not the live one any more changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ivrengine.domain.needs import ANYBODY, Ring

from .rules import AgentRules, BreakReason, QueueRules, Team

# How a waiting ends; exactly one of them per item.
Terminal = Literal[
    "answered", "abandoned", "short_abandon", "timeout", "no_agent", "exit_key", "voicemail", "callback_requested",
    "refused_full", "refused_empty", "flow_out", "failed",
]  # fmt: skip
# Why an offer came to nothing. ``caller_gone`` and ``withdrawn`` cost the agent nothing.
OfferFailure = Literal["no_answer", "rejected", "busy", "unregistered", "caller_gone", "withdrawn", "failed"]


# -- the site ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SiteSet:
    """All queues, agents, teams and break reasons as they are from now on; what is gone from it takes no new calls."""

    queues: tuple[QueueRules, ...]
    agents: tuple[AgentRules, ...]
    teams: tuple[Team, ...] = ()
    reasons: tuple[BreakReason, ...] = ()


# -- waiting -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Queued:
    """``queued_at``: UTC seconds since when it counts as waiting (earlier than now for a place that is kept).
    ``boost_seconds``: head start by priority and customer level. ``virtual``: a callback, nobody on the line."""

    item_id: str
    queue: str
    queued_at: float
    rings: tuple[Ring, ...] = ANYBODY
    boost_seconds: float = 0.0
    sticky_agent: str = ""
    sticky_seconds: float = 0.0
    max_wait_seconds: float = 0.0  # 0: the queue's own
    virtual: bool = False
    excluded: tuple[str, ...] = ()  # agents it is never offered to (the one who transferred it)
    attempts_before: int = 0  # offers of it by an earlier process: attempt_ids go on from there
    excluded_until: tuple[tuple[str, float], ...] = ()  # agents to whom it is not offered before then (UTC seconds)


@dataclass(frozen=True, slots=True)
class Left:
    """The item waits no more, by the caller's doing. "abandoned" becomes short_abandon where the queue says so."""

    item_id: str
    terminal: Terminal


@dataclass(frozen=True, slots=True)
class Raised:
    """A supervisor gives a waiting item a further head start."""

    item_id: str
    boost_seconds: float


@dataclass(frozen=True, slots=True)
class Moved:
    """A supervisor moves a waiting item to another queue; it keeps its age."""

    item_id: str
    queue: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """Somebody picks this item up for this agent, before anybody else and against skill (pick-up, take-over)."""

    item_id: str
    agent_id: str


# -- agents ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """At a phone; not ready yet. Who logs in starts last in line."""

    agent_id: str
    phone: str


@dataclass(frozen=True, slots=True)
class LoggedOut:
    agent_id: str


@dataclass(frozen=True, slots=True)
class BecameReady:
    """Applied when work returns to IDLE."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class BecameNotReady:
    """On a break, or "no_answer". Applied when work returns to IDLE."""

    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class BreakAsked:
    """For a break whose reason needs approval. Pending until BreakDecided."""

    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class BreakDecided:
    agent_id: str
    allowed: bool


@dataclass(frozen=True, slots=True)
class WrapUpDone:
    """The agent gave the disposition (``disposition``) or said "done". ``by_phone``: where no notes can be written, so that none are
    asked for."""

    agent_id: str
    disposition: str = ""
    by_phone: bool = False


@dataclass(frozen=True, slots=True)
class NotesKept:
    """The notes of the agent's talk, under way or just over, were written or emptied. Ends nothing by itself."""

    agent_id: str
    some: bool


@dataclass(frozen=True, slots=True)
class WrapUpExtended:
    agent_id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class PhoneBusy:
    """A channel that is not ours to offer came up at the agent's phone: EXTERNAL, counted as a set of channel ids."""

    agent_id: str
    channel_id: str


@dataclass(frozen=True, slots=True)
class PhoneFree:
    agent_id: str
    channel_id: str


@dataclass(frozen=True, slots=True)
class PhoneReachable:
    """The agent's phone is registered (again), or not any more."""

    agent_id: str
    reachable: bool


# -- offers ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfferRinging:
    attempt_id: str


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """The agent's phone is off the hook. The first of a ring-all wins; the dispatcher cancels the others."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class OfferBridging:
    """Whisper and accept key are over and the bridge has been asked for."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class OfferBridged:
    """Caller and agent hear each other: the item's wait ends as answered."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class OfferFailed:
    """The offer came to nothing; the agent's leg is certainly gone, or never was."""

    attempt_id: str
    why: OfferFailure


@dataclass(frozen=True, slots=True)
class TalkChanged:
    """After OfferBridged: what the agent does with the caller now."""

    attempt_id: str
    work: Literal["TALKING", "HOLD", "CONSULT", "CONFERENCE"]


@dataclass(frozen=True, slots=True)
class TalkEnded:
    """The agent's leg is gone: wrap-up begins."""

    attempt_id: str


# -- after a restart ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TalkFound:
    """A talk that came about by no offer: an earlier process had connected this attempt and the two still talk, or the agent has called
    somebody. The item is not waiting and is counted elsewhere. ``queue`` "" for a call to a colleague."""

    attempt_id: str
    item_id: str
    agent_id: str
    queue: str
    since: float


@dataclass(frozen=True, slots=True)
class AgentFound:
    """The agent as an earlier process left them, read from the rows. Not matched before ``Opened``."""

    agent_id: str
    phone: str
    intent: Literal["READY", "NOT_READY"]
    reason: str
    since: float
    idle_since: float
    calls: int = 0  # served since log-in
    talk_seconds: float = 0.0
    wrap_up_until: float = 0.0  # UTC seconds; 0 when not in wrap-up
    wrap_up_queue: str = ""
    cool_until: float = 0.0  # UTC seconds: no offer before then, after one that was not taken
    missed: int = 0  # calls in a row


@dataclass(frozen=True, slots=True)
class Opened:
    """Everything that an earlier process left has been told: matching begins. Nothing is offered before it."""


Happening = (
    SiteSet | Queued | Left | Raised | Moved | Assigned | LoggedIn | LoggedOut | BecameReady | BecameNotReady | BreakAsked
    | BreakDecided | WrapUpDone | NotesKept | WrapUpExtended | PhoneBusy | PhoneFree | PhoneReachable | OfferRinging | OfferAnswered
    | OfferBridging | OfferBridged | OfferFailed | TalkChanged | TalkEnded | TalkFound | AgentFound | Opened
)  # fmt: skip
