"""Recordings made by the ``record`` step: which call, under which of the admin's names, in which file."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import sqlite_utils

from ivrengine.domain.commands import KeepRecording

from .database import Database, Ticket
from .messages import remove_file
from .rows import select, storable


@dataclass(frozen=True, slots=True)
class Recording:
    recording_id: str
    call_id: str
    name: str
    path: str
    duration_ms: int
    created_at: float


class Recordings:
    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, recording: KeepRecording, call_id: str, created_at: float) -> Ticket[str]:
        """Link a recorded file to its call; the ticket gives the recording's id. A file that is kept already keeps its id."""
        path = storable(recording.path)
        row = (str(uuid.uuid4()), storable(call_id), storable(recording.name), path, recording.duration_ms, created_at)

        def write(db: sqlite_utils.Database) -> str:
            db.execute(
                "INSERT INTO recordings (recording_id, call_id, name, path, duration_ms, created_at) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (path) DO NOTHING",
                row,
            )
            return db.execute("SELECT recording_id FROM recordings WHERE path = ?", (path,)).fetchone()[0]

        return self._database.submit(write, "a recording")

    def of_call(self, call_id: str) -> list[Recording]:
        """The recordings of one call (its whole id), oldest first."""
        return self._database.read(
            lambda db: select(db, Recording, "FROM recordings WHERE call_id = ? ORDER BY created_at, path", [storable(call_id)])
        )

    def drop(self, path: str) -> None:
        """Forget the recording or message in ``path`` if it was kept, and remove the file. Raises StorageError.

        A message is kept already where the engine died before it knew, and the caller, asked once more, has thrown it away.
        """

        def write(db: sqlite_utils.Database) -> None:
            for table in ("recordings", "messages"):
                db.execute(f"DELETE FROM {table} WHERE path = ?", (storable(path),))

        self._database.write(write, "the deletion of a recording")
        remove_file(path)
