"""Queues: the figures of each over the period, and of all together."""

from __future__ import annotations

from ivrengine.acd.figures import Counters, figures
from ivrengine.storage.store import Store

from .periods import Period
from .queue_columns import QUEUE_COLUMNS
from .table import Column, Row, Table, values


def queues(store: Store, period: Period, now: float, queue: str = "") -> tuple[Table, ...]:
    """The site's queues in their order, then those that are gone and in which something was counted; with ``queue`` only this one."""
    [found] = store.intervals.sums([(period.a, period.b)])
    titles = {rules.name: rules.title or rules.name for rules in store.site.load().queues}
    names = [name for name in (*titles, *sorted(set(found) - set(titles))) if queue in ("", name)]
    counted = {name: found.get(name, Counters()) for name in names}
    leads = {"since": f"{period.a:.0f}", "until": f"{period.b:.0f}"}
    rows = tuple(
        Row((titles.get(name, name), *values(figures(counters), QUEUE_COLUMNS)), {**leads, "queue": name})
        for name, counters in counted.items()
    )
    total = Row(("", *values(figures(sum(counted.values(), Counters())), QUEUE_COLUMNS)), {**leads, "queue": queue})
    return (Table("queues", "Queues", (Column("queue", "Queue"), *QUEUE_COLUMNS), rows, total),)
