"""The live state: queues, items, agents and the attempts between them. Plain mutable records; the rules stand elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from ivrengine.domain.needs import Ring

from .rules import AgentRules, QueueRules
from .timers import Alarm
from .transitions import Intent, ItemState, Work

if TYPE_CHECKING:
    from .lanes import Group, Lane

# Where an item stands in line: by key (UTC seconds less the head start); the living before the virtual; then by item_id.
Place = tuple[float, bool, str, "Item"]
Needs = tuple[tuple[str, int], ...]


@dataclass(slots=True, eq=False)
class Queue:
    """``line``: everything that waits in it, also while it is offered, in order. ``logged_in``: its members at a phone."""

    rules: QueueRules
    line: list[Place] = field(default_factory=list)
    living: int = 0  # of the line: callers, not callbacks
    logged_in: int = 0
    audiences: dict[Needs, Audience] = field(default_factory=dict)
    retired: bool = False  # gone from the site: takes no new calls


@dataclass(slots=True, eq=False)
class Audience:
    """Who of the queue's agents could serve those who need this at last. ``alarm``: nobody has been there for too long."""

    queue: Queue
    needs: Needs
    alarm: Alarm
    logged_in: int = 0
    empty_since: float = 0.0  # since when none of them is logged in, as far as somebody has waited for it
    items: int = 0  # in line, that need it


@dataclass(slots=True, eq=False)
class Item:
    """``key`` never changes by waiting: all age at the same rate. ``lane``: where it can be found while QUEUED.

    ``excluded``: agent -> until when it is not offered to them (infinity: never).
    """

    item_id: str
    queue: Queue
    queued_at: float
    rings: tuple[Ring, ...]
    boost_seconds: float
    sticky_agent: str
    sticky_until: float
    max_wait_seconds: float
    virtual: bool
    entered_at: float  # this queue; later than queued_at for a place that was kept
    limit_at: float = inf  # when the longest wait is over
    key: float = field(init=False)
    place: Place = field(init=False)
    alarm: Alarm = field(init=False)  # the longest wait is over, or it is time for another lane
    state: ItemState = "NEW"
    ring: int = 0
    audience: Audience | None = None  # while in line
    needs: tuple[Needs, ...] = field(init=False)  # of the rings so far: whoever meets any of them may serve
    lane: Lane | None = None
    attempts: dict[str, Attempt] = field(default_factory=dict)  # that are not cancelled
    winner: Attempt | None = None  # whose agent has answered
    attempt_count: int = 0
    overdue: bool = False  # the longest wait is over; only a running offer can still save it
    assigned_to: Agent | None = None  # picked up for this agent, before anybody else
    assigned_until: float = 0.0
    excluded: dict[str, float] = field(default_factory=dict)
    exclusion_alarms: dict[str, Alarm] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.needs = (self.rings[0].needs,)

    def boost(self, seconds: float) -> None:
        """A head start over those who came at the same time. Only while the item stands in no line."""
        self.boost_seconds += seconds
        self.key = self.queued_at - self.boost_seconds
        self.place = (self.key, self.virtual, self.item_id, self)


@dataclass(slots=True, eq=False)
class Attempt:
    """One offer of one item to one agent. ``cancelled``: the leg is to be taken down and has not gone yet; ``fault``: what the agent
    is charged with then ("": nothing)."""

    attempt_id: str
    item: Item
    agent: Agent
    queue: Queue
    offered_at: float
    cancelled: bool = False
    fault: str = ""
    holds_item: bool = False  # cancelled while BRIDGING: the item is only free when the leg is gone
    bridged_at: float = 0.0


@dataclass(slots=True, eq=False)
class WrapUp:
    """``least_until``, ``most_until``: UTC seconds; ``most_until`` 0: no limit."""

    queue: str
    attempt_id: str
    required: bool  # the disposition
    notes_required: bool
    began_at: float
    least_until: float
    most_until: float
    done: bool = False
    disposition: str = ""
    noted: bool = False

    def missing(self) -> str:
        """What the queue still wants to know: "disposition", "notes", or ""."""
        if self.required and not self.disposition:
            return "disposition"
        return "notes" if self.notes_required and not self.noted else ""


@dataclass(slots=True, eq=False)
class Agent:
    """``stint`` counts the times of being available; an entry of an older one among the idle is dead.

    ``idle_since`` is what "longest idle" goes by: it survives missed calls and short breaks.
    """

    agent_id: str
    rules: AgentRules
    alarm: Alarm  # what the present work waits for at longest
    break_alarm: Alarm
    retired: bool = False  # gone from the site: logged out as soon as idle
    intent: Intent = "LOGGED_OUT"
    reason: str = ""
    intent_since: float = 0.0
    pending: tuple[Intent, str] | None = None  # intent and reason, applied when idle
    break_asked: str = ""
    work: Work = "IDLE"
    since: float = 0.0
    idle_since: float = 0.0
    epoch: int = 0
    phone: str = ""
    reachable: bool = True
    channels: set[str] = field(default_factory=set)  # at the phone, that are not ours
    external_since: float = 0.0
    attempt: Attempt | None = None
    wrap_up: WrapUp | None = None
    early_disposition: str = ""  # given while still talking
    early_noted: bool = False  # notes were written while still talking
    cool_until: float = 0.0
    missed: int = 0  # calls in a row
    calls: int = 0  # served since log-in
    talk_seconds: float = 0.0
    turns: dict[str, int] = field(default_factory=dict)  # queue -> number of the last offer from it
    assigned: list[Item] = field(default_factory=list)  # picked up for this agent, not offered yet
    excluded_from: set[str] = field(default_factory=set)  # waiting items that exclude this agent now
    # what the lanes know of the agent
    mask: int = 0
    costs: dict[Lane, int] = field(default_factory=dict)
    choices: list[Group] = field(default_factory=list)  # lanes of callers, from cheap to dear
    callbacks: list[Group] = field(default_factory=list)  # lanes of virtual items, the same
    available: bool = False
    stint: int = 0

    @property
    def logged_in(self) -> bool:
        return self.intent != "LOGGED_OUT"
