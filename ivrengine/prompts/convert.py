"""Any audio to a prompt: 8 or 16 kHz, mono, 16-bit PCM WAV, levelled as `levels` says.

Nothing is cut off unless asked for (speech from text comes with silence around it that nobody recorded on purpose). The
result appears under its name only when it is complete. Refuses what `decode` refuses, in a sentence that names the file.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ivrengine.domain.sentence import Sentence

from .decode import decode
from .levels import SILENCE_DBFS, levelled, peak_dbfs, spoken_dbfs
from .wav import RATES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns about a missing ffmpeg, which it is never asked to run here
    from pydub import AudioSegment
    from pydub.silence import detect_leading_silence

LONG_SILENCE_MS = 700  # at either end; callers take more for a dead line
SHORT_MS = 100  # less than this is a click, not a prompt
QUIET_DBFS = -50.0  # below this, a levelled prompt is silent
_FADE_MS = 4  # at a cut, so that it does not click


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of one file. ``gain_db`` was applied to it; ``warnings`` are sentences without the file's name."""

    duration_ms: int
    peak_dbfs: float
    spoken_dbfs: float
    gain_db: float
    warnings: tuple[str, ...]


def convert(source: Path, target: Path, rate: int = 8000, keep_silence_ms: int | None = None) -> Conversion:
    """Make the prompt ``target`` from ``source``; with ``keep_silence_ms``, longer silence at either end is cut to that.

    Raises NotAudio and ConverterMissing; then ``target`` is what it was before.
    """
    if rate not in RATES:
        raise ValueError(f"a prompt has {' or '.join(map(str, RATES))} Hz, not {rate}")
    decoded = decode(source, rate)
    warned: list[str] = []
    if decoded.clipped:
        warned.append(Sentence("the source is clipped in %(count)s place(s): record it again with less gain", count=decoded.clipped))
    samples, gain_db = levelled(decoded.samples, rate)
    data = np.clip(np.round(samples * 32767), -32768, 32767).astype("<i2")
    segment = AudioSegment(data.tobytes(), frame_rate=rate, sample_width=2, channels=1)
    if spoken_dbfs(samples, rate) < SILENCE_DBFS:
        warned.append(Sentence("it holds nothing but silence"))
    else:
        lead_ms = detect_leading_silence(segment, QUIET_DBFS, chunk_size=5)
        trail_ms = detect_leading_silence(segment.reverse(), QUIET_DBFS, chunk_size=5)
        if keep_silence_ms is not None:
            segment = _cut(segment, max(0, lead_ms - keep_silence_ms), max(0, trail_ms - keep_silence_ms))
        else:
            if lead_ms > LONG_SILENCE_MS:
                warned.append(Sentence("it starts with %(seconds).1f s of silence", seconds=lead_ms / 1000))
            if trail_ms > LONG_SILENCE_MS:
                warned.append(Sentence("it ends with %(seconds).1f s of silence", seconds=trail_ms / 1000))
    if len(segment) < SHORT_MS:
        warned.append(Sentence("it is only %(length)s ms long", length=len(segment)))
    _write(segment, target)
    final = np.asarray(segment.get_array_of_samples(), np.float32) / 32768
    return Conversion(len(segment), peak_dbfs(final), spoken_dbfs(final, rate), gain_db, tuple(warned))


def _cut(segment: AudioSegment, lead_ms: int, trail_ms: int) -> AudioSegment:
    if lead_ms:
        segment = segment[lead_ms:].fade_in(_FADE_MS)
    if trail_ms:
        segment = segment[:-trail_ms].fade_out(_FADE_MS)
    return segment


def _write(segment: AudioSegment, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{target.name}.{os.getpid()}"
    try:
        segment.export(str(temporary), format="wav").close()
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
