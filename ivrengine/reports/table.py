"""What every report is made of: tables whose columns know their unit and formula, and whose rows know which records they were made of.

A page, a spreadsheet, the terminal and a program all get these same tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Literal

from ivrengine.acd.figures import NOTHING_COUNTED, Formula, Unit, shown

# text: strangers' or the site's words; word: one of the engine's own; number: a telephone number;
# moment: UTC seconds
Kind = Unit | Literal["text", "word", "number", "moment"]
Cell = str | float | None
Leads = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Column:
    """``formula``: how the figure is made, "" for what is no figure. ``leads``: to which records the figure leads; None to none."""

    name: str
    title: str
    kind: Kind = "text"
    formula: str = ""
    leads: Leads | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """``leads``: what its records have in common. ``call_id``: the call that the row is about."""

    cells: tuple[Cell, ...]
    leads: Leads = field(default_factory=dict)
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """``total``: made of the rows' raw counters, never of their figures. ``curves``: the columns that are drawn over the rows."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: Row | None = None
    curves: tuple[str, ...] = ()


def figure_columns(formulas: Mapping[str, Formula], names: Iterable[str], leads: Mapping[str, Leads] | None = None) -> tuple[Column, ...]:
    """Columns of these figures of ``acd/figures.py``."""
    chosen = [formulas[name] for name in names]
    return tuple(Column(each.name, each.title, each.unit, each.text, (leads or {}).get(each.name)) for each in chosen)


def values(of: Any, columns: Iterable[Column]) -> tuple[Cell, ...]:
    """The figures of these columns."""
    return tuple(getattr(of, column.name) for column in columns)


def cell_text(cell: Cell, kind: Kind, zone: tzinfo) -> str:
    """As people read it; "-" where nothing was counted, or nothing was said."""
    if cell is None or cell == "":
        return NOTHING_COUNTED
    if isinstance(cell, str):
        return cell.replace("_", " ") if kind == "word" else cell
    if kind == "moment":
        return f"{datetime.fromtimestamp(cell, zone):%Y-%m-%d %H:%M:%S}"
    return shown(cell, kind)  # type: ignore[arg-type]


def as_records(table: Table) -> list[dict[str, Cell]]:
    """For programs: one object a row by the columns' names, the total last, with ``total`` true."""
    names = [column.name for column in table.columns]
    rows: list[dict[str, Any]] = [dict(zip(names, row.cells, strict=True)) for row in table.rows]
    if table.total is not None:
        rows.append({**dict(zip(names, table.total.cells, strict=True)), "total": True})
    return rows
