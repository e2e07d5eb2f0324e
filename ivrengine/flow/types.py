"""The small types that step schemas are built of: what a text in a flow file may mean, and what it is turned into.

Every scalar of a flow file arrives here as text; these types convert it or say in a plain sentence what was expected.
References (a step, a prompt, a calendar...) are subclasses of str, so that the linter finds them by walking a spec.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, model_validator
from pydantic_core import PydanticCustomError, core_schema

from ivrengine.domain.audio import SPEECH_KINDS
from ivrengine.domain.sentence import Sentence

from .expressions import Expression

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_PROMPT = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*\Z")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)\Z")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST_DURATION_SECONDS = 24 * 3600.0
KEYS = "0123456789*#"


def refusal(sentence: str, fix: str = "") -> PydanticCustomError:
    """The error that a schema's check raises; both are read by whoever writes the flow."""
    return PydanticCustomError("ivr", "{message}", {"message": sentence, "fix": fix})


class _Text(str):
    """A str that knows what it refers to; ``what`` is how a person calls it, ``pattern`` what it may look like."""

    what = "text"
    pattern: re.Pattern[str] | None = None
    expected = "text"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def convert(value: str) -> _Text:
            if cls.pattern is not None and not cls.pattern.match(value):
                raise refusal(Sentence('"%(text)s" is not %(expected)s', text=value[:60], expected=cls.expected))
            return cls(value)

        return core_schema.no_info_after_validator_function(convert, core_schema.str_schema(strict=True))


class StepRef(_Text):
    """The name of a step of the same flow: where a branch leads."""

    what = "step"
    pattern = _NAME
    expected = Sentence("a step's name (small letters, digits and _, beginning with a letter)")


class FlowRef(_Text):
    what = "flow"
    pattern = _NAME
    expected = Sentence("a flow's name (small letters, digits and _, beginning with a letter)")


class PromptRef(_Text):
    what = "prompt"
    pattern = _PROMPT
    expected = Sentence("a prompt's name (small letters, digits, _ and -; / between folders)")


class CalendarRef(_Text):
    what = "calendar"
    pattern = _NAME
    expected = Sentence("a calendar's name")


class ListRef(_Text):
    what = "list"
    pattern = _NAME
    expected = Sentence("the name of a list of numbers")


class QueueRef(_Text):
    what = "queue"
    pattern = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
    expected = Sentence("a queue's name (small letters, digits, _ and -)")


class SkillRef(_Text):
    what = "skill"
    pattern = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
    expected = Sentence("a skill's name (small letters, digits, _ and -)")


class BoxName(_Text):
    what = "message box"
    pattern = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
    expected = Sentence("a box's name (small letters, digits, _ and -)")


class CounterName(_Text):
    what = "counter"
    pattern = _NAME
    expected = Sentence("a counter's name (small letters, digits and _, beginning with a letter)")


class VariableName(_Text):
    """A variable that a step sets."""

    what = "variable"
    pattern = _NAME
    expected = Sentence("a variable's name (small letters, digits and _, beginning with a letter)")


class OutsideNumber(_Text):
    what = "outside number"
    pattern = re.compile(r"\+?[0-9]{3,20}\Z")
    expected = Sentence("a telephone number (digits, + in front where needed)")


class ExtensionNumber(_Text):
    what = "extension"
    pattern = re.compile(r"[0-9]{2,8}\Z")
    expected = Sentence("an extension (two to eight digits)")


def _duration(value: Any) -> float:
    if isinstance(value, float):
        return value  # a default from the schema itself
    match = _DURATION.match(value) if isinstance(value, str) else None
    if not match:
        raise refusal(
            Sentence('"%(value)s" is not a duration', value=str(value)[:60]), Sentence("write a number with its unit: 500ms, 5s, 2m or 1h")
        )
    seconds = float(match[1]) * _UNIT_SECONDS[match[2]]
    if seconds > LONGEST_DURATION_SECONDS:
        raise refusal(Sentence('"%(value)s" is too long', value=value), Sentence("the longest is 24h"))
    return seconds


Seconds = Annotated[float, BeforeValidator(_duration)]
"""A duration with its unit (``5s``), as seconds."""


def _list(value: Any) -> Any:
    return [value] if isinstance(value, (str, dict)) else value


class SpeechItem(BaseModel):
    """A value to be spoken: one key, its kind (number, digits, money...), with an expression, e.g. ``number: count + 1``."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    kind: str
    value: Expression

    @model_validator(mode="before")
    @classmethod
    def _from_single_key(cls, value: Any) -> Any:
        if isinstance(value, dict) and len(value) == 1:
            kind, expression = next(iter(value.items()))
            if kind in SPEECH_KINDS:
                return {"kind": kind, "value": expression}
        raise refusal(Sentence("expected a prompt's name, or one of %(kinds)s with what is to be spoken", kinds=tuple(SPEECH_KINDS)))


def _prompt_item(value: Any) -> Any:
    return SpeechItem.model_validate(value) if isinstance(value, dict) else value


PromptItem = PromptRef | SpeechItem
Prompts = Annotated[tuple[PromptItem, ...], BeforeValidator(_list)]
"""What is to be heard: one prompt's name, or a list of names and spoken values."""


class Exit(BaseModel):
    """A branch that may say something first: ``{say: [sorry], go: operator}``, or just the step's name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    say: Prompts = ()
    go: StepRef

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"go": value} if isinstance(value, str) else value


class KeyAction(BaseModel):
    """What a key does: its label for reports, and a step to go to or something to do."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    label: str = Field(min_length=1, max_length=80)
    go: StepRef | None = None
    do: Annotated[str, Field(pattern="^(repeat|back|hangup)$")] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> KeyAction:
        if (self.go is None) == (self.do is None):
            raise refusal(Sentence("give either go: (a step) or do: (repeat, back or hangup)"))
        return self


class StepSpec(BaseModel):
    """Base of all step schemas: unknown keys are refused, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def walk(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """All leaves of a spec with their path in the YAML document, depth first."""
    found: list[tuple[tuple[str | int, ...], Any]] = []
    _collect(value, path, found)
    return iter(found)


def _collect(value: Any, path: tuple[str | int, ...], found: list[tuple[tuple[str | int, ...], Any]]) -> None:
    if isinstance(value, str):
        found.append((path, value))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _collect(item, (*path, index), found)
    elif isinstance(value, SpeechItem):
        found.append(((*path, value.kind), value.value))
    elif isinstance(value, BaseModel):
        for name, written in _field_names(type(value)):
            _collect(getattr(value, name), (*path, written), found)
        for name, item in (value.model_extra or {}).items():
            _collect(item, (*path, name), found)
    elif isinstance(value, dict):
        for key, item in value.items():
            _collect(item, (*path, key), found)
    else:
        found.append((path, value))


@cache
def _field_names(model: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """(name in Python, name in the file) of each field; asking pydantic every time is slow."""
    return tuple((name, field.alias or name) for name, field in model.model_fields.items())
