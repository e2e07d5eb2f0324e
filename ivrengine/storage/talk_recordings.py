"""The recordings of talks with agents: found by what is known of the talk, and the quality marks that supervisors give.

Which file belongs to a talk stands in its segment; a path never comes from who asks. Marks are added and never changed: the newest
counts, and the earlier ones stay readable with who gave them.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlite_utils

from .database import Database, Ticket
from .rows import between, select, storable

PAGE_LIMIT = 200  # recordings in one answer
MARKS_LIMIT = 100  # of one recording that are read
COMMENT_LIMIT = 2000  # characters
BEST_MARK = 5  # 1 is the worst


@dataclass(frozen=True, slots=True)
class TalkRecording:
    """A talk that was to be recorded. ``ended_at``: when the caller was connected; times in UTC seconds.

    ``recording_problem``: a sentence where the file is not what it should be.
    """

    item_id: str
    call_id: str
    queue: str
    number: str
    agent_id: str
    ended_at: float
    talk_ended_at: float | None
    talk_seconds: float | None
    disposition: str
    notes: str
    recording_path: str
    recording_ms: int
    recording_problem: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What recordings are looked for by; "" and None for everything. ``number``: its beginning. [``since``, ``until``) in UTC seconds."""

    number: str = ""
    agent_id: str = ""
    queue: str = ""
    disposition: str = ""
    since: float | None = None
    until: float | None = None
    least_seconds: float | None = None
    most_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class QualityMark:
    """``mark`` 1 to BEST_MARK."""

    at: float
    who: str
    mark: int
    comment: str


class TalkRecordings:
    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, wanted: Wanted, *, limit: int = PAGE_LIMIT, before: tuple[float, str] | None = None) -> list[TalkRecording]:
        """The newest first; ``before`` is the connection and the id of the last one that is known already."""
        terms, parameters = ["recording_path != '' AND terminal = 'answered'"], []
        if wanted.number:
            terms.append("number BETWEEN ? AND ?")
            parameters += between(wanted.number)
        for column in ("agent_id", "queue", "disposition"):
            if value := getattr(wanted, column):
                terms.append(f"{column} = ?")
                parameters.append(storable(value))
        for term, bound in (
            ("ended_at >= ?", wanted.since),
            ("ended_at < ?", wanted.until),
            ("recording_ms >= ? * 1000", wanted.least_seconds),
            ("recording_ms <= ? * 1000", wanted.most_seconds),
        ):
            if bound is not None:
                terms.append(term)
                parameters.append(bound)
        if before is not None:
            terms.append("(ended_at, item_id) < (?, ?)")
            parameters += [before[0], storable(before[1])]
        rest = f"FROM segments WHERE {' AND '.join(terms)} ORDER BY ended_at DESC, item_id DESC LIMIT ?"
        return self._database.read(lambda db: select(db, TalkRecording, rest, [*parameters, min(limit, PAGE_LIMIT)]))

    def get(self, item_id: str) -> TalkRecording | None:
        """None where there is no such talk, or it was not to be recorded."""
        rest = "FROM segments WHERE item_id = ? AND recording_path != '' AND terminal = 'answered'"
        found = self._database.read(lambda db: select(db, TalkRecording, rest, [storable(item_id)]))
        return found[0] if found else None

    def mark(self, item_id: str, who: str, mark: int, comment: str, at: float) -> Ticket[None]:
        row = (storable(item_id), at, storable(who), mark, storable(comment[:COMMENT_LIMIT]))

        def write(db: sqlite_utils.Database) -> None:
            db.execute("INSERT INTO recording_marks (item_id, at, who, mark, comment) VALUES (?, ?, ?, ?, ?)", row)

        return self._database.submit(write, "a quality mark")

    def marks(self, item_id: str) -> list[QualityMark]:
        """The newest first."""
        rest = f"FROM recording_marks WHERE item_id = ? ORDER BY mark_id DESC LIMIT {MARKS_LIMIT}"
        return self._database.read(lambda db: select(db, QualityMark, rest, [storable(item_id)]))

    def newest_marks(self, item_ids: list[str]) -> dict[str, int]:
        """Of those that have a mark."""
        holes = ", ".join("?" * len(item_ids))
        query = (
            f"SELECT item_id, mark FROM recording_marks WHERE mark_id IN"
            f" (SELECT max(mark_id) FROM recording_marks WHERE item_id IN ({holes}) GROUP BY item_id)"
        )
        return self._database.read(lambda db: dict(db.execute(query, [storable(each) for each in item_ids]).fetchall()))
