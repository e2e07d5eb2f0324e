"""The sound of a recording for a browser: the part of the file that it asks for, and the peaks of its waveform.

Everything that touches the disk runs in native threads. Files are only read, and only below the directory of recordings, wherever a
row of the database may point.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import gevent
import numpy
import soundfile
from werkzeug.datastructures import Range
from werkzeug.wrappers import Response

from ivrengine.storage.native import outcome, unpack

CHUNK_BYTES = 64 * 1024
PEAKS = 800  # columns of a waveform
PEAKS_KEPT = 300  # waveforms
BLOCK_FRAMES = 262_144  # of sound in memory at once
LONGEST_FRAMES = 16_000 * 8 * 3600  # a longer file has no waveform

Peaks = list[list[int]]


class NoSound(Exception):
    """There is no such file, or it holds nothing that can be played."""


class Waveforms:
    """The peaks of each channel, 0 to 100, computed once for each state of a file."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int, int], Peaks] = OrderedDict()

    def of(self, path: Path) -> Peaks:
        """Raises NoSound."""
        pool = gevent.get_hub().threadpool
        key = unpack(pool.apply(outcome, (_state, path)))
        if key not in self._kept:
            self._kept[key] = unpack(pool.apply(outcome, (peaks, path)))
            while len(self._kept) > PEAKS_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def file_of(path: str, directory: Path) -> Path:
    """The file below ``directory``. Raises NoSound for any other."""
    try:
        found = Path(path).resolve()
    except (OSError, ValueError) as error:
        raise NoSound(path) from error
    if not path or not found.is_relative_to(directory.resolve()):
        raise NoSound(path)
    return found


def serve(path: Path, wanted: Range | None) -> Response:
    """The file, or the one part of it that ``wanted`` names; 416 where there is no such part. Raises NoSound."""
    pool = gevent.get_hub().threadpool
    size = unpack(pool.apply(outcome, (_state, path)))[2]
    bounds = (0, size)
    if wanted is not None and wanted.units == "bytes" and len(wanted.ranges) == 1:
        found = wanted.range_for_length(size)
        if found is None:
            return Response(status=416, headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"})
        bounds = found
    else:
        wanted = None
    file = unpack(pool.apply(outcome, (_open, path, bounds[0])))
    response = Response(_chunks(file, bounds[1] - bounds[0]), 206 if wanted else 200, mimetype="audio/wav", direct_passthrough=True)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Length"] = str(bounds[1] - bounds[0])
    if wanted is not None:
        response.headers["Content-Range"] = f"bytes {bounds[0]}-{bounds[1] - 1}/{size}"
    return response


def peaks(path: Path) -> Peaks:
    """In a native thread: the loudest sample of each column, of each channel. Raises NoSound."""
    try:
        with soundfile.SoundFile(path) as sound:
            if not 0 < sound.frames <= LONGEST_FRAMES:
                raise NoSound(path)
            columns = min(PEAKS, sound.frames)
            loudest = numpy.zeros((columns, sound.channels))
            done = 0
            for block in sound.blocks(BLOCK_FRAMES, dtype="float32", always_2d=True):
                column = (numpy.arange(done, done + len(block)) * columns) // sound.frames
                begins = numpy.flatnonzero(numpy.diff(column, prepend=-1))
                found = numpy.maximum.reduceat(numpy.abs(block), begins, axis=0)
                loudest[column[begins]] = numpy.maximum(loudest[column[begins]], found)
                done += len(block)
    except (OSError, soundfile.SoundFileError) as error:
        raise NoSound(path) from error
    return [[int(value) for value in channel] for channel in numpy.clip(loudest * 100, 0, 100).round().T]


def _state(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise NoSound(path) from error
    return str(path), found.st_mtime_ns, found.st_size


def _open(path: Path, begin: int) -> IO[bytes]:
    try:
        file = path.open("rb")
        file.seek(begin)
    except OSError as error:
        raise NoSound(path) from error
    return file


def _chunks(file: IO[bytes], left: int) -> Iterator[bytes]:
    pool = gevent.get_hub().threadpool
    try:
        while left > 0:
            chunk = unpack(pool.apply(outcome, (file.read, min(CHUNK_BYTES, left))))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk
    finally:
        file.close()
