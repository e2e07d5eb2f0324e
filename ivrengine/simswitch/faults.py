"""Faults on demand: what can go wrong between the engine and a switch, so that it can be tried.

Set by ``sim fault`` (see the package docstring). Holds no behaviour of its own: sessions ask ``refusal`` before each
command, audio asks ``lost`` before each file.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .channel import Channel

REFUSALS_LIMIT = 100
LOST_LIMIT = 10_000
QUEUED_LIMIT = 10_000  # faults that wait for their command
BRIDGE_STAGES = ("scheduled", "waiting", "bridged")


@dataclass
class Refusal:
    """Answer ``reply`` to the next ``times`` commands that start with ``prefix``, and do nothing else with them."""

    prefix: str
    reply: str
    times: int


@dataclass
class BridgeFault:
    """Somebody hangs up at a stage of a uuid_bridge, or ``after_ms`` of it: "first" or "second", as in the command's arguments."""

    who: str
    stage: str = ""
    after_ms: float = 0.0


@dataclass
class Faults:
    delay_events_ms: float = 0.0
    lost_files: set[str] = field(default_factory=set)
    refusals: list[Refusal] = field(default_factory=list)
    reject_connections: int = 0
    bridges: deque[BridgeFault] = field(default_factory=deque)  # one for each uuid_bridge to come
    channel_delays_ms: deque[float] = field(default_factory=deque)  # one for each originate to come
    other_uuids: int = 0

    def clear(self) -> None:
        self.delay_events_ms = 0.0
        self.lost_files.clear()
        self.refusals.clear()
        self.reject_connections = 0
        self.bridges.clear()
        self.channel_delays_ms.clear()
        self.other_uuids = 0

    def refusal(self, command: str) -> str | None:
        """The reply to give instead of performing ``command`` (its first line), or None."""
        for refusal in self.refusals:
            if command.startswith(refusal.prefix):
                refusal.times -= 1
                if refusal.times <= 0:
                    self.refusals.remove(refusal)
                return refusal.reply
        return None

    def channel_delay_ms(self) -> float:
        """How long the next originate takes until there is a channel."""
        return self.channel_delays_ms.popleft() if self.channel_delays_ms else 0.0

    def takes_another_uuid(self) -> bool:
        """Whether the next leg does not get the uuid that was asked for."""
        if self.other_uuids <= 0:
            return False
        self.other_uuids -= 1
        return True

    def arm_bridge(self, first: Channel, second: Channel) -> None:
        """A uuid_bridge has been scheduled: the next fault of its kind is for this one."""
        first.bridge_fault = self.bridges.popleft() if self.bridges else None
        fault = first.bridge_fault
        if fault is not None and not fault.stage:
            whose = first if fault.who == "first" else second
            first.core.scheduler.call_later(fault.after_ms, lambda: _hang_up(whose))

    def strike(self, stage: str, first: Channel, second: Channel) -> None:
        """A uuid_bridge has come to ``stage``."""
        fault = first.bridge_fault
        if fault is not None and fault.stage == stage:
            first.bridge_fault = None
            _hang_up(first if fault.who == "first" else second)

    def lost(self, path: str) -> bool:
        """True when a file is to be treated as missing: given by its whole path or by its end."""
        return any(path == name or path.endswith("/" + name) for name in self.lost_files)


def _hang_up(channel: Channel) -> None:
    if channel.person is not None:
        channel.person.hang_up()
    else:
        channel.hangup()
