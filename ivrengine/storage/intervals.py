"""What was counted per queue and quarter of an hour: raw counters that add up, as ``acd/figures.py`` defines them.

They are added in the transaction that writes the segment, so that reports and rows always agree; ``disagreements`` counts the
rows anew and compares. A waiting counts in the interval of its terminal, also with its talk and its wrap-up, which end later.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields

import sqlite_utils

from ivrengine.acd.figures import Counters, of_talk, of_terminal, of_wrap_up

from .database import Database
from .rows import storable

BUCKET_SECONDS = 15 * 60
LEAST_DIFFERENCE = 0.001  # seconds; sums of fractions depend on their order
_NAMES = tuple(each.name for each in fields(Counters))
_COLUMNS = ", ".join(_NAMES)
_ADD = (
    f"INSERT INTO intervals (queue, bucket, {_COLUMNS}) VALUES (?, ?, {', '.join('?' * len(_NAMES))})"
    f" ON CONFLICT (queue, bucket) DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in _NAMES)}"
)
_SUMS = ", ".join(f"sum({name})" for name in _NAMES)


@dataclass(frozen=True, slots=True)
class Interval:
    """One queue's quarter of an hour that begins at ``bucket`` (UTC seconds)."""

    queue: str
    bucket: int
    counters: Counters


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where the counters are others than the segments say."""

    queue: str
    bucket: int
    stored: Counters
    counted: Counters


def bucket_of(at: float) -> int:
    """The beginning of the interval that ``at`` (UTC seconds) lies in."""
    return math.floor(at / BUCKET_SECONDS) * BUCKET_SECONDS


def add(db: sqlite_utils.Database, queue: str, at: float, counters: Counters) -> None:
    """For writes of segments, in their transaction."""
    db.execute(_ADD, (queue, bucket_of(at), *astuple(counters)))


class Intervals:
    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, queue: str, a: float, b: float) -> Counters:
        """The sum of the intervals that begin in [a, b), of one queue or (with ``""``) of all."""

        def read(db: sqlite_utils.Database) -> Counters:
            where = "FROM intervals WHERE ? IN ('', queue) AND bucket >= ? AND bucket < ?"
            row = db.execute(f"SELECT {_SUMS} {where}", (storable(queue), a, b)).fetchone()
            return Counters(*(value or 0 for value in row))

        return self._database.read(read)

    def between(self, a: float, b: float, queue: str = "") -> list[Interval]:
        """Each interval that begins in [a, b) and in which something was counted, in order, of one queue or of all."""
        return self._database.read(lambda db: _stored(db, a, b, queue))

    def sums(self, bounds: Sequence[tuple[float, float]]) -> list[dict[str, Counters]]:
        """For each [a, b): the sum of the intervals that begin in it, by queue. Added by SQLite, so that a year costs the hub nothing."""
        sql = f"SELECT queue, {_SUMS} FROM intervals WHERE bucket >= ? AND bucket < ? GROUP BY queue"

        def read(db: sqlite_utils.Database) -> list[dict[str, Counters]]:
            return [{queue: Counters(*sums) for queue, *sums in db.execute(sql, (a, b))} for a, b in bounds]

        return self._database.read(read)

    def totals(self, bounds: Sequence[tuple[float, float]], queue: str = "") -> list[Counters]:
        """For each [a, b): the sum of the intervals that begin in it, of one queue or of all."""
        sql = f"SELECT count(*), {_SUMS} FROM intervals WHERE bucket >= ? AND bucket < ? AND ? IN ('', queue)"

        def read(db: sqlite_utils.Database) -> list[Counters]:
            rows = (db.execute(sql, (a, b, storable(queue))).fetchone() for a, b in bounds)
            return [Counters(*sums) if count else Counters() for count, *sums in rows]

        return self._database.read(read)

    def disagreements(self, a: float = -math.inf, b: float = math.inf) -> list[Disagreement]:
        """Count the segments that ended in [a, b) anew (whole intervals) and compare. Empty when reports and rows agree."""

        return self._database.read(lambda db: disagreements_in(db, a, b))


def disagreements_in(db: sqlite_utils.Database, a: float, b: float) -> list[Disagreement]:
    """``Intervals.disagreements`` of a database that is only looked at."""
    stored = {(each.queue, each.bucket): each.counters for each in _stored(db, a, b)}
    counted = _counted(db, a, b)
    nothing = Counters()
    pairs = {key: (stored.get(key, nothing), counted.get(key, nothing)) for key in sorted({*stored, *counted})}
    return [Disagreement(*key, *pair) for key, pair in pairs.items() if _differ(*pair)]


def _stored(db: sqlite_utils.Database, a: float, b: float, queue: str = "") -> list[Interval]:
    rest = "FROM intervals WHERE ? IN ('', queue) AND bucket >= ? AND bucket < ? ORDER BY bucket, queue"
    rows = db.execute(f"SELECT queue, bucket, {_COLUMNS} {rest}", (storable(queue), a, b))
    return [Interval(queue, bucket, Counters(*values)) for queue, bucket, *values in rows]


def _counted(db: sqlite_utils.Database, a: float, b: float) -> dict[tuple[str, int], Counters]:
    """From the segments alone."""
    rows: Iterable[tuple[object, ...]] = db.execute(
        "SELECT queue, ended_at, terminal, wait_seconds, service_level_seconds, talk_seconds, hold_seconds, wrap_up_seconds"
        " FROM segments WHERE direction = '' AND ended_at IS NOT NULL AND ended_at >= ? AND ended_at < ?",
        (a, b + BUCKET_SECONDS),
    )
    counted: dict[tuple[str, int], Counters] = {}
    for queue, at, terminal, wait_seconds, level_seconds, talk_seconds, hold_seconds, wrap_up_seconds in rows:
        bucket = bucket_of(at)
        if not a <= bucket < b:
            continue
        counters = of_terminal(terminal, wait_seconds, level_seconds)
        if talk_seconds is not None:
            counters += of_talk(talk_seconds, hold_seconds)
        if wrap_up_seconds is not None:
            counters += of_wrap_up(wrap_up_seconds)
        key = (queue, bucket)
        counted[key] = counted.get(key, Counters()) + counters
    return counted


def _differ(one: Counters, other: Counters) -> bool:
    return any(abs(x - y) > LEAST_DIFFERENCE for x, y in zip(astuple(one), astuple(other), strict=True))
