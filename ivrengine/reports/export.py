"""Tables as files: CSV for whatever reads it, XLSX with numbers that go on calculating.

Both are opened by programs that obey formulas, and names are strangers' text: in CSV a cell that would begin one gets an apostrophe, in
XLSX a text stays a text. Made whole in memory; the number of rows is bounded by who asks.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

import xlsxwriter

from .table import Cell, Column, Row, Table

_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_SECONDS_OF_DAY = 86400
CELL_LIMIT = 32_000  # characters: what a spreadsheet takes
_FORMATS = {"calls": "0", "seconds": "[h]:mm:ss", "share": "0.0%", "points": "0.00", "moment": "yyyy-mm-dd hh:mm:ss"}
_WIDTHS = {"text": 18, "number": 18, "moment": 20}
_USUAL_WIDTH = 12


def neutral(text: str) -> str:
    """``text`` as a spreadsheet shows it and does nothing else."""
    return f"'{text}" if text.startswith(_BEGINS_FORMULA) else text


def csv_bytes(tables: Sequence[Table], zone: tzinfo, total: str = "Total") -> bytes:
    """UTF-8 with the mark that spreadsheets look for. Raw numbers: seconds, shares as parts of one; nothing where nothing was counted."""
    out = io.StringIO()
    writer = csv.writer(out)
    for place, table in enumerate(tables):
        if place:
            writer.writerow([])
        writer.writerow([neutral(column.title) for column in table.columns])
        for row in _rows(table, total):
            writer.writerow([_plain(cell, column, zone) for cell, column in zip(row.cells, table.columns, strict=True)])
    return out.getvalue().encode("utf-8-sig")


def xlsx_bytes(tables: Sequence[Table], zone: tzinfo, total: str = "Total") -> bytes:
    """A sheet for each table; how each figure is made stands as a comment at its title. Takes a while: not for the hub's thread."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True})
        formats = {kind: book.add_format({"num_format": number}) for kind, number in _FORMATS.items()}
        bold_formats = {kind: book.add_format({"num_format": number, "bold": True}) for kind, number in _FORMATS.items()}
        for table in tables:
            sheet = book.add_worksheet(_sheet_name(table.title))
            for place, column in enumerate(table.columns):
                sheet.write_string(0, place, column.title, bold)
                sheet.set_column(place, place, _WIDTHS.get(column.kind, _USUAL_WIDTH))
                if column.formula:
                    sheet.write_comment(0, place, column.formula)
            sheet.freeze_panes(1, 1)
            for line, row in enumerate(_rows(table, total), 1):
                chosen = bold_formats if line > len(table.rows) else formats
                for place, (cell, column) in enumerate(zip(row.cells, table.columns, strict=True)):
                    if isinstance(cell, str):
                        sheet.write_string(line, place, cell[:CELL_LIMIT], bold if chosen is bold_formats else None)
                    elif cell is not None:
                        sheet.write_number(line, place, _number(cell, column, zone), chosen[column.kind])
    return out.getvalue()


def _rows(table: Table, total: str) -> Iterable[Row]:
    yield from table.rows
    if table.total is not None:
        yield Row((total, *table.total.cells[1:]))


def _plain(cell: Cell, column: Column, zone: tzinfo) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return neutral(cell)
    if column.kind == "moment":
        return f"{datetime.fromtimestamp(cell, zone):%Y-%m-%d %H:%M:%S}"
    return f"{cell:.0f}" if column.kind == "calls" else f"{cell:.6g}" if column.kind in ("share", "points") else f"{cell:.1f}"


def _number(cell: float, column: Column, zone: tzinfo) -> float:
    """As a spreadsheet counts: durations in days, moments in days since 1900 in the site's time."""
    if column.kind == "seconds":
        return cell / _SECONDS_OF_DAY
    if column.kind == "moment":
        local = datetime.fromtimestamp(cell, zone).replace(tzinfo=None)
        return (local - datetime(1899, 12, 30)).total_seconds() / _SECONDS_OF_DAY
    return cell


def _sheet_name(title: str) -> str:
    return "".join(sign if sign not in "[]:*?/\\'" else " " for sign in title)[:31]
