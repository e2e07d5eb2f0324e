"""Reports: the figures of a period, the records behind each figure, one call's timeline; as a page, as CSV and as XLSX.

Nothing is computed here: tables come from ``ivrengine/reports``, figures from ``acd/figures.py``. For supervisors, who see
callers' whole numbers. Files are made in native threads, some at a time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, current_app, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ivrengine.reports.behind import KINDS, asked, behind
from ivrengine.reports.catalogue import REPORTS
from ivrengine.reports.export import csv_bytes, xlsx_bytes
from ivrengine.reports.one_call import Moment, OneCall, one_call
from ivrengine.reports.periods import LONGEST_DAYS, Period, PeriodError, period
from ivrengine.reports.table import Cell, Column, Row, Table, cell_text
from ivrengine.storage.period_lists import EXPORT_LIMIT, PAGE_LIMIT, Asked
from ivrengine.storage.slow_work import SlowWork

from ..context import auditor, breathe, web
from .reports_words import REPORT_TITLES, localised, said, sentence, with_titles

FILES = {
    "csv": (csv_bytes, "text/csv; charset=utf-8"),
    "xlsx": (xlsx_bytes, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
ROWS_AT_ONCE = 25  # are made without a pause
# what the link of a figure may say
ASKED = ("since", "until", "queue", "agent", "ended", "disposition", "outcome", "survey", "question", "mark")

blueprint = Blueprint("reports", __name__, url_prefix="/reports")
_files = SlowWork("files of reports")


@dataclass(frozen=True, slots=True)
class ShownCell:
    """``link`` "" leads nowhere."""

    text: str
    link: str


@dataclass(frozen=True, slots=True)
class ShownTable:
    """``curves``: what the page's script draws, as JSON; "" for none."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: list[list[ShownCell]]
    total: list[ShownCell] | None
    curves: str


@dataclass(frozen=True, slots=True)
class Bar:
    """Where in the call something happened, in thousandths of the whole."""

    begins: int
    lasts: int


# -- reports -----------------------------------------------------------------------------------------------------------


@blueprint.get("/")
def index() -> str | tuple[str, int]:
    return _report("traffic")


@blueprint.get("/<name>")
def one(name: str) -> str | tuple[str, int]:
    return _report(name)


@blueprint.get("/<name>/<kind>")
def file(name: str, kind: str) -> Response:
    """The tables of a report, as they are shown, in a file."""
    if name not in REPORTS or kind not in FILES:
        abort(404)
    try:
        chosen = _period()
    except PeriodError as error:
        abort(422, sentence(error))
    tables = REPORTS[name](web().engine.store, chosen, web().now(), request.args.get("queue", ""))
    return _file([_in_words(table) for table in tables], kind, f"{name}-{chosen.first}-{chosen.last}")


def _report(name: str) -> str | tuple[str, int]:
    if name not in REPORTS:
        abort(404)
    engine, now, queue = web().engine, web().now(), request.args.get("queue", "")
    today = datetime.fromtimestamp(now, web().zone).date()
    given = {"first": request.args.get("from", "") or today.isoformat(), "last": request.args.get("to", "") or today.isoformat()}
    view: dict[str, Any] = {
        "name": name,
        "reports": REPORT_TITLES,
        "given": {**given, "by": _by(), "queue": queue},
        "queues": {rules.name: rules.title or rules.name for rules in engine.store.site.load().queues},
        "shortcuts": _shortcuts(name, today, queue),
        "steps": tuple(LONGEST_DAYS),
        "zone": engine.settings.engine.timezone,
        "tables": [],
        "problem": "",
    }
    try:
        chosen = _period()
    except PeriodError as error:
        return render_template("reports/one.html", **{**view, "problem": sentence(error)}), 422
    view["tables"] = [_shown(_in_words(table)) for table in REPORTS[name](engine.store, chosen, now, queue)]
    view["query"] = {"from": chosen.first.isoformat(), "to": chosen.last.isoformat(), "by": chosen.by, "queue": queue or None}
    return render_template("reports/one.html", **view)


def _by() -> str:
    return request.args.get("by", "") or "hour"


def _period() -> Period:
    """The one that the address asks for. Only traffic is cut into parts; what is not is bounded like what is cut coarsely."""
    name = (request.view_args or {}).get("name", "traffic")
    by = _by() if name == "traffic" else "day"
    return period(request.args.get("from", ""), request.args.get("to", ""), by, web().zone, web().now())


def _shortcuts(name: str, today: date, queue: str) -> list[tuple[str, str]]:
    """(title, address) of the periods that are asked for most."""
    yesterday, month = today - timedelta(days=1), today.replace(day=1)
    periods = (
        (_("Today"), today, today, "hour"),
        (_("Yesterday"), yesterday, yesterday, "hour"),
        (_("Seven days"), today - timedelta(days=6), today, "day"),
        (_("This month"), month, today, "day"),
        (_("Last month"), (month - timedelta(days=1)).replace(day=1), month - timedelta(days=1), "day"),
        (_("A year"), (month - timedelta(days=330)).replace(day=1), today, "month"),
    )
    return [
        (title, url_for("reports.one", name=name, **{"from": first, "to": last, "by": by, "queue": queue or None}))
        for title, first, last, by in periods
        if name == "traffic" or by != "month"
    ]


# -- what is behind a figure -------------------------------------------------------------------------------------------


@blueprint.get("/behind/<what>/")
def records(what: str) -> str:
    wanted, skip = _asked(what), request.args.get("skip", 0, type=int)
    skip = min(max(0, skip), EXPORT_LIMIT)
    found = behind(web().engine.store, what, wanted, skip, PAGE_LIMIT + 1)
    more = len(found.rows) > PAGE_LIMIT
    shown = _shown(_in_words(_aloud(replace(found, rows=found.rows[:PAGE_LIMIT]))))
    query = {name: request.args[name] for name in ASKED if name in request.args}
    later = url_for("reports.records", what=what, **query, skip=skip + PAGE_LIMIT) if more and skip + PAGE_LIMIT <= EXPORT_LIMIT else ""
    return render_template(
        "reports/behind.html", what=what, table=shown, wanted=wanted, query=query, later=later, reports=REPORT_TITLES, name="",
        conditions=[said(each) for each in (*wanted.terminals, *wanted.outcomes)], longest=EXPORT_LIMIT,
    )  # fmt: skip


@blueprint.get("/behind/<what>/<kind>")
def records_file(what: str, kind: str) -> Response:
    """The first EXPORT_LIMIT of them in a file; the audit trail keeps who took it."""
    if kind not in FILES:
        abort(404)
    wanted = _asked(what)
    found = behind(web().engine.store, what, wanted, 0, EXPORT_LIMIT)
    web().engine.store.audit.add(auditor(), "download_records", what, "", f"{len(found.rows)}", web().now()).wait()
    return _file([_in_words(_aloud(found))], kind, f"{what}-{datetime.fromtimestamp(wanted.a, web().zone):%Y-%m-%d}")


def _asked(what: str) -> Asked:
    if what not in KINDS:
        abort(404)
    try:
        return asked(request.args)
    except PeriodError:
        abort(404, _("The link of this figure is broken: its period is missing or too long."))


def _in_words(table: Table) -> Table:
    """With the titles of the site and of the page's language."""
    return localised(with_titles(table, web().engine.store.site.load()))


def _aloud(table: Table) -> Table:
    """With the engine's words as people read them."""

    def cell(value: Cell, column: Column) -> Cell:
        return said(str(value)) if column.kind == "word" else value

    rows = (
        Row(tuple(cell(value, column) for value, column in zip(row.cells, table.columns, strict=True)), row.leads, row.call_id)
        for row in table.rows
    )
    return replace(table, rows=tuple(rows))


# -- one call ----------------------------------------------------------------------------------------------------------


@blueprint.get("/call/<call_id>/")
def call(call_id: str) -> str:
    """All that is known of one call, in the order it happened."""
    found = one_call(web().engine.store, call_id)
    if found is None:
        abort(404, _("There is no such call."))
    return render_template(
        "reports/call.html", found=found, number=found.number, bars=_bars(found),
        titles=_kinds(), said=said, reports=REPORT_TITLES, name="", can_hear="recordings.sound" in current_app.view_functions,
    )  # fmt: skip


def _kinds() -> dict[str, str]:
    return {
        "step": _("Step"),
        "wait": _("Waits in"),
        "offer": _("Offered to"),
        "talk": _("Talk"),
        "wrap_up": _("Wrap-up"),
        "mark": _("Mark"),
        "recording": _("Recording"),
    }


def _bars(found: OneCall) -> list[Bar]:
    ends = [each.until if each.until is not None else each.at for each in found.moments]
    began = min((each.at for each in found.moments), default=0.0)
    whole = max(max(ends, default=0.0) - began, 1.0)

    def bar(each: Moment) -> Bar:
        begins = round((each.at - began) / whole * 1000)
        until = each.until if each.until is not None else each.at
        return Bar(min(begins, 994), max(6, round((until - each.at) / whole * 1000)))

    return [bar(each) for each in found.moments]


# -- tables as pages and files -----------------------------------------------------------------------------------------


def _shown(table: Table) -> ShownTable:
    """Texts and links made beforehand: a long report has ten thousand cells."""
    zone = web().zone
    base = {what: url_for("reports.records", what=what) for what in KINDS}
    leads = [
        (base[column.leads["what"]], urlencode({name: value for name, value in column.leads.items() if name != "what"}))
        if column.leads
        else None
        for column in table.columns
    ]

    def cells(row: Row) -> list[ShownCell]:
        common = urlencode(row.leads)
        call_link = url_for("reports.call", call_id=row.call_id) if row.call_id and "/" not in row.call_id else ""
        shown = []
        for place, (cell, column, lead) in enumerate(zip(row.cells, table.columns, leads, strict=True)):
            link = f"{lead[0]}?{common}&{lead[1]}" if lead and cell else call_link if place == 0 else ""
            shown.append(ShownCell(cell_text(cell, column.kind, zone), link))
        return shown

    rows = []
    for place, row in enumerate(table.rows):
        if place % ROWS_AT_ONCE == 0:
            breathe()
        rows.append(cells(row))
    return ShownTable(
        table.name, table.title, table.columns, rows, cells(table.total) if table.total else None,
        _curves(table),
    )  # fmt: skip


def _curves(table: Table) -> str:
    drawn = [(place, column) for place, column in enumerate(table.columns) if column.name in table.curves]
    if not drawn or len(table.rows) < 2:
        return ""
    lines = [{"title": column.title, "values": [row.cells[place] for row in table.rows]} for place, column in drawn]
    return json.dumps({"labels": [row.cells[0] for row in table.rows], "lines": lines})


def _file(tables: list[Table], kind: str, stem: str) -> Response:
    make, mimetype = FILES[kind]
    content = _files.do(make, tables, web().zone, _("Total"))
    answer = Response(content, mimetype=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{stem}.{kind}"'
    return answer
