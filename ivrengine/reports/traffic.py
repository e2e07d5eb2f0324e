"""Traffic: what came in by hour, day or month, and what became of it in the queues."""

from __future__ import annotations

from ivrengine.acd.figures import figures
from ivrengine.storage.store import Store

from .periods import Period
from .queue_columns import QUEUE_COLUMNS
from .table import Column, Row, Table, values

CALLS = Column("calls", "Calls", "calls", "calls that began", {"what": "calls"})
CURVES = ("calls", "offered", "answered", "abandoned")


def traffic(store: Store, period: Period, now: float, queue: str = "") -> tuple[Table, ...]:
    """Of one queue, or of all with the calls that came in, whether they reached a queue or not."""
    buckets = period.buckets(now)
    bounds = [(each.a, each.b) for each in buckets]
    # Added by SQLite in its thread: to add a month of hours here would hold up every call.
    *counted, whole = store.intervals.totals([*bounds, (period.a, period.b)], queue)
    calls = [None] * len(buckets) if queue else store.totals.calls(bounds)
    with_calls = () if queue else (CALLS,)
    rows = tuple(
        Row(
            (bucket.label, *(() if queue else (count,)), *values(figures(counters), QUEUE_COLUMNS)),
            {"since": f"{bucket.a:.0f}", "until": f"{bucket.b:.0f}", "queue": queue},
        )
        for bucket, count, counters in zip(buckets, calls, counted, strict=True)
    )
    total = Row(
        ("", *(() if queue else (sum(filter(None, calls)),)), *values(figures(whole), QUEUE_COLUMNS)),
        {"since": f"{period.a:.0f}", "until": f"{period.b:.0f}", "queue": queue},
    )
    columns = (Column(period.by, {"hour": "Hour", "day": "Day", "month": "Month"}[period.by]), *with_calls, *QUEUE_COLUMNS)
    return (Table("traffic", "Traffic", columns, rows, total, CURVES),)
