"""Callbacks: who is to be called back from which queue, since when they wait, and what came of the tries.

One open callback per number and queue, which the table itself keeps, however many calls ask at once. Ended ones stay as history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import sqlite_utils

from ivrengine.domain.needs import ANYBODY, Ring
from ivrengine.domain.sentence import Sentence

from . import audit
from .database import Database, Ticket
from .errors import NoSuchRecord
from .rows import LIST_LIMIT, by_short_id, storable
from .segments import rings_of, rings_text

OPEN_LIMIT = 1000  # callbacks of one queue; more could not be called in a day

Source = Literal["flow", "abandoned", "message", "lost", "agent", "supervisor"]
Requested = Literal["accepted", "duplicate", "full"]


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback. Times in UTC seconds; 0 for no bound, None for what has not happened.

    ``queued_at`` and ``boost_seconds`` make its place in line, which it may have taken over from a caller. ``source``: who asked.
    ``next_at``: not before then, after a try that failed. ``outcome``: of the last try, and at last of the whole.
    """

    callback_id: str
    queue: str
    number: str
    name: str
    contact_id: str
    call_id: str
    source: str
    requested_at: float
    queued_at: float
    rings: tuple[Ring, ...]
    boost_seconds: float
    not_before: float
    not_after: float
    next_at: float
    attempts: int
    outcome: str
    ended_at: float | None
    agent_id: str


_NAMES = ", ".join(each.name for each in fields(Callback))


class Callbacks:
    def __init__(self, database: Database) -> None:
        self._database = database

    def request(
        self,
        callback_id: str,
        queue: str,
        number: str,
        requested_at: float,
        *,
        queued_at: float | None = None,
        rings: Sequence[Ring] = ANYBODY,
        boost_seconds: float = 0.0,
        not_before: float = 0.0,
        not_after: float = 0.0,
        name: str = "",
        contact_id: str = "",
        call_id: str = "",
        source: Source = "flow",
    ) -> Ticket[Requested]:
        """Somebody asks for a call; the ticket tells whether it is kept. The same ``callback_id`` again is accepted again.

        ``queued_at`` None: its place in line begins with the request.
        """
        callback_id, queue, number = storable(callback_id), storable(queue), storable(number)
        row = (
            callback_id,
            queue,
            number,
            *(storable(text) for text in (name, contact_id, call_id, source)),
            requested_at,
            requested_at if queued_at is None else queued_at,
            rings_text(rings),
            boost_seconds,
            not_before,
            not_after,
        )

        def write(db: sqlite_utils.Database) -> Requested:
            if db.execute("SELECT 1 FROM callbacks WHERE callback_id = ?", (callback_id,)).fetchone():
                return "accepted"
            waiting = "FROM callbacks WHERE ended_at IS NULL AND queue = ?"
            if db.execute(f"SELECT 1 {waiting} AND number = ?", (queue, number)).fetchone():
                return "duplicate"
            if db.execute(f"SELECT count(*) {waiting}", (queue,)).fetchone()[0] >= OPEN_LIMIT:
                return "full"
            db.execute(
                "INSERT INTO callbacks (callback_id, queue, number, name, contact_id, call_id, source, requested_at, queued_at,"
                " rings, boost_seconds, not_before, not_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            return "accepted"

        return self._database.submit(write, "a request for a callback")

    def tried(self, callback_id: str, outcome: str, next_at: float) -> Ticket[None]:
        """The customer was not reached (``busy``, ``no_answer``...); the next try is not before ``next_at``."""
        row = (storable(outcome), next_at, storable(callback_id))

        def write(db: sqlite_utils.Database) -> None:
            db.execute(
                "UPDATE callbacks SET attempts = attempts + 1, outcome = ?, next_at = ? WHERE callback_id = ? AND ended_at IS NULL",
                row,
            )

        return self._database.submit(write, "a try of a callback")

    def done(self, callback_id: str, outcome: str, at: float, agent_id: str = "") -> Ticket[None]:
        """It is over: ``talked``, ``expired``, out of tries... Only the first end counts."""
        row = (storable(outcome), at, storable(agent_id), storable(callback_id))

        def write(db: sqlite_utils.Database) -> None:
            db.execute("UPDATE callbacks SET outcome = ?, ended_at = ?, agent_id = ? WHERE callback_id = ? AND ended_at IS NULL", row)

        return self._database.submit(write, "the end of a callback")

    def cancel(self, callback_id: str, who: str, at: float) -> Ticket[str]:
        """Call nobody back; the ticket gives the whole id. ``callback_id`` may be cut short.

        Waiting raises NoSuchRecord, also for one that is over, or AmbiguousRecord.
        """

        def write(db: sqlite_utils.Database) -> str:
            found = by_short_id(db, _CallbackId, "callbacks", "callback_id", storable(callback_id))
            ended = db.execute(
                "UPDATE callbacks SET outcome = 'cancelled', ended_at = ? WHERE callback_id = ? AND ended_at IS NULL",
                (at, found.callback_id),
            )
            if not ended.rowcount:
                raise NoSuchRecord(Sentence("the callback %(id)s is over already", id=found.callback_id[:8]))
            audit.insert(db, audit.audit_row(who, "cancel_callback", f"callback {found.callback_id}", None, None, at))
            return found.callback_id

        return self._database.submit(write, "the cancelling of a callback")

    # -- questions -----------------------------------------------------------------------------------------------------

    def get(self, callback_id: str) -> Callback:
        """The one whose id is, or begins with, ``callback_id``. Raises NoSuchRecord or AmbiguousRecord."""
        whole = self._database.read(lambda db: by_short_id(db, _CallbackId, "callbacks", "callback_id", storable(callback_id)).callback_id)
        return self._select("WHERE callback_id = ?", whole)[0]

    def open(self) -> list[Callback]:
        """Those still to be made, whenever, in the order of their places in line."""
        return self._select("WHERE ended_at IS NULL ORDER BY queued_at - boost_seconds, callback_id")

    def due(self, now: float) -> list[Callback]:
        """Those that may be made now, in the order of their places in line."""
        return self._select(
            "WHERE ended_at IS NULL AND next_at <= ?1 AND not_before <= ?1 AND (not_after = 0 OR not_after > ?1)"
            " ORDER BY queued_at - boost_seconds, callback_id",
            now,
        )

    def too_late(self, now: float) -> list[Callback]:
        """Those whose time is over before anybody could call; they are to be ended as ``expired``."""
        return self._select("WHERE ended_at IS NULL AND not_after != 0 AND not_after <= ? ORDER BY not_after, callback_id", now)

    def recent(self, since: float = 0.0, limit: int = LIST_LIMIT) -> list[Callback]:
        """Requested at or after ``since``, over or not, the newest first."""
        return self._select("WHERE requested_at >= ? ORDER BY requested_at DESC, callback_id LIMIT ?", since, limit)

    def _select(self, rest: str, *parameters: Any) -> list[Callback]:
        return self._database.read(lambda db: [_callback(row) for row in db.execute(f"SELECT {_NAMES} FROM callbacks {rest}", parameters)])


@dataclass(frozen=True, slots=True)
class _CallbackId:
    callback_id: str


def _callback(row: Sequence[Any]) -> Callback:
    values = dict(zip((each.name for each in fields(Callback)), row, strict=True))
    return Callback(**{**values, "rings": rings_of(values["rings"])})
