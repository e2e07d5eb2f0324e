"""What a person should mend. The same alarm at the same place is one row with a count, however often it is raised."""

from __future__ import annotations

from dataclasses import dataclass

import sqlite_utils

from ivrengine.domain.commands import RaiseAlarm

from .database import Database, Ticket
from .rows import LIST_LIMIT, select, storable


@dataclass(frozen=True, slots=True)
class Alarm:
    """``sentence`` is the latest one; ``count`` how often it was raised between ``first_at`` and ``last_at`` (UTC seconds)."""

    code: str
    place: str
    sentence: str
    first_at: float
    last_at: float
    count: int


class Alarms:
    def __init__(self, database: Database) -> None:
        self._database = database

    def raise_(self, alarm: RaiseAlarm, at: float) -> Ticket[None]:
        """Keep one more occurrence of the alarm."""
        row = (storable(alarm.code), storable(alarm.place), storable(alarm.sentence), at, at)

        def write(db: sqlite_utils.Database) -> None:
            db.execute(
                "INSERT INTO alarms (code, place, sentence, first_at, last_at, count) VALUES (?, ?, ?, ?, ?, 1)"
                " ON CONFLICT (code, place) DO UPDATE"
                " SET sentence = excluded.sentence, last_at = excluded.last_at, count = count + 1",
                row,
            )

        return self._database.submit(write, "an alarm")

    def recent(self, since: float | None = None, limit: int = LIST_LIMIT) -> list[Alarm]:
        """Those raised at or after ``since``, the latest first."""
        rest = "FROM alarms WHERE last_at >= ? ORDER BY last_at DESC, code, place LIMIT ?"
        earliest = float("-inf") if since is None else since
        return self._database.read(lambda db: select(db, Alarm, rest, [earliest, limit]))
