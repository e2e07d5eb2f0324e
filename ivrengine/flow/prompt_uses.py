"""Which prompts flows play, in which languages, at which steps. Flows with mistakes count as far as they can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .check_view import FlowView
from .compile import load_flows
from .types import PromptRef


@dataclass(frozen=True, slots=True)
class PromptUse:
    """``step`` of the flow in ``file`` plays ``prompt`` in ``language``."""

    prompt: str
    language: str
    file: str
    step: str


def prompt_uses(texts: Mapping[str, str]) -> Iterator[PromptUse]:
    """``texts``: file -> text of each flow. A prompt that a step plays twice is told once."""
    for draft in load_flows(texts).drafts:
        view = FlowView.of(draft)
        for step in view.steps.values():
            own = step.field("language")
            languages = (own,) if isinstance(own, str) else view.flow.languages
            for prompt in dict.fromkeys(str(value) for _, value in step.leaves if isinstance(value, PromptRef)):
                for language in languages:
                    yield PromptUse(prompt, language, step.step.place.file, step.name)
