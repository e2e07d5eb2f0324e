"""Sound: how long files really play, what a caller's speech is made of, when a recording falls silent, writing WAV files.

Samples are 8 kHz mono 16-bit, as on a telephone line. What FreeSWITCH could not open counts as missing here as well.
"""

from __future__ import annotations

import math
import re
import wave
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy
import soundfile
import soxr

from ..prompts.wav import BadWav, read_wav

if TYPE_CHECKING:
    from .core import Core

RATE = 8000
FRAME_SAMPLES = 160  # 20 ms
FRAME_MS = 20
CACHE_LIMIT = 5000  # durations of files
SAMPLES_CACHE_LIMIT = 50  # decoded files
SPEECH_LIMIT_SECONDS = 600
FILES_IN_STRING_LIMIT = 500
ENDLESS = math.inf

_TONE = re.compile(r"%\(\s*(\d+)\s*,\s*(\d+)\s*,[^)]*\)")
_LOOPS = re.compile(r"(?:loops|L)=(-?\d+)")
_durations: OrderedDict[tuple[str, int, int], float | None] = OrderedDict()
_samples: OrderedDict[tuple[str, int, int], numpy.ndarray] = OrderedDict()

Samples = numpy.ndarray
Speech = tuple[float, Samples]  # (start in simulated ms, what was said)


class BadAudio(Exception):
    """The file holds no sound that can be read; the message is a sentence."""


def file_duration_ms(path: Path) -> float | None:
    """Length of a sound file, None when it is missing or can't be read."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    key = (str(path), status.st_mtime_ns, status.st_size)
    if key not in _durations:
        _durations[key] = _measure(path)
        while len(_durations) > CACHE_LIMIT:
            _durations.popitem(last=False)
    return _durations[key]


def _measure(path: Path) -> float | None:
    try:
        return float(read_wav(path).duration_ms)
    except OSError:
        return None
    except BadWav:
        # FreeSWITCH plays files that a prompt catalogue refuses: empty ones, or ones cut short.
        try:
            info = soundfile.info(str(path))
            return info.frames * 1000.0 / info.samplerate
        except (RuntimeError, OSError, ZeroDivisionError):
            return None


def load_samples(path: Path) -> Samples:
    """Decode a file to 8 kHz mono. Raises BadAudio."""
    try:
        status = path.stat()
        key = (str(path), status.st_mtime_ns, status.st_size)
        if key in _samples:
            return _samples[key]
        data, rate = soundfile.read(str(path), dtype="int16", always_2d=True)
    except (RuntimeError, OSError, ValueError) as error:
        raise BadAudio(f"{path} can't be read as sound") from error
    if len(data) > SPEECH_LIMIT_SECONDS * rate:
        raise BadAudio(f"{path} is longer than {SPEECH_LIMIT_SECONDS} s")
    mono = data.mean(axis=1).astype(numpy.int16) if data.shape[1] > 1 else data[:, 0]
    samples = mono if rate == RATE else soxr.resample(mono, rate, RATE)
    _samples[key] = samples
    while len(_samples) > SAMPLES_CACHE_LIMIT:
        _samples.popitem(last=False)
    return samples


def play_list(core: Core, text: str) -> list[tuple[str, float | None]]:
    """What ``playback`` is to play: (path, ms) for each part; ms is None for a missing one and inf for an endless one."""
    while text.startswith("{") and "}" in text:
        text = text[text.index("}") + 1:].lstrip()
    if text.startswith("file_string://"):
        parts = text.removeprefix("file_string://").split("!")[:FILES_IN_STRING_LIMIT]
    else:
        parts = [text]
    return [(part, _part_duration(core, part)) for part in parts]


def _part_duration(core: Core, part: str) -> float | None:
    if part.startswith("silence_stream://"):
        text = part.removeprefix("silence_stream://").split(",")[0]
        milliseconds = int(text) if re.fullmatch(r"-?\d+", text) else 0
        return ENDLESS if milliseconds < 0 else float(milliseconds)
    if part.startswith("tone_stream://"):
        once = sum(int(on) + int(off) for on, off in _TONE.findall(part))
        loops = _LOOPS.search(part)
        times = int(loops.group(1)) if loops else 1
        return ENDLESS if times < 0 else float(once * max(1, times))
    if part.startswith("local_stream://"):
        return ENDLESS
    path = resolve(core, part)
    return None if core.faults.lost(str(path)) else file_duration_ms(path)


def resolve(core: Core, text: str) -> Path:
    """A path as given, or below the sounds directory."""
    path = Path(text)
    return path if path.is_absolute() else core.sounds_dir / path


def silence_at_ms(start_ms: float, speech: list[Speech], threshold: int, silent_frames: int) -> float:
    """When a recording that began at ``start_ms`` has heard ``silent_frames`` quiet frames in a row, given what is known
    to be said. A frame is quiet when its mean amplitude lies below ``threshold``."""
    run, position = 0, 0  # quiet frames so far, frames looked at
    for spoken_ms, samples in sorted(speech, key=lambda item: item[0]):
        offset = int((spoken_ms - start_ms) * RATE / 1000)
        if offset + len(samples) <= position * FRAME_SAMPLES:
            continue
        if offset < position * FRAME_SAMPLES:
            samples, offset = samples[position * FRAME_SAMPLES - offset:], position * FRAME_SAMPLES
        first = offset // FRAME_SAMPLES
        if run + first - position >= silent_frames:
            break
        run, position = run + first - position, first
        padded = numpy.concatenate([numpy.zeros(offset - first * FRAME_SAMPLES, numpy.int32), samples.astype(numpy.int32)])
        padded = numpy.concatenate([padded, numpy.zeros(-len(padded) % FRAME_SAMPLES, numpy.int32)])
        loud = numpy.abs(padded).reshape(-1, FRAME_SAMPLES).mean(axis=1) >= threshold
        for frame_is_loud in loud:
            run = 0 if frame_is_loud else run + 1
            position += 1
            if run >= silent_frames:
                return start_ms + position * FRAME_MS
    return start_ms + (position + silent_frames - run) * FRAME_MS


def mix(start_ms: float, end_ms: float, speech: list[Speech]) -> Samples:
    """What is heard between two instants: silence with everything that is said laid over it."""
    total = max(0, round((end_ms - start_ms) * RATE / 1000))
    mixed = numpy.zeros(total, numpy.int32)
    for spoken_ms, samples in speech:
        offset = round((spoken_ms - start_ms) * RATE / 1000)
        source = samples[max(0, -offset):]
        target = max(0, offset)
        length = min(len(source), total - target)
        if length > 0:
            mixed[target:target + length] += source[:length]
    return numpy.clip(mixed, -32768, 32767).astype(numpy.int16)


def together(one: Samples, other: Samples) -> Samples:
    """Both sounds at once."""
    return numpy.clip(one.astype(numpy.int32) + other, -32768, 32767).astype(numpy.int16)


def write_wav(path: Path, samples: Samples) -> None:
    """Mono, or stereo where ``samples`` has two columns."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
