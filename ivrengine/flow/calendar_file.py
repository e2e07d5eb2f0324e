"""``flows/calendars.yml`` to calendars, with everything that is wrong in it told at once.

```yaml
office:
  zone: Asia/Shanghai
  holidays: CN                   # days off by law, and weekends worked for them
  weekly:
    mon-fri: {open: [08:30-12:00, 13:30-17:30], lunch: 12:00-13:30}
    sat-sun: weekend             # one label for the whole day
  workday: mon                   # the plan of a weekend that is worked
  exceptions:                    # always win
    2026-12-31: {open: 08:30-12:00}
    2027-02-05..2027-02-11: holiday
    2027-02-14: workday
```

What no range covers is ``closed``. A range such as 22:00-06:00 ends on the next day.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field

from ivrengine.domain.sentence import Sentence

from .document import Document, ListNode, MapNode, Node, TextNode, load_document
from .finding import Finding, Severity, did_you_mean, errors, shown, sort_key
from .flowset import Place
from .hours import DAY_MINUTES, OPEN, Calendar, DayPlan, Range
from .official_holidays import ONE_DAY, OfficialHolidays, UnknownCountry
from .schema_findings import validate
from .types import StepSpec

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAY = "workday"  # in exceptions: the plan of a working day
LONGEST_EXCEPTION_DAYS = 366
LONGEST_GAP_MINUTES = 120  # between two labelled ranges; a longer one is meant
MOST_CALENDARS = 500
_DAY_WORD = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)(?:[a-z]*day)?\Z")
_RANGE = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)\Z")
_LABEL = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


def week_days(text: str) -> list[int] | None:
    """``mon-fri``, ``sat sun``, ``fri-mon``, ``wednesday`` as numbers from 0; None for anything else."""
    found: list[int] = []
    for part in re.split(r"[,\s]+", text.strip().lower()):
        ends = [_DAY_WORD.match(word) for word in part.split("-")]
        if not all(ends) or len(ends) > 2:
            return None
        first, last = DAYS.index(ends[0][1]), DAYS.index(ends[-1][1])  # type: ignore[index]
        found += [(first + offset) % 7 for offset in range((last - first) % 7 + 1)]
    return found


def first_and_last(text: str) -> tuple[datetime.date, datetime.date] | None:
    """``2026-10-01`` or ``2026-10-01..2026-10-07``; None for anything else."""
    first, _, last = text.partition("..")
    try:
        return datetime.date.fromisoformat(first.strip()), datetime.date.fromisoformat((last or first).strip())
    except ValueError:
        return None


def minutes_of(text: str) -> tuple[int, int] | None:
    """``08:30-17:30`` as minutes of the day, as they are written; None for anything else."""
    match = _RANGE.match(text.strip())
    if match is None:
        return None
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    return (start, end) if start < DAY_MINUTES and end <= DAY_MINUTES else None


class CalendarSpec(StepSpec):
    name: str = Field(default="", max_length=120)
    zone: str
    holidays: str = ""
    weekly: dict[str, Any] = Field(min_length=1)
    workday: str = "mon"
    exceptions: dict[str, Any] = {}


@dataclass(slots=True)
class CalendarFile:
    """``calendars`` are the sound ones; ``names`` are all that the file speaks of, so that none is called unknown."""

    calendars: dict[str, Calendar] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    names: frozenset[str] = frozenset()
    places: dict[str, Place] = field(default_factory=dict)


def load_calendars(text: str | bytes | None, file: str = "calendars.yml") -> CalendarFile:
    """Read the calendars. Never raises. ``None``: there is no such file."""
    if text is None:
        return CalendarFile()
    document = load_document(text, file)
    result = CalendarFile(findings=list(document.findings))
    if isinstance(document.node, MapNode) and len(document.node.entries) <= MOST_CALENDARS:
        result.names = frozenset(document.node.entries)
        for name, (key, _) in document.node.entries.items():
            result.places[name] = document.place(key)
            reader = _CalendarReader(document, name, key)
            calendar = reader.read()
            result.findings += reader.findings
            if calendar is not None and not errors(reader.findings):
                result.calendars[name] = calendar
    elif document.node is not None:
        sentence = Sentence("expected calendars by name, at most %(most)s", most=MOST_CALENDARS)
        place = document.place(document.node)
        result.findings.append(Finding("wrong_type", "error", place, sentence, Sentence("write office: and its fields below it")))
    result.findings.sort(key=sort_key)
    return result


class _CalendarReader:
    def __init__(self, document: Document, name: str, key: TextNode) -> None:
        self.document = document
        self.name = name
        self.key = key
        self.findings: list[Finding] = []

    def read(self) -> Calendar | None:
        if not _LABEL.match(self.name):
            sentence = Sentence("%(name)s can't be the name of a calendar", name=shown(self.name))
            self._report("bad_name", self.key, sentence, Sentence("use small letters, digits and _, beginning with a letter"))
        spec, problems = validate(CalendarSpec, self.document, (self.name,), Sentence("the calendar"))
        self.findings += problems
        if not isinstance(spec, CalendarSpec):
            return None
        zone = self._zone(spec.zone)
        holidays = self._holidays(spec.holidays)
        workday = self._workday(spec.workday)
        weekly = self._weekly()
        self._overnight(weekly)
        plans = tuple(weekly.get(day, (DayPlan(), self.key))[0] for day in range(7))
        exceptions = self._exceptions(plans[workday])
        if zone is None:
            return None
        return Calendar(self.name, spec.name or self.name, zone, plans, workday, exceptions, holidays)

    def _report(self, code: str, node: Node | None, sentence: str, fix: str = "", severity: Severity = "error") -> None:
        self.findings.append(Finding(code, severity, self.document.place(node), sentence, fix))

    def _node(self, *path: str) -> Node | None:
        return self.document.at(self.name, *path)

    def _zone(self, text: str) -> ZoneInfo | None:
        try:
            if text not in available_timezones():
                raise ValueError(text)
            return ZoneInfo(text)
        except (ValueError, OSError, KeyError):
            known = available_timezones()
            near = did_you_mean(text, known) or Sentence("write it like Asia/Shanghai or Europe/Berlin")
            self._report("unknown_zone", self._node("zone"), Sentence("there is no time zone %(text)s", text=shown(text)), near)
            return None

    def _holidays(self, country: str) -> OfficialHolidays | None:
        if not country:
            return None
        try:
            return OfficialHolidays(country)
        except UnknownCountry:
            sentence = Sentence("the official holidays of %(country)s are not known", country=shown(country))
            self._report("unknown_country", self._node("holidays"), sentence, Sentence("write a country's two letters, like CN or US-CA"))
            return None

    # -- days ----------------------------------------------------------------------------------------------------------

    def _workday(self, text: str) -> int:
        days = self._days(self._node("workday"), text)
        if len(days) > 1:
            self._report(
                "calendar_day",
                self._node("workday"),
                Sentence("%(text)s is more than one day", text=shown(text)),
                Sentence("write one, like mon"),
            )
        return days[0] if days else 0

    def _weekly(self) -> dict[int, tuple[DayPlan, Node]]:
        weekly: dict[int, tuple[DayPlan, Node]] = {}
        node = self._node("weekly")
        for text, (key, value) in node.entries.items() if isinstance(node, MapNode) else ():
            plan = self._plan(key, value)
            for day in self._days(key, text):
                if day in weekly:
                    first = weekly[day][1].line
                    sentence = Sentence("%(day)s stands on line %(first)s already", day=DAYS[day], first=first)
                    self._report("calendar_repeated_day", key, sentence, Sentence("name each day once"))
                else:
                    weekly[day] = (plan, key)
        return weekly

    def _days(self, node: Node | None, text: str) -> list[int]:
        found = week_days(text)
        if found is None:
            sentence = Sentence("%(text)s is not a day of the week", text=shown(text))
            self._report("calendar_day", node, sentence, Sentence("write mon, tue, wed, thu, fri, sat or sun, or mon-fri for several"))
        return found or []

    def _exceptions(self, workday: DayPlan) -> dict[datetime.date, DayPlan]:
        exceptions: dict[datetime.date, DayPlan] = {}
        node = self._node("exceptions")
        for text, (key, value) in node.entries.items() if isinstance(node, MapNode) else ():
            is_workday = isinstance(value, TextNode) and value.text == WORKDAY
            plan = workday if is_workday else self._plan(key, value)
            for day in self._dates(key, text):
                if day in exceptions:
                    self._report(
                        "calendar_repeated_day", key, Sentence("%(day)s is excepted twice", day=day), Sentence("name each date once")
                    )
                    break
                exceptions[day] = plan
        return exceptions

    def _dates(self, key: TextNode, text: str) -> Iterator[datetime.date]:
        ends = first_and_last(text)
        if ends is None:
            sentence = Sentence("%(text)s is not a date", text=shown(text))
            self._report("calendar_date", key, sentence, Sentence("write it like 2026-10-01, or 2026-10-01..2026-10-07 for several days"))
            return
        first, last = ends
        if not 0 <= (last - first).days < LONGEST_EXCEPTION_DAYS:
            sentence = Sentence("%(text)s ends before it begins, or lasts more than a year", text=shown(text))
            self._report("calendar_date", key, sentence, Sentence("correct the dates"))
            return
        while first <= last:
            yield first
            first += ONE_DAY

    # -- hours of a day ------------------------------------------------------------------------------------------------

    def _plan(self, key: TextNode, value: Node) -> DayPlan:
        if isinstance(value, TextNode):
            return DayPlan((), value.text) if self._label(value) else DayPlan()
        if not isinstance(value, MapNode):
            self._report(
                "wrong_type",
                value,
                Sentence("%(text)s needs labels with their hours", text=shown(key.text)),
                Sentence("write {open: 08:30-17:30}"),
            )
            return DayPlan()
        ranges: list[tuple[Range, Node]] = []
        for label, (label_key, hours) in value.entries.items():
            if self._label(label_key):
                for item in hours.items if isinstance(hours, ListNode) else [hours]:
                    ranges += self._ranges(item, label)
        ranges.sort(key=lambda pair: (pair[0].start, pair[0].end))
        self._overlaps(ranges)
        return DayPlan(tuple(part for part, _ in ranges))

    def _label(self, node: TextNode) -> bool:
        if _LABEL.match(node.text) and node.text != WORKDAY:
            return True
        fix = Sentence("use open, closed, holiday, weekend, or a word of small letters, digits and _")
        self._report("calendar_label", node, Sentence("%(text)s can't be a label of a calendar", text=shown(node.text)), fix)
        return False

    def _ranges(self, node: Node, label: str) -> Iterator[tuple[Range, Node]]:
        for text in node.text.split(",") if isinstance(node, TextNode) else [""]:
            minutes = minutes_of(text)
            start, end = minutes or (0, 0)
            if minutes is None:
                self._report(
                    "calendar_hours",
                    node,
                    Sentence("%(text)s is not a range of hours", text=shown(text)),
                    Sentence("write it like 08:30-17:30"),
                )
            elif start == end:
                self._report(
                    "calendar_empty",
                    node,
                    Sentence("%(text)s is empty", text=shown(text)),
                    Sentence("write 00:00-24:00 for a whole day, or delete it"),
                )
            else:
                yield Range(start, end if end > start else end + DAY_MINUTES, label), node

    def _overlaps(self, ranges: list[tuple[Range, Node]]) -> None:
        for (before, _), (after, node) in zip(ranges, ranges[1:], strict=False):
            if after.start < before.end:
                sentence = Sentence(
                    "%(later_label)s %(later)s overlaps %(label)s %(hours)s",
                    later_label=after.label,
                    later=after,
                    label=before.label,
                    hours=before,
                )
                self._report("calendar_overlap", node, sentence, Sentence("let each minute have one label"))
            elif 0 < after.start - before.end <= LONGEST_GAP_MINUTES and not before.label == after.label == OPEN:
                sentence = Sentence(
                    "between %(label)s %(hours)s and %(later_label)s %(later)s there is a gap, which counts as closed",
                    label=before.label,
                    hours=before,
                    later_label=after.label,
                    later=after,
                )
                self._report("calendar_gap", node, sentence, Sentence("let one end where the other begins"), "warning")

    def _overnight(self, weekly: dict[int, tuple[DayPlan, Node]]) -> None:
        for day, (plan, node) in weekly.items():
            following, _ = weekly.get((day + 1) % 7, (DayPlan(), node))
            for part in plan.ranges:
                for other in following.ranges:
                    if part.end - DAY_MINUTES > other.start:
                        sentence = Sentence(
                            "%(day)s's %(label)s %(hours)s runs into %(later_day)s's %(later_label)s %(later)s",
                            day=DAYS[day],
                            label=part.label,
                            hours=part,
                            later_day=DAYS[(day + 1) % 7],
                            later_label=other.label,
                            later=other,
                        )
                        self._report("calendar_overlap", node, sentence, Sentence("let each minute have one label"))
