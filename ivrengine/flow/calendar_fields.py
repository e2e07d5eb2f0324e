"""What the linter says of one calendar, put to the fields of the form in which it is edited."""

from __future__ import annotations

from collections.abc import Iterable

from .calendar_edit import SCALARS
from .calendar_file import first_and_last, week_days
from .document import MapNode, load_document
from .finding import Finding

GENERAL = ""  # findings of no single field
DAYS_FIELD = "days"


def findings_by_field(text: str, name: str, findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """``zone``, ``weekly.0`` (Monday) to ``weekly.6``, ``days`` or a date such as ``2026-10-01``; GENERAL. Those of other calendars are
    left out."""
    document = load_document(text, "")
    node, root = document.at(name), document.node
    if not isinstance(node, MapNode) or not isinstance(root, MapNode):
        return {GENERAL: list(findings)}
    first = root.entries[name][0].line
    last = min((key.line for key, _ in root.entries.values() if key.line > first), default=len(text) + 2) - 1
    fields = _fields(node)
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        if first <= finding.place.line <= last:
            for field in fields.get(finding.place.line, (GENERAL,)):
                found.setdefault(field, []).append(finding)
    return found


def _fields(node: MapNode) -> dict[int, tuple[str, ...]]:
    """Line -> fields; a line with several of them stands for none."""
    lines: dict[int, tuple[str, ...]] = {}
    for key, (key_node, value) in node.entries.items():
        lines[key_node.line] = () if key_node.line in lines else (key,) if key in SCALARS else (GENERAL,)
        for text, (entry, _) in value.entries.items() if isinstance(value, MapNode) else ():
            if key == "weekly":
                lines[entry.line] = tuple(f"weekly.{day}" for day in week_days(text) or ()) or (GENERAL,)
            elif key == "exceptions":
                ends = first_and_last(text)
                lines[entry.line] = (DAYS_FIELD, str(ends[0])) if ends else (GENERAL,)
    return {line: fields or (GENERAL,) for line, fields in lines.items()}
