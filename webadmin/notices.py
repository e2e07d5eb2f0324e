"""What agents are to read, told to their pages the moment it changes: announcements in force for them, and which they have read.

The database is asked once a second for all pages together, and only while somebody looks.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from ivrengine.storage.announcements import Announcement
from ivrengine.storage.errors import StorageError

from .context import Web

LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Notices:
    """Of one engine. ``notices.<agent>`` is the topic."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._store = web.engine.store.announcements
        self._watching: Counter[str] = Counter()
        self._told: dict[str, list[dict[str, Any]]] = {}
        self._revision = -1
        self._open: list[Announcement] = []
        self._reads: dict[int, dict[str, float]] = {}
        web.engine.crew.repeat(self.look, LOOK_SECONDS)

    def watch(self, agent_id: str) -> None:
        self._watching[agent_id] += 1

    def unwatch(self, agent_id: str) -> None:
        self._watching[agent_id] -= 1
        if self._watching[agent_id] <= 0:
            self._watching.pop(agent_id, None)
            self._told.pop(agent_id, None)

    def of(self, agent_id: str) -> list[dict[str, Any]]:
        """What the agent is to read now, JSON-ready: important ones first. Waits for the database."""
        self._read()
        return self._state(agent_id)

    def look(self) -> None:
        if not self._watching:
            return
        try:
            self._read()
        except StorageError as error:
            log.warning("announcements can't be read: %s", error)
            return
        for agent_id in list(self._watching):
            state = self._state(agent_id)
            if state != self._told.get(agent_id):
                self._told[agent_id] = state
                self._web.hub.publish(f"notices.{agent_id}", state)

    def _read(self) -> None:
        revision = self._store.revision()
        if revision != self._revision:
            found = self._store.open(self._web.now())
            self._reads = self._store.reads(each.announcement_id for each in found)
            self._open, self._revision = found, revision

    def _state(self, agent_id: str) -> list[dict[str, Any]]:
        agent, now = self._web.engine.call_centre.director.site.agent(agent_id), self._web.now()
        if agent is None:
            return []
        return [
            {
                "id": each.announcement_id, "title": each.notice.title, "text": each.notice.text, "important": each.notice.important,
                "since": each.notice.begins_at, "until": each.notice.ends_at, "by": each.created_by.removeprefix("user "),
                "read": self._reads.get(each.announcement_id, {}).get(agent_id),
            }
            for each in self._open
            if each.notice.in_force(now) and each.notice.concerns(agent.rules.team, agent.rules.queues)
        ]  # fmt: skip


def notices(web: Web, extensions: dict[str, Any]) -> Notices:
    """The one of this application; made when the first agent looks."""
    if "notices" not in extensions:
        extensions["notices"] = Notices(web)
    found: Notices = extensions["notices"]
    return found
