"""What a caller may be made to hear, before anyone knows about files.

The flow speaks of names and values; ``prompts.voice`` turns them into files of the right language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SpeechKind = Literal["number", "digits", "money", "date", "time", "datetime", "phone", "count"]
SPEECH_KINDS: tuple[str, ...] = ("number", "digits", "money", "date", "time", "datetime", "phone", "count")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A recorded prompt by name, e.g. ``welcome`` or ``news/subscribe``; ``language`` as in BCP 47, e.g. ``zh-CN``."""

    name: str
    language: str


@dataclass(frozen=True, slots=True)
class Speech:
    """A value spoken word by word: ``value`` is text ("1234.50", "2026-10-01", "21:30", "13800138000")."""

    kind: SpeechKind
    value: str
    language: str


@dataclass(frozen=True, slots=True)
class Tone:
    """``beep`` before a recording; ``error`` where a prompt could not be played."""

    name: Literal["beep", "error"]


@dataclass(frozen=True, slots=True)
class Silence:
    milliseconds: int


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A file recorded on this call, by its path as RecordingEnded told it."""

    path: str


@dataclass(frozen=True, slots=True)
class Music:
    """Hold music of the switch, by the name of its stream. It has no end and plays until it is cut."""

    stream: str = "moh"


Audio = Prompt | Speech | Tone | Silence | RecordedFile | Music
