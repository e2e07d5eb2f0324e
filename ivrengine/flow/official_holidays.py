"""A country's days off and its working days moved to weekends, from the `holidays` package, with what that does not know.

China's "golden weeks" move working days to Saturdays and Sundays, which the government announces a year at a time; a year
that the installed package has no announcement for is told by `gap_in`, never guessed.
"""

from __future__ import annotations

import datetime
from typing import Any

from ivrengine.domain.sentence import Sentence

ONE_DAY = datetime.timedelta(days=1)
LONGEST_BRIDGE_DAYS = 3  # of a weekend between two days off
_YEARS_THAT_SHOW_A_HABIT = 3


class UnknownCountry(ValueError):
    """There are no official holidays under this name."""


class OfficialHolidays:
    """``country`` as in ISO 3166, with a subdivision where there are differences: ``CN``, ``US-CA``."""

    def __init__(self, country: str) -> None:
        import holidays  # here, because it takes 0.2 s and most sites use one country or none

        name, _, part = country.partition("-")
        try:
            self._days: Any = holidays.country_holidays(name, subdiv=part or None)
        except NotImplementedError:
            raise UnknownCountry(country) from None
        self.country = country

    def is_off(self, day: datetime.date) -> bool:
        """A day off by law, or a weekend between two of them (the Sunday of a golden week is no ordinary Sunday)."""
        if day in self._days:
            return True
        return self._is_free_weekend(day) and self._reaches_holiday(day, -ONE_DAY) and self._reaches_holiday(day, ONE_DAY)

    def is_moved_workday(self, day: datetime.date) -> bool:
        """A Saturday or Sunday that is worked in place of another day."""
        return self._covers(day.year) and day not in self._days and day in self._workdays(day.year)

    def gap_in(self, year: int) -> str | None:
        """What is not known of ``year``, as a sentence; None when all is."""
        if not self._covers(year):
            return Sentence("the official holidays of %(country)s for %(year)s are not known", country=self.country, year=year)
        announced = self._announced_years()
        if announced and year > announced[-1]:
            return Sentence(
                "the working days that %(country)s moves in %(year)s are not known yet; only the holidays by law are",
                country=self.country, year=year,
            )  # fmt: skip
        return None

    def _covers(self, year: int) -> bool:
        return self._days.start_year <= year <= self._days.end_year

    def _announced_years(self) -> list[int]:
        """Years with moved days, where the country announces them every year; empty where it does not."""
        years = sorted(getattr(self._days, "special_public_holidays", {}))
        if not getattr(self._days, "has_substituted_holidays", False) or len(years) < _YEARS_THAT_SHOW_A_HABIT:
            return []
        latest = years[-_YEARS_THAT_SHOW_A_HABIT:]
        return years if latest[-1] - latest[0] == _YEARS_THAT_SHOW_A_HABIT - 1 else []

    def _workdays(self, year: int) -> set[datetime.date]:
        self._days.get(datetime.date(year, 1, 1))  # makes the package work the year out
        return self._days.weekend_workdays

    def _is_free_weekend(self, day: datetime.date) -> bool:
        return day.weekday() in self._days.weekend and not self.is_moved_workday(day)

    def _reaches_holiday(self, day: datetime.date, step: datetime.timedelta) -> bool:
        for _ in range(LONGEST_BRIDGE_DAYS):
            day += step
            if day in self._days:
                return True
            if not self._is_free_weekend(day):
                return False
        return False
