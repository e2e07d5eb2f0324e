"""Who may log in: checks PINs in native threads, and locks an agent out for whom too many wrong ones were given.

A try is written down before the PIN is looked at, and taken back when it was right. So neither many phones at once nor a
killed engine give a guesser one try more than TRIES_LIMIT within TRIES_SECONDS.
"""

from __future__ import annotations

from typing import Literal

import sqlite_utils

from . import pins
from .database import Database
from .rows import storable
from .slow_work import SlowWork

TRIES_LIMIT = 5  # wrong PINs for one agent
TRIES_SECONDS = 15 * 60.0  # within so long; then they count no more

PinVerdict = Literal["ok", "wrong", "locked", "unknown"]


class PinChecks:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._slow = SlowWork("PINs")

    def hash(self, pin: str) -> str:
        """Raises BadPin."""
        pins.check_form(pin)
        return self._slow.do(pins.make_hash, pin)

    def fits(self, pin: str, pin_hash: str) -> bool:
        return self._slow.do(pins.matches, pin, pin_hash)

    def check(self, agent_id: str, pin: str, at: float) -> PinVerdict:
        """Raises StorageOverloaded when too many tries wait already."""
        agent_id = storable(agent_id)
        pin_hash, locked = self._database.write(lambda db: _begin_try(db, agent_id, at), "a try of a PIN")
        # Hashed whatever is known already, so that the time tells a guesser nothing.
        right = self._slow.do(pins.matches, pin, pin_hash or pins.NOBODYS_HASH)
        if not pin_hash:
            return "unknown"
        if locked:
            return "locked"
        if not right:
            return "wrong"
        self._database.write(lambda db: db.execute("DELETE FROM pin_tries WHERE agent_id = ?", (agent_id,)) and None, "a log-in")
        return "ok"


def _begin_try(db: sqlite_utils.Database, agent_id: str, at: float) -> tuple[str, bool]:
    """The hash to compare with ("" for nobody's), and whether the agent is locked out. The try is counted, unless it can't be right."""
    db.execute("DELETE FROM pin_tries WHERE abs(at - ?) >= ?", (at, TRIES_SECONDS))
    row = db.execute("SELECT pin_hash FROM pins WHERE agent_id = ?", (agent_id,)).fetchone()
    tries = db.execute("SELECT count(*) FROM pin_tries WHERE agent_id = ?", (agent_id,)).fetchone()[0]
    locked = row is not None and tries >= TRIES_LIMIT
    if row is None or locked:  # nobody's row: an empty transaction would be over sooner, which would tell a guesser
        db.execute("DELETE FROM pin_tries WHERE agent_id = ''")
        agent_id = ""
    db.execute("INSERT INTO pin_tries (agent_id, at) VALUES (?, ?)", (agent_id, at))
    return row[0] if row else "", locked
