"""The wall clock, watched: whoever sets it while calls are up must not fire everyone's timers, nor put them off for an hour.

Timers of calls are instants of the wall clock, because they are saved. This clock compares itself with one that nobody can
set, and tells of every jump before it answers, so that what was due in a moment can be moved along.
"""

from __future__ import annotations

import time
from collections.abc import Callable

JUMP_SECONDS = 2.0  # less is left alone: it may be only a greenlet that was kept waiting between two readings


class WatchedClock:
    """Calling it gives UTC seconds. ``on_jump`` gets the seconds by which the clock was put forward (less than nought: back)."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self.on_jump: Callable[[float], None] = lambda seconds: None
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()

    def __call__(self) -> float:
        now = self._wall()
        jump = now - self._steady() - self._offset
        if abs(jump) > JUMP_SECONDS:
            self._offset += jump
            self.on_jump(jump)
        return now


class EvenClock:
    """UTC seconds that run on evenly whatever is done to the wall clock: nobody's place in line or ringing time moves with it.

    After the wall clock was set, ``wall`` turns these instants into the wall's, for what is written down.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._set_by = 0.0

    def __call__(self) -> float:
        now = self._clock()  # first: this is when a WatchedClock tells of a jump
        return now - self._set_by

    def was_set(self, seconds: float) -> None:
        self._set_by += seconds

    def wall(self, at: float) -> float:
        return at + self._set_by
