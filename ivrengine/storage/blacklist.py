"""The nuisance callers as kept: entries with reason, expiry and hits. Asking "is this caller refused?" is the domain's.

Every change moves ``revision``, so that a running engine notices what the command line did. Hits don't: they change nothing
about who is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlite_utils

from ivrengine.domain.blacklist import Blacklist as Snapshot
from ivrengine.domain.blacklist import BlacklistEntry, clean_pattern
from ivrengine.domain.sentence import Sentence

from .database import Database, Ticket
from .errors import NoSuchRecord, StaleRecord
from .rows import bump, revision, select, storable

_KIND = "blacklist"


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One entry. Times in UTC seconds; ``expires_at`` None for never, ``last_hit_at`` None when it refused nobody yet."""

    pattern: str
    reason: str
    expires_at: float | None
    hits: int
    last_hit_at: float | None
    created_by: str
    created_at: float


class Blacklist:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, entry: BlacklistEntry, created_by: str, at: float, *, base: str | None = None) -> Ticket[BlacklistEntry | None]:
        """Add an entry, or give the one of the same pattern another reason and expiry: what stood there before, or None. Raises
        BadPattern. ``base``: the ``version_of`` the entry that is to be replaced, "" for none; waiting raises StaleRecord when
        another one stands there, which is looked up in the transaction that would have written."""
        rows = [_row(entry, created_by, at)]

        def write(db: sqlite_utils.Database) -> BlacklistEntry | None:
            stands = _find(db, rows[0][0])
            if base is not None and base != (version_of(stands) if stands else ""):
                raise StaleRecord(stands)
            _insert(db, rows)
            return stands

        return self._database.submit(write, "an entry of the blacklist")

    def add_all(self, entries: Sequence[BlacklistEntry], created_by: str, at: float) -> Ticket[None]:
        """Add many, all or none. Raises BadPattern for the first that can't be a number."""
        rows = [_row(entry, created_by, at) for entry in entries]
        return self._database.submit(lambda db: _insert(db, rows), "an entry of the blacklist")

    def remove(self, pattern: str) -> Ticket[BlacklistEntry]:
        """Remove an entry: what it was. Raises BadPattern; waiting raises NoSuchRecord when there is none of that pattern."""
        pattern = clean_pattern(pattern)

        def write(db: sqlite_utils.Database) -> BlacklistEntry:
            stands = _find(db, pattern)
            if stands is None:
                raise NoSuchRecord(Sentence("%(pattern)s is not on the blacklist", pattern=pattern))
            db.execute("DELETE FROM blacklist WHERE pattern = ?", (pattern,))
            bump(db, _KIND)
            return stands

        return self._database.submit(write, "the removal of a blacklist entry")

    def hit(self, pattern: str, at: float) -> Ticket[None]:
        """The entry has refused a call. One that was removed meanwhile is no error."""
        row = (at, storable(pattern))

        def write(db: sqlite_utils.Database) -> None:
            db.execute("UPDATE blacklist SET hits = hits + 1, last_hit_at = ? WHERE pattern = ?", row)

        return self._database.submit(write, "a hit of the blacklist")

    def entries(self) -> list[StoredEntry]:
        """All entries, expired ones too, the newest first."""
        return self._database.read(lambda db: select(db, StoredEntry, "FROM blacklist ORDER BY created_at DESC, pattern"))

    def snapshot(self) -> Snapshot:
        """What the flow asks while a caller waits."""
        return Snapshot(self._database.read(lambda db: select(db, BlacklistEntry, "FROM blacklist")))

    def revision(self) -> int:
        """Another number whenever a snapshot would be another one."""
        return self._database.read(lambda db: revision(db, _KIND))


def version_of(entry: BlacklistEntry) -> str:
    """Another one whenever the entry says something else."""
    return hashlib.sha256(repr((entry.pattern, entry.reason, entry.expires_at)).encode("utf-8", "replace")).hexdigest()[:16]


def _row(entry: BlacklistEntry, created_by: str, at: float) -> tuple[Any, ...]:
    return clean_pattern(entry.pattern), storable(entry.reason), entry.expires_at, storable(created_by), at


def _find(db: sqlite_utils.Database, pattern: str) -> BlacklistEntry | None:
    found = select(db, BlacklistEntry, "FROM blacklist WHERE pattern = ?", [pattern])
    return found[0] if found else None


def _insert(db: sqlite_utils.Database, rows: Sequence[tuple[Any, ...]]) -> None:
    db.conn.executemany(
        "INSERT INTO blacklist (pattern, reason, expires_at, created_by, created_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (pattern) DO UPDATE SET reason = excluded.reason, expires_at = excluded.expires_at,"
        " created_by = excluded.created_by, created_at = excluded.created_at",
        rows,
    )
    bump(db, _KIND)
