"""The dispatcher: it is told what happened and what time it is, and answers with what is to be done. It does nothing itself.

It never raises for what it is told: happenings that are stale, repeated, out of order, or about something unknown change nothing.
The same log of happenings and times (those of ``expire`` too) leads to the same state and the same decisions.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from . import agents, callers, happenings, offers, site, wrap_up
from .decisions import Decision
from .floor import Floor
from .happenings import Happening
from .rules import QueueRules
from .transitions import OFFERED
from .views import AgentView, ItemView, agent_view, item_view, snapshot

RULES: dict[type, Callable[[Floor, Any, float], None]] = {
    happenings.SiteSet: site.site_set,
    happenings.Queued: callers.queued,
    happenings.Left: callers.left,
    happenings.Raised: callers.raised,
    happenings.Moved: callers.moved,
    happenings.Assigned: callers.assigned,
    happenings.LoggedIn: agents.logged_in,
    happenings.LoggedOut: agents.logged_out,
    happenings.BecameReady: agents.became_ready,
    happenings.BecameNotReady: agents.became_not_ready,
    happenings.BreakAsked: agents.break_asked,
    happenings.BreakDecided: agents.break_decided,
    happenings.WrapUpDone: wrap_up.wrap_up_done,
    happenings.NotesKept: wrap_up.notes_kept,
    happenings.WrapUpExtended: wrap_up.wrap_up_extended,
    happenings.PhoneBusy: agents.phone_busy,
    happenings.PhoneFree: agents.phone_free,
    happenings.PhoneReachable: agents.phone_reachable,
    happenings.OfferRinging: offers.ringing,
    happenings.OfferAnswered: offers.answered,
    happenings.OfferBridging: offers.bridging,
    happenings.OfferBridged: offers.bridged,
    happenings.OfferFailed: offers.failed,
    happenings.TalkChanged: offers.talk_changed,
    happenings.TalkEnded: offers.talk_ended,
    happenings.TalkFound: site.talk_found,
    happenings.AgentFound: site.agent_found,
    happenings.Opened: site.opened,
}


def _agent_due(floor: Floor, agent: Any, now: float) -> None:
    """What an agent's alarm means depends on the work."""
    if agent.work in OFFERED:
        offers.offer_due(floor, agent, now)
    elif agent.work == "HOLD":
        offers.hold_due(floor, agent, now)
    elif agent.work == "WRAP_UP":
        wrap_up.wrap_up_due(floor, agent, now)
    else:
        floor.settle(agent, now)  # a cool-down is over


ALARMS: dict[str, Callable[[Floor, Any, float], None]] = {
    "agent": _agent_due,
    "break": agents.break_due,
    "item": callers.item_due,
    "exclusion": callers.exclusion_due,
    "no_agent": callers.no_agent_due,
}


class Dispatcher:
    def __init__(self, seed: int = 0) -> None:
        """``seed``: of the draws of queues that ask anybody at random."""
        self._floor = Floor(seed)
        self._now = 0.0

    def feed(self, happening: Happening, now: float) -> list[Decision]:
        """Tell what happened at ``now`` (UTC seconds); the decisions are to be performed in their order."""
        floor = self._floor
        if now > self._now:
            self._now = now  # a clock that is set back stands still here
        decisions: list[Decision] = []
        floor.decisions = decisions
        RULES[type(happening)](floor, happening, self._now)
        return decisions

    def expire(self, now: float) -> list[Decision]:
        """Everything that was due until ``now``, in order."""
        floor = self._floor
        if now > self._now:
            self._now = now
        decisions: list[Decision] = []
        floor.decisions = decisions
        while (alarm := floor.timers.take_due(self._now)) is not None:
            ALARMS[alarm.kind](floor, alarm.owner, self._now)
        return decisions

    def next_deadline(self) -> float | None:
        """When ``expire`` has something to do next (UTC seconds); None when nothing is timed."""
        return self._floor.timers.next_deadline()

    # -- what can be seen ----------------------------------------------------------------------------------------------

    def agents(self) -> list[AgentView]:
        """All agents of the site, by number."""
        return [agent_view(agent) for _, agent in sorted(self._floor.agents.items())]

    def agent(self, agent_id: str) -> AgentView | None:
        agent = self._floor.agents.get(agent_id)
        return agent_view(agent) if agent is not None else None

    def items(self, queue: str | None = None) -> list[ItemView]:
        """What waits, also while it is being offered: in line order, queue by queue."""
        queues = self._floor.queues
        names = sorted(queues) if queue is None else [queue] if queue in queues else []
        return [item_view(place[3]) for name in names for place in queues[name].line]

    def callers(self) -> list[str]:
        """Ids of what waits with somebody on the line (no callbacks)."""
        return [place[3].item_id for queue in self._floor.queues.values() for place in queue.line if not place[3].virtual]

    def item(self, item_id: str) -> ItemView | None:
        """A waiting item, or one whose talk is going on (TALKING)."""
        item = self._floor.items.get(item_id)
        return item_view(item) if item is not None else None

    def position(self, item_id: str) -> int | None:
        """From 1, in its queue; None for what waits no more."""
        item = self._floor.items.get(item_id)
        if item is None or item.state == "TALKING":
            return None
        return bisect_left(item.queue.line, item.place) + 1

    def queues(self) -> list[str]:
        return sorted(self._floor.queues)

    def queue_rules(self, queue: str) -> QueueRules | None:
        known = self._floor.queues.get(queue)
        return known.rules if known is not None else None

    def waiting(self, queue: str) -> int:
        """How many wait in the queue, being offered or not."""
        known = self._floor.queues.get(queue)
        return len(known.line) if known is not None else 0

    def eligible(self, name: str) -> int:
        """Of a queue: how many of its agents are logged in. Of an item: how many of them may serve it as its needs are now."""
        floor = self._floor
        queue = floor.queues.get(name)
        if queue is not None:
            return queue.logged_in
        item = floor.items.get(name)
        if item is None:
            return 0
        members = floor.lanes.members(item.queue.rules.name)
        return sum(agent.logged_in and floor.lanes.may_serve(agent, item) for agent in members)

    def lanes(self) -> int:
        """How many lanes there are, for measuring."""
        return len(self._floor.lanes)

    def snapshot(self) -> dict[str, Any]:
        """The complete state, JSON-ready, for comparing."""
        return snapshot(self._floor)
