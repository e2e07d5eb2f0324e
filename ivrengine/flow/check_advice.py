"""Warnings: what works, but callers will not thank you for."""

from __future__ import annotations

from collections.abc import Iterator

from ivrengine.domain.sentence import Sentence

from .check_view import FlowView, PromptCatalogue, Site, StepView
from .finding import Finding
from .types import PromptRef

MOST_CHOICES = 5
SHORTEST_BETWEEN_DIGITS_SECONDS = 1.5
LONGEST_MUST_HEAR_SECONDS = 20


def check_advice(site: Site) -> Iterator[Finding]:
    for view in site.views.values():
        for step in view.steps.values():
            yield from _choices(view, step)
            yield from _patience(view, step)
            yield from _must_hear(view, step, site.catalogue)


def _choices(view: FlowView, step: StepView) -> Iterator[Finding]:
    choices = step.field("choices") or {}
    leading = [key for key, action in choices.items() if action.go is not None]
    if len(leading) > MOST_CHOICES:
        sentence = Sentence(
            "this menu has %(count)s choices; few callers remember more than %(most)s", count=len(leading), most=MOST_CHOICES
        )
        full = ("steps", step.name, step.step.verb, "choices")
        yield view.finding("many_choices", full, sentence, Sentence("put some of them into a second menu"), "warning", key=True)


def _patience(view: FlowView, step: StepView) -> Iterator[Finding]:
    for path, value in step.leaves:
        if path[-1] == "tries" and value == 1:
            sentence = Sentence("a caller who makes one mistake gets no second chance")
            yield view.step_finding("one_try", step, path, sentence, Sentence("give 2 or 3 tries"), "warning")
        elif path[-1] == "between_digits" and value < SHORTEST_BETWEEN_DIGITS_SECONDS:
            sentence = Sentence("%(value)g s between two digits is too short for many callers", value=value)
            fix = Sentence("give at least %(least)ss", least=SHORTEST_BETWEEN_DIGITS_SECONDS)
            yield view.step_finding("short_wait", step, path, sentence, fix, "warning")


def _must_hear(view: FlowView, step: StepView, catalogue: PromptCatalogue) -> Iterator[Finding]:
    if step.field("must_hear") is not True:
        return
    prompts = [value for _, value in step.leaves if isinstance(value, PromptRef)]
    for language in view.flow.languages:
        seconds = sum(catalogue.duration_ms(p, language) for p in prompts if not catalogue.problem(p, language)) / 1000
        if seconds > LONGEST_MUST_HEAR_SECONDS:
            sentence = Sentence(
                "callers must listen for %(seconds).0f s (%(language)s) before they may press a key", seconds=seconds, language=language
            )
            yield view.step_finding("long_must_hear", step, ("must_hear",), sentence, Sentence("shorten it, or let keys cut it"), "warning")
