"""What every call's session shares, and what it may ask of the call centre."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import AskDesk, Enqueue, KeepMark, RequestCallback, TurnedAway
from ivrengine.esl.switch import Switch
from ivrengine.flow.interpreter import Interpreter
from ivrengine.prompts.voice import Voice

from .news import News
from .recorder import Recorder


class CallCentre(Protocol):
    """Queues, callbacks and the desk, as a session sees them. None of these waits; what follows comes back as an event."""

    def enqueue(self, call: CallInfo, command: Enqueue) -> None: ...

    def turned_away(self, call: CallInfo, command: TurnedAway) -> None: ...

    def ready_to_talk(self, call_id: str, token: str) -> None: ...

    def leave(self, call_id: str, token: str, outcome: str) -> None: ...

    def request_callback(self, call: CallInfo, command: RequestCallback) -> None: ...

    def keep_mark(self, call: CallInfo, command: KeepMark) -> None: ...

    def ask_desk(self, call: CallInfo, command: AskDesk) -> None: ...

    def call_began(self, call: CallInfo) -> None:
        """A call has become ours, or was picked up again."""
        ...

    def call_ended(self, call_id: str) -> None:
        """The session is over, however that came."""
        ...

    def extension_rung(self, call_id: str, extension: str) -> None:
        """The call rings this phone of the house without a queue."""
        ...

    def extension_free(self, call_id: str) -> None:
        """That is over."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    interpreter: Interpreter
    switch: Switch
    voice: Voice
    recorder: Recorder
    news: News
    recordings: Path
    clock: Callable[[], float]
    max_call_seconds: float
    call_centre: CallCentre
