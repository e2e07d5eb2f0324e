"""The trace: one row for every step that a caller left, in order. Digits of secret steps never get here: LogStep hides them."""

from __future__ import annotations

from dataclasses import dataclass

import sqlite_utils

from ivrengine.domain.commands import LogStep

from .database import Database, Ticket
from .rows import select, storable

COUNTS_LIMIT = 5000  # rows of one flow's figures


@dataclass(frozen=True, slots=True)
class StepCount:
    """How often callers left ``step`` by ``outcome`` with ``label`` (the meaning of a choice, "" for none)."""

    step: str
    outcome: str
    label: str
    count: int


class Steps:
    def __init__(self, database: Database) -> None:
        self._database = database

    def log(self, call_id: str, step: LogStep) -> Ticket[None]:
        """Keep one step of the call. A step logged again (by an engine that took the call over) replaces the row."""
        row = (
            storable(call_id),
            step.sequence,
            storable(step.flow),
            storable(step.version),
            storable(step.step),
            storable(step.verb),
            step.entered_at,
            step.left_at,
            storable(step.outcome),
            storable(step.label),
            storable(step.key),
            storable(step.detail),
        )

        def write(db: sqlite_utils.Database) -> None:
            db.execute(
                "INSERT OR REPLACE INTO steps (call_id, sequence, flow, version, step, verb, entered_at, left_at, outcome,"
                " label, key, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

        return self._database.submit(write, "a step of the trace")

    def cut(self, call_id: str, sequence: int) -> Ticket[None]:
        """Forget the call's steps from ``sequence`` on: it goes on from a place that was saved before they were walked."""

        def write(db: sqlite_utils.Database) -> None:
            db.execute("DELETE FROM steps WHERE call_id = ? AND sequence >= ?", (storable(call_id), sequence))

        return self._database.submit(write, "the end of a trace")

    def of_call(self, call_id: str) -> list[LogStep]:
        """The steps of one call (its whole id), in order."""
        return self._database.read(
            lambda db: select(db, LogStep, "FROM steps WHERE call_id = ? ORDER BY sequence", [storable(call_id)])
        )

    def counts(self, flow: str, since: float) -> list[StepCount]:
        """Of the steps that were entered since then, whatever version of the flow; the most frequent first."""
        query = (
            "SELECT step, outcome, label, count(*) FROM steps WHERE flow = ? AND entered_at >= ?"
            " GROUP BY step, outcome, label ORDER BY 4 DESC, 1, 2, 3 LIMIT ?"
        )
        return self._database.read(
            lambda db: [StepCount(*row) for row in db.execute(query, (storable(flow), since, COUNTS_LIMIT))]
        )
