"""What agents key and do with their phones during a talk, carried out, and answered by speech on the agent's own leg.

Keys are read by ``talk_keys``; a SIP REFER of the phone goes to ``transfers``. Nothing here waits in the greenlet that tells of events:
each code is carried out in one of its own, one after the other for each talk.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from gevent.lock import BoundedSemaphore

from ivrengine.acd.happenings import WrapUpExtended
from ivrengine.domain.audio import Audio
from ivrengine.domain.legs import LegDigit, LegEvent, LegReferred, LegUnbridged
from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError
from ivrengine.prompts.voice import Voice
from ivrengine.storage.store import Store

from .desk import EXTRA_WRAP_UP_SECONDS
from .desk_words import DeskWords
from .greenlets import Crew
from .outcome import Outcome, Who, done, refused
from .talk_keys import Code, TalkKeys
from .talks import Talk
from .transfers import Transfers

CODES_WAITING_LIMIT = 5  # of one talk; an agent who keys on and on is not listened to meanwhile
# What the agent hears; a code that takes the agent out of the talk says nothing.
SAID = {
    "consult": "talk/calling", "three_way": "talk/conference", "take_back": "talk/taken_back", "unknown": "talk/unknown_code",
}  # fmt: skip
REFUSED_SAID = {"not_allowed": "talk/not_allowed"}

log = logging.getLogger(__name__)


class Masks(Protocol):
    """runtime.call_recordings."""

    def mask(self, talk: Talk, on: bool) -> bool: ...


class TalkCodes:
    def __init__(
        self,
        transfers: Transfers,
        recordings: Masks,
        feed: Callable[[Any], Any],
        legs: Any,
        voice: Voice,
        words: DeskWords,
        store: Store,
        crew: Crew,
        clock: Callable[[], float],
    ) -> None:
        self._transfers = transfers
        self._recordings = recordings
        self._feed = feed
        self._legs = legs
        self._voice = voice
        self._words = words
        self._store = store
        self._crew = crew
        self._clock = clock
        self._keys: dict[str, TalkKeys] = {}  # by attempt
        self._turns: dict[str, BoundedSemaphore] = {}
        self._waiting: dict[str, int] = {}
        self._more_wrap_up: dict[str, float] = {}  # by attempt: seconds that the wrap-up to come is longer

    def talk_event(self, talk: Talk, event: LegEvent) -> None:
        """Something happened on the agent's leg. Must not wait."""
        if isinstance(event, LegReferred):
            talk.passed_on = True  # before the leg's end is told, which comes next
            self._crew.spawn(self._guarded, talk, lambda: self._transfers.referred(talk, event))
        elif isinstance(event, LegUnbridged):
            self._transfers.leg_parted(talk)
        elif isinstance(event, LegDigit):
            code = self._keys.setdefault(talk.attempt_id, TalkKeys()).press(event.digit, self._clock())
            if code is not None and self._waiting.get(talk.attempt_id, 0) < CODES_WAITING_LIMIT:
                self._waiting[talk.attempt_id] = self._waiting.get(talk.attempt_id, 0) + 1
                self._crew.spawn(self._carry_out, talk, code)

    def talk_over(self, talk: Talk) -> None:
        self._keys.pop(talk.attempt_id, None)
        self._turns.pop(talk.attempt_id, None)
        self._waiting.pop(talk.attempt_id, None)
        seconds = self._more_wrap_up.pop(talk.attempt_id, 0.0)
        if seconds:
            self._feed(WrapUpExtended(talk.agent_id, seconds))

    def _carry_out(self, talk: Talk, code: Code) -> None:
        turn = self._turns.setdefault(talk.attempt_id, BoundedSemaphore())
        with turn:
            if not talk.over:
                self._guarded(talk, lambda: self._say(talk, code, self.do(talk, code)))
        if talk.attempt_id in self._waiting:
            self._waiting[talk.attempt_id] -= 1

    def _guarded(self, talk: Talk, work: Callable[[], None]) -> None:
        try:
            work()
        except IvrEngineError as error:
            log.warning("what an agent wanted in a talk failed: %s", error, extra={"attempt": talk.attempt_id})

    def do(self, talk: Talk, code: Code) -> Outcome:
        """Carry a code out. May wait for the switch."""
        who = Who(f"agent {talk.agent_id}", talk.agent_id, at_phone=True)
        match code.verb:
            case "blind":
                return self._transfers.blind(talk, code.number, who)
            case "consult":
                return self._transfers.consult(talk, code.number, who)
            case "complete":
                return self._transfers.complete(talk, who)
            case "three_way":
                return self._transfers.three_way(talk, who)
            case "take_back":
                return self._transfers.take_back(talk, who)
            case "more_wrap_up":
                seconds = self._more_wrap_up.get(talk.attempt_id, 0.0) + EXTRA_WRAP_UP_SECONDS
                self._more_wrap_up[talk.attempt_id] = seconds
                return done(Sentence("the wrap-up will be %(seconds)g s longer", seconds=seconds))
            case "recording":
                return self._mask(talk, who)
        return refused(Sentence("there is no such code"), code="unknown")

    def _mask(self, talk: Talk, who: Who) -> Outcome:
        on = not talk.masked
        if not self._recordings.mask(talk, on):
            return refused(Sentence("this talk is not recorded"))
        self._store.audit.add(who.name, "pause_recording" if on else "resume_recording", f"item {talk.item_id}", "", "", self._clock())
        return done(Sentence("the recording is paused") if on else Sentence("the recording goes on"))

    def _say(self, talk: Talk, code: Code, outcome: Outcome) -> None:
        paths = self._voice.render(self._answer(talk, code, outcome)).paths
        if paths and not talk.over:
            self._legs.play(talk.leg_id, f"{talk.attempt_id}/{uuid.uuid4().hex[:8]}", paths)

    def _answer(self, talk: Talk, code: Code, outcome: Outcome) -> list[Audio]:
        prompt = self._words.prompt
        if code.verb == "unknown":
            return [prompt(SAID["unknown"], "")]
        if not outcome.ok:
            return [prompt(REFUSED_SAID.get(outcome.code, "talk/not_possible"), "")]
        if code.verb == "more_wrap_up":
            return [prompt("desk/more_time", ""), self._words.number(int(self._more_wrap_up.get(talk.attempt_id, 0)), "")]
        if code.verb == "recording":
            return [prompt("talk/recording_paused" if talk.masked else "talk/recording_on", "")]
        return [prompt(SAID[code.verb], "")] if code.verb in SAID else []
