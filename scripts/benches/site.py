"""A site for a bench: one flow and one prompt of 100 ms; and what processes cost."""

from __future__ import annotations

import math
import os
import struct
import wave
from pathlib import Path


def write_site(site: Path, flow: str) -> Path:
    """Write the flow and its prompt ``tone``; gives the prompt's path."""
    (site / "flows").mkdir(parents=True)
    (site / "flows/bench.yml").write_text(flow, "utf-8")
    return _write_tone(site / "prompts/zh-CN/tone.wav")


def _write_tone(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(2 * math.pi * 440 * n / 8000))) for n in range(800)))
    return path


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
