"""One caller's greenlet: waits for the next event or timer, lets the interpreter decide, performs the commands.

All events of one call pass through its inbox in order. A command that the switch refuses, or whose end it never tells, ends
as a failure of that command, so that no caller waits for ever. A crash in here hands the call to the switch's fallback.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gevent
from gevent.event import Event

from ivrengine.domain import commands as do
from ivrengine.domain.events import (
    Answered,
    CallerHungUp,
    CallEvent,
    DialEnded,
    DigitPressed,
    PromptEnded,
    RecordingEnded,
    RunResumed,
    SecretCollected,
)
from ivrengine.esl.errors import EslError, SwitchUnavailable
from ivrengine.esl.switch import Switch
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.run import Run
from ivrengine.log import note
from ivrengine.prompts.voice import Voice
from ivrengine.storage.errors import StorageError

from .news import CallEnded, CallerHears, KeyPressed, News, StepLeft
from .recorder import Recorder

log = logging.getLogger(__name__)

INBOX_LIMIT = 256  # events of one call that may wait; beyond it further digits are dropped
GRACE_SECONDS = 10.0  # beyond a command's own length, for the switch to tell its end
END_SECONDS = 15.0  # after Hangup, for the switch to tell that the channel is gone


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every session shares."""

    interpreter: Interpreter
    switch: Switch
    voice: Voice
    recorder: Recorder
    news: News
    recordings: Path
    clock: Callable[[], float]
    max_call_seconds: float


class CallSession:
    """A call that is ours. ``run`` is its place in the flow; ``post`` may be called from any greenlet and never blocks."""

    def __init__(self, run: Run, surroundings: Surroundings) -> None:
        self.run = run
        self.call = run.call
        self._around = surroundings
        self._inbox: deque[CallEvent] = deque()
        self._woken = Event()
        self._guards: dict[str, tuple[float, CallEvent]] = {}  # token -> when it is overdue, and the event that ends it then
        self.interrupted = False  # a command was lost because the link was down: the step has to begin again
        self.dialling = False  # connected to, or ringing, another phone: the dead-man's switch must not cut in
        self._ended_by = ""
        self._outcome = ""
        self._cause = ""
        self._gone = False

    @property
    def call_id(self) -> str:
        return self.call.call_id

    def post(self, event: CallEvent) -> None:
        if len(self._inbox) >= INBOX_LIMIT and isinstance(event, DigitPressed):
            return  # nobody keys so fast by hand; ends of commands are few and always taken
        self._inbox.append(event)
        self._woken.set()

    def leave(self) -> None:
        """The engine stops and can't wait any longer: the caller goes to the switch's fallback, from whichever step.

        One who talks to a person talks on; the switch ends the call when that person hangs up.
        """
        if self.dialling:
            self._perform([do.EndAfterTalk()])
            return
        commands = self._around.interpreter.abandon(self.run, self._around.clock(), "the engine is stopping")
        self._perform(commands)
        self._woken.set()

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
            self._perform(begin())
            while not self.run.finished:
                around.recorder.run_moved(self.run)
                self._perform(self._next())
            self._await_end()
        except gevent.GreenletExit:
            raise
        except Exception as error:
            log.exception("a call failed inside the engine; the caller goes to the switch's fallback")
            around.recorder.alarm(do.RaiseAlarm("session_crashed", f"{type(error).__name__}: {error}", self.call_id))
            self._outcome, self._ended_by = "failed", "engine"
            self._hand_over("fallback")
        outcome = self._outcome or "completed"
        around.recorder.call_ended(self.call_id, self._ended_by or "engine", self._cause, outcome)
        around.news.tell(CallEnded(self.call_id, outcome, self._cause))

    def _next(self) -> list[do.Command]:
        """Wait for the next event or timer and tell what follows from it."""
        around = self._around
        while not self._inbox:
            if self.run.finished:
                return []
            now = around.clock()
            deadline = self.run.next_deadline()
            overdue = min(self._guards, key=lambda token: self._guards[token][0], default=None)
            if deadline is not None and deadline <= now:
                return around.interpreter.expire(self.run, now)
            if overdue is not None and self._guards[overdue][0] <= now:
                return self._give_up_on(overdue, now)
            if now - self.call.started_at > around.max_call_seconds:
                around.recorder.alarm(do.RaiseAlarm("call_too_long", "a call reached the longest time allowed", self._place()))
                ended = CallerHungUp("ALLOTTED_TIMEOUT")
                return [do.Hangup(ended.cause), *around.interpreter.advance(self.run, ended, now)]
            moments = [self.call.started_at + around.max_call_seconds + 0.001]
            moments += [deadline] if deadline is not None else []
            moments += [self._guards[overdue][0]] if overdue is not None else []
            self._woken.clear()
            self._woken.wait(timeout=max(0.0, min(moments) - now))
        event = self._inbox.popleft()
        self._note(event)
        return around.interpreter.advance(self.run, event, around.clock())

    def _note(self, event: CallEvent) -> None:
        token = getattr(event, "token", None)
        if token:
            self._guards.pop(token, None)
        elif isinstance(event, RunResumed):
            self._guards.clear()
            self.dialling = self.interrupted = False
        if isinstance(event, DigitPressed):
            self._around.news.tell(KeyPressed(self.call_id, event.digit))
        elif isinstance(event, Answered):
            self._around.recorder.call_answered(self.call_id)
        elif isinstance(event, DialEnded):
            self.dialling = False
        elif isinstance(event, CallerHungUp):
            self._gone = True
            self._cause = event.cause
            self._ended_by = self._ended_by or "caller"
            self._outcome = self._outcome or "caller_hung_up"

    def _give_up_on(self, token: str, now: float) -> list[do.Command]:
        _, event = self._guards.pop(token)
        self._around.recorder.alarm(do.RaiseAlarm("switch_silent", "the switch never told the end of a command", self._place()))
        return self._around.interpreter.advance(self.run, event, now)

    def _await_end(self) -> None:
        """The flow is over: after a hang-up, learn the switch's cause for the record."""
        deadline = self._around.clock() + END_SECONDS
        while not self._gone and self._ended_by == "engine" and self._around.clock() < deadline:
            while self._inbox:
                self._note(self._inbox.popleft())
            if self._gone:
                break
            self._woken.clear()
            self._woken.wait(timeout=max(0.0, deadline - self._around.clock()))

    def _place(self) -> str:
        return f"{self.run.frame.flow}:{self.run.frame.step}"

    # -- performing ----------------------------------------------------------------------------------------------------

    def _perform(self, commands: list[do.Command]) -> None:
        for command in commands:
            try:
                self._perform_one(command)
            except StorageError as error:
                # What was to be kept is not: the caller must not be told that it is.
                failed = self._around.interpreter.fail(self.run, self._around.clock(), "message_not_kept", str(error))
                self._perform(failed)
                return
            except SwitchUnavailable:
                self.interrupted = True  # when the link is back, recovery wakes us
                note(log, "a command waits for the link to the switch", action=type(command).__name__, call_id=self.call_id)
            except EslError as error:
                self._refused(command, error)

    def _perform_one(self, command: do.Command) -> None:
        around, switch, recorder, call_id = self._around, self._around.switch, self._around.recorder, self.call_id
        if isinstance(command, do.Record | do.Dial | do.CollectSecret):
            recorder.save_run(self.run)
        match command:
            case do.LogStep():
                recorder.step(call_id, command)
                around.news.tell(StepLeft(call_id, command))
            case do.Play(token, items):
                rendered = around.voice.render(items)
                for problem in rendered.problems:
                    recorder.alarm(do.RaiseAlarm("prompt_failed", problem, self._place()))
                around.news.tell(CallerHears(call_id, tuple(rendered.texts)))
                if not rendered.paths:
                    self.post(PromptEnded(token, "failed", "nothing could be played"))
                    return
                self._guard(token, rendered.duration_ms / 1000, PromptEnded(token, "failed", "the switch is silent"))
                switch.play(call_id, token, rendered.paths)
            case do.StopPlaying():
                switch.stop_playing(call_id)
            case do.Answer(token):
                switch.answer(call_id, token)
            case do.Record(token, name, most, silence, keys):
                path = str(around.recordings / f"{name}.wav")
                self._guard(token, most, RecordingEnded(token, "failed", reason="the switch is silent"))
                switch.record(call_id, token, path, most, silence, keys)
            case do.CollectSecret():
                self._collect_secret(command)
            case do.Dial(token, kind, number, ring_seconds):
                self.dialling = True
                switch.disarm(call_id)
                switch.dial(
                    call_id, token, kind, number, ring_seconds, caller_number=self.call.number, caller_name=self.call.name
                )
            case do.HandOver(destination):
                self._ended_by = "engine"
                self._outcome = "fallback" if destination == "fallback" else "transferred"
                self._hand_over(destination)
                self._gone = True
            case do.Hangup(cause):
                self._ended_by = "engine"
                self._outcome = "refused" if cause == "CALL_REJECTED" else "completed"
                switch.hang_up(call_id, cause)
            case do.EndAfterTalk():
                switch.set_variable(call_id, "park_after_bridge", "false")
                switch.set_variable(call_id, "hangup_after_bridge", "true")
            case do.KeepMessage():
                recorder.keep_message(self.call, command)
            case do.KeepRecording():
                recorder.keep_recording(self.call, command)
            case do.DropRecording():
                recorder.drop_recording(command)
            case do.CountRefusal():
                recorder.refusal(command)
            case do.AddToCounter():
                recorder.count(command)
            case do.RaiseAlarm():
                recorder.alarm(command)

    def _collect_secret(self, command: do.CollectSecret) -> None:
        rendered = self._around.voice.render(command.items)
        self._around.news.tell(CallerHears(self.call_id, tuple(rendered.texts)))
        longest = rendered.duration_ms / 1000 + command.first_digit_seconds + command.most * command.between_digits_seconds
        self._guard(command.token, longest, SecretCollected(command.token, "failed"))
        self._around.switch.collect_secret(
            self.call_id, command.token, rendered.paths, command.least, command.most, command.first_digit_seconds,
            command.between_digits_seconds, command.terminator,
        )

    def _guard(self, token: str, seconds: float, event: CallEvent) -> None:
        self._guards[token] = (self._around.clock() + seconds + GRACE_SECONDS, event)

    def _refused(self, command: do.Command, error: EslError) -> None:
        """The switch would not do it: say so, and let the step go on as after a failure of its own."""
        kind = type(command).__name__
        self._around.recorder.alarm(do.RaiseAlarm("switch_refused", f"{kind}: {error}", self._place()))
        match command:
            case do.Play(token):
                self.post(PromptEnded(token, "failed", str(error)))
            case do.Record(token):
                self.post(RecordingEnded(token, "failed", reason=str(error)))
            case do.CollectSecret(token):
                self.post(SecretCollected(token, "failed"))
            case do.Dial(token):
                self.post(DialEnded(token, "failed", str(error)))

    def _hand_over(self, destination: str) -> None:
        try:
            self._around.switch.hand_over(self.call_id, destination)
        except EslError as error:
            note(log, "a call could not be handed over", level=logging.ERROR, call_id=self.call_id, error=error)
            try:
                self._around.switch.hang_up(self.call_id, "NORMAL_TEMPORARY_FAILURE")
            except EslError:
                pass  # the link is down: the dead-man's switch takes the call to the fallback
