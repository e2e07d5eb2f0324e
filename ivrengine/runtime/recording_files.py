"""The files that callers are recorded to: whether there is room for one, and what one tells whose end nobody has seen."""

from __future__ import annotations

import logging
import os
import wave
from array import array
from pathlib import Path
from typing import Literal

from ivrengine.domain.events import RecordingEnded
from ivrengine.flow.recording import RECORDING, RECORDING_NAME
from ivrengine.flow.run import Run
from ivrengine.log import note
from ivrengine.prompts.wav import BadWav, read_wav

ROOM_BYTES = 50_000_000  # with less on the disk no recording is begun: it would be torn
SILENT_SECONDS = 0.9  # a file whose end is silent for so long was ended by silence, the shortest of which is a second
SILENT_LEVEL = 200  # mean sample; as the switch counts it

log = logging.getLogger(__name__)


def left_recording(run: Run, directory: Path, *, hung_up: bool) -> RecordingEnded | None:
    """The end of the recording that ``run`` waits for; None where it waits for none, or nothing was recorded."""
    token, name = run.frame.state.get(RECORDING), run.frame.state.get(RECORDING_NAME)
    if not token or not name:
        return None
    path = directory / f"{name}.wav"
    try:
        duration_ms = read_wav(path).duration_ms
        ended_by: Literal["hangup", "silence", "key"] = "hangup" if hung_up else "silence" if _ends_silently(path) else "key"
    except (OSError, BadWav, wave.Error) as error:
        note(log, "a recording can't be read", level=logging.WARNING, path=path, error=error)
        return None
    return RecordingEnded(token, "recorded", str(path), duration_ms, ended_by)


def _ends_silently(path: Path) -> bool:
    with wave.open(str(path), "rb") as file:
        wanted = min(file.getnframes(), int(SILENT_SECONDS * file.getframerate()))
        file.setpos(file.getnframes() - wanted)
        samples = array("h", file.readframes(wanted))
    return sum(map(abs, samples)) < SILENT_LEVEL * max(1, len(samples))


def why_not_record(directory: Path) -> str:
    """Why a recording can't be begun, or "". A switch that can't open the file would hang the caller up."""
    try:
        room = os.statvfs(directory)
    except OSError as error:
        return f"the directory {directory} can't be used: {error.strerror}"
    if room.f_bavail * room.f_frsize < ROOM_BYTES:
        return f"the disk of {directory} is full"
    return "" if os.access(directory, os.W_OK | os.X_OK) else f"the directory {directory} can't be written to"
