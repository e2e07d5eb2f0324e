"""Writes down what happens on calls: the call, its steps, its messages, its place in the flow.

Rows are handed to the database's group commit and not waited for, except where somebody is told that a thing was kept.
Places in flows are saved in the background a few times a second: a crash may cost a caller the repeat of a prompt, never
more. Nothing here ever raises into a call: what can't be written is logged and alarmed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import AddToCounter, CountRefusal, DropRecording, KeepMessage, KeepRecording, LogStep, RaiseAlarm
from ivrengine.flow.run import Run
from ivrengine.log import note
from ivrengine.storage.database import Ticket
from ivrengine.storage.errors import StorageError
from ivrengine.storage.store import Store

log = logging.getLogger(__name__)
SAVE_SECONDS = 0.25  # how old a saved place in a flow may be


class Recorder:
    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.store = store
        self._clock = clock
        self._moved: dict[str, Run] = {}  # runs that have changed since they were last saved

    # -- calls ---------------------------------------------------------------------------------------------------------

    def call_begun(self, call: CallInfo, flow: str, version: str) -> None:
        self._write(self.store.calls.begin, call, flow, version)

    def call_answered(self, call_id: str) -> None:
        self._write(self.store.calls.answered, call_id, self._clock())

    def call_ended(self, call_id: str, ended_by: str, cause: str, outcome: str) -> None:
        """The call is over for us: its row is closed and its saved place dropped, in this order."""
        self._moved.pop(call_id, None)
        self._write(self.store.calls.end, call_id, self._clock(), ended_by, cause, outcome)
        self._write(self.store.runs.delete, call_id)

    # -- the place in the flow -----------------------------------------------------------------------------------------

    def run_rests(self, run: Run) -> None:
        """The run has changed and now waits: it may be saved at any time."""
        self._moved[run.call.call_id] = run

    def run_moves(self, run: Run) -> None:
        """Until it rests again nothing of the run is saved: what it has decided is not done yet."""
        self._moved.pop(run.call.call_id, None)

    def save_runs(self) -> None:
        """Save every run that has moved since the last time; called SAVE_SECONDS apart."""
        moved, self._moved = self._moved, {}
        for run in moved.values():
            self._save(run)

    def save_run(self, run: Run) -> None:
        """Save one run now: before something begins on the switch that would outlive this process."""
        saving = self._save(run)
        if saving is not None:
            saving.hurry()

    def _save(self, run: Run) -> Ticket[None] | None:
        if run.finished:
            return None
        return self._write(self.store.runs.save, run.call.call_id, run.to_record(), self._clock())

    # -- what commands ask for -----------------------------------------------------------------------------------------

    def step(self, call_id: str, step: LogStep) -> None:
        self._write(self.store.steps.log, call_id, step)

    def trace_from(self, call_id: str, sequence: int) -> None:
        """The call walks again from this step of its trace on."""
        self._write(self.store.steps.cut, call_id, sequence)

    def keep_message(self, run: Run, message: KeepMessage) -> None:
        """Returns when the message is durable; the caller may be told so. Raises StorageError.

        The caller's place is saved with it, or an engine that dies now would have the next one ask about the message again.
        """
        ticket = self.store.messages.keep(message, run.call, self._clock())
        self.save_run(run)
        ticket.wait()

    def keep_recording(self, call: CallInfo, recording: KeepRecording) -> None:
        self._write(self.store.recordings.keep, recording, call.call_id, self._clock())

    def drop_recording(self, command: DropRecording) -> None:
        try:
            self.store.recordings.drop(command.path)
        except StorageError as error:
            note(log, "a thrown-away recording could not be deleted", level=logging.WARNING, path=command.path, error=error)

    def count(self, command: AddToCounter) -> None:
        self._write(self.store.counters.add, command.counter, command.amount, self._clock())

    def refusal(self, command: CountRefusal) -> None:
        self._write(self.store.blacklist.hit, command.entry, self._clock())

    def alarm(self, alarm: RaiseAlarm) -> None:
        """Log an alarm and keep it for the person who mends it."""
        note(log, alarm.sentence, level=logging.WARNING, action="alarm", code=alarm.code, place=alarm.place)
        self._write(self.store.alarms.raise_, alarm, self._clock())

    def _write(self, write: Callable[..., Ticket[Any]], *args: Any) -> Ticket[Any] | None:
        try:
            return write(*args)
        except StorageError as error:
            log.error("not written down: %s", error)
