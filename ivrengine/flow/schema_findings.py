"""Schema errors told to a non-programmer: each of pydantic's becomes a finding with its place, a sentence and a way out."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from .document import Document, ListNode, MapNode, Node, TextNode
from .finding import Finding, did_you_mean, shown
from .flowset import Place

Loc = tuple[str | int, ...]

_KINDS = {TextNode: "a text", ListNode: "a list", MapNode: "fields with values"}
_WRONG_KIND = {
    "string_type": "a single value",
    "dict_type": "fields with values (key: value)",
    "mapping_type": "fields with values (key: value)",
    "model_type": "fields with values (key: value)",
    "model_attributes_type": "fields with values (key: value)",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
}
_UNREADABLE = {
    "int_parsing": ("is not a whole number", "write digits only"),
    "int_type": ("is not a whole number", "write digits only"),
    "int_from_float": ("is not a whole number", "write digits only"),
    "int_parsing_size": ("is too large a number", ""),
    "float_parsing": ("is not a number", "write digits, with a point for fractions"),
    "float_type": ("is not a number", "write digits, with a point for fractions"),
    "bool_parsing": ("is neither true nor false", "write true or false"),
    "bool_type": ("is neither true nor false", "write true or false"),
}
_BOUNDS = {"greater_than": "more than {gt}", "greater_than_equal": "at least {ge}", "less_than": "less than {lt}",
           "less_than_equal": "at most {le}"}  # fmt: skip
_ALTERNATIVES = re.compile(r"\^\(([\w|]+)\)\$\Z")


def validate(
    model: type[BaseModel], document: Document, path: Loc, what: str, value: Any = None
) -> tuple[BaseModel | None, list[Finding]]:
    """The value at ``path`` as a ``model``, or every problem of it. ``what`` names it in sentences (``menu``).

    ``value`` stands in for the document's own where the caller has prepared it.
    """
    _, node = document.find(path)
    if value is None:
        value = node.plain if node is not None and node.plain != "" else {}
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    except RecursionError:  # a schema of the engine's own that nests without end; the flow is refused, not the process
        return None, [Finding("wrong_value", "error", document.locate(path), f"{what} is nested too deeply")]
    return None, list(_Translator(model, document, path, what).translate(details))


class _Translator:
    def __init__(self, model: type[BaseModel], document: Document, path: Loc, what: str) -> None:
        self.model = model
        self.document = document
        self.path = path
        self.what = what
        self.broken = {finding.place for finding in document.findings}

    def translate(self, details: list[Any]) -> Iterator[Finding]:
        mistyped = {
            (self._container(d["loc"]), near)
            for d in details
            if d["type"] == "extra_forbidden"
            for near in _near(str(d["loc"][-1]), fields_at(self.model, d["loc"][:-1]))
        }
        for detail in _best(details, self._node_key):
            loc = detail["loc"]
            if detail["type"] == "missing" and (self._container(loc), str(loc[-1])) in mistyped:
                continue  # the unknown field beside it has been told already, and which one it should be
            finding = self._finding(detail["type"], loc, detail)
            if finding.place not in self.broken:
                yield finding

    def _finding(self, kind: str, loc: Loc, detail: Any) -> Finding:
        full = (*self.path, *loc)
        key, node = self.document.find(full)
        if kind == "extra_forbidden":
            word = str(loc[-1])
            sentence = f"unknown field {shown(word)} in {self._container_name(loc[:-1])}"
            fix = did_you_mean(word, fields_at(self.model, loc[:-1]))
            return self._error("unknown_field", self.document.locate(full, key=True), sentence, fix)
        if kind == "missing":
            field = str(loc[-1])
            place = self.document.locate(full[:-1], key=True)
            sentence = f"{self._container_name(loc[:-1])} needs {shown(field)}"
            return self._error("missing_field", place, sentence, f'add "{field}:"')
        place = self.document.place(node)
        if isinstance(node, TextNode) and not node.text:
            name = shown(key.text) if isinstance(key, TextNode) else self.what
            return self._error("missing_value", place, f"{name} has no value", "write one after the colon, or delete the line")
        code, sentence, fix = _sentence(kind, detail, node)
        if code == "wrong_type" and isinstance(key, TextNode):
            sentence = f"{shown(key.text)}: {sentence}"
        return self._error(code, place, sentence, fix)

    def _error(self, code: str, place: Place, sentence: str, fix: str) -> Finding:
        return Finding(code, "error", place, sentence, fix)

    def _node_key(self, loc: Loc) -> int:
        return id(self.document.find((*self.path, *loc))[1])

    def _container(self, loc: Loc) -> int:
        return self._node_key(loc[:-1])

    def _container_name(self, loc: Loc) -> str:
        if not loc:
            return self.what
        key, _ = self.document.find((*self.path, *loc))
        if not isinstance(key, TextNode):
            return self.what
        return key.text if re.fullmatch(r"[a-z_]+", key.text) else f"{shown(key.text)} of {self.what}"


def _best(details: list[Any], node_key: Any) -> list[Any]:
    """Where a value may be one thing or another, pydantic tells what is wrong with each; keep what concerns this one."""
    kept: list[Any] = []
    groups: dict[int, list[Any]] = {}
    for detail in details:
        if detail["type"] in ("extra_forbidden", "missing"):
            kept.append(detail)
        else:
            groups.setdefault(node_key(detail["loc"]), []).append(detail)
    for group in groups.values():
        exact = [detail for detail in group if detail["type"] not in _WRONG_KIND]
        kept.append((exact or group)[0])
    return kept


def _sentence(kind: str, detail: Any, node: Node | None) -> tuple[str, str, str]:
    context = detail.get("ctx", {})
    text = shown(node.text) if isinstance(node, TextNode) else "this"
    if kind in _WRONG_KIND:
        return "wrong_type", f"expected {_WRONG_KIND[kind]}, not {_KINDS.get(type(node), 'nothing')}", ""
    if kind in _UNREADABLE:
        sentence, fix = _UNREADABLE[kind]
        return "wrong_value", f"{text} {sentence}", fix
    if kind in _BOUNDS:
        bound = _BOUNDS[kind].format(**{name: f"{value:g}" for name, value in context.items()})
        unit = " seconds" if isinstance(node, TextNode) and node.text[-1:] in ("s", "m", "h") else ""
        return "wrong_value", f"{text} is out of range", f"give {bound}{unit}"
    if kind == "literal_error":
        return "wrong_value", *_not_one_of(text, node, re.findall(r"'([^']*)'", context.get("expected", "")))
    if kind == "string_pattern_mismatch":
        alternatives = _ALTERNATIVES.match(context.get("pattern", ""))
        if alternatives:
            return "wrong_value", *_not_one_of(text, node, alternatives[1].split("|"))
        return "wrong_value", f"{text} can't be used here", ""
    if kind in ("too_short", "string_too_short"):
        return "wrong_value", f"{text} is too short", f"give at least {context.get('min_length', 1)}"
    if kind in ("too_long", "string_too_long"):
        return "wrong_value", f"{text} is too long", f"give at most {context.get('max_length', '')}"
    message = str(context.get("message") or detail["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    sentence, _, fix = " ".join(message.split()).partition("; ")
    return "wrong_value", sentence, fix


def _not_one_of(text: str, node: Node | None, allowed: list[str]) -> tuple[str, str]:
    word = node.text if isinstance(node, TextNode) else ""
    sentence = f"{text} is not one of {', '.join(allowed)}"
    near = _near(word, allowed)
    return sentence, f'did you mean "{near[0]}"?' if near else ""


def _near(word: str, known: Iterable[str]) -> list[str]:
    match = re.match(r'did you mean "(.*)"\?', did_you_mean(word, known))
    return [match[1]] if match else []


def fields_at(model: type[BaseModel], loc: Loc) -> list[str]:
    """Names of the fields that may stand at ``loc`` of a model, as the file calls them."""
    models = [model]
    for part in loc:
        inner = [
            found
            for candidate in models
            for name, field in candidate.model_fields.items()
            if part in (name, field.alias)
            for found in _models_in(field.annotation)
        ]
        named = [candidate for candidate in models if candidate.__name__ == part]
        models = inner or named or models
    return [field.alias or name for candidate in models for name, field in candidate.model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for argument in typing.get_args(annotation) for found in _models_in(argument)]
