"""Lists of customers as people have them: a table saved as CSV, a customer a line.

Columns are name, numbers, level, notes, in this order or as a first line of headings says. Several numbers in one cell are separated
by spaces or slashes. Refuses nothing as a whole but what is no text or too long: every bad line is reported by its number.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .customers import BadCustomer, CustomerData, read_customer
from .errors import StorageError
from .table_text import cells, decode

SIZE_LIMIT = 20_000_000  # bytes
LINE_LIMIT = 200_000
PROBLEM_LIMIT = 10_000  # reported one by one

_COLUMNS = ("name", "numbers", "level", "notes")
_HEADINGS = {
    "name": {"name", "customer", "姓名", "客户", "名称", "客户名称"},
    "numbers": {"number", "numbers", "phone", "phones", "telephone", "号码", "电话", "电话号码", "手机"},
    "level": {"level", "grade", "级别", "等级"},
    "notes": {"notes", "note", "comment", "remark", "备注", "说明"},
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one line; lines count from 1."""

    line: int
    sentence: str


@dataclass(slots=True)
class Parsed:
    customers: list[CustomerData] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def parse(data: bytes) -> Parsed:
    """Customers and problems of a file. Raises StorageError when it can't be a list at all."""
    if len(data) > SIZE_LIMIT:
        raise StorageError(f"the file has {len(data)} bytes; a list has at most {SIZE_LIMIT}")
    lines = decode(data).splitlines()
    if len(lines) > LINE_LIMIT:
        raise StorageError(f"the file has {len(lines)} lines; a list has at most {LINE_LIMIT}, import it in parts")
    parsed = Parsed()
    columns: Sequence[str] = ()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = cells(line)
            if not columns:
                headings = [next((name for name, words in _HEADINGS.items() if cell.lower() in words), "") for cell in row]
                columns = headings if "name" in headings else _COLUMNS
                if columns is headings:
                    continue
            values = {name: cell for name, cell in zip(columns, row, strict=False) if name}
            numbers = re.split(r"[/\s、]+", values.get("numbers", ""))
            parsed.customers.append(read_customer(values.get("name", ""), values.get("level", ""), values.get("notes", ""), numbers))
        except (BadCustomer, csv.Error) as error:
            if len(parsed.problems) >= PROBLEM_LIMIT:
                raise StorageError(f"the file is no list of customers: more than {PROBLEM_LIMIT} lines can't be used") from error
            parsed.problems.append(Problem(number, f"broken quotes ({error})" if isinstance(error, csv.Error) else str(error)))
    return parsed
