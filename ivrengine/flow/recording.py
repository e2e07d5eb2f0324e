"""What the steps that record share: the limits, a name for the file, and whether what was recorded is long enough."""

from __future__ import annotations

import re

from pydantic import Field

from ivrengine.domain.commands import Record
from ivrengine.domain.events import CallEvent, RecordingEnded, TimerExpired
from ivrengine.domain.sentence import Sentence

from .context import StepContext
from .types import Seconds, StepSpec

RECORDING = "recording"  # key of a step's state: the token of the Record that is under way
RECORDING_NAME = "recording_name"  # the name of its file, for an engine that has to look for it after a restart
FINISH_KEY = "#"
HANG_UP_TIMER = "hang_up"
HANG_UP_SECONDS = 5.0
_NOT_STEM = re.compile(r"[^0-9A-Za-z_-]")
_LONGEST_STEM = 60


class RecordingLimits(StepSpec):
    """Base of the schemas of steps that record."""

    longest: Seconds = Field(default=300.0, ge=1, le=3600)
    silence: Seconds = Field(default=3.0, ge=1, le=60)  # this long without speech ends the recording
    shortest: Seconds = Field(default=1.5, ge=0, le=60)  # less is thrown away


def start_recording(context: StepContext, stem: str, limits: RecordingLimits) -> None:
    """Record until silence, the key ``#`` or the limit. Type-ahead ends here: keys that were pressed are forgotten."""
    context.flush_digits()
    token = context.new_token()
    name = f"{stem}-{_NOT_STEM.sub('-', context.run.call.call_id)[:_LONGEST_STEM]}-{context.run.tokens}"
    context.state[RECORDING] = token
    context.state[RECORDING_NAME] = name
    context.emit(Record(token, name, limits.longest, limits.silence, FINISH_KEY))


def recording_over(context: StepContext, event: CallEvent) -> RecordingEnded | None:
    """The end of the recording under way, or None for any other event; a failed one raises an alarm."""
    if not isinstance(event, RecordingEnded) or event.token != context.state.get(RECORDING):
        return None
    del context.state[RECORDING]
    context.state.pop(RECORDING_NAME, None)
    context.flush_digits()
    if event.outcome == "failed":
        context.alarm(
            "recording_failed", Sentence("the caller could not be recorded: %(reason)s", reason=event.reason or Sentence("no reason told"))
        )
    return event


def await_hang_up(context: StepContext) -> None:
    """After a recording that the hang-up ended: the hang-up itself follows. Should it not, ``hang_up_never_came``."""
    context.start_timer(HANG_UP_TIMER, HANG_UP_SECONDS)


def hang_up_never_came(event: CallEvent) -> bool:
    return isinstance(event, TimerExpired) and event.name == HANG_UP_TIMER


def long_enough(event: RecordingEnded, limits: RecordingLimits) -> bool:
    """Whether someone spoke for the shortest time; the silence that ended the recording doesn't count."""
    spoken_ms = event.duration_ms - (limits.silence * 1000 if event.ended_by == "silence" else 0)
    return spoken_ms >= limits.shortest * 1000
