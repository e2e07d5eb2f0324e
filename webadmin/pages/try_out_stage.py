"""What a tried call and a phone in somebody's hand have in common: one person listens in a page, everything is told to it, and it ends.

A stage has a topic of the hub: entries in the order of happening, and a state that is told whenever it has changed. A stage that nobody
looks at any more ends by itself, and so does one that lasts too long.
"""

from __future__ import annotations

import logging
import secrets
import shutil
from pathlib import Path
from typing import Any

import gevent

from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError
from ivrengine.storage.native import outcome, unpack

from ..context import Web
from ..telling import later
from .try_out_sounds import Sounds, to_speech

LOOK_SECONDS = 0.25
UNWATCHED_SECONDS = 30.0  # a page that is loaded again is back sooner
ENTRIES_LIMIT = 3000  # of one call
SPOKEN_LIMIT = 3000  # pieces that one person says on one call: a microphone sends some each second
LONGEST_SECONDS = 1800.0

log = logging.getLogger(__name__)


class TooMuch(IvrEngineError):
    """A limit of trying out is reached."""


class Stage:
    """``name`` is unique and safe in an address. ``owner``: the user whose it is."""

    kind = "stage"

    def __init__(self, web: Web, name: str, owner: str, spoken: Path) -> None:
        self.name = name
        self.owner = owner
        self.topic = f"{self.kind}_{name}"
        self.in_words = later()
        self.over = False
        self.ended_at: float | None = None
        self._web = web
        self._engine = web.engine
        settings = web.engine.settings
        self._spoken_directory = spoken
        self._directory = spoken / secrets.token_hex(8)
        self.sounds = Sounds([settings.prompts, settings.recordings, settings.voicemail, spoken])
        self._began_at = self._watched_at = web.now()
        self._entries: list[dict[str, Any]] = []
        self._state: dict[str, Any] = {}
        self._spoken = 0

    def start(self) -> None:
        self._engine.crew.spawn(self._live)

    # -- telling

    def tell(self, what: str, **more: Any) -> None:
        if len(self._entries) < ENTRIES_LIMIT:
            entry = {"n": len(self._entries), "at": round(self._web.now() - self._began_at, 2), "what": what, **more}
            self._entries.append(entry)
            self._web.hub.publish(self.topic, {"entry": entry})

    def show(self, state: dict[str, Any]) -> None:
        if state != self._state:
            self._state = state
            self._web.hub.publish(self.topic, {"state": state})

    def snapshot(self) -> dict[str, Any]:
        return {"entries": self._entries, "state": self._state, "now": round(self._web.now() - self._began_at, 2), "over": self.over}

    # -- life

    def _live(self) -> None:
        while not self.over:
            gevent.sleep(LOOK_SECONDS)
            try:
                self._look_after()
            except IvrEngineError as error:
                log.warning("a call that is tried out in the page ends: %s", error)
                self.end("failed", "")

    def _look_after(self) -> None:
        now = self._web.now()
        if self._web.hub.watched(self.topic):
            self._watched_at = now
        if now - self._began_at > LONGEST_SECONDS or now - self._watched_at > UNWATCHED_SECONDS:
            self.leave()
        elif not self.over:
            self.look()

    def look(self) -> None:
        """See what has changed; LOOK_SECONDS apart."""
        raise NotImplementedError

    def leave(self) -> None:
        """Nobody is here any more."""
        raise NotImplementedError

    def end(self, outcome_: str, cause: str) -> None:
        if not self.over:
            self.over, self.ended_at = True, self._web.now()
            self.tell("ended", outcome=outcome_, cause=cause)
            self.ended()

    def ended(self) -> None:
        """Show the last state."""

    def clean_up(self) -> None:
        """Delete what was spoken; when nobody will ask for it any more."""
        gevent.get_hub().threadpool.apply(shutil.rmtree, (self._directory, True))

    # -- speaking

    def keep_speech(self, data: bytes) -> tuple[Path, float]:
        """What a person says, as a telephone's WAV; its file and seconds. Raises NoSound or TooMuch."""
        if self._spoken >= SPOKEN_LIMIT:
            raise TooMuch(Sentence("more is not said on one call"))
        self._spoken += 1
        target = self._directory / f"{self._spoken}.wav"
        return target, unpack(gevent.get_hub().threadpool.apply(outcome, (_keep, data, target)))


def _keep(data: bytes, target: Path) -> float:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    source = target.with_suffix(".given")
    try:
        source.write_bytes(data)
        return to_speech(source, target)
    finally:
        source.unlink(missing_ok=True)
