"""Making and measuring sound: did the recording contain what was sent, did the caller hear that prompt?

Samples are float arrays in -1..1 at 8000 Hz, mono.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

RATE = 8000
WINDOW = 400  # samples; 50 ms: 20 Hz wide, so tones 100 Hz apart are well separated
AUDIBLE = 0.003  # root mean square below which a window counts as silence (-50 dBFS)


def read(path: Path | str) -> np.ndarray:
    """A file's samples at 8000 Hz, mono."""
    samples, rate = soundfile.read(str(path), dtype="float64", always_2d=True)
    mono = samples.mean(axis=1)
    return mono if rate == RATE else soxr.resample(mono, rate, RATE)


def write(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    soundfile.write(str(path), samples, rate, subtype="PCM_16")
    return path


def tone(hz: float, seconds: float, level: float = 0.3) -> np.ndarray:
    return level * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)


def chirp(seconds: float, first_hz: float = 400, last_hz: float = 2800, level: float = 0.3) -> np.ndarray:
    """A rising sweep: unlike a steady tone, it matches itself at one place only."""
    at = np.arange(int(seconds * RATE)) / RATE
    return level * np.sin(2 * np.pi * (first_hz * at + (last_hz - first_hz) / (2 * seconds) * at**2))


def tone_seconds(samples: np.ndarray, hz: float, share: float = 0.6) -> float:
    """For how many seconds at least ``share`` of an audible window's power is at ``hz`` (Goertzel's bin, by projection)."""
    count = len(samples) // WINDOW
    windows = samples[: count * WINDOW].reshape(count, WINDOW) * np.hanning(WINDOW)
    probe = np.exp(-2j * np.pi * hz * np.arange(WINDOW) / RATE)
    power = np.square(windows).sum(axis=1)
    # Of a pure tone under a Hann window, the projection holds 2/3 of the window's power times its length over 2.
    at_hz = np.abs(windows @ probe) ** 2 / (WINDOW / 2) / (2 / 3)
    audible = power > WINDOW * AUDIBLE**2 * 3 / 8
    return float(np.count_nonzero(audible & (at_hz > share * power)) * WINDOW / RATE)


def audible_seconds(samples: np.ndarray) -> float:
    """For how many seconds there is any sound at all."""
    count = len(samples) // WINDOW
    power = np.square(samples[: count * WINDOW].reshape(count, WINDOW)).mean(axis=1)
    return float(np.count_nonzero(power > AUDIBLE**2) * WINDOW / RATE)


def best_match(heard: np.ndarray, sought: np.ndarray) -> tuple[float, float]:
    """Where in ``heard`` ``sought`` fits best: (likeness 0..1, seconds from the start). 1 is the same up to loudness."""
    if len(sought) == 0 or len(heard) < len(sought):
        return 0.0, 0.0
    size = 1 << (len(heard) + len(sought) - 1).bit_length()
    products = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(sought, size)), size)[: len(heard) - len(sought) + 1]
    sums = np.concatenate(([0.0], np.cumsum(np.square(heard))))
    energies = sums[len(sought) :] - sums[: -len(sought)]
    floor = len(sought) * AUDIBLE**2  # silence is like nothing
    likeness = np.abs(products) / np.sqrt(np.maximum(energies, floor) * np.square(sought).sum())
    best = int(np.argmax(likeness))
    return float(likeness[best]), best / RATE


ENOUGH = 0.6  # of the pieces of a sound, to say that it is there
IN_PIECES = 0.3  # the likeness of what was heard with gaps; other speech is less like it
PIECE_SECONDS = 0.25
SLACK_SECONDS = 0.3  # by which a piece may have moved


def share_heard(heard: np.ndarray, said: np.ndarray, piece_seconds: float = 0.5, likeness: float = 0.8) -> float:
    """How much of ``said`` is in ``heard``, 0..1: the share of its pieces that are found there.

    Piece by piece, because one packet that comes late on a busy machine moves everything behind it. Of other sounds nothing
    is found.
    """
    size = int(piece_seconds * RATE)
    pieces = [said[at : at + size] for at in range(0, len(said) - size + 1, size)]
    return sum(best_match(heard, piece)[0] >= likeness for piece in pieces) / len(pieces)


def heard_prompt(heard: np.ndarray, prompt: Path | str, seconds: float = 1.5, likeness: float = 0.8) -> float | None:
    """When (seconds) the first ``seconds`` of ``prompt`` were heard, or None. A prompt that was cut short still counts.

    Sought in pieces, which must be found one after the other: on a busy machine the switch's own clock falls behind now and then, and
    goes on after a gap or without what it missed. Heard is what has so many of its audible pieces about where they belong.
    """
    sought = read(prompt)
    loud = np.flatnonzero(np.abs(sought) > AUDIBLE)
    if len(loud) == 0:
        return None
    sought = sought[loud[0] :][: int(seconds * RATE)]
    found, at = best_match(heard, sought)
    if found >= likeness or found < IN_PIECES:
        return at if found >= likeness else None
    size, slack = int(PIECE_SECONDS * RATE), int(SLACK_SECONDS * RATE)
    starts = [start for start in range(0, len(sought) - size + 1, size) if np.square(sought[start : start + size]).mean() > AUDIBLE**2]
    for first in starts:  # whichever piece is whole tells where the others belong
        found, at = best_match(heard, sought[first : first + size])
        if found < likeness:
            continue
        begin = int(at * RATE) - first
        near = ((start, heard[max(0, begin + start - slack) : begin + start + size + slack]) for start in starts)
        share = sum(best_match(window, sought[start : start + size])[0] >= likeness for start, window in near) / len(starts)
        if share > ENOUGH:
            return max(0.0, begin / RATE)
    return None
