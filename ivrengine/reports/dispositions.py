"""Dispositions: what talks were about, by queue, how long they took, and how many the agents did not name themselves."""

from __future__ import annotations

from ivrengine.acd.figures import FORMULAS, SHARE, Counters, figures, share
from ivrengine.storage.store import Store

from .periods import Period
from .queue_columns import ended
from .table import Cell, Column, Row, Table, figure_columns, values

_TALKS = figure_columns(FORMULAS, ("answered", "average_handling_time"), {"answered": ended("answered")})
_SHARE = Column("share", "Share of talks", SHARE.unit, "answered / answered of all rows")
_AUTOMATIC = Column("automatic", "Not given by the agent", "calls", "talks whose disposition was set when the wrap-up ran out")
_COLUMNS = (Column("queue", "Queue"), Column("disposition", "Disposition"), _TALKS[0], _SHARE, _TALKS[1], _AUTOMATIC)


def dispositions(store: Store, period: Period, now: float, queue: str = "") -> tuple[Table, ...]:
    """Of the callers who were connected in the period. A talk without a disposition is shown as "-"."""
    found = store.totals.talks_by_disposition(period.a, period.b, queue)
    whole = sum((each.counters for each in found), Counters())
    leads = {"since": f"{period.a:.0f}", "until": f"{period.b:.0f}"}

    def cells(counters: Counters, automatic: int) -> tuple[Cell, ...]:
        answered, handling = values(figures(counters), _TALKS)
        return answered, share(counters.answered, whole.answered), handling, automatic

    rows = tuple(
        Row((*each.key, *cells(each.counters, each.automatic)), {**leads, "queue": each.key[0], "disposition": each.key[1]})
        for each in found
    )
    total = Row(("", "", *cells(whole, sum(each.automatic for each in found))), {**leads, "queue": queue})
    return (Table("dispositions", "Dispositions", _COLUMNS, rows, total),)
