"""Prompts recorded by phone, all of them: who may begin one, which phone is rung, what is heard of it, and how it is kept.

Only a phone of the house that is registered is rung, never an outside number. Everybody has one at a time and reaches only their own.
What is kept goes the way of every upload (converted, levelled, the former one put aside) with its row of the audit trail. Refuses
more than TAKES_LIMIT at once.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ivrengine.domain.audio import Audio
from ivrengine.domain.legs import LegAnswered, LegGone
from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError
from ivrengine.esl.errors import EslError
from ivrengine.prompts.errors import PromptError
from ivrengine.prompts.names import is_language, name_problem
from ivrengine.prompts.voice import Voice
from ivrengine.storage.store import Store

from .greenlets import Crew
from .outcome import Outcome, Who, done, refused
from .phone_take import KEYS, PARK_SECONDS, RING_SECONDS, TO_HEAR, PhoneTake, Pressed, TakeParts
from .prompt_work import PromptWork
from .publishing import apart
from .recording_files import spoken_ms, why_not_record
from .side_legs import SideLegs, Wishes

TAKES_LIMIT = 20  # at once
REMEMBERED_LIMIT = 200  # that are over, of everybody's latest
SWEEP_SECONDS = 10.0
PHONE_LIMIT = 20  # digits
KEEP_SILENCE_MS = 150  # at either end: between tone and first word, last word and key, nobody spoke on purpose

log = logging.getLogger(__name__)


class PhoneTakes:
    """``directory``: where the switch may write. ``on_changed`` hears whose recording is at another point; it must not wait."""

    def __init__(
        self,
        legs: Any,
        sides: SideLegs,
        voice: Voice,
        work: PromptWork,
        store: Store,
        directory: Path,
        languages: Sequence[str],
        crew: Crew,
        clock: Callable[[], float],
    ) -> None:
        self.directory = directory
        self.on_changed: list[Callable[[str], None]] = []
        self._legs = legs
        self._sides = sides
        self._work = work
        self._store = store
        self._languages = languages
        self._crew = crew
        self._clock = clock
        self._takes: dict[str, PhoneTake] = {}  # the latest of each person
        self._parts = TakeParts(
            legs,
            lambda items: _paths(voice, items),
            measure=lambda path: apart(spoken_ms, path),
            keep=self._keep,
            kill=sides.kill,
            clock=clock,
        )

    def sweep(self) -> None:
        """Throw away what an engine that died has left: nobody had decided about it. Called SWEEP_SECONDS apart, because the switch may
        end such a recording only when this engine has found its phone and hung it up."""
        live = {take.path for take in self._takes.values() if not take.over}
        for left in self.directory.glob("*.wav"):
            if left.absolute() not in live:
                left.unlink(missing_ok=True)

    def stop(self) -> None:
        """The phones are hung up; what was not kept is gone."""
        for take in self._takes.values():
            if not take.over and take.leg_id:
                self._sides.kill(take.leg_id)

    # -- what people do ------------------------------------------------------------------------------------------------

    def do(self, verb: str, arguments: Mapping[str, str], who: Who) -> Outcome:
        """A verb by its name, as orders have it."""
        if verb == "record":
            name, language, phone = (arguments.get(key, "") for key in ("name", "language", "phone"))
            return self.begin(language, name, phone, who, take_id=arguments.get("take", ""))
        return refused(Sentence("prompts can't %(verb)r", verb=verb[:40]))

    def begin(self, language: str, name: str, phone: str, who: Who, *, take_id: str = "") -> Outcome:
        """Ring ``phone`` and record the prompt on it."""
        refusal = self._why_not(language, name, phone, who)
        if refusal is not None:
            return refusal
        take_id = take_id or str(uuid.uuid4())
        take = PhoneTake(
            take_id, who.name, name, language, who.language or self._languages[0], phone,
            (self.directory / f"{uuid.uuid4()}.wav").absolute(), self._parts, self._changed, since=self._clock(),
        )  # fmt: skip
        wishes = Wishes(
            answered=lambda leg_id: take.tell(LegAnswered()),
            gone=lambda leg_id, why: take.tell(LegGone(why)),
            happened=lambda leg_id, event: take.tell(event),
        )
        self._takes[who.name] = take  # before the dialling, which waits: a second click finds it
        try:
            take.leg_id = self._sides.dial(
                "extension", phone, RING_SECONDS, wishes, purpose="record", display_name=name, display_number=phone,
                park_seconds=PARK_SECONDS,
            )  # fmt: skip
        except IvrEngineError as error:
            del self._takes[who.name]
            return refused(str(error), code="switch")
        self._store.audit.add(who.name, "record_by_phone", f"prompt {name}", "", {"language": language, "phone": phone}, self._clock())
        self._crew.spawn(take.run)
        self._changed(take)
        return done(Sentence("phone %(phone)s rings; whoever answers it is told what to do", phone=phone))

    def press(self, take_id: str, key: str, who: Who) -> Outcome:
        """1, 2 or 3, said in the page: keep, again, discard. 3 ends it at any time before it is kept."""
        take = self._takes.get(who.name)
        if take is None or take.take_id != take_id or take.over:
            return refused(Sentence("this recording is over"), code="over")
        if key not in KEYS:
            return refused(Sentence("there is no choice %(key)r", key=key[:10]), code="no_choice")
        take.tell(Pressed(key))
        return done("done")

    # -- what is told of it --------------------------------------------------------------------------------------------

    def of(self, person: str) -> dict[str, Any] | None:
        """The latest recording of a person, JSON-ready; None where there was none."""
        take = self._takes.get(person)
        return take.to_record() if take is not None else None

    def one(self, arguments: Mapping[str, str]) -> dict[str, Any] | None:
        """The same by its id, for the command line."""
        return next((take.to_record() for take in self._takes.values() if take.take_id == arguments.get("take", "-")), None)

    def sound(self, person: str, take_id: str) -> Path | None:
        """What was said, while there is something to decide about it."""
        take = self._takes.get(person)
        return take.path if take is not None and take.take_id == take_id and take.state in TO_HEAR else None

    # -- how -----------------------------------------------------------------------------------------------------------

    def _why_not(self, language: str, name: str, phone: str, who: Who) -> Outcome | None:
        if bad_name := name_problem(name):
            return refused(bad_name, code="bad_name")
        if not is_language(language):
            return refused(Sentence("%(language)r is no language like zh-CN or en-US", language=language[:40]), code="bad_language")
        if not (phone.isascii() and phone.isdigit()) or len(phone) > PHONE_LIMIT:
            return refused(Sentence("the phone is missing: its extension is digits only"), code="no_phone")
        own = self._takes.get(who.name)
        if own is not None and not own.over:
            sentence = Sentence("you are recording %(name)s on phone %(phone)s already", name=own.name, phone=own.phone)
            return refused(sentence, code="recording")
        up = [take for take in self._takes.values() if not take.over]
        if len(up) >= TAKES_LIMIT:
            sentence = Sentence("%(count)s prompts are being recorded already; try again in a moment", count=TAKES_LIMIT)
            return refused(sentence, code="too_many")
        if any(take.phone == phone for take in up):
            return refused(Sentence("somebody records a prompt on phone %(phone)s already", phone=phone), code="phone_busy")
        if no_room := why_not_record(self.directory):
            return refused(no_room, code="no_room")
        try:
            reachable = self._legs.reachable(phone)
        except EslError as error:
            return refused(str(error), code="switch")
        sentence = Sentence("phone %(phone)s is no phone of the house that is registered now", phone=phone)
        return None if reachable else refused(sentence, code="unregistered")

    def _changed(self, take: PhoneTake) -> None:
        over = [person for person, each in self._takes.items() if each.over]
        for person in over[: max(0, len(over) - REMEMBERED_LIMIT)]:
            del self._takes[person]
        for tell in self.on_changed:
            tell(take.by)

    def _keep(self, take: PhoneTake) -> tuple[str, ...]:
        """Raises PromptError; then the prompt is what it was."""
        before = self._work.state(take.name, take.language)
        folder, _slash, stem = take.name.rpartition("/")
        with tempfile.TemporaryDirectory(prefix="ivrengine-") as directory:
            file = Path(directory) / f"{stem}.wav"
            try:
                apart(shutil.copyfile, take.path, file)
            except OSError as error:
                raise PromptError(Sentence("what was said can't be read: %(error)s", error=error.strerror)) from error
            loaded = self._work.bring_in(file, take.language, folder, source="recorded", keep_silence_ms=KEEP_SILENCE_MS)
        if loaded.outcome == "refused":
            raise PromptError(loaded.detail)
        after = self._work.state(take.name, take.language)
        self._store.audit.add(take.by, "record_prompt", f"prompt {take.name}", before or None, after, self._clock()).wait()
        return loaded.warnings


def _paths(voice: Voice, items: Sequence[Audio]) -> list[str]:
    rendered = voice.render(items)
    for problem in rendered.problems:
        log.warning("a recording by phone can't be accompanied: %s", problem)
    return rendered.paths
