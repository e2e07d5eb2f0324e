"""Which flows ask which calendars, at which steps. Flows with mistakes count as far as they can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .check_view import FlowView
from .compile import load_flows
from .types import CalendarRef


@dataclass(frozen=True, slots=True)
class CalendarUse:
    """``step`` of the flow in ``file`` asks ``calendar``."""

    calendar: str
    file: str
    flow: str
    step: str


def calendar_uses(texts: Mapping[str, str]) -> Iterator[CalendarUse]:
    """``texts``: file -> text of each flow."""
    for draft in load_flows(texts).drafts:
        view = FlowView.of(draft)
        for step in view.steps.values():
            for calendar in dict.fromkeys(str(value) for _, value in step.leaves if isinstance(value, CalendarRef)):
                yield CalendarUse(calendar, step.step.place.file, view.flow.name, step.name)
