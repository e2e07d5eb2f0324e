"""Named counters of the admin's own, added to by the ``counter`` step. A name that was never counted is nought."""

from __future__ import annotations

import sqlite_utils

from .database import Database, Ticket
from .rows import storable


class Counters:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, amount: int, at: float) -> Ticket[int]:
        """Add ``amount`` (which may be negative); the ticket gives the new value."""
        name = storable(name)

        def write(db: sqlite_utils.Database) -> int:
            db.execute(
                "INSERT INTO counters (name, value, changed_at) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value, changed_at = excluded.changed_at",
                (name, amount, at),
            )
            return db.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()[0]

        return self._database.submit(write, "a counter")

    def value(self, name: str) -> int:
        row = self._database.read(
            lambda db: db.execute("SELECT value FROM counters WHERE name = ?", (storable(name),)).fetchone()
        )
        return row[0] if row else 0

    def all(self) -> dict[str, int]:
        """Every counter by name, in alphabetical order."""
        return dict(self._database.read(lambda db: list(db.execute("SELECT name, value FROM counters ORDER BY name"))))
