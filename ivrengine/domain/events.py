"""What happened on a call, in the past tense: everything that can wake a waiting flow.

``token`` names the command whose end the event tells; a late event of an earlier command carries an older token and is
ignored by whoever waits for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .audio import Audio


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


@dataclass(frozen=True, slots=True)
class AgentFound:
    """An agent has answered and is told who calls. The step cuts the music, may play what the caller shall hear of the agent
    (``greeting``: path of the agent's own recording, or ""), and says ReadyToTalk."""

    token: str
    agent: str
    agent_name: str = ""
    greeting: str = ""
    announce_recording: bool = False


@dataclass(frozen=True, slots=True)
class AgentLost:
    """The agent found is gone again before a word was said; the caller waits on in the old place."""

    token: str


@dataclass(frozen=True, slots=True)
class TalkBegan:
    """Caller and agent hear each other."""

    token: str
    agent: str


@dataclass(frozen=True, slots=True)
class TalkPaused:
    """The caller is alone for a while (the agent consults somebody) and hears music until TalkBegan, Requeued or QueueEnded."""

    token: str


@dataclass(frozen=True, slots=True)
class Requeued:
    """The agent has passed the caller on to ``queue``: they wait anew, without a welcome, under the same token."""

    token: str
    queue: str


@dataclass(frozen=True, slots=True)
class QueueEnded:
    """The waiting, or the talk, is over and the caller is still there. ``outcome``: a terminal of acd/happenings.py.

    "answered": they talked (``agent``) and the agent hung up. ``detail``: a plain sentence for the trace.
    """

    token: str
    outcome: str
    agent: str = ""
    talk_ms: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CallbackDecided:
    """``accepted``, or why not: ``duplicate`` (this number waits in that queue already), ``not_allowed`` (a number the rules refuse),
    ``full``, ``failed``."""

    token: str
    outcome: Literal["accepted", "duplicate", "not_allowed", "full", "failed"]


@dataclass(frozen=True, slots=True)
class DeskAnswered:
    """What the desk says to a phone of the house. ``outcome``: a branch of the desk step; ``say``: the resulting state in words."""

    token: str
    outcome: str
    say: tuple[Audio, ...] = ()


QueueEvent = AgentFound | AgentLost | TalkBegan | TalkPaused | Requeued | QueueEnded

CallEvent = (
    Answered | PromptEnded | DigitPressed | TimerExpired | RecordingEnded | SecretCollected | DialEnded | CallerHungUp
    | RunResumed | QueueEvent | CallbackDecided | DeskAnswered
)
