"""The live board: every queue and every agent at this instant, and what has been counted since midnight.

Made from the rows of the database alone, so the terminal, the wallboard and reports show the same, in the engine's process or in
another. The numbers of callers are not on it. Where no engine runs it shows what the last one left.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Literal

from ivrengine.acd.figures import Counters, Figures, figures
from ivrengine.acd.rules import QueueRules
from ivrengine.site.records import Agent, Site
from ivrengine.storage.agent_states import AgentState
from ivrengine.storage.callbacks import Callback
from ivrengine.storage.segments import Segment
from ivrengine.storage.store import Store

from .day import today

# What an agent is doing, in the words of the board.
Doing = Literal["ready", "ringing", "talking", "holding", "wrap-up", "away", "on the phone", "logged out"]
_DOING: dict[str, Doing] = {
    "RESERVED": "ringing", "RINGING": "ringing", "ANSWERED": "ringing", "BRIDGING": "ringing", "TALKING": "talking",
    "CONFERENCE": "talking", "HOLD": "holding", "CONSULT": "holding", "WRAP_UP": "wrap-up", "EXTERNAL": "on the phone",
}  # fmt: skip
_DOING_WHEN_IDLE: dict[str, Doing] = {"READY": "ready", "NOT_READY": "away", "LOGGED_OUT": "logged out"}


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One queue. Agents are its members by what they do now; ``talks`` are the talks that came from it.

    ``callbacks_waiting`` stand in line now, ``callbacks_due`` are to be made before midnight, those in line among them.
    ``longest_wait_seconds``: of a caller who waits now; None where nobody does.
    """

    queue: str
    title: str
    waiting: int
    callbacks_waiting: int
    longest_wait_seconds: float | None
    agents: int
    ready: int
    ringing: int
    talks: int
    wrap_up: int
    away: int
    on_the_phone: int
    callbacks_due: int
    service_level_seconds: float
    counters: Counters
    figures: Figures


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent. ``seconds``: in this state. ``queue``: of the talk or of the wrap-up. ``too_long``: beyond the break's limit."""

    agent_id: str
    name: str
    team: str
    phone: str
    doing: Doing
    reason: str
    seconds: float
    too_long: bool
    queue: str
    calls: int
    talk_seconds: float
    queues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Everybody:
    """All queues together, as one row would tell it. Here an agent counts once, whatever number of queues they serve."""

    waiting: int
    callbacks_waiting: int
    longest_wait_seconds: float | None
    agents: int
    ready: int
    ringing: int
    talks: int
    wrap_up: int
    away: int
    on_the_phone: int
    callbacks_due: int
    counters: Counters


@dataclass(frozen=True, slots=True)
class Board:
    """``day_began``: UTC seconds since when was counted. ``total``: the figures of all queues together, ``everybody`` what is there now."""

    at: float
    day_began: float
    queues: tuple[QueueRow, ...]
    agents: tuple[AgentRow, ...]
    total: Figures
    everybody: Everybody


def board(store: Store, now: float, zone: tzinfo = UTC) -> Board:
    """The board at ``now``. Queues that are gone from the site appear as long as somebody waits or talks there, or was counted today."""
    began, midnight = today(now, zone)
    site = store.site.load()
    talking = store.segments.talking()
    talks = Counter(each.queue for each in talking if not each.direction)
    lines: defaultdict[str, list[Segment]] = defaultdict(list)
    for segment in store.segments.waiting():
        lines[segment.queue].append(segment)
    [counted] = store.intervals.sums([(began, midnight)])
    counters = defaultdict(Counters, counted)
    agents = _agents(site, store.agent_states.last(), talking, now)
    callbacks = _due_before(midnight, store.callbacks.open())
    gone = {*counters, *lines, *talks} - {rules.name for rules in site.queues}
    queues = tuple(
        _queue(rules, lines[rules.name], talks[rules.name], agents, callbacks[rules.name], counters[rules.name], now)
        for rules in (*site.queues, *map(QueueRules, sorted(gone)))
    )
    everybody = _everybody(queues, agents)
    return Board(at=now, day_began=began, queues=queues, agents=agents, total=figures(everybody.counters), everybody=everybody)


def _everybody(queues: tuple[QueueRow, ...], agents: tuple[AgentRow, ...]) -> Everybody:
    doing = Counter(agent.doing for agent in agents if agent.doing != "logged out")
    waits = [row.longest_wait_seconds for row in queues if row.longest_wait_seconds is not None]
    return Everybody(
        waiting=sum(row.waiting for row in queues),
        callbacks_waiting=sum(row.callbacks_waiting for row in queues),
        longest_wait_seconds=max(waits, default=None),
        agents=doing.total(),
        ready=doing["ready"],
        ringing=doing["ringing"],
        talks=sum(row.talks for row in queues),
        wrap_up=doing["wrap-up"],
        away=doing["away"],
        on_the_phone=doing["on the phone"],
        callbacks_due=sum(row.callbacks_due for row in queues),
        counters=sum((row.counters for row in queues), Counters()),
    )


def _queue(
    rules: QueueRules,
    line: list[Segment],
    talks: int,
    agents: tuple[AgentRow, ...],
    callbacks_due: int,
    counters: Counters,
    now: float,
) -> QueueRow:
    callers = [each for each in line if not each.virtual]
    doing = Counter(agent.doing for agent in agents if rules.name in agent.queues and agent.doing != "logged out")
    return QueueRow(
        queue=rules.name,
        title=rules.title,
        waiting=len(callers),
        callbacks_waiting=len(line) - len(callers),
        longest_wait_seconds=max((now - each.queued_at for each in callers), default=None),
        agents=doing.total(),
        ready=doing["ready"],
        ringing=doing["ringing"],
        talks=talks,
        wrap_up=doing["wrap-up"],
        away=doing["away"],
        on_the_phone=doing["on the phone"],
        callbacks_due=callbacks_due,
        service_level_seconds=rules.service_level_seconds,
        counters=counters,
        figures=figures(counters),
    )


def _agents(site: Site, states: dict[str, AgentState], talking: list[Segment], now: float) -> tuple[AgentRow, ...]:
    """Everybody of the site, and whoever is still logged in though gone from it."""
    talk_of = {each.agent_id: each.queue for each in talking}
    limits = {each.reason: each.longest_seconds for each in site.reasons}
    known = {agent.agent_id: agent for agent in site.agents}
    gone = (state.agent_id for state in states.values() if state.agent_id not in known and state.intent != "LOGGED_OUT")
    return tuple(_agent(known.get(agent_id), agent_id, states.get(agent_id), talk_of, limits, now) for agent_id in (*known, *gone))


def _agent(
    agent: Agent | None, agent_id: str, state: AgentState | None, talk_of: dict[str, str], limits: dict[str, float], now: float
) -> AgentRow:
    doing = (_DOING.get(state.work) or _DOING_WHEN_IDLE[state.intent]) if state else "logged out"
    seconds = max(0.0, now - state.since) if state else 0.0
    reason = state.reason if state and doing == "away" else ""
    return AgentRow(
        agent_id=agent_id,
        name=agent.rules.name if agent else "",
        team=agent.rules.team if agent else "",
        phone=state.phone if state else "",
        doing=doing,
        reason=reason,
        seconds=seconds,
        too_long=0 < limits.get(reason, 0.0) < seconds,
        queue=_queue_of(doing, state, talk_of),
        calls=state.calls if state else 0,
        talk_seconds=state.talk_seconds if state else 0.0,
        queues=tuple(agent.rules.queues) if agent else (),
    )


def _queue_of(doing: Doing, state: AgentState | None, talk_of: dict[str, str]) -> str:
    if state is None:
        return ""
    if doing == "wrap-up":
        return state.wrap_up_queue
    return talk_of.get(state.agent_id, "") if doing in ("talking", "holding") else ""


def _due_before(midnight: float, callbacks: Iterable[Callback]) -> Counter[str]:
    """Open callbacks by queue, without those that wait for another day."""
    return Counter(each.queue for each in callbacks if max(each.not_before, each.next_at) < midnight)
