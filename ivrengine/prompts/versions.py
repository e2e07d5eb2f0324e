"""What a prompt was before it was made anew or removed: its sound with its text and source, so that a mistake can be taken back.

The former files lie in ``prompts/<language>/.former/<name>/``, each named by the moment its sound was made, the newest KEPT of them.
`load` and `say_missing` keep what they replace; `restore` puts one back and keeps the present one in its place. Refuses stamps that
are none, so that no path can be made of them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from ivrengine.domain.sentence import Sentence

from .catalogue import Catalogue
from .catalogue_file import Entry
from .errors import PromptError
from .names import check_language, check_name
from .wav import BadWav, read_wav

FORMER = ".former"  # catalogue and archives pass over what begins with a dot
KEPT = 10
_STAMP = re.compile(r"[0-9]{20}", re.ASCII)


class NoSuchVersion(PromptError):
    """A former file was asked for that is not kept (any more)."""


@dataclass(frozen=True, slots=True)
class Version:
    """``stamp`` names it; ``made_at`` in UTC seconds."""

    stamp: str
    made_at: float
    duration_ms: int
    entry: Entry


def keep(catalogue: Catalogue, name: str, language: str) -> None:
    """Put the present sound aside; to be called before it is replaced. No sound, or one that is kept already, changes nothing."""
    present = catalogue.path(name, language)
    if not present.is_file():
        return
    directory = _directory(catalogue, name, language)
    directory.mkdir(parents=True, exist_ok=True)
    stamp = _stamp_of(present)
    _link(present, directory / f"{stamp}.wav")
    (directory / f"{stamp}.json").write_text(json.dumps(asdict(catalogue.entry(name, language)), ensure_ascii=False), "utf-8")
    for old in sorted(directory.glob("*.wav"), reverse=True)[KEPT:]:
        _forget(old)


def versions(catalogue: Catalogue, name: str, language: str) -> list[Version]:
    """The former ones, the latest first; the present one is not among them."""
    present = catalogue.path(name, language)
    now = _stamp_of(present) if present.is_file() else ""
    found = []
    for path in sorted(_directory(catalogue, name, language).glob("*.wav"), reverse=True):
        if path.stem == now or not _STAMP.fullmatch(path.stem):
            continue
        try:
            found.append(Version(path.stem, int(path.stem) / 1e9, read_wav(path).duration_ms, _entry(path)))
        except (BadWav, OSError):
            continue  # nothing that could be put back
    return found


def version_path(catalogue: Catalogue, name: str, language: str, stamp: str) -> Path:
    """The sound of a former one. Raises BadName and NoSuchVersion."""
    path = _directory(catalogue, name, language) / f"{stamp}.wav"
    if not _STAMP.fullmatch(stamp) or not path.is_file():
        raise NoSuchVersion(Sentence("no such former recording of %(name)s is kept", name=name))
    return path


def restore(catalogue: Catalogue, name: str, language: str, stamp: str) -> Version:
    """Put a former one back, with its text. Raises BadName, NoSuchVersion and CatalogueBroken."""
    former = version_path(catalogue, name, language, stamp)
    version = Version(stamp, int(stamp) / 1e9, read_wav(former).duration_ms, _entry(former))
    keep(catalogue, name, language)
    target = catalogue.path(name, language)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{target.name}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    _link(former, temporary)
    temporary.replace(target)
    catalogue.update(language, {name: version.entry})
    return version


def remove(catalogue: Catalogue, name: str, language: str) -> None:
    """Take the prompt out of the catalogue; its sound is kept as a former one. Raises BadName, PromptError for one that is not there."""
    present = catalogue.path(name, language)
    if name not in catalogue.names(language):
        raise PromptError(Sentence("there is no prompt %(name)s in %(language)s", name=name, language=language))
    keep(catalogue, name, language)
    present.unlink(missing_ok=True)
    catalogue.update(language, {name: None})


def move(catalogue: Catalogue, name: str, language: str, to: str) -> None:
    """The prompt was filed under the wrong language. Raises BadName, PromptError where the other one has it already."""
    source, target, entry = catalogue.path(name, language), catalogue.path(name, to), catalogue.entry(name, language)
    if target.exists() or name in catalogue.names(to):
        raise PromptError(Sentence("there is a prompt %(name)s in %(to)s already", name=name, to=to))
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(source, target)
    catalogue.update(to, {name: entry})
    remove(catalogue, name, language)


def _directory(catalogue: Catalogue, name: str, language: str) -> Path:
    """Raises BadName."""
    return catalogue.root / check_language(language) / FORMER / check_name(name)


def _stamp_of(path: Path) -> str:
    return f"{path.stat().st_mtime_ns:020d}"


def _link(source: Path, target: Path) -> None:
    """The same bytes with the same date under another name: nothing ever writes into a prompt's file, only over its name."""
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)


def _entry(path: Path) -> Entry:
    try:
        return Entry(**json.loads(path.with_suffix(".json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return Entry()


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_suffix(".json").unlink(missing_ok=True)
