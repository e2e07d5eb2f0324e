"""The figures of queues and agents: what is counted, and how every figure is made of it.

``Counters`` are raw numbers that add up: of a queue in one interval, of several intervals, of several queues. They are what is
stored. ``figures`` is the only place where a figure is computed; the wallboard, the terminal and all reports call it. Each figure
carries its formula as text, in the names of the counters and of other figures, and a test computes the text and compares.

The interval of a waiting is that of its *terminal* event, also for its talk and wrap-up, which end later; so a call is whole in one
interval. A figure for which nothing was counted is None and shown as "-", never as 0 % or 100 %.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Literal, Self

from .happenings import Terminal

Unit = Literal["calls", "seconds", "share", "points"]
NOTHING_COUNTED = "-"


class _Additive:
    """Counters of one kind, added field by field."""

    __slots__ = ()

    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        return type(self)(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(frozen=True, slots=True)
class Counters(_Additive):
    """What happened to the callers of a queue: one terminal each, their waits, and the work they made."""

    # how waits ended; the names are those of the terminals
    answered: int = 0
    abandoned: int = 0
    short_abandon: int = 0
    timeout: int = 0
    no_agent: int = 0
    exit_key: int = 0
    voicemail: int = 0
    callback_requested: int = 0
    flow_out: int = 0
    failed: int = 0
    # never taken into the queue: not among the offered
    refused_full: int = 0
    refused_empty: int = 0
    # from queue entry until connected, or until the caller hung up (short ones too)
    answered_wait_seconds: float = 0.0
    abandoned_wait_seconds: float = 0.0
    # within the queue's service level as it was then; who hung up within it includes the short ones
    answered_within: int = 0
    abandoned_within: int = 0
    # talks that are over
    handled: int = 0
    talk_seconds: float = 0.0
    hold_seconds: float = 0.0
    wrap_up_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class AgentCounters(_Additive):
    """What an agent did, in seconds of each. Logged out is counted nowhere."""

    ring_seconds: float = 0.0  # an offer that is not connected yet: reserved, ringing, whisper, being bridged
    talk_seconds: float = 0.0  # a conference too
    hold_seconds: float = 0.0  # the caller waits while the agent asks a colleague, too
    wrap_up_seconds: float = 0.0
    ready_idle_seconds: float = 0.0
    break_seconds: float = 0.0  # not ready, for whatever reason
    external_seconds: float = 0.0  # on the phone, but not with a caller of ours


@dataclass(frozen=True, slots=True)
class MarkCounters(_Additive):
    """What callers answered in a survey. ``points``: the sum of the keys they pressed."""

    marks: int = 0
    points: float = 0.0


@dataclass(frozen=True, slots=True)
class CallbackCounters(_Additive):
    """What became of the callbacks that were asked for. ``tries``: calls to the customer that failed."""

    talked: int = 0
    expired: int = 0
    cancelled: int = 0
    given_up: int = 0  # ended for any other reason: not reached, out of tries
    still_open: int = 0
    tries: int = 0
    waited_seconds: float = 0.0  # from the request until the talk, of those who were reached


# -- counting ----------------------------------------------------------------------------------------------------------


def of_terminal(terminal: Terminal, wait_seconds: float, service_level_seconds: float) -> Counters:
    """One waiting that has ended so."""
    within = int(wait_seconds <= service_level_seconds)
    if terminal == "answered":
        return Counters(answered=1, answered_wait_seconds=wait_seconds, answered_within=within)
    if terminal == "abandoned":
        return Counters(abandoned=1, abandoned_wait_seconds=wait_seconds, abandoned_within=within)
    if terminal == "short_abandon":
        return Counters(short_abandon=1, abandoned_wait_seconds=wait_seconds, abandoned_within=within)
    return Counters(**{terminal: 1})


def of_talk(talk_seconds: float, hold_seconds: float) -> Counters:
    """One talk that is over. Its wrap-up is told when that is over."""
    return Counters(handled=1, talk_seconds=talk_seconds, hold_seconds=hold_seconds)


def of_wrap_up(wrap_up_seconds: float) -> Counters:
    return Counters(wrap_up_seconds=wrap_up_seconds)


# work -> the counter of its time, whatever the intent
_TIME_OF_WORK = {
    "RESERVED": "ring_seconds",
    "RINGING": "ring_seconds",
    "ANSWERED": "ring_seconds",
    "BRIDGING": "ring_seconds",
    "TALKING": "talk_seconds",
    "CONFERENCE": "talk_seconds",
    "HOLD": "hold_seconds",
    "CONSULT": "hold_seconds",
    "WRAP_UP": "wrap_up_seconds",
    "EXTERNAL": "external_seconds",
}
_TIME_OF_INTENT_WHEN_IDLE = {"READY": "ready_idle_seconds", "NOT_READY": "break_seconds"}


def of_agent_state(intent: str, work: str, seconds: float) -> AgentCounters:
    """So long in one state of the agent's state log."""
    counter = _TIME_OF_INTENT_WHEN_IDLE.get(intent) if work == "IDLE" else _TIME_OF_WORK[work]
    return AgentCounters(**{counter: seconds}) if counter else AgentCounters()


# -- figures -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Formula:
    """How one figure is made. ``text`` is arithmetic over the names of counters and of figures."""

    name: str
    title: str
    text: str
    unit: Unit


def _figure(title: str, text: str, unit: Unit) -> float | None:
    return field(metadata={"title": title, "text": text, "unit": unit})


@dataclass(frozen=True, slots=True)
class Figures:
    """A queue's figures. Service level at X: A answered and B hung up within X, O offered: the page names the variant it shows.

    *ignored* leaves out who hung up within X, A / (O - B); *negative* counts them against the queue, A / O; *positive* for it,
    (A + B) / O.
    """

    offered: int = _figure(
        "Offered",
        "answered + abandoned + short_abandon + timeout + no_agent + exit_key + voicemail + callback_requested + flow_out + failed",
        "calls",
    )
    refused: int = _figure("Refused", "refused_full + refused_empty", "calls")
    answered: int = _figure("Answered", "answered", "calls")
    abandoned: int = _figure("Abandoned", "abandoned", "calls")
    average_speed_of_answer: float | None = _figure("ASA", "answered_wait_seconds / answered", "seconds")
    average_patience: float | None = _figure("Wait of who hung up", "abandoned_wait_seconds / (abandoned + short_abandon)", "seconds")
    average_handling_time: float | None = _figure("AHT", "(talk_seconds + hold_seconds + wrap_up_seconds) / handled", "seconds")
    abandon_rate: float | None = _figure("Abandon rate", "abandoned / offered", "share")
    service_level_ignored: float | None = _figure(
        "Service level (hang-ups within it left out)", "answered_within / (offered - abandoned_within)", "share"
    )
    service_level_negative: float | None = _figure("Service level (hang-ups count against)", "answered_within / offered", "share")
    service_level_positive: float | None = _figure(
        "Service level (hang-ups within it count for)", "(answered_within + abandoned_within) / offered", "share"
    )


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """An agent's figures."""

    occupied_seconds: float = _figure("Occupied", "ring_seconds + talk_seconds + hold_seconds + wrap_up_seconds", "seconds")
    logged_in_seconds: float = _figure("Logged in", "occupied_seconds + ready_idle_seconds + break_seconds + external_seconds", "seconds")
    occupancy: float | None = _figure("Occupancy", "occupied_seconds / (occupied_seconds + ready_idle_seconds)", "share")


@dataclass(frozen=True, slots=True)
class MarkFigures:
    """The figures of a survey."""

    average_mark: float | None = _figure("Average mark", "points / marks", "points")


@dataclass(frozen=True, slots=True)
class CallbackFigures:
    """The figures of callbacks, by when they were asked for."""

    requested: int = _figure("Requested", "talked + expired + cancelled + given_up + still_open", "calls")
    reached: float | None = _figure("Reached", "talked / (requested - still_open - cancelled)", "share")
    average_until_reached: float | None = _figure("Wait until reached", "waited_seconds / talked", "seconds")


def _formulas(of: type) -> dict[str, Formula]:
    return {each.name: Formula(each.name, **each.metadata) for each in fields(of)}


FORMULAS: dict[str, Formula] = _formulas(Figures)
AGENT_FORMULAS: dict[str, Formula] = _formulas(AgentFigures)
MARK_FORMULAS: dict[str, Formula] = _formulas(MarkFigures)
CALLBACK_FORMULAS: dict[str, Formula] = _formulas(CallbackFigures)
SHARE = Formula("share", "Share", "part / whole", "share")


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def figures(c: Counters) -> Figures:
    """All figures of what was counted."""
    offered = (
        c.answered + c.abandoned + c.short_abandon + c.timeout + c.no_agent
        + c.exit_key + c.voicemail + c.callback_requested + c.flow_out + c.failed
    )  # fmt: skip
    return Figures(
        offered=offered,
        refused=c.refused_full + c.refused_empty,
        answered=c.answered,
        abandoned=c.abandoned,
        average_speed_of_answer=_ratio(c.answered_wait_seconds, c.answered),
        average_patience=_ratio(c.abandoned_wait_seconds, c.abandoned + c.short_abandon),
        average_handling_time=_ratio(c.talk_seconds + c.hold_seconds + c.wrap_up_seconds, c.handled),
        abandon_rate=_ratio(c.abandoned, offered),
        service_level_ignored=_ratio(c.answered_within, offered - c.abandoned_within),
        service_level_negative=_ratio(c.answered_within, offered),
        service_level_positive=_ratio(c.answered_within + c.abandoned_within, offered),
    )


def agent_figures(c: AgentCounters) -> AgentFigures:
    """An agent's figures of the time that was counted. Breaks and other calls are no part of occupancy."""
    occupied = c.ring_seconds + c.talk_seconds + c.hold_seconds + c.wrap_up_seconds
    return AgentFigures(
        occupied_seconds=occupied,
        logged_in_seconds=occupied + c.ready_idle_seconds + c.break_seconds + c.external_seconds,
        occupancy=_ratio(occupied, occupied + c.ready_idle_seconds),
    )


def mark_figures(c: MarkCounters) -> MarkFigures:
    """The figures of a question, or of several."""
    return MarkFigures(average_mark=_ratio(c.points, c.marks))


def callback_figures(c: CallbackCounters) -> CallbackFigures:
    """The figures of callbacks. Those that wait still, or were cancelled, are no failures."""
    requested = c.talked + c.expired + c.cancelled + c.given_up + c.still_open
    return CallbackFigures(
        requested=requested,
        reached=_ratio(c.talked, requested - c.still_open - c.cancelled),
        average_until_reached=_ratio(c.waited_seconds, c.talked),
    )


def share(part: float, whole: float) -> float | None:
    """The figure ``SHARE``: what a part is of the whole."""
    return _ratio(part, whole)


def shown(value: float | None, unit: Unit) -> str:
    """A figure as people read it: 17, 1:05, 83 %; "-" where nothing was counted."""
    if value is None:
        return NOTHING_COUNTED
    if unit == "share":
        return f"{value * 100:.0f} %"
    if unit == "points":
        return f"{value:.2f}"
    if unit == "calls":
        return f"{value:.0f}"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
