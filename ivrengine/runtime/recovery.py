"""Brings calls and sessions together again: after a restart of the engine, a broken link, or a restart of the switch.

The saved places in flows and the switch's own list of claimed channels are compared. What still lives goes on in the step it
was in; what is gone is unwound as a hang-up, so that messages are kept and every call row gets its end. (Calls that nobody
has claimed yet are offered by the switch's edge like any other.)
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import RaiseAlarm
from ivrengine.domain.events import CallerHungUp, CallEvent, RunResumed
from ivrengine.domain.sentence import Sentence
from ivrengine.esl.errors import EslError
from ivrengine.esl.switch import ChannelState, Switch
from ivrengine.esl.translate import CommandKind
from ivrengine.flow.run import Run
from ivrengine.flow.steps.collect import COLLECTING
from ivrengine.flow.waiting import WAITING
from ivrengine.log import note

from .call_session import CallSession
from .reception import Reception, new_tokens
from .recorder import Recorder
from .recording_files import left_recording

log = logging.getLogger(__name__)

# Applications that end by themselves and tell it then, by the kind of command that started them: the step goes on waiting.
GOES_ON: dict[str, CommandKind] = {"bridge": "dial", "record": "record", "play_and_get_digits": "secret"}
LOST = "LOST_WHILE_AWAY"  # our word for "ended while nobody of us looked"


class Recovery:
    """``load`` before the link comes up, then ``resynchronise`` each time that it does."""

    def __init__(self, reception: Reception, recorder: Recorder, switch: Switch, recordings: Path, clock: Callable[[], float]) -> None:
        self._reception = reception
        self._recorder = recorder
        self._switch = switch
        self._recordings = recordings
        self._clock = clock
        self._saved: dict[str, Run] = {}
        self._begun: set[str] = set()  # calls that were ours and have no end yet
        self.switch_restarted: Callable[[], None] = lambda: None  # called before the ends of the calls it had are told
        self._core_uuid = ""
        self.alive: dict[str, ChannelState] = {}  # the callers' channels, as the switch had them when the link came up

    def load(self) -> None:
        """Read what an earlier process left behind."""
        for saved in self._recorder.store.runs.all():
            try:
                run = Run.from_record(saved.record)
            except (ValueError, KeyError, TypeError) as error:
                alarm = RaiseAlarm(
                    "run_unreadable", Sentence("a saved place in a flow can't be read: %(error)s", error=error), saved.call_id
                )
                self._recorder.alarm(alarm)
                continue
            self._saved[run.call.call_id] = run
        self._begun = {call.call_id for call in self._recorder.store.calls.unfinished()}
        if self._saved or self._begun:
            note(log, "calls of an earlier process are to be found again", calls=len(self._begun | set(self._saved)))

    def pinned_versions(self) -> list[tuple[str, str]]:
        """Name and version of every flow that a saved call is in."""
        return sorted({(frame.flow, frame.version) for run in self._saved.values() for frame in run.frames})

    def waiting_tokens(self) -> list[tuple[str, str]]:
        """Call id and token of every saved place that waits in a queue, or talks from there."""
        frames = ((call_id, frame) for call_id, run in self._saved.items() for frame in run.frames)
        return [(call_id, frame.state[WAITING]) for call_id, frame in frames if WAITING in frame.state]

    def resynchronise(self, core_uuid: str, channels: list[ChannelState]) -> None:
        if self._core_uuid not in ("", core_uuid):
            self.switch_restarted()
        self._core_uuid = core_uuid
        self.alive = alive = {channel.call_id: channel for channel in channels}
        sessions = dict(self._reception.sessions)
        for call_id, session in sessions.items():
            self._guarded(call_id, self._reconnect, session, alive.get(call_id))
        saved, self._saved = self._saved, {}
        begun, self._begun = self._begun, set()
        for call_id, run in saved.items():
            if call_id not in sessions:
                self._guarded(call_id, self._adopt, run, alive.get(call_id))
        for call_id in begun - set(saved) - set(sessions) - set(alive):
            self._recorder.call_ended(call_id, "unknown", LOST, "lost")
        for call_id, channel in alive.items():
            if call_id not in sessions and call_id not in saved:
                # Claimed, and then its engine died before it had saved anything: the call begins anew.
                call = CallInfo(call_id, channel.dialled, channel.number, channel.name, channel.created_at or self._clock())
                self._recorder.trace_from(call_id, 0)
                self._reception.call_offered(call, channel, orphaned=True)
        note(log, "the link to the switch is up", channels=len(alive), sessions=len(self._reception.sessions), core=core_uuid)

    def _guarded(self, call_id: str, work: Callable[..., None], *args: Any) -> None:
        """One call that can't be picked up must not keep the others waiting; the dead-man's switch takes care of it."""
        try:
            work(*args)
        except Exception as error:
            log.exception("a call could not be picked up again")
            self._recorder.alarm(
                RaiseAlarm("recovery_failed", Sentence("%(name)s: %(error)s", name=type(error).__name__, error=error), call_id)
            )

    def _reconnect(self, session: CallSession, channel: ChannelState | None) -> None:
        """A call of this process, after its link was down."""
        run = session.run
        if channel is None:  # its end is told next
            session.wake_with(self._left(run, hung_up=True))
        elif run.finished:
            self._end_again(session.call_id)
        elif session.interrupted:
            if not self._goes_on(session, channel):
                session.wake_with(self._left(run, hung_up=False) or [RunResumed()])
        elif not channel.application and COLLECTING in run.frame.state:
            session.wake_with([RunResumed()])  # the secret came while nobody could hear it
        elif channel.application != "record":
            session.wake_with(self._left(run, hung_up=False))

    def _adopt(self, run: Run, channel: ChannelState | None) -> None:
        """A call of an earlier process."""
        call_id = run.call.call_id
        self._recorder.trace_from(call_id, run.trace_length)
        new_tokens(run, self._clock())
        if channel is None:
            self._reception.adopt(run, *self._left(run, hung_up=True), CallerHungUp(LOST))
            return
        note(log, "a call is picked up again", call_id=call_id, step=run.frame.step, busy_with=channel.application)
        session = self._reception.adopt(run)
        if not self._goes_on(session, channel):
            session.wake_with(self._left(run, hung_up=False) or [RunResumed()])
        if not session.with_somebody:
            self._reception.taken(call_id)

    def _end_again(self, call_id: str) -> None:
        """The flow had ended while the link was down, so its hang-up never reached the switch."""
        try:
            self._switch.hang_up(call_id, "NORMAL_CLEARING")
        except EslError as error:
            note(log, "a call could not be ended", call_id=call_id, error=error)

    def _left(self, run: Run, *, hung_up: bool) -> list[CallEvent]:
        ended = left_recording(run, self._recordings, hung_up=hung_up)
        return [] if ended is None else [ended]

    def _goes_on(self, session: CallSession, channel: ChannelState) -> bool:
        """True when the switch is still busy with what the step waits for. A prompt is cut instead, to be said again.

        One who talks to an agent talks on; the step asks the call centre how things stand.
        """
        kind = GOES_ON.get(channel.application)
        token = channel.application_token or _waiting_token(session.run)
        if kind and token:
            path = channel.application_data.split(" ")[0] if kind == "record" else ""
            self._switch.expect(session.call_id, token, kind, path)
            session.goes_on(token, kind)
            return True
        if channel.bridged_to:
            session.talks(True)
        elif channel.application:
            try:
                self._switch.stop_playing(channel.call_id)
            except EslError as error:
                note(log, "a prompt could not be cut", call_id=channel.call_id, error=error)
        return False


def _waiting_token(run: Run) -> str:
    """The token of the recording, dialling or collecting that the step waits for, as it stands in the step's own state."""
    start = f"{run.call.call_id}:"
    tokens = (value for key, value in run.frame.state.items() if key != "playing" and isinstance(value, str))
    return next((token for token in tokens if token.startswith(start)), "")
