"""From which value on a figure of the wallboard is to be looked at, per queue; "" as the queue is all queues together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import sqlite_utils

from . import audit
from .database import Database, Ticket
from .rows import select, storable


@dataclass(frozen=True, slots=True)
class BoardLimit:
    """``warn`` and ``alarm`` in the unit of the figure; None where there is no such limit. ``sound``: the alarm is heard too."""

    queue: str
    figure: str
    warn: float | None
    alarm: float | None
    sound: bool


class BoardLimits:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[BoardLimit]:
        found = self._database.read(lambda db: select(db, BoardLimit, "FROM board_limits ORDER BY queue, figure"))
        return [BoardLimit(each.queue, each.figure, each.warn, each.alarm, bool(each.sound)) for each in found]

    def replace(self, queue: str, limits: Iterable[BoardLimit], who: str, at: float) -> Ticket[None]:
        """These are all the limits of ``queue`` from now on."""
        queue = storable(queue)
        rows = [(queue, storable(each.figure), each.warn, each.alarm, int(each.sound)) for each in limits]

        def write(db: sqlite_utils.Database) -> None:
            before = _told(select(db, BoardLimit, "FROM board_limits WHERE queue = ? ORDER BY figure", [queue]))
            db.execute("DELETE FROM board_limits WHERE queue = ?", (queue,))
            for row in rows:
                db.execute("INSERT INTO board_limits (queue, figure, warn, alarm, sound) VALUES (?, ?, ?, ?, ?)", row)
            after = _told(select(db, BoardLimit, "FROM board_limits WHERE queue = ? ORDER BY figure", [queue]))
            if before != after:
                target = f"wallboard {queue}".strip()
                audit.insert(db, audit.audit_row(who, "set_limits", target, before, after, at))

        return self._database.submit(write, "the limits of the wallboard")


def _told(limits: Iterable[BoardLimit]) -> dict[str, dict[str, object]]:
    """As the audit trail shows them."""
    return {each.figure: {key: value for key, value in asdict(each).items() if key not in ("queue", "figure")} for each in limits}
