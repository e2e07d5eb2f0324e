"""Which prompts there are: ``prompts/<language>/<name>.wav`` with texts and sources in ``prompts/<language>/catalogue.yml``.

Everything is looked up once, at load; `reload` looks again only at files whose size or date changed, and swaps the whole
picture at once. Refuses nothing while a call is up: what can't be played is told by `problem` as a sentence.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ivrengine.domain.sentence import Sentence

from .catalogue_file import CATALOGUE_NAME, Entry, read_entries, update_entries
from .errors import CatalogueBroken, PromptUnusable
from .names import check_language, check_name, is_language, name_problem
from .wav import BadWav, read_wav

FILE_LIMIT = 20_000  # recordings of one language; more is a directory that was never meant to be one


@dataclass(frozen=True, slots=True)
class _Recording:
    """``stamp`` is (size, date, inode): while it stays the same, the file is not read again."""

    stamp: tuple[int, int, int]
    duration_ms: int
    problem: str | None


@dataclass(slots=True)
class _Language:
    recordings: dict[str, _Recording] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    entries_stamp: tuple[int, int, int] | None = None
    entries_faults: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Catalogue:
    """The prompts below ``root``. Durations in milliseconds; languages as in BCP 47, e.g. ``zh-CN``."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root).absolute()
        self._languages: dict[str, _Language] = {}
        self.reload()

    def reload(self) -> None:
        """Look at the directory again; a file that did not change is not read again."""
        found: dict[str, _Language] = {}
        if self.root.is_dir():
            for directory in sorted(self.root.iterdir()):
                if is_language(directory.name) and directory.is_dir():
                    found[directory.name] = self._scan(directory, self._languages.get(directory.name, _Language()))
        self._languages = found

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._languages)

    @property
    def faults(self) -> list[str]:
        """Sentences about files that are no prompts because of their names, and about what is wrong in a catalogue.yml."""
        return [fault for language in self._languages.values() for fault in (*language.entries_faults, *language.faults)]

    def names(self, language: str) -> list[str]:
        """Every name that has a recording or a text, sorted."""
        known = self._languages.get(language, _Language())
        return sorted(known.recordings.keys() | known.entries.keys())

    def has(self, name: str, language: str) -> bool:
        """Whether the prompt is there and can be played."""
        return self.problem(name, language) is None

    def problem(self, name: str, language: str) -> str | None:
        """Why the prompt can't be played, as a sentence that names its file; None when it can."""
        bad_name = name_problem(name)
        if bad_name:
            return bad_name
        if not is_language(language):
            return Sentence("%(language)r is no language like zh-CN or en-US", language=language[:40])
        known = self._languages.get(language)
        recording = known.recordings.get(name) if known else None
        if recording is None:
            return Sentence(
                "the prompt %(name)s is missing in %(language)s: there is no file %(root)s.wav",
                name=name,
                language=language,
                root=self.root / language / name,
            )
        return recording.problem

    def duration_ms(self, name: str, language: str) -> int:
        """Raises PromptUnusable where `problem` has something to say."""
        known = self._languages.get(language)  # looked up once: another thread may reload meanwhile
        recording = known.recordings.get(name) if known else None
        if recording is None or recording.problem:
            problem = recording.problem if recording else self.problem(name, language)
            raise PromptUnusable(problem or Sentence("the prompt %(name)s is missing in %(language)s", name=name, language=language))
        return recording.duration_ms

    def path(self, name: str, language: str) -> Path:
        """Where the recording is, or would be. Raises BadName for names that can't be part of a path."""
        return self.root / check_language(language) / f"{check_name(name)}.wav"

    def text(self, name: str, language: str) -> str:
        """What the prompt says; empty when nobody wrote it down."""
        return self.entry(name, language).text

    def entry(self, name: str, language: str) -> Entry:
        known = self._languages.get(language)
        return known.entries.get(name, Entry()) if known else Entry()

    def update(self, language: str, changes: Mapping[str, Entry | None]) -> None:
        """Write ``changes`` to the language's catalogue.yml (None takes one out), keep its other entries, and reload.

        Raises BadName and CatalogueBroken; then nothing is changed.
        """
        for name in changes:
            check_name(name)
        update_entries(self.root / check_language(language), changes)
        self.reload()

    def _scan(self, directory: Path, before: _Language) -> _Language:
        now = _Language()
        self._scan_texts(directory / CATALOGUE_NAME, before, now)
        for folder, folders, files in os.walk(directory):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for file in files:
                if file.startswith(".") or not file.lower().endswith(".wav"):
                    continue
                path = Path(folder) / file
                name = path.relative_to(directory).as_posix()[:-4]
                bad_name = name_problem(name)
                if bad_name or not file.endswith(".wav"):
                    now.faults.append(f"{path}: {bad_name or 'the file name must end in .wav, in lower case'}")
                elif len(now.recordings) >= FILE_LIMIT:
                    now.faults.append(f"{directory}: more than {FILE_LIMIT} recordings; the others are not looked at")
                    return now
                else:
                    now.recordings[name] = _look_at(path, before.recordings.get(name))
        return now

    def _scan_texts(self, path: Path, before: _Language, now: _Language) -> None:
        """Read the texts again if they changed; a file that has become unreadable keeps the texts read before."""
        now.entries_stamp = _stamp(path)
        if now.entries_stamp == before.entries_stamp:
            now.entries, now.entries_faults = before.entries, before.entries_faults
            return
        try:
            now.entries, now.entries_faults = read_entries(path)
        except CatalogueBroken as error:
            now.entries, now.entries_faults = before.entries, [str(error)]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _look_at(path: Path, before: _Recording | None) -> _Recording:
    stamp = _stamp(path)
    if stamp is None:
        return _Recording((-1, -1, -1), 0, f"{path} can't be read")
    if before and before.stamp == stamp:
        return before
    try:
        info = read_wav(path)
        problem = info.telephone_problem()
        return _Recording(stamp, info.duration_ms, f"{path} {problem}" if problem else None)
    except BadWav as error:
        return _Recording(stamp, 0, f"{path} {error}")
    except OSError as error:
        # never remembered as unchanged: mended permissions don't alter size or date
        return _Recording((-1, -1, -1), 0, f"{path} can't be read: {error.strerror}")
