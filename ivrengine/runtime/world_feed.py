"""Keeps the flows' view of the world current: blacklist and overrides of hours as other processes change them.

The command line writes to the database; a look at its revisions every two seconds tells whether to read again. A failed look
keeps what was known.
"""

from __future__ import annotations

from collections.abc import Callable

from ivrengine.flow.calendars import HoursBook, Override
from ivrengine.flow.world import World
from ivrengine.storage.store import Store

LOOK_SECONDS = 2.0


class WorldFeed:
    def __init__(self, store: Store, world: World, clock: Callable[[], float]) -> None:
        self._store = store
        self._world = world
        self._clock = clock
        self._blacklist_revision: int | None = None
        self._overrides_revision: int | None = None

    def use_calendars(self, book: HoursBook) -> None:
        """Other calendars: the flows were loaded anew."""
        self._world.hours = book
        self._overrides_revision = None
        self.look()

    def look(self) -> None:
        """Read what has changed since the last look."""
        revision = self._store.blacklist.revision()
        if revision != self._blacklist_revision:
            self._world.blacklist = self._store.blacklist.snapshot()
            self._blacklist_revision = revision
        revision = self._store.overrides.revision()
        if revision != self._overrides_revision:
            in_force = self._store.overrides.in_force(self._clock())
            self._world.hours.overrides = {
                name: Override(name, o.state, o.until, o.set_at) for name, o in in_force.items()
            }
            self._overrides_revision = revision
