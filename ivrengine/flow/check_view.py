"""What the linter looks at: each flow's steps with their leaves and ways out, walked once, and what the site offers them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ivrengine.domain.audio import SPEECH_KINDS

from .calendar_file import CalendarFile
from .choosing import Choices
from .compile import Draft
from .expressions import Expression
from .finding import Finding, Severity
from .flowset import CompiledStep, Flow
from .step import ExitPath
from .types import FlowRef, VariableName

Path = tuple[str | int, ...]


class PromptCatalogue(Protocol):
    """What the linter asks about prompts; prompts.catalogue.Catalogue is the real one."""

    def problem(self, name: str, language: str) -> str | None: ...
    def duration_ms(self, name: str, language: str) -> int: ...
    def names(self, language: str) -> Collection[str]: ...


class SpeechVoice(Protocol):
    """What the linter asks about spoken values; prompts.voice.Voice is the real one."""

    def speech_problem(self, kind: str, language: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class FlowCall:
    """A step enters another flow. ``path``: where its spec names it; ``version``: the one it stays with, or None."""

    flow: str
    path: Path
    version: str | None


@dataclass(slots=True)
class StepView:
    """A step, with every leaf of its spec and every way out of it. ``next`` are the steps it may lead to, flow keys included."""

    step: CompiledStep
    leaves: list[tuple[Path, Any]]
    exits: list[ExitPath]
    next: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.step.name

    @property
    def spec(self) -> Any:
        return self.step.spec

    def field(self, name: str) -> Any:
        """A field of the step's spec, or None where it has no such field."""
        return self.spec.__dict__.get(name)

    @property
    def calls(self) -> list[FlowCall]:
        """The flows that this step enters and that come back to it."""
        named = [(path, value) for path, value in self.leaves if isinstance(value, FlowRef)]
        return [FlowCall(str(value), path, self._leaf((*path[:-1], "version"))) for path, value in named]

    def _leaf(self, wanted: Path) -> Any:
        return next((value for path, value in self.leaves if path == wanted), None)

    @property
    def waits(self) -> bool:
        return self.step.implementation.waits_for_caller

    @property
    def takes_flow_keys(self) -> bool:
        return self.step.implementation.flow_keys or isinstance(self.step.prepared, Choices)

    def spoken(self) -> Iterator[tuple[Path, str, Expression]]:
        """(path, kind, expression) of every value that is spoken."""
        for path, value in self.leaves:
            if isinstance(value, Expression) and path[-1] in SPEECH_KINDS and not isinstance(path[-1], VariableName):
                in_a_list = len(path) > 1 and isinstance(path[-2], int)
                if in_a_list or (self.step.verb == "say" and len(path) == 1):
                    yield path, str(path[-1]), value


@dataclass(slots=True)
class FlowView:
    draft: Draft
    steps: dict[str, StepView]

    @classmethod
    def of(cls, draft: Draft) -> FlowView:
        steps = {}
        for name, step in draft.flow.steps.items():
            exits = list(step.implementation.exits(step.spec))
            steps[name] = StepView(step, draft.leaves[name], exits)
        view = cls(draft, steps)
        key_targets = [str(action.go) for action in draft.flow.keys.values() if action.go]
        for step_view in steps.values():
            targets = [exit.target for exit in step_view.exits] + (key_targets if step_view.takes_flow_keys else [])
            step_view.next = [str(target) for target in dict.fromkeys(targets) if target in steps]
        return view

    @property
    def flow(self) -> Flow:
        return self.draft.flow

    @property
    def entries(self) -> list[str]:
        """Steps that the engine itself enters: the start, the fallback, the clean-up."""
        flow = self.flow
        return [name for name in (flow.start, flow.fallback, flow.on_hangup) if name in self.steps]

    def reachable(self, entries: Collection[str] | None = None) -> set[str]:
        return reach(self.entries if entries is None else entries, lambda name: self.steps[name].next)

    def finding(
        self, code: str, path: Path, sentence: str, fix: str = "", severity: Severity = "error", *, key: bool = False
    ) -> Finding:
        return Finding(code, severity, self.draft.document.locate(path, key=key), sentence, fix)

    def step_finding(
        self, code: str, step: StepView | str, path: Path, sentence: str, fix: str = "", severity: Severity = "error"
    ) -> Finding:
        """A finding at ``path`` of a step; at the step's name where ``path`` is empty."""
        name = step if isinstance(step, str) else step.name
        full = ("steps", name, self.steps[name].step.verb, *path) if path else ("steps", name)
        return self.finding(code, full, sentence, fix, severity, key=not path)


@dataclass(slots=True)
class Site:
    """Everything that the flows of a site may refer to."""

    views: dict[str, FlowView]
    known_flows: frozenset[str]  # those with errors too
    catalogue: PromptCatalogue
    voice: SpeechVoice
    calendars: CalendarFile
    lists: Mapping[str, frozenset[str]]
    outside_numbers: tuple[str, ...]
    queues: frozenset[str] | None = None  # None: not known here
    skills: frozenset[str] | None = None


def reach(entries: Collection[str], following: Callable[[str], Collection[str]]) -> set[str]:
    """All that can be got to from ``entries``, themselves included."""
    found: set[str] = set()
    waiting = list(entries)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += following(name)
    return found
