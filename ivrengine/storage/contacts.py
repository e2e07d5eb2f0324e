"""Contacts: one caller's business from their call on, however many segments it takes. The first call's id names it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlite_utils

from .database import Database, Ticket
from .rows import LIST_LIMIT, by_short_id, select, storable


@dataclass(frozen=True, slots=True)
class Contact:
    """``number`` and ``name`` are the caller's; ``began_at`` in UTC seconds."""

    contact_id: str
    number: str
    name: str
    began_at: float


class Contacts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, contact_id: str, number: str, name: str, at: float) -> Ticket[None]:
        """A caller waits for a person for the first time; only the first beginning counts."""
        row = (storable(contact_id), storable(number), storable(name), at)

        def write(db: sqlite_utils.Database) -> None:
            db.execute(
                "INSERT INTO contacts (contact_id, number, name, began_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row
            )

        return self._database.submit(write, "a contact")

    def get(self, contact_id: str) -> Contact:
        """The contact whose id is, or begins with, ``contact_id``. Raises NoSuchRecord or AmbiguousRecord."""
        return self._database.read(lambda db: by_short_id(db, Contact, "contacts", "contact_id", contact_id))

    def of_number(self, number: str, limit: int = LIST_LIMIT) -> list[Contact]:
        """The newest first."""
        rest = "FROM contacts WHERE number = ? ORDER BY began_at DESC, contact_id LIMIT ?"
        return self._database.read(lambda db: select(db, Contact, rest, [storable(number), limit]))
