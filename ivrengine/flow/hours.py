"""One calendar: which label a moment has, and when that changes next. Labels are words of the admin's own beside ``open``.

For a day, the first of these that says anything rules it: a dated exception, the official holidays, the plan of the week.
Times of a plan are those on the wall clock of the calendar's zone; daylight saving is the zone's own business. A range over
midnight belongs to the day it begins on, and gives way where the next day is ruled by something stronger.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from .official_holidays import ONE_DAY, OfficialHolidays

OPEN, CLOSED, HOLIDAY, WEEKEND = "open", "closed", "holiday", "weekend"
DAY_MINUTES = 24 * 60
FURTHEST_BOUNDARY_DAYS = 400
_PLANS_KEPT = 1000  # days whose plan is remembered
_EXCEPTION, _OFFICIAL, _WEEKLY = 3, 2, 1


@dataclass(frozen=True, slots=True)
class Range:
    """Minutes from midnight, the end not included; an end after 1440 lies on the next day."""

    start: int
    end: int
    label: str

    def __str__(self) -> str:
        return f"{_clock(self.start)}-{_clock(self.end)}"


@dataclass(frozen=True, slots=True)
class DayPlan:
    """The ranges of a day in their order, and the label of the rest of it."""

    ranges: tuple[Range, ...] = ()
    rest: str = CLOSED

    def label(self, minute: int) -> str | None:
        for part in self.ranges:
            if part.start <= minute < part.end:
                return part.label
        return None


@dataclass(slots=True)
class Calendar:
    """``weekly``: seven plans, Monday first. ``workday``: which of them rules a weekend day that is worked (0 is Monday)."""

    name: str
    title: str
    zone: ZoneInfo
    weekly: tuple[DayPlan, ...]
    workday: int = 0
    exceptions: Mapping[datetime.date, DayPlan] = field(default_factory=dict)
    holidays: OfficialHolidays | None = None
    _plans: dict[datetime.date, tuple[DayPlan, int]] = field(default_factory=dict, repr=False)

    @property
    def labels(self) -> frozenset[str]:
        """Every label that this calendar can give by itself."""
        plans = [*self.weekly, *self.exceptions.values()]
        found = {plan.rest for plan in plans} | {part.label for plan in plans for part in plan.ranges}
        return frozenset(found | ({HOLIDAY} if self.holidays else set()))

    def label(self, now: float) -> str:
        """The label at ``now`` (UTC seconds)."""
        local = datetime.datetime.fromtimestamp(now, self.zone)
        minute = local.hour * 60 + local.minute
        plan, rank = self._plan(local.date())
        label = plan.label(minute)
        if label is None:
            before, rank_before = self._plan(local.date() - ONE_DAY)
            label = before.label(minute + DAY_MINUTES) if rank_before >= rank else None
        return plan.rest if label is None else label

    def ruled_by(self, day: datetime.date) -> tuple[DayPlan, Literal["exception", "holiday", "moved", "weekly"]]:
        """What a day is planned to be, and why; ``moved`` is a weekend day that is worked for a holiday."""
        plan, rank = self._plan(day)
        if rank == _EXCEPTION:
            return plan, "exception"
        if rank == _OFFICIAL:
            return plan, "holiday"
        moved = self.holidays is not None and self.holidays.is_moved_workday(day)
        return plan, "moved" if moved else "weekly"

    def lists_worked_weekends(self, year: int) -> bool:
        """Whether the exceptions name a weekend day of ``year`` that is worked: then somebody has seen to the moved days."""
        return any(
            day.year == year and day.weekday() >= 5 and any(part.label == OPEN for part in plan.ranges)
            for day, plan in self.exceptions.items()
        )

    def next_boundary(self, now: float) -> float | None:
        """UTC seconds when the label changes next; None when it does not within FURTHEST_BOUNDARY_DAYS."""
        label = self.label(now)
        day = datetime.datetime.fromtimestamp(now, self.zone).date()
        for _ in range(FURTHEST_BOUNDARY_DAYS):
            for moment in sorted(self._moments(day)):
                if moment > now and self.label(moment) != label:
                    return moment
            day += ONE_DAY
        return None

    def _plan(self, day: datetime.date) -> tuple[DayPlan, int]:
        known = self._plans.get(day)
        if known is None:
            if len(self._plans) >= _PLANS_KEPT:
                self._plans.clear()
            known = self._plans[day] = self._work_out(day)
        return known

    def _work_out(self, day: datetime.date) -> tuple[DayPlan, int]:
        if day in self.exceptions:
            return self.exceptions[day], _EXCEPTION
        if self.holidays is not None:
            if self.holidays.is_off(day):
                return DayPlan((), HOLIDAY), _OFFICIAL
            if self.holidays.is_moved_workday(day):
                return self.weekly[self.workday], _WEEKLY
        return self.weekly[day.weekday()], _WEEKLY

    def _moments(self, day: datetime.date) -> Iterator[float]:
        """Every moment of ``day`` at which the label might change, in UTC seconds."""
        minutes = {0, *(part.end - DAY_MINUTES for part in self._plan(day - ONE_DAY)[0].ranges if part.end > DAY_MINUTES)}
        for part in self._plan(day)[0].ranges:
            minutes |= {part.start, part.end}
        for minute in minutes:
            if minute < DAY_MINUTES:
                wall = datetime.datetime.combine(day, datetime.time(minute // 60, minute % 60), self.zone)
                yield from {wall.timestamp(), wall.replace(fold=1).timestamp()}
        yield from self._clock_change(day)

    def _clock_change(self, day: datetime.date) -> Iterator[float]:
        """The moment at which the zone's clocks are put forward or back on ``day``: a range may begin in the missing hour."""
        first = int(datetime.datetime.combine(day, datetime.time(), self.zone).timestamp())
        last = int(datetime.datetime.combine(day + ONE_DAY, datetime.time(), self.zone).timestamp())
        offset = self._offset(first)
        if self._offset(last) == offset:
            return
        while last - first > 1:
            middle = (first + last) // 2
            if self._offset(middle) == offset:
                first = middle
            else:
                last = middle
        yield float(last)

    def _offset(self, moment: int) -> datetime.timedelta | None:
        return datetime.datetime.fromtimestamp(moment, self.zone).utcoffset()


def _clock(minute: int) -> str:
    minute = minute if minute <= DAY_MINUTES else minute - DAY_MINUTES
    return f"{minute // 60:02d}:{minute % 60:02d}"
