"""What the modules of records share: strangers' text made storable, rows made records, and ids that people may shorten.

Refuses no text: what SQLite can't keep is replaced by a visible mark.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

import sqlite_utils

from ivrengine.domain.sentence import Sentence

from .errors import AmbiguousRecord, NoSuchRecord

LIST_LIMIT = 1000  # records in one answer, unless the caller asks for another number
SHORT_ID = 8  # characters of an id that are shown where space is scarce

R = TypeVar("R")
# A lone surrogate (a byte that was not UTF-8) can't be encoded; a NUL ends the text for half of SQLite's functions.
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """``text`` with every character that SQLite can't keep replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def between(text: str) -> tuple[str, str]:
    """Bounds for ``column BETWEEN ? AND ?`` that find what begins with ``text``; unlike LIKE they use the index."""
    return storable(text), storable(text) + "\U0010ffff"


def select(db: sqlite_utils.Database, record: type[R], rest: str, parameters: Sequence[Any] = ()) -> list[R]:
    """Records of a dataclass whose fields are named like the columns. ``rest`` is the SQL from FROM on."""
    names = [field.name for field in fields(record)]  # type: ignore[arg-type]
    return [record(*row) for row in db.execute(f"SELECT {', '.join(names)} {rest}", parameters)]


def by_short_id(db: sqlite_utils.Database, record: type[R], table: str, column: str, short_id: str) -> R:
    """The one record whose id is, or begins with, ``short_id``. Raises NoSuchRecord or AmbiguousRecord."""
    kind = table.removesuffix("s")
    if not short_id:
        raise NoSuchRecord(Sentence("the id of a %(kind)s is missing", kind=kind))
    found = select(
        db,
        record,
        f"FROM {table} WHERE {column} BETWEEN ? AND ? ORDER BY {column} LIMIT 2",
        between(short_id),
    )
    if found and getattr(found[0], column) == short_id:  # the shortest of them sorts first
        return found[0]
    if not found:
        raise NoSuchRecord(Sentence("there is no %(kind)s whose id begins with %(id)r", kind=kind, id=storable(short_id)[:40]))
    if len(found) > 1:
        raise AmbiguousRecord(
            Sentence("more than one %(kind)s has an id that begins with %(id)r; give more of it", kind=kind, id=short_id[:40])
        )
    return found[0]


def bump(db: sqlite_utils.Database, kind: str) -> None:
    """Say, in the transaction that changes them, that the records of ``kind`` are others than before."""
    db.execute("INSERT INTO revisions (kind, value) VALUES (?, 1) ON CONFLICT (kind) DO UPDATE SET value = value + 1", (kind,))


def revision(db: sqlite_utils.Database, kind: str) -> int:
    """A number that is another one whenever the records of ``kind`` have changed, by this process or any other."""
    row = db.execute("SELECT value FROM revisions WHERE kind = ?", (kind,)).fetchone()
    return row[0] if row else 0
