"""A routine: straight-line code as a generator, resumed by timers and wake-ups instead of by a thread or greenlet.

The generator yields the simulated time (ms) at which it wants to look again, or None to be woken only by others. It must
re-check what it waits for each time it is resumed: a wake-up says "look again", never "it happened". This is FreeSWITCH's
session thread, without the thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator

from .clock import Scheduler, Timer

log = logging.getLogger(__name__)

FRAME_MS = 20.0  # FreeSWITCH looks at commands, digits and flags once per audio frame
Steps = Generator[float | None, None, object]


class Routine:
    """Runs one generator. ``on_end(result)`` is called once, with None when the generator failed or was dropped."""

    def __init__(self, scheduler: Scheduler, steps: Steps | Callable[[Routine], Steps],
                 on_end: Callable[[object], None] | None = None) -> None:
        """``steps`` may be a function that makes them, for steps that must know their own routine."""
        self.scheduler = scheduler
        self._steps: Steps | None = steps(self) if callable(steps) else steps
        self._on_end = on_end
        self._timer: Timer | None = None
        self._running = False
        self._wake_again = False

    @property
    def ended(self) -> bool:
        return self._steps is None

    def wake(self, delay_ms: float = FRAME_MS) -> None:
        """Look again after at most ``delay_ms``."""
        if self._steps is None:
            return
        if self._running:
            self._wake_again = True
            return
        due = self.scheduler.clock.now_ms() + delay_ms
        if self._timer is not None:
            if self._timer.due_ms <= due:
                return
            self.scheduler.cancel(self._timer)
        self._timer = self.scheduler.call_at(due, self._resume)

    def drop(self) -> None:
        """End at once, without running what is left: the switch has crashed."""
        if self._timer is not None:
            self.scheduler.cancel(self._timer)
            self._timer = None
        self._steps = None
        self._on_end = None

    def _resume(self) -> None:
        self._timer = None
        if self._steps is None:
            return
        self._running = True
        self._wake_again = False
        try:
            due = next(self._steps)
        except StopIteration as end:
            self._end(end.value)
            return
        except Exception:
            log.exception("a routine of the embedded switch failed")
            self._end(None)
            return
        finally:
            self._running = False
        if self._steps is None:
            return
        if self._wake_again:
            self.wake(FRAME_MS if due is None else max(0.0, min(FRAME_MS, due - self.scheduler.clock.now_ms())))
        elif due is not None:
            self._timer = self.scheduler.call_at(due, self._resume)

    def _end(self, result: object) -> None:
        self._steps = None
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(result)
