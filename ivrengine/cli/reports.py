"""``ivrengine report``: the reports of the pages on the command line, for cron jobs and spreadsheets. Reads the database only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..config import Settings
from ..reports.catalogue import REPORTS
from ..reports.export import csv_bytes, xlsx_bytes
from ..reports.periods import LONGEST_DAYS, PeriodError, period
from ..reports.table import Row, Table, as_records, cell_text
from .records import opened, print_json, print_table, zone_of

_HELP = {
    "traffic": "What came in by hour, day or month, and what became of it: calls, offered, answered, waits, service level.",
    "queues": "The figures of each queue over the period, and of all together.",
    "agents": "What each agent was offered and took, talk, hold, wrap-up, breaks by reason, occupancy.",
    "dispositions": "What talks were about, by queue, and how long they took.",
    "survey": "The marks that callers gave, by question, answer and agent.",
    "callbacks": "How many were asked for, what became of them, and how long the customers waited.",
}


@click.group()
def report() -> None:
    """Reports over whole days of the site's zone: as a table, as CSV, XLSX or JSON."""


def _made(name: str) -> click.Command:
    @click.command(name, help=_HELP[name])
    @click.option("--from", "first", default="", metavar="DAY", help="The first day, such as 2026-10-01; today.")
    @click.option("--to", "last", default="", metavar="DAY", help="The last day, included; today.")
    @click.option(
        "--by",
        type=click.Choice(list(LONGEST_DAYS)),
        default="day",
        show_default=True,
        help="Of traffic: a row for each. A report by hour covers at most 31 days, by day 366, by month three years.",
    )
    @click.option("--queue", default="", help="Only this queue.")
    @click.option("--csv", "as_csv", is_flag=True, help="CSV to the standard output: UTF-8, seconds, shares as parts of one.")
    @click.option("--xlsx", type=click.Path(dir_okay=False, path_type=Path), help="Write a spreadsheet into this file.")
    @click.option("--json", "as_json", is_flag=True, help="JSON: by the name of each table a list of rows, the total last.")
    @click.option("--explain", is_flag=True, help="Say below the tables how each figure is made.")
    @click.pass_obj
    def command(settings: Settings, **given: Any) -> None:
        _report(settings, name, **given)

    return command


for _name in REPORTS:
    report.add_command(_made(_name))


def _report(
    settings: Settings, name: str, first: str, last: str, by: str, queue: str, as_csv: bool, xlsx: Path | None, as_json: bool, explain: bool
) -> None:
    if as_csv + as_json + (xlsx is not None) > 1:
        raise click.UsageError("--csv, --xlsx and --json exclude each other")
    zone, now = zone_of(settings), time.time()
    try:
        chosen = period(first, last, by, zone, now)
    except PeriodError as error:
        raise click.ClickException(str(error)) from None
    with opened(settings) as store:
        tables = REPORTS[name](store, chosen, now, queue)
    if as_json:
        print_json({table.name: as_records(table) for table in tables})
    elif as_csv:
        _to_output(csv_bytes(tables, zone))
    elif xlsx is not None:
        xlsx.write_bytes(xlsx_bytes(tables, zone))
        click.echo(f"{xlsx}: {chosen.first} to {chosen.last}, {', '.join(table.title.lower() for table in tables)}")
    else:
        for table in tables:
            _print(table, lambda row, table=table: [cell_text(*each, zone) for each in _cells(row, table)])
            if explain:
                for column in table.columns:
                    if column.formula:
                        click.echo(f"{column.title} = {column.formula}")


def _cells(row: Row, table: Table) -> list[Any]:
    return [(cell, column.kind) for cell, column in zip(row.cells, table.columns, strict=True)]


def _print(table: Table, texts: Callable[[Row], list[str]]) -> None:
    click.echo(table.title)
    rows = [texts(row) for row in table.rows]
    if table.total is not None and rows:
        rows.append(["all", *texts(table.total)[1:]])
    print_table([column.title for column in table.columns], rows, "Nothing was counted.")


def _to_output(content: bytes) -> None:
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
