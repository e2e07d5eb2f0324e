"""The head's ``numbers:`` changed in a flow's text, which otherwise stays as its author has written it, comments included.

What was made is read again: a text that this module does not understand (a list of several lines with comments between brackets, say) is
refused rather than guessed at.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError

from .compile import DIALLED_NUMBER, compile_flow

_KEY = "numbers"
_AFTER = ("numbers", "languages", "name", "flow")  # a new line for numbers stands below the first of these that is there
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class CannotEdit(IvrEngineError):
    """The numbers of this file can only be changed in the editor."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or Sentence("the numbers of this file are written in a way that only its editor can change"))


def with_number(text: str, number: str) -> str:
    """The text with ``number`` at the end of its numbers. Raises CannotEdit."""
    if not DIALLED_NUMBER.match(number):
        raise CannotEdit(Sentence("%(number)r is no dialled number: write digits, with * at the end for all that begin so", number=number))
    before = numbers_of(text)
    return text if number in before else _checked(_with(text, number), [*before, number])


def without_number(text: str, number: str) -> str:
    """The text without ``number``. Raises CannotEdit."""
    before = numbers_of(text)
    return _checked(_without(text, number), [each for each in before if each != number]) if number in before else text


def numbers_of(text: str) -> list[str]:
    """As they stand in the text. Raises CannotEdit where it is no flow."""
    draft = compile_flow(text, "flow").draft
    if draft is None:
        raise CannotEdit(Sentence("the file can't be read as a flow; mend it in the editor first"))
    return list(draft.flow.numbers)


def _checked(text: str, expected: list[str]) -> str:
    if numbers_of(text) != expected:
        raise CannotEdit
    return text


def _head(text: str) -> list[tuple[Any, Any]]:
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise CannotEdit from error
    if not isinstance(root, yaml.MappingNode):
        raise CannotEdit
    return list(root.value)


def _with(text: str, number: str) -> str:
    entries = {key.value: (key, value) for key, value in _head(text)}
    quoted = f'"{number}"'
    if _KEY not in entries:
        key, value = next(entries[name] for name in _AFTER if name in entries)
        at = _line_end(text, _index(text, _last_mark(value)))
        return f"{text[:at]}\n{' ' * key.start_mark.column}{_KEY}: [{quoted}]{text[at:]}"
    key, value = entries[_KEY]
    start, end = _index(text, value.start_mark), _index(text, _last_mark(value))
    if isinstance(value, yaml.ScalarNode):
        return f"{text[:start]}[{text[start:end]}, {quoted}]{text[end:]}" if value.value else f"{text[:end]} [{quoted}]{text[end:]}"
    if not isinstance(value, yaml.SequenceNode):
        raise CannotEdit
    if value.flow_style:
        inner = text[start + 1 : end - 1].rstrip().removesuffix(",")
        return f"{text[: start + 1]}{inner}{', ' if value.value else ''}{quoted}{text[end - 1 :]}"
    last = value.value[-1]
    dash = text[: _index(text, last.start_mark)].rfind("-")
    indent = text[_line_start(text, dash) : dash]
    at = _line_end(text, _index(text, _last_mark(last)))
    return f"{text[:at]}\n{indent}- {quoted}{text[at:]}"


def _without(text: str, number: str) -> str:
    key, value = next((key, value) for key, value in _head(text) if key.value == _KEY)
    items = value.value if isinstance(value, yaml.SequenceNode) else [value]
    places = [place for place, item in enumerate(items) if item.value == number]
    if len(items) == len(places):  # none is left: the key goes too
        first, last = _line_start(text, _index(text, key.start_mark)), _line_end(text, _index(text, _last_mark(value)))
        return text[:first] + text[last:].removeprefix("\n")
    if len(places) != 1:
        raise CannotEdit  # it stands there twice
    item = items[places[0]]
    first, last = _index(text, item.start_mark), _index(text, _last_mark(item))
    if not value.flow_style:
        return text[: _line_start(text, first)] + text[_line_end(text, last) :].removeprefix("\n")
    if places[0] + 1 < len(items):  # up to the next one
        return text[:first] + text[_index(text, items[places[0] + 1].start_mark) :]
    return text[: _index(text, _last_mark(items[places[0] - 1]))] + text[last:]


def _index(text: str, mark: Any) -> int:
    """Where a mark stands in the text; libyaml's marks count a byte order mark and know no index of their own."""
    lines = text.split("\n")
    return sum(len(line) + 1 for line in lines[: mark.line]) + mark.column


def _last_mark(node: Any) -> Any:
    """The end of what is written; of a list of lines YAML says where the next key begins."""
    while isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        node = node.value[-1]
    return node.end_mark


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    """Where the line's break is, behind a comment that follows."""
    found = re.compile(r"\n|\Z").search(text, index)
    assert found is not None
    return found.start()
