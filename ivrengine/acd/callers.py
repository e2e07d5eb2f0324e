"""What callers and supervisors do with waiting items, and what becomes of an item by the passing of time."""

from __future__ import annotations

from math import inf

from ivrengine.domain.needs import ANYBODY
from ivrengine.domain.sentence import Sentence

from .audiences import audience_of
from .decisions import ItemEnded
from .floor import Floor
from .happenings import Assigned, Left, Moved, Queued, Raised, Terminal
from .limits import ASSIGNED_SECONDS
from .model import Audience, Item, Queue
from .transitions import ITEM_STATE

MOVABLE = frozenset({"QUEUED", "RESERVED", "OFFERING"})  # not connected yet, nor about to be


# -- coming and going --------------------------------------------------------------------------------------------------


def queued(floor: Floor, told: Queued, now: float) -> None:
    if told.item_id in floor.items or told.item_id in floor.ended:
        return
    queue = floor.queues.get(told.queue)
    audience = audience_of(floor, queue, told.rings) if queue is not None else None
    refusal = _refusal(floor, queue, audience, told)
    if queue is None or refusal is not None:
        floor.remember(told.item_id)
        floor.decisions.append(ItemEnded(told.item_id, told.queue, refusal or "failed", max(0.0, now - told.queued_at)))
        return
    item = Item(
        item_id=told.item_id,
        queue=queue,
        queued_at=told.queued_at,
        rings=told.rings or ANYBODY,
        boost_seconds=0.0,
        sticky_agent=told.sticky_agent,
        sticky_until=now + told.sticky_seconds,
        max_wait_seconds=told.max_wait_seconds,
        virtual=told.virtual,
        entered_at=now,
        attempt_count=told.attempts_before,
        audience=audience,
    )
    item.boost(told.boost_seconds)
    item.alarm = floor.timers.new("item", item)
    for agent_id, until in told.excluded_until:
        if until > now and agent_id not in told.excluded:
            floor.exclude(item, agent_id, until)
    for agent_id in told.excluded:
        floor.exclude(item, agent_id, inf)
    floor.enter(item, now)


def _refusal(floor: Floor, queue: Queue | None, audience: Audience | None, told: Queued) -> Terminal | None:
    """How a call ends that may not even wait. What an earlier process let in, and callbacks, always may."""
    if queue is None or audience is None or queue.retired:
        return "failed"
    if told.virtual or not floor.opened:
        return None
    if queue.rules.capacity and queue.living >= queue.rules.capacity:
        return "refused_full"
    if queue.rules.when_empty == "refuse" and not audience.logged_in:
        return "refused_empty"
    return None


def left(floor: Floor, told: Left, now: float) -> None:
    item = floor.items.get(told.item_id)
    if item is None or "ended" not in ITEM_STATE[item.state] or told.terminal == "answered":
        return
    terminal = told.terminal
    short = item.queue.rules.short_abandon_seconds
    if terminal == "abandoned" and short and now - item.queued_at <= short:
        terminal = "short_abandon"
    floor.end(item, terminal, now)


# -- supervisors -------------------------------------------------------------------------------------------------------


def raised(floor: Floor, told: Raised, now: float) -> None:
    item = floor.items.get(told.item_id)
    if item is None or item.state not in MOVABLE:
        return
    floor.leave_line(item)
    item.boost(told.boost_seconds)
    floor.join_line(item, item.entered_at)
    if item.state == "QUEUED":
        floor.wait(item, now)


def moved(floor: Floor, told: Moved, now: float) -> None:
    item, queue = floor.items.get(told.item_id), floor.queues.get(told.queue)
    if item is None or item.state not in MOVABLE or queue is item.queue:
        return
    if queue is None or queue.retired:
        floor.refuse("", "unknown_queue", Sentence("There is no such queue to move the caller to."))
    elif item.winner is not None:
        floor.refuse("", "answered", Sentence("An agent has answered this caller already."))
    else:
        floor.take_back(item, now)
        floor.leave_line(item)
        item.queue = queue
        item.assigned_to = None
        item.overdue = False
        floor.join_line(item, now)
        floor.wait(item, now)


def assigned(floor: Floor, told: Assigned, now: float) -> None:
    item, agent = floor.items.get(told.item_id), floor.agents.get(told.agent_id)
    if item is None or item.state not in MOVABLE:
        return
    if agent is not None and (item.assigned_to is agent or any(attempt.agent is agent for attempt in item.attempts.values())):
        return
    if agent is None or not agent.logged_in or agent.retired:
        floor.refuse(told.agent_id, "logged_out", Sentence("Nobody is logged in under this number."))
    elif item.winner is not None:
        floor.refuse(told.agent_id, "answered", Sentence("An agent has answered this caller already."))
    else:
        floor.take_back(item, now)
        floor.include(item, agent.agent_id)
        item.assigned_to = agent
        item.assigned_until = now + ASSIGNED_SECONDS
        floor.wait(item, now)


# -- time --------------------------------------------------------------------------------------------------------------


def item_due(floor: Floor, item: Item, now: float) -> None:
    """Waited too long; or the needs relax, or the one agent asked for was not free in time: on to another lane with the same key."""
    if item.limit_at <= now:
        if item.state == "QUEUED":
            floor.end(item, "timeout", now)
        else:
            item.overdue = True  # an agent whose phone rings already may still answer
    elif item.state == "QUEUED":
        floor.unplace(item)
        item.assigned_to = None
        floor.wait(item, now)


def no_agent_due(floor: Floor, audience: Audience, now: float) -> None:
    """Nobody who could ever serve them has been logged in for too long, for some who wait; those who came later have their own time.
    Callbacks have time: they are made when somebody is there again. Who was picked up waits for that agent."""
    limit = audience.queue.rules.no_agent_seconds
    if audience.logged_in or not limit:
        return
    next_due = inf
    for place in list(audience.queue.line):
        item = place[3]
        due = max(item.entered_at, audience.empty_since) + limit
        if item.audience is not audience or item.state != "QUEUED" or item.virtual or item.assigned_to is not None:
            continue
        if due <= now:
            floor.end(item, "no_agent", now)
        else:
            next_due = min(next_due, due)
    floor.timers.set(audience.alarm, next_due)


def exclusion_due(floor: Floor, pair: tuple[Item, str], now: float) -> None:
    """The agent who refused or missed this item may be asked again."""
    item, agent_id = pair
    floor.include(item, agent_id)
    if item.state == "QUEUED" and item.assigned_to is None:
        floor.match(item, now)
