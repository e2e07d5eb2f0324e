"""Lists of nuisance callers as people have them: a text file with a number a line, or a table saved as CSV.

A line is a number or a prefix with ``*``, then (optional) a reason and a date on which the entry is last valid, separated by
commas, semicolons or tabs. A first line of headings may give another order. Empty lines and what begins with ``# `` are skipped.
Refuses nothing as a whole but what is no text or too long: every line that can't be used is reported by its number.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from ivrengine.domain.blacklist import BadPattern, BlacklistEntry, clean_pattern

from .errors import StorageError
from .table_text import cells, decode

SIZE_LIMIT = 20_000_000  # bytes
LINE_LIMIT = 200_000
REASON_LIMIT = 200  # characters
PROBLEM_LIMIT = 10_000  # reported one by one

_HEADINGS = {
    "pattern": {"number", "phone", "caller", "pattern", "号码", "电话", "电话号码", "主叫号码"},
    "reason": {"reason", "note", "notes", "comment", "remark", "原因", "备注", "说明"},
    "expires": {"expires", "expiry", "until", "valid until", "到期", "有效期", "截止"},
}
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2}))?")


class BadExpiry(ValueError):
    """A text that is no date; says why in a sentence for a non-programmer."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one line; lines count from 1."""

    line: int
    sentence: str


@dataclass(slots=True)
class Parsed:
    entries: list[BlacklistEntry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def parse_expiry(text: str, zone: tzinfo, now: float) -> float | None:
    """UTC seconds at which an entry ends: at the end of the day ``2026-12-31``, or at ``2026-12-31 18:00``, in ``zone``.

    None for an empty text. Raises BadExpiry, also for what has passed already.
    """
    text = text.strip()
    if not text:
        return None
    match = _DATE.fullmatch(text)
    if match is None:
        raise BadExpiry(f"{text[:40]!r} is not a date such as 2026-12-31 or 2026-12-31 18:00")
    year, month, day, hour, minute = (int(part or 0) for part in match.groups())
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=zone)
        if match[4] is None:
            moment += timedelta(days=1)
        expires_at = moment.timestamp()
    except (ValueError, OverflowError):
        raise BadExpiry(f"there is no such date as {text}") from None
    if expires_at <= now:
        raise BadExpiry(f"{text} has passed already")
    return expires_at


def parse(data: bytes, zone: tzinfo, now: float) -> Parsed:
    """Entries and problems of a file. Raises StorageError when it can't be a list at all."""
    if len(data) > SIZE_LIMIT:
        raise StorageError(f"the file has {len(data)} bytes; a list has at most {SIZE_LIMIT}")
    lines = decode(data).splitlines()
    if len(lines) > LINE_LIMIT:
        raise StorageError(f"the file has {len(lines)} lines; a list has at most {LINE_LIMIT}, import it in parts")
    parsed = Parsed()
    seen: dict[str, int] = {}
    columns: Sequence[str] | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip() or re.match(r"\s*#(\s|$)", line):
            continue
        try:
            fields = cells(line)
            if columns is None:
                headings = _headings(fields)
                columns = headings or ("pattern", "reason", "expires")
                if headings:
                    continue
            entry = _entry(fields, columns, zone, now)
            if entry.pattern in seen:
                raise BadPattern(f"{entry.pattern} is in line {seen[entry.pattern]} already")
        except (BadPattern, BadExpiry, csv.Error) as error:
            if len(parsed.problems) >= PROBLEM_LIMIT:
                raise StorageError(f"the file is no list of numbers: more than {PROBLEM_LIMIT} lines can't be used") from error
            parsed.problems.append(Problem(number, f"broken quotes ({error})" if isinstance(error, csv.Error) else str(error)))
        else:
            seen[entry.pattern] = number
            parsed.entries.append(entry)
    return parsed


def _headings(fields: list[str]) -> list[str] | None:
    names = [next((name for name, words in _HEADINGS.items() if text.lower() in words), "") for text in fields]
    return names if "pattern" in names else None


def _entry(fields: list[str], columns: Sequence[str], zone: tzinfo, now: float) -> BlacklistEntry:
    values = {name: text for name, text in zip(columns, fields, strict=False) if name}
    return BlacklistEntry(
        clean_pattern(values.get("pattern", "")),
        values.get("reason", "")[:REASON_LIMIT],
        parse_expiry(values.get("expires", ""), zone, now),
    )
