"""Every set of flows that a caller has ever met, by the hash of its content. A version never changes and is never deleted
while a call may still be on it."""

from __future__ import annotations

import sqlite_utils

from ivrengine.domain.sentence import Sentence

from .database import Database, Ticket
from .errors import NoSuchRecord, StorageError
from .rows import storable


class FlowVersions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, version: str, text: str, kept_at: float) -> Ticket[None]:
        """Keep ``text`` under its content hash ``version``. The same again is harmless; other text under it is refused."""
        version, text = storable(version), storable(text)

        def write(db: sqlite_utils.Database) -> None:
            db.execute(
                "INSERT INTO flow_versions (version, text, kept_at) VALUES (?, ?, ?) ON CONFLICT (version) DO NOTHING",
                (version, text, kept_at),
            )
            if db.execute("SELECT text FROM flow_versions WHERE version = ?", (version,)).fetchone()[0] != text:
                raise StorageError(
                    Sentence("the flows under version %(version)r are others; a version never changes", version=version[:40])
                )

        return self._database.submit(write, "a version of the flows")

    def text(self, version: str) -> str:
        """The flows of a version, exactly as kept. Raises NoSuchRecord."""
        row = self._database.read(
            lambda db: db.execute("SELECT text FROM flow_versions WHERE version = ?", (storable(version),)).fetchone()
        )
        if row is None:
            raise NoSuchRecord(Sentence("there are no flows of version %(version)r", version=version[:40]))
        return row[0]
