"""The header of a WAV file: what the catalogue must know before FreeSWITCH plays it, read without decoding any sound.

Refuses what is not RIFF/WAVE, is cut short, or holds no sound. Whether the format suits a telephone is asked separately,
because recordings of callers are read here too.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from ivrengine.domain.sentence import Sentence

CHUNK_LIMIT = 64  # a real file has fewer than ten chunks before its sound
RATES = (8000, 16000)
_PCM = 1
_EXTENSIBLE = 0xFFFE


class BadWav(Exception):
    """The file is no WAV file that can be played; the message is the rest of a sentence that starts with its name."""


@dataclass(frozen=True, slots=True)
class WavInfo:
    """``encoding`` 1 is PCM; ``bits`` per sample of one channel; ``rate`` in Hz."""

    encoding: int
    channels: int
    rate: int
    bits: int
    duration_ms: int

    def telephone_problem(self) -> str | None:
        """The rest of a sentence that says why this is no 8 or 16 kHz mono 16-bit PCM, or None."""
        if self.encoding == _PCM and self.channels == 1 and self.bits == 16 and self.rate in RATES:
            return None
        kind = "PCM" if self.encoding == _PCM else f"encoding {self.encoding}"
        found = Sentence(
            "%(rate)s Hz, %(channels)s channel(s), %(bits)s-bit %(kind)s", rate=self.rate, channels=self.channels, bits=self.bits, kind=kind
        )
        return Sentence("is %(found)s; a prompt must be 8000 or 16000 Hz, mono, 16-bit PCM", found=found)


def read_wav(path: Path) -> WavInfo:
    """Read the header. Raises BadWav for what can't be played and OSError for what can't be opened."""
    size = path.stat().st_size
    if size == 0:
        raise BadWav(Sentence("is empty"))
    with path.open("rb") as file:
        start = file.read(12)
        if len(start) < 12 or start[:4] != b"RIFF" or start[8:] != b"WAVE":
            raise BadWav(Sentence("is not a WAV file"))
        format_chunk: tuple[int, int, int, int, int, int] | None = None
        for _ in range(CHUNK_LIMIT):
            head = file.read(8)
            if len(head) < 8:
                break
            name, length = head[:4], int.from_bytes(head[4:], "little")
            if name == b"data":
                return _info(format_chunk, length, size - file.tell())
            if name == b"fmt ":
                body = file.read(min(length, 40))
                if len(body) < 16:
                    raise BadWav(Sentence("has a broken format chunk"))
                format_chunk = struct.unpack("<HHIIHH", body[:16])
                if format_chunk[0] == _EXTENSIBLE and len(body) >= 26:
                    format_chunk = (int.from_bytes(body[24:26], "little"), *format_chunk[1:])
                file.seek(length - len(body) + length % 2, 1)
            else:
                file.seek(length + length % 2, 1)
    raise BadWav(Sentence("holds no sound: it has no data chunk"))


def _info(format_chunk: tuple[int, int, int, int, int, int] | None, length: int, present: int) -> WavInfo:
    if format_chunk is None:
        raise BadWav(Sentence("has its sound before its format"))
    encoding, channels, rate, bytes_per_second, _, bits = format_chunk
    if not channels or not rate or not bytes_per_second:
        raise BadWav(Sentence("has a broken format chunk"))
    if length == 0 or present == 0:
        raise BadWav(Sentence("holds no sound"))
    if length > present:
        raise BadWav(Sentence("is cut short: %(present)s of %(length)s bytes of sound are there", present=present, length=length))
    return WavInfo(encoding, channels, rate, bits, round(length * 1000 / bytes_per_second))
