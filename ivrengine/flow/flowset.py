"""Compiled flows: what the interpreter walks. Built by ``compile``, never changed afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .step import Step
from .types import KeyAction, StepSpec


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: ``flows/main.yml:8:9``; line and column begin at 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(slots=True)
class CompiledStep:
    """One named step: ``prepared`` is whatever its Step made of the spec at load, to spare work per call."""

    name: str
    verb: str
    implementation: Step
    spec: StepSpec
    place: Place
    prepared: Any = None


@dataclass(slots=True)
class Flow:
    """One flow. ``version`` is the hash of its text; ``keys`` work in every menu and prompt that doesn't say otherwise."""

    name: str
    title: str
    version: str
    languages: tuple[str, ...]
    numbers: tuple[str, ...]
    start: str
    steps: Mapping[str, CompiledStep]
    fallback: str | None = None
    on_hangup: str | None = None
    keys: Mapping[str, KeyAction] = field(default_factory=dict)
    max_failed_entries: int = 20  # no_input and no_match over the whole call, then the fallback
    file: str = ""


class FlowSource(Protocol):
    """Where the interpreter gets flows: the library at run time, a FlowSet in tests."""

    def get(self, name: str, version: str | None = None) -> Flow:
        """The flow at ``version``, or as now published. Raises KeyError."""
        ...


def number_matches(pattern: str, number: str) -> bool:
    """``4008*`` matches every number that begins so; anything else must be equal."""
    return number.startswith(pattern[:-1]) if pattern.endswith("*") else number == pattern


class FlowSet:
    """Flows that belong together, loaded from one directory."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        self.flows: dict[str, Flow] = {flow.name: flow for flow in flows}

    def get(self, name: str, version: str | None = None) -> Flow:
        flow = self.flows[name]
        if version is not None and flow.version != version:
            raise KeyError(f"{name} at version {version}")
        return flow

    def for_number(self, dialled: str) -> Flow | None:
        """The flow that ``dialled`` enters: an exact number wins, then the longest prefix."""
        best: tuple[int, Flow] | None = None
        for flow in self.flows.values():
            for pattern in flow.numbers:
                if number_matches(pattern, dialled):
                    weight = len(pattern) - 1 if pattern.endswith("*") else 1000
                    if best is None or weight > best[0]:
                        best = (weight, flow)
        return best[1] if best else None
