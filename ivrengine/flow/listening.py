"""The one machine that plays a prompt and gathers keys: menus, entries, pages and review menus all listen through it.

Rules (flow-language "Menu and collect, exactly"): the first-digit timer starts when the prompt ends; after any digit only
the between-digits timer rules; finish at once when no longer entry can match; only keys that can match interrupt a prompt.
Its state is three keys of the step's own state: ``entry`` (keys so far), ``phase`` (prompt | first | between), ``playing``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ivrengine.domain.audio import Audio
from ivrengine.domain.events import CallEvent, DigitPressed, PromptEnded, TimerExpired

from .context import StepContext

TIMER = "listen"


@dataclass(frozen=True, slots=True)
class Progress:
    """What an entry so far means: ``complete`` ends it with this entry, ``dead`` ends it as no match, else it may go on.

    ``acceptable``: when time runs out now, the entry counts as it stands.
    """

    complete: bool = False
    dead: bool = False
    acceptable: bool = False


class Judge(Protocol):
    def progress(self, entry: str) -> Progress: ...


@dataclass(frozen=True, slots=True)
class Heard:
    """The end of one attempt. ``no_match`` carries what was keyed; ``too_short`` in time-out with too few keys."""

    outcome: Literal["entry", "no_input", "no_match", "too_short"]
    entry: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    first_digit_seconds: float = 5.0
    between_digits_seconds: float = 2.0
    barge_in: Literal["matching", "any", "none"] = "matching"


def listen(context: StepContext, items: Sequence[Audio], judge: Judge, timing: Timing) -> Heard | None:
    """Begin an attempt: use what was typed ahead, else play ``items`` and wait. None: still listening."""
    state = context.state
    state["entry"] = ""
    context.cancel_timer(TIMER)
    if timing.barge_in != "none":
        state["phase"] = "prompt"  # keys typed ahead count as pressed while this prompt plays
        heard = _take(context, judge, timing)
        if heard is not None:
            return heard
        if state["entry"]:  # typed ahead, but not complete: the prompt is not wanted any more
            state["phase"] = "between"
            context.answer()
            context.start_timer(TIMER, timing.between_digits_seconds)
            return None
    if items:
        state["phase"] = "prompt"
        context.play(items)
    else:
        state["phase"] = "first"
        context.answer()
        context.start_timer(TIMER, timing.first_digit_seconds)
    return None


def heard(context: StepContext, event: CallEvent, judge: Judge, timing: Timing) -> Heard | None:
    """Feed one event to a running attempt. None: still listening, or the event was not for us."""
    state = context.state
    if isinstance(event, DigitPressed):
        if state["phase"] == "prompt" and timing.barge_in == "none":
            return None  # stays in the type-ahead buffer until the prompt is over
        return _take(context, judge, timing)
    if isinstance(event, PromptEnded):
        if context.prompt_over(event) and state["phase"] == "prompt":
            state["phase"] = "first"
            context.start_timer(TIMER, timing.first_digit_seconds)
            if context.run.digits:
                return _take(context, judge, timing)
        return None
    if isinstance(event, TimerExpired) and event.name == TIMER:
        entry = state["entry"]
        if not entry:
            return Heard("no_input")
        return Heard("entry" if judge.progress(entry).acceptable else "too_short", entry)
    return None


def _take(context: StepContext, judge: Judge, timing: Timing) -> Heard | None:
    """Use the keys in the buffer one by one until the entry is complete or dead; the rest stays for the next step."""
    state = context.state
    entry = state["entry"]
    keys = context.take_digits()
    ignoring = state.get("phase") == "prompt" and timing.barge_in == "matching"
    for index, key in enumerate(keys):
        progress = judge.progress(entry + key)
        if progress.dead and ignoring and not entry:
            continue  # a key that can match nothing does not interrupt the prompt
        entry += key
        if progress.complete or progress.dead:
            context.put_back(keys[index + 1 :])
            _stop(context)
            return Heard("no_match" if progress.dead else "entry", entry)
    if entry != state["entry"]:
        state["entry"] = entry
        context.stop_playing()
        state["phase"] = "between"
        context.start_timer(TIMER, timing.between_digits_seconds)
    return None


def _stop(context: StepContext) -> None:
    context.stop_playing()
    context.cancel_timer(TIMER)
