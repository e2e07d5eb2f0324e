"""Calendars edited by clicking: weekly hours, days that are not as the week says, zone and official holidays, without a word of YAML.

What is kept is the draft ``flows/calendars.yml``; callers get it when it is published with the flows. What the linter calls an error is
refused at its field. A file that somebody else has changed meanwhile is never written over, and comments that a change would cost are
told, with the difference, before anything is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import format_date
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ivrengine.flow.calendar_edit import (
    CantEdit,
    Parts,
    added,
    calendar_names,
    edited,
    lost_comments,
    parts_of,
    removed,
    renamed,
)
from ivrengine.flow.calendar_fields import findings_by_field
from ivrengine.flow.calendar_file import CalendarFile, load_calendars
from ivrengine.flow.calendar_uses import calendar_uses
from ivrengine.flow.calendars import year_findings
from ivrengine.flow.finding import Finding, errors
from ivrengine.flow.hours import CLOSED, DAY_MINUTES, OPEN, WEEKEND, DayPlan, Range
from ivrengine.runtime.drafts import BadDraft, Draft, NoSuchDraft, StaleDraft
from ivrengine.runtime.flow_changes import changed_lines
from ivrengine.runtime.publishing import apart

from ..context import auditor, web
from ..telling import in_words
from .site_calendar_drafts_forms import NOTE_LIMIT, BadForm, date_of, given_basics, given_days, given_weekly, told_of
from .site_calendars import COMMON_LABELS, month_of, month_title, weeks_of

FILE = "calendars"
USES_SHOWN = 10
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")

blueprint = Blueprint("site_calendar_drafts", __name__, url_prefix="/site/hours/draft")


@dataclass(frozen=True, slots=True)
class Change:
    """What a form wants: the new text of the file, and its row of the audit trail."""

    text: str
    verb: str
    before: dict[str, str]
    after: dict[str, str]
    gone: tuple[str, ...] = ()  # notes that are changed or taken away on purpose


# -- looking -----------------------------------------------------------------------------------------------------------


@blueprint.get("/")
def index() -> str:
    return _index({})


def _index(problems: dict[str, str]) -> str:
    draft = _draft()
    read = load_calendars(draft.text, _place())
    published = load_calendars(web().engine.publisher.published().calendars_text)
    wrong = {name: len(errors(_findings(read, draft.text, name))) for name in calendar_names(draft.text)}
    return render_template(
        "site_calendar_drafts/index.html", names=calendar_names(draft.text), calendars=read.calendars, wrong=wrong, uses=_uses(),
        base=draft.base, new={name for name in read.names if name not in published.names}, problems=problems, form=request.form,
        zones=sorted(available_timezones()), zone=request.form.get("zone") or str(web().zone),
        differs=draft.text != (web().engine.publisher.published().calendars_text or ""),
    )  # fmt: skip


@blueprint.get("/<name>")
def one(name: str) -> str:
    draft = _draft()
    return _page(draft, name, _parts(draft, name), {})


@blueprint.errorhandler(CantEdit)
def cant_edit(error: CantEdit) -> Response:
    """To the file as text, which takes everything."""
    flash(in_words(error), "error")
    there = FILE in web().engine.drafts.names()
    return redirect(url_for("flows.one", name=FILE) if there else url_for("site_calendar_drafts.index"))


def _page(draft: Draft, name: str, parts: Parts, problems: dict[str, str]) -> str:
    """``parts``: as they are, or as they were just given."""
    read = load_calendars(draft.text, _place())
    findings = _findings(read, draft.text, name)
    told = {field: " ".join(_sentence(each) for each in found) for field, found in findings_by_field(draft.text, name, findings).items()}
    known = read.calendars.get(name)
    today = datetime.fromtimestamp(web().now(), known.zone if known else web().zone).date()
    day = date_of(request.values.get("day", ""))
    first = month_of(request.values.get("month", ""), day or today)
    return render_template(
        "site_calendar_drafts/one.html", name=name, parts=parts, base=draft.base, problems=problems, told=told, form=request.form,
        known=known, today=today, first=first, month=month_title(first), weeks=weeks_of(known, first) if known else [],
        weekdays=[format_date(date(2024, 1, number), "EEE") for number in range(1, 8)],
        days_of_week=[format_date(date(2024, 1, number), "EEEE") for number in range(1, 8)],
        before=(first - timedelta(days=1)).strftime("%Y-%m"), after=(first + timedelta(days=32)).strftime("%Y-%m"),
        day=day, day_title=format_date(day, "full") if day else "", exception=parts.exceptions.get(day) if day else None,
        ruled_by=known.ruled_by(day)[0] if known and day else None, labels=_labels(parts), zones=sorted(available_timezones()),
        uses=_uses().get(name, []), clock=_clock, note_limit=NOTE_LIMIT, whole=lambda plan: not plan.ranges,
    )  # fmt: skip


def _sentence(finding: Finding) -> str:
    told = in_words(finding.sentence) + (f"; {in_words(finding.fix)}" if finding.fix else "")
    return f"{told[:1].upper()}{told[1:]}."


def _findings(read: CalendarFile, text: str, name: str) -> list[Finding]:
    """Of one calendar."""
    found = findings_by_field(text, name, [*read.findings, *year_findings(read, web().now())])
    return list({id(each): each for listed in found.values() for each in listed}.values())


def _labels(parts: Parts) -> list[str]:
    plans = [*parts.weekly, *(each.plan for each in parts.exceptions.values() if each.plan is not None)]
    known = {plan.rest for plan in plans} | {part.label for plan in plans for part in plan.ranges}
    return [*COMMON_LABELS, *sorted((known | {WEEKEND}) - set(COMMON_LABELS))]


def _clock(minute: int) -> str:
    """For a field of time, which knows no 24:00."""
    minute %= DAY_MINUTES
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _uses() -> dict[str, list[str]]:
    """Calendar -> the flows, as drafted, that ask it."""
    found: dict[str, dict[str, None]] = {}
    for use in apart(lambda texts: list(calendar_uses(texts)), web().engine.publisher.draft().texts):
        found.setdefault(use.calendar, {})[use.flow] = None
    return {calendar: list(flows) for calendar, flows in found.items()}


# -- changing ----------------------------------------------------------------------------------------------------------


@blueprint.post("/")
def add() -> str | Response | tuple[str, int]:
    name, title, zone = (request.form.get(key, "").strip() for key in ("name", "title", "zone"))
    problems = {}
    draft = _draft()
    if not NAME.match(name):
        problems["name"] = _("A name has small letters, digits and _, and begins with a letter.")
    elif name in calendar_names(draft.text):
        problems["name"] = _("There is a calendar of this name already.")
    if zone not in available_timezones():
        problems["zone"] = _("There is no such time zone. Write it like Asia/Shanghai.")
    if problems:
        return _index(problems), 422
    week = (DayPlan((Range(9 * 60, 17 * 60, OPEN),)),) * 5 + (DayPlan((), CLOSED),) * 2
    parts = Parts(title, zone, "", week)
    return _keep(name, draft, lambda text: Change(added(text, name, parts), "add_calendar", {}, told_of(parts)), url_for(".one", name=name))


@blueprint.post("/<name>/basics")
def basics(name: str) -> str | Response | tuple[str, int]:
    return _section(name, given_basics)


@blueprint.post("/<name>/weekly")
def weekly(name: str) -> str | Response | tuple[str, int]:
    return _section(name, given_weekly)


@blueprint.post("/<name>/days")
def days(name: str) -> str | Response | tuple[str, int]:
    return _section(name, given_days)


@blueprint.post("/<name>/rename")
def rename(name: str) -> str | Response | tuple[str, int]:
    new, draft = request.form.get("new_name", "").strip(), _draft()
    try:
        _need_unused(name)
        if not NAME.match(new):
            raise BadForm(new_name=_("A name has small letters, digits and _, and begins with a letter."))
        if new in calendar_names(draft.text):
            raise BadForm(new_name=_("There is a calendar of this name already."))
    except BadForm as error:
        return _page(draft, name, _parts(draft, name), error.problems), 422

    def change(text: str) -> Change:
        return Change(renamed(text, name, new), "rename_calendar", {"name": name}, {"name": new})

    return _keep(name, draft, change, url_for(".one", name=new))


@blueprint.post("/<name>/remove")
def remove(name: str) -> str | Response | tuple[str, int]:
    draft = _draft()
    parts = _parts(draft, name)
    try:
        _need_unused(name)
    except BadForm as error:
        return _page(draft, name, parts, error.problems), 422
    return _keep(name, draft, lambda text: Change(removed(text, name), "remove_calendar", told_of(parts), {}), url_for(".index"))


def _need_unused(name: str) -> None:
    uses = _uses().get(name, [])
    if uses:
        told = ", ".join(uses[:USES_SHOWN])
        raise BadForm(new_name=_("Used by flows: %(flows)s. They would ask a calendar that is not there.", flows=told))


def _section(name: str, given: Callable[[Parts], Parts]) -> str | Response | tuple[str, int]:
    """A form that gives some of the parts."""
    draft = _draft()
    parts = _parts(draft, name)
    try:
        given(parts)
    except BadForm as error:
        return _page(draft, name, parts, error.problems), 422

    def change(text: str) -> Change:
        stands = parts_of(text, name)
        wanted = given(stands)
        before, after = told_of(stands), told_of(wanted)
        differ = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        gone = tuple(each.note for day, each in stands.exceptions.items() if wanted.exceptions.get(day) != each)
        return Change(
            edited(text, name, wanted), "change_calendar", {key: before[key] for key in differ if key in before},
            {key: after[key] for key in differ if key in after}, gone,
        )  # fmt: skip

    back = {key: value for key in ("month", "day") if (value := request.form.get(key, ""))}
    return _keep(name, draft, change, url_for(".one", name=name, **back))


def _keep(name: str, draft: Draft, make: Callable[[str], Change], back: str) -> str | Response | tuple[str, int]:
    """Keep it, or say why not: refused by the linter, changed by somebody else meanwhile, or comments would be lost."""
    try:
        change = make(draft.text)
        if request.form.get("base", "") != draft.base:
            return _stale(name, draft, change.text), 409
        if change.text == draft.text:
            return redirect(back)
        refused = _refused(change.text, name, draft)
        if refused is not None:
            return refused
        lost = _lost(draft.text, change)
        if lost and "confirmed" not in request.form:
            return _confirm(name, draft, change, lost)
        saved = web().engine.drafts.save(FILE, change.text, draft.base) if draft.base else web().engine.drafts.create(FILE, change.text)
    except StaleDraft as error:
        return _stale(name, error.theirs, change.text), 409
    except BadDraft as error:
        flash(in_words(error), "error")
        return redirect(url_for(".index"))
    web().engine.store.audit.add(auditor(), change.verb, f"calendar {name}", change.before, change.after, web().now()).wait()
    flash(_("Kept as a draft. Callers hear of it when you publish."))
    for finding in _findings(load_calendars(saved.text, _place()), saved.text, name):
        flash(_sentence(finding), "warning")
    return redirect(back)


def _refused(text: str, name: str, draft: Draft) -> tuple[str, int] | None:
    """The page with what the linter calls errors at their fields; None where there are none."""
    wrong = errors(_findings(load_calendars(text, _place()), text, name))
    if not wrong or name not in calendar_names(text):
        return None
    found = findings_by_field(text, name, wrong)
    problems = {field: " ".join(_sentence(each) for each in listed) for field, listed in found.items()}
    if name not in calendar_names(draft.text):
        return _index(problems), 422
    return _page(draft, name, parts_of(text, name), problems), 422


def _lost(before: str, change: Change) -> list[str]:
    lost = lost_comments(before, change.text)
    for note in change.gone:
        if note in lost:
            lost.remove(note)
    return lost if change.verb != "remove_calendar" else []


def _confirm(name: str, draft: Draft, change: Change, lost: list[str]) -> str:
    return render_template(
        "site_calendar_drafts/confirm.html", name=name, lost=lost, lines=changed_lines(draft.text, change.text), fields=_fields(),
        base=draft.base,
    )  # fmt: skip


def _stale(name: str, theirs: Draft | None, mine: str) -> str:
    """Both texts, the file as it is now and as it would be; the form once more, on top of what stands there."""
    text = theirs.text if theirs else ""
    return render_template(
        "site_calendar_drafts/stale.html", name=name, theirs=text, mine=mine, lines=changed_lines(text, mine), fields=_fields(),
        base=theirs.base if theirs else "",
    )  # fmt: skip


def _fields() -> list[tuple[str, str]]:
    """What was sent, to be sent once more."""
    return [(key, value) for key, value in request.form.items(multi=True) if key not in ("csrf_token", "base", "confirmed")]


def _draft() -> Draft:
    """An empty one where there is no file yet."""
    try:
        return web().engine.drafts.read(FILE)
    except NoSuchDraft:
        return Draft(FILE, "", "")
    except BadDraft as error:
        abort(409, in_words(error))


def _parts(draft: Draft, name: str) -> Any:
    if name not in calendar_names(draft.text):
        abort(404, _("There is no such calendar."))
    return parts_of(draft.text, name)


def _place() -> str:
    return web().engine.drafts.place(FILE)
