"""Schema errors told to a non-programmer: each of pydantic's becomes a finding with its place, a sentence and a way out."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from ivrengine.domain.sentence import Sentence

from .document import Document, ListNode, MapNode, Node, TextNode
from .finding import Finding, did_you_mean, shown
from .flowset import Place

Loc = tuple[str | int, ...]

_FIELDS, _LIST = Sentence("fields with values (key: value)"), Sentence("a list")
_KINDS = {TextNode: Sentence("a text"), ListNode: _LIST, MapNode: Sentence("fields with values")}
_WRONG_KIND = {
    "string_type": Sentence("a single value"),
    "dict_type": _FIELDS,
    "mapping_type": _FIELDS,
    "model_type": _FIELDS,
    "model_attributes_type": _FIELDS,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
}
_WHOLE_NUMBER = frozenset({"int_parsing", "int_type", "int_from_float"})
_NUMBER = frozenset({"float_parsing", "float_type"})
_YES_OR_NO = frozenset({"bool_parsing", "bool_type"})
_BOUNDS = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
_ALTERNATIVES = re.compile(r"\^\(([\w|]+)\)\$\Z")


def validate(model: type[BaseModel], document: Document, path: Loc, what: str, value: Any = None) -> tuple[BaseModel | None, list[Finding]]:
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
        return None, [Finding("wrong_value", "error", document.locate(path), Sentence("%(what)s is nested too deeply", what=what))]
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
            sentence = Sentence("unknown field %(word)s in %(where)s", word=shown(word), where=self._container_name(loc[:-1]))
            fix = did_you_mean(word, fields_at(self.model, loc[:-1]))
            return self._error("unknown_field", self.document.locate(full, key=True), sentence, fix)
        if kind == "missing":
            field = str(loc[-1])
            place = self.document.locate(full[:-1], key=True)
            sentence = Sentence("%(where)s needs %(field)s", where=self._container_name(loc[:-1]), field=shown(field))
            return self._error("missing_field", place, sentence, Sentence('add "%(field)s:"', field=field))
        place = self.document.place(node)
        if isinstance(node, TextNode) and not node.text:
            name = shown(key.text) if isinstance(key, TextNode) else self.what
            return self._error(
                "missing_value",
                place,
                Sentence("%(name)s has no value", name=name),
                Sentence("write one after the colon, or delete the line"),
            )
        code, sentence, fix = _sentence(kind, detail, node)
        if code == "wrong_type" and isinstance(key, TextNode):
            sentence = Sentence("%(text)s: %(sentence)s", text=shown(key.text), sentence=sentence)
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
        return key.text if re.fullmatch(r"[a-z_]+", key.text) else Sentence("%(name)s of %(what)s", name=shown(key.text), what=self.what)


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
    text = shown(node.text) if isinstance(node, TextNode) else Sentence("this")
    if kind in _WRONG_KIND:
        found = _KINDS.get(type(node), Sentence("nothing"))
        return "wrong_type", Sentence("expected %(kind)s, not %(found)s", kind=_WRONG_KIND[kind], found=found), ""
    if kind in _WHOLE_NUMBER:
        return "wrong_value", Sentence("%(text)s is not a whole number", text=text), Sentence("write digits only")
    if kind == "int_parsing_size":
        return "wrong_value", Sentence("%(text)s is too large a number", text=text), ""
    if kind in _NUMBER:
        return "wrong_value", Sentence("%(text)s is not a number", text=text), Sentence("write digits, with a point for fractions")
    if kind in _YES_OR_NO:
        return "wrong_value", Sentence("%(text)s is neither true nor false", text=text), Sentence("write true or false")
    if kind in _BOUNDS:
        seconds = isinstance(node, TextNode) and node.text[-1:] in ("s", "m", "h")
        bound = _bound(kind, context[_BOUNDS[kind]])
        fix = Sentence("give %(bound)s seconds", bound=bound) if seconds else Sentence("give %(bound)s", bound=bound)
        return "wrong_value", Sentence("%(text)s is out of range", text=text), fix
    if kind == "literal_error":
        return "wrong_value", *_not_one_of(text, node, re.findall(r"'([^']*)'", context.get("expected", "")))
    if kind == "string_pattern_mismatch":
        alternatives = _ALTERNATIVES.match(context.get("pattern", ""))
        if alternatives:
            return "wrong_value", *_not_one_of(text, node, alternatives[1].split("|"))
        return "wrong_value", Sentence("%(text)s can't be used here", text=text), ""
    if kind in ("too_short", "string_too_short"):
        return "wrong_value", Sentence("%(text)s is too short", text=text), Sentence("give at least %(count)s", count=context["min_length"])
    if kind in ("too_long", "string_too_long"):
        return "wrong_value", Sentence("%(text)s is too long", text=text), Sentence("give at most %(count)s", count=context["max_length"])
    if "message" in context:
        return "wrong_value", context["message"], context.get("fix", "")
    return "wrong_value", " ".join(str(detail["msg"]).split()), ""


def _bound(kind: str, value: float) -> Sentence:
    match kind:
        case "greater_than":
            return Sentence("more than %(value)g", value=value)
        case "greater_than_equal":
            return Sentence("at least %(value)g", value=value)
        case "less_than":
            return Sentence("less than %(value)g", value=value)
    return Sentence("at most %(value)g", value=value)


def _not_one_of(text: str, node: Node | None, allowed: list[str]) -> tuple[str, str]:
    word = node.text if isinstance(node, TextNode) else ""
    sentence = Sentence("%(text)s is not one of %(allowed)s", text=text, allowed=tuple(allowed))
    near = _near(word, allowed)
    return sentence, Sentence("did you mean %(word)s?", word=shown(near[0])) if near else ""


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
