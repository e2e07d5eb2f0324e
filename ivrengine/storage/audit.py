"""The audit trail: who did what to whom, and what was so before. Rows are added and never changed; no PIN gets here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlite_utils

from .database import Database, Ticket
from .rows import LIST_LIMIT, select, storable

VALUE_LIMIT = 20_000  # characters of a before or after

State = str | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """``before`` and ``after``: a text, or JSON of what changed; "" where there is nothing to tell. ``at`` in UTC seconds."""

    audit_id: int
    at: float
    who: str
    verb: str
    target: str
    before: str
    after: str


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, who: str, verb: str, target: str, before: State, after: State, at: float) -> Ticket[None]:
        """``who`` did ``verb`` to ``target`` (``agent 1001``, ``queue delivery``)."""
        row = audit_row(who, verb, target, before, after, at)
        return self._database.submit(lambda db: insert(db, row), "a row of the audit trail")

    def recent(
        self, *, since: float = 0.0, until: float = 0.0, who: str = "", target: str = "", before_id: int = 0, limit: int = LIST_LIMIT
    ) -> list[AuditRow]:
        """The newest first; of [since, until), of one person, of one target, older than the row ``before_id`` where asked for."""
        rest = (
            "FROM audit WHERE at >= ? AND (at < ? OR ? = 0) AND ? IN ('', who) AND ? IN ('', target) AND (audit_id < ? OR ? = 0)"
            " ORDER BY audit_id DESC LIMIT ?"
        )
        asked = [since, until, until, storable(who), storable(target), before_id, before_id, limit]
        return self._database.read(lambda db: select(db, AuditRow, rest, asked))


def audit_row(who: str, verb: str, target: str, before: State, after: State, at: float) -> tuple[Any, ...]:
    return at, storable(who), storable(verb), storable(target), _text(before), _text(after)


def insert(db: sqlite_utils.Database, row: tuple[Any, ...]) -> None:
    """For writes of other modules, so that a change and its row are kept together or not at all."""
    db.execute("INSERT INTO audit (at, who, verb, target, before, after) VALUES (?, ?, ?, ?, ?, ?)", row)


def _text(state: State) -> str:
    text = "" if state is None else state if isinstance(state, str) else json.dumps(state, ensure_ascii=False, sort_keys=True)
    return storable(text[:VALUE_LIMIT])
