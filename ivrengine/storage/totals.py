"""Sums over a period that reports need beside the counters of queues: of talks, offers, marks, callbacks and calls.

Added by SQLite itself in its native thread, so that a long period neither blocks the hub nor fills the memory. Only raw numbers that add
up come from here; what is made of them is told by ``acd/figures.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlite_utils

from ivrengine.acd.figures import CallbackCounters, Counters

from .attempts import NOT_TAKEN
from .database import Database
from .rows import storable

GROUPS_LIMIT = 5000  # rows of one answer


@dataclass(frozen=True, slots=True)
class TalkTotals:
    """``key``: what the talks have in common, as it was asked for."""

    key: tuple[str, ...]
    counters: Counters
    automatic: int  # dispositions that no agent has given


@dataclass(frozen=True, slots=True)
class MarkTotals:
    """How often callers answered so."""

    survey: str
    question: str
    queue: str
    agent_id: str
    mark: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class OfferTotals:
    agent_id: str
    offers: int
    not_taken: int


class Totals:
    def __init__(self, database: Database) -> None:
        self._database = database

    def calls(self, bounds: Sequence[tuple[float, float]]) -> list[int]:
        """For each [a, b): the calls that began in it."""
        sql = "SELECT count(*) FROM calls WHERE started_at >= ? AND started_at < ?"
        return self._database.read(lambda db: [db.execute(sql, each).fetchone()[0] for each in bounds])

    def talks_by_agent(self, a: float, b: float, queue: str = "") -> list[TalkTotals]:
        """Of the callers who were connected in [a, b). Keys: agent."""
        return self._talks("agent_id", a, b, queue)

    def talks_by_disposition(self, a: float, b: float, queue: str = "") -> list[TalkTotals]:
        """Of the callers who were connected in [a, b). Keys: queue and disposition."""
        return self._talks("queue, disposition", a, b, queue)

    def offers(self, a: float, b: float, queue: str = "") -> list[OfferTotals]:
        """What each agent was offered in [a, b), of one queue or of all."""
        marks = ", ".join("?" * len(NOT_TAKEN))
        sql = (
            f"SELECT attempts.agent_id, count(*), total(outcome IN ({marks})) FROM attempts JOIN segments USING (item_id)"
            " WHERE direction = '' AND offered_at >= ? AND offered_at < ? AND ? IN ('', queue)"
            " GROUP BY attempts.agent_id ORDER BY attempts.agent_id"
            f" LIMIT {GROUPS_LIMIT}"
        )
        row = (*NOT_TAKEN, a, b, storable(queue))
        return self._database.read(lambda db: [OfferTotals(each[0], each[1], int(each[2])) for each in db.execute(sql, row)])

    def marks(self, a: float, b: float, queue: str = "") -> list[MarkTotals]:
        """The answers given in [a, b), of talks of one queue or of all. Spoken comments, which are no marks, are left out."""
        sql = (
            "SELECT survey, question, queue, agent_id, mark, max(label), count(*) FROM marks"
            " WHERE at >= ? AND at < ? AND ? IN ('', queue) AND mark != ''"
            f" GROUP BY survey, question, queue, agent_id, mark ORDER BY survey, question, mark, queue, agent_id LIMIT {GROUPS_LIMIT}"
        )
        return self._database.read(lambda db: [MarkTotals(*row) for row in db.execute(sql, (a, b, storable(queue)))])

    def callbacks(self, a: float, b: float, queue: str = "") -> list[tuple[str, CallbackCounters]]:
        """By queue, of those that were asked for in [a, b)."""
        ended = "ended_at IS NOT NULL AND outcome"
        sql = (
            f"SELECT queue, total({ended} = 'talked'), total({ended} = 'expired'), total({ended} = 'cancelled'),"
            f" total({ended} NOT IN ('talked', 'expired', 'cancelled')), total(ended_at IS NULL), total(attempts),"
            " total(CASE WHEN outcome = 'talked' AND ended_at IS NOT NULL THEN ended_at - requested_at END)"
            " FROM callbacks WHERE requested_at >= ? AND requested_at < ? AND ? IN ('', queue) GROUP BY queue ORDER BY queue"
        )

        def read(db: sqlite_utils.Database) -> list[tuple[str, CallbackCounters]]:
            rows = db.execute(sql, (a, b, storable(queue)))
            return [(name, CallbackCounters(*map(int, counts), seconds)) for name, *counts, seconds in rows]

        return self._database.read(read)

    def _talks(self, keys: str, a: float, b: float, queue: str) -> list[TalkTotals]:
        sql = (
            f"SELECT {keys}, count(*), total(wait_seconds), count(talk_ended_at), total(talk_seconds), total(hold_seconds),"
            " total(wrap_up_seconds), total(automatic)"
            " FROM segments WHERE direction = '' AND ended_at >= ? AND ended_at < ? AND terminal = 'answered' AND ? IN ('', queue)"
            f" GROUP BY {keys} ORDER BY {keys} LIMIT {GROUPS_LIMIT}"
        )

        def read(db: sqlite_utils.Database) -> list[TalkTotals]:
            return [_talk_totals(row) for row in db.execute(sql, (a, b, storable(queue)))]

        return self._database.read(read)


def _talk_totals(row: Sequence[object]) -> TalkTotals:
    *key, answered, wait, handled, talk, hold, wrap_up, automatic = row
    counters = Counters(
        answered=answered, answered_wait_seconds=wait, handled=handled, talk_seconds=talk, hold_seconds=hold, wrap_up_seconds=wrap_up
    )  # type: ignore[arg-type]  # fmt: skip
    return TalkTotals(tuple(map(str, key)), counters, int(automatic))  # type: ignore[call-overload]
