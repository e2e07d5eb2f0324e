"""Marks that callers gave in a survey, linked to the talk that was last on their call. The last answer to a question counts."""

from __future__ import annotations

from dataclasses import dataclass

import sqlite_utils

from ivrengine.domain.commands import KeepMark

from .database import Database, Ticket
from .rows import LIST_LIMIT, select, storable


@dataclass(frozen=True, slots=True)
class Mark:
    """One answer. ``item_id``, ``queue`` and ``agent_id`` are of the talk, "" where there was none. ``at`` in UTC seconds."""

    call_id: str
    item_id: str
    queue: str
    agent_id: str
    survey: str
    question: str
    mark: str
    label: str
    comment_path: str
    at: float


class Marks:
    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, mark: KeepMark, call_id: str, at: float) -> Ticket[None]:
        """A caller has answered a question, or given a comment to it."""
        call_id = storable(call_id)
        given = tuple(storable(text) for text in (mark.survey, mark.question, mark.mark, mark.label, mark.comment_path))

        def write(db: sqlite_utils.Database) -> None:
            talk = db.execute(
                "SELECT item_id, queue, agent_id FROM segments WHERE call_id = ? AND terminal = 'answered'"
                " ORDER BY ended_at DESC LIMIT 1",
                (call_id,),
            ).fetchone()
            db.execute(
                "INSERT OR REPLACE INTO marks (call_id, item_id, queue, agent_id, survey, question, mark, label, comment_path, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (call_id, *(talk or ("", "", "")), *given, at),
            )

        return self._database.submit(write, "a caller's mark")

    def of_call(self, call_id: str) -> list[Mark]:
        """What one call's caller answered, in order."""
        return self._database.read(
            lambda db: select(db, Mark, "FROM marks WHERE call_id = ? ORDER BY at, question", [storable(call_id)])
        )

    def between(self, a: float, b: float, survey: str = "", limit: int = LIST_LIMIT) -> list[Mark]:
        """Given in [a, b), in order, of one survey or (with ``""``) of all."""
        rest = "FROM marks WHERE at >= ? AND at < ? AND ? IN ('', survey) ORDER BY at, call_id, question LIMIT ?"
        return self._database.read(lambda db: select(db, Mark, rest, [a, b, storable(survey), limit]))
