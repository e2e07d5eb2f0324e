"""The call centre's door for sessions: passes what a call asks for to the part that does it.

A part that is not there refuses by the event that the asker waits for, so that no caller waits for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import AskDesk, Enqueue, KeepMark, RequestCallback
from ivrengine.domain.events import CallbackDecided, CallEvent, DeskAnswered, QueueEnded

Post = Callable[[str, CallEvent], None]  # call id, event; reception.call_event is the real one


class QueuesDoor(Protocol):
    """What the director does for sessions."""

    def enqueue(self, call: CallInfo, command: Enqueue) -> None: ...

    def ready_to_talk(self, call_id: str, token: str) -> None: ...

    def leave(self, call_id: str, token: str, outcome: str) -> None: ...

    def keep_mark(self, call: CallInfo, command: KeepMark) -> None: ...

    def call_began(self, call: CallInfo) -> None: ...

    def call_ended(self, call_id: str) -> None: ...

    def extension_rung(self, call_id: str, extension: str) -> None: ...

    def extension_free(self, call_id: str) -> None: ...


class CallCentre:
    """Implements surroundings.CallCentre. The members are set when the parts have been built."""

    def __init__(self, post: Post) -> None:
        self.director: QueuesDoor | None = None
        self.callbacks: Callable[[CallInfo, RequestCallback], None] | None = None
        self.desk: Callable[[CallInfo, AskDesk], None] | None = None
        self._post = post

    def enqueue(self, call: CallInfo, command: Enqueue) -> None:
        if self.director is None:
            self._post(call.call_id, QueueEnded(command.token, "failed", detail="there is no call centre"))
        else:
            self.director.enqueue(call, command)

    def ready_to_talk(self, call_id: str, token: str) -> None:
        if self.director is not None:
            self.director.ready_to_talk(call_id, token)

    def leave(self, call_id: str, token: str, outcome: str) -> None:
        if self.director is not None:
            self.director.leave(call_id, token, outcome)

    def request_callback(self, call: CallInfo, command: RequestCallback) -> None:
        if self.callbacks is None:
            self._post(call.call_id, CallbackDecided(command.token, "failed"))
        else:
            self.callbacks(call, command)

    def keep_mark(self, call: CallInfo, command: KeepMark) -> None:
        if self.director is not None:
            self.director.keep_mark(call, command)

    def ask_desk(self, call: CallInfo, command: AskDesk) -> None:
        if self.desk is None:
            self._post(call.call_id, DeskAnswered(command.token, "failed"))
        else:
            self.desk(call, command)

    def call_began(self, call: CallInfo) -> None:
        if self.director is not None:
            self.director.call_began(call)

    def call_ended(self, call_id: str) -> None:
        if self.director is not None:
            self.director.call_ended(call_id)

    def extension_rung(self, call_id: str, extension: str) -> None:
        if self.director is not None:
            self.director.extension_rung(call_id, extension)

    def extension_free(self, call_id: str) -> None:
        if self.director is not None:
            self.director.extension_free(call_id)
