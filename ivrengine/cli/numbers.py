"""``ivrengine flow numbers`` and ``flow number``: which dialled number leads to which flow, and giving one to another flow."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import datetime

import click

from ..config import Settings
from ..runtime.dialled_numbers import DialledNumber, FlowName, numbers_of
from ..runtime.drafts import Drafts
from ..runtime.number_changes import NOBODY, NumberChanges
from ..runtime.publishing import published_set
from ..runtime.site_files import SiteFiles, read_site
from ..storage.store import Store
from .publications import publisher_of
from .records import myself, opened, print_json, print_table, shown, zone_of


@click.command()
@click.option("--json", "as_json", is_flag=True, help="JSON: numbers, and what was called today and answered by no flow.")
@click.pass_obj
def numbers(settings: Settings, as_json: bool) -> None:
    """List every dialled number: the flow that callers reach, the draft's, where it is written, and calls today.

    A whole number wins over one with *, of several with * the longest. A number that no flow has is left to the switch's fallback,
    with an alarm.
    """
    draft = read_site(settings.flows)
    published, dialled, refused = SiteFiles(), [], {}
    if settings.database.exists():
        with opened(settings) as store:
            published = published_set(store, settings.flows) or published
            midnight = datetime.now(zone_of(settings)).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
            dialled, refused = store.calls.dialled(midnight), store.alarms.counts("unknown_number", midnight)
    found = numbers_of(published, draft, dialled)
    if as_json:
        rows = [{**asdict(row), "places": [str(place) for place in row.places], "conflict": row.conflict} for row in found.rows]
        print_json({"numbers": rows, "unknown": {**dict(found.unknown), **refused}})
        return
    columns = ("number", "callers reach", "in the drafts", "written in", "calls today")
    print_table(columns, [_row(row) for row in found.rows], f"No flow in {settings.flows} has a number.")
    for unknown, count in sorted(refused.items(), key=lambda item: -item[1]):
        click.echo(f"{shown(unknown)}: called today ({count}) and answered by no flow.")


def _row(row: DialledNumber) -> tuple[str, str, str, str, int]:
    drafted = "several: a conflict" if row.conflict else "the same" if not row.differs else _name(row.drafted)
    return row.number, _name(row.published), drafted, "\n".join(map(str, row.places)), row.calls


def _name(flow: FlowName | None) -> str:
    return flow.name if flow else "nobody"


@click.command()
@click.argument("dialled")
@click.argument("flow", required=False)
@click.option("--nobody", is_flag=True, help="Take the number away instead of giving it to a flow.")
@click.pass_obj
def number(settings: Settings, dialled: str, flow: str | None, nobody: bool) -> None:
    """Let the number DIALLED lead to FLOW, in the drafts; `ivrengine flow publish` lets callers notice.

    The line `numbers:` of the files is changed and nothing else in them. What the linter refuses is not done.
    """
    if (flow is None) != nobody:
        raise click.UsageError("name the flow, or say --nobody")
    with opened(settings, make=True) as store:
        given = _changes(settings, store).give(dialled, flow or NOBODY, myself())
    told = f"leads to {given.name} now ({given.file})" if given else "leads nowhere now"
    click.echo(f"In the drafts the number {shown(dialled)} {told}. `ivrengine flow publish` lets callers notice.")


def _changes(settings: Settings, store: Store) -> NumberChanges:
    return NumberChanges(publisher_of(settings, store), Drafts(settings.flows), store, time.time)
