"""How loud a prompt is, and making all prompts equally loud, so that a caller never reaches for the volume key.

Loudness is the root mean square of the spoken parts only: frames of 20 ms that are at most GATE_DB below the loudest frame,
so that a pause between two sentences does not make the sentences louder. One gain is applied to the whole file: as much as
brings the spoken parts to TARGET_DBFS, but never so much that the highest peak passes PEAK_DBFS, and never more than
MOST_GAIN_DB, which would only lift hiss. Nothing is compressed, so nothing is distorted.
"""

from __future__ import annotations

import numpy as np

TARGET_DBFS = -23.0
PEAK_DBFS = -3.0
MOST_GAIN_DB = 30.0
GATE_DB = 30.0
SILENCE_DBFS = -60.0  # a file whose loudest frame is below this holds nothing to be heard
FULL_SCALE = 0.999  # of 1.0
CLIPPED_RUN = 3  # neighbouring samples at full scale that a real sound does not have
_FRAME_SECONDS = 0.02


def decibels(amplitude: float) -> float:
    """Amplitude of 1.0 at full scale to dBFS; -120 for nothing at all."""
    return max(-120.0, 20 * float(np.log10(max(amplitude, 1e-6))))


def peak_dbfs(samples: np.ndarray) -> float:
    return decibels(float(np.max(np.abs(samples)))) if samples.size else -120.0


def spoken_dbfs(samples: np.ndarray, rate: int) -> float:
    """Loudness of the spoken parts of mono ``samples`` (float, full scale 1.0) at ``rate`` Hz."""
    size = max(1, int(rate * _FRAME_SECONDS))
    if samples.size < size:
        return decibels(float(np.sqrt(np.mean(np.square(samples))))) if samples.size else -120.0
    frames = samples[: samples.size // size * size].reshape(-1, size).astype(np.float64)
    power = np.mean(np.square(frames), axis=1)
    spoken = power[power >= power.max() * 10 ** (-GATE_DB / 10)]
    return decibels(float(np.sqrt(spoken.mean())))


def levelled(samples: np.ndarray, rate: int) -> tuple[np.ndarray, float]:
    """The samples at the wanted loudness, and the gain in dB; silence is left as it is."""
    loudness = spoken_dbfs(samples, rate)
    if loudness < SILENCE_DBFS:
        return samples, 0.0
    gain_db = min(TARGET_DBFS - loudness, PEAK_DBFS - peak_dbfs(samples), MOST_GAIN_DB)
    return samples * np.float32(10 ** (gain_db / 20)), gain_db


def clipped_runs(block: np.ndarray) -> int:
    """How many times ``block`` (frames x channels, full scale 1.0) stays at full scale for CLIPPED_RUN samples or more."""
    full = np.abs(block) >= FULL_SCALE
    if full.shape[0] < CLIPPED_RUN or not full.any():
        return 0
    run = full[CLIPPED_RUN - 1 :].copy()
    for shift in range(1, CLIPPED_RUN):
        run &= full[CLIPPED_RUN - 1 - shift : full.shape[0] - shift]
    starts = run & ~np.vstack([np.zeros((1, run.shape[1]), bool), run[:-1]])
    return int(starts.sum())
