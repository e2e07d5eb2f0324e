"""A flow as a picture: Mermaid, DOT for Graphviz, and nodes and edges for pages. Labels are strangers' text and are made harmless.

Only draws what is there: a branch to a step that does not exist is left to the linter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ivrengine.domain.sentence import Sentence

from .flowset import CompiledStep, Flow
from .step import ExitPath

LONGEST_LABEL = 40  # characters

_MERMAID_CODES = re.compile(r"[^\w .,:/()+*-]")
_ANY_STEP = "any_step"
_CALLER = "caller"


@dataclass(frozen=True, slots=True)
class _Edge:
    source: str
    target: str
    label: str
    dashed: bool = False


def to_mermaid(flow: Flow) -> str:
    """Mermaid ``flowchart`` text."""
    lines = ["flowchart TD"]
    lines.append(f'  caller(["{_mermaid(_entry(flow))}"]) --> {_id(flow.start)}')
    for step in flow.steps.values():
        left, right = ("([", "])") if step.implementation.ends_flow else ("{{", "}}") if step.verb in _DECIDING else ("[", "]")
        lines.append(f'  {_id(step.name)}{left}"{_mermaid(step.name)}<br/>{_mermaid(_what(step))}"{right}')
    if flow.keys:
        lines.append(f'  {_ANY_STEP}>"{_mermaid("at any time")}"]')
    for edge in _edges(flow):
        arrow = "-.->" if edge.dashed else "-->"
        label = f'|"{_mermaid(edge.label)}"|' if edge.label else ""
        lines.append(f"  {edge.source} {arrow}{label} {edge.target}")
    return "\n".join(lines) + "\n"


def to_dot(flow: Flow) -> str:
    """Graphviz DOT text."""
    lines = [f"digraph {_id(flow.name)} {{", "  node [shape=box];"]
    lines.append(f"  caller [shape=oval, label={_dot(_entry(flow))}];")
    lines.append(f"  caller -> {_id(flow.start)};")
    for step in flow.steps.values():
        shape = "oval" if step.implementation.ends_flow else "hexagon" if step.verb in _DECIDING else "box"
        lines.append(f"  {_id(step.name)} [shape={shape}, label={_dot(step.name, _what(step))}];")
    if flow.keys:
        lines.append(f"  {_ANY_STEP} [shape=cds, label={_dot('at any time')}];")
    for edge in _edges(flow):
        style = ", style=dashed" if edge.dashed else ""
        lines.append(f"  {edge.source} -> {edge.target} [label={_dot(edge.label)}{style}];")
    lines.append("}")
    return "\n".join(lines) + "\n"


def to_graph(flow: Flow) -> dict[str, Any]:
    """JSON-ready nodes and edges for a page, which draws labels as text. ``line``: where the step stands; 0 for what is no step."""
    nodes = [{"id": _CALLER, "name": _short(_entry(flow)), "verb": "", "kind": "end", "line": 0}]
    for step in flow.steps.values():
        kind = "end" if step.implementation.ends_flow else "deciding" if step.verb in _DECIDING else "step"
        node = {"id": _id(step.name), "name": step.name, "verb": _short(_what(step)), "kind": kind, "line": step.place.line}
        nodes.append(node)
    if flow.keys:
        nodes.append({"id": _ANY_STEP, "name": "", "verb": "", "kind": "any", "line": 0})
    edges = [{"from": edge.source, "to": edge.target, "label": _short(edge.label), "dashed": edge.dashed} for edge in _edges(flow)]
    if flow.start in flow.steps:
        edges.insert(0, {"from": _CALLER, "to": _id(flow.start), "label": "", "dashed": False})
    return {"nodes": nodes, "edges": edges}


_DECIDING = frozenset({"branch", "by_hours", "by_caller", "blacklist"})


def _entry(flow: Flow) -> str:
    numbers = ", ".join(flow.numbers[:5]) + (", ..." if len(flow.numbers) > 5 else "")
    return f"{flow.title}: {numbers}" if numbers else flow.title


def _what(step: CompiledStep) -> str:
    named = {"sub_flow": "flow", "queue": "queue"}.get(step.verb)
    return f"{step.verb} {getattr(step.spec, named)}" if named else step.verb


def _edges(flow: Flow) -> Iterator[_Edge]:
    for step in flow.steps.values():
        for exit in step.implementation.exits(step.spec):
            if exit.target in flow.steps:
                yield _Edge(_id(step.name), _id(exit.target), exit_label(step, exit))
    for key, action in flow.keys.items():
        if action.go in flow.steps:
            yield _Edge(_ANY_STEP, _id(str(action.go)), f"{key} {action.label}", dashed=True)
    for name, label in ((flow.fallback, Sentence("when a step fails")), (flow.on_hangup, Sentence("when the caller has gone"))):
        if name in flow.steps:
            yield _Edge("caller", _id(str(name)), label, dashed=True)


def exit_label(step: CompiledStep, exit: ExitPath) -> str:
    """What a branch means, in the admin's words where there are any: ``2 Complaint``, ``no_input``, ``Customer``."""
    holder = _follow(step.spec, exit.path[:-1])
    label = getattr(holder, "label", "")
    key = getattr(holder, "key", "") or (exit.path[1] if exit.path[0] == "choices" else "")
    if not label and hasattr(holder, "when"):
        label = holder.when.text
    if label or key:
        return f"{key} {label}".strip()
    names = [str(part) for part in exit.path if part not in ("go", "returns")]
    return "" if names == ["next"] else " ".join(names)


def _follow(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, tuple) and isinstance(part, int):
            value = value[part]
        else:
            value = getattr(value, str(part), None)
    return value


def _id(name: str) -> str:
    """Names of steps are letters, digits and _; the prefix keeps ``end`` and other words of the languages free."""
    return f"step_{name}"


def _short(text: str) -> str:
    if isinstance(text, Sentence):
        return text  # our own, and short
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_LABEL else line[: LONGEST_LABEL - 3] + "..."


def _mermaid(text: str) -> str:
    return _MERMAID_CODES.sub(lambda match: f"#{ord(match[0])};", _short(text))


def _dot(*lines: str) -> str:
    return '"' + "\\n".join(_short(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines) + '"'
