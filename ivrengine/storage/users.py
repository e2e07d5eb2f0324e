"""The users of the pages: who they are, what they may, and the keys of the site's pages. Every change writes its row of the audit trail.

Names are kept in small letters. The site always keeps one admin who can log in. Passwords are given as hashes that ``passwords``
made; neither they nor the keys reach the audit trail.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import sqlite_utils

from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError

from . import audit, passwords
from .database import Database, Ticket
from .errors import NoSuchRecord, StaleRecord, StillNeeded
from .rows import select, storable
from .slow_work import SlowWork

Role = Literal["agent", "supervisor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)  # each may do what those before it may
NAME_LIMIT = 40
USERS_LIMIT = 2000  # one page lists them
FIRST_ADMIN = "admin"
FIRST_RUN = "first run"  # who has made the first admin
KEY_BYTES = 32

KeyName = Literal["session", "wallboard"]


class BadUser(IvrEngineError):
    """This can't be a user."""


@dataclass(frozen=True, slots=True)
class User:
    """``agent_id``: the agent that the user is, "" for none. ``must_change``: the password was chosen by somebody else.

    ``language`` and ``theme`` are "" where the browser decides. Times in UTC seconds.
    """

    name: str
    role: Role
    agent_id: str
    must_change: bool
    disabled: bool
    language: str
    theme: str
    created_at: float
    created_by: str
    seen_at: float | None

    def may(self, role: str) -> bool:
        """Whether the user has ``role`` or a higher one."""
        return ROLES.index(self.role) >= ROLES.index(role)  # type: ignore[arg-type]


class Users:
    def __init__(self, database: Database, slow: SlowWork) -> None:
        self._database = database
        self._slow = slow

    # -- asking

    def all(self) -> list[User]:
        return self._database.read(lambda db: select(db, User, "FROM users ORDER BY name"))

    def get(self, name: str) -> User | None:
        return self._database.read(lambda db: _find(db, user_name(name)))

    def hash(self, password: str, name: str = "") -> str:
        """Raises BadPassword."""
        passwords.check_form(password, user_name(name))
        return self._slow.do(passwords.make_hash, password)

    def key(self, name: KeyName) -> str:
        """A secret of this site's pages, made when it is asked for first."""
        query = "SELECT value FROM web_keys WHERE name = ?"
        row = self._database.read(lambda db: db.execute(query, (name,)).fetchone())
        if row is not None:
            return row[0]

        def write(db: sqlite_utils.Database) -> str:
            db.execute("INSERT OR IGNORE INTO web_keys (name, value) VALUES (?, ?)", (name, secrets.token_urlsafe(KEY_BYTES)))
            return db.execute(query, (name,)).fetchone()[0]

        return self._database.write(write, "a key of the pages")

    # -- changing

    def renew_key(self, name: KeyName, who: str, at: float) -> Ticket[str]:
        """Make the old one worthless."""
        value = secrets.token_urlsafe(KEY_BYTES)

        def write(db: sqlite_utils.Database) -> str:
            db.execute("INSERT OR REPLACE INTO web_keys (name, value) VALUES (?, ?)", (name, value))
            audit.insert(db, audit.audit_row(who, "renew_key", f"key {name}", "", "", at))
            return value

        return self._database.submit(write, "a key of the pages")

    def first_admin(self, at: float) -> str | None:
        """The one-time password of the first admin, a new one as long as they have never changed it; None when there are users."""
        password = passwords.one_time_password()
        others = self._database.read(
            lambda db: db.execute("SELECT count(*) FROM users WHERE NOT (created_by = ? AND must_change)", (FIRST_RUN,)).fetchone()[0]
        )
        if others:
            return None
        password_hash = self._slow.do(passwords.make_hash, password)

        def write(db: sqlite_utils.Database) -> bool:
            if db.execute("SELECT count(*) FROM users WHERE NOT (created_by = ? AND must_change)", (FIRST_RUN,)).fetchone()[0]:
                return False
            if _find(db, FIRST_ADMIN) is None:
                _insert(db, FIRST_ADMIN, "admin", "", password_hash, FIRST_RUN, at)
            else:
                _set_password(db, FIRST_ADMIN, password_hash, True, FIRST_RUN, at)
            return True

        return password if self._database.write(write, "the first admin") else None

    def add(self, name: str, role: str, agent_id: str, password_hash: str, who: str, at: float) -> Ticket[None]:
        """A new user, who must change the password at the first log-in. Raises BadUser, also from the ticket."""
        name = user_name(name)
        _check(name, role)

        def write(db: sqlite_utils.Database) -> None:
            if _find(db, name) is not None:
                raise BadUser(Sentence("there is a user %(name)r already", name=name))
            if db.execute("SELECT count(*) FROM users").fetchone()[0] >= USERS_LIMIT:
                raise BadUser(Sentence("there are %(most)s users already", most=USERS_LIMIT))
            _insert(db, name, role, agent_id, password_hash, who, at)

        return self._database.submit(write, "a user")

    def change(self, name: str, who: str, at: float, *, role: str, agent_id: str, disabled: bool, base: str | None = None) -> Ticket[None]:
        """What the user may. Who is disabled is logged out at once. Raises BadUser, NoSuchRecord or StillNeeded (the last admin).

        ``base``: the ``version_of`` the user who was looked at; waiting raises StaleRecord when somebody else has changed them since.
        """
        _check(user_name(name), role)

        def write(db: sqlite_utils.Database, user: User) -> None:
            if base not in (None, version_of(user)):
                raise StaleRecord(user)
            row = (role, storable(agent_id), disabled, user.name)
            db.execute("UPDATE users SET role = ?, agent_id = ?, disabled = ? WHERE name = ?", row)
            if disabled:
                _log_out(db, user.name)
            _need_an_admin(db)
            before = {"role": user.role, "agent": user.agent_id, "disabled": bool(user.disabled)}
            after = {"role": role, "agent": agent_id, "disabled": disabled}
            if before != after:
                audit.insert(db, audit.audit_row(who, "change_user", f"user {user.name}", before, after, at))

        return self._on(name, write, "a user")

    def set_password(self, name: str, password_hash: str, who: str, at: float, *, must_change: bool, keep: str = "") -> Ticket[None]:
        """Ends lock-outs and every session but ``keep`` (a session_key)."""

        def write(db: sqlite_utils.Database, user: User) -> None:
            _set_password(db, user.name, password_hash, must_change, who, at, keep)

        return self._on(name, write, "a password")

    def unlock(self, name: str, who: str, at: float) -> Ticket[None]:
        """Forget the wrong passwords that were given."""

        def write(db: sqlite_utils.Database, user: User) -> None:
            db.execute("DELETE FROM log_in_tries WHERE name = ?", (user.name,))
            audit.insert(db, audit.audit_row(who, "unlock_user", f"user {user.name}", "", "", at))

        return self._on(name, write, "an unlocking")

    def remove(self, name: str, who: str, at: float) -> Ticket[None]:
        """Log the user out and forget them; the audit trail keeps their name. Raises NoSuchRecord or StillNeeded (the last admin)."""

        def write(db: sqlite_utils.Database, user: User) -> None:
            _log_out(db, user.name)
            db.execute("DELETE FROM users WHERE name = ?", (user.name,))
            _need_an_admin(db)
            before = {"role": user.role, "agent": user.agent_id}
            audit.insert(db, audit.audit_row(who, "remove_user", f"user {user.name}", before, "", at))

        return self._on(name, write, "the removal of a user")

    def prefer(self, name: str, *, language: str, theme: str) -> Ticket[None]:
        """What the user likes to read; nobody else's business, so it is not audited."""

        def write(db: sqlite_utils.Database, user: User) -> None:
            db.execute("UPDATE users SET language = ?, theme = ? WHERE name = ?", (language, theme, user.name))

        return self._on(name, write, "a preference")

    def _on(self, name: str, write: Callable[[sqlite_utils.Database, User], None], purpose: str) -> Ticket[None]:
        name = user_name(name)

        def checked(db: sqlite_utils.Database) -> None:
            user = _find(db, name)
            if user is None:
                raise NoSuchRecord(Sentence("there is no user %(name)r", name=name))
            write(db, user)

        return self._database.submit(checked, purpose)


def version_of(user: User) -> str:
    """Another one whenever the user may something else."""
    return hashlib.sha256(repr((user.role, user.agent_id, bool(user.disabled))).encode("utf-8", "replace")).hexdigest()[:16]


def user_name(text: str) -> str:
    """As it is kept and compared."""
    return storable(text.strip()[: NAME_LIMIT + 1].casefold())


def _check(name: str, role: str) -> None:
    if not 0 < len(name) <= NAME_LIMIT or not all(sign.isalnum() or sign in "._-@" for sign in name):
        raise BadUser(Sentence("a user's name has 1 to %(most)s letters, digits, dots, dashes or @", most=NAME_LIMIT))
    if role not in ROLES:
        raise BadUser(Sentence("a role is one of %(known)s", known=tuple(ROLES)))


def _find(db: sqlite_utils.Database, name: str) -> User | None:
    found = select(db, User, "FROM users WHERE name = ?", [name])
    return found[0] if found else None


def _insert(db: sqlite_utils.Database, name: str, role: str, agent_id: str, password_hash: str, who: str, at: float) -> None:
    row: tuple[Any, ...] = (name, role, storable(agent_id), password_hash, at, storable(who))
    db.execute("INSERT INTO users (name, role, agent_id, password_hash, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?)", row)
    audit.insert(db, audit.audit_row(who, "add_user", f"user {name}", "", {"role": role, "agent": agent_id}, at))


def _set_password(db: sqlite_utils.Database, name: str, password_hash: str, must_change: bool, who: str, at: float, keep: str = "") -> None:
    db.execute("UPDATE users SET password_hash = ?, must_change = ? WHERE name = ?", (password_hash, must_change, name))
    db.execute("DELETE FROM log_in_tries WHERE name = ?", (name,))
    _log_out(db, name, keep)
    audit.insert(db, audit.audit_row(who, "set_password", f"user {name}", "", "", at))


def _log_out(db: sqlite_utils.Database, name: str, keep: str = "") -> None:
    db.execute("DELETE FROM web_sessions WHERE name = ? AND session_key != ?", (name, keep))


def _need_an_admin(db: sqlite_utils.Database) -> None:
    if not db.execute("SELECT count(*) FROM users WHERE role = 'admin' AND NOT disabled").fetchone()[0]:
        raise StillNeeded(Sentence("nobody could change users any more: the site needs one admin who is not disabled"))
