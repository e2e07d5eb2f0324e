"""Sentences that the engine tells people: English text that remembers its template and the values in it.

To whoever logs, stores or prints it, a Sentence is the English text. The pages translate the template and fill the values in again
(``in_words``), so that no sentence is ever taken apart by its wording. Templates are written out where they are said, for
``./scripts/translations`` finds them there. Refuses nothing: text that is no Sentence is told as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Value = Any  # str, int, float, Sentence, or a tuple of those, which is told with commas
NESTED_LIMIT = 10  # sentences in sentences; deeper ones are told in English


class Sentence(str):
    """``Sentence("there is no queue %(name)r", name=text)``. Formats are Python's, so ``%(seconds)g`` and ``%(name)r`` work.

    A template without values is told as it stands, whatever percent signs are in it.
    """

    __slots__ = ("template", "values")
    template: str
    values: dict[str, Value]

    def __new__(cls, template: str, /, **values: Value) -> Sentence:
        kept = {name: _kept(value) for name, value in values.items()}
        text = template % {name: _english(value) for name, value in kept.items()} if kept else template
        self = super().__new__(cls, _one_line(text))
        self.template = template
        self.values = kept
        return self

    def __str__(self) -> str:
        return self  # so that str(error) is still the Sentence that the error was raised with

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self.template, self.values)

    def in_words(self, translate: Callable[[str], str], comma: str = ", ", depth: int = 0) -> str:
        """As ``translate`` has the template, with the values told likewise; ``comma`` stands between those of a tuple."""
        if depth > NESTED_LIMIT:
            return "".join(self)

        def told(value: Value) -> Value:
            if isinstance(value, Sentence):
                return value.in_words(translate, comma, depth + 1)
            return comma.join(str(told(each)) for each in value) if isinstance(value, tuple) else value

        template = translate(self.template)
        return _one_line(template % {name: told(value) for name, value in self.values.items()} if self.values else template)


def joined(parts: Iterable[str]) -> str:
    """Parts of a state or a list of wrongs as one sentence: ``one; another``."""
    told: str = ""
    for part in parts:
        told = Sentence("%(one)s; %(other)s", one=told, other=part) if told else part
    return told


def renamed(text: str, old: str, new: str) -> str:
    """``text`` with ``new`` in place of ``old`` wherever a value speaks of it."""
    if not isinstance(text, Sentence):
        return text.replace(old, new)
    return _made(text.template, {name: renamed(each, old, new) if isinstance(each, str) else each for name, each in text.values.items()})


def packed(value: Any) -> Any:
    """JSON-ready data in which sentences are kept whole: for a row that is shown later, or another process."""
    if isinstance(value, Sentence):
        return {"sentence": value.template, "values": {name: packed(each) for name, each in value.values.items()}}
    if isinstance(value, dict):
        return {name: packed(each) for name, each in value.items()}
    return [packed(each) for each in value] if isinstance(value, (list, tuple)) else value


def unpacked(value: Any) -> Any:
    """What `packed` was given; lists for tuples."""
    if isinstance(value, dict):
        inner = {name: unpacked(each) for name, each in value.items()}
        is_sentence = inner.keys() == {"sentence", "values"} and isinstance(inner["values"], dict) and isinstance(inner["sentence"], str)
        return _made(inner["sentence"], inner["values"]) if is_sentence else inner
    return [unpacked(each) for each in value] if isinstance(value, list) else value


def _made(template: str, values: dict[str, Value]) -> Sentence:
    return Sentence(template, **values)


def _kept(value: Any) -> Value:
    """Values are data from then on, whatever they were."""
    if isinstance(value, (str, int, float)):
        return value
    return tuple(_kept(each) for each in value) if isinstance(value, (tuple, list)) else str(value)


def _one_line(text: str) -> str:
    """What strangers have written must not look like lines of our own."""
    return text if text.isprintable() else " ".join(text.split())


def _english(value: Value) -> Value:
    return ", ".join(str(_english(each)) for each in value) if isinstance(value, tuple) else value
