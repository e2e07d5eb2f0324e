"""Keeps the flows' view of the world current: blacklist and overrides of hours as other processes change them.

The command line writes to the database; a look at its revisions every two seconds tells whether to read again. A failed look
keeps what was known and raises one alarm until a look succeeds. What the calendars don't know of the years ahead is an alarm
as well, once for each gap.
"""

from __future__ import annotations

from collections.abc import Callable

from ivrengine.domain.commands import RaiseAlarm
from ivrengine.domain.sentence import Sentence
from ivrengine.flow.calendars import HoursBook, Override
from ivrengine.flow.world import World
from ivrengine.storage.errors import StorageError
from ivrengine.storage.store import Store

LOOK_SECONDS = 2.0
CALENDAR_SECONDS = 24 * 3600.0  # between two looks at what the calendars don't know


class WorldFeed:
    def __init__(self, store: Store, world: World, clock: Callable[[], float], alarm: Callable[[RaiseAlarm], None]) -> None:
        self._store = store
        self._world = world
        self._clock = clock
        self._alarm = alarm
        self._blacklist_revision: int | None = None
        self._overrides_revision: int | None = None
        self._failing = False
        self._told: set[tuple[str, str]] = set()  # gaps of calendars that an alarm was raised for

    def use_calendars(self, book: HoursBook) -> None:
        """Other calendars: the flows were loaded anew. Overrides stay in force."""
        book.overrides = self._world.hours.overrides
        self._world.hours = book
        self._overrides_revision = None
        self.look()
        self.check_calendars()

    def check_calendars(self) -> None:
        """Raise an alarm for each year whose holidays a calendar does not know, once."""
        gaps = set(self._world.hours.problems(self._clock()))
        for name, sentence in sorted(gaps - self._told):
            self._alarm(RaiseAlarm("calendar_year", sentence, f"calendar {name}"))
        self._told = gaps

    def look(self) -> None:
        """Read what has changed since the last look."""
        try:
            self._look()
            self._failing = False
        except StorageError as error:
            if not self._failing:
                sentence = Sentence("blacklist and hours can't be read, so those known before stay in force: %(error)s", error=error)
                self._alarm(RaiseAlarm("world_unreadable", sentence))
            self._failing = True

    def _look(self) -> None:
        revision = self._store.blacklist.revision()
        if revision != self._blacklist_revision:
            self._world.blacklist = self._store.blacklist.snapshot()
            self._blacklist_revision = revision
        revision = self._store.overrides.revision()
        if revision != self._overrides_revision:
            in_force = self._store.overrides.in_force(self._clock())
            self._world.hours.overrides = {name: Override(name, o.state, o.until, o.set_at) for name, o in in_force.items()}
            self._overrides_revision = revision
