"""The phone that a user of the pages has on the desk, given once: there listening and taking over ring."""

from __future__ import annotations

import sqlite_utils

from .database import Database, Ticket
from .rows import storable


class OwnPhones:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, name: str) -> str:
        """The phone of the user; "" for none."""
        row = self._database.read(
            lambda db: db.execute("SELECT phone FROM own_phones WHERE name = ?", (storable(name),)).fetchone()
        )
        return row[0] if row else ""

    def set(self, name: str, phone: str) -> Ticket[None]:
        row = (storable(name), storable(phone))

        def write(db: sqlite_utils.Database) -> None:
            db.execute("INSERT OR REPLACE INTO own_phones (name, phone) VALUES (?, ?)", row)

        return self._database.submit(write, "a user's phone")
