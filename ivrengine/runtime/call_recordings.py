"""Records talks with agents: one stereo file for each, from the moment of connection until the agent's leg is gone.

The recording hangs on the agent's leg, so that the switch itself ends it with the leg, also while no engine runs. Its row is written
before the talk's end, its file judged after it: a file without sound is an alarm for a person, never harm to a call.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import gevent
from gevent.event import Event

from ivrengine.domain.commands import RaiseAlarm
from ivrengine.domain.sentence import Sentence
from ivrengine.esl.errors import EslError
from ivrengine.log import note
from ivrengine.prompts.wav import BadWav, read_wav
from ivrengine.storage.errors import StorageError
from ivrengine.storage.store import Store

from .greenlets import Crew
from .recording_files import why_not_record
from .talks import Talk

STOP_SECONDS = 5.0  # after the leg's end, for the switch to tell the recording's; then the file is judged as it is

log = logging.getLogger(__name__)


class RecordingLegs(Protocol):
    """What it needs of ``esl.legs.Legs``."""

    def start_recording(self, channel: str, path: str) -> None: ...

    def expect_recording(self, channel: str, path: str) -> None: ...

    def mask_recording(self, channel: str, path: str, on: bool) -> None: ...


class CallRecordings:
    def __init__(self, legs: RecordingLegs, store: Store, directory: Path, crew: Crew, alarm: Callable[[RaiseAlarm], None]) -> None:
        self.directory = directory
        self._legs = legs
        self._store = store
        self._crew = crew
        self._alarm = alarm
        self._stopped: dict[str, Event] = {}  # path -> set when the switch has told the end

    def path_of(self, item_id: str) -> str:
        """Where the recording of this talk is, or would be."""
        return str(self.directory / f"{file_stem(item_id)}.wav")

    # -- during the talk; none of these waits, but for ``mask``

    def begin(self, talk: Talk) -> None:
        talk.recording_path = self.path_of(talk.item_id)
        self._stopped[talk.recording_path] = Event()
        self._crew.spawn(self._begin, talk)

    def go_on(self, talk: Talk, path: str) -> None:
        """An earlier process began it, and it is still running."""
        talk.recording_path = path
        self._stopped[path] = Event()
        self._legs.expect_recording(talk.leg_id, path)

    def mask(self, talk: Talk, on: bool) -> bool:
        """Record silence instead of what is said (a card number), or what is said again. False where nothing is recorded."""
        if not talk.recording_path or talk.over:
            return False
        try:
            self._legs.mask_recording(talk.leg_id, talk.recording_path, on)
        except EslError as error:
            sentence = (
                Sentence("a recording could not be paused: %(error)s", error=error)
                if on
                else Sentence("a recording could not be gone on with: %(error)s", error=error)
            )
            self._failed(talk.item_id, sentence)
            return False
        talk.masked = on
        return True

    def stopped(self, path: str, cause: str) -> None:
        """The switch says that a recording is over."""
        stopped = self._stopped.get(path)
        if stopped is not None:
            note(log, "a talk's recording is over", path=path, cause=cause)
            stopped.set()

    def _begin(self, talk: Talk) -> None:
        problem = why_not_record(self.directory)
        if not problem:
            # Ahead, so that whoever comes after us knows which file to judge.
            self._keep(talk.item_id, talk.recording_path, 0, "")
            try:
                self._legs.start_recording(talk.leg_id, talk.recording_path)
                return
            except EslError as error:
                problem = str(error)
        path, talk.recording_path = talk.recording_path, ""
        self._stopped.pop(path, None)
        if not talk.over:
            self._failed(talk.item_id, Sentence("a talk is not recorded: %(problem)s", problem=problem))
        self._keep(talk.item_id, "", 0, problem)

    # -- after the talk

    def end(self, talk: Talk) -> None:
        """The agent's leg is gone."""
        if talk.recording_path:
            self._crew.spawn(self._judge_when_stopped, talk.item_id, talk.recording_path)

    def judge(self, item_id: str, path: str) -> None:
        """See what a file holds whose talk is over, and link it to the talk."""
        duration_ms, problem = gevent.get_hub().threadpool.apply(_look_at, (Path(path),))
        if problem:
            self._failed(item_id, Sentence("the recording of a talk is lost: %(problem)s", problem=problem))
        self._keep(item_id, path, duration_ms, problem)

    def _judge_when_stopped(self, item_id: str, path: str) -> None:
        stopped = self._stopped.get(path)
        if stopped is not None and not stopped.wait(STOP_SECONDS):
            note(log, "the switch has not told the end of a recording", level=logging.WARNING, path=path)
        self._stopped.pop(path, None)
        self.judge(item_id, path)

    def _keep(self, item_id: str, path: str, duration_ms: int, problem: str) -> None:
        try:
            self._store.segments.recording(item_id, path, duration_ms, problem).hurry()
        except StorageError as error:
            log.error("not written down: %s", error)

    def _failed(self, item_id: str, sentence: str) -> None:
        self._alarm(RaiseAlarm("talk_not_recorded", sentence, item_id))


def file_stem(item_id: str) -> str:
    """An item's id as the stem of a file's name."""
    return re.sub(r"[^0-9A-Za-z_-]", "-", item_id)


def _look_at(path: Path) -> tuple[int, str]:
    """Length and what is wrong, in a native thread: a disk may be slow."""
    try:
        duration_ms = read_wav(path).duration_ms
    except OSError as error:
        return 0, Sentence("the file can't be read: %(error)s", error=error.strerror)
    except BadWav as error:
        return 0, Sentence("the file %(error)s", error=error)
    return (duration_ms, "") if duration_ms > 0 else (0, Sentence("the file holds no sound"))
