"""The step reference as Markdown, made from the steps' own docstrings and schemas, so that it can't be out of date."""

from __future__ import annotations

import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ivrengine.domain.audio import SPEECH_KINDS

from . import calendar_file
from .compile import FlowHead
from .context import BUILT_IN_VARIABLES
from .expressions import FUNCTIONS, Expression
from .keyfields import Span
from .step import REGISTRY, Step
from .types import Exit, KeyAction, PromptRef, SpeechItem

_DOUBLE = re.compile("(?<!`)``(?!`)")  # code in the manner of reStructuredText

_HEAD = """\
# Flows: what can be written in them

This page is generated from the engine's own steps by `./scripts/docs`; change them, not it.

A flow is a YAML file in this directory: named steps, one verb each, every outcome a named branch. `ivrengine flow check`
names everything that is wrong with them, with its place. `calendars.yml` and `lists/*.txt` are no flows.

The files are drafts: callers walk what was published, and calls that are up finish on what they began. The first start of a site
publishes its files; from then on `ivrengine flow publish` does, or the page Flows, or SIGHUP to `ivrengine serve`, and only a set
without errors. `ivrengine flow diff` tells what would change, `flow history` what was published, `flow rollback` takes it back.

```yaml
flow: hotline
name: Delivery hotline
languages: [zh-CN, en-US]
numbers: [02988880001, "4008*"]   # dialled numbers that enter here
start: welcome
keys:                             # work in every menu and prompt that does not use them itself
  "0": {label: To a person, go: operator}
  "*": {label: Back, do: back}

steps:
  welcome: {play: {prompt: [welcome], next: bye}}
  operator: {dial_extension: {extension: "8001", answered: bye, failed: bye}}
  bye: {hangup: }
```

## What to mind in YAML

- `*` and `#` must stand in quotes: `"*"`, `"#"`. Everything else may, and every value is read as text first: `no` is no
  "false", `075123` keeps its nought.
- Durations have a unit: `500ms`, `5s`, `2m`, `1h`.
- Indent with spaces. A key may stand only once. Anchors, aliases, merge keys and tags are not used.

"""


def reference() -> str:
    """The whole page."""
    return "".join(_page())


def _page() -> Iterator[str]:
    yield _HEAD
    yield "## The flow itself\n\n"
    yield from _table(FlowHead)
    yield "\n## What is heard\n\n"
    yield (
        "A prompt is a name (`welcome`, `news/milk`), or a value that is spoken: one of "
        f"{_words(SPEECH_KINDS)} with an expression, e.g. `{{number: count + 1}}`. "
        "Where prompts are expected, one will do, or a list.\n\n"
    )
    yield "A branch is a step's name, or `{say: [sorry], go: operator}` to say something first.\n\n"
    yield "## Expressions\n\n"
    yield (
        f"Numbers, texts in quotes, variables, `+ - * / // %`, comparisons, `and or not in`, `a if b else c`, and the functions "
        f"{_words(FUNCTIONS)}. Always there: {_words(BUILT_IN_VARIABLES)}. Digits that a caller keyed in are text: "
        "`number(order) > 100`.\n\n"
    )
    yield "## Calendars\n\n"
    yield f"{_docstring(calendar_file)}\n\n"
    yield from _table(calendar_file.CalendarSpec)
    yield "\n## Steps\n\n"
    for verb in sorted(REGISTRY):
        yield f"- [{verb}](#{verb})\n"
    for verb in sorted(REGISTRY):
        yield f"\n### {verb}\n\n{step_docs(REGISTRY[verb])}"


def step_docs(step: Step) -> str:
    """One step's part of the page: its docstring, a table of its fields, and what else is to be known."""
    parts = [_docstring(sys.modules[type(step).__module__]), "\n\n", *_table(step.Spec)]
    if step.runs_after_hangup:
        parts.append("\nMay be used after `on_hangup`.\n")
    return "".join(parts)


def _docstring(module: Any) -> str:
    return _DOUBLE.sub("`", inspect.cleandoc(module.__doc__ or "")).strip()


def _words(names: typing.Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


# -- tables of fields --------------------------------------------------------------------------------------------------


def _table(model: type[BaseModel]) -> Iterator[str]:
    yield "| field | what | default |\n|---|---|---|\n"
    for name, what, default in _rows(model):
        yield f"| `{name}` | {what} | {default} |\n"


def _rows(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for field_name, field in model.model_fields.items():
        name = f"{prefix}{field.alias or field_name}"
        yield name, describe_field(field), describe_default(field)
        for inner in _own_models(field.annotation):
            yield from _rows(inner, f"{name}.")
    if model.model_config.get("extra") == "allow":
        yield f"{prefix}(any other name)", "step", ""


def _own_models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Schemas that are a step's own; the common ones are explained once, above."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        if annotation not in (Exit, KeyAction, SpeechItem):
            yield annotation
    else:
        for argument in typing.get_args(annotation):
            yield from _own_models(argument)


def describe_default(field: FieldInfo) -> str:
    """``required``, the default as it would be written, or ""."""
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None or default is PydanticUndefined or default in ("", (), {}):
        return ""
    if isinstance(default, bool):
        return "`true`" if default else "`false`"
    if "duration" in describe_field(field):
        return f"`{default:g}s`"
    if isinstance(default, Span):
        return f"`{default.least}-{default.most}`"
    if isinstance(default, BaseModel):
        return ", ".join(f"`{name}: {value}`" for name, value in default.model_dump(exclude_none=True).items())
    return f"`{default}`"


def describe_field(field: FieldInfo) -> str:
    """What may be written there, in a few words."""
    return _describe(field.annotation, tuple(field.metadata))


def _describe(annotation: Any, metadata: tuple[Any, ...] = ()) -> str:
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *more = typing.get_args(annotation)
        return _describe(inner, (*metadata, *more))
    if annotation is float:
        return "duration" + _bounds(metadata, "s")
    if annotation is int:
        return "whole number" + _bounds(metadata)
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return _COMMON.get(annotation, "fields:")
    if hasattr(annotation, "what"):
        return str(annotation.what)
    return _describe_generic(annotation)


def _describe_generic(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{argument}`" for argument in arguments)
    if origin in (typing.Union, types.UnionType):
        kinds = [_describe(argument) for argument in arguments if argument is not type(None)]
        return " or ".join(dict.fromkeys(kinds))
    if origin is tuple:
        kind = _describe(arguments[0])
        return "prompts" if arguments[0] == (PromptRef | SpeechItem) else f"list of: {kind}"
    if origin in (dict, Mapping):
        return f"{_describe(arguments[0])} → {_describe(arguments[1])}"
    return "value"


def _bounds(metadata: tuple[Any, ...], unit: str = "") -> str:
    words = []
    for name, text in (("gt", "more than"), ("ge", "at least"), ("lt", "less than"), ("le", "at most")):
        for item in metadata:
            bound = getattr(item, name, None)
            if bound is not None:
                words.append(f"{text} {bound:g}{unit}")
    return f", {' and '.join(words)}" if words else ""


_PLAIN: dict[Any, str] = {
    str: "text",
    bool: "`true` or `false`",
    Expression: "expression",
    Span: "number, or span such as `4-6`",
    Any: "see above",
    type(None): "nothing",
}
_COMMON: dict[Any, str] = {
    Exit: "branch",
    KeyAction: "`{label, go}` or `{label, do}` with repeat, back or hangup",
    SpeechItem: "spoken value",
}
