"""What a flow may ask of the world, as plain data that edges refresh: hours, blacklist, lists of numbers.

A snapshot, so that asking is instant and pure. Edges replace the members when calendars, overrides or entries change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ivrengine.domain.blacklist import Blacklist


class Hours(Protocol):
    """Answers "which part of the week is it?" for a named calendar; calendars.HoursBook is the real one."""

    def label(self, calendar: str, now: float) -> str:
        """``open``, ``closed``, ``holiday``, or a label of the calendar's own. Raises KeyError for an unknown calendar."""
        ...


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """One queue at this instant. ``expected_wait_seconds``: for one who came now; None where nothing can be said with honesty."""

    waiting: int = 0
    longest_wait_seconds: float = 0.0
    agents: int = 0  # logged in and members
    ready: int = 0
    expected_wait_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """One caller's place. ``position`` counts from 1. ``wait_minutes``: the band to announce, (least, most), which never grows
    during one waiting; None where unsure."""

    position: int
    waited_seconds: float
    wait_minutes: tuple[int, int] | None = None


class Queues(Protocol):
    """Answers about queues; the runtime's director is the real one."""

    def facts(self, queue: str) -> QueueFacts | None:
        """None for an unknown queue."""
        ...

    def place(self, token: str, now: float) -> QueuePlace | None:
        """Of the waiting that an Enqueue with this token began; None where it waits no more."""
        ...


class NoQueues:
    """Where there is no call centre, as in a check of files."""

    def facts(self, queue: str) -> QueueFacts | None:
        return None

    def place(self, token: str, now: float) -> QueuePlace | None:
        return None


@dataclass(slots=True)
class World:
    hours: Hours
    queues: Queues = field(default_factory=NoQueues)
    blacklist: Blacklist = field(default_factory=lambda: Blacklist(()))
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)  # name -> numbers, and prefixes ending in *
    outside_numbers: tuple[str, ...] = ()  # allow-list of destinations; * at the end makes a prefix

    def may_transfer_to(self, number: str) -> bool:
        """True when the allow-list of outside destinations has the number."""
        return any(number.startswith(p[:-1]) if p.endswith("*") else number == p for p in self.outside_numbers)
