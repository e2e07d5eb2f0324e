"""Tables as people save them: a record a line, cells separated by commas, semicolons or tabs, in the encodings of spreadsheets."""

from __future__ import annotations

import csv
import re

from .errors import StorageError


def decode(data: bytes) -> str:
    """Raises StorageError for what is no text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "gb18030"]  # spreadsheets on Chinese Windows save the latter
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise StorageError("the file is not a text; save the table as CSV first")


def cells(line: str) -> list[str]:
    """The cells of one line. Raises csv.Error for broken quotes."""
    # Line by line: one forgotten quote would otherwise swallow the rest of the file without a word.
    first = re.search(r"[\t;,]", line)
    delimiter = first[0] if first else ","
    line = re.sub(rf'" +(?={delimiter}|$)', '"', line)
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True))]
