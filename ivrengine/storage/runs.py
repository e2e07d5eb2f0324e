"""Where every caller is in their flow, saved at each wait, so that another process can go on with the call.

One row per call that is up. The record is what ``Run.to_record`` gives; secrets are not in it.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any

import sqlite_utils

from .database import Database, Ticket
from .rows import storable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SavedRun:
    """``record`` as saved; ``saved_at`` in UTC seconds."""

    call_id: str
    record: dict[str, Any]
    saved_at: float


class Runs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, call_id: str, record: dict[str, Any], saved_at: float) -> Ticket[None]:
        """Replace what was saved for the call. The record is written as it is now: later changes to it don't matter."""
        text = json.dumps(record, separators=(",", ":"))  # ASCII: even a lone surrogate comes back as it was
        row = (storable(call_id), text, saved_at)

        def write(db: sqlite_utils.Database) -> None:
            db.execute(
                "INSERT INTO runs (call_id, record, saved_at) VALUES (?, ?, ?)"
                " ON CONFLICT (call_id) DO UPDATE SET record = excluded.record, saved_at = excluded.saved_at",
                row,
            )

        return self._database.submit(write, "a caller's place in the flow")

    def delete(self, call_id: str) -> Ticket[None]:
        """The call is over."""

        def write(db: sqlite_utils.Database) -> None:
            db.execute("DELETE FROM runs WHERE call_id = ?", (storable(call_id),))

        return self._database.submit(write, "the end of a caller's flow")

    def all(self) -> list[SavedRun]:
        """Every saved run, oldest first. One that can't be read is left out and logged: the others' callers still wait."""
        rows = self._database.read(
            lambda db: list(db.execute("SELECT call_id, record, saved_at FROM runs ORDER BY saved_at, call_id"))
        )
        runs = []
        for call_id, text, saved_at in rows:
            try:
                runs.append(SavedRun(call_id, json.loads(text), saved_at))
            except ValueError as error:
                log.error("the saved run of call %s can't be read: %s", call_id, error)
        return runs
