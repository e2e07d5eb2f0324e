"""Callbacks: how many were asked for in the period, what became of them, and how long the customers waited."""

from __future__ import annotations

from ivrengine.acd.figures import CALLBACK_FORMULAS, CallbackCounters, callback_figures
from ivrengine.storage.period_lists import OPEN, OTHER
from ivrengine.storage.store import Store

from .periods import Period
from .table import Column, Row, Table, figure_columns, values

_OUTCOMES = (
    ("talked", "Talked", "talked"),
    ("expired", "Expired", "expired"),
    ("cancelled", "Cancelled", "cancelled"),
    ("given_up", "Given up", OTHER),
    ("still_open", "Open", OPEN),
)
_COUNTED = tuple(Column(name, title, "calls", name, {"what": "callbacks", "outcome": kept}) for name, title, kept in _OUTCOMES)
_REQUESTED, *_FIGURES = figure_columns(CALLBACK_FORMULAS, CALLBACK_FORMULAS, {"requested": {"what": "callbacks"}})
_TRIES = Column("tries", "Failed tries", "calls", "tries")
_COLUMNS = (Column("queue", "Queue"), _REQUESTED, *_COUNTED, _TRIES, *_FIGURES)


def callbacks(store: Store, period: Period, now: float, queue: str = "") -> tuple[Table, ...]:
    """By the queue and by when they were asked for, whenever they were made."""
    found = store.totals.callbacks(period.a, period.b, queue)
    leads = {"since": f"{period.a:.0f}", "until": f"{period.b:.0f}"}
    rows = tuple(Row((name, *_cells(counters)), {**leads, "queue": name}) for name, counters in found)
    total = Row(("", *_cells(sum((counters for _, counters in found), CallbackCounters()))), {**leads, "queue": queue})
    return (Table("callbacks", "Callbacks", _COLUMNS, rows, total),)


def _cells(counters: CallbackCounters) -> tuple[float | None, ...]:
    made = callback_figures(counters)
    return (made.requested, *values(counters, (*_COUNTED, _TRIES)), *values(made, _FIGURES))  # type: ignore[return-value]
