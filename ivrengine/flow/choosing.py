"""Choices by key, and the counting of failed attempts: what menus, pages and review menus have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from .context import StepContext
from .flowset import Flow
from .keymatch import KeyMatcher
from .listening import Progress, Timing


class Choices:
    """A judge of keys for ``listen``. Built once per step at load.

    The flow's own keys are choices too, except those that begin a choice of the step's own.
    """

    __slots__ = ("matcher", "timing")

    def __init__(
        self,
        own: Mapping[str, Any],
        flow: Flow,
        timing: Timing,
        patterns: Iterable[tuple[str, Any]] = (),
        denied: Iterable[str] = (),
    ) -> None:
        choices = {key: action for key, action in flow.keys.items() if not any(choice.startswith(key) for choice in own)}
        choices.update(own)
        self.matcher: KeyMatcher[Any] = KeyMatcher(choices.items(), patterns, denied)
        self.timing = timing

    def progress(self, entry: str) -> Progress:
        verdict = self.matcher.verdict(entry)
        matched = verdict.value is not None
        return Progress(complete=matched and not verdict.more, dead=not matched and not verdict.more, acceptable=matched)

    def chosen(self, entry: str) -> Any:
        """What a complete entry means."""
        return self.matcher.verdict(entry).value


def begin_attempts(context: StepContext) -> None:
    """Counters begin anew on each entry of a step."""
    context.state.update(attempt=1, no_input=0, no_match=0)


def attempt_failed(context: StepContext, outcome: Literal["no_input", "no_match"], tries: int) -> bool:
    """Count a failed attempt, forget what was typed ahead; True when ``tries`` of this kind are used up."""
    state = context.state
    context.run.failed_entries += 1
    context.flush_digits()
    state[outcome] += 1
    if state[outcome] >= tries:
        return True
    state["attempt"] += 1
    return False
