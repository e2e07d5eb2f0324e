"""``ivrengine hours``: what the calendars say now and next, and a person's word against them."""

from __future__ import annotations

import getpass
import time
from datetime import datetime
from typing import Any

import click

from ..config import Settings
from ..flow.calendar_file import load_calendars
from ..flow.calendars import HoursBook, Override
from ..flow.finding import did_you_mean
from ..flow.hours import CLOSED, HOLIDAY, OPEN, Calendar
from ..runtime.publishing import published_set
from ..runtime.site_files import read_site
from ..storage.errors import NoSuchRecord
from ..storage.overrides import Lasts
from ..storage.overrides import Override as StoredOverride
from .records import opened, print_json, print_table, shown, when

COMMON_LABELS = (OPEN, CLOSED, HOLIDAY)


@click.group()
def hours() -> None:
    """Opening hours: what callers are told now, and overriding it."""


@hours.command("show")
@click.argument("calendar", required=False)
@click.option("--at", "at_text", default="", metavar="TIME", help="Then, e.g. '2026-10-01 21:30' in the calendar's zone.")
@click.option("--json", "as_json", is_flag=True, help="JSON; times in UTC seconds.")
@click.pass_obj
def show_hours(settings: Settings, calendar: str | None, at_text: str, as_json: bool) -> None:
    """Show the label of each calendar (or of CALENDAR), when it changes, and what overrides it."""
    book = _book(settings)
    names = [_known(book, calendar)] if calendar else sorted(book.calendars)
    rows: list[dict[str, Any]] = []
    in_force = _overrides(settings, time.time())
    book.overrides = {name: Override(name, o.state, o.until, o.set_at) for name, o in in_force.items()}
    for name in names:
        entry = book.calendars[name]
        at = _moment(at_text, entry) if at_text else time.time()
        override = in_force.get(name)
        override = override if override is not None and book.overrides[name].lasts(at) else None
        changes = override.until if override else entry.next_boundary(at)
        rows.append(
            {
                "calendar": name,
                "label": book.label(name, at),
                "by": "override" if override else "calendar",
                "changes_at": changes,
                "then": _after(book, name, changes),
                "set_by": override.set_by if override else "",
                "zone": entry.zone.key,
            }
        )
    problems = [f"{name}: {sentence}" for name, sentence in book.problems(time.time()) if name in names]
    if as_json:
        print_json(rows)
        return
    table = [
        (
            row["calendar"],
            row["label"],
            f"override by {row['set_by']}" if row["by"] == "override" else "calendar",
            when(row["changes_at"], book.calendars[row["calendar"]].zone) or "never",
            row["then"],
            row["zone"],
        )
        for row in rows
    ]
    print_table(("calendar", "now", "said by", "until", "then", "zone"), table, f"There is no calendar in {settings.flows}.")
    for problem in problems:
        click.echo(f"Mind: {shown(problem)}.", err=True)


@hours.command("override")
@click.argument("calendar")
@click.argument("label", required=False)
@click.option("--until", "until_text", default="", metavar="TIME", help="Until e.g. '2026-10-01 21:30' in the calendar's zone.")
@click.option("--permanent", is_flag=True, help="Until somebody clears it.")
@click.option("--clear", is_flag=True, help="Back to what the calendar says.")
@click.pass_obj
def override_hours(settings: Settings, calendar: str, label: str | None, until_text: str, permanent: bool, clear: bool) -> None:
    """Say LABEL (open, closed, holiday, or a word of the calendar's own) for CALENDAR, whatever the calendar says.

    \b
    It lasts until the calendar would change its label the next time; --until and --permanent say otherwise.
    A running engine follows within seconds.
    """
    book = _book(settings)
    entry = book.calendars[_known(book, calendar)]
    if clear == bool(label) or (clear and (until_text or permanent)) or (permanent and until_text):
        raise click.UsageError("give a LABEL (with --until or --permanent where wanted), or --clear alone")
    now = time.time()
    with opened(settings, make=True) as store:
        if label is None:
            try:
                store.overrides.clear(calendar, _person(), now).wait()
            except NoSuchRecord as error:
                raise click.ClickException(str(error)) from error
            click.echo(f"{calendar}: {entry.label(now)}, as the calendar says.")
            return
        _check_label(entry, label)
        lasts, until = _lasting(entry, now, until_text, permanent)
        store.overrides.set(calendar, label, lasts, until, _person(), now).wait()
    click.echo(f"{calendar}: {label} until {when(until, entry.zone) or 'somebody clears it'}.")


def _lasting(entry: Calendar, now: float, until_text: str, permanent: bool) -> tuple[Lasts, float | None]:
    """How long an override is for, and when that is over (UTC seconds)."""
    if permanent:
        return "permanent", None
    if until_text:
        until = _moment(until_text, entry)
        if until <= now:
            raise click.BadParameter(f"{until_text!r} is over already", param_hint="--until")
        return "until", until
    boundary = entry.next_boundary(now)
    if boundary is None:
        raise click.ClickException(f"the calendar {entry.name} always says {entry.label(now)}; give --until or --permanent")
    return "boundary", boundary


def _after(book: HoursBook, name: str, moment: float | None) -> str:
    return "" if moment is None else book.label(name, moment)


def _book(settings: Settings) -> HoursBook:
    """The calendars that callers are told; those of the files where nothing is published yet."""
    site = None
    if settings.database.exists():
        with opened(settings) as store:
            site = published_set(store, settings.flows)
    site = site or read_site(settings.flows)
    loaded = load_calendars(site.calendars_text, site.calendars_file)
    for finding in loaded.findings:
        click.echo(shown(str(finding)), err=True)
    return HoursBook(loaded.calendars)


def _known(book: HoursBook, name: str) -> str:
    if name not in book.calendars:
        fix = did_you_mean(name, book.calendars)
        raise click.ClickException(shown(f"there is no calendar {name!r}" + (f"; {fix}" if fix else "")))
    return name


def _check_label(entry: Calendar, label: str) -> None:
    known = entry.labels | set(COMMON_LABELS)
    if label not in known:
        raise click.BadParameter(f"{label!r} is no label of {entry.name}; {did_you_mean(label, known)}", param_hint="LABEL")


def _overrides(settings: Settings, now: float) -> dict[str, StoredOverride]:
    if not settings.database.exists():
        return {}
    with opened(settings) as store:
        return store.overrides.in_force(now)


def _moment(text: str, entry: Calendar) -> float:
    try:
        told = datetime.fromisoformat(text.strip())
        return (told if told.tzinfo else told.replace(tzinfo=entry.zone)).timestamp()
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text!r} is no time such as '2026-10-01 21:30'") from None


def _person() -> str:
    """Who to write down as having said so."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "command line"
