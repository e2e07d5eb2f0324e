"""The files that callers are recorded to: whether there is room for one, and what one tells whose end nobody has seen."""

from __future__ import annotations

import logging
import os
import wave
from array import array
from pathlib import Path

from ivrengine.domain.events import RecordingEnded
from ivrengine.domain.sentence import Sentence
from ivrengine.flow.recording import RECORDING, RECORDING_NAME
from ivrengine.flow.run import Run
from ivrengine.log import note
from ivrengine.prompts.wav import BadWav, read_wav

ROOM_BYTES = 50_000_000  # with less on the disk no recording is begun: it would be torn
SILENT_PEAK = 400  # a file without a louder sample holds nothing but the line's own noise

log = logging.getLogger(__name__)


def left_recording(run: Run, directory: Path, *, hung_up: bool) -> RecordingEnded | None:
    """The end of the recording that ``run`` waits for; None where it waits for none, or nothing was recorded."""
    token, name = run.frame.state.get(RECORDING), run.frame.state.get(RECORDING_NAME)
    if not token or not name:
        return None
    path = directory / f"{name}.wav"
    try:
        # How it ended is not known, so all of it counts as said: but for one that holds nothing at all.
        duration_ms = read_wav(path).duration_ms
        if is_silent(path):
            duration_ms = 0
    except (OSError, BadWav) as error:
        note(log, "a recording can't be read", level=logging.WARNING, path=path, error=error)
        return None
    return RecordingEnded(token, "recorded", str(path), duration_ms, "hangup" if hung_up else "key")


def is_silent(path: Path) -> bool:
    try:
        with wave.open(str(path), "rb") as file:
            while sound := file.readframes(file.getframerate()):
                samples = array("h", sound[: len(sound) // 2 * 2])
                if max(samples) > SILENT_PEAK or min(samples) < -SILENT_PEAK:
                    return False
    except (wave.Error, EOFError):
        return False  # of another encoding: kept rather than judged
    return True


def spoken_ms(path: Path) -> int:
    """How long somebody spoke into the file; 0 where nothing can be heard in it, or it can't be read."""
    try:
        duration_ms = read_wav(path).duration_ms
    except (OSError, BadWav):
        return 0
    return 0 if is_silent(path) else duration_ms


def why_not_record(directory: Path) -> str:
    """Why a recording can't be begun, or "". A switch that can't open the file would hang the caller up."""
    try:
        room = os.statvfs(directory)
    except OSError as error:
        return Sentence("the directory %(directory)s can't be used: %(error)s", directory=directory, error=error.strerror)
    if room.f_bavail * room.f_frsize < ROOM_BYTES:
        return Sentence("the disk of %(directory)s is full", directory=directory)
    return (
        "" if os.access(directory, os.W_OK | os.X_OK) else Sentence("the directory %(directory)s can't be written to", directory=directory)
    )
