"""Hours set by a person against the calendar: who said "closed" for which calendar, when, and for how long.

One override at most is in force per calendar; a new one ends the one before it. History is kept. Every change moves
``revision``, so that a running engine notices what the command line did.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal

import sqlite_utils

from ivrengine.domain.sentence import Sentence

from .database import Database, Ticket
from .errors import NoSuchRecord
from .rows import LIST_LIMIT, bump, revision, select, storable

Lasts = Literal["boundary", "until", "permanent"]
_KIND = "overrides"
_IN_FORCE = "ended_at IS NULL AND (until IS NULL OR until > ?)"


@dataclass(frozen=True, slots=True)
class Override:
    """``state`` is ``open``, ``closed``, ``holiday`` or a label of the calendar's own. Times in UTC seconds.

    ``until`` is when it ends by itself: the calendar's next boundary as it was when the override was set, or the time
    that the person gave; None when it is permanent. ``ended_at`` is set when somebody ended or replaced it before.
    """

    override_id: str
    calendar: str
    state: str
    lasts: Lasts
    until: float | None
    set_by: str
    set_at: float
    ended_by: str
    ended_at: float | None


class Overrides:
    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, calendar: str, state: str, lasts: Lasts, until: float | None, set_by: str, at: float) -> Ticket[Override]:
        """Override ``calendar`` from ``at`` on. Raises ValueError when ``until`` doesn't fit ``lasts``."""
        if (lasts == "permanent") != (until is None):
            raise ValueError(f"an override that lasts {lasts!r} can't have until={until!r}")
        if until is not None and until <= at:
            raise ValueError("an override can't end before it begins")
        override = Override(
            str(uuid.uuid4()), storable(calendar), storable(state), lasts, until, storable(set_by), at, ended_by="", ended_at=None
        )

        def write(db: sqlite_utils.Database) -> Override:
            _end(db, override.calendar, override.set_by, at)
            db.execute(
                "INSERT INTO overrides (override_id, calendar, state, lasts, until, set_by, set_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (override.override_id, override.calendar, override.state, lasts, until, override.set_by, at),
            )
            bump(db, _KIND)
            return override

        return self._database.submit(write, "an override of the hours")

    def clear(self, calendar: str, ended_by: str, at: float) -> Ticket[None]:
        """Back to the calendar. Waiting raises NoSuchRecord when none is in force."""
        calendar, ended_by = storable(calendar), storable(ended_by)

        def write(db: sqlite_utils.Database) -> None:
            if not _end(db, calendar, ended_by, at):
                raise NoSuchRecord(Sentence("no override is in force for the calendar %(calendar)r", calendar=calendar))
            bump(db, _KIND)

        return self._database.submit(write, "the end of an override of the hours")

    def in_force(self, now: float) -> dict[str, Override]:
        """The override of each calendar that has one at ``now``. Those with ``until`` end by themselves: compare it again."""
        found = self._database.read(lambda db: select(db, Override, f"FROM overrides WHERE {_IN_FORCE}", [now]))
        return {override.calendar: override for override in found}

    def history(self, calendar: str = "", limit: int = LIST_LIMIT) -> list[Override]:
        """The latest first, of one calendar or (with ``""``) of all."""
        rest = "FROM overrides WHERE ? IN ('', calendar) ORDER BY set_at DESC, override_id LIMIT ?"
        return self._database.read(lambda db: select(db, Override, rest, [storable(calendar), limit]))

    def revision(self) -> int:
        """Another number whenever an override was set or ended by a person."""
        return self._database.read(lambda db: revision(db, _KIND))


def _end(db: sqlite_utils.Database, calendar: str, ended_by: str, at: float) -> int:
    """End what is in force; how many that were (nought or one)."""
    return db.execute(
        f"UPDATE overrides SET ended_by = ?, ended_at = ? WHERE calendar = ? AND {_IN_FORCE}", (ended_by, at, calendar, at)
    ).rowcount
