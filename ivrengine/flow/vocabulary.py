"""What may be written where in a flow, as a tree for an editor that offers it, made from the steps' own schemas.

A node of the tree is a dict with one of: ``fields`` (a mapping's keys: name -> {what, default, schema}; beside them ``keys`` and
``values`` for any other key), ``items`` (of a list), ``refers_to`` (what kind of name), ``words`` (one of these), ``any_of`` (nodes),
``see`` (a name in ``common``), or nothing, for any other text.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

from ivrengine.domain.audio import SPEECH_KINDS

from .compile import FlowHead
from .context import BUILT_IN_VARIABLES
from .docs import describe_default, describe_field
from .expressions import FUNCTIONS, Expression
from .step import REGISTRY
from .types import Exit, KeyAction, SpeechItem

Node = dict[str, Any]
_COMMON: dict[Any, str] = {Exit: "branch", KeyAction: "key_action", SpeechItem: "spoken"}
_STEP = {"refers_to": "step"}
KEY_VERBS = ("repeat", "back", "hangup")  # what a KeyAction may do


def vocabulary() -> Node:
    """``{"root": node, "common": {name: node}}``."""
    root = _model(FlowHead)
    verbs = {verb: {"what": _first_line(type(step)), "default": "", "schema": _model(step.Spec)} for verb, step in REGISTRY.items()}
    root["fields"]["steps"]["schema"] = {"keys": {}, "values": {"fields": dict(sorted(verbs.items()))}}
    expression = {"refers_to": "expression"}
    key_action = _model(KeyAction)
    key_action["fields"]["do"]["schema"] = {"words": list(KEY_VERBS)}
    common = {
        "branch": {"any_of": [_STEP, _model(Exit)]},
        "key_action": key_action,
        "spoken": {"fields": {kind: {"what": "expression", "default": "", "schema": expression} for kind in SPEECH_KINDS}},
    }
    return {"root": root, "common": common, "expression_words": sorted({*BUILT_IN_VARIABLES, *FUNCTIONS})}


def _model(model: type[BaseModel]) -> Node:
    fields = {
        field.alias or name: {"what": describe_field(field), "default": describe_default(field), "schema": _node(field.annotation)}
        for name, field in model.model_fields.items()
    }
    node: Node = {"fields": fields}
    if model.model_config.get("extra") == "allow":
        node |= {"keys": {}, "values": {"see": "branch"}}
    return node


def _node(annotation: Any) -> Node:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _node(arguments[0])
    if inspect.isclass(annotation) and annotation in _COMMON:
        return {"see": _COMMON[annotation]}
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return _model(annotation)
    if annotation is Expression:
        return {"refers_to": "expression"}
    if annotation is bool:
        return {"words": ["true", "false"]}
    if hasattr(annotation, "what"):
        return {"refers_to": str(annotation.what)}
    return _generic(origin, arguments)


def _generic(origin: Any, arguments: tuple[Any, ...]) -> Node:
    if origin is Literal:
        return {"words": [str(argument) for argument in arguments]}
    if origin in (typing.Union, types.UnionType):
        nodes = [_node(argument) for argument in arguments if argument is not type(None)]
        return nodes[0] if len(nodes) == 1 else {"any_of": nodes}
    if origin is tuple:
        item = _node(arguments[0])
        return {"any_of": [item, {"items": item}]}  # one will do where a list is expected
    if origin in (dict, Mapping):
        return {"keys": _node(arguments[0]), "values": _node(arguments[1])}
    return {}


def _first_line(step: type) -> str:
    return (inspect.cleandoc(inspect.getmodule(step).__doc__ or "")).partition("\n")[0]  # type: ignore[union-attr]
