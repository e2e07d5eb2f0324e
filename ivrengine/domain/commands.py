"""What the flow asks the world to do, in the imperative. Edges perform them; the core never waits.

A command that ends later carries a ``token``; its end comes back as an event with the same token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .audio import Audio
from .needs import ANYBODY, Ring


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


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Wait in ``queue`` for an agent. ``token`` names this waiting. Comes back as AgentFound, AgentLost, TalkBegan, TalkPaused,
    Requeued, and at last QueueEnded.

    ``boost_seconds``: head start by priority and customer level. ``sticky_agent``: an agent's number, or "last" for the one who
    served this caller's number last; asked for alone during ``sticky_seconds``. ``max_wait_seconds`` 0: the queue's own.
    """

    token: str
    queue: str
    rings: tuple[Ring, ...] = ANYBODY
    boost_seconds: float = 0.0
    sticky_agent: str = ""
    sticky_seconds: float = 0.0
    max_wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """The flow itself has kept the caller out of ``queue``, without asking it. For the records; nothing comes back.

    ``token`` names the waiting that never was. ``outcome``: ``refused_full`` where too many wait, ``flow_out`` where it would take too
    long: the caller was offered to the queue, and the flow has sent them elsewhere.
    """

    token: str
    queue: str
    outcome: Literal["refused_full", "flow_out"]


@dataclass(frozen=True, slots=True)
class ReadyToTalk:
    """The answer to AgentFound: the caller has heard what there was to hear and nothing plays any more. Only now may they be
    connected; before it LeaveQueue always wins."""

    token: str


@dataclass(frozen=True, slots=True)
class LeaveQueue:
    """The caller waits no more, and why. Ends with QueueEnded, except after a hang-up."""

    token: str
    outcome: Literal["abandoned", "exit_key", "voicemail", "callback_requested", "flow_out"]


@dataclass(frozen=True, slots=True)
class RequestCallback:
    """Call ``number`` back from ``queue``. Ends with CallbackDecided.

    ``place``: the token of an Enqueue whose place in line the callback takes over (the caller leaves that queue by it), or "".
    ``not_before``, ``not_after``: UTC seconds, 0 for no bound.
    """

    token: str
    queue: str
    number: str
    place: str = ""
    rings: tuple[Ring, ...] = ANYBODY
    boost_seconds: float = 0.0
    not_before: float = 0.0
    not_after: float = 0.0


@dataclass(frozen=True, slots=True)
class KeepMark:
    """A caller's mark (survey) for the talk that was last on this call. ``comment_path``: a recording, or ""."""

    survey: str
    question: str
    mark: str
    label: str = ""
    comment_path: str = ""


@dataclass(frozen=True, slots=True)
class AskDesk:
    """A caller at a phone of the house asks for something an agent may do (``verb``), with what they keyed. Ends with DeskAnswered.

    ``arguments`` are data keyed by a stranger. Their repr is hidden: one of them may be a PIN.
    """

    token: str
    verb: str
    arguments: tuple[tuple[str, str], ...] = ()
    language: str = ""  # in which the answer is to be spoken; "" the first of the site

    def __repr__(self) -> str:
        return f"AskDesk(token={self.token!r}, verb={self.verb!r}, arguments=<hidden>)"


Command = (
    Answer | Play | StopPlaying | Record | CollectSecret | Dial | HandOver | Hangup | EndAfterTalk | LogStep | KeepMessage
    | KeepRecording | DropRecording | CountRefusal | AddToCounter | RaiseAlarm | Enqueue | TurnedAway | ReadyToTalk | LeaveQueue
    | RequestCallback | KeepMark | AskDesk
)
