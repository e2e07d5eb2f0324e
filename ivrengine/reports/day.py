"""When today is: reports count from midnight to midnight in the zone of the site."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo


def today(now: float, zone: tzinfo) -> tuple[float, float]:
    """UTC seconds of the last and of the next midnight in ``zone``."""
    began = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return began.timestamp(), (began + timedelta(days=1)).timestamp()  # by the calendar: some days have 23 or 25 hours
