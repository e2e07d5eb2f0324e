"""``ivrengine blacklist``: whose calls are refused. A running engine notices a change within seconds."""

from __future__ import annotations

import time
from typing import BinaryIO

import click

from ..config import Settings
from ..domain.blacklist import BadPattern, BlacklistEntry, clean_pattern
from ..storage.blacklist_import import BadExpiry, parse, parse_expiry
from .importing import import_list, import_options
from .records import myself, opened, print_json, print_table, when, zone_of


@click.group()
def blacklist() -> None:
    """Callers whose calls are refused: numbers, and prefixes such as 0085*."""


@blacklist.command()
@click.argument("number")
@click.option("--reason", default="", help="Why, in a few words; shown in the list.")
@click.option(
    "--expires",
    default="",
    metavar="DATE",
    help="Last valid day (2026-12-31), or a time ('2026-12-31 18:00'); never, without it.",
)
@click.option("--by", default=myself, help="Who adds it; your user name without it.")
@click.pass_obj
def add(settings: Settings, number: str, reason: str, expires: str, by: str) -> None:
    """Refuse calls from NUMBER; with a * at its end, from every number that begins so.

    A number that is on the list already gets the new reason and expiry.
    """
    now = time.time()
    try:
        entry = BlacklistEntry(clean_pattern(number), reason, parse_expiry(expires, zone_of(settings), now))
    except (BadPattern, BadExpiry) as error:
        raise click.ClickException(str(error)) from error
    with opened(settings, make=True) as store:
        store.blacklist.add(entry, by, now).wait()
    until = f" until {when(entry.expires_at, zone_of(settings))}" if entry.expires_at else ""
    click.echo(f"Calls from {entry.pattern} are refused{until}.")


@blacklist.command()
@click.argument("number")
@click.pass_obj
def remove(settings: Settings, number: str) -> None:
    """Take NUMBER off the list, written as the list shows it."""
    try:
        pattern = clean_pattern(number)
    except BadPattern as error:
        raise click.ClickException(str(error)) from error
    with opened(settings) as store:
        store.blacklist.remove(pattern).wait()
    click.echo(f"Calls from {pattern} are accepted again.")


@blacklist.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table; times in UTC seconds.")
@click.pass_obj
def list_entries(settings: Settings, as_json: bool) -> None:
    """List who is refused, why, until when, and how often it happened; the newest first."""
    with opened(settings) as store:
        entries = store.blacklist.entries()
    if as_json:
        print_json(entries)
        return
    zone, now = zone_of(settings), time.time()
    rows = [
        (
            entry.pattern,
            entry.reason,
            "never"
            if entry.expires_at is None
            else when(entry.expires_at, zone) + (" (over)" if entry.expires_at <= now else ""),
            entry.hits,
            when(entry.last_hit_at, zone),
            entry.created_by,
            when(entry.created_at, zone),
        )
        for entry in entries
    ]
    print_table(("number", "reason", "expires", "hits", "last hit", "added by", "added"), rows, "The blacklist is empty.")


@blacklist.command("import")
@import_options
@click.pass_obj
def import_entries(settings: Settings, file: BinaryIO, skip_bad: bool, by: str, as_json: bool) -> None:
    """Add the numbers in FILE, a text with one a line or a table saved as CSV; - reads from standard input.

    A line holds a number or prefix, then a reason and the last valid day if you like: 13800138000, shouts, 2026-12-31.
    Every bad line is told by its number; then nothing is imported, unless --skip-bad is given.
    """
    now = time.time()

    def keep(entries: list[BlacklistEntry]) -> dict[str, int]:
        if entries:
            with opened(settings, make=True) as store:
                store.blacklist.add_all(entries, by, now).wait()
        return {}

    import_list(file, lambda data: parse(data, zone_of(settings), now), keep, skip_bad=skip_bad, as_json=as_json)

