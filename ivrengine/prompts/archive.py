"""The files of a directory or archive (zip, tar, tar.gz, tar.bz2, tar.xz), one after the other, without trusting any of it.

A member's own path is only ever a name to show and to derive a prompt's name from: its bytes go to a temporary file that we
named, so nothing can be written elsewhere. Refuses links, devices, encrypted members and paths that lead upwards one by one,
and the whole archive where it holds more files or bytes than the limits, which is how a decompression bomb shows.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ivrengine.domain.sentence import Sentence

from .decode import SOURCE_LIMIT_BYTES
from .errors import SourceRefused

MEMBER_LIMIT = 5000
TOTAL_LIMIT_BYTES = 2_000_000_000
_PIECE_BYTES = 1 << 16
_BROKEN = (
    EOFError,
    OSError,
    lzma.LZMAError,
    zlib.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    NotImplementedError,
    UnicodeDecodeError,
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file by its path inside the source; ``path`` holds its bytes until the next one is taken, or ``refusal`` says why not.

    ``total`` is how many there are, as far as that is known beforehand (a tar must be read to be counted).
    """

    inside: PurePosixPath
    path: Path | None
    total: int | None
    refusal: str = ""


def members(source: Path) -> Iterator[Member]:
    """Every file of ``source``. Raises SourceRefused, in the middle too: what came before it was sound."""
    if source.is_dir():
        return _in_directory(source)
    if not source.is_file():
        raise SourceRefused(Sentence("%(source)s is neither a directory nor an archive: there is no such file", source=source))
    try:
        if zipfile.is_zipfile(source):
            return _in_zip(source)
    except OSError as error:
        raise SourceRefused(Sentence("%(source)s can't be read: %(error)s", source=source, error=error.strerror)) from error
    return _in_tar(source)


def _in_directory(source: Path) -> Iterator[Member]:
    found: list[Path] = []
    for folder, folders, files in os.walk(source):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(folder) / name for name in sorted(files) if not name.startswith(".")]
        if len(found) > MEMBER_LIMIT:
            raise SourceRefused(Sentence("%(source)s holds more than %(most)s files", source=source, most=MEMBER_LIMIT))
    for path in found:
        inside = PurePosixPath(path.relative_to(source).as_posix())
        if path.is_symlink():
            yield Member(inside, None, len(found), Sentence("is a link, and links are not followed"))
        elif not path.is_file():
            yield Member(inside, None, len(found), Sentence("is not a file"))
        else:
            yield Member(inside, path, len(found))


def _in_zip(source: Path) -> Iterator[Member]:
    with _legibly(source), zipfile.ZipFile(source) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir() and not _hidden(info.filename)]
        budget = _Budget(source, len(infos))
        budget.take(0, sum(info.file_size for info in infos))
        budget.bytes_left = TOTAL_LIMIT_BYTES  # sizes told by the archive may be lies: the bytes themselves are counted again
        for info in infos:
            mode = info.external_attr >> 16
            refusal = _path_refusal(info.filename)
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                refusal = Sentence("is a link or a device")
            elif info.flag_bits & 1:
                refusal = Sentence("is encrypted")
            if refusal:
                yield Member(PurePosixPath(info.filename), None, len(infos), refusal)
                continue
            with archive.open(info) as file:
                yield from _unpacked(file, info.filename, budget, len(infos))


def _in_tar(source: Path) -> Iterator[Member]:
    with _legibly(source), _decompressed(source) as stream:
        budget = _Budget(source, 0)
        with tarfile.open(fileobj=_Bounded(stream, source), mode="r|") as archive:  # type: ignore[call-overload]
            for info in archive:
                if info.isdir() or _hidden(info.name):
                    continue
                budget.count_member()
                refusal = _path_refusal(info.name)
                if not info.isreg():
                    refusal = Sentence("is a link or a device")
                file = None if refusal else archive.extractfile(info)
                if file is None:
                    yield Member(PurePosixPath(info.name), None, None, refusal)
                else:
                    yield from _unpacked(file, info.name, budget, None)


def _unpacked(file: IO[bytes], name: str, budget: _Budget, total: int | None) -> Iterator[Member]:
    inside = PurePosixPath(name)
    handle, temporary = tempfile.mkstemp(prefix="ivrengine-", suffix=inside.suffix.lower() if len(inside.suffix) < 8 else "")
    try:
        size = 0
        with os.fdopen(handle, "wb") as target:
            while piece := file.read(_PIECE_BYTES):
                size += len(piece)
                budget.take(size, len(piece))
                target.write(piece)
        yield Member(inside, Path(temporary), total)
    finally:
        os.unlink(temporary)


class _Budget:
    """What an archive may still hold."""

    def __init__(self, source: Path, member_count: int) -> None:
        self._source = source
        self._members = 0
        self.bytes_left = TOTAL_LIMIT_BYTES
        if member_count > MEMBER_LIMIT:
            raise SourceRefused(Sentence("%(source)s holds more than %(most)s files", source=source, most=MEMBER_LIMIT))

    def count_member(self) -> None:
        self._members += 1
        if self._members > MEMBER_LIMIT:
            raise SourceRefused(Sentence("%(source)s holds more than %(most)s files", source=self._source, most=MEMBER_LIMIT))

    def take(self, member_bytes: int, piece_bytes: int) -> None:
        self.bytes_left -= piece_bytes
        if self.bytes_left < 0 or member_bytes > SOURCE_LIMIT_BYTES:
            raise SourceRefused(
                Sentence(
                    "%(source)s unpacks to more than %(most)s MB, or one of its files to more than %(source_limit_bytes)s MB",
                    source=self._source,
                    most=TOTAL_LIMIT_BYTES // 1000000,
                    source_limit_bytes=SOURCE_LIMIT_BYTES // 1000000,
                )
            )


class _Bounded:
    """A stream of which at most TOTAL_LIMIT_BYTES can be read: headers and skipped members count too."""

    def __init__(self, stream: IO[bytes], source: Path) -> None:
        self._stream = stream
        self._budget = _Budget(source, 0)

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._budget.take(0, len(data))
        return data


@contextmanager
def _decompressed(source: Path) -> Iterator[IO[bytes]]:
    with source.open("rb") as file:
        start = file.read(6)
        file.seek(0)
        if start.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=file) as unzipped:
                yield unzipped
        elif start.startswith(b"BZh"):
            with bz2.BZ2File(file) as unzipped:
                yield unzipped
        elif start.startswith(b"\xfd7zXZ\x00"):
            with lzma.LZMAFile(file) as unzipped:
                yield unzipped
        else:
            yield file


@contextmanager
def _legibly(source: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise SourceRefused(
            Sentence("%(source)s is no archive that can be read (zip, tar, tar.gz, tar.bz2, tar.xz): %(error)s", source=source, error=error)
        ) from error
    except RuntimeError as error:  # zipfile's way to say "encrypted"
        raise SourceRefused(Sentence("%(source)s can't be unpacked: %(error)s", source=source, error=error)) from error


def _hidden(name: str) -> bool:
    """Files that systems leave behind: .DS_Store, __MACOSX/..."""
    parts = PurePosixPath(name).parts
    return any(part == "__MACOSX" or (part.startswith(".") and part not in (".", "..")) for part in parts)


def _path_refusal(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        return Sentence("has a path that leads out of the archive")
    return ""
