"""Which set of flows is in force, and which were before: a version of ``flow_versions`` with the time it was published."""

from __future__ import annotations

import sqlite_utils

from .database import Database, Ticket
from .rows import storable


class Publications:
    def __init__(self, database: Database) -> None:
        self._database = database

    def publish(self, version: str, at: float) -> Ticket[None]:
        """The set ``version`` is in force from ``at`` (UTC seconds). Publishing what is in force already changes nothing."""

        def write(db: sqlite_utils.Database) -> None:
            db.execute(
                "INSERT INTO publications (version, published_at) SELECT ?, ? WHERE ? IS NOT"
                " (SELECT version FROM publications ORDER BY publication_id DESC LIMIT 1)",
                (storable(version), at, storable(version)),
            )

        return self._database.submit(write, "a publication")

    def current(self) -> str | None:
        """The version in force, None before the first publication."""

        def read(db: sqlite_utils.Database) -> str | None:
            row = db.execute("SELECT version FROM publications ORDER BY publication_id DESC LIMIT 1").fetchone()
            return row[0] if row else None

        return self._database.read(read)
