"""What a flow wants heard, as paths that FreeSWITCH plays: prompts in the caller's language, values word by word, tones.

Languages are never mixed inside one value. What can't be played becomes an error tone and a sentence in ``problems``, so that
a caller is never left in silence and a person learns of it. Refuses paths that FreeSWITCH would misread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ivrengine.domain.audio import Audio, Music, Prompt, RecordedFile, Silence, Speech, Tone
from ivrengine.domain.sentence import Sentence

from .catalogue import Catalogue
from .errors import PromptUnusable
from .names import path_problem
from .speech import SpeechError, Word, speech_for
from .wav import BadWav, read_wav

PATHS_LIMIT = 120  # file_string splits into at most 128 and would read the rest as one name
SILENCE_LIMIT_MS = 60_000
MUSIC_MS = 24 * 3600 * 1000  # how long music counts, which has no end: longer than any call
_STREAM = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
_TONES = {
    # name: (what FreeSWITCH generates, its length in ms)
    "beep": ("tone_stream://%(300,0,800)", 300),
    "error": ("tone_stream://%(200,100,400);%(200,0,400)", 500),
}


@dataclass(slots=True)
class Rendered:
    """``paths`` in playing order; ``texts`` has one line for each item that was asked for (silence: empty).

    ``problems`` are sentences, one for each item or part that was replaced by an error tone or left out.
    """

    paths: list[str] = field(default_factory=list)
    duration_ms: int = 0
    texts: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Playable:
    path: str
    duration_ms: int

    def append_to(self, rendered: Rendered) -> None:
        rendered.paths.append(self.path)
        rendered.duration_ms += self.duration_ms


class Voice:
    """Renders audio items. An item's own language is tried first, then ``default_language``, then ``fallbacks`` in order."""

    def __init__(self, catalogue: Catalogue, default_language: str, fallbacks: Sequence[str] = ()) -> None:
        self._catalogue = catalogue
        self._others = (default_language, *fallbacks)

    def render(self, items: Sequence[Audio]) -> Rendered:
        rendered = Rendered()
        for item in items:
            before = len(rendered.paths)
            text = self._add(item, rendered)
            if len(rendered.paths) > PATHS_LIMIT:
                del rendered.paths[before:]
                rendered.problems.append(f"more than {PATHS_LIMIT} files in a row can't be played; left out: {text[:80]}")
                break
            rendered.texts.append(text)
        return rendered

    def speech_problem(self, kind: str, language: str) -> str | None:
        """Why values of ``kind`` can't be spoken in ``language``, as a sentence; None when every word is there."""
        speech = speech_for(language)
        if speech is None:
            return Sentence("values can't be spoken in %(language)s: nobody has written down its numbers", language=language)
        try:
            needed = speech.words_needed(kind)
        except SpeechError as error:
            return str(error)
        missing = sorted(name for name in needed if not self._catalogue.has(name, language))
        if not missing:
            return None
        shown = (*missing[:5], "...") if len(missing) > 5 else tuple(missing)
        return Sentence(
            "%(count)s words to speak a %(kind)s are missing in %(language)s: %(names)s; `ivrengine prompts say` makes them",
            count=len(missing),
            kind=kind,
            language=language,
            names=shown,
        )

    def _languages(self, own: str) -> list[str]:
        return list(dict.fromkeys((own, *self._others)))

    def _add(self, item: Audio, rendered: Rendered) -> str:
        """Append what plays ``item``; the text that stands for it."""
        match item:
            case Prompt():
                return self._add_prompt(item, rendered)
            case Speech():
                return self._add_speech(item, rendered)
            case Tone():
                self._add_tone(item.name, rendered)
                return f"({item.name} tone)"
            case Silence():
                _add_silence(item.milliseconds, rendered)
                return ""
            case RecordedFile():
                return self._add_recording(item.path, rendered)
            case Music():
                return self._add_music(item.stream, rendered)

    def _add_prompt(self, item: Prompt, rendered: Rendered) -> str:
        problem = None
        for language in self._languages(item.language):
            found = self._playable(item.name, language)
            if isinstance(found, _Playable):
                found.append_to(rendered)
                return self._catalogue.text(item.name, language) or f"[{item.name}]"
            problem = problem or found
        return self._replace(problem, f"[{item.name}]", rendered)

    def _add_speech(self, item: Speech, rendered: Rendered) -> str:
        problem = None
        for language in self._languages(item.language):
            speech = speech_for(language)
            if speech is None:
                problem = problem or Sentence(
                    "values can't be spoken in %(language)s: nobody has written down its numbers", language=language
                )
                continue
            try:
                words = speech.expand(item.kind, item.value)
            except SpeechError as error:
                return self._replace(str(error), f"[{item.kind}]", rendered)
            found = self._add_words(words, language, rendered)
            if found is None:
                return speech.join(words)
            problem = problem or found
        return self._replace(problem, f"[{item.kind}]", rendered)

    def _add_words(self, words: Sequence[Word], language: str, rendered: Rendered) -> str | None:
        """Append all words, or none and say why."""
        playable: list[_Playable | Silence] = []
        for word in words:
            found = word if isinstance(word, Silence) else self._playable(word, language)
            if isinstance(found, str):
                return found
            playable.append(found)
        for part in playable:
            if isinstance(part, Silence):
                _add_silence(part.milliseconds, rendered)
            else:
                part.append_to(rendered)
        return None

    def _add_recording(self, path: str, rendered: Rendered) -> str:
        problem = path_problem(path)
        if problem is None:
            try:
                rendered.duration_ms += read_wav(Path(path)).duration_ms
            except OSError as error:
                problem = Sentence("the recording %(path)s can't be read: %(error)s", path=path, error=error.strerror)
            except BadWav as error:
                problem = Sentence("the recording %(path)s %(error)s", path=path, error=error)
        if problem:
            return self._replace(problem, "[recording]", rendered)
        rendered.paths.append(path)
        return "(recording)"

    def _add_music(self, stream: str, rendered: Rendered) -> str:
        if not _STREAM.match(stream):
            return self._replace("the name of a stream of music is made of small letters, digits, _ and -", "[music]", rendered)
        rendered.paths.append(f"local_stream://{stream}")
        rendered.duration_ms += MUSIC_MS
        return "(music)"

    def _add_tone(self, name: str, rendered: Rendered) -> None:
        path, length_ms = _TONES[name]
        rendered.paths.append(path)
        rendered.duration_ms += length_ms

    def _replace(self, problem: str | None, text: str, rendered: Rendered) -> str:
        rendered.problems.append(problem or "nothing can be played")
        self._add_tone("error", rendered)
        return text

    def _playable(self, name: str, language: str) -> _Playable | str:
        """The prompt's path and length, or a sentence that says why it can't be played."""
        problem = self._catalogue.problem(name, language)
        if problem:
            return problem
        path = str(self._catalogue.path(name, language))
        try:
            return path_problem(path) or _Playable(path, self._catalogue.duration_ms(name, language))
        except PromptUnusable as error:
            return str(error)


def _add_silence(milliseconds: int, rendered: Rendered) -> None:
    # 0 would mean silence for ever
    length_ms = min(milliseconds, SILENCE_LIMIT_MS)
    if length_ms > 0:
        rendered.paths.append(f"silence_stream://{length_ms}")
        rendered.duration_ms += length_ms
