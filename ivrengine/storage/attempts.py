"""Attempts: each offer of one waiting caller to one agent, how far it came and why it ended.

One that has not ended names a leg that may still be up: after a restart it is looked for, and killed where nobody needs it. An
attempt's id counts anew in each process, so a row is told apart by attempt *and* leg; a write concerns the one that has not ended.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlite_utils

from .database import Database, Ticket
from .rows import LIST_LIMIT, select, storable


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. Times in UTC seconds, None for what has not happened. ``outcome``: ``talked``, or why it failed."""

    attempt_id: str
    leg_id: str
    item_id: str
    agent_id: str
    phone: str
    offered_at: float
    rang_at: float | None
    answered_at: float | None
    bridged_at: float | None
    ended_at: float | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Missed:
    """An offer that an agent did not take: who called, and what became of them ("" while they wait)."""

    offered_at: float
    outcome: str
    item_id: str
    queue: str
    number: str
    contact_id: str
    terminal: str
    answered_by: str


NOT_TAKEN = ("no_answer", "rejected", "busy", "unregistered")


class Attempts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, attempt_id: str, item_id: str, agent_id: str, phone: str, leg_id: str, offered_at: float) -> Ticket[None]:
        """The leg is about to be dialled; wait for it, so that no leg is ever up without its row."""
        row = (*(storable(text) for text in (attempt_id, leg_id, item_id, agent_id, phone)), offered_at)

        def write(db: sqlite_utils.Database) -> None:
            db.execute(
                "INSERT INTO attempts (attempt_id, leg_id, item_id, agent_id, phone, offered_at) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (attempt_id, leg_id) DO NOTHING",
                row,
            )

        return self._database.submit(write, "an offer")

    def rang(self, attempt_id: str, at: float) -> Ticket[None]:
        return self._reached("rang_at", attempt_id, at)

    def answered(self, attempt_id: str, at: float) -> Ticket[None]:
        return self._reached("answered_at", attempt_id, at)

    def bridged(self, attempt_id: str, at: float) -> Ticket[None]:
        return self._reached("bridged_at", attempt_id, at)

    def ended(self, attempt_id: str, outcome: str, at: float) -> Ticket[None]:
        """The leg is certainly gone; only the first end counts."""
        row = (at, storable(outcome), storable(attempt_id))

        def write(db: sqlite_utils.Database) -> None:
            db.execute("UPDATE attempts SET ended_at = ?, outcome = ? WHERE attempt_id = ? AND ended_at IS NULL", row)

        return self._database.submit(write, "the end of an offer")

    def live(self) -> list[Attempt]:
        """Those whose leg may still be up, oldest first."""
        return self._database.read(
            lambda db: select(db, Attempt, "FROM attempts WHERE ended_at IS NULL ORDER BY offered_at, attempt_id")
        )

    def of_item(self, item_id: str) -> list[Attempt]:
        """The attempts of one waiting, in order."""
        return self._database.read(
            lambda db: select(db, Attempt, "FROM attempts WHERE item_id = ? ORDER BY rowid", [storable(item_id)])
        )

    def of_agent(self, agent_id: str, a: float, b: float, limit: int = LIST_LIMIT) -> list[Attempt]:
        """What one agent was offered in [a, b), in order."""
        rest = "FROM attempts WHERE agent_id = ? AND offered_at >= ? AND offered_at < ? ORDER BY offered_at, attempt_id LIMIT ?"
        return self._database.read(lambda db: select(db, Attempt, rest, [storable(agent_id), a, b, limit]))

    def lately(self, agent_id: str, since: float, limit: int) -> list[Attempt]:
        """What the agent was offered after ``since`` and is over, the newest first."""
        rest = "FROM attempts WHERE agent_id = ? AND offered_at > ? AND ended_at IS NOT NULL ORDER BY offered_at DESC, rowid DESC LIMIT ?"
        return self._database.read(lambda db: select(db, Attempt, rest, [storable(agent_id), since, limit]))

    def missed(self, agent_id: str, since: float, limit: int = LIST_LIMIT) -> list[Missed]:
        """What the agent was offered from ``since`` on and did not take, the newest first."""
        marks = ", ".join("?" * len(NOT_TAKEN))
        sql = (
            "SELECT offered_at, outcome, item_id, queue, number, contact_id, terminal, segments.agent_id"
            " FROM attempts JOIN segments USING (item_id)"
            f" WHERE direction = '' AND attempts.agent_id = ? AND offered_at >= ? AND outcome IN ({marks})"
            " ORDER BY offered_at DESC LIMIT ?"
        )
        row = (storable(agent_id), since, *NOT_TAKEN, limit)
        return self._database.read(lambda db: [Missed(*each) for each in db.execute(sql, row)])

    def _reached(self, column: str, attempt_id: str, at: float) -> Ticket[None]:
        """Only the first time counts."""
        row = (at, storable(attempt_id))

        def write(db: sqlite_utils.Database) -> None:
            db.execute(
                f"UPDATE attempts SET {column} = coalesce({column}, ?) WHERE attempt_id = ? AND ended_at IS NULL", row
            )

        return self._database.submit(write, "how far an offer came")
