"""Changing ``calendars.yml`` as a person would: only the lines of what changes, so that comments and the order of the file stay.

``parts_of`` reads one calendar as a form shows it, ``edited`` gives the text of the file with other parts. A calendar that is written
on one line is written anew as a whole; ``lost_comments`` says what that costs, before anybody saves it. The result is read again and
compared: what could not be changed without touching something else is refused (CantEdit), never half done. Whether the hours make sense
is the linter's business, not asked here.
"""

from __future__ import annotations

import datetime
import json
import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError

from .calendar_file import DAYS, WORKDAY, first_and_last, minutes_of, week_days
from .document import Document, ListNode, MapNode, Node, TextNode, load_document
from .hours import DAY_MINUTES, DayPlan, Range
from .official_holidays import ONE_DAY

INDENT = "  "
SCALARS = ("name", "zone", "holidays", "workday")
ORDER = ("name", "zone", "holidays", "weekly", "workday", "exceptions")  # where a line goes that was not there
MOST_DAYS = 20_000  # of the exceptions of one calendar, each day counted
_PLAIN = re.compile(r"[A-Za-z\u4e00-\u9fff_][\w/+.\u4e00-\u9fff-]*(?: [\w/+.\u4e00-\u9fff-]+)*\Z")
_NOT_TEXT = frozenset({"yes", "no", "on", "off", "true", "false", "null", "y", "n"})


class CantEdit(IvrEngineError):
    """This can't be changed here; the file has to be edited as text."""


@dataclass(frozen=True, slots=True)
class Exception_:
    """One day that is not as the week says. ``plan`` None: a working day. ``note``: the comment at the end of its line."""

    plan: DayPlan | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """One calendar as the file has it. ``weekly``: seven plans, Monday first. ``workday``: whose plan rules a weekend that is worked."""

    title: str = ""
    zone: str = ""
    holidays: str = ""
    weekly: tuple[DayPlan, ...] = (DayPlan(),) * 7
    workday: int = 0
    exceptions: Mapping[datetime.date, Exception_] = field(default_factory=dict)


# -- reading -----------------------------------------------------------------------------------------------------------


def calendar_names(text: str) -> list[str]:
    """In the order of the file."""
    node = load_document(text, "").node
    return list(node.entries) if isinstance(node, MapNode) else []


def parts_of(text: str, name: str) -> Parts:
    """Raises CantEdit where the file, or what it says of this calendar, can't be read as a form."""
    document = load_document(text, "calendars.yml")
    node = document.at(name)
    if document.findings or not isinstance(node, MapNode):
        raise CantEdit(Sentence("the calendar %(name)s can't be read as a form; edit the file as text", name=name[:64]))
    scalars = {key: _scalar_of(node, key) for key in SCALARS}
    workday = week_days(scalars["workday"] or DAYS[0]) or [0]
    weekly = dict.fromkeys(range(7), DayPlan())
    for key, (_, value) in _entries(node, "weekly").items():
        for day in _known(week_days(key), key):
            weekly[day] = _plan_of(value)
    lines = text.split("\n")
    exceptions: dict[datetime.date, Exception_] = {}
    for key, (key_node, value) in _entries(node, "exceptions").items():
        is_workday = isinstance(value, TextNode) and value.text == WORKDAY
        note = _note_of(lines, key_node, value)
        for day in _dates(key):
            exceptions[day] = Exception_(None if is_workday else _plan_of(value), note)
    return Parts(scalars["name"], scalars["zone"], scalars["holidays"], tuple(weekly.values()), workday[0], exceptions)


def _scalar_of(node: MapNode, key: str) -> str:
    value = node.get(key)
    return value.text if isinstance(value, TextNode) else ""


def _entries(node: MapNode, key: str) -> Mapping[str, tuple[TextNode, Node]]:
    value = node.get(key)
    return value.entries if isinstance(value, MapNode) else {}


def _known(value: list[int] | None, text: str) -> list[int]:
    if value is None:
        raise CantEdit(Sentence("%(text)s can't be read as a form; edit the file as text", text=text[:64]))
    return value


def _dates(key: str) -> list[datetime.date]:
    ends = first_and_last(key)
    if ends is None or not 0 <= (ends[1] - ends[0]).days < MOST_DAYS:
        raise CantEdit(Sentence("%(text)s can't be read as a form; edit the file as text", text=key[:64]))
    return [ends[0] + ONE_DAY * number for number in range((ends[1] - ends[0]).days + 1)]


def _plan_of(value: Node) -> DayPlan:
    if isinstance(value, TextNode):
        return DayPlan((), value.text)
    ranges = []
    for label, (_, hours) in value.entries.items() if isinstance(value, MapNode) else ():
        for item in hours.items if isinstance(hours, ListNode) else [hours]:
            for text in item.text.split(",") if isinstance(item, TextNode) else [""]:
                minutes = minutes_of(text)
                if minutes is None:
                    raise CantEdit(Sentence("%(text)s can't be read as a form; edit the file as text", text=text[:64]))
                ranges.append(range_of(*minutes, label))
    return DayPlan(tuple(sorted(ranges, key=lambda each: (each.start, each.end))))


def range_of(start: int, end: int, label: str) -> Range:
    """From minutes as people write them: an end before the beginning lies on the next day."""
    return Range(start, end if end > start else end + DAY_MINUTES, label)


def _note_of(lines: Sequence[str], key: TextNode, value: Node) -> str:
    """The comment behind an entry that stands on one line."""
    line = lines[key.line - 1]
    at = _comment_at(line)
    return line[at + 1 :].strip() if at is not None and value.line == key.line else ""


# -- writing -----------------------------------------------------------------------------------------------------------


def edited(text: str, name: str, parts: Parts) -> str:
    """The file's text with this calendar as ``parts`` say. Raises CantEdit."""
    old = parts_of(text, name)
    if old == parts:
        return text
    for write in (_line_by_line, _as_a_whole):
        changed = write(text, name, old, parts)
        if changed is not None and _is_right(changed, text, name, parts):
            return changed
    raise CantEdit(Sentence("the calendar %(name)s can't be changed here without touching others; edit the file as text", name=name[:64]))


def added(text: str, name: str, parts: Parts) -> str:
    """With another calendar at the end. Raises CantEdit."""
    body = text.rstrip("\n")
    changed = (body + "\n\n" if body else "") + "\n".join(_block(name, parts)) + "\n"
    if name in calendar_names(text) or not _is_right(changed, text, name, parts):
        raise CantEdit(Sentence("the calendar %(name)s can't be added here; edit the file as text", name=name[:64]))
    return changed


def removed(text: str, name: str) -> str:
    """Without this calendar. Raises CantEdit."""
    lines, (start, end) = text.split("\n"), _block_of(text, name)
    while end < len(lines) and not lines[end].strip():
        end += 1
    changed = "\n".join(lines[:start] + lines[end:])
    others = [each for each in calendar_names(text) if each != name]
    if calendar_names(changed) != others or not _others_stay(changed, text, name):
        raise CantEdit(Sentence("the calendar %(name)s can't be removed here; edit the file as text", name=name[:64]))
    return changed


def renamed(text: str, name: str, new: str) -> str:
    """The same calendar under another name. Raises CantEdit."""
    start, _ = _block_of(text, name)
    lines = text.split("\n")
    lines[start] = _scalar(new) + lines[start].lstrip("\"'")[len(name) :].lstrip("\"'")
    changed = "\n".join(lines)
    names = [new if each == name else each for each in calendar_names(text)]
    if calendar_names(changed) != names or parts_of(changed, new) != parts_of(text, name):
        raise CantEdit(Sentence("the calendar %(name)s can't be renamed here; edit the file as text", name=name[:64]))
    return changed


def lost_comments(before: str, after: str) -> list[str]:
    """Comments of the one text that are not in the other any more, in their order."""
    left = Counter(_comments(after))
    lost = []
    for comment in _comments(before):
        if left[comment]:
            left[comment] -= 1
        else:
            lost.append(comment)
    return lost


def _is_right(changed: str, text: str, name: str, parts: Parts) -> bool:
    try:
        return parts_of(changed, name) == replace(parts, exceptions=dict(parts.exceptions)) and _others_stay(changed, text, name)
    except CantEdit:
        return False


def _others_stay(changed: str, text: str, name: str) -> bool:
    """Compared as they are read, so that it doesn't matter whether they are sound."""
    nodes = [node for each in (text, changed) if isinstance(node := load_document(each, "").node, MapNode)]
    plain = [{key: value.plain for key, (_, value) in node.entries.items() if key != name} for node in nodes]
    return len(plain) < 2 or plain[0] == plain[1]


def _block_of(text: str, name: str) -> tuple[int, int]:
    """The lines of a calendar, from 0, the end not included; blank lines and comments behind it belong to what follows."""
    document = load_document(text, "")
    node = document.node
    entry = node.entries.get(name) if isinstance(node, MapNode) else None
    if document.findings or entry is None or not isinstance(node, MapNode) or entry[0].column != 1 or node.column != 1:
        raise CantEdit(Sentence("the calendar %(name)s can't be found as lines of its own; edit the file as text", name=name[:64]))
    start = entry[0].line - 1
    lines = text.split("\n")
    if lines[start].startswith(("{", "?")):
        raise CantEdit(Sentence("the calendar %(name)s can't be found as lines of its own; edit the file as text", name=name[:64]))
    starts = sorted(key.line - 1 for key, _ in node.entries.values())
    return start, _trimmed(lines, start, next((each for each in starts if each > start), len(lines)))


def _trimmed(lines: Sequence[str], start: int, end: int) -> int:
    while end > start + 1 and _is_gap(lines[end - 1]):
        end -= 1
    return end


def _is_gap(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _as_a_whole(text: str, name: str, old: Parts, new: Parts) -> str | None:
    lines, (start, end) = text.split("\n"), _block_of(text, name)
    return "\n".join([*lines[:start], *_block(name, new), *lines[end:]])


def _line_by_line(text: str, name: str, old: Parts, new: Parts) -> str | None:
    """None where the calendar has no lines of its own for its fields."""
    document = load_document(text, "")
    node = document.at(name)
    start, end = _block_of(text, name)
    if not isinstance(node, MapNode) or node.line == start + 1:
        return None
    fields = _Fields(text.split("\n"), document, node, end)
    for key, before, after in (
        ("name", old.title, new.title), ("zone", old.zone, new.zone), ("holidays", old.holidays, new.holidays),
        ("workday", DAYS[old.workday], DAYS[new.workday]),
    ):  # fmt: skip
        if before != after:
            fields.put(key, [f"{key}: {_scalar(after)}"] if after else [])
    if old.weekly != new.weekly:
        fields.put("weekly", _rewritten(fields, "weekly", dict(enumerate(old.weekly)), dict(enumerate(new.weekly))))
    if old.exceptions != new.exceptions:
        fields.put("exceptions", _rewritten(fields, "exceptions", old.exceptions, new.exceptions))
    return fields.text()


class _Fields:
    """The lines of one calendar, field by field; what is behind a field's value up to the next one stays with it."""

    def __init__(self, lines: list[str], document: Document, node: MapNode, end: int) -> None:
        keys = sorted(((key.line - 1, key.text) for key, _ in node.entries.values()))
        starts = [line for line, _ in keys]
        self.indent = " " * (next(iter(node.entries.values()))[0].column - 1)
        self.node = node
        self._before, self._after = lines[: starts[0]], lines[end:]
        bounds = [*starts[1:], end]
        self.lines = {text: lines[start:stop] for (start, text), stop in zip(keys, bounds, strict=True)}

    def put(self, key: str, wanted: list[str]) -> None:
        """``wanted``: without the calendar's indentation; none takes the field away. A comment behind a single value stays."""
        had = self.lines.get(key, [])
        end = _trimmed(had, 0, len(had)) if had else 0
        gap = had[end:]
        if len(wanted) == 1 and end == 1 and had and (at := _comment_at(had[0])) is not None and _comment_at(wanted[0]) is None:
            wanted = [wanted[0] + had[0][len(had[0][:at].rstrip()) :]]
        made = [*(self.indent + line if line else line for line in wanted), *gap]
        if key in self.lines:
            self.lines[key] = made
        elif made:
            known = [each for each in self.lines if each in ORDER[: ORDER.index(key)]]
            at_end = list(self.lines).index(known[-1]) + 1 if known else 0
            items = list(self.lines.items())
            self.lines = dict([*items[:at_end], (key, made), *items[at_end:]])

    def text(self) -> str:
        return "\n".join([*self._before, *(line for lines in self.lines.values() for line in lines), *self._after])


def _rewritten(fields: _Fields, key: str, old: Mapping, new: Mapping) -> list[str]:
    """The lines of ``weekly`` or ``exceptions``: entries none of whose days changes stay as they are written, with their comments."""
    if not new:
        return []
    key_of, days_of = (_week_key, lambda text: week_days(text) or []) if key == "weekly" else (_date_key, _dates)
    node, had = fields.node.get(key), fields.lines.get(key, [])
    if not isinstance(node, MapNode) or len(had) < 2 or node.line == fields.node.entries[key][0].line:
        return [f"{key}:", *(INDENT + line for line in _runs(new, key_of))]
    body = had[1 : _trimmed(had, 0, len(had))]
    if key == "weekly" and not any(_comment_at(line) is not None for line in body):
        return [f"{key}:", *(INDENT + line for line in _runs(new, key_of))]
    changed = {day for day in {*old, *new} if old.get(day) != new.get(day)}
    offset = fields.node.entries[key][0].line + 1  # of the first line of the body, from 1
    return [_dedented(had[0], fields.indent), *_chunks(body, offset, node, changed, old, new, key_of, days_of, fields.indent)]


def _chunks(
    body: list[str], offset: int, node: MapNode, changed: set, old: Mapping, new: Mapping,
    key_of: Callable[[list], str], days_of: Callable[[str], list], indent: str,
) -> list[str]:  # fmt: skip
    """Entries in their order, those that change cut up, and the new ones where they belong by their first day."""
    inner = " " * (next(iter(node.entries.values()))[0].column - 1)
    starts = sorted((entry.line - offset, text) for text, (entry, _) in node.entries.items())
    chunks: list[tuple[Hashable, list[str]]] = [(None, body[: starts[0][0]])]
    for (start, text), stop in zip(starts, [*(each[0] for each in starts[1:]), len(body)], strict=True):
        days = days_of(text)
        end = _trimmed(body, start, stop)
        if changed.isdisjoint(days):
            chunks.append((days[0], body[start:end]))
        else:
            rest = {day: old[day] for day in days if day not in changed}
            pieces = _pieces(rest, key_of)
            note = _comment_at(body[start]) if pieces else None
            if note is not None and end == start + 1 and _comment_at(pieces[0][1]) is None:
                pieces[0] = (pieces[0][0], pieces[0][1] + "  " + body[start][note:])
            chunks += [(day, [inner + line]) for day, line in pieces]
        chunks.append((None, body[end:stop]))
    for day, line in _pieces({day: new[day] for day in changed if day in new}, key_of):
        later = (number for number, (first, _) in enumerate(chunks) if first is not None and first > day)  # type: ignore[operator]
        at = next(later, None)
        if at is None:
            at = max((number for number, (first, _) in enumerate(chunks) if first is not None), default=-1) + 1
        chunks.insert(at, (day, [inner + line]))
    return [_dedented(line, indent) for _, lines in chunks for line in lines]


def _dedented(line: str, indent: str) -> str:
    return line.removeprefix(indent)


def _block(name: str, parts: Parts) -> list[str]:
    lines = [f"{_scalar(name)}:"]
    lines += [f"{INDENT}name: {_scalar(parts.title)}"] if parts.title else []
    lines += [f"{INDENT}zone: {_scalar(parts.zone)}"]
    lines += [f"{INDENT}holidays: {_scalar(parts.holidays)}"] if parts.holidays else []
    lines += [f"{INDENT}weekly:", *(INDENT * 2 + line for line in _runs(dict(enumerate(parts.weekly)), _week_key))]
    lines += [f"{INDENT}workday: {DAYS[parts.workday]}"] if parts.workday else []
    if parts.exceptions:
        lines += [f"{INDENT}exceptions:", *(INDENT * 2 + line for line in _runs(parts.exceptions, _date_key))]
    return lines


def _runs(days: Mapping, key_of: Callable[[list], str]) -> list[str]:
    return [line for _, line in _pieces(days, key_of)]


def _pieces(days: Mapping, key_of: Callable[[list], str]) -> list[tuple[Hashable, str]]:
    """First day and line of each run of days that follow each other and are alike."""
    runs: list[list] = []
    for day in sorted(days):
        before = runs[-1][-1] if runs else None
        if before is not None and days[before] == days[day] and day == (before + 1 if isinstance(day, int) else before + ONE_DAY):
            runs[-1].append(day)
        else:
            runs.append([day])
    return [(run[0], f"{key_of(run)}: {_value(days[run[0]])}") for run in runs]


def _week_key(run: list[int]) -> str:
    return DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}"


def _date_key(run: list[datetime.date]) -> str:
    return str(run[0]) if len(run) == 1 else f"{run[0]}..{run[-1]}"


def _value(given: DayPlan | Exception_) -> str:
    if isinstance(given, Exception_):
        note = " ".join(given.note.split())
        return (_plan(given.plan) if given.plan is not None else WORKDAY) + (f"  # {note}" if note else "")
    return _plan(given)


def _plan(plan: DayPlan) -> str:
    if not plan.ranges:
        return _scalar(plan.rest)
    by_label: dict[str, list[str]] = {}
    for part in plan.ranges:
        by_label.setdefault(part.label, []).append(str(part))
    told = (f"{_scalar(label)}: {ranges[0] if len(ranges) == 1 else '[' + ', '.join(ranges) + ']'}" for label, ranges in by_label.items())
    return "{" + ", ".join(told) + "}"


def _scalar(text: str) -> str:
    """As YAML, on one line, such that it is read as the same text."""
    return text if _PLAIN.match(text) and text.lower() not in _NOT_TEXT else json.dumps(text, ensure_ascii=False)


# -- comments ----------------------------------------------------------------------------------------------------------


def _comments(text: str) -> list[str]:
    return [line[at + 1 :].strip() for line in text.split("\n") if (at := _comment_at(line)) is not None and line[at + 1 :].strip()]


def _comment_at(line: str) -> int | None:
    """Where the line's comment begins: a # at its beginning or behind a space, outside quotes."""
    quote = ""
    for index, sign in enumerate(line):
        before = line[index - 1] if index else " "
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'" and before in " [{,:":
            quote = sign
        elif sign == "#" and before in " \t":
            return index
    return None
