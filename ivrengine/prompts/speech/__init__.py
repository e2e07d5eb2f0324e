"""Values as rows of words, one file per language with the same functions; no sound, no files.

A language module has ``WORDS`` (name -> text), ``expand(kind, value)``, ``join(words)`` (the text of a row) and
``words_needed(kind)`` (every word that a value of the kind could use).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from . import en_us, zh_cn
from .values import SPEECH_PREFIX, SpeechError, Word

__all__ = ["SPEECH_LANGUAGES", "SPEECH_PREFIX", "Language", "SpeechError", "Word", "speech_for"]


class Language(Protocol):
    WORDS: dict[str, str]

    def expand(self, kind: str, value: str) -> list[Word]: ...

    def join(self, words: Sequence[Word]) -> str: ...

    def words_needed(self, kind: str) -> frozenset[str]: ...


SPEECH_LANGUAGES: dict[str, Language] = {"zh-CN": zh_cn, "en-US": en_us}  # type: ignore[dict-item]


def speech_for(language: str) -> Language | None:
    """The words of the language, or of another country's variety of it (en-GB speaks as en-US); None for unknown ones."""
    if language in SPEECH_LANGUAGES:
        return SPEECH_LANGUAGES[language]
    family = language.split("-")[0]
    return next((words for known, words in SPEECH_LANGUAGES.items() if known.split("-")[0] == family), None)
