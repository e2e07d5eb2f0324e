"""Deadlines without a clock: alarms that are set, moved and stopped cheaply, and fall due when the dispatcher is told the time.

An alarm that is moved to a later time or stopped leaves its old entry in the heap; the entry is recognised as dead when it comes up.
When the dead outnumber the living the heap is built anew. Alarms due at the same instant fall due in the order of their creation,
so that nobody's reading of ``next_deadline`` can change what happens.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from typing import Any

NEVER = inf
DEAD_ALLOWED = 256  # entries, beyond as many as the living


class Alarm:
    """One deadline of one owner. ``due`` is when it is wanted, ``armed`` when its entry in the heap comes up (never later)."""

    __slots__ = ("kind", "owner", "due", "armed", "number")

    def __init__(self, kind: str, owner: Any, number: int) -> None:
        self.kind = kind
        self.owner = owner
        self.due = NEVER
        self.armed = NEVER
        self.number = number

    def __lt__(self, other: Alarm) -> bool:
        return self.number < other.number


class Timers:
    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Alarm]] = []
        self._numbers = count()
        self.living = 0

    def new(self, kind: str, owner: Any) -> Alarm:
        return Alarm(kind, owner, next(self._numbers))

    def set(self, alarm: Alarm, due: float) -> None:
        """From now on ``alarm`` falls due at ``due``; NEVER stops it."""
        if alarm.due is not NEVER:
            self.living -= 1
        if due == NEVER:
            alarm.due = NEVER
            return
        alarm.due = due
        self.living += 1
        if due < alarm.armed:
            alarm.armed = due
            heappush(self._heap, (due, alarm.number, alarm))
            if len(self._heap) > 2 * self.living + DEAD_ALLOWED:
                self._bury_the_dead()

    def stop(self, alarm: Alarm) -> None:
        if alarm.due is not NEVER:
            alarm.due = NEVER
            self.living -= 1

    def next_deadline(self) -> float | None:
        heap = self._heap
        while heap:
            at, _, alarm = heap[0]
            if at == alarm.armed and at == alarm.due:
                return at
            heappop(heap)
            self._rearm(at, alarm)
        return None

    def take_due(self, now: float) -> Alarm | None:
        """The next alarm that is due at ``now``, stopped; None when there is none."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            at, _, alarm = heappop(heap)
            if at == alarm.armed and at == alarm.due:
                alarm.armed = NEVER
                self.stop(alarm)
                return alarm
            self._rearm(at, alarm)
        return None

    def _rearm(self, at: float, alarm: Alarm) -> None:
        """An entry has come up before its alarm is due: enter it again for the time it is wanted."""
        if at == alarm.armed:
            alarm.armed = alarm.due
            if alarm.due is not NEVER:
                heappush(self._heap, (alarm.due, alarm.number, alarm))

    def _bury_the_dead(self) -> None:
        kept = {}
        for at, number, alarm in self._heap:
            if alarm.due is NEVER:
                alarm.armed = NEVER
            elif at == alarm.armed:
                kept[number] = (at, number, alarm)
        self._heap = list(kept.values())
        heapify(self._heap)
