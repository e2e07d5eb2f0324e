"""What is heard in the page: the very files that the switch plays, by tokens that mean nothing elsewhere, and some made sounds.

A token is given out for a file that somebody hears on a call of this page, and only for a WAV below the directories named to
``Sounds``; an address never holds a path. Tones and hold music, which a switch makes by itself, are made here.
"""

from __future__ import annotations

import io
import re
import secrets
import wave
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import soundfile

from ivrengine.prompts.decode import decode
from ivrengine.prompts.errors import ConverterMissing, NotAudio

RATE = 8000
FILES_LIMIT = 5000  # that one call can be heard
SPOKEN_LIMIT_SECONDS = 120.0  # of one file that is spoken
UPLOAD_LIMIT_BYTES = 10_000_000
MADE = ("beep", "error", "music", "ring")
_SILENCE = re.compile(r"silence_stream://(\d{1,9})")


class NoSound(Exception):
    """What was given is not sound that can be spoken into a call."""


class Sounds:
    """The files of one call or phone, by token."""

    def __init__(self, directories: Sequence[Path]) -> None:
        self._directories = [directory.resolve() for directory in directories]
        self._files: dict[str, Path] = {}
        self._tokens: dict[Path, str] = {}

    def part(self, path: str) -> dict[str, Any]:
        """What a page plays for one of the switch's paths."""
        if path.startswith("silence_stream:"):
            found = _SILENCE.match(path)
            return {"silence": min(60_000, int(found[1]) if found else 0)}
        if path.startswith("tone_stream:"):
            return {"made": "error" if ";" in path else "beep"}
        if path.startswith("local_stream:"):
            return {"made": "music", "loops": True}
        token = self._token(Path(path))
        return {"token": token, "name": Path(path).stem} if token else {"silence": 0}

    def file(self, token: str) -> Path | None:
        return self._files.get(token)

    def _token(self, path: Path) -> str | None:
        path = path.resolve()
        if path in self._tokens:
            return self._tokens[path]
        inside = any(path.is_relative_to(directory) for directory in self._directories)
        if not inside or path.suffix != ".wav" or not path.is_file() or len(self._files) >= FILES_LIMIT:
            return None
        token = self._tokens[path] = secrets.token_urlsafe(12)
        self._files[token] = path
        return token


def to_speech(source: Path, target: Path) -> float:
    """Make a telephone's WAV of any sound that libsndfile reads; gives its seconds. Raises NoSound. For a native thread."""
    try:
        info = soundfile.info(str(source))  # what it can't read would be given to another program, which strangers' bytes are not
        if not 0 < info.duration <= SPOKEN_LIMIT_SECONDS:
            raise NoSound
        samples = decode(source, RATE).samples
    except (RuntimeError, OSError, NotAudio, ConverterMissing) as error:
        raise NoSound from error
    target.write_bytes(_wav(samples))
    return len(samples) / RATE


@cache
def made(name: str) -> bytes:
    """One of MADE, as a WAV file."""
    match name:
        case "beep":
            return _wav(_tone(800, 0.3))
        case "error":
            return _wav(numpy.concatenate([_tone(400, 0.2), numpy.zeros(800), _tone(400, 0.2)]))
        case "ring":
            return _wav(numpy.concatenate([(_tone(440, 1.0) + _tone(480, 1.0)) / 2, numpy.zeros(RATE * 2)]))
    return _wav(_music())


def _tone(hertz: float, seconds: float) -> numpy.ndarray:
    at = numpy.arange(int(seconds * RATE)) / RATE
    edges = numpy.minimum(1.0, numpy.minimum(at, seconds - at) / 0.01)  # without clicks
    return 0.25 * numpy.sin(2 * numpy.pi * hertz * at) * edges


def _music() -> numpy.ndarray:
    """Eight seconds of quiet broken chords, in place of whatever a switch has for those who wait."""
    chords = ((262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294))
    piece = numpy.zeros(8 * RATE)
    for bar, chord in enumerate(chords):
        for beat, hertz in enumerate((*chord, chord[1])):
            at = numpy.arange(int(0.9 * RATE)) / RATE
            note = 0.12 * numpy.sin(2 * numpy.pi * hertz * at) * numpy.exp(-3 * at) * numpy.minimum(1.0, at / 0.01)
            start = int((bar * 2 + beat * 0.5) * RATE)
            end = min(len(piece), start + len(note))
            piece[start:end] += note[: end - start]
    return piece


def _wav(samples: numpy.ndarray) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(numpy.clip(numpy.round(samples * 32767), -32768, 32767).astype("<i2").tobytes())
    return data.getvalue()
