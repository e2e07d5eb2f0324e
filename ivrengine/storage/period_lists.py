"""The records behind a figure of a report: the waits, calls, callbacks, offers and marks of a period, some at a time.

All in the order of their time, from a place that the answer before tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from .database import Database
from .rows import select, storable

R = TypeVar("R")

PAGE_LIMIT = 200  # records of one page
EXPORT_LIMIT = 10_000  # of one file


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for in [``a``, ``b``): "" and () for everything; ``disposition`` None for any, "" for none given."""

    a: float
    b: float
    queue: str = ""
    agent_id: str = ""
    terminals: tuple[str, ...] = ()
    disposition: str | None = None
    outcomes: tuple[str, ...] = ()
    survey: str = ""
    question: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Waited:
    """One waiting that is over."""

    item_id: str
    call_id: str
    ended_at: float
    number: str
    queue: str
    terminal: str
    wait_seconds: float | None
    agent_id: str
    talk_seconds: float | None
    disposition: str


@dataclass(frozen=True, slots=True)
class Began:
    """One call."""

    call_id: str
    started_at: float
    number: str
    dialled: str
    flow: str
    ended_at: float | None
    outcome: str


@dataclass(frozen=True, slots=True)
class CalledBack:
    """One callback. ``call_id``: the call in which it was asked for."""

    callback_id: str
    call_id: str
    requested_at: float
    number: str
    queue: str
    source: str
    attempts: int
    outcome: str
    ended_at: float | None
    agent_id: str


@dataclass(frozen=True, slots=True)
class Offered:
    """One offer of a caller to an agent."""

    item_id: str
    call_id: str
    offered_at: float
    number: str
    queue: str
    agent_id: str
    phone: str
    outcome: str
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Marked:
    """One answer of a caller."""

    call_id: str
    at: float
    survey: str
    question: str
    mark: str
    label: str
    queue: str
    agent_id: str


OPEN = "open"  # among ``Asked.outcomes``: a callback that is not over
OTHER = "given_up"  # ended, but neither talked, expired nor cancelled


class PeriodLists:
    def __init__(self, database: Database) -> None:
        self._database = database

    def waits(self, asked: Asked, skip: int, limit: int) -> list[Waited]:
        terms, parameters = _terms(asked, "ended_at", queue="queue", agent_id="agent_id")
        if asked.terminals:
            terms += f" AND terminal IN ({', '.join('?' * len(asked.terminals))})"
            parameters += map(storable, asked.terminals)
        if asked.disposition is not None:
            terms += " AND disposition = ?"
            parameters.append(storable(asked.disposition))
        return self._read(Waited, f"FROM segments WHERE direction = '' AND {terms} ORDER BY ended_at, item_id", parameters, skip, limit)

    def calls(self, asked: Asked, skip: int, limit: int) -> list[Began]:
        terms, parameters = _terms(asked, "started_at")
        return self._read(Began, f"FROM calls WHERE {terms} ORDER BY started_at, call_id", parameters, skip, limit)

    def callbacks(self, asked: Asked, skip: int, limit: int) -> list[CalledBack]:
        terms, parameters = _terms(asked, "requested_at", queue="queue")
        if asked.outcomes:
            kind = "CASE WHEN ended_at IS NULL THEN ? WHEN outcome IN ('talked', 'expired', 'cancelled') THEN outcome ELSE ? END"
            terms += f" AND {kind} IN ({', '.join('?' * len(asked.outcomes))})"
            parameters += [OPEN, OTHER, *map(storable, asked.outcomes)]
        return self._read(CalledBack, f"FROM callbacks WHERE {terms} ORDER BY requested_at, callback_id", parameters, skip, limit)

    def offers(self, asked: Asked, skip: int, limit: int) -> list[Offered]:
        terms, parameters = _terms(asked, "offered_at", queue="queue", agent_id="agent_id")
        if asked.outcomes:
            terms += f" AND outcome IN ({', '.join('?' * len(asked.outcomes))})"
            parameters += map(storable, asked.outcomes)
        joined = (
            "(SELECT item_id, segments.call_id AS call_id, attempts.offered_at, number, queue, attempts.agent_id AS agent_id, phone,"
            " outcome, attempts.ended_at AS ended_at, attempts.rowid AS place FROM attempts JOIN segments USING (item_id)"
            " WHERE direction = '')"
        )
        return self._read(Offered, f"FROM {joined} WHERE {terms} ORDER BY offered_at, place", parameters, skip, limit)

    def marks(self, asked: Asked, skip: int, limit: int) -> list[Marked]:
        names = ("queue", "agent_id", "survey", "question", "mark")
        terms, parameters = _terms(asked, "at", **{name: name for name in names})
        return self._read(Marked, f"FROM marks WHERE {terms} AND mark != '' ORDER BY at, call_id, question", parameters, skip, limit)

    def _read(self, record: type[R], rest: str, parameters: list[str | float], skip: int, limit: int) -> list[R]:
        limits = [min(max(limit, 0), EXPORT_LIMIT + 1), max(skip, 0)]
        return self._database.read(lambda db: select(db, record, f"{rest} LIMIT ? OFFSET ?", [*parameters, *limits]))


def _terms(asked: Asked, moment: str, **columns: str) -> tuple[str, list[str | float]]:
    """The SQL of the period and of those columns for which something was asked."""
    terms, parameters = [f"{moment} >= ? AND {moment} < ?"], [asked.a, asked.b]
    for name, column in columns.items():
        if value := getattr(asked, name):
            terms.append(f"{column} = ?")
            parameters.append(storable(value))
    return " AND ".join(terms), parameters
