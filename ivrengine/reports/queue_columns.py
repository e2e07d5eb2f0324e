"""The figures of queues as columns, with the records that each one leads to; traffic and queues share them."""

from __future__ import annotations

from typing import get_args

from ivrengine.acd.figures import FORMULAS
from ivrengine.acd.happenings import Terminal

from .table import Column, Leads, figure_columns

REFUSED = ("refused_full", "refused_empty")
OFFERED = tuple(each for each in get_args(Terminal) if each not in REFUSED)
_ENDED: dict[str, tuple[str, ...]] = {
    "offered": OFFERED,
    "refused": REFUSED,
    "answered": ("answered",),
    "abandoned": ("abandoned",),
    "average_speed_of_answer": ("answered",),
    "average_patience": ("abandoned", "short_abandon"),
    "average_handling_time": ("answered",),
}


def ended(*terminals: str) -> Leads:
    """To the waits that ended so."""
    return {"what": "waits", "ended": ",".join(terminals)}


LEADS = {name: ended(*terminals) for name, terminals in _ENDED.items()}
QUEUE_COLUMNS: tuple[Column, ...] = figure_columns(FORMULAS, FORMULAS, LEADS)
