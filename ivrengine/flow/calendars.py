"""All calendars of a site and the overrides that persons set: the answer to "which part of the week is it now?".

An override beats a dated exception, that beats the official holidays, those beat the plan of the week. Refuses to guess: a
year whose holidays are not known is told by `problems`, and callers are served by the plan of the week all the same.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from ivrengine.domain.sentence import Sentence

from .calendar_file import CalendarFile, load_calendars
from .finding import Finding
from .hours import Calendar


@dataclass(frozen=True, slots=True)
class Override:
    """A person's word against the calendar. ``until`` in UTC seconds, None for permanent.

    One that lasts until the next boundary is set with that boundary's time, so that a later edit of the calendar can't make
    it last for ever.
    """

    calendar: str
    label: str
    until: float | None
    set_at: float = 0.0

    def lasts(self, now: float) -> bool:
        return self.until is None or now < self.until


class HoursBook:
    """Implements world.Hours. ``overrides``: calendar's name -> what is in force; may be replaced at any time."""

    def __init__(self, calendars: Mapping[str, Calendar], overrides: Mapping[str, Override] | None = None) -> None:
        self.calendars = dict(calendars)
        self.overrides: Mapping[str, Override] = overrides or {}

    @classmethod
    def from_text(cls, text: str | bytes | None) -> HoursBook:
        """The sound calendars of a file's text; what is wrong in it is told by `calendar_file.load_calendars`."""
        return cls(load_calendars(text).calendars)

    def label(self, calendar: str, now: float) -> str:
        """The label at ``now`` (UTC seconds). Raises KeyError for an unknown calendar."""
        known = self.calendars[calendar]
        override = self.overrides.get(calendar)
        if override is not None and override.lasts(now):
            return override.label
        return known.label(now)

    def next_boundary(self, calendar: str, now: float) -> float | None:
        """UTC seconds when the calendar itself (whatever its override) changes its label next; None when it does not."""
        return self.calendars[calendar].next_boundary(now)

    def problems(self, now: float) -> list[tuple[str, str]]:
        """(calendar, sentence) for what is not known of this year and the next, nor stands in the calendar's exceptions."""
        found = []
        for name, calendar in self.calendars.items():
            year = datetime.datetime.fromtimestamp(now, calendar.zone).year
            for asked in (year, year + 1):
                gap = calendar.holidays.gap_in(asked) if calendar.holidays else None
                if gap and not calendar.lists_worked_weekends(asked):
                    found.append((name, gap))
        return found


def year_findings(file: CalendarFile, now: float) -> list[Finding]:
    """Warnings at edit time for years whose holidays are not known, at the calendar's place."""
    fix = Sentence("update the holidays package, or list the days under exceptions: as holiday and workday")
    return [
        Finding(
            "calendar_year", "warning", file.places[name], Sentence('calendar "%(name)s": %(sentence)s', name=name, sentence=sentence), fix
        )
        for name, sentence in HoursBook(file.calendars).problems(now)
    ]
