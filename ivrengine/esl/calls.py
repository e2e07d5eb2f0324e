"""Which calls are ours, what each of them still has to finish, and which of the switch's events mean something for them.

Everything here runs in the reader's greenlet or between two switches of greenlets: it never waits, and the listener it calls may only
enqueue. A call is known from its offer (or its adoption) until its hang-up has been told, which happens exactly once; events of
other channels, of applications that we did not start and of calls that have ended mean nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from gevent.event import Event

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.events import CallerHungUp, CallEvent

from .commands import whole_token
from .translate import (
    ChannelState,
    Pending,
    call_info,
    cause_of,
    channel_state,
    completion,
    digit_event,
    is_hung_up,
    lost_completion,
)
from .wire import RawEvent

PENDING_LIMIT = 32  # commands of one call whose ends have not been seen; more means that their ends never come
TAKEN_OVER = "TAKEN_BY_FALLBACK"  # our word for the end of a call that the switch's fallback has taken from us
CALL_EVENTS = ("CHANNEL_PARK", "CHANNEL_EXECUTE_COMPLETE", "DTMF", "RECORD_STOP", "CHANNEL_HANGUP_COMPLETE")
CALLS_OWN = frozenset(("CHANNEL_EXECUTE_COMPLETE", "DTMF"))  # mean nothing for legs when a call's channel has them
OtherEvents = Callable[[str, str, str | None, RawEvent], None]  # name, channel, presence data, event

log = logging.getLogger(__name__)


class SwitchListener(Protocol):
    """What the runtime offers the switch. Called where nothing may wait: these methods only enqueue."""

    def call_offered(self, call: CallInfo, channel: ChannelState) -> None:
        """A parked call that nobody has claimed."""

    def call_event(self, call_id: str, event: CallEvent) -> None:
        """Something happened on a call that was offered or adopted."""

    def switch_connected(self, core_uuid: str, channels: list[ChannelState]) -> None:
        """The link is up; ``channels`` are the calls claimed earlier, by this process or another. Their events follow."""

    def switch_lost(self, reason: str) -> None:
        """The link is down; calls go on at the switch."""


@dataclass(slots=True)
class _Call:
    pending: dict[str, Pending] = field(default_factory=dict)
    idle: Event | None = None  # set when a command that was asked to stop has ended


class Calls:
    def __init__(
        self, listener: SwitchListener, shard: str, clock: Callable[[], float], others: OtherEvents = lambda *told: None
    ) -> None:
        """``others`` is told every event, first, except a key or an application's end on a call's channel."""
        self._others = others
        self._listener = listener
        self._shard = shard
        self._clock = clock
        self._calls: dict[str, _Call] = {}

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._calls

    def __len__(self) -> int:
        return len(self._calls)

    def ids(self) -> list[str]:
        return list(self._calls)

    # -- what the engine does

    def adopt(self, call_id: str) -> None:
        """Know a call without offering it."""
        self._calls.setdefault(call_id, _Call())

    def expect(self, call_id: str, command: Pending) -> bool:
        """Registered before the command is sent: its end may be here before the answer that it was queued. False for a call that
        has ended: its hang-up has been told."""
        call = self._calls.get(call_id)
        if call is None:
            return False
        if len(call.pending) >= PENDING_LIMIT:
            oldest = next(iter(call.pending))
            log.warning("the end of a %s was never seen; giving it up", call.pending[oldest].kind, extra={"call_id": call_id})
            del call.pending[oldest]
        call.pending[command.token] = command
        return True

    def unexpect(self, call_id: str, token: str) -> bool:
        """The command was not sent after all, or no event will tell its end. False where it was not expected any more."""
        call = self._calls.get(call_id)
        return call is not None and self._take(call, token) is not None

    def playing(self, call_id: str) -> list[Pending]:
        call = self._calls.get(call_id)
        return [command for command in call.pending.values() if command.kind == "play"] if call else []

    def stopping(self, call_id: str) -> Event | None:
        """Set as soon as no stopped playback is pending any more; None where none is now."""
        call = self._calls.get(call_id)
        if call is None or not any(command.stopped for command in call.pending.values()):
            return None
        if call.idle is None or call.idle.is_set():
            call.idle = Event()
        return call.idle

    def forget(self, call_id: str) -> None:
        """The call is not ours any more: none of its events are told, and it may be offered again."""
        call = self._calls.pop(call_id, None)
        if call is not None and call.idle is not None:
            call.idle.set()

    # -- what the switch tells

    def on_event(self, event: RawEvent) -> None:
        """One of CALL_EVENTS, or one that only legs have."""
        name, call_id, shard = event.route()
        if shard != self._shard:
            self._others(name, call_id, shard, event)
            return
        if name not in CALLS_OWN:
            self._others(name, call_id, shard, event)
        call = self._calls.get(call_id)
        if call is None:
            if name == "CHANNEL_PARK" and not is_hung_up(event):
                self.offer(event)
        elif name == "CHANNEL_EXECUTE_COMPLETE":
            self._completed(call_id, call, event)
        elif name == "DTMF":
            digit = digit_event(event, list(call.pending.values()))
            if digit is not None:
                self._listener.call_event(call_id, digit)
        elif name == "RECORD_STOP":
            path = event.get("Record-File-Path")
            for command in call.pending.values():
                if command.kind == "record" and command.path == path:
                    command.recorded = True
        elif name == "CHANNEL_HANGUP_COMPLETE":
            self.gone(call_id, cause_of(event))

    def offer(self, event: RawEvent) -> None:
        now = self._clock()
        info = call_info(event, now)
        self._calls[info.call_id] = _Call()
        self._listener.call_offered(info, channel_state(event, now))

    def _completed(self, call_id: str, call: _Call, event: RawEvent) -> None:
        command = self._take(call, whole_token(call_id, event.get("Application-UUID") or ""))
        if command is not None:
            meaning = completion(command, event)
            if meaning is not None:
                self._listener.call_event(call_id, meaning)
        if is_hung_up(event):
            # The hang-up's own event comes only after the switch's paperwork; the flow should not play to nobody until then.
            self.gone(call_id, cause_of(event))

    def _take(self, call: _Call, token: str) -> Pending | None:
        command = call.pending.pop(token, None)
        if call.idle is not None and not any(other.stopped for other in call.pending.values()):
            call.idle.set()
        return command

    def gone(self, call_id: str, cause: str) -> None:
        """Tells the hang-up once; what was still pending will never end."""
        if call_id in self._calls:
            self.forget(call_id)
            self._listener.call_event(call_id, CallerHungUp(cause))

    def settle(self, channels: list[ChannelState], fallback: str = "") -> None:
        """After resynchronising: calls that are gone have hung up; commands whose application runs no more have ended unseen.

        A call that has reached the extension ``fallback`` meanwhile is not ours any more.
        """
        running = {channel.call_id: channel.application for channel in channels}
        taken = {channel.call_id for channel in channels if fallback and channel.dialled == fallback}
        for call_id, call in list(self._calls.items()):
            if call_id not in running:
                self.gone(call_id, "LOST_WHILE_DISCONNECTED")
            elif call_id in taken:
                self.gone(call_id, TAKEN_OVER)
            elif not running[call_id]:
                for token in list(call.pending):
                    command = self._take(call, token)
                    if command is not None:
                        self._listener.call_event(call_id, lost_completion(command))
