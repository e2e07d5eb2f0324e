"""Log-ins to the pages: passwords checked, guessers locked out, sessions that can be ended here, and the log of it all.

A try is written down before the password is looked at, and taken back when it was right. Unknown, disabled and locked names cost
the same time and get the same answers as known ones. A browser holds a session's token; kept is only a hash of it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Literal

import sqlite_utils

from . import passwords
from .database import Database, Ticket
from .rows import LIST_LIMIT, select, storable
from .slow_work import SlowWork
from .users import User, user_name

TRIES_LIMIT = 8  # wrong passwords for one name
TRIES_SECONDS = 15 * 60.0  # within so long; then they count no more
LASTS_SECONDS = 14 * 3600.0  # a session, however busy it is
SEEN_SECONDS = 30.0  # a session's use is written down so often
LOG_SECONDS = 400 * 86400.0  # rows of the log are kept so long
TEXT_LIMIT = 200  # characters of an address or a browser's name
TOKEN_BYTES = 32

# "ended" is a log-out. The last two are told as "wrong": a guesser must not learn them.
Result = Literal["ok", "wrong", "locked", "ended", "unknown", "disabled"]


@dataclass(frozen=True, slots=True)
class LogInRow:
    """``name`` as it was given, which may be anything; ``address`` and ``browser`` as they told them."""

    at: float
    name: str
    result: Result
    address: str
    browser: str


@dataclass(frozen=True, slots=True)
class LogIn:
    """``token`` is for the browser's cookie, "" unless the result is "ok"."""

    result: Literal["ok", "wrong", "locked"]
    token: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is logged in."""

    session_key: str
    name: str
    began_at: float
    seen_at: float
    address: str
    browser: str


class LogIns:
    def __init__(self, database: Database, slow: SlowWork) -> None:
        self._database = database
        self._slow = slow

    def confirm(self, name: str, password: str, at: float) -> Literal["ok", "wrong", "locked"]:
        """Whether this is the password of ``name``, for who is logged in already. Raises StorageOverloaded."""
        name = user_name(name)
        result = self._judge(name, password, at)
        if result == "ok":
            self._database.write(lambda db: db.execute("DELETE FROM log_in_tries WHERE name = ?", (name,)) and None, "a password")
            return "ok"
        return "locked" if result == "locked" else "wrong"

    def log_in(self, name: str, password: str, at: float, address: str = "", browser: str = "") -> LogIn:
        """Raises StorageOverloaded when too many passwords wait already to be looked at."""
        name = user_name(name)
        result = self._judge(name, password, at)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        told = (storable(address[:TEXT_LIMIT]), storable(browser[:TEXT_LIMIT]))

        def write(db: sqlite_utils.Database) -> None:
            db.execute("DELETE FROM log_ins WHERE at < ?", (at - LOG_SECONDS,))
            db.execute("INSERT INTO log_ins (at, name, result, address, browser) VALUES (?, ?, ?, ?, ?)", (at, name, result, *told))
            if result == "ok":
                db.execute("DELETE FROM log_in_tries WHERE name = ?", (name,))
                db.execute("DELETE FROM web_sessions WHERE began_at < ?", (at - LASTS_SECONDS,))
                db.execute(
                    "INSERT INTO web_sessions (session_key, name, began_at, seen_at, address, browser) VALUES (?, ?, ?, ?, ?, ?)",
                    (session_key(token), name, at, at, *told),
                )
                db.execute("UPDATE users SET seen_at = ? WHERE name = ?", (at, name))

        self._database.write(write, "a log-in")
        if result == "ok":
            return LogIn("ok", token)
        return LogIn("locked" if result == "locked" else "wrong")

    def _judge(self, name: str, password: str, at: float) -> Result:
        password_hash, disabled, locked = self._database.write(lambda db: _begin_try(db, name, at), "a try of a password")
        # Hashed whatever is known already, so that the time tells a guesser nothing.
        right = self._slow.do(passwords.matches, password, password_hash or passwords.NOBODYS_HASH)
        if locked:
            return "locked"
        if not password_hash:
            return "unknown"
        if not right:
            return "wrong"
        return "disabled" if disabled else "ok"

    def who(self, token: str, at: float, idle_seconds: float) -> tuple[User, Session] | None:
        """Whose session this is, and it goes on from now; None for one that has ended or was not used for ``idle_seconds``."""

        def read(db: sqlite_utils.Database) -> tuple[User, Session] | None:
            sessions = select(db, Session, "FROM web_sessions WHERE session_key = ?", [session_key(token)])
            if not sessions:
                return None
            users = select(db, User, "FROM users WHERE name = ? AND NOT disabled", [sessions[0].name])
            return (users[0], sessions[0]) if users else None

        found = self._database.read(read)
        if found is None or at - found[1].seen_at >= idle_seconds or at - found[1].began_at >= LASTS_SECONDS:
            return None
        if at - found[1].seen_at >= SEEN_SECONDS:
            self._seen(found[1], at)
        return found

    def _seen(self, session: Session, at: float) -> None:
        def write(db: sqlite_utils.Database) -> None:
            db.execute("UPDATE web_sessions SET seen_at = ? WHERE session_key = ?", (at, session.session_key))
            db.execute("UPDATE users SET seen_at = ? WHERE name = ?", (at, session.name))

        self._database.submit(write, "the use of a session")

    def log_out(self, session: Session, at: float) -> Ticket[None]:
        def write(db: sqlite_utils.Database) -> None:
            db.execute("DELETE FROM web_sessions WHERE session_key = ?", (session.session_key,))
            row = (at, session.name, "ended", session.address, session.browser)
            db.execute("INSERT INTO log_ins (at, name, result, address, browser) VALUES (?, ?, ?, ?, ?)", row)

        return self._database.submit(write, "a log-out")

    def recent(self, *, since: float = 0.0, name: str = "", limit: int = LIST_LIMIT) -> list[LogInRow]:
        """The newest first."""
        rest = "FROM log_ins WHERE at >= ? AND ? IN ('', name) ORDER BY log_in_id DESC LIMIT ?"
        return self._database.read(lambda db: select(db, LogInRow, rest, [since, user_name(name), limit]))

    def locked(self, at: float) -> set[str]:
        """Names for which too many wrong passwords were given just now."""
        query = "SELECT name FROM log_in_tries WHERE abs(at - ?) < ? GROUP BY name HAVING count(*) >= ?"
        return self._database.read(lambda db: {row[0] for row in db.execute(query, (at, TRIES_SECONDS, TRIES_LIMIT))})


def session_key(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _begin_try(db: sqlite_utils.Database, name: str, at: float) -> tuple[str, bool, bool]:
    """The hash to compare with ("" for nobody's), whether the user is disabled, and whether the name is locked out."""
    db.execute("DELETE FROM log_in_tries WHERE abs(at - ?) >= ?", (at, TRIES_SECONDS))
    row: tuple[Any, ...] | None = db.execute("SELECT password_hash, disabled FROM users WHERE name = ?", (name,)).fetchone()
    locked = db.execute("SELECT count(*) FROM log_in_tries WHERE name = ?", (name,)).fetchone()[0] >= TRIES_LIMIT
    if not locked:  # otherwise a guesser would keep the door locked for ever
        db.execute("INSERT INTO log_in_tries (name, at) VALUES (?, ?)", (name, at))
    return row[0] if row else "", bool(row and row[1]), locked
