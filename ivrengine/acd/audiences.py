"""Whether anybody is there for a caller: an audience is who of a queue's agents could serve callers with the same needs, fully relaxed.

A caller whom nobody who is logged in could ever serve is as badly off as one in a queue without agents, and is treated alike: refused at
the door where the queue says so, and given up after its ``no_agent_seconds``. Who is on a break, talks or is excluded is there all the
same. Audiences are counted when agents come and go, so that nothing is searched for a caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ivrengine.domain.needs import ANYBODY, Ring

from .lanes import cost_of
from .model import Agent, Audience, Item, Needs, Queue

if TYPE_CHECKING:
    from .floor import Floor

MOST_AUDIENCES = 256  # of one queue; then those that nobody waits for are given up before new ones are made


def audience_of(floor: Floor, queue: Queue, rings: Sequence[Ring]) -> Audience:
    """Of callers who ask for this. A later ring never asks for more, so the last one says who could ever serve."""
    needs = (rings or ANYBODY)[-1].needs
    known = queue.audiences.get(needs)
    return known if known is not None else _open(floor, queue, needs)


def joined(floor: Floor, item: Item) -> None:
    """The item stands in its queue's line now."""
    audience = item.audience
    if audience is None or audience.queue is not item.queue:  # it is looked up once, at the door
        audience = item.audience = audience_of(floor, item.queue, item.rings)
    audience.items += 1


def left(floor: Floor, item: Item) -> None:
    audience = item.audience
    assert audience is not None
    audience.items -= 1
    if not audience.items:
        floor.timers.stop(audience.alarm)


def sat_down(floor: Floor, queue: Queue, agent: Agent) -> None:
    """A member of the queue has logged in."""
    for audience in queue.audiences.values():
        if _is_of(agent, audience):
            audience.logged_in += 1
            floor.timers.stop(audience.alarm)


def stood_up(floor: Floor, queue: Queue, agent: Agent, now: float) -> None:
    for audience in queue.audiences.values():
        if _is_of(agent, audience):
            audience.logged_in -= 1
            if not audience.logged_in:
                _nobody(floor, audience, now)


def count_anew(floor: Floor, queue: Queue, agents: Iterable[Agent], now: float) -> None:
    """After a change of the site: other members, other skills."""
    here = [agent for agent in agents if agent.logged_in]
    for audience in queue.audiences.values():
        had_some = audience.logged_in > 0
        audience.logged_in = sum(_is_of(agent, audience) for agent in here)
        if audience.logged_in:
            floor.timers.stop(audience.alarm)
        elif had_some:
            _nobody(floor, audience, now)


def watch(floor: Floor, item: Item) -> None:
    """The item waits, and nobody is there: see to it that it does not for ever. Callbacks have time."""
    audience, limit = item.audience, item.queue.rules.no_agent_seconds
    assert audience is not None
    if item.virtual or not limit:
        return
    due = max(item.entered_at, audience.empty_since) + limit
    if due < audience.alarm.due:
        floor.timers.set(audience.alarm, due)


def give_up(floor: Floor, queue: Queue) -> None:
    """The queue is gone."""
    for audience in queue.audiences.values():
        floor.timers.stop(audience.alarm)
    queue.audiences.clear()


def _open(floor: Floor, queue: Queue, needs: Needs) -> Audience:
    audiences = queue.audiences
    if len(audiences) >= MOST_AUDIENCES:
        for audience in [audience for audience in audiences.values() if not audience.items]:
            del audiences[audience.needs]
    audience = audiences[needs] = Audience(queue, needs, floor.timers.new("no_agent", None))
    audience.alarm.owner = audience
    audience.logged_in = sum(agent.logged_in and _is_of(agent, audience) for agent in floor.lanes.members(queue.rules.name))
    return audience


def _is_of(agent: Agent, audience: Audience) -> bool:
    return cost_of(agent.rules, audience.queue.rules.name, (audience.needs,)) is not None


def _nobody(floor: Floor, audience: Audience, now: float) -> None:
    audience.empty_since = now
    limit = audience.queue.rules.no_agent_seconds
    if audience.items and limit:
        floor.timers.set(audience.alarm, now + limit)
