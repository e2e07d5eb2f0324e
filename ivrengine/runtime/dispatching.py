"""The dispatcher's loop: happenings in, decisions performed in order, timers fired when they are due.

Nothing in here waits. What happens while a decision is performed (a phone that can't be rung) is told to the dispatcher at once, and
what follows is performed behind what stands before it. A decision whose performing fails costs that decision, never the others.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

import gevent
from gevent.event import Event

from ivrengine.acd.decisions import Decision
from ivrengine.acd.dispatcher import Dispatcher
from ivrengine.acd.happenings import Happening
from ivrengine.domain.commands import RaiseAlarm
from ivrengine.domain.sentence import Sentence

from .greenlets import Crew

IDLE_SECONDS = 60.0  # the timer looks at least so often

log = logging.getLogger(__name__)


class Dispatching:
    """``clock``: UTC seconds that nobody sets (an EvenClock)."""

    def __init__(self, dispatcher: Dispatcher, crew: Crew, clock: Callable[[], float], alarm: Callable[[RaiseAlarm], None]) -> None:
        self.dispatcher = dispatcher
        self.now = clock
        self.crew = crew
        self.alarm = alarm
        self._decided: deque[Decision] = deque()
        self._performing = False
        self._due: float | None = None
        self._woken = Event()
        self._timer: gevent.Greenlet | None = None

    def start(self) -> None:
        """Timers fire from now on."""
        self._timer = self.crew.spawn(self._keep_time)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.kill()

    def feed(self, happening: Happening) -> list[Decision]:
        """Tell the dispatcher, and have what it decides performed. Gives the decisions, for whoever asked (Refused)."""
        decisions = self.dispatcher.feed(happening, self.now())
        self._decide(decisions)
        return decisions

    def expire(self) -> None:
        """Fire the timers that are due."""
        self._decide(self.dispatcher.expire(self.now()))

    def perform(self, decision: Decision) -> None:
        raise NotImplementedError

    def _decide(self, decisions: list[Decision]) -> None:
        self._decided.extend(decisions)
        if self._performing:
            return
        self._performing = True
        try:
            while self._decided:
                self._guarded(self._decided.popleft())
        finally:
            self._performing = False
        due = self.dispatcher.next_deadline()
        if due is not None and (self._due is None or due < self._due):
            self._woken.set()

    def _guarded(self, decision: Decision) -> None:
        try:
            self.perform(decision)
        except Exception as error:
            log.exception("a decision could not be performed")
            self.alarm(
                RaiseAlarm(
                    "director_failed",
                    Sentence("%(name)s: %(name_2)s: %(error)s", name=type(decision).__name__, name_2=type(error).__name__, error=error),
                )
            )

    def _keep_time(self) -> None:
        while True:
            self._woken.clear()
            now = self.now()
            due = self._due = self.dispatcher.next_deadline()
            if due is not None and due <= now:
                self.expire()
                gevent.sleep(0)
                continue
            self._woken.wait(IDLE_SECONDS if due is None else min(IDLE_SECONDS, due - now))
