"""Orders: how the command line, which is another process, drives a running engine, and hears what became of it.

The command line places an order and waits; the engine looks a few times a second (``next_open``), does it once and writes a
sentence (``done``). An order that no engine took in time is refused as stale, and one that an engine died over is never done
again: nobody knows how far it came. Arguments are kept for a day: no PIN belongs into them.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gevent
import sqlite_utils

from ivrengine.domain.sentence import Sentence

from .database import Database, Ticket
from .errors import NoSuchRecord, StorageOverloaded, StorageTimeout
from .rows import storable

STALE_SECONDS = 60.0  # an order that nobody took
KEPT_SECONDS = 24 * 3600.0
OPEN_LIMIT = 1000  # orders that wait for the engine
ARGUMENTS_LIMIT = 10_000  # characters
LOOK_SECONDS = 0.1  # between two looks at what became of an order
STALE = "no running engine took the order in time; is the engine up?"
WITHDRAWN = "withdrawn: no engine took it while somebody waited"
CUT_OFF = "the engine was restarted while it did this; look whether it was done"


@dataclass(frozen=True, slots=True)
class Order:
    """One order. ``ok`` is None until it is done; then ``sentence`` says what became of it, and ``answer`` is data for programs."""

    order_id: str
    verb: str
    arguments: dict[str, Any]
    asked_by: str
    asked_at: float
    claimed_at: float | None
    done_at: float | None
    ok: bool | None
    sentence: str
    answer: Any


class Orders:
    def __init__(self, database: Database) -> None:
        self._database = database

    # -- for who asks --------------------------------------------------------------------------------------------------

    def place(self, verb: str, arguments: Mapping[str, Any], asked_by: str, at: float) -> Ticket[str]:
        """Ask the engine for something; the ticket gives the order's id. Raises StorageOverloaded where too many wait."""
        text = storable(json.dumps(dict(arguments), ensure_ascii=False))
        if len(text) > ARGUMENTS_LIMIT:
            raise ValueError(f"the arguments of an order have at most {ARGUMENTS_LIMIT} characters")
        row = (str(uuid.uuid4()), storable(verb), text, storable(asked_by), at)

        def write(db: sqlite_utils.Database) -> str:
            db.execute("DELETE FROM orders WHERE asked_at < ?", (at - KEPT_SECONDS,))
            _refuse_stale(db, at)
            if db.execute("SELECT count(*) FROM orders WHERE done_at IS NULL").fetchone()[0] >= OPEN_LIMIT:
                raise StorageOverloaded(f"{OPEN_LIMIT} orders are waiting for the engine already; this one was refused")
            db.execute("INSERT INTO orders (order_id, verb, arguments, asked_by, asked_at) VALUES (?, ?, ?, ?, ?)", row)
            return row[0]

        return self._database.submit(write, "an order")

    def get(self, order_id: str) -> Order:
        """Raises NoSuchRecord."""
        found = self._select("WHERE order_id = ?", storable(order_id))
        if not found:
            raise NoSuchRecord(Sentence("there is no order %(order_id)r", order_id=storable(order_id)[:40]))
        return found[0]

    def result(
        self,
        order_id: str,
        timeout_seconds: float = STALE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = gevent.sleep,
    ) -> Order:
        """The order once it is done. Raises StorageTimeout when that takes longer: no engine is running, or it is stuck."""
        until = clock() + timeout_seconds
        while True:
            order = self.get(order_id)
            if order.done_at is not None:
                return order
            if clock() >= until:
                raise StorageTimeout(STALE if order.claimed_at is None else f"the engine did not finish within {timeout_seconds:g} s")
            sleep(LOOK_SECONDS)

    def withdraw(self, order_id: str, at: float) -> Ticket[bool]:
        """Nobody waits for it any more; the ticket says False when an engine has taken it meanwhile, and it may well be done."""
        row = (at, WITHDRAWN, storable(order_id))

        def write(db: sqlite_utils.Database) -> bool:
            return (
                db.execute(
                    "UPDATE orders SET done_at = ?, ok = 0, sentence = ? WHERE order_id = ? AND done_at IS NULL AND claimed_at IS NULL",
                    row,
                ).rowcount
                > 0
            )

        return self._database.submit(write, "the withdrawal of an order")

    # -- for the engine ------------------------------------------------------------------------------------------------

    def next_open(self, now: float) -> Order | None:
        """The oldest order that is not taken yet; from now on it is, durably, so that it is done once at most. Refuses stale ones.

        Costs one read where there is none.
        """
        if not self._database.read(
            lambda db: db.execute("SELECT 1 FROM orders WHERE done_at IS NULL AND claimed_at IS NULL LIMIT 1").fetchone()
        ):
            return None

        def write(db: sqlite_utils.Database) -> str | None:
            _refuse_stale(db, now)
            row = db.execute(
                "UPDATE orders SET claimed_at = ? WHERE order_id = (SELECT order_id FROM orders"
                " WHERE done_at IS NULL AND claimed_at IS NULL ORDER BY asked_at, order_id LIMIT 1) RETURNING order_id",
                (now,),
            ).fetchone()
            return row[0] if row else None

        order_id = self._database.write(write, "the taking of an order")
        return self.get(order_id) if order_id is not None else None

    def done(self, order_id: str, ok: bool, sentence: str, at: float, answer: Any = None) -> Ticket[None]:
        """What became of the order; only the first time counts. ``answer``: JSON-ready data for who asked."""
        row = (at, int(ok), storable(sentence), storable(json.dumps(answer, ensure_ascii=False)), storable(order_id))

        def write(db: sqlite_utils.Database) -> None:
            db.execute("UPDATE orders SET done_at = ?, ok = ?, sentence = ?, answer = ? WHERE order_id = ? AND done_at IS NULL", row)

        return self._database.submit(write, "what became of an order")

    def cut_off(self, at: float) -> Ticket[int]:
        """At the start of an engine: end the orders that another one had taken and not finished; how many."""

        def write(db: sqlite_utils.Database) -> int:
            return db.execute(
                "UPDATE orders SET done_at = ?, ok = 0, sentence = ? WHERE done_at IS NULL AND claimed_at IS NOT NULL", (at, CUT_OFF)
            ).rowcount

        return self._database.submit(write, "the end of orders that were cut off")

    def _select(self, rest: str, *parameters: Any) -> list[Order]:
        columns = "order_id, verb, arguments, asked_by, asked_at, claimed_at, done_at, ok, sentence, answer"
        rows = self._database.read(lambda db: list(db.execute(f"SELECT {columns} FROM orders {rest}", parameters)))
        return [
            Order(
                order_id,
                verb,
                json.loads(arguments),
                *others,
                ok=None if ok is None else bool(ok),
                sentence=sentence,
                answer=json.loads(answer or "null"),
            )
            for order_id, verb, arguments, *others, ok, sentence, answer in rows
        ]


def _refuse_stale(db: sqlite_utils.Database, now: float) -> None:
    db.execute(
        "UPDATE orders SET done_at = ?, ok = 0, sentence = ? WHERE done_at IS NULL AND claimed_at IS NULL AND asked_at < ?",
        (now, STALE, now - STALE_SECONDS),
    )
