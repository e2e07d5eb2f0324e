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


@dataclass(slots=True)
class World:
    hours: Hours
    blacklist: Blacklist = field(default_factory=lambda: Blacklist(()))
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)  # name -> numbers, and prefixes ending in *
    outside_numbers: tuple[str, ...] = ()  # allow-list of destinations; * at the end makes a prefix

    def may_transfer_to(self, number: str) -> bool:
        """True when the allow-list of outside destinations has the number."""
        return any(number.startswith(p[:-1]) if p.endswith("*") else number == p for p in self.outside_numbers)
