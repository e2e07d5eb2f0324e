"""The state of the embedded switch that everything shares: channels, listeners, scheduled tasks, the hash, its Core-UUID.

Everything here runs without ever giving way to another greenlet, so there are no locks: a command, a timer or a digit is
dealt with completely before the next. Sending to sockets is queued by the sessions.
"""

from __future__ import annotations

import itertools
import socket
import uuid
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .clock import Scheduler, SimClock, Timer
from .dialplan import APOLOGY, Dialplan
from .events import Event, Headers, base_headers
from .faults import Faults
from .phones import Phones

if TYPE_CHECKING:
    from .callers import Person
    from .channel import Channel

HEARTBEAT_SECONDS = 20  # of simulated time
CALLS_REMEMBERED = 1000  # what callers heard is kept for so many calls that have ended
CHANNEL_LIMIT = 10_000
TASK_LIMIT = 50_000
VERSION = "1.10.12-simulated"


class Listener(Protocol):
    """An event socket connection, as far as events go."""

    def wants(self, event: Event) -> bool: ...

    def subscribed(self, name: str) -> bool: ...

    def send_event(self, event: Event) -> None: ...


class Task:
    """Something scheduled: ``group`` is the uuid of the call it belongs to, or a name of the client's own."""

    __slots__ = ("group", "number", "timer")

    def __init__(self, number: int, group: str, timer: Timer) -> None:
        self.number = number
        self.group = group
        self.timer = timer


class Core:
    """One simulated FreeSWITCH, without its sockets."""

    def __init__(self, *, sounds_dir: Path, recordings_dir: Path, numbers: list[str], domain: str = "ivr.local",
                 speed: float = 1.0, apology: str = APOLOGY) -> None:
        self.clock = SimClock(speed)
        self.scheduler = Scheduler(self.clock)
        self.sounds_dir = sounds_dir
        self.recordings_dir = recordings_dir
        self.domain = domain
        self.hostname = socket.gethostname()
        self.dialplan = Dialplan(numbers, recordings_dir, domain, apology)
        self.phones = Phones()
        self.faults = Faults()
        self.listeners: list[Listener] = []
        self.restart_hook: Callable[[bool, float], object] | None = None
        self.drop_hook: Callable[[str, object], int] | None = None
        self._heard: OrderedDict[str, Person] = OrderedDict()
        self._fresh()

    def _fresh(self) -> None:
        self.core_uuid = str(uuid.uuid4())
        self.channels: dict[str, Channel] = {}
        self.hash: dict[str, str] = {}
        self.globals: dict[str, str] = {"domain": self.domain, "hostname": self.hostname}
        self.sessions_since_start = 0
        self.sessions_peak = 0
        self.started_ms = self.clock.now_ms()
        self._sequence = 0
        self._tasks: dict[int, Task] = {}
        self._groups: dict[str, set[int]] = {}
        self._task_numbers = itertools.count(1)

    def start(self) -> None:
        self.scheduler.start()
        self.scheduler.call_later(HEARTBEAT_SECONDS * 1000, self._heartbeat)

    def stop(self) -> None:
        self._drop_calls()
        self.scheduler.stop()

    # Channels

    def add_channel(self, channel: Channel) -> None:
        self.channels[channel.uuid] = channel
        self.sessions_since_start += 1
        self.sessions_peak = max(self.sessions_peak, len(self.channels))

    def remove_channel(self, channel: Channel) -> None:
        self.channels.pop(channel.uuid, None)
        self.delete_group(channel.uuid)

    def remember(self, channel_uuid: str, person: Person) -> None:
        """Keep what ``person`` hears for ``sim heard``, also after the call."""
        self._heard[channel_uuid] = person
        while len(self._heard) > CALLS_REMEMBERED + CHANNEL_LIMIT or (
            len(self._heard) > CALLS_REMEMBERED and next(iter(self._heard)) not in self.channels
        ):
            self._heard.popitem(last=False)

    def person(self, channel_uuid: str) -> Person | None:
        return self._heard.get(channel_uuid)

    # Events

    def base(self, name: str) -> Headers:
        """The headers that every event starts with, for text that looks like an event but is none."""
        return base_headers(name, self.core_uuid, self.hostname, self.clock.wall_us(), self._sequence)

    def fire(self, name: str, channel: Channel | None = None, first: Headers | None = None, last: Headers | None = None,
             body: str | None = None) -> None:
        """Fire an event: ``first`` headers stand before the channel's, ``last`` after them."""
        self._sequence += 1
        if not any(listener.subscribed(name) for listener in self.listeners):
            return
        sequence, wall_us = self._sequence, self.clock.wall_us()

        def build() -> Headers:
            headers = base_headers(name, self.core_uuid, self.hostname, wall_us, sequence)
            headers += first or []
            if channel is not None:
                headers += channel.event_headers(name)
            headers += last or []
            return headers

        event = Event(name, build, body)
        for listener in self.listeners:
            if listener.subscribed(name) and listener.wants(event):
                listener.send_event(event)

    def _heartbeat(self) -> None:
        self.scheduler.call_later(HEARTBEAT_SECONDS * 1000, self._heartbeat)
        self.fire("HEARTBEAT", last=[
            ("Event-Info", "System Ready"),
            ("Up-Time", self.uptime()),
            ("FreeSWITCH-Version", VERSION),
            ("Uptime-msec", str(int(self.clock.now_ms() - self.started_ms))),
            ("Session-Count", str(len(self.channels))),
            ("Max-Sessions", str(CHANNEL_LIMIT)),
            ("Session-Per-Sec", "1000"),
            ("Session-Per-Sec-Last", "0"),
            ("Session-Per-Sec-Max", "0"),
            ("Session-Per-Sec-FiveMin", "0"),
            ("Session-Since-Startup", str(self.sessions_since_start)),
            ("Session-Peak-Max", str(self.sessions_peak)),
            ("Session-Peak-FiveMin", str(self.sessions_peak)),
            ("Idle-CPU", "99.000000"),
        ])

    def uptime(self) -> str:
        """As ``status`` and HEARTBEAT write it."""
        milliseconds = int(self.clock.now_ms() - self.started_ms)
        seconds = milliseconds // 1000
        return (f"0 years, {seconds // 86400} days, {seconds // 3600 % 24} hours, {seconds // 60 % 60} minutes, "
                f"{seconds % 60} seconds, {milliseconds % 1000} milliseconds, 0 microseconds")

    # Scheduled tasks

    def schedule(self, delay_seconds: float, group: str, action: Callable[[], None]) -> int:
        """Number of the task, or 0 when TASK_LIMIT tasks wait already."""
        if len(self._tasks) >= TASK_LIMIT:
            return 0
        number = next(self._task_numbers)

        def due() -> None:
            self._forget(number)
            action()

        timer = self.scheduler.call_later(max(0.0, delay_seconds) * 1000, due)
        self._tasks[number] = Task(number, group, timer)
        self._groups.setdefault(group, set()).add(number)
        return number

    def delete_task(self, number: int) -> int:
        task = self._forget(number)
        if task is None:
            return 0
        self.scheduler.cancel(task.timer)
        return 1

    def delete_group(self, group: str) -> int:
        return sum(self.delete_task(number) for number in list(self._groups.get(group, ())))

    def _forget(self, number: int) -> Task | None:
        task = self._tasks.pop(number, None)
        if task is not None:
            members = self._groups.get(task.group, set())
            members.discard(number)
            if not members:
                self._groups.pop(task.group, None)
        return task

    # Crash

    def _drop_calls(self) -> None:
        for channel in list(self.channels.values()):
            channel.drop()
        for task in list(self._tasks.values()):
            self.scheduler.cancel(task.timer)

    def restart(self) -> None:
        """As when the process dies and comes back: every call is gone without an event, and the Core-UUID is another."""
        self._drop_calls()
        self._fresh()
