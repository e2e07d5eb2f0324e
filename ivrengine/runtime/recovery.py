"""Brings calls and sessions together again: after a restart of the engine, a broken link, or a restart of the switch.

The saved places in flows and the switch's own list of channels are compared. What still lives goes on in the step it was in;
what is gone is unwound as a hang-up, so that messages are kept and every call row gets its end; what was never claimed is
taken now.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import RaiseAlarm
from ivrengine.domain.events import CallerHungUp, RunResumed
from ivrengine.esl.errors import EslError
from ivrengine.esl.switch import ChannelState, Switch
from ivrengine.flow.run import Run
from ivrengine.log import note

from .reception import Reception
from .recorder import Recorder

log = logging.getLogger(__name__)

# Applications of ours that end by themselves and tell it then: the step just goes on waiting for that.
GOES_ON = frozenset({"bridge", "record", "play_and_get_digits"})
LOST = "LOST_WHILE_AWAY"  # our word for "ended while nobody of us looked"


class Recovery:
    """``load`` before the link comes up, then ``resynchronise`` each time that it does."""

    def __init__(self, reception: Reception, recorder: Recorder, switch: Switch, clock: Callable[[], float]) -> None:
        self._reception = reception
        self._recorder = recorder
        self._switch = switch
        self._clock = clock
        self._saved: dict[str, Run] = {}
        self._begun: set[str] = set()  # calls that were ours and have no end yet

    def load(self) -> None:
        """Read what an earlier process left behind."""
        for saved in self._recorder.store.runs.all():
            try:
                run = Run.from_record(saved.record)
            except (ValueError, KeyError, TypeError) as error:
                alarm = RaiseAlarm("run_unreadable", f"a saved place in a flow can't be read: {error}", saved.call_id)
                self._recorder.alarm(alarm)
                continue
            self._saved[run.call.call_id] = run
        self._begun = {call.call_id for call in self._recorder.store.calls.unfinished()}
        if self._saved or self._begun:
            note(log, "calls of an earlier process are to be found again", calls=len(self._begun | set(self._saved)))

    def resynchronise(self, core_uuid: str, channels: list[ChannelState]) -> None:
        alive = {channel.call_id: channel for channel in channels}
        sessions = dict(self._reception.sessions)
        for call_id, session in sessions.items():
            channel = alive.get(call_id)
            if channel is None:
                session.post(CallerHungUp(LOST))
            elif session.run.finished:
                self._end_again(call_id)
            elif session.waits_for_switch and channel.application not in (*GOES_ON, "playback"):
                session.post(RunResumed())
        saved, self._saved = self._saved, {}
        begun, self._begun = self._begun, set()
        for call_id, run in saved.items():
            if call_id not in sessions:
                self._adopt(run, alive.get(call_id))
        for call_id in begun - set(saved) - set(sessions):
            if call_id not in alive:
                self._recorder.call_ended(call_id, "unknown", LOST, "lost")
        for call_id, channel in alive.items():
            if call_id not in sessions and call_id not in saved and channel.application in ("", "park"):
                call = CallInfo(call_id, channel.dialled, channel.number, channel.name, channel.created_at or self._clock())
                self._reception.call_offered(call, channel, orphaned=True)
        note(log, "the link to the switch is up", channels=len(alive), sessions=len(self._reception.sessions), core=core_uuid)

    def _adopt(self, run: Run, channel: ChannelState | None) -> None:
        if channel is None:
            self._reception.adopt(run, CallerHungUp(LOST))
            return
        note(log, "a call is picked up again", call_id=run.call.call_id, step=run.frame.step, busy_with=channel.application)
        if self._goes_on(channel):
            self._reception.adopt(run)
        else:
            self._reception.adopt(run, RunResumed())

    def _end_again(self, call_id: str) -> None:
        """The flow had ended while the link was down, so its hang-up never reached the switch."""
        try:
            self._switch.hang_up(call_id, "NORMAL_CLEARING")
        except EslError as error:
            note(log, "a call could not be ended", call_id=call_id, error=error)

    def _goes_on(self, channel: ChannelState) -> bool:
        """True when the switch is still busy with what the step waits for; a prompt is cut, to be said again."""
        if channel.application in GOES_ON:
            return True
        if channel.application == "playback":
            try:
                self._switch.stop_playing(channel.call_id)
            except EslError as error:
                note(log, "a prompt could not be cut", call_id=channel.call_id, error=error)
        return False
