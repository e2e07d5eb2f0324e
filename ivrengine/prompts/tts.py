"""Prompts from their texts: a `Speaker` turns text into a sound file; `say_missing` makes the prompts that are not there yet.

A prompt is made when it has a text but no recording, or when espeak-ng said an older text than the one written now. What a
person recorded or imported is never replaced. Text reaches the program through its standard input, never a command line.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ivrengine.domain.sentence import Sentence

from .catalogue import Catalogue
from .catalogue_file import Entry
from .convert import convert
from .errors import PromptError, SpeakerFailed
from .espeak_chinese import respelled
from .levels import SILENCE_DBFS
from .names import check_language, name_problem
from .speech import SPEECH_PREFIX, speech_for
from .versions import keep

SPEAK_LIMIT_SECONDS = 60.0
WORD_SILENCE_MS = 15  # words are played one after the other: more sounds like hesitation
PROMPT_SILENCE_MS = 120
# espeak-ng's voice "cmn" reads the pinyin of most characters aloud in English ("ling two"); this one pronounces it.
ESPEAK_VOICES = {"zh-CN": "cmn-latn-pinyin", "en-US": "en-us"}
_ESPEAK_SPEED = {"zh-CN": 190, "en-US": 170}  # its words a minute: some four characters, two and a half words a second
_RESPELLED: dict[str, Callable[[str], str]] = {"zh-CN": respelled}


class Speaker(Protocol):
    """Text to speech. ``source`` is what the catalogue notes as the prompt's source."""

    source: str

    def speak(self, text: str, language: str, target: Path) -> None:
        """Write any audio file to ``target``. Raises SpeakerFailed."""


class EspeakSpeaker:
    """espeak-ng: robotic, but everywhere, free and quick. Refuses languages without a voice in ``ESPEAK_VOICES``."""

    source = "espeak-ng"

    def __init__(self, program: str = "espeak-ng") -> None:
        self._program = program

    def speak(self, text: str, language: str, target: Path) -> None:
        voice = ESPEAK_VOICES.get(language)
        if voice is None:
            raise SpeakerFailed(
                Sentence(
                    "espeak-ng has no voice chosen for %(language)s; it can speak %(known)s", language=language, known=tuple(ESPEAK_VOICES)
                )
            )
        program = shutil.which(self._program)
        if program is None:
            raise SpeakerFailed(
                Sentence("%(program)s is not installed; install the package espeak-ng, or record the prompts", program=self._program)
            )
        command = [program, "-v", voice, "-s", str(_ESPEAK_SPEED[language]), "-b", "1", "-w", str(target), "--stdin"]
        # [[...]] would be read as phonemes
        words = _RESPELLED.get(language, str)(text.replace("[[", "[ [")).encode("utf-8", "replace")
        try:
            done = subprocess.run(command, input=words, capture_output=True, timeout=SPEAK_LIMIT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise SpeakerFailed(
                Sentence("espeak-ng took longer than %(most).0f s for %(text)r", most=SPEAK_LIMIT_SECONDS, text=text[:40])
            ) from None
        if done.returncode != 0 or not target.is_file():
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {done.returncode}"]
            raise SpeakerFailed(Sentence("espeak-ng could not say %(text)r: %(lines)s", text=text[:40], lines=lines[-1]))


@dataclass(frozen=True, slots=True)
class Said:
    """What became of one name; ``done`` of ``total`` names have been looked at. ``detail`` is a sentence unless all is well."""

    name: str
    outcome: Literal["said", "kept", "failed"]
    done: int
    total: int
    detail: str = ""
    duration_ms: int = 0


def text_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def say_missing(
    catalogue: Catalogue,
    language: str,
    names: Collection[str] | None = None,
    speaker: Speaker | None = None,
    rate: int = 8000,
    again: bool = False,
) -> Iterator[Said]:
    """Make what is missing of ``names`` (default: every name with a text, and every speech word) and tell of each name.

    ``again``: also what the speaker said before, as if its text had changed. The catalogue's entries are written when the
    iteration ends, also early. Raises BadName and CatalogueBroken.
    """
    check_language(language)
    speaker = speaker or EspeakSpeaker()
    speech = speech_for(language)
    words = speech.WORDS if speech else {}
    wanted = sorted(set(names) if names is not None else {*catalogue.names(language), *words})
    made: dict[str, Entry] = {}
    try:
        for done, name in enumerate(wanted, 1):
            text = catalogue.text(name, language) or words.get(name, "")
            reason = _reason_to_keep(catalogue, language, name, text, speaker, again)
            if reason is not None:
                spoiled = bool(catalogue.problem(name, language))
                yield Said(name, "failed" if spoiled else "kept", done, len(wanted), reason)
                continue
            try:
                keep(catalogue, name, language)
                duration_ms = _say(catalogue.path(name, language), text, language, speaker, rate, name.startswith(SPEECH_PREFIX))
            except PromptError as error:
                yield Said(name, "failed", done, len(wanted), str(error))
                continue
            made[name] = Entry(text, speaker.source, text_digest(text))
            yield Said(name, "said", done, len(wanted), "", duration_ms)
    finally:
        if made:
            catalogue.update(language, made)


def _reason_to_keep(catalogue: Catalogue, language: str, name: str, text: str, speaker: Speaker, again: bool) -> str | None:
    """A sentence that says why the prompt is not made, empty when there is nothing to make; None when it must be made."""
    bad_name = name_problem(name)
    if bad_name:
        return bad_name
    problem = catalogue.problem(name, language)
    entry = catalogue.entry(name, language)
    missing = not catalogue.path(name, language).exists()
    if problem and not missing and entry.source != speaker.source:
        return Sentence("%(problem)s; it was not made from its text, so it is not replaced", problem=problem)
    current = not again and (not entry.sha256 or entry.sha256 == text_digest(text))
    if not problem and (entry.source != speaker.source or current):
        return ""
    if not text:
        return (
            Sentence("%(name)s has no text in %(language)s: write one into the catalogue.yml of %(language)s", name=name, language=language)
            if problem
            else ""
        )
    return None


def _say(target: Path, text: str, language: str, speaker: Speaker, rate: int, is_word: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="ivrengine-") as directory:
        spoken = Path(directory) / "spoken.wav"
        speaker.speak(text, language, spoken)
        made = convert(spoken, target, rate, WORD_SILENCE_MS if is_word else PROMPT_SILENCE_MS)
    if made.spoken_dbfs < SILENCE_DBFS:
        target.unlink(missing_ok=True)
        raise SpeakerFailed(Sentence("%(source)s said nothing for %(text)r", source=speaker.source, text=text[:40]))
    return made.duration_ms
