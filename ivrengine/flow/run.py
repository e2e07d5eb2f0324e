"""A call's place in its flow, as plain data that can be saved at every wait and loaded by another process.

Secret digits are never in the record: a run that is loaded without them goes back to the step that asked for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ivrengine.domain.caller import CallInfo

RECORD_FORMAT = 1


@dataclass(slots=True)
class Frame:
    """One flow on the stack: the caller is in ``step`` of ``flow`` at ``version``; ``state`` belongs to the step."""

    flow: str
    version: str
    step: str
    state: dict[str, Any] = field(default_factory=dict)
    entered_at: float = 0.0
    menus: list[str] = field(default_factory=list)  # menus walked through to here, for "back"
    greeted: list[str] = field(default_factory=list)  # menus whose greeting has been heard


@dataclass(slots=True)
class Run:
    """Everything the interpreter knows of one call. ``timers``: name -> UTC seconds when due."""

    call: CallInfo
    frames: list[Frame]
    language: str
    variables: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, Any] = field(default_factory=dict)  # never saved
    place_kept: dict[str, Any] = field(default_factory=dict)  # the waiting that the caller left for a callback; see waiting.py
    secret_steps: dict[str, str] = field(default_factory=dict)  # variable -> flow:step that asks for it
    digits: str = ""  # type-ahead: pressed, not yet used by a step
    timers: dict[str, float] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    tokens: int = 0
    trace_length: int = 0
    steps_without_input: int = 0
    failed_entries: int = 0  # no_input and no_match over the whole call
    answered: bool = False
    fallen_back: bool = False  # the flow's fallback has been entered once already
    hung_up: bool = False  # the caller is gone; only on_hangup steps may run
    finished: bool = False

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    def next_deadline(self) -> float | None:
        """UTC seconds of the timer due next, or None."""
        return min(self.timers.values()) if self.timers else None

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready dict; secrets and type-ahead are left out (a digit waiting there may be part of a secret)."""
        call = self.call
        return {
            "format": RECORD_FORMAT,
            "call": [call.call_id, call.dialled, call.number, call.name, call.started_at, call.phone],
            "frames": [[f.flow, f.version, f.step, f.state, f.entered_at, f.menus, f.greeted] for f in self.frames],
            "language": self.language,
            "variables": self.variables,
            "secret_steps": self.secret_steps,
            "timers": self.timers,
            "counters": self.counters,
            "tokens": self.tokens,
            "trace_length": self.trace_length,
            "steps_without_input": self.steps_without_input,
            "failed_entries": self.failed_entries,
            "answered": self.answered,
            "fallen_back": self.fallen_back,
            "place_kept": self.place_kept,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Run:
        """The inverse of to_record. Raises ValueError for a record of another format."""
        if record.get("format") != RECORD_FORMAT:
            raise ValueError(f"a saved run of format {record.get('format')!r} can't be read here; this is format {RECORD_FORMAT}")
        return cls(
            call=CallInfo(*record["call"]),
            frames=[Frame(*values) for values in record["frames"]],
            language=record["language"],
            variables=dict(record["variables"]),
            secret_steps=dict(record["secret_steps"]),
            timers=dict(record["timers"]),
            counters=dict(record["counters"]),
            tokens=record["tokens"],
            trace_length=record["trace_length"],
            steps_without_input=record["steps_without_input"],
            failed_entries=record["failed_entries"],
            answered=record["answered"],
            fallen_back=record["fallen_back"],
            place_kept=dict(record.get("place_kept", {})),
        )
