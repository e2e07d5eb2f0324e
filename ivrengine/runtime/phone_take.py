"""One prompt being recorded by phone: who has asked for it is rung, hears what to do, speaks, hears it again, and a key decides.

    RINGING -> INSTRUCTING -> RECORDING -> REVIEWING -> KEEPING -> KEPT       1 keeps, 2 speaks again, 3 discards
                  ^______________|____________|____________________ DISCARDED
                                 hung up -> WAITING (for a word from the page) -> KEPT or DISCARDED

Until it is kept, what was said is a file of its own and nothing else: whatever dies in the middle has kept nothing.
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gevent.queue import Empty, Queue

from ivrengine.domain.audio import Audio, Prompt, RecordedFile, Tone
from ivrengine.domain.legs import LegAnswered, LegDigit, LegEvent, LegGone, LegPlayed, LegRecorded
from ivrengine.errors import IvrEngineError
from ivrengine.prompts.errors import PromptError

from .recording_files import spoken_ms

RING_SECONDS = 30.0
LONGEST_SECONDS = 300.0  # of one prompt
SHORTEST_MS = 300  # less is a click
PLAY_SECONDS = LONGEST_SECONDS + 60.0  # until the end of a play must have come
KEY_SECONDS = 8.0  # for a key, after the choices were told
REVIEWS_LIMIT = 3  # times that it is heard again without a key; then the page has the word
TRIES_LIMIT = 10  # times that somebody speaks, in one call
WAITING_SECONDS = 600.0  # for a word from the page
HANG_UP_SECONDS = 15.0  # until a phone that was hung up is gone
PARK_SECONDS = 3600.0  # the longest call that can come of all this; then the switch itself hangs up
INBOX_LIMIT = 100  # events that were not looked at yet; more keys are not heard
KEEP, AGAIN, DISCARD = "1", "2", "3"
KEYS = (KEEP, AGAIN, DISCARD)
FINISH_KEY = "#"

State = Literal[
    "RINGING", "INSTRUCTING", "RECORDING", "REVIEWING", "WAITING", "KEEPING", "KEPT", "DISCARDED", "NOT_REACHED", "SILENT", "FAILED"
]
OVER: frozenset[State] = frozenset({"KEPT", "DISCARDED", "NOT_REACHED", "SILENT", "FAILED"})
TO_HEAR: frozenset[State] = frozenset({"REVIEWING", "WAITING"})  # while there is something to be heard, and decided about

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key, by page instead of phone."""

    key: str


@dataclass(frozen=True, slots=True)
class TakeParts:
    """``paths`` renders what is said on the phone; ``keep`` makes the prompt of the file and gives what is to be warned of, or raises
    PromptError."""

    legs: Any
    paths: Callable[[Sequence[Audio]], list[str]]
    measure: Callable[[Path], int] = spoken_ms
    keep: Callable[[PhoneTake], tuple[str, ...]] = lambda take: ()
    kill: Callable[[str], None] = lambda leg_id: None
    clock: Callable[[], float] = lambda: 0.0
    key_seconds: float = KEY_SECONDS
    waiting_seconds: float = WAITING_SECONDS


class _Gone(Exception):
    """The phone is off the line."""


class _Discarded(Exception):
    """They don't want it any more."""


@dataclass(eq=False)
class PhoneTake:
    """``why``: of NOT_REACHED the switch's reason, of DISCARDED ``late`` when nobody decided; ``sentence``: of FAILED."""

    take_id: str
    by: str
    name: str
    language: str
    spoken_language: str
    phone: str
    path: Path
    parts: TakeParts
    changed: Callable[[PhoneTake], None]
    state: State = "RINGING"
    why: str = ""
    sentence: str = ""
    warnings: tuple[str, ...] = ()
    spoken_ms: int = 0
    tries: int = 0
    since: float = 0.0
    leg_id: str = ""
    inbox: Queue[LegEvent | Pressed] = field(default_factory=Queue)

    @property
    def over(self) -> bool:
        return self.state in OVER

    def tell(self, event: LegEvent | Pressed) -> None:
        """Something has happened; must not wait."""
        if self.inbox.qsize() < INBOX_LIMIT or isinstance(event, LegGone):
            self.inbox.put_nowait(event)

    def to_record(self) -> dict[str, Any]:
        return {
            "take": self.take_id, "name": self.name, "language": self.language, "phone": self.phone, "state": self.state, "why": self.why,
            "sentence": self.sentence, "warnings": list(self.warnings), "spoken_ms": self.spoken_ms, "tries": self.tries,
            "since": self.since, "over": self.over, "spoken_language": self.spoken_language,
        }  # fmt: skip

    # -- the whole of it -----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """From the ringing to the end; in a greenlet of its own."""
        try:
            self._walk()
        except _Discarded:
            self._move("DISCARDED")
        except (PromptError, IvrEngineError) as error:
            self._move("FAILED", sentence=str(error))
        finally:
            if not self.over:
                self._move("FAILED", sentence="the engine failed at this; its log says how")
            self._hang_up()
            self.path.unlink(missing_ok=True)  # once more: a phone that was still speaking has just ended it

    def _walk(self) -> None:
        try:
            self._until(LegAnswered, RING_SECONDS * 2)
        except _Gone:
            self._move("NOT_REACHED", why=self.why or "no_answer")
            return
        try:
            decided = self._record_and_review()
        except _Gone:
            decided = self._wait_for_page() if self.spoken_ms else ""
        if decided == KEEP:
            self._keep()
        elif decided == DISCARD:
            self._move("DISCARDED")
            self._say("record/discarded")
        elif not self.over:
            self._move("SILENT")

    def _record_and_review(self) -> str:
        """What was decided at the phone; "" where nobody spoke. Raises _Gone."""
        opening: tuple[Audio, ...] = (self._prompt("record/speak"),)
        while self.tries < TRIES_LIMIT:
            self._move("INSTRUCTING")
            self._play(*opening, Tone("beep"))
            self._record()
            if not self.spoken_ms:
                opening = (self._prompt("record/nothing"), self._prompt("record/speak"))
                continue
            decided = self._review()
            if decided != AGAIN:
                return decided
            opening = (self._prompt("record/speak"),)
        return ""

    def _record(self) -> None:
        """Raises _Gone where the phone hung up; what was said is measured all the same."""
        self.spoken_ms = 0
        self.tries += 1
        self._move("RECORDING")
        token = _token()
        self.parts.legs.record(self.leg_id, token, str(self.path), LONGEST_SECONDS, FINISH_KEY)
        try:
            self._until(LegRecorded, PLAY_SECONDS, token)
        finally:
            measured = self.parts.measure(self.path)
            self.spoken_ms = measured if measured >= SHORTEST_MS else 0

    def _review(self) -> str:
        """Raises _Gone."""
        self._move("REVIEWING")
        for _ in range(REVIEWS_LIMIT):
            key = self._play(RecordedFile(str(self.path)), self._prompt("record/choices"), listens=True) or self._key()
            if key:
                return key
        self._hang_up()
        raise _Gone  # for the page to decide

    def _wait_for_page(self) -> str:
        """The phone is on the hook, and what was said is still there."""
        self._move("WAITING")
        until = self.parts.clock() + self.parts.waiting_seconds
        while (left := until - self.parts.clock()) > 0:
            try:
                event = self.inbox.get(timeout=left)
            except Empty:
                break
            if isinstance(event, Pressed) and event.key in (KEEP, DISCARD):
                return event.key
        self._move("DISCARDED", why="late")
        return ""

    def _keep(self) -> None:
        self._move("KEEPING")
        try:
            self.warnings = self.parts.keep(self)
        except (PromptError, IvrEngineError) as error:
            self._move("FAILED", sentence=str(error))
            self._say("record/failed")
        else:
            self._move("KEPT")
            self._say("record/kept")

    # -- on the phone --------------------------------------------------------------------------------------------------

    def _say(self, prompt: str) -> None:
        """A last word, where somebody is there to hear it."""
        if self.leg_id:
            try:
                self._play(self._prompt(prompt))
            except (_Gone, _Discarded, IvrEngineError) as error:
                log.debug("the last word of a recording by phone was not heard: %r", error)

    def _play(self, *items: Audio, listens: bool = False) -> str:
        """The key that cut it, or "". Raises _Gone and _Discarded."""
        token = _token()
        self.parts.legs.play(self.leg_id, token, self.parts.paths(items))
        return self._until(LegPlayed, PLAY_SECONDS, token, listens=listens)

    def _key(self) -> str:
        """One that is pressed within the time for it, or ""."""
        until = self.parts.clock() + self.parts.key_seconds
        while (left := until - self.parts.clock()) > 0:
            try:
                key = self._key_of(self.inbox.get(timeout=left))
            except Empty:
                break
            if key:
                return key
        return ""

    def _until(self, kind: type[LegEvent], seconds: float, token: str = "", *, listens: bool = False) -> str:
        """Wait for one event; a key that is listened for cuts what plays. Raises _Gone where the phone goes, or nothing comes."""
        key = ""
        until = self.parts.clock() + seconds
        while True:
            try:
                event = self.inbox.get(timeout=max(0.0, until - self.parts.clock()))
            except Empty:
                raise _Gone from None
            if isinstance(event, kind) and getattr(event, "token", token) == token:
                return key
            pressed = self._key_of(event)
            if listens and pressed and not key:
                key = pressed
                self.parts.legs.stop_playing(self.leg_id)

    def _key_of(self, event: LegEvent | Pressed) -> str:
        """A choice that was made, by phone or page. Raises _Gone, and _Discarded for the page's word before there is a choice."""
        match event:
            case LegGone(why):
                self.leg_id, self.why = "", why
                raise _Gone
            case Pressed(key) if key == DISCARD and self.state not in TO_HEAR and not self.over:
                raise _Discarded
            case Pressed(key) | LegDigit(key) if key in KEYS:
                return key
        return ""

    # -- small pieces --------------------------------------------------------------------------------------------------

    def _prompt(self, name: str) -> Prompt:
        return Prompt(name, self.spoken_language)

    def _move(self, state: State, *, why: str = "", sentence: str = "") -> None:
        self.state, self.why, self.sentence, self.since = state, why, sentence, self.parts.clock()
        if self.over:
            self.path.unlink(missing_ok=True)
        self.changed(self)

    def _hang_up(self) -> None:
        """Returns when the phone is gone, or HANG_UP_SECONDS later."""
        if self.leg_id:
            self.parts.kill(self.leg_id)
            with contextlib.suppress(_Gone):
                if key := self._until(LegGone, HANG_UP_SECONDS, listens=self.state in TO_HEAR):
                    self.inbox.put_nowait(Pressed(key))  # said in the page meanwhile
            self.leg_id = ""


def _token() -> str:
    return str(uuid.uuid4())
