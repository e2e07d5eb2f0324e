"""What happened on a call, in the past tense: everything that can wake a waiting flow.

``token`` names the command whose end the event tells; a late event of an earlier command carries an older token and is
ignored by whoever waits for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Answered:
    """The switch has answered the call: audio flows both ways."""

    token: str


@dataclass(frozen=True, slots=True)
class PromptEnded:
    """A Play command is over. ``reason`` says in words why it failed."""

    token: str
    outcome: Literal["played", "stopped", "failed"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """The caller pressed one key: 0-9 * # A-D. Digits are data, never code."""

    digit: str


@dataclass(frozen=True, slots=True)
class TimerExpired:
    """A timer that the run had set is due."""

    name: str


@dataclass(frozen=True, slots=True)
class RecordingEnded:
    """A Record command is over. ``ended_by`` key is told only as a key, never which."""

    token: str
    outcome: Literal["recorded", "failed"]
    path: str = ""
    duration_ms: int = 0
    ended_by: Literal["silence", "key", "limit", "hangup", ""] = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SecretCollected:
    """A CollectSecret command is over. The digits live in this object and in the run's secret variables only."""

    token: str
    outcome: Literal["entered", "no_input", "failed"]
    digits: str = ""

    def __repr__(self) -> str:
        return f"SecretCollected(token={self.token!r}, outcome={self.outcome!r}, digits=<hidden>)"


@dataclass(frozen=True, slots=True)
class DialEnded:
    """A Dial command is over: the other phone hung up after talking, or was never reached."""

    token: str
    outcome: Literal["answered", "busy", "no_answer", "rejected", "unregistered", "failed"]
    cause: str = ""
    talk_ms: int = 0


@dataclass(frozen=True, slots=True)
class CallerHungUp:
    """The caller's channel is gone. ``cause`` is the switch's own word, e.g. NORMAL_CLEARING."""

    cause: str = "NORMAL_CLEARING"


@dataclass(frozen=True, slots=True)
class RunResumed:
    """A restarted engine has re-adopted the call: the step says again what it was waiting for."""


CallEvent = (
    Answered | PromptEnded | DigitPressed | TimerExpired | RecordingEnded | SecretCollected | DialEnded | CallerHungUp
    | RunResumed
)
