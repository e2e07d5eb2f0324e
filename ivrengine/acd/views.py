"""What others may see of the floor: frozen copies, and the complete state as plain data for comparing two runs of one log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .floor import Floor
from .model import Agent, Item


@dataclass(frozen=True, slots=True)
class AgentView:
    """``attempt_id``, ``item_id``: what the agent is offered or talks with; "" in wrap-up, since that leg is gone. ``pending_intent``: what
    the agent will be once idle, or "". ``wrap_up_until``: 0 when not in wrap-up or without limit."""

    agent_id: str
    phone: str
    intent: str
    work: str
    reason: str
    pending_intent: str
    pending_reason: str
    since: float
    intent_since: float
    idle_since: float
    attempt_id: str
    item_id: str
    queue: str
    epoch: int
    calls: int
    talk_seconds: float
    reachable: bool
    break_asked: str
    available: bool
    wrap_up_until: float


@dataclass(frozen=True, slots=True)
class ItemView:
    """``agents``: whose phones ring for it, or who has answered. ``excluded``: whom it is not offered to now."""

    item_id: str
    queue: str
    queued_at: float
    boost_seconds: float
    ring: int
    state: str
    excluded: tuple[str, ...]
    virtual: bool
    agents: tuple[str, ...]


def agent_view(agent: Agent) -> AgentView:
    attempt = agent.attempt if agent.wrap_up is None else None
    pending_intent, pending_reason = agent.pending or ("", "")
    wrap_up = agent.wrap_up
    return AgentView(
        agent_id=agent.agent_id,
        phone=agent.phone,
        intent=agent.intent,
        work=agent.work,
        reason=agent.reason,
        pending_intent=pending_intent,
        pending_reason=pending_reason,
        since=agent.since,
        intent_since=agent.intent_since,
        idle_since=agent.idle_since,
        attempt_id=attempt.attempt_id if attempt else "",
        item_id=attempt.item.item_id if attempt else "",
        queue=attempt.queue.rules.name if attempt else wrap_up.queue if wrap_up else "",
        epoch=agent.epoch,
        calls=agent.calls,
        talk_seconds=agent.talk_seconds,
        reachable=agent.reachable,
        break_asked=agent.break_asked,
        available=agent.available,
        wrap_up_until=_finite(wrap_up.most_until) or 0.0 if wrap_up else 0.0,
    )


def item_view(item: Item) -> ItemView:
    return ItemView(
        item_id=item.item_id,
        queue=item.queue.rules.name,
        queued_at=item.queued_at,
        boost_seconds=item.boost_seconds,
        ring=item.ring,
        state=item.state,
        excluded=tuple(sorted(item.excluded)),
        virtual=item.virtual,
        agents=tuple(attempt.agent.agent_id for attempt in item.attempts.values()),
    )


def snapshot(floor: Floor) -> dict[str, Any]:
    """Everything that decides what happens next, JSON-ready, in an order of its own. Two equal ones behave alike from then on."""
    return {
        "opened": floor.opened,
        "turn": floor.turn,
        "chance": floor.chance.state,
        "queues": {name: _queue(floor, name) for name in sorted(floor.queues)},
        "agents": {agent_id: _agent(floor.agents[agent_id]) for agent_id in sorted(floor.agents)},
        "items": {item_id: _item(floor.items[item_id]) for item_id in sorted(floor.items)},
        "attempts": {attempt_id: _attempt(floor, attempt_id) for attempt_id in sorted(floor.attempts)},
        "ended": list(floor.ended),
        "next_deadline": floor.timers.next_deadline(),
    }


def _finite(seconds: float) -> float | None:
    return None if seconds == float("inf") else seconds


def _queue(floor: Floor, name: str) -> dict[str, Any]:
    queue = floor.queues[name]
    return {
        "line": [place[2] for place in queue.line],
        "living": queue.living,
        "logged_in": queue.logged_in,
        "retired": queue.retired,
        "audiences": [
            [each.needs, each.logged_in, each.empty_since, each.items, _finite(each.alarm.due)]
            for _, each in sorted(queue.audiences.items())
        ],
    }


def _agent(agent: Agent) -> dict[str, Any]:
    wrap_up = agent.wrap_up
    return {
        "intent": [agent.intent, agent.reason, agent.intent_since],
        "pending": list(agent.pending) if agent.pending else None,
        "break_asked": agent.break_asked,
        "work": [agent.work, agent.since],
        "idle_since": agent.idle_since,
        "epoch": agent.epoch,
        "phone": [agent.phone, agent.reachable, sorted(agent.channels), agent.external_since],
        "attempt": agent.attempt.attempt_id if agent.attempt else None,
        "wrap_up": wrap_up and [
            wrap_up.queue, wrap_up.attempt_id, wrap_up.required, wrap_up.began_at, wrap_up.least_until,
            _finite(wrap_up.most_until), wrap_up.done, wrap_up.disposition, wrap_up.notes_required, wrap_up.noted,
        ],
        "early": [agent.early_disposition, agent.early_noted],
        "cool_until": agent.cool_until,
        "served": [agent.missed, agent.calls, agent.talk_seconds],
        "turns": dict(sorted(agent.turns.items())),
        "assigned": [item.item_id for item in agent.assigned],
        "excluded_from": sorted(agent.excluded_from),
        "available": agent.available,
        "retired": agent.retired,
        "alarms": [_finite(agent.alarm.due), _finite(agent.break_alarm.due)],
    }  # fmt: skip


def _item(item: Item) -> dict[str, Any]:
    lane = item.lane
    return {
        "queue": item.queue.rules.name,
        "queued_at": item.queued_at,
        "boost_seconds": item.boost_seconds,
        "state": item.state,
        "ring": item.ring,
        "lane": [list(lane.rings), lane.only] if lane else None,
        "sticky": [item.sticky_agent, item.sticky_until],
        "entered_at": item.entered_at,
        "attempts": [sorted(item.attempts), item.attempt_count, item.winner.attempt_id if item.winner else None],
        "overdue": item.overdue,
        "assigned": [item.assigned_to.agent_id, item.assigned_until] if item.assigned_to else None,
        "excluded": {agent_id: _finite(until) for agent_id, until in sorted(item.excluded.items())},
        "virtual": item.virtual,
        "alarms": [_finite(item.alarm.due), _finite(item.limit_at)],
    }


def _attempt(floor: Floor, attempt_id: str) -> dict[str, Any]:
    attempt = floor.attempts[attempt_id]
    return {
        "item": attempt.item.item_id,
        "agent": attempt.agent.agent_id,
        "queue": attempt.queue.rules.name,
        "offered_at": attempt.offered_at,
        "cancelled": [attempt.cancelled, attempt.fault, attempt.holds_item],
        "bridged_at": attempt.bridged_at,
    }
