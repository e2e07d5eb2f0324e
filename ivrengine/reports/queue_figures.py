"""The figures of each queue between two moments, and of all together, from the stored counters."""

from __future__ import annotations

from dataclasses import dataclass

from ivrengine.acd.figures import Counters, Figures, figures
from ivrengine.storage.store import Store


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """``queue`` "" is all of them together."""

    queue: str
    counters: Counters
    figures: Figures


def queue_figures(store: Store, a: float, b: float) -> list[QueueFigures]:
    """Of the intervals that begin in [a, b): the queues in which something was counted by name, then the whole."""
    [counters] = store.intervals.sums([(a, b)])
    rows = [(queue, counters[queue]) for queue in sorted(counters)]
    rows.append(("", sum(counters.values(), Counters())))
    return [QueueFigures(queue, each, figures(each)) for queue, each in rows]
