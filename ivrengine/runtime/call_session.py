"""One caller's greenlet: waits for the next event or timer, lets the interpreter decide, has the commands performed.

All events of one call pass through its inbox in order. A command that the switch refuses, or whose end it never tells, ends
as a failure of that command, so that no caller waits for ever. A crash in here hands the call to the switch's fallback.
A command that is lost with the link stops the call's time: the flow goes no further until the link is back.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence

import gevent
from gevent.event import Event

from ivrengine.domain import commands as do
from ivrengine.domain.events import Answered, CallerHungUp, CallEvent, DialEnded, DigitPressed, RunResumed
from ivrengine.domain.sentence import Sentence
from ivrengine.esl.calls import TAKEN_OVER
from ivrengine.esl.translate import CommandKind
from ivrengine.flow.run import Run

from .news import CallEnded, KeyPressed
from .performing import Performing
from .surroundings import Surroundings

log = logging.getLogger(__name__)

INBOX_LIMIT = 256  # events of one call that may wait; beyond it further digits are dropped
END_SECONDS = 15.0  # after Hangup, for the switch to tell that the channel is gone
AWAY_SECONDS = 120.0  # the same where the link is down: longer than the dead-man's switch waits
LINK_BACK_SECONDS = 5.0  # a call that waits for a link that is up is woken after this, should recovery have missed it
CUT_SECONDS = 2.0  # for a recording that is cut when the engine stops to tell its end


class CallSession:
    """A call that is ours. ``run`` is its place in the flow; ``post`` may be called from any greenlet and never blocks."""

    def __init__(self, run: Run, surroundings: Surroundings) -> None:
        self.run = run
        self.call = run.call
        self._around = surroundings
        self._inbox: deque[CallEvent] = deque()
        self._woken = Event()
        self._performing = Performing(run, surroundings, self.post, self.hold)
        self._interrupted_at: float | None = None  # a command was lost because the link was down: the step has to begin again
        self._leaving = self._cutting = False
        self._must_end_at = run.call.started_at + surroundings.max_call_seconds
        self._cause = ""
        self._gone = False

    @property
    def call_id(self) -> str:
        return self.call.call_id

    @property
    def with_somebody(self) -> bool:
        """Ringing, being connected to, or talking with another person: the dead-man's switch must not cut in."""
        return self._performing.dialling or self._performing.talking

    def talks(self, talking: bool) -> None:
        """The call centre is about to connect the caller to an agent, or has parted them."""
        self._performing.talking = talking

    def post(self, event: CallEvent) -> None:
        if len(self._inbox) >= INBOX_LIMIT and isinstance(event, DigitPressed):
            return  # nobody keys so fast by hand; ends of commands are few and always taken
        self._inbox.append(event)
        self._woken.set()

    def leave(self) -> None:
        """The engine stops and can't wait any longer: the caller goes to the switch's fallback, from whichever step.

        What a caller is saying is kept. One who talks to a person talks on; the switch ends the call when that person hangs up.
        """
        self._leaving = True
        self._woken.set()

    def clock_was_set(self, seconds: float) -> None:
        """The wall clock was put forward (or back, if less than nought): what was due in a moment still is."""
        for name in self.run.timers:
            self.run.timers[name] += seconds
        self._performing.clock_was_set(seconds)
        self._must_end_at += seconds
        if self._interrupted_at is not None:
            self._interrupted_at += seconds
        self._woken.set()

    @property
    def interrupted(self) -> bool:
        return self._interrupted_at is not None

    def hold(self) -> None:
        """The call's time stands still until ``wake_with`` or ``goes_on``."""
        self._interrupted_at = self._around.clock()

    def wake_with(self, events: Sequence[CallEvent]) -> None:
        """The link is back: time runs again, and these happened meanwhile."""
        self._interrupted_at = None
        for event in events:
            self.post(event)

    def goes_on(self, token: str, kind: CommandKind) -> None:
        """After a restart or a broken link: the switch is still busy with what the step waits for."""
        self._interrupted_at = None
        self._performing.goes_on(token, kind)

    # -- life ----------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Walk a new call through its flow until it ends. Runs in the session's own greenlet."""
        self._live(lambda: self._around.interpreter.start(self.run, self._around.clock()))

    def resume(self) -> None:
        """Go on with a call of an earlier process; what to do first has been posted."""
        self._live(list)

    def _live(self, begin: Callable[[], list[do.Command]]) -> None:
        around = self._around
        try:
            self._performing.perform(begin())
            while not self.run.finished:
                around.recorder.run_rests(self.run)
                self._performing.perform(self._next())
            self._await_end()
        except gevent.GreenletExit:
            raise
        except Exception as error:
            log.exception("a call failed inside the engine; the caller goes to the switch's fallback")
            around.recorder.alarm(
                do.RaiseAlarm("session_crashed", Sentence("%(name)s: %(error)s", name=type(error).__name__, error=error), self.call_id)
            )
            self._performing.outcome, self._performing.ended_by = "failed", "engine"
            self._performing.hand_over("fallback")
        outcome = self._performing.outcome or "completed"
        around.recorder.call_ended(self.call_id, self._performing.ended_by or "engine", self._cause, outcome)
        around.news.tell(CallEnded(self.call_id, outcome, self._cause))

    def _next(self) -> list[do.Command]:
        """Wait for the next event or timer and tell what follows from it."""
        around = self._around
        while not self._inbox:
            if self.run.finished:
                return []
            now = around.clock()
            if self._leaving:
                commands = self._let_go(now)
                if commands:
                    return commands
            if now >= self._must_end_at:
                return self._end_too_long(now)
            moments = [self._must_end_at]
            if self._interrupted_at is not None:
                if around.switch.connected and now - self._interrupted_at >= LINK_BACK_SECONDS:
                    self.post(RunResumed())
                    break
                moments.append(now + LINK_BACK_SECONDS)
            else:
                deadline = self.run.next_deadline()
                overdue = self._performing.overdue()
                if deadline is not None and deadline <= now:
                    around.recorder.run_moves(self.run)
                    return around.interpreter.expire(self.run, now)
                if overdue is not None and overdue[0] <= now:
                    return self._give_up_on(overdue[1], now)
                moments += [deadline] if deadline is not None else []
                moments += [overdue[0]] if overdue is not None else []
            self._woken.clear()
            self._woken.wait(timeout=max(0.0, min(moments) - now))
        event = self._inbox.popleft()
        self._note(event)
        around.recorder.run_moves(self.run)
        return around.interpreter.advance(self.run, event, around.clock())

    def _let_go(self, now: float) -> list[do.Command]:
        """What the stopping of the engine means for this call; nothing while a recording is being cut."""
        if self.with_somebody:
            self._leaving = False
            return [do.EndAfterTalk()]
        if not self._performing.recording or self.interrupted:
            self._around.recorder.run_moves(self.run)
            return self._around.interpreter.abandon(self.run, now, "the engine is stopping")
        if self._cutting:
            return []
        self._cutting = True
        self._performing.recording_must_end_within(CUT_SECONDS)
        return [do.StopPlaying()]

    def _end_too_long(self, now: float) -> list[do.Command]:
        self._around.recorder.alarm(do.RaiseAlarm("call_too_long", Sentence("a call reached the longest time allowed"), self._place()))
        ended = CallerHungUp("ALLOTTED_TIMEOUT")
        self._around.recorder.run_moves(self.run)
        return [do.Hangup(ended.cause), *self._around.interpreter.advance(self.run, ended, now)]

    def _note(self, event: CallEvent) -> None:
        token = getattr(event, "token", None)
        if token:
            self._performing.ended(token)
        elif isinstance(event, RunResumed):
            self._performing.forget_all()
            self._interrupted_at = None
        if isinstance(event, DigitPressed):
            self._around.news.tell(KeyPressed(self.call_id, event.digit))
        elif isinstance(event, Answered):
            self._around.recorder.call_answered(self.call_id)
        elif isinstance(event, DialEnded):
            self._performing.dial_ended()
        elif isinstance(event, CallerHungUp):
            self._gone = True
            self._cause = event.cause
            taken = event.cause == TAKEN_OVER
            performing = self._performing
            performing.ended_by = performing.ended_by or ("switch" if taken else "caller")
            performing.outcome = performing.outcome or ("fallback" if taken else "caller_hung_up")

    def _give_up_on(self, token: str, now: float) -> list[do.Command]:
        event = self._performing.give_up_on(token)
        if not self._leaving:
            sentence = Sentence("the switch never told the end of a command")
            self._around.recorder.alarm(do.RaiseAlarm("switch_silent", sentence, self._place()))
        self._around.recorder.run_moves(self.run)
        return self._around.interpreter.advance(self.run, event, now)

    def _await_end(self) -> None:
        """The flow is over: after a hang-up, learn the switch's cause for the record."""
        deadline = self._around.clock() + (AWAY_SECONDS if self.interrupted else END_SECONDS)
        if self._performing.handed_over:
            return
        while not self._gone and self._performing.ended_by == "engine" and self._around.clock() < deadline:
            while self._inbox:
                self._note(self._inbox.popleft())
            if self._gone:
                break
            self._woken.clear()
            self._woken.wait(timeout=max(0.0, deadline - self._around.clock()))

    def _place(self) -> str:
        return f"{self.run.frame.flow}:{self.run.frame.step}"
