"""Values as rows of words, one file per language with its words and rules; no sound, no files."""

from __future__ import annotations

from .en_us import ENGLISH
from .language import Language
from .values import SPEECH_PREFIX, SpeechError, Word
from .zh_cn import MANDARIN

__all__ = ["SPEECH_LANGUAGES", "SPEECH_PREFIX", "Language", "SpeechError", "Word", "speech_for"]

SPEECH_LANGUAGES: dict[str, Language] = {"zh-CN": MANDARIN, "en-US": ENGLISH}


def speech_for(language: str) -> Language | None:
    """The words of the language, or of another country's variety of it (en-GB speaks as en-US); None for unknown ones."""
    if language in SPEECH_LANGUAGES:
        return SPEECH_LANGUAGES[language]
    family = language.split("-")[0]
    return next((words for known, words in SPEECH_LANGUAGES.items() if known.split("-")[0] == family), None)
