"""Calls that somebody tries out: which flows they walk, at what time of the calendars, in which language.

Such a call is a real one for everything else: it is on the switch, in the records and in the queues, and its timers run with the clock.
Only the calendars are asked for another instant (``hours_shift_seconds`` from now), so that what callers hear on a holiday can be heard
today. An engine that is killed meanwhile goes on with the version of the flow that the call began with, and with the calendars of now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ivrengine.flow.flowset import FlowSet
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


@dataclass(frozen=True, slots=True)
class Arrangement:
    """``world`` is the engine's, or like it with the calendars and lists that belong to ``flows``. ``language``: "" for the flow's
    own first one."""

    flows: FlowSet
    world: World
    language: str = ""
    hours_shift_seconds: float = 0.0

    def surroundings(self, usual: Surroundings) -> Surroundings:
        world = replace(self.world, hours=ShiftedHours(self.world.hours, self.hours_shift_seconds))
        return replace(usual, interpreter=Interpreter(self.flows, world, usual.interpreter.limits))
