"""Queues without agents, for rehearsed calls: each plays a scene, the same for every caller who waits in it.

A scene is a list of lines, ``20 found``, ``0.5 lost``, ``1 began``, ``30 ended answered``: so many seconds after the line before it,
that happens. ``began`` counts from the moment when the caller is ready to talk. Other lines: ``paused``, ``requeued delivery``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ivrengine.domain import commands as do
from ivrengine.domain.events import (
    AgentFound,
    AgentLost,
    CallbackDecided,
    CallEvent,
    QueueEnded,
    QueueEvent,
    Requeued,
    TalkBegan,
    TalkPaused,
)

from .world import QueueFacts, QueuePlace

FOUND_AGAIN_SECONDS = 5.0  # after a restart that has cost an agent who had been found, until the next one

Planned = tuple[float, CallEvent]  # when, UTC seconds, and what


@dataclass(frozen=True, slots=True)
class Scene:
    """How a queue behaves. Without ``lines``: an agent is found after ``wait_seconds`` and talks for ``talk_seconds``, or the waiting
    ends then by another ``outcome``.

    ``ahead``: callers who are served before; they leave evenly. ``wait_minutes``: (from so many seconds of waiting on, least, most).
    ``callback``: how a RequestCallback is decided.
    """

    agent: str = "1001"
    wait_seconds: float = 20.0
    talk_seconds: float = 30.0
    outcome: str = "answered"
    lines: tuple[str, ...] = ()
    greeting: str = ""
    announce_recording: bool = False
    ahead: int = 0
    agents: int = 1
    expected_wait_seconds: float | None = None
    wait_minutes: tuple[tuple[float, int, int], ...] = ()
    callback: str = "accepted"

    def script(self) -> tuple[str, ...]:
        if self.lines:
            return self.lines
        if self.outcome != "answered":
            return (f"{self.wait_seconds} ended {self.outcome}",)
        return (f"{self.wait_seconds} found", "0.1 began", f"{self.talk_seconds} ended answered")


@dataclass(slots=True)
class _Waiting:
    scene: Scene
    command: do.Enqueue
    began_at: float
    line: int = 0  # of the script, that happens next
    phase: str = "waiting"  # or found, ready, talking, paused, over
    planned: CallEvent | None = None
    due: float = 0.0
    told: CallEvent | None = None  # how things stand, which no line of the script has brought about
    rest_seconds: float | None = None  # the engine is down: so long before what was planned


@dataclass(slots=True)
class RehearsedQueues:
    """Implements world.Queues. ``scenes``: queue -> its scene; ``usual`` is the others', None where there are no others."""

    scenes: Mapping[str, Scene] = field(default_factory=dict)
    usual: Scene | None = Scene()
    _waiting: dict[str, _Waiting] = field(default_factory=dict)

    def facts(self, queue: str) -> QueueFacts | None:
        scene = self.scenes.get(queue, self.usual)
        if scene is None:
            return None
        return QueueFacts(scene.ahead, 0.0, scene.agents, 0, scene.expected_wait_seconds)

    def place(self, token: str, now: float) -> QueuePlace | None:
        waiting = self._waiting.get(token)
        if waiting is None or waiting.phase != "waiting":
            return None
        scene, waited = waiting.scene, now - waiting.began_at
        left = max(0.0, 1 - waited / scene.wait_seconds) if scene.wait_seconds else 0.0
        minutes = [(least, most) for since, least, most in scene.wait_minutes if waited >= since]
        return QueuePlace(1 + math.ceil(scene.ahead * left), waited, minutes[-1] if minutes else None)

    # -- what the caller's step asks for -------------------------------------------------------------------------------

    def asked(self, command: do.Command, now: float) -> list[Planned]:
        """What will happen because of a command; nothing, for one that is no matter of queues."""
        match command:
            case do.Enqueue():
                return self._enqueue(command, now)
            case do.ReadyToTalk(token):
                return self._ready(token, now)
            case do.LeaveQueue(token, outcome):
                return self._leave(token, outcome, now)
            case do.RequestCallback():
                return self._request_callback(command, now)
        return []

    def _enqueue(self, command: do.Enqueue, now: float) -> list[Planned]:
        known = self._waiting.get(command.token)
        if known is not None:
            return self._attach(known, now)
        scene = self.scenes.get(command.queue, self.usual)
        if scene is None:
            return [(now, QueueEnded(command.token, "failed", detail=f"there is no queue {command.queue}"))]
        waiting = self._waiting[command.token] = _Waiting(scene, command, now)
        return self._next(waiting, now)

    def _ready(self, token: str, now: float) -> list[Planned]:
        waiting = self._waiting.get(token)
        if waiting is None or waiting.phase != "found":
            return []
        waiting.phase = "ready"
        return self._next(waiting, now) if waiting.planned is None else []

    def _leave(self, token: str, outcome: str, now: float) -> list[Planned]:
        waiting = self._waiting.pop(token, None)
        return [] if waiting is None else [(now, QueueEnded(token, outcome))]

    def _request_callback(self, command: do.RequestCallback, now: float) -> list[Planned]:
        scene = self.scenes.get(command.queue, self.usual)
        decided = CallbackDecided(command.token, scene.callback if scene else "failed")  # type: ignore[arg-type]
        taken = self._leave(command.place, "callback_requested", now) if decided.outcome == "accepted" else []
        return [*taken, (now, decided)]

    # -- time ----------------------------------------------------------------------------------------------------------

    def expects(self, event: QueueEvent) -> bool:
        """Whether a planned event still happens."""
        waiting = self._waiting.get(event.token)
        return isinstance(event, QueueEnded) if waiting is None else event is waiting.planned or event is waiting.told

    def happened(self, event: QueueEvent, now: float) -> list[Planned]:
        """A planned event has come: what follows it."""
        waiting = self._waiting.get(event.token)
        if waiting is None or waiting.planned is not event:
            return []
        waiting.planned = None
        waiting.line += 1
        match event:
            case AgentFound():
                waiting.phase = "found"
            case AgentLost() | Requeued():
                waiting.phase = "waiting"
            case TalkBegan():
                waiting.phase = "talking"
            case TalkPaused():
                waiting.phase = "paused"
            case QueueEnded():
                del self._waiting[event.token]
                return []
        return self._next(waiting, now)

    def engine_is_down(self, now: float, until: float) -> None:
        """Nobody is matched meanwhile; talks go on."""
        for waiting in self._waiting.values():
            elapsed = until - now if waiting.phase in ("talking", "paused") else 0.0
            waiting.rest_seconds = max(0.0, waiting.due - now - elapsed)
            waiting.planned = None

    def _attach(self, waiting: _Waiting, now: float) -> list[Planned]:
        """A known token: tell how things stand, and go on from there."""
        rest, waiting.rest_seconds = waiting.rest_seconds, None
        token, agent = waiting.command.token, waiting.scene.agent
        waiting.told = None
        if waiting.phase in ("found", "ready"):
            waiting.told = AgentLost(token)
            script = waiting.scene.script()
            waiting.line = max(line for line in range(waiting.line) if script[line].split()[1] == "found")
            waiting.phase, rest = "waiting", FOUND_AGAIN_SECONDS
        elif waiting.phase == "talking":
            waiting.told = TalkBegan(token, agent)
        elif waiting.phase == "paused":
            waiting.told = TalkPaused(token)
        told = [(now, waiting.told)] if waiting.told else []
        return [*told, *(self._next(waiting, now, rest) if rest is not None else ())]

    def _next(self, waiting: _Waiting, now: float, seconds: float | None = None) -> list[Planned]:
        script = waiting.scene.script()
        if waiting.line >= len(script):
            return []
        line, what, *more = script[waiting.line].split()
        if what == "began" and waiting.phase == "found":
            return []  # when the caller is ready
        token, scene = waiting.command.token, waiting.scene
        waiting.due = now + (float(line) if seconds is None else seconds)
        match what:
            case "found":
                event: QueueEvent = AgentFound(token, scene.agent, "", scene.greeting, scene.announce_recording)
            case "lost":
                event = AgentLost(token)
            case "began":
                event = TalkBegan(token, scene.agent)
            case "paused":
                event = TalkPaused(token)
            case "requeued":
                event = Requeued(token, more[0])
            case "ended":
                event = QueueEnded(token, more[0], scene.agent if more[0] == "answered" else "")
            case _:
                raise ValueError(f"unknown line of a scene: {script[waiting.line]}")
        waiting.planned = event
        return [(waiting.due, event)]
