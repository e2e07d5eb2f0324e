"""The period of a report: whole days of the site's zone, cut into hours, days or months.

Days have 23, 24 or 25 hours; the hour that the clocks repeat is two hours with the same name and different offsets. Refuses what would
be too much to count or to read, with a sentence that says what to choose instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal, get_args

from ivrengine.domain.sentence import Sentence

By = Literal["hour", "day", "month"]
LONGEST_DAYS: dict[By, int] = {"hour": 31, "day": 366, "month": 3 * 366}
QUARTER_SECONDS = 15 * 60  # the grain of what is stored, and of every zone's offsets
_FIRST_YEAR, _LAST_YEAR = 1971, 2200


class PeriodError(ValueError):
    """``code``: date, order, long, by. ``values`` fill the sentence."""

    def __init__(self, code: str, sentence: str, **values: object) -> None:
        super().__init__(sentence)
        self.code = code
        self.values = values


@dataclass(frozen=True, slots=True)
class Bucket:
    """One hour, day or month, [a, b) in UTC seconds; the first and last month of a period may be cut."""

    label: str
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Period:
    """The days from ``first`` to ``last``, both included."""

    first: date
    last: date
    by: By
    zone: tzinfo

    @property
    def a(self) -> float:
        return midnight(self.first, self.zone)

    @property
    def b(self) -> float:
        return midnight(self.last + timedelta(days=1), self.zone)

    def buckets(self, now: float) -> list[Bucket]:
        """In order and without a gap; without those that have not begun by ``now``."""
        cut = {"hour": self._hours, "day": self._days, "month": self._months}[self.by]
        return [bucket for bucket in cut() if bucket.a <= now]

    def _hours(self) -> Iterator[Bucket]:
        a, here = self.a, None
        offsets: dict[str, set[timedelta | None]] = {}
        found: list[tuple[str, datetime, float, float]] = []
        at = a
        while at < self.b:
            local = datetime.fromtimestamp(at, self.zone)
            hour = (local.date(), local.hour, local.utcoffset())
            if hour != here:
                label = f"{local:%Y-%m-%d %H}:00"
                offsets.setdefault(label, set()).add(local.utcoffset())
                if found:
                    found[-1] = (*found[-1][:3], at)
                found.append((label, local, at, self.b))
                here = hour
            at += QUARTER_SECONDS
        for label, local, began, ended in found:
            repeated = len(offsets[label]) > 1
            yield Bucket(f"{label} {local:%z}" if repeated else label, began, ended)

    def _days(self) -> Iterator[Bucket]:
        day = self.first
        while day <= self.last:
            after = day + timedelta(days=1)
            yield Bucket(day.isoformat(), midnight(day, self.zone), midnight(after, self.zone))
            day = after

    def _months(self) -> Iterator[Bucket]:
        day = self.first
        while day <= self.last:
            after = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            until = min(after, self.last + timedelta(days=1))
            yield Bucket(f"{day:%Y-%m}", midnight(day, self.zone), midnight(until, self.zone))
            day = after


def midnight(day: date, zone: tzinfo) -> float:
    """UTC seconds of the beginning of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def period(first: str, last: str, by: str, zone: tzinfo, now: float) -> Period:
    """Of two days such as 2026-10-01, both included; "" is today. Raises PeriodError."""
    if by not in get_args(By):
        raise PeriodError("by", Sentence("a report is by hour, day or month"))
    today = datetime.fromtimestamp(now, zone).date()
    a, b = (_day(text, today) for text in (first, last))
    if b < a:
        raise PeriodError("order", Sentence("the last day, %(b)s, is before the first, %(a)s", b=b, a=a), first=a, last=b)
    days, longest = (b - a).days + 1, LONGEST_DAYS[by]
    if days > longest:
        sentence = Sentence(
            "a report by %(by)s covers at most %(longest)s days, and these are %(days)s: choose fewer days, or a coarser report",
            by=by,
            longest=longest,
            days=days,
        )
        raise PeriodError("long", sentence, by=by, longest=longest, days=days)
    return Period(a, b, by, zone)  # type: ignore[arg-type]


def _day(text: str, today: date) -> date:
    if not text.strip():
        return today
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise PeriodError("date", Sentence("%(text)r is no day such as 2026-10-01", text=text[:40]), text=text[:40]) from None
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise PeriodError("date", Sentence("%(text)r is no day of this age", text=text[:40]), text=text[:40])
    return day
