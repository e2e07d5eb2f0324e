"""Recordings from a directory, an archive or a single file into a language, each converted, levelled and put in the catalogue.

A file's path without its suffix becomes the prompt's name: ``News/Subscribe now.mp3`` is ``news/subscribe_now``. A
catalogue.yml at the top of the source gives texts. A file that did not change since it was last loaded is left alone. Each
prompt appears complete or not at all; one bad file never stops the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from ivrengine.domain.sentence import Sentence, renamed

from .archive import Member, members
from .catalogue import Catalogue
from .catalogue_file import CATALOGUE_NAME, Entry, Source, read_entries
from .convert import convert
from .errors import CatalogueBroken, ConverterMissing, NotAudio, SourceRefused
from .names import check_language, name_problem
from .versions import keep

# What lies beside recordings in every pack of prompts; reported as passed over, not as an error.
_DOCUMENTS = frozenset({"", ".txt", ".md", ".yml", ".yaml", ".csv", ".json", ".pdf", ".html", ".rst"})
_ARCHIVES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one file. ``name`` is the prompt's; ``detail`` says why it was refused or passed over.

    ``done`` files have been looked at, of ``total`` where that is known beforehand.
    """

    file: str
    name: str
    outcome: Literal["loaded", "unchanged", "passed_over", "refused"]
    done: int
    total: int | None
    detail: str = ""
    warnings: tuple[str, ...] = ()
    duration_ms: int = 0


def load(
    catalogue: Catalogue,
    source: Path,
    language: str,
    rate: int = 8000,
    prefix: str = "",
    *,
    noted_as: Source = "imported",
    keep_silence_ms: int | None = None,
) -> Iterator[Loaded]:
    """Load every recording of ``source`` as ``prefix`` + its name and tell of each file.

    ``noted_as``: the source that the catalogue notes. With ``keep_silence_ms``, longer silence at either end is cut to that.

    The catalogue's entries are written when the iteration ends, also early or by an error. Raises BadName, SourceRefused
    (an archive may be refused in the middle: what was told as loaded before stays) and CatalogueBroken.
    """
    check_language(language)
    if source.absolute().is_relative_to(catalogue.root) or source.resolve().is_relative_to(catalogue.root.resolve()):
        raise SourceRefused(Sentence("%(source)s lies in the prompts directory itself: recordings must come from elsewhere", source=source))
    batch = _Batch(catalogue, language, rate, prefix, noted_as, keep_silence_ms)
    try:
        for done, member in enumerate(_members(source), 1):
            yield batch.take(member, done)
    finally:
        batch.finish()


def prompt_name(inside: PurePosixPath, prefix: str = "") -> str:
    """The name that a file's path gives its prompt; it may still be one that can't be used."""
    return prefix + inside.with_suffix("").as_posix().lower().replace(" ", "_")


def _members(source: Path) -> Iterator[Member]:
    if source.is_file() and not source.name.lower().endswith(_ARCHIVES):
        return iter([Member(PurePosixPath(source.name), source, 1)])
    return members(source)


class _Batch:
    """The entries gathered on the way, and what was seen before."""

    def __init__(self, catalogue: Catalogue, language: str, rate: int, prefix: str, noted_as: Source, keep_silence_ms: int | None) -> None:
        self._catalogue = catalogue
        self._language = language
        self._rate = rate
        self._prefix = prefix
        self._noted_as = noted_as
        self._keep_silence_ms = keep_silence_ms
        self._seen: dict[str, str] = {}  # prompt -> the file that it came from
        self._entries: dict[str, Entry] = {}
        self._texts: dict[str, Entry] = {}

    def take(self, member: Member, done: int) -> Loaded:
        file = str(member.inside)
        if member.path is None:
            return Loaded(file, "", "refused", done, member.total, Sentence("%(file)s %(problem)s", file=file, problem=member.refusal))
        if file == CATALOGUE_NAME:
            return self._take_texts(member.path, done, member.total)
        if member.inside.suffix.lower() in _DOCUMENTS:
            return Loaded(file, "", "passed_over", done, member.total, Sentence("%(file)s is no recording", file=file))
        name = prompt_name(member.inside, self._prefix)
        detail = name_problem(name)
        if detail is None and name in self._seen:
            detail = Sentence("%(file)s has already become the prompt %(name)s", file=self._seen[name], name=name)
        if detail is not None:
            return Loaded(file, name, "refused", done, member.total, Sentence("%(file)s: %(problem)s", file=file, problem=detail))
        loaded = self._take_sound(member.path, file, name, done, member.total)
        if loaded.outcome != "refused":
            self._seen[name] = file
        return loaded

    def _take_sound(self, path: Path, file: str, name: str, done: int, total: int | None) -> Loaded:
        try:
            digest = _digest(path)
            before = self._catalogue.entry(name, self._language)
            if before.source == self._noted_as and before.sha256 == digest and self._catalogue.has(name, self._language):
                return Loaded(file, name, "unchanged", done, total)
            keep(self._catalogue, name, self._language)
            made = convert(path, self._catalogue.path(name, self._language), self._rate, self._keep_silence_ms)
        except (NotAudio, ConverterMissing) as error:
            return Loaded(file, name, "refused", done, total, renamed(str(error), str(path), file))
        except OSError as error:
            return Loaded(
                file,
                name,
                "refused",
                done,
                total,
                Sentence("%(file)s can't be read or its prompt not written: %(error)s", file=file, error=error.strerror),
            )
        self._entries[name] = Entry(before.text, self._noted_as, digest)
        return Loaded(file, name, "loaded", done, total, "", made.warnings, made.duration_ms)

    def _take_texts(self, path: Path, done: int, total: int | None) -> Loaded:
        try:
            entries, problems = read_entries(path)
        except CatalogueBroken as error:
            return Loaded(CATALOGUE_NAME, "", "refused", done, total, renamed(str(error), str(path), CATALOGUE_NAME))
        self._texts = {self._prefix + name: entry for name, entry in entries.items()}
        shown = tuple(renamed(problem, str(path), CATALOGUE_NAME) for problem in problems)
        return Loaded(
            CATALOGUE_NAME,
            "",
            "passed_over",
            done,
            total,
            Sentence("%(file)s gave %(count)s texts", file=CATALOGUE_NAME, count=len(entries)),
            shown,
        )

    def finish(self) -> None:
        """Texts go to the prompts of this load only, whatever else the source's catalogue speaks of."""
        for name in self._seen:
            entry = self._entries.get(name, self._catalogue.entry(name, self._language))
            text = self._texts[name].text if name in self._texts else entry.text
            if entry.source and (name in self._entries or text != entry.text):
                self._entries[name] = Entry(text, entry.source, entry.sha256)
        if self._entries:
            self._catalogue.update(self._language, self._entries)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
