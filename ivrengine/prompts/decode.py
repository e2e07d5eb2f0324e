"""Any audio file to mono samples at a telephone's rate: libsndfile reads it block by block, ffmpeg only what it can't.

Refuses what is not audio, is too big or too long, and what ffmpeg would need another file or the network for: playlists
and scripts are no audio here. Memory use is bounded by the length of the result, not of the source.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ivrengine.domain.sentence import Sentence

from .errors import ConverterMissing, NotAudio
from .levels import clipped_runs

SOURCE_LIMIT_BYTES = 200_000_000
DURATION_LIMIT_SECONDS = 600.0
FFMPEG_LIMIT_SECONDS = 60.0
_BLOCK_FRAMES = 65_536
_RATE_LEAST, _RATE_MOST = 4000, 384_000
_CHANNELS_MOST = 16
# Headerless telephone formats, which only their names give away.
_RAW = {
    ".gsm": ("GSM610", 8000),
    ".ulaw": ("ULAW", 8000),
    ".alaw": ("ALAW", 8000),
    ".sln": ("PCM_16", 8000),
    ".sln16": ("PCM_16", 16000),
}
# Formats that hold their own sound. Playlists (hls, concat...) stay out: they would make ffmpeg open other files.
_FFMPEG_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,ac3,amr,asf,avi,ape,wv,tta,mp3,ogg,flac,wav,w64,aiff,au,caf,g722,voc"


@dataclass(frozen=True, slots=True)
class Decoded:
    """``samples``: float32, mono, full scale 1.0, at the rate asked for. ``clipped`` counts cut tops in the source."""

    samples: np.ndarray
    source_rate: int
    source_channels: int
    clipped: int


def decode(path: Path, rate: int) -> Decoded:
    """Read ``path`` at ``rate`` Hz. Raises NotAudio, or ConverterMissing where only ffmpeg could tell."""
    try:
        if not path.is_file():
            raise NotAudio(Sentence("%(path)s is not a file", path=path))
        size = path.stat().st_size
        if size == 0:
            raise NotAudio(Sentence("%(path)s is empty", path=path))
        if size > SOURCE_LIMIT_BYTES:
            raise NotAudio(Sentence("%(path)s is larger than %(most)s MB", path=path, most=SOURCE_LIMIT_BYTES // 1000000))
        try:
            return _read(path, path, rate, _RAW.get(path.suffix.lower()))
        except soundfile.LibsndfileError:
            return _read_with_ffmpeg(path, rate)
    except OSError as error:
        raise NotAudio(Sentence("%(path)s can't be read: %(error)s", path=path, error=error.strerror)) from error


def _read(path: Path, shown: Path, rate: int, raw: tuple[str, int] | None) -> Decoded:
    """``shown`` is the file that the person knows, ``path`` the one to open."""
    # A descriptor instead of the path: soundfile would guess the format from the name.
    handle = os.open(path, os.O_RDONLY)
    try:
        if raw:
            options = {"format": "RAW", "subtype": raw[0], "samplerate": raw[1], "channels": 1, "endian": "LITTLE"}
        else:
            options = {}
        with soundfile.SoundFile(handle, closefd=False, **options) as sound:
            return _resampled(sound, shown, rate)
    finally:
        os.close(handle)


def _resampled(sound: soundfile.SoundFile, shown: Path, rate: int) -> Decoded:
    if not _RATE_LEAST <= sound.samplerate <= _RATE_MOST or not 1 <= sound.channels <= _CHANNELS_MOST:
        raise NotAudio(
            Sentence(
                "%(shown)s claims %(samplerate)s Hz and %(channels)s channels, which is no speech recording",
                shown=shown,
                samplerate=sound.samplerate,
                channels=sound.channels,
            )
        )
    limit = int(DURATION_LIMIT_SECONDS * sound.samplerate)
    resampler = soxr.ResampleStream(sound.samplerate, rate, 1, dtype="float32") if sound.samplerate != rate else None
    pieces: list[np.ndarray] = []
    frames = clipped = 0
    while frames <= limit:
        block = sound.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)
        if not len(block):
            break
        frames += len(block)
        clipped += clipped_runs(block)
        mono = np.nan_to_num(block, nan=0.0, posinf=1.0, neginf=-1.0).mean(axis=1)
        pieces.append(resampler.resample_chunk(mono) if resampler else mono)
    if frames > limit:
        raise NotAudio(Sentence("%(shown)s is longer than %(most).0f minutes", shown=shown, most=DURATION_LIMIT_SECONDS / 60))
    if resampler:
        pieces.append(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    if not samples.size:
        raise NotAudio(Sentence("%(shown)s holds no sound", shown=shown))
    return Decoded(samples, sound.samplerate, sound.channels, clipped)


def _read_with_ffmpeg(path: Path, rate: int) -> Decoded:
    program = shutil.which("ffmpeg")
    if program is None:
        raise ConverterMissing(
            Sentence("%(path)s is no audio that can be read without ffmpeg; install ffmpeg or make it a WAV, FLAC or MP3", path=path)
        )
    with tempfile.TemporaryDirectory(prefix="ivrengine-") as directory:
        target = Path(directory) / "decoded.wav"
        command = [program, "-nostdin", "-v", "error", "-protocol_whitelist", "file", "-format_whitelist", _FFMPEG_FORMATS]
        command += ["-i", f"file:{path}", "-map", "0:a:0", "-t", str(DURATION_LIMIT_SECONDS + 1), "-fs", str(SOURCE_LIMIT_BYTES)]
        command += ["-c:a", "pcm_s16le", "-f", "wav", str(target)]
        try:
            quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            done = subprocess.run(command, **quiet, timeout=FFMPEG_LIMIT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise NotAudio(
                Sentence("%(path)s is refused: ffmpeg took longer than %(most).0f s to read it", path=path, most=FFMPEG_LIMIT_SECONDS)
            ) from None
        if done.returncode != 0 or not target.is_file():
            raise NotAudio(Sentence("%(path)s is not audio that can be read", path=path))
        try:
            return _read(target, path, rate, None)
        except soundfile.LibsndfileError:
            raise NotAudio(Sentence("%(path)s is not audio that can be read", path=path)) from None
