"""The files in ``flows/`` as they are edited: read, saved, begun and removed by name, never outside of that directory.

A save names the text that it began with; where the file is another one by now (somebody else's, or one from git) it is refused with
what stands there, and nothing is overwritten. What is saved may have errors: callers walk what is published, not this.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gevent.lock import RLock

from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError

from .publishing import apart
from .site_files import FILE_LIMIT

TEXT_LIMIT = 250_000  # characters that can be saved; the largest flow of 2000 steps is below it
FILES_LIMIT = 500
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")

T = TypeVar("T")


class BadDraft(IvrEngineError):
    """This can't be saved."""


class NoSuchDraft(BadDraft):
    """There is no such file."""


@dataclass(frozen=True, slots=True)
class Draft:
    """``name``: the file's, without ``.yml``. ``base``: the hash of its bytes, which a save must name."""

    name: str
    text: str
    base: str


class StaleDraft(BadDraft):
    """The file was changed meanwhile."""

    def __init__(self, theirs: Draft | None) -> None:
        super().__init__(
            "the file was changed by somebody else meanwhile, so nothing was saved"
            if theirs
            else "the file was removed by somebody else meanwhile, so nothing was saved"
        )
        self.theirs = theirs


class Drafts:
    """The YAML files of one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = RLock()  # reading the base and putting the new file in place are one

    def place(self, name: str) -> str:
        """What findings call the file."""
        return f"{self._directory.name}/{name}.yml"

    def names(self) -> list[str]:
        return apart(self._names)

    def read(self, name: str) -> Draft:
        """Raises NoSuchDraft or BadDraft."""
        return apart(self._read, name)

    def save(self, name: str, text: str, base: str) -> Draft:
        """Put ``text`` in place of what ``base`` names. Raises StaleDraft, NoSuchDraft or BadDraft."""
        return self._alone(self._save, name, text, base)

    def create(self, name: str, text: str) -> Draft:
        """Raises BadDraft when there is such a file, or the name can't be one."""
        return self._alone(self._create, name, text)

    def remove(self, name: str, base: str) -> None:
        """Raises StaleDraft, NoSuchDraft or BadDraft."""
        self._alone(self._remove, name, base)

    def _alone(self, work: Callable[..., T], *args: Any) -> T:
        with self._lock:
            return apart(work, *args)

    # -- in a native thread --------------------------------------------------------------------------------------------

    def _names(self) -> list[str]:
        return sorted(path.stem for path in self._directory.glob("*.yml") if not path.name.startswith("."))

    def _path(self, name: str) -> Path:
        """Of a file that is there: names are compared with what the directory lists, so that none leads out of it."""
        if name not in self._names():
            raise NoSuchDraft(Sentence("there is no file %(file)s", file=self.place(name[:64])))
        return self._directory / f"{name}.yml"

    def _read(self, name: str) -> Draft:
        path = self._path(name)
        try:
            if path.stat().st_size > FILE_LIMIT:
                raise BadDraft(Sentence("%(file)s is larger than %(most)s MB", file=self.place(name), most=FILE_LIMIT // 1000000))
            data = path.read_bytes()
            return Draft(name, data.decode("utf-8").replace("\r\n", "\n"), _base(data))
        except UnicodeDecodeError as error:
            raise BadDraft(Sentence("%(file)s is not UTF-8 text (byte %(place)s)", file=self.place(name), place=error.start)) from error
        except FileNotFoundError as error:
            raise NoSuchDraft(Sentence("there is no file %(file)s", file=self.place(name))) from error
        except OSError as error:
            raise BadDraft(Sentence("%(file)s can't be read: %(error)s", file=self.place(name), error=error.strerror)) from error

    def _save(self, name: str, text: str, base: str) -> Draft:
        data = _data(text)
        try:
            theirs = self._read(name)
        except NoSuchDraft:
            raise StaleDraft(None) from None
        if theirs.base != base:
            raise StaleDraft(theirs)
        return self._write(name, text, data)

    def _create(self, name: str, text: str) -> Draft:
        if not NAME.match(name):
            raise BadDraft(Sentence("a flow's name has small letters, digits and _, and begins with a letter"))
        names = self._names()
        if name in names:
            raise BadDraft(Sentence("there is a file %(file)s already", file=self.place(name)))
        if len(names) >= FILES_LIMIT:
            raise BadDraft(Sentence("there are %(most)s files already", most=FILES_LIMIT))
        return self._write(name, text, _data(text))

    def _remove(self, name: str, base: str) -> None:
        theirs = self._read(name)
        if theirs.base != base:
            raise StaleDraft(theirs)
        try:
            self._path(name).unlink()
        except OSError as error:
            raise BadDraft(Sentence("%(file)s can't be removed: %(error)s", file=self.place(name), error=error.strerror)) from error

    def _write(self, name: str, text: str, data: bytes) -> Draft:
        """Beside it first, then in its place: a full disk leaves the file as it was."""
        path, beside = self._directory / f"{name}.yml", self._directory / f".{name}.yml.new"
        try:
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, beside)
            beside.replace(path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise BadDraft(Sentence("%(file)s can't be written: %(error)s", file=self.place(name), error=error.strerror)) from error
        return Draft(name, text, _base(data))


def _data(text: str) -> bytes:
    if len(text) > TEXT_LIMIT:
        raise BadDraft(
            Sentence("the text has %(count)s characters, %(most)s are the most; make two flows of it", count=len(text), most=TEXT_LIMIT)
        )
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadDraft(Sentence("the text has a character that can't be written (the %(place)s.)", place=error.start + 1)) from error


def _base(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
