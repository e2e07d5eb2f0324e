"""Time in the embedded switch: simulated milliseconds, one heap of timers, one greenlet that serves them.

Simulated time runs ``speed`` times as fast as the wall clock, so a 30 s prompt takes 1.5 s at speed 20 and is still
reported as 30,000 ms everywhere: in variables, in events' timestamps, in recordings. Callbacks must not block. A callback
that raises is logged and the next one runs: one broken call never stops the switch.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import time
from collections.abc import Callable

import gevent
from gevent.event import Event

log = logging.getLogger(__name__)

CALLBACKS_PER_TURN = 100  # then the sockets get their turn
COMPACT_ABOVE = 1000  # cancelled timers kept before the heap is rebuilt


class SimClock:
    """Simulated time since the switch was made, and the wall-clock time that stands for it."""

    def __init__(self, speed: float = 1.0) -> None:
        if not 0.1 <= speed <= 1000:
            raise ValueError(f"speed must lie between 0.1 and 1000, not {speed}")
        self.speed = speed
        self._started = time.monotonic()
        self._started_wall = time.time()

    def now_ms(self) -> float:
        return (time.monotonic() - self._started) * 1000.0 * self.speed

    def wall_seconds(self) -> float:
        """UTC seconds of simulated time: what events and variables show."""
        return self._started_wall + self.now_ms() / 1000.0

    def wall_us(self) -> int:
        return int(self.wall_seconds() * 1_000_000)


class Timer:
    """A callback that is due at ``due_ms`` of simulated time, unless it is cancelled first."""

    __slots__ = ("callback", "cancelled", "due_ms")

    def __init__(self, due_ms: float, callback: Callable[[], None]) -> None:
        self.due_ms = due_ms
        self.callback = callback
        self.cancelled = False


class Scheduler:
    """All timers of the switch in one heap."""

    def __init__(self, clock: SimClock) -> None:
        self.clock = clock
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._wake = Event()
        self._cancelled = 0
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None
        self._heap.clear()

    def call_at(self, due_ms: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(due_ms, callback)
        earliest = not self._heap or due_ms < self._heap[0][0]
        heapq.heappush(self._heap, (due_ms, next(self._numbers), timer))
        if earliest:
            self._wake.set()
        return timer

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> Timer:
        return self.call_at(self.clock.now_ms() + delay_ms, callback)

    def cancel(self, timer: Timer) -> None:
        if timer.cancelled:
            return
        timer.cancelled = True
        self._cancelled += 1
        if self._cancelled > COMPACT_ABOVE and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if not entry[2].cancelled]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def _run(self) -> None:
        while True:
            served = 0
            now = self.clock.now_ms()
            while self._heap and self._heap[0][0] <= now and served < CALLBACKS_PER_TURN:
                timer = heapq.heappop(self._heap)[2]
                if timer.cancelled:
                    self._cancelled = max(0, self._cancelled - 1)
                    continue
                timer.cancelled = True  # a timer that has fired can't be cancelled any more
                served += 1
                try:
                    timer.callback()
                except Exception:
                    log.exception("a timer of the embedded switch failed")
            if served:
                gevent.sleep(0)
                continue
            self._wake.clear()
            wait = None
            if self._heap:
                wait = max(0.0, (self._heap[0][0] - self.clock.now_ms()) / 1000.0 / self.clock.speed)
            self._wake.wait(wait)
