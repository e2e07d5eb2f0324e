"""One caller's greenlet: waits for the next event or timer, lets the interpreter decide, performs the commands.

All events of one call pass through its inbox in order. A command that the switch refuses, or whose end it never tells, ends
as a failure of that command, so that no caller waits for ever. A crash in here hands the call to the switch's fallback.
A command that is lost with the link stops the call's time: the flow goes no further until the link is back.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
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
from ivrengine.esl.calls import TAKEN_OVER
from ivrengine.esl.errors import EslError, SwitchUnavailable
from ivrengine.esl.switch import Switch
from ivrengine.esl.translate import CommandKind
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.run import Run
from ivrengine.log import note
from ivrengine.prompts.voice import Voice
from ivrengine.storage.errors import StorageError

from .news import CallEnded, CallerHears, KeyPressed, News, StepLeft
from .recorder import Recorder
from .recording_files import why_not_record

log = logging.getLogger(__name__)

INBOX_LIMIT = 256  # events of one call that may wait; beyond it further digits are dropped
GRACE_SECONDS = 10.0  # beyond a command's own length, for the switch to tell its end
END_SECONDS = 15.0  # after Hangup, for the switch to tell that the channel is gone
AWAY_SECONDS = 120.0  # the same where the link is down: longer than the dead-man's switch waits
LINK_BACK_SECONDS = 5.0  # a call that waits for a link that is up is woken after this, should recovery have missed it
CUT_SECONDS = 2.0  # for a recording that is cut when the engine stops to tell its end
# What an adopted application may take at most, where the command that began it is not known any more.
LONGEST_SECONDS: dict[CommandKind, float] = {"record": 3600.0, "secret": 600.0}
BOOKKEEPING = (do.LogStep, do.AddToCounter, do.CountRefusal, do.KeepRecording, do.RaiseAlarm)
# What is still done when a message could not be kept: the trace stays whole, but the caller hears nothing of "saved".
STILL_DONE = (*BOOKKEEPING, do.StopPlaying, do.DropRecording)


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
        self._interrupted_at: float | None = None  # a command was lost because the link was down: the step has to begin again
        self.dialling = False  # connected to, or ringing, another phone: the dead-man's switch must not cut in
        self._recording = ""  # token of the recording under way
        self._leaving = self._cutting = False
        self._must_end_at = run.call.started_at + surroundings.max_call_seconds
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

        What a caller is saying is kept. One who talks to a person talks on; the switch ends the call when that person hangs up.
        """
        self._leaving = True
        self._woken.set()

    def clock_was_set(self, seconds: float) -> None:
        """The wall clock was put forward (or back, if less than nought): what was due in a moment still is."""
        for name in self.run.timers:
            self.run.timers[name] += seconds
        self._guards = {token: (at + seconds, event) for token, (at, event) in self._guards.items()}
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
        self.dialling = kind == "dial"
        if token in self._guards or kind not in LONGEST_SECONDS:
            return
        if kind == "record":
            self._recording = token
            self._guard(token, LONGEST_SECONDS[kind], RecordingEnded(token, "failed", reason="the switch is silent"))
        else:
            self._guard(token, LONGEST_SECONDS[kind], SecretCollected(token, "failed"))

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
                around.recorder.run_rests(self.run)
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
                overdue = min(self._guards, key=lambda token: self._guards[token][0], default=None)
                if deadline is not None and deadline <= now:
                    around.recorder.run_moves(self.run)
                    return around.interpreter.expire(self.run, now)
                if overdue is not None and self._guards[overdue][0] <= now:
                    return self._give_up_on(overdue, now)
                moments += [deadline] if deadline is not None else []
                moments += [self._guards[overdue][0]] if overdue is not None else []
            self._woken.clear()
            self._woken.wait(timeout=max(0.0, min(moments) - now))
        event = self._inbox.popleft()
        self._note(event)
        around.recorder.run_moves(self.run)
        return around.interpreter.advance(self.run, event, around.clock())

    def _let_go(self, now: float) -> list[do.Command]:
        """What the stopping of the engine means for this call; nothing while a recording is being cut."""
        if self.dialling:
            self._leaving = False
            return [do.EndAfterTalk()]
        if not self._recording or self.interrupted:
            self._around.recorder.run_moves(self.run)
            return self._around.interpreter.abandon(self.run, now, "the engine is stopping")
        if self._cutting:
            return []
        self._cutting = True
        self._guard(self._recording, CUT_SECONDS - GRACE_SECONDS, RecordingEnded(self._recording, "failed", reason="cut off"))
        return [do.StopPlaying()]

    def _end_too_long(self, now: float) -> list[do.Command]:
        self._around.recorder.alarm(do.RaiseAlarm("call_too_long", "a call reached the longest time allowed", self._place()))
        ended = CallerHungUp("ALLOTTED_TIMEOUT")
        self._around.recorder.run_moves(self.run)
        return [do.Hangup(ended.cause), *self._around.interpreter.advance(self.run, ended, now)]

    def _note(self, event: CallEvent) -> None:
        token = getattr(event, "token", None)
        if token:
            self._guards.pop(token, None)
            self._recording = "" if token == self._recording else self._recording
        elif isinstance(event, RunResumed):
            self._guards.clear()
            self.dialling, self._recording, self._interrupted_at = False, "", None
        if isinstance(event, DigitPressed):
            self._around.news.tell(KeyPressed(self.call_id, event.digit))
        elif isinstance(event, Answered):
            self._around.recorder.call_answered(self.call_id)
        elif isinstance(event, DialEnded):
            self.dialling = False
        elif isinstance(event, CallerHungUp):
            self._gone = True
            self._cause = event.cause
            taken = event.cause == TAKEN_OVER
            self._ended_by = self._ended_by or ("switch" if taken else "caller")
            self._outcome = self._outcome or ("fallback" if taken else "caller_hung_up")

    def _give_up_on(self, token: str, now: float) -> list[do.Command]:
        _, event = self._guards.pop(token)
        if not self._leaving:
            sentence = "the switch never told the end of a command"
            self._around.recorder.alarm(do.RaiseAlarm("switch_silent", sentence, self._place()))
        self._recording = "" if token == self._recording else self._recording
        self._around.recorder.run_moves(self.run)
        return self._around.interpreter.advance(self.run, event, now)

    def _await_end(self) -> None:
        """The flow is over: after a hang-up, learn the switch's cause for the record."""
        deadline = self._around.clock() + (AWAY_SECONDS if self.interrupted else END_SECONDS)
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
        not_kept: Exception | None = None
        for command in _in_safe_order(commands):
            if not_kept is not None and not isinstance(command, STILL_DONE):
                continue
            try:
                self._perform_one(command)
            except StorageError as error:
                not_kept = error
            except SwitchUnavailable:
                self.hold()  # when the link is back, recovery wakes us
                note(log, "a command waits for the link to the switch", action=type(command).__name__, call_id=self.call_id)
            except EslError as error:
                self._refused(command, error)
        if not_kept is not None:
            # The caller must not be told that the message is kept.
            now = self._around.clock()
            self._perform(self._around.interpreter.fail(self.run, now, "message_not_kept", str(not_kept)))

    def _perform_one(self, command: do.Command) -> None:
        around, switch, recorder, call_id = self._around, self._around.switch, self._around.recorder, self.call_id
        if isinstance(command, do.Record | do.Dial | do.CollectSecret | do.DropRecording):
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
                problem = why_not_record(around.recordings)
                if problem:
                    self.post(RecordingEnded(token, "failed", reason=problem))
                    return
                path = str(around.recordings / f"{name}.wav")
                self._recording = token
                self._guard(token, most, RecordingEnded(token, "failed", reason="the switch is silent"))
                switch.record(call_id, token, path, most, silence, keys)
            case do.CollectSecret():
                self._collect_secret(command)
            case do.Dial(token, kind, number, ring_seconds):
                self.dialling = True
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
                recorder.keep_message(self.run, command)
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


def _in_safe_order(commands: list[do.Command]) -> list[do.Command]:
    """A message is kept together with the caller's place behind it, for which the trace must have been written. A file is
    deleted last, when nothing that is saved of the call needs it any more."""
    if not any(isinstance(command, do.KeepMessage | do.DropRecording) for command in commands):
        return commands
    ranks = ((BOOKKEEPING, 0), (do.KeepMessage, 1), (do.DropRecording, 3))
    return sorted(commands, key=lambda command: next((rank for kind, rank in ranks if isinstance(command, kind)), 2))
