"""Voicemail: who left a message in which box, and whether it has been heard. The sound itself is a file beside the database.

A message that was kept is durable before anyone is told so. Deleting takes the file away and keeps the row, so that
"there was a message" stays answerable.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

import gevent
import sqlite_utils

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import KeepMessage
from ivrengine.domain.sentence import Sentence

from .database import Database, Ticket
from .errors import StorageError
from .native import outcome, unpack
from .rows import LIST_LIMIT, by_short_id, select, storable


@dataclass(frozen=True, slots=True)
class Message:
    """One message. Times in UTC seconds; ``number`` and ``name`` are the caller's, ``callback_number`` what they left."""

    message_id: str
    call_id: str
    box: str
    path: str
    duration_ms: int
    number: str
    name: str
    callback_number: str
    urgent: int
    created_at: float
    heard_at: float | None
    deleted_at: float | None


class Messages:
    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, message: KeepMessage, call: CallInfo, created_at: float) -> Ticket[str]:
        """Keep a message; the ticket gives its id. A file that is kept already keeps its id (the engine was restarted)."""
        path = storable(message.path)
        row = (
            str(uuid.uuid4()),
            storable(call.call_id),
            storable(message.box),
            path,
            message.duration_ms,
            storable(call.number),
            storable(call.name),
            storable(message.callback_number),
            int(message.urgent),
            created_at,
        )

        def write(db: sqlite_utils.Database) -> str:
            db.execute(
                "INSERT INTO messages (message_id, call_id, box, path, duration_ms, number, name, callback_number, urgent,"
                " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO NOTHING",
                row,
            )
            return db.execute("SELECT message_id FROM messages WHERE path = ?", (path,)).fetchone()[0]

        return self._database.submit(write, "a message")

    def in_box(self, box: str = "", *, unheard_only: bool = False, deleted: bool = False, limit: int = LIST_LIMIT) -> list[Message]:
        """The newest first, of one box or (with ``""``) of all; those deleted only where asked for."""
        conditions, parameters = [f"deleted_at IS {'NOT ' if deleted else ''}NULL"], []
        if box:
            conditions.append("box = ?")
            parameters.append(storable(box))
        if unheard_only:
            conditions.append("heard_at IS NULL")
        rest = f"FROM messages WHERE {' AND '.join(conditions)} ORDER BY created_at DESC, message_id LIMIT ?"
        return self._database.read(lambda db: select(db, Message, rest, [*parameters, limit]))

    def of_call(self, call_id: str) -> list[Message]:
        """What was left in one call and is not deleted, in the order of its leaving."""
        rest = "FROM messages WHERE call_id = ? AND deleted_at IS NULL ORDER BY created_at, message_id"
        return self._database.read(lambda db: select(db, Message, rest, [storable(call_id)]))

    def get(self, message_id: str) -> Message:
        """The message whose id is, or begins with, ``message_id``. Raises NoSuchRecord or AmbiguousRecord."""
        return self._database.read(lambda db: by_short_id(db, Message, "messages", "message_id", message_id))

    def mark_heard(self, message_id: str, at: float) -> Ticket[None]:
        """Somebody has listened to the message; the first time counts."""

        def write(db: sqlite_utils.Database) -> None:
            db.execute("UPDATE messages SET heard_at = coalesce(heard_at, ?) WHERE message_id = ?", (at, storable(message_id)))

        return self._database.submit(write, "that a message was heard")

    def delete(self, message_id: str, at: float) -> Message:
        """Delete the message and its file, and wait for both. Repeating it finishes a deletion that was cut off.

        Raises NoSuchRecord, AmbiguousRecord, or StorageError when the file can't be removed.
        """

        def write(db: sqlite_utils.Database) -> Message:
            found = by_short_id(db, Message, "messages", "message_id", message_id)
            db.execute("UPDATE messages SET deleted_at = coalesce(deleted_at, ?) WHERE message_id = ?", (at, found.message_id))
            return by_short_id(db, Message, "messages", "message_id", found.message_id)

        message = self._database.write(write, "the deletion of a message")
        # After the commit: a file without its row is an orphan for ever, a deleted row with its file can be deleted again.
        remove_file(message.path)
        return message


def remove_file(path: str) -> None:
    """Remove a file in a native thread; one that is gone already is no error. Raises StorageError."""
    try:
        unpack(gevent.get_hub().threadpool.apply(outcome, (Path(path).unlink, True)))
    except OSError as error:
        raise StorageError(Sentence("the file %(path)s can't be removed: %(error)s", path=path, error=error.strerror)) from error
