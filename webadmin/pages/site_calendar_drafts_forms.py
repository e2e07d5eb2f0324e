"""What the forms of a calendar give: parts of it, read strictly, and how they are told in the audit trail."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

from flask import request
from flask_babel import gettext as _

from ivrengine.flow.calendar_edit import Exception_, Parts, range_of
from ivrengine.flow.calendar_file import DAYS, LONGEST_EXCEPTION_DAYS
from ivrengine.flow.hours import CLOSED, DAY_MINUTES, OPEN, DayPlan

SPANS_LIMIT = 24  # of one day
NOTE_LIMIT = 200
_TIME = re.compile(r"([01]\d|2[0-4]):([0-5]\d)\Z")
KINDS = ("week", "workday", "label", "hours")  # of one day


class BadForm(ValueError):
    """``problems``: field -> sentence."""

    def __init__(self, **problems: str) -> None:
        super().__init__()
        self.problems = problems


def given_basics(stands: Parts) -> Parts:
    title, zone, holidays = (request.form.get(key, "").strip()[:120] for key in ("title", "zone", "holidays"))
    workday = request.form.get("workday", "")
    return replace(
        stands, title=" ".join(title.split()), zone=zone, holidays=holidays.upper(),
        workday=DAYS.index(workday) if workday in DAYS else stands.workday,
    )  # fmt: skip


def given_weekly(stands: Parts) -> Parts:
    problems, plans = {}, []
    for number in range(7):
        try:
            plans.append(_plan(f".{number}", request.form.get(f"rest.{number}", CLOSED)))
        except ValueError as error:
            problems[f"weekly.{number}"] = str(error)
    if problems:
        raise BadForm(**problems)
    return replace(stands, weekly=tuple(plans))


def given_days(stands: Parts) -> Parts:
    first = date_of(request.form.get("day", ""))
    last = date_of(request.form.get("until", "")) if request.form.get("until", "").strip() else first
    if first is None or last is None:
        raise BadForm(days=_("Choose a day."))
    if not 0 <= (last - first).days < LONGEST_EXCEPTION_DAYS:
        raise BadForm(days=_("The last day lies before the first, or more than a year behind it."))
    kind, note = request.form.get("kind", ""), " ".join(request.form.get("note", "").split())[:NOTE_LIMIT]
    if kind not in KINDS:
        raise BadForm(days=_("Choose what the day is."))
    wanted = dict(stands.exceptions)
    try:
        whole_day = DayPlan((), request.form.get("label", CLOSED))
        plan = None if kind == "workday" else whole_day if kind == "label" else _plan("", "")
    except ValueError as error:
        raise BadForm(days=str(error)) from None
    if kind == "hours" and plan is not None and not plan.ranges:
        raise BadForm(days=_("Give at least one time from and to."))
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if kind == "week":
            wanted.pop(day, None)
        else:
            wanted[day] = Exception_(plan, note)
    return replace(stands, exceptions=wanted)


def _plan(suffix: str, rest: str) -> DayPlan:
    """The spans of one day; without any, the whole day is ``rest``. Raises ValueError with a sentence."""
    given = zip(*(request.form.getlist(f"{key}{suffix}") for key in ("from", "to", "what")), strict=False)
    ranges = []
    for begins, ends, label in list(given)[:SPANS_LIMIT]:
        if not begins and not ends:
            continue
        start, end = _minute(begins), _minute(ends)
        if start is None or end is None or start >= DAY_MINUTES:
            raise ValueError(_("Give both times, such as 08:30 and 17:30."))
        ranges.append(range_of(start, end or DAY_MINUTES, label or OPEN))
    return DayPlan(tuple(sorted(ranges, key=lambda each: (each.start, each.end))), CLOSED if ranges else rest or CLOSED)


def _minute(text: str) -> int | None:
    match = _TIME.match(text.strip()[:5])
    minute = int(match[1]) * 60 + int(match[2]) if match else None
    return minute if minute is not None and minute <= DAY_MINUTES else None


def date_of(text: str) -> date | None:
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if 1900 < found.year < 2200 else None


def told_of(parts: Parts) -> dict[str, str]:
    """For the audit trail."""
    told = {"title": parts.title, "zone": parts.zone, "holidays": parts.holidays, "workday": DAYS[parts.workday]}
    told |= {DAYS[number]: _plan_told(plan) for number, plan in enumerate(parts.weekly)}
    for day, each in parts.exceptions.items():
        note = f" ({each.note})" if each.note else ""
        told[str(day)] = ("working day" if each.plan is None else _plan_told(each.plan)) + note
    return told


def _plan_told(plan: DayPlan) -> str:
    return ", ".join(f"{part} {part.label}" for part in plan.ranges) or plan.rest
