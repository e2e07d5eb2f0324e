"""Performs one call's commands: on the switch, in the records, at the call centre; and knows what is under way on the line.

A command that the switch refuses ends as a failure of that command. One that it never tells the end of is overdue after its own
length and GRACE_SECONDS. A command that is lost with the link makes the call's time stand still (``lost_link``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from ivrengine.domain import commands as do
from ivrengine.domain.events import CallEvent, DialEnded, PromptEnded, RecordingEnded, SecretCollected
from ivrengine.domain.sentence import Sentence
from ivrengine.esl.errors import EslError, SwitchUnavailable
from ivrengine.esl.translate import CommandKind
from ivrengine.flow.run import Run
from ivrengine.log import note
from ivrengine.storage.errors import StorageError

from .news import CallerHears, CallerHearsNoMore, StepLeft
from .recording_files import why_not_record
from .surroundings import Surroundings

log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0  # beyond a command's own length, for the switch to tell its end
# What an adopted application may take at most, where the command that began it is not known any more.
LONGEST_SECONDS: dict[CommandKind, float] = {"record": 3600.0, "secret": 600.0}
BOOKKEEPING = (do.LogStep, do.AddToCounter, do.CountRefusal, do.KeepRecording, do.KeepMark, do.RaiseAlarm)
# What is still done when a message could not be kept: the trace stays whole, but the caller hears nothing of "saved".
STILL_DONE = (*BOOKKEEPING, do.StopPlaying, do.DropRecording)
# Before these the caller's place is saved: what they begin outlives this process, or cannot be undone.
SAVED_BEFORE = (do.Record, do.Dial, do.CollectSecret, do.DropRecording, do.Enqueue, do.LeaveQueue, do.RequestCallback)


class Performing:
    """``post`` gives the session an event; ``lost_link`` is called where a command could not reach the switch."""

    def __init__(self, run: Run, surroundings: Surroundings, post: Callable[[CallEvent], None], lost_link: Callable[[], None]) -> None:
        self._run = run
        self._call = run.call
        self._around = surroundings
        self._post = post
        self._lost_link = lost_link
        self._guards: dict[str, tuple[float, CallEvent]] = {}  # token -> when it is overdue, and the event that ends it then
        self.dialling = False  # connected to, or ringing, another phone: the dead-man's switch must not cut in
        self.talking = False  # being connected to an agent, or connected: the same
        self.recording = ""  # token of the recording under way
        self.ended_by = ""
        self.outcome = ""
        self.handed_over = False

    # -- what is under way ---------------------------------------------------------------------------------------------

    def overdue(self) -> tuple[float, str] | None:
        """When the first command under way is overdue, and its token."""
        return min(((at, token) for token, (at, _) in self._guards.items()), default=None)

    def give_up_on(self, token: str) -> CallEvent:
        """The event that ends an overdue command."""
        _, event = self._guards.pop(token)
        self.ended(token)
        return event

    def ended(self, token: str) -> None:
        """The switch has told the end of a command."""
        self._guards.pop(token, None)
        self.recording = "" if token == self.recording else self.recording

    def dial_ended(self) -> None:
        if self.dialling:
            self.dialling = False
            self._around.call_centre.extension_free(self._call.call_id)

    def forget_all(self) -> None:
        """The step begins again: nothing that it began before is waited for."""
        self._guards.clear()
        self.dial_ended()
        self.recording = ""

    def goes_on(self, token: str, kind: CommandKind) -> None:
        """The switch is still busy with a command whose performing an earlier process, or a lost link, has interrupted."""
        self.dialling = kind == "dial"
        if token in self._guards or kind not in LONGEST_SECONDS:
            return
        if kind == "record":
            self.recording = token
            self._guard(token, LONGEST_SECONDS[kind], RecordingEnded(token, "failed", reason="the switch is silent"))
        else:
            self._guard(token, LONGEST_SECONDS[kind], SecretCollected(token, "failed"))

    def recording_must_end_within(self, seconds: float) -> None:
        """The recording under way is about to be cut."""
        self._guard(self.recording, seconds - GRACE_SECONDS, RecordingEnded(self.recording, "failed", reason="cut off"))

    def clock_was_set(self, seconds: float) -> None:
        self._guards = {token: (at + seconds, event) for token, (at, event) in self._guards.items()}

    def _guard(self, token: str, seconds: float, event: CallEvent) -> None:
        self._guards[token] = (self._around.clock() + seconds + GRACE_SECONDS, event)

    # -- performing ----------------------------------------------------------------------------------------------------

    def perform(self, commands: list[do.Command]) -> None:
        not_kept: Exception | None = None
        for command in _in_safe_order(commands):
            if not_kept is not None and not isinstance(command, STILL_DONE):
                continue
            try:
                self._perform_one(command)
            except StorageError as error:
                not_kept = error
            except SwitchUnavailable:
                self._lost_link()  # when the link is back, recovery wakes the session
                note(log, "a command waits for the link to the switch", action=type(command).__name__, call_id=self._call.call_id)
            except EslError as error:
                self._refused(command, error)
        if not_kept is not None:
            # The caller must not be told that the message is kept.
            now = self._around.clock()
            self.perform(self._around.interpreter.fail(self._run, now, "message_not_kept", str(not_kept)))

    def _perform_one(self, command: do.Command) -> None:
        if isinstance(command, SAVED_BEFORE):
            self._around.recorder.save_run(self._run)
        match command:
            case do.Enqueue() | do.TurnedAway() | do.ReadyToTalk() | do.LeaveQueue() | do.RequestCallback() | do.KeepMark() | do.AskDesk():
                self._ask_call_centre(command)
            case do.LogStep() | do.KeepMessage() | do.KeepRecording() | do.DropRecording() | do.CountRefusal() | do.AddToCounter():
                self._write_down(command)
            case do.RaiseAlarm():
                self._around.recorder.alarm(command)
            case _:
                self._command_switch(command)

    def _ask_call_centre(self, command: do.Command) -> None:
        call, centre = self._call, self._around.call_centre
        match command:
            case do.Enqueue():
                centre.enqueue(call, command)
            case do.TurnedAway():
                centre.turned_away(call, command)
            case do.ReadyToTalk(token):
                centre.ready_to_talk(call.call_id, token)
            case do.LeaveQueue(token, outcome):
                centre.leave(call.call_id, token, outcome)
            case do.RequestCallback():
                centre.request_callback(call, command)
            case do.KeepMark():
                centre.keep_mark(call, command)
            case do.AskDesk():
                centre.ask_desk(call, command)

    def _write_down(self, command: do.Command) -> None:
        recorder = self._around.recorder
        match command:
            case do.LogStep():
                recorder.step(self._call.call_id, command)
                self._around.news.tell(StepLeft(self._call.call_id, command))
            case do.KeepMessage():
                recorder.keep_message(self._run, command)
            case do.KeepRecording():
                recorder.keep_recording(self._call, command)
            case do.DropRecording():
                recorder.drop_recording(command)
            case do.CountRefusal():
                recorder.refusal(command)
            case do.AddToCounter():
                recorder.count(command)

    def _command_switch(self, command: do.Command) -> None:
        switch, call_id = self._around.switch, self._call.call_id
        match command:
            case do.Play():
                self._play(command)
            case do.StopPlaying():
                switch.stop_playing(call_id)
                self._around.news.tell(CallerHearsNoMore(call_id))
            case do.Answer(token):
                switch.answer(call_id, token)
            case do.Record():
                self._record(command)
            case do.CollectSecret():
                self._collect_secret(command)
            case do.Dial():
                self._dial(command)
            case do.HandOver(destination):
                self.ended_by = "engine"
                self.outcome = "fallback" if destination == "fallback" else "transferred"
                self.hand_over(destination)
            case do.Hangup(cause):
                self.ended_by = "engine"
                self.outcome = "refused" if cause == "CALL_REJECTED" else "completed"
                switch.hang_up(call_id, cause)
            case do.EndAfterTalk():
                switch.set_variable(call_id, "park_after_bridge", "false")
                switch.set_variable(call_id, "hangup_after_bridge", "true")

    def _play(self, command: do.Play) -> None:
        rendered = self._around.voice.render(command.items)
        for problem in rendered.problems:
            self._around.recorder.alarm(do.RaiseAlarm("prompt_failed", problem, self._place()))
        self._around.news.tell(CallerHears(self._call.call_id, tuple(rendered.texts), tuple(rendered.paths)))
        if not rendered.paths:
            self._post(PromptEnded(command.token, "failed", "nothing could be played"))
            return
        self._guard(command.token, rendered.duration_ms / 1000, PromptEnded(command.token, "failed", "the switch is silent"))
        self._around.switch.play(self._call.call_id, command.token, rendered.paths)

    def _record(self, command: do.Record) -> None:
        token, recordings = command.token, self._around.recordings
        problem = why_not_record(recordings)
        if problem:
            self._post(RecordingEnded(token, "failed", reason=problem))
            return
        self.recording = token
        self._guard(token, command.max_seconds, RecordingEnded(token, "failed", reason="the switch is silent"))
        self._around.switch.record(
            self._call.call_id, token, str(recordings / f"{command.name}.wav"), command.max_seconds, command.silence_seconds,
            command.finish_keys,
        )  # fmt: skip

    def _collect_secret(self, command: do.CollectSecret) -> None:
        rendered = self._around.voice.render(command.items)
        self._around.news.tell(CallerHears(self._call.call_id, tuple(rendered.texts), tuple(rendered.paths), True))
        longest = rendered.duration_ms / 1000 + command.first_digit_seconds + command.most * command.between_digits_seconds
        self._guard(command.token, longest, SecretCollected(command.token, "failed"))
        self._around.switch.collect_secret(
            self._call.call_id, command.token, rendered.paths, command.least, command.most, command.first_digit_seconds,
            command.between_digits_seconds, command.terminator,
        )  # fmt: skip

    def _dial(self, command: do.Dial) -> None:
        call = self._call
        self.dialling = True
        if command.kind == "extension":
            self._around.call_centre.extension_rung(call.call_id, command.number)
        self._around.switch.dial(
            call.call_id, command.token, command.kind, command.number, command.ring_seconds,
            caller_number=call.number, caller_name=call.name,
        )  # fmt: skip

    def _refused(self, command: do.Command, error: EslError) -> None:
        """The switch would not do it: say so, and let the step go on as after a failure of its own."""
        kind = type(command).__name__
        self._around.recorder.alarm(do.RaiseAlarm("switch_refused", Sentence("%(kind)s: %(error)s", kind=kind, error=error), self._place()))
        match command:
            case do.Play(token):
                self._post(PromptEnded(token, "failed", str(error)))
            case do.Record(token):
                self._post(RecordingEnded(token, "failed", reason=str(error)))
            case do.CollectSecret(token):
                self._post(SecretCollected(token, "failed"))
            case do.Dial(token):
                self._post(DialEnded(token, "failed", str(error)))

    def hand_over(self, destination: str) -> None:
        self.handed_over = True
        try:
            self._around.switch.hand_over(self._call.call_id, destination)
        except EslError as error:
            note(log, "a call could not be handed over", level=logging.ERROR, call_id=self._call.call_id, error=error)
            try:
                self._around.switch.hang_up(self._call.call_id, "NORMAL_TEMPORARY_FAILURE")
            except EslError:
                pass  # the link is down: the dead-man's switch takes the call to the fallback

    def _place(self) -> str:
        return f"{self._run.frame.flow}:{self._run.frame.step}"


def _in_safe_order(commands: list[do.Command]) -> list[do.Command]:
    """A message is kept together with the caller's place behind it, for which the trace must have been written. A file is
    deleted last, when nothing that is saved of the call needs it any more."""
    if not any(isinstance(command, do.KeepMessage | do.DropRecording) for command in commands):
        return commands
    ranks = ((BOOKKEEPING, 0), (do.KeepMessage, 1), (do.DropRecording, 3))
    return sorted(commands, key=lambda command: next((rank for kind, rank in ranks if isinstance(command, kind)), 2))
