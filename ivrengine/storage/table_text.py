"""Tables as people save them: a record a line, cells separated by commas, semicolons or tabs, in the encodings of spreadsheets.

Every line that can't be used is told by its number and in a sentence; what is done with the others is the caller's decision.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ivrengine.domain.sentence import Sentence

from .errors import StorageError

SIZE_LIMIT = 20_000_000  # bytes
LINE_LIMIT = 200_000
PROBLEM_LIMIT = 10_000  # reported one by one

Record = TypeVar("Record")

_COMMENT = re.compile(r"\s*#(\s|$)")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one line; lines count from 1."""

    line: int
    sentence: str


@dataclass(slots=True)
class Parsed(Generic[Record]):
    records: list[Record] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_table(
    data: bytes,
    headings: Mapping[str, set[str]],
    read: Callable[[Mapping[str, str], int], Record],
    bad: tuple[type[Exception], ...],
    what: str,
) -> Parsed[Record]:
    """``headings``: column -> what people call it, in the order of a table without a line of headings; the first column must be there.

    ``read`` makes the record of a line from its cells by column and its number, and raises one of ``bad`` with a sentence. Lines that begin
    with # are comments. Raises StorageError, saying that it is no list of ``what``, when nothing of that kind can be in the file.
    """
    if len(data) > SIZE_LIMIT:
        raise StorageError(Sentence("the file has %(count)s bytes; a list has at most %(most)s", count=len(data), most=SIZE_LIMIT))
    lines = decode(data).splitlines()
    if len(lines) > LINE_LIMIT:
        raise StorageError(
            Sentence("the file has %(count)s lines; a list has at most %(most)s, import it in parts", count=len(lines), most=LINE_LIMIT)
        )
    parsed: Parsed[Record] = Parsed()
    columns: Sequence[str] = ()
    for number, line in enumerate(lines, start=1):
        if not line.strip() or _COMMENT.match(line):
            continue
        try:
            row = cells(line)
            if not columns:
                named = [next((name for name, words in headings.items() if cell.lower() in words), "") for cell in row]
                if next(iter(headings)) in named:
                    columns = named
                    continue
                columns = tuple(headings)
            parsed.records.append(read({name: cell for name, cell in zip(columns, row, strict=False) if name}, number))
        except (*bad, csv.Error) as error:
            if len(parsed.problems) >= PROBLEM_LIMIT:
                raise StorageError(
                    Sentence("the file is no list of %(what)s: more than %(most)s lines can't be used", what=what, most=PROBLEM_LIMIT)
                ) from error
            parsed.problems.append(Problem(number, f"broken quotes ({error})" if isinstance(error, csv.Error) else str(error)))
    return parsed


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
    raise StorageError(Sentence("the file is not a text; save the table as CSV first"))


def cells(line: str) -> list[str]:
    """The cells of one line. Raises csv.Error for broken quotes."""
    # Line by line: one forgotten quote would otherwise swallow the rest of the file without a word.
    first = re.search(r"[\t;,]", line)
    delimiter = first[0] if first else ","
    line = re.sub(rf'" +(?={delimiter}|$)', '"', line)
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True))]
