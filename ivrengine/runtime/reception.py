"""Takes calls as the switch offers them, gives each its session, and routes what happens to whom it concerns.

The switch's reader calls in here and must never wait: everything is either posted to a session or done in a greenlet of its
own. A call that is not taken (draining, full, no such number) is left alone: the switch's own timer sends it to the fallback.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import RaiseAlarm
from ivrengine.domain.events import CallEvent
from ivrengine.domain.sentence import Sentence
from ivrengine.esl.errors import EslError
from ivrengine.esl.switch import ChannelState
from ivrengine.flow.run import Run
from ivrengine.log import note

from .arranged_call import Arrangement
from .call_session import CallSession
from .greenlets import Crew
from .library import Library
from .news import CallBegun
from .surroundings import Surroundings

ARRANGED_LIMIT = 200  # calls that were arranged and haven't come in yet

log = logging.getLogger(__name__)


class Reception:
    """All live sessions by call id. ``resynchronise`` is called when the link to the switch is up (again)."""

    def __init__(self, library: Library, crew: Crew, max_calls: int, clock: Callable[[], float]) -> None:
        self.sessions: dict[str, CallSession] = {}
        self.draining = False
        self.resynchronise: Callable[[str, list[ChannelState]], None] = lambda core_uuid, channels: None
        self.taken: Callable[[str], None] = lambda call_id: None  # called with the id of each call that has become ours
        self._library = library
        self._around: Surroundings
        self._arranged: dict[str, Arrangement] = {}
        self._crew = crew
        self._max_calls = max_calls
        self._clock = clock

    def open(self, surroundings: Surroundings) -> None:
        """Must be called before the link to the switch comes up: the switch's edge and the sessions know each other."""
        self._around = surroundings

    def arrange(self, call_id: str, arrangement: Arrangement) -> bool:
        """The call that will come in with this id is tried out by somebody. False where too many of them are awaited."""
        if len(self._arranged) >= ARRANGED_LIMIT:
            return False
        self._arranged[call_id] = arrangement
        return True

    def unarrange(self, call_id: str) -> None:
        """It will not come in."""
        self._arranged.pop(call_id, None)

    # -- what the switch tells -----------------------------------------------------------------------------------------

    def call_offered(self, call: CallInfo, channel: ChannelState, *, orphaned: bool = False) -> None:
        """``orphaned``: an engine that has died had claimed it already."""
        if call.call_id in self.sessions:
            return
        if self.draining:
            note(log, "a call is left to the switch's fallback: the engine is stopping", call_id=call.call_id)
            return
        if len(self.sessions) >= self._max_calls:
            self._alarm(
                "engine_full", Sentence("all %(most)s places are taken; the call is left to the switch's fallback", most=self._max_calls)
            )
            return
        arranged = self._arranged.pop(call.call_id, None)
        flow = (arranged.flows if arranged else self._library).for_number(call.dialled)
        if flow is None:
            sentence = Sentence("no flow answers this dialled number; the call is left to the switch's fallback")
            self._alarm("unknown_number", sentence, call.dialled)
            return
        around = arranged.surroundings(self._around) if arranged else self._around
        run = around.interpreter.new_run(flow, call)
        if arranged and arranged.language in flow.languages:
            run.language = arranged.language
        if orphaned:
            new_tokens(run, self._clock())
        session = self._admit(run, around)
        self._crew.spawn(self._take, session, flow.name, flow.version, orphaned)

    def call_event(self, call_id: str, event: CallEvent) -> None:
        session = self.sessions.get(call_id)
        if session is not None:
            session.post(event)

    def switch_connected(self, core_uuid: str, channels: list[ChannelState]) -> None:
        self.resynchronise(core_uuid, channels)

    def switch_lost(self, reason: str) -> None:
        sentence = Sentence("the link to the switch is lost; calls go on there and are picked up again")
        note(log, sentence, level=logging.WARNING, reason=reason)

    # -- sessions ------------------------------------------------------------------------------------------------------

    def adopt(self, run: Run, *events: CallEvent) -> CallSession:
        """Go on with a call that an earlier process had. ``events`` are what it meets first; without any its time stands still
        until it is told what to do."""
        session = self._admit(run, self._around)
        session.hold()
        self._around.call_centre.call_began(session.call)
        for event in events:
            session.post(event)
        self._crew.spawn(self._run, session, session.resume)
        return session

    def _admit(self, run: Run, around: Surroundings) -> CallSession:
        session = CallSession(run, around)
        self.sessions[session.call_id] = session
        return session

    def _take(self, session: CallSession, flow_name: str, version: str, orphaned: bool) -> None:
        """Claim the call and walk it through its flow. Lost races and dead channels end here."""
        try:
            if not orphaned and not self._claim(session.call_id):
                return
            self.taken(session.call_id)
            note(log, "a call has come in", call_id=session.call_id, number=session.call.number, dialled=session.call.dialled)
            self._around.recorder.call_begun(session.call, flow_name, version)
            self._around.call_centre.call_began(session.call)
            self._around.news.tell(CallBegun(session.call, flow_name))
            session.start()
        finally:
            self._discharge(session)

    def _claim(self, call_id: str) -> bool:
        """Whoever deletes the call's timer owns the call."""
        try:
            return self._around.switch.claim(call_id)
        except EslError as error:
            note(log, "a call could not be claimed", level=logging.WARNING, call_id=call_id, error=error)
            return False

    def _run(self, session: CallSession, live: Callable[[], None]) -> None:
        try:
            live()
        finally:
            self._discharge(session)

    def _discharge(self, session: CallSession) -> None:
        if self.sessions.get(session.call_id) is session:
            del self.sessions[session.call_id]
            self._around.call_centre.call_ended(session.call_id)

    def _alarm(self, code: str, sentence: str, place: str = "") -> None:
        self._around.recorder.alarm(RaiseAlarm(code, sentence, place))

    # -- stopping ------------------------------------------------------------------------------------------------------

    def drain(self, seconds: float) -> int:
        """Take no new calls; wait for those up to end, at most ``seconds``. Gives how many are left."""
        self.draining = True
        deadline = self._clock() + seconds
        while self.sessions and self._clock() < deadline:
            gevent.sleep(0.1)
        return len(self.sessions)

    def let_go(self) -> None:
        """Leave every call that is still up to the switch."""
        for session in list(self.sessions.values()):
            session.leave()


def new_tokens(run: Run, now: float) -> None:
    """Tokens that no earlier process has used on this call: it may have sent commands after it saved for the last time, and
    their ends must not be taken for the ends of ours."""
    run.tokens = max(run.tokens + 1, int(now))
