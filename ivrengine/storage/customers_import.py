"""Lists of customers as people have them: a table saved as CSV, a customer a line.

Columns are name, numbers, level, notes, in this order or as a first line of headings says. Several numbers in one cell are separated
by spaces or slashes. Refuses nothing as a whole but what is no text or too long: every bad line is reported by its number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .customers import BadCustomer, CustomerData, read_customer
from .table_text import Parsed, read_table

_HEADINGS = {
    "name": {"name", "customer", "姓名", "客户", "名称", "客户名称"},
    "numbers": {"number", "numbers", "phone", "phones", "telephone", "号码", "电话", "电话号码", "手机"},
    "level": {"level", "grade", "级别", "等级"},
    "notes": {"notes", "note", "comment", "remark", "备注", "说明"},
}


def parse(data: bytes) -> Parsed[CustomerData]:
    """Customers and problems of a file. Raises StorageError when it can't be a list at all."""

    def read(cells: Mapping[str, str], _line: int) -> CustomerData:
        numbers = re.split(r"[/\s、]+", cells.get("numbers", ""))
        return read_customer(cells.get("name", ""), cells.get("level", ""), cells.get("notes", ""), numbers)

    return read_table(data, _HEADINGS, read, (BadCustomer,), "customers")
