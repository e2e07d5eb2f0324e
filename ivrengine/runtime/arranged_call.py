"""Calls that somebody tries out: which flows they walk, at what time of the calendars, in which language.

Such a call is a real one for everything else: it is on the switch, in the records and in the queues, and its timers run with the clock.
Only the calendars are asked for another instant (``hours_shift_seconds`` from now), so that what callers hear on a holiday can be heard
today. An engine that is killed meanwhile goes on with the version of the flow that the call began with, and with the calendars of now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from ivrengine.flow.flowset import Flow, FlowSet, FlowSource
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.world import Hours, World

from .surroundings import Surroundings


class ShiftedHours:
    """Calendars asked for another instant than now."""

    def __init__(self, hours: Hours, shift_seconds: float) -> None:
        self._hours = hours
        self._shift_seconds = shift_seconds

    def label(self, calendar: str, now: float) -> str:
        return self._hours.label(calendar, now + self._shift_seconds)


class DialledFlows(FlowSource, Protocol):
    """The library, or a draft."""

    def for_number(self, dialled: str) -> Flow | None: ...


class DraftFlows(FlowSet):
    """A set that is not published; versions that its flows name and that it doesn't have are those that were ``published``."""

    def __init__(self, flows: Iterable[Flow], published: FlowSource) -> None:
        super().__init__(flows)
        self._published = published

    def get(self, name: str, version: str | None = None) -> Flow:
        try:
            return super().get(name, version)
        except KeyError:
            if version is None:
                raise
            return self._published.get(name, version)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """``world`` is the engine's, or like it with the calendars and lists that belong to ``flows``. ``language``: "" for the flow's
    own first one."""

    flows: DialledFlows
    world: World
    language: str = ""
    hours_shift_seconds: float = 0.0

    def surroundings(self, usual: Surroundings) -> Surroundings:
        world = replace(self.world, hours=ShiftedHours(self.world.hours, self.hours_shift_seconds))
        return replace(usual, interpreter=Interpreter(self.flows, world, usual.interpreter.limits))
