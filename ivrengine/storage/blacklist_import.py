"""Lists of nuisance callers as people have them: a text file with a number a line, or a table saved as CSV.

A line is a number or a prefix with ``*``, then (optional) a reason and a date on which the entry is last valid, separated by
commas, semicolons or tabs. A first line of headings may give another order. Empty lines and what begins with ``# `` are skipped.
Refuses nothing as a whole but what is no text or too long: every line that can't be used is reported by its number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo

from ivrengine.domain.blacklist import BadPattern, BlacklistEntry, clean_pattern
from ivrengine.domain.sentence import Sentence

from .table_text import Parsed, read_table

REASON_LIMIT = 200  # characters

_HEADINGS = {
    "pattern": {"number", "phone", "caller", "pattern", "号码", "电话", "电话号码", "主叫号码"},
    "reason": {"reason", "note", "notes", "comment", "remark", "原因", "备注", "说明"},
    "expires": {"expires", "expiry", "until", "valid until", "到期", "有效期", "截止"},
}
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2}))?")


class BadExpiry(ValueError):
    """A text that is no date; says why in a sentence for a non-programmer."""


def parse_expiry(text: str, zone: tzinfo, now: float) -> float | None:
    """UTC seconds at which an entry ends: at the end of the day ``2026-12-31``, or at ``2026-12-31 18:00``, in ``zone``.

    None for an empty text. Raises BadExpiry, also for what has passed already.
    """
    text = text.strip()
    if not text:
        return None
    match = _DATE.fullmatch(text)
    if match is None:
        raise BadExpiry(Sentence("%(text)r is not a date such as 2026-12-31 or 2026-12-31 18:00", text=text[:40]))
    year, month, day, hour, minute = (int(part or 0) for part in match.groups())
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=zone)
        if match[4] is None:
            moment += timedelta(days=1)
        expires_at = moment.timestamp()
    except (ValueError, OverflowError):
        raise BadExpiry(Sentence("there is no such date as %(text)s", text=text)) from None
    if expires_at <= now:
        raise BadExpiry(Sentence("%(text)s has passed already", text=text))
    return expires_at


def parse(data: bytes, zone: tzinfo, now: float) -> Parsed[BlacklistEntry]:
    """Entries and problems of a file. Raises StorageError when it can't be a list at all."""
    seen: dict[str, int] = {}

    def read(cells: Mapping[str, str], line: int) -> BlacklistEntry:
        expires_at = parse_expiry(cells.get("expires", ""), zone, now)
        entry = BlacklistEntry(clean_pattern(cells.get("pattern", "")), cells.get("reason", "")[:REASON_LIMIT], expires_at)
        if entry.pattern in seen:
            raise BadPattern(Sentence("%(pattern)s is in line %(seen)s already", pattern=entry.pattern, seen=seen[entry.pattern]))
        seen[entry.pattern] = line
        return entry

    return read_table(data, _HEADINGS, read, (BadPattern, BadExpiry), "numbers")
