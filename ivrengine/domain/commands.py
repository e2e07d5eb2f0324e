"""What the flow asks the world to do, in the imperative. Edges perform them; the core never waits.

A command that ends later carries a ``token``; its end comes back as an event with the same token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .audio import Audio


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the call. Ends with Answered."""

    token: str


@dataclass(frozen=True, slots=True)
class Play:
    """Play ``items`` one after the other without gaps. Ends with PromptEnded."""

    token: str
    items: tuple[Audio, ...]


@dataclass(frozen=True, slots=True)
class StopPlaying:
    """Cut what is playing now; its PromptEnded says ``stopped``. Harmless when nothing plays."""


@dataclass(frozen=True, slots=True)
class Record:
    """Record the caller until silence, a key, or the limit. Ends with RecordingEnded.

    ``name`` is the stem of the file, made of letters, digits, ``-`` and ``_`` only; the edge chooses the directory.
    """

    token: str
    name: str
    max_seconds: float
    silence_seconds: float
    finish_keys: str = "#"


@dataclass(frozen=True, slots=True)
class CollectSecret:
    """Play ``items`` and collect digits that no event, log or row may show. Ends with SecretCollected."""

    token: str
    items: tuple[Audio, ...]
    least: int
    most: int
    first_digit_seconds: float
    between_digits_seconds: float
    terminator: str


@dataclass(frozen=True, slots=True)
class Dial:
    """Ring a phone or an outside number and connect it to the caller. Ends with DialEnded."""

    token: str
    kind: Literal["extension", "outside"]
    number: str
    ring_seconds: float


@dataclass(frozen=True, slots=True)
class HandOver:
    """Give the call back to the switch: to its fallback (apology and message box), or to an extension of its dialplan."""

    destination: str  # "fallback" or an extension made of digits
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Hangup:
    cause: str = "NORMAL_CLEARING"


@dataclass(frozen=True, slots=True)
class EndAfterTalk:
    """The engine goes away while two people talk: the switch shall end the call when the other one hangs up."""


@dataclass(frozen=True, slots=True)
class LogStep:
    """One row of the call's trace, written when a step is left (or the call ended in it). Times in UTC seconds.

    ``outcome`` is the branch taken (``no_input``, ``open``, ``choice``...), ``label`` the meaning of a choice in the
    admin's words, ``key`` what was pressed (``*`` signs for secrets), ``detail`` a plain sentence where something failed.
    """

    sequence: int
    flow: str
    version: str
    step: str
    verb: str
    entered_at: float
    left_at: float
    outcome: str
    label: str = ""
    key: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class KeepMessage:
    """Store a recorded message in a box. The row is durable before anyone is told that it was kept."""

    box: str
    path: str
    duration_ms: int
    callback_number: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class KeepRecording:
    """Link a recording that the ``record`` step made to the call, under the admin's name for it."""

    name: str
    path: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class DropRecording:
    """Delete a recording that the caller threw away, or that was too short to keep."""

    path: str


@dataclass(frozen=True, slots=True)
class CountRefusal:
    """A blacklist entry refused this call: add one to its hits."""

    entry: str


@dataclass(frozen=True, slots=True)
class AddToCounter:
    """Add ``amount`` to a named counter (statistics of the admin's own)."""

    counter: str
    amount: int = 1


@dataclass(frozen=True, slots=True)
class RaiseAlarm:
    """Something is wrong that a person should mend; the caller was helped on all the same.

    ``code`` is stable (``prompt_failed``, ``step_failed``, ``flow_loops``...), ``place`` is ``flow:step``.
    """

    code: str
    sentence: str
    place: str = ""


Command = (
    Answer | Play | StopPlaying | Record | CollectSecret | Dial | HandOver | Hangup | EndAfterTalk | LogStep | KeepMessage
    | KeepRecording | DropRecording | CountRefusal | AddToCounter | RaiseAlarm
)
