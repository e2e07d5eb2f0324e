"""Makes the music on hold, ``freeswitch-conf/sounds/music/waiting.wav``: a quiet melody, 24 s that join on to themselves.

Computed, so that it belongs to nobody. Run it again after a change:  .venv/bin/python scripts/music.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 8000
BEAT_SECONDS = 0.5
LEVEL = 0.16  # about -20 dBFS at its loudest: announcements stand out above it
RING_SECONDS = 2.4  # how long a tone takes to die away
PARTIALS = ((1, 1.0), (2, 0.32), (3, 0.12), (4.02, 0.05))  # multiples of a tone and their share: a soft bell
# Notes as half-tones above A3; None is a rest. Four bars of each chord's tones, answered by a falling line.
MELODY = (
    3, 7, 10, 15, 10, 7, 12, None, 0, 3, 7, 12, 7, 3, 10, None,
    5, 8, 12, 17, 12, 8, 15, None, 7, 10, 14, 12, 10, 7, 5, None,
    3, 7, 10, 15, 19, 15, 12, 10, 8, 12, 15, 12, 10, 7, 3, None,
)  # fmt: skip
BASS = (-9, -9, -12, -12, -7, -7, -5, -5, -9, -9, -4, -5)  # one for four beats


def tone(half_tones: float, seconds: float) -> np.ndarray:
    at = np.arange(int(seconds * RATE)) / RATE
    hertz = 220.0 * 2 ** (half_tones / 12)
    sound = sum(share * np.sin(2 * np.pi * hertz * multiple * at) * np.exp(-at * (1.2 + multiple)) for multiple, share in PARTIALS)
    return np.asarray(sound * np.minimum(1.0, at / 0.012))  # no click at the start


def music() -> np.ndarray:
    length = int(len(MELODY) * BEAT_SECONDS * RATE)
    mixed = np.zeros(length)
    notes = [(beat, note, 1.0) for beat, note in enumerate(MELODY) if note is not None]
    notes += [(4 * bar, note, 0.8) for bar, note in enumerate(BASS)]
    for beat, note, loudness in notes:
        sound = loudness * tone(note, RING_SECONDS)
        first = int(beat * BEAT_SECONDS * RATE)
        # What rings on beyond the end is heard at the beginning again: the file loops without a seam.
        mixed[(first + np.arange(len(sound))) % length] += sound
    return LEVEL * mixed / np.abs(mixed).max()


if __name__ == "__main__":
    path = Path(__file__).resolve().parents[1] / "freeswitch-conf/sounds/music/waiting.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(str(path), music(), RATE, subtype="ULAW")
    print(f"{path}: {path.stat().st_size // 1024} KB")
