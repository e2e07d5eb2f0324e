"""The site's queues and agents as they are in force, and the look that notices what the command line has changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ivrengine.acd.happenings import SiteSet
from ivrengine.acd.rules import QueueRules
from ivrengine.domain.commands import RaiseAlarm
from ivrengine.domain.sentence import Sentence
from ivrengine.log import note
from ivrengine.site.records import Agent, Site
from ivrengine.storage.errors import StorageError
from ivrengine.storage.store import Store

LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)


class SiteRules:
    """``tell`` feeds the dispatcher."""

    def __init__(self, store: Store, tell: Callable[[SiteSet], Any], alarm: Callable[[RaiseAlarm], None]) -> None:
        self.site = Site()
        self._store = store
        self._tell = tell
        self._alarm = alarm
        self._revision: int | None = None
        self._failing = False
        self._queues: dict[str, QueueRules] = {}
        self._agents: dict[str, Agent] = {}
        self._members: dict[str, tuple[str, ...]] = {}

    def queue(self, name: str) -> QueueRules | None:
        return self._queues.get(name)

    def agent(self, agent_id: str) -> Agent | None:
        return self._agents.get(agent_id)

    def members(self, queue: str) -> tuple[str, ...]:
        """The agents who belong to the queue, logged in or not."""
        return self._members.get(queue, ())

    def load(self) -> None:
        """Read the site. Raises StorageError."""
        revision = self._store.site.revision()
        if revision == self._revision:
            return
        self.use(self._store.site.load())
        self._revision = revision

    def use(self, site: Site) -> None:
        self.site = site
        self._queues = {queue.name: queue for queue in site.queues}
        self._agents = {agent.agent_id: agent for agent in site.agents}
        members: dict[str, list[str]] = {}
        for agent in site.agents:
            for queue in agent.rules.queues:
                members.setdefault(queue, []).append(agent.agent_id)
        self._members = {queue: tuple(agents) for queue, agents in members.items()}
        self._tell(site.happening())
        note(log, "queues and agents are in force", queues=len(site.queues), agents=len(site.agents))

    def look(self) -> None:
        """Notice a change; called LOOK_SECONDS apart. What can't be read leaves the site as it was, with one alarm."""
        try:
            self.load()
            self._failing = False
        except StorageError as error:
            if not self._failing:
                self._alarm(
                    RaiseAlarm(
                        "site_unreadable", Sentence("queues and agents stay as they were, they can't be read: %(error)s", error=error)
                    )
                )
            self._failing = True
