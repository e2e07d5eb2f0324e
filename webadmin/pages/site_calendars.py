"""The hours: what each day of a month is, and a person's word against the calendar, with who and until when.

Calendars themselves are written in ``flows/calendars.yml`` and published with the flows; what is shown is what callers are told now.
"""

from __future__ import annotations

import calendar as months
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import format_date, get_locale, lazy_gettext
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ivrengine.flow.hours import CLOSED, HOLIDAY, OPEN, WEEKEND, Calendar
from ivrengine.storage.errors import NoSuchRecord
from ivrengine.storage.overrides import Lasts

from ..context import auditor, web
from ..telling import in_words

COMMON_LABELS = (OPEN, CLOSED, HOLIDAY)  # may be said of any calendar
HISTORY_SHOWN = 10
LABELS = {
    OPEN: lazy_gettext("open for callers"),
    CLOSED: lazy_gettext("Closed"),
    HOLIDAY: lazy_gettext("Holiday"),
    WEEKEND: lazy_gettext("Weekend"),
}
WHY = {
    "exception": lazy_gettext("exception"), "holiday": lazy_gettext("official holiday"), "moved": lazy_gettext("worked weekend"),
}  # fmt: skip

blueprint = Blueprint("site_calendars", __name__, url_prefix="/site/hours")


@dataclass(frozen=True, slots=True)
class Day:
    """``parts``: (times, label) in their order; ``rest``: the label of the rest. ``why`` is "" for the plan of the week."""

    day: date
    title: str
    inside: bool
    parts: tuple[tuple[str, str], ...]
    rest: str
    why: str


class BadMoment(ValueError):
    """What was given is no time that an override can last until."""


@blueprint.record_once
def _add_filters(state: Any) -> None:
    state.app.add_template_filter(hours_label, "hours_label")
    state.app.add_template_filter(zoned, "zoned")


def hours_label(label: str) -> str:
    return str(LABELS.get(label, label.replace("_", " ")))


def zoned(at: float, zone: ZoneInfo) -> str:
    """A moment on the calendar's own clock."""
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M")


@blueprint.get("/")
def index() -> str:
    return _page({})


@blueprint.post("/<name>/override")
def override(name: str) -> Response | tuple[str, int]:
    """Say what it is, whatever the calendar says."""
    known, now = _known(name), web().now()
    label, problems = request.form.get("state", ""), {}
    lasts, until = request.form.get("lasts", ""), None
    if label not in _labels(known):
        problems["state"] = _("Choose what it shall be.")
    try:
        until = _until(known, lasts, request.form.get("until", ""), now)
    except BadMoment as error:
        problems["until"] = in_words(error)
    if problems:
        return _page(problems, known), 422
    before = web().engine.store.overrides.in_force(now).get(name)
    web().engine.store.overrides.set(name, label, _lasts(lasts), until, auditor(), now).wait()
    web().engine.store.audit.add(
        auditor(), "override_hours", f"calendar {name}", before.state if before else known.label(now), label, now
    ).wait()
    flash(_("%(calendar)s: %(state)s. Callers are told within seconds.", calendar=known.title, state=hours_label(label)))
    return redirect(url_for("site_calendars.index", calendar=name))


@blueprint.post("/<name>/clear")
def clear(name: str) -> Response:
    known, now = _known(name), web().now()
    before = web().engine.store.overrides.in_force(now).get(name)
    try:
        web().engine.store.overrides.clear(name, auditor(), now).wait()
    except NoSuchRecord:
        flash(_("No override is in force."), "error")
    else:
        web().engine.store.audit.add(
            auditor(), "clear_override", f"calendar {name}", before.state if before else "", known.label(now), now
        ).wait()
        flash(_("%(calendar)s is as the calendar says.", calendar=known.title))
    return redirect(url_for("site_calendars.index", calendar=name))


def _page(problems: dict[str, str], known: Calendar | None = None) -> str:
    engine, now = web().engine, web().now()
    calendars = dict(sorted(engine.world.hours.calendars.items()))
    known = known or calendars.get(request.args.get("calendar", "")) or next(iter(calendars.values()), None)
    if known is None:
        return render_template("site_calendars/none.html")
    today = datetime.fromtimestamp(now, known.zone).date()
    first = month_of(request.args.get("month", ""), today)
    in_force = engine.store.overrides.in_force(now)
    return render_template(
        "site_calendars/index.html", calendars=calendars, known=known, today=today, first=first, month=month_title(first),
        weeks=weeks_of(known, first), weekdays=[format_date(date(2024, 1, day), "EEE") for day in range(1, 8)],
        before=(first - timedelta(days=1)).strftime("%Y-%m"), after=(first + timedelta(days=32)).strftime("%Y-%m"),
        override=in_force.get(known.name), label=known.label(now), boundary=known.next_boundary(now),
        labels=_labels(known), history=engine.store.overrides.history(known.name, HISTORY_SHOWN), problems=problems,
        gaps=[in_words(sentence) for name, sentence in engine.world.hours.problems(now) if name == known.name], form=request.form,
    )  # fmt: skip


def weeks_of(known: Calendar, first: date) -> list[list[Day]]:
    """The month that begins with ``first``, in whole weeks."""
    return [
        [_day(known, day, day.month == first.month) for day in week]
        for week in months.Calendar().monthdatescalendar(first.year, first.month)
    ]


def _day(known: Calendar, day: date, inside: bool) -> Day:
    plan, why = known.ruled_by(day)
    parts = tuple((str(part), part.label) for part in plan.ranges)
    return Day(day, format_date(day, "EEE d"), inside, parts, plan.rest, str(WHY.get(why, "")))


def month_title(first: date) -> str:
    """As the reader's language writes a month of a year."""
    return format_skeleton("yMMMM", first, locale=get_locale())


def month_of(text: str, today: date) -> date:
    """Its first day; the present month for anything else."""
    try:
        found = datetime.strptime(text, "%Y-%m").date()
    except ValueError:
        found = today
    return found.replace(day=1) if 1900 < found.year < 2200 else today.replace(day=1)


def _known(name: str) -> Calendar:
    found = web().engine.world.hours.calendars.get(name)
    if found is None:
        abort(404, _("There is no such calendar."))
    return found


def _labels(known: Calendar) -> list[str]:
    return [*COMMON_LABELS, *sorted(known.labels - set(COMMON_LABELS))]


def _lasts(text: str) -> Lasts:
    return "permanent" if text == "permanent" else "until" if text == "until" else "boundary"


def _until(known: Calendar, lasts: str, text: str, now: float) -> float | None:
    """UTC seconds at which the override ends by itself. Raises BadMoment."""
    if lasts == "permanent":
        return None
    if lasts != "until":
        boundary = known.next_boundary(now)
        if boundary is None:
            raise BadMoment(_("The calendar never changes by itself: say until when."))
        return boundary
    try:
        until = datetime.fromisoformat(text.strip()).replace(tzinfo=known.zone).timestamp()
    except (ValueError, OverflowError):
        raise BadMoment(_("This is no time, such as 2026-10-01 21:30.")) from None
    if until <= now:
        raise BadMoment(_("This is over already."))
    return until
