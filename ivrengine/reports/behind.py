"""What is behind a figure: the waits, calls, callbacks, offers or marks that it was made of, as a table with a call in each row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ivrengine.domain.sentence import Sentence
from ivrengine.storage.period_lists import Asked, PeriodLists
from ivrengine.storage.store import Store

from .periods import LONGEST_DAYS, PeriodError
from .table import Column, Row, Table

_MOMENT = Column("at", "At", "moment")
_NUMBER = Column("number", "Caller", "number")
_QUEUE = Column("queue", "Queue")
_AGENT = Column("agent", "Agent")
_OUTCOME = Column("outcome", "Outcome", "word")
_LASTED = Column("lasted", "Lasted", "seconds")

_COLUMNS: dict[str, tuple[Column, ...]] = {
    "waits": (
        _MOMENT, _NUMBER, _QUEUE, Column("end", "End", "word"), Column("wait", "Wait", "seconds"), _AGENT,
        Column("talk", "Talk", "seconds"), Column("disposition", "Disposition"),
    ),
    "calls": (_MOMENT, _NUMBER, Column("dialled", "Dialled", "number"), Column("flow", "Flow"), _LASTED, _OUTCOME),
    "callbacks": (_MOMENT, _NUMBER, _QUEUE, Column("source", "Source", "word"), Column("tries", "Failed tries", "calls"), _OUTCOME, _AGENT),
    "offers": (_MOMENT, _NUMBER, _QUEUE, _AGENT, Column("phone", "Phone"), _OUTCOME, _LASTED),
    "marks": (_MOMENT, Column("survey", "Survey"), Column("question", "Question"), Column("mark", "Key"), Column("label", "Answer"), _QUEUE,
              _AGENT),
}  # fmt: skip
_ROWS: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "waits": lambda each: (
        each.ended_at, each.number, each.queue, each.terminal, each.wait_seconds, each.agent_id, each.talk_seconds,
        each.disposition,
    ),
    "calls": lambda each: (
        each.started_at, each.number, each.dialled, each.flow, _between(each.started_at, each.ended_at), each.outcome
    ),
    "callbacks": lambda each: (
        each.requested_at, each.number, each.queue, each.source, each.attempts, _state_of(each), each.agent_id
    ),
    "offers": lambda each: (
        each.offered_at, each.number, each.queue, each.agent_id, each.phone, each.outcome,
        _between(each.offered_at, each.ended_at),
    ),
    "marks": lambda each: (each.at, each.survey, each.question, each.mark, each.label, each.queue, each.agent_id),
}  # fmt: skip
KINDS = tuple(_COLUMNS)


def asked(given: Mapping[str, str]) -> Asked:
    """Of what the link of a figure says. Raises PeriodError where that is no period that a report covers."""
    try:
        a, b = float(given.get("since", "")), float(given.get("until", ""))
    except ValueError:
        raise PeriodError("date", Sentence("the link of this figure is broken: its period is missing"), text="") from None
    longest = LONGEST_DAYS["month"]
    if not 0 <= b - a <= (longest + 1) * 86400:  # NaN too
        raise PeriodError(
            "long",
            Sentence("the records of at most %(longest)s days can be listed", longest=longest),
            by="month",
            longest=longest,
            days="?",
        )
    return Asked(
        a, b, given.get("queue", ""), given.get("agent", ""), _several(given.get("ended", "")), given.get("disposition"),
        _several(given.get("outcome", "")), given.get("survey", ""), given.get("question", ""), given.get("mark", ""),
    )  # fmt: skip


def behind(store: Store, what: str, wanted: Asked, skip: int, limit: int) -> Table:
    """``limit`` records of the kind ``what`` from the ``skip``-th on, in the order of their time."""
    lists: PeriodLists = store.period_lists
    found = getattr(lists, what)(wanted, skip, limit)
    # A callback waits without a caller's call: it is found by its own id.
    rows = tuple(Row(_ROWS[what](each), call_id=each.call_id or getattr(each, "item_id", "")) for each in found)
    return Table(what, what.capitalize(), _COLUMNS[what], rows)


def _several(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))[:20]


def _between(a: float, b: float | None) -> float | None:
    return None if b is None else max(0.0, b - a)


def _state_of(callback: Any) -> str:
    return callback.outcome if callback.ended_at is not None else "open"
