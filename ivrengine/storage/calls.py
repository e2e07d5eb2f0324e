"""The calls: who rang where and when, how far they came, and how it ended. One row per call, filled in as it goes on.

What a caller did inside is in ``steps``. Writes are idempotent, so an engine that picks a call up again repeats them safely.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlite_utils

from ivrengine.domain.caller import CallInfo

from .database import Database, Ticket
from .rows import LIST_LIMIT, between, by_short_id, select, storable


@dataclass(frozen=True, slots=True)
class Call:
    """One call. Times in UTC seconds, None for what has not happened.

    ``ended_by`` says who ended it (``caller``, ``engine``...), ``cause`` is the switch's own word for the end, ``outcome``
    what became of the caller in words of ours.
    """

    call_id: str
    dialled: str
    number: str
    name: str
    started_at: float
    answered_at: float | None
    ended_at: float | None
    ended_by: str
    cause: str
    flow: str
    flow_version: str
    outcome: str

    @property
    def duration_seconds(self) -> float | None:
        return None if self.ended_at is None else max(0.0, self.ended_at - self.started_at)


class Calls:
    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, call: CallInfo, flow: str, flow_version: str) -> Ticket[None]:
        """A call has reached the engine and enters ``flow``."""
        row = (
            storable(call.call_id),
            storable(call.dialled),
            storable(call.number),
            storable(call.name),
            call.started_at,
            storable(flow),
            storable(flow_version),
        )

        def write(db: sqlite_utils.Database) -> None:
            db.execute(
                "INSERT INTO calls (call_id, dialled, number, name, started_at, flow, flow_version) VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (call_id) DO NOTHING",
                row,
            )

        return self._database.submit(write, "the beginning of a call")

    def answered(self, call_id: str, at: float) -> Ticket[None]:
        """The switch has answered the call; only the first time counts."""

        def write(db: sqlite_utils.Database) -> None:
            db.execute("UPDATE calls SET answered_at = coalesce(answered_at, ?) WHERE call_id = ?", (at, storable(call_id)))

        return self._database.submit(write, "the answering of a call")

    def end(self, call_id: str, at: float, ended_by: str, cause: str, outcome: str) -> Ticket[None]:
        """The call is over; only the first end counts."""
        row = (at, storable(ended_by), storable(cause), storable(outcome), storable(call_id))

        def write(db: sqlite_utils.Database) -> None:
            db.execute(
                "UPDATE calls SET ended_at = ?, ended_by = ?, cause = ?, outcome = ? WHERE call_id = ? AND ended_at IS NULL", row
            )

        return self._database.submit(write, "the end of a call")

    def get(self, call_id: str) -> Call:
        """The call whose id is, or begins with, ``call_id``. Raises NoSuchRecord or AmbiguousRecord."""
        return self._database.read(lambda db: by_short_id(db, Call, "calls", "call_id", call_id))

    def unfinished(self) -> list[Call]:
        """Calls without an end, oldest first: those up now, and those that a crash cut off."""
        return self._database.read(lambda db: select(db, Call, "FROM calls WHERE ended_at IS NULL ORDER BY started_at"))

    def recent(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        number: str = "",
        dialled: str = "",
        limit: int = LIST_LIMIT,
    ) -> list[Call]:
        """The newest calls first, begun in [since, until); ``number`` and ``dialled`` may be cut short at the end with ``*``."""
        conditions: list[str] = ["1"]
        parameters: list[str | float] = []
        for column, text in (("number", number), ("dialled", dialled)):
            if text.endswith("*"):
                conditions.append(f"{column} BETWEEN ? AND ?")
                parameters.extend(between(text[:-1]))
            elif text:
                conditions.append(f"{column} = ?")
                parameters.append(storable(text))
        for condition, moment in (("started_at >= ?", since), ("started_at < ?", until)):
            if moment is not None:
                conditions.append(condition)
                parameters.append(moment)
        rest = f"FROM calls WHERE {' AND '.join(conditions)} ORDER BY started_at DESC, call_id LIMIT ?"
        return self._database.read(lambda db: select(db, Call, rest, [*parameters, limit]))

    def dialled(self, since: float, limit: int = LIST_LIMIT) -> list[tuple[str, int]]:
        """Which numbers were called at or after ``since`` and how often, the busiest first."""
        rest = "SELECT dialled, count(*) FROM calls WHERE started_at >= ? GROUP BY dialled ORDER BY count(*) DESC, dialled LIMIT ?"
        return self._database.read(lambda db: [(row[0], row[1]) for row in db.execute(rest, (since, limit))])
