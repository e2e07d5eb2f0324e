"""What may be asked of the queues at any instant: how many wait, who is there, a caller's place and how long it may still take.

Implements flow.world.Queues. What has to be counted agent by agent is counted at most FACTS_SECONDS apart: hundreds of waiting callers
ask for it. How many wait is always of this instant, because limits are judged by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ivrengine.acd.decisions import ItemEnded
from ivrengine.acd.expected_wait import ExpectedWait
from ivrengine.flow.world import QueueFacts, QueuePlace

from .queue_records import AfterTalk
from .site_rules import SiteRules
from .waiting import WaitingRoom

if TYPE_CHECKING:
    from ivrengine.acd.dispatcher import Dispatcher

FACTS_SECONDS = 0.5

GAVE_UP = ("abandoned", "short_abandon")


class Board:
    def __init__(self, dispatcher: Dispatcher, site: SiteRules, room: WaitingRoom, clock: Callable[[], float]) -> None:
        self._dispatcher = dispatcher
        self._site = site
        self._room = room
        self._clock = clock
        self._expected: dict[str, ExpectedWait] = {}
        self._facts: dict[str, tuple[float, QueueFacts | None, int]] = {}  # when, what, and how many agents could serve
        self._agents: tuple[float, dict[str, Any]] = (0.0, {})

    # -- what the director tells

    def item_ended(self, ended: ItemEnded, now: float) -> None:
        if ended.terminal == "answered":
            self._expected_in(ended.queue).served(now, ended.wait_seconds)
        elif ended.terminal in GAVE_UP:
            self._expected_in(ended.queue).abandoned(now, ended.wait_seconds)

    def handled(self, after: AfterTalk, now: float) -> None:
        self._expected_in(after.queue).handled(now, after.handled_seconds + max(0.0, now - after.since))

    # -- what flows ask

    def facts(self, queue: str) -> QueueFacts | None:
        now = self._clock()
        facts = self._known(queue, now)[1]
        return None if facts is None else replace(facts, waiting=self._dispatcher.waiting(queue))

    def place(self, token: str, now: float) -> QueuePlace | None:
        waiting = self._room.of_token(token)
        if waiting is None or waiting.over:
            return None
        position = self._dispatcher.position(waiting.item_id)
        if position is None:
            return None
        now = self._clock()
        seconds = self._expected_seconds(waiting.queue, position - 1, now)
        return QueuePlace(position, max(0.0, now - waiting.queued_at), waiting.band.minutes(seconds))

    def _expected_seconds(self, queue: str, ahead: int, now: float) -> float | None:
        _, facts, able = self._known(queue, now)
        if facts is None:
            return None
        waiting = max(facts.waiting, ahead)
        return self._expected_in(queue).seconds(now, ahead=ahead, waiting=waiting, agents=able, ready=facts.ready)

    def _known(self, queue: str, now: float) -> tuple[float, QueueFacts | None, int]:
        known = self._facts.get(queue)
        if known is None or not 0 <= now - known[0] < FACTS_SECONDS:
            known = self._facts[queue] = (now, *self._count(queue, now))
        return known

    def _count(self, queue: str, now: float) -> tuple[QueueFacts | None, int]:
        if self._site.queue(queue) is None:
            return None, 0
        items = self._dispatcher.items(queue)
        views = self._views(now)
        members = [views[agent_id] for agent_id in self._site.members(queue) if agent_id in views]
        members = [view for view in members if view.intent != "LOGGED_OUT"]
        ready = sum(view.intent == "READY" and view.work == "IDLE" and view.reachable for view in members)
        able = sum(view.intent == "READY" for view in members)
        longest = max((now - item.queued_at for item in items if not item.virtual), default=0.0)
        expected = self._expected_in(queue).seconds(now, ahead=len(items), waiting=len(items), agents=able, ready=ready)
        return QueueFacts(len(items), longest, len(members), ready, expected), able

    def _views(self, now: float) -> dict[str, Any]:
        if not 0 <= now - self._agents[0] < FACTS_SECONDS:
            self._agents = (now, {view.agent_id: view for view in self._dispatcher.agents()})
        return self._agents[1]

    def _expected_in(self, queue: str) -> ExpectedWait:
        return self._expected.setdefault(queue, ExpectedWait())
