"""catalogue.yml: the texts and sources of one language's prompts, read with every mistake named and written in one piece.

Two commands may write at once: each takes a lock on the directory, reads again, changes only its own names and renames the
new file into place. Refuses to write over a file that it can't read. Comments in the file are not kept.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import yaml

from ivrengine.domain.sentence import Sentence

from .errors import CatalogueBroken
from .names import name_problem

CATALOGUE_NAME = "catalogue.yml"
Source = Literal["recorded", "espeak-ng", "imported"]
SOURCES: tuple[str, ...] = get_args(Source)
CATALOGUE_LIMIT_BYTES = 5_000_000
TEXT_LIMIT = 4000  # characters; five minutes of speech
LOCK_WAIT_SECONDS = 10.0
_KEYS = ("text", "source", "sha256")
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # text-only scalars: `no: ...` names a prompt "no"
_HEADER = (
    "# Texts and sources of the prompts in this directory: name -> {text, source, sha256}.\n"
    "# `ivrengine prompts load` and `prompts say` rewrite this file and keep its texts, but not its comments.\n"
)


class _Mistake(Exception):
    """One entry is wrong; the others still count."""


@dataclass(frozen=True, slots=True)
class Entry:
    """``source`` is one of SOURCES or "" (only a text so far); ``sha256`` of what the recording was made from:
    the bytes of the imported file, or the text that was said, as UTF-8."""

    text: str = ""
    source: str = ""
    sha256: str = ""


def read_entries(path: Path) -> tuple[dict[str, Entry], list[str]]:
    """Every readable entry, and a sentence with file and line for everything else. A missing file is an empty one.

    Raises CatalogueBroken when nothing of the file can be read.
    """
    try:
        if path.stat().st_size > CATALOGUE_LIMIT_BYTES:
            raise CatalogueBroken(Sentence("%(path)s: the catalogue is larger than %(most)s bytes", path=path, most=CATALOGUE_LIMIT_BYTES))
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except FileNotFoundError:
        return {}, []
    except UnicodeDecodeError as error:
        raise CatalogueBroken(Sentence("%(path)s: the catalogue is not UTF-8 text (byte %(byte)s)", path=path, byte=error.start)) from error
    except OSError as error:
        raise CatalogueBroken(Sentence("%(path)s: the catalogue can't be read: %(error)s", path=path, error=error.strerror)) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise CatalogueBroken(
            Sentence("%(place)s: the catalogue is not valid YAML: %(error)s", place=place, error=getattr(error, "problem", None) or error)
        ) from error
    if root is None:
        return {}, []
    if not isinstance(root, yaml.MappingNode):
        raise CatalogueBroken(
            Sentence("%(path)s: the catalogue must be names with their texts, like `welcome: {text: Good day}`", path=path)
        )
    entries: dict[str, Entry] = {}
    problems: list[str] = []
    for key, value in root.value:
        place = f"{path}:{key.start_mark.line + 1}:{key.start_mark.column + 1}"
        try:
            name, entry = _entry(key, value)
            if name in entries:
                raise _Mistake(Sentence("%(name)s is written twice; the first one counts", name=name))
            entries[name] = entry
        except _Mistake as error:
            problems.append(Sentence("%(place)s: %(problem)s", place=place, problem=error))
    return entries, problems


def _entry(key: yaml.Node, value: yaml.Node) -> tuple[str, Entry]:
    if not isinstance(key, yaml.ScalarNode):
        raise _Mistake(Sentence("a prompt's name must be plain text"))
    problem = name_problem(key.value)
    if problem:
        raise _Mistake(problem)
    if isinstance(value, yaml.ScalarNode):
        return key.value, Entry(text=_text(key.value, value.value))
    if not isinstance(value, yaml.MappingNode):
        raise _Mistake(Sentence("%(name)s needs a text, or text and source", name=key.value))
    fields: dict[str, str] = {}
    for field, content in value.value:
        if not isinstance(field, yaml.ScalarNode) or field.value not in _KEYS:
            raise _Mistake(
                Sentence(
                    "%(name)s has an unknown field %(field)r; known are %(known)s",
                    name=key.value,
                    field=getattr(field, "value", ""),
                    known=tuple(_KEYS),
                )
            )
        if not isinstance(content, yaml.ScalarNode):
            raise _Mistake(Sentence("%(name)s: %(field)s must be plain text", name=key.value, field=field.value))
        if field.value in fields:
            raise _Mistake(Sentence("%(name)s: %(field)s is written twice", name=key.value, field=field.value))
        fields[field.value] = content.value
    if fields.get("source", "") not in ("", *SOURCES):
        raise _Mistake(
            Sentence(
                "%(name)s has an unknown source %(source)r; known are %(known)s",
                name=key.value,
                source=fields["source"],
                known=tuple(SOURCES),
            )
        )
    return key.value, Entry(_text(key.value, fields.get("text", "")), fields.get("source", ""), fields.get("sha256", ""))


def _text(name: str, text: str) -> str:
    if len(text) > TEXT_LIMIT:
        raise _Mistake(Sentence("the text of %(name)s is longer than %(most)s characters", name=name, most=TEXT_LIMIT))
    return " ".join(text.split())


def update_entries(directory: Path, changes: Mapping[str, Entry | None]) -> None:
    """Put ``changes`` into the directory's catalogue.yml (None takes one out) and keep every other entry. Raises CatalogueBroken."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / CATALOGUE_NAME
    with _locked(directory):
        entries, problems = read_entries(path)
        if problems:
            raise CatalogueBroken(Sentence("%(problem)s - the catalogue is not changed before this is mended", problem=problems[0]))
        for name in sorted(changes):
            entry = changes[name]
            if entry is None:
                entries.pop(name, None)
            else:
                entries[name] = entry
        plain = {name: {key: getattr(entry, key) for key in _KEYS if getattr(entry, key)} for name, entry in entries.items()}
        text = _HEADER + yaml.safe_dump(plain, allow_unicode=True, sort_keys=False, width=140) if plain else _HEADER
        temporary = directory / f".{CATALOGUE_NAME}.{os.getpid()}"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock; it vanishes with the process, so a kill leaves nothing behind."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        give_up_at = time.monotonic() + LOCK_WAIT_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up_at:
                    message = f"{directory}: another program has held the catalogue for more than {LOCK_WAIT_SECONDS:.0f} s"
                    raise CatalogueBroken(message) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(handle)
