"""Bytes of the event socket: cut into frames, and events of which one header at a time is looked up.

An event has some 165 headers in 7.4 KB, and routing needs three of them: so an event stays the bytes it came as, and ``get``
finds the header's line and decodes that one value. Lines are split before anything is percent-decoded: a caller's name that holds
an encoded line break is one value and never a header of its own. Text that is not UTF-8 survives as surrogate escapes.

Refuses header blocks and bodies beyond their limits, and lengths that are no numbers, with ProtocolError. Does not sort events,
does not read JSON or XML events, and can't tell ``a%20b`` from ``a b`` (the plain format can't either).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from .errors import ProtocolError

HEADER_BLOCK_LIMIT = 64 * 1024  # bytes; the largest real one (the reply to "connect") is some 12 KB
BODY_LIMIT = 64 * 1024 * 1024  # bytes; "show channels as json" takes about 1 KB a channel
EARLY_HEADERS = 2048  # bytes; event name, channel, shard and digit stand within them
_NAME, _CHANNEL, _SHARD = b"Event-Name: ", b"\nUnique-ID: ", b"\nChannel-Presence-Data: "
UNDEFINED = "_undef_"  # how the plain format writes an empty value

_EVENT_FRAME = re.compile(rb"Content-Length: (\d{1,9})\nContent-Type: (text/event-plain)\n\n")


@lru_cache(maxsize=1024)
def _needles(name: str) -> tuple[bytes, bytes]:
    line_start = name.encode("utf-8", "surrogateescape") + b": "
    return line_start, b"\n" + line_start


def decode_text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


class RawEvent:
    """One event, or one ``uuid_dump``, as the bytes the switch sent: ``Name: percent-encoded value`` lines, a blank line, a body."""

    __slots__ = ("_clear", "_data", "_end")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._clear = 0  # no blank line begins before here
        self._end = -1  # where the first blank line begins, once known

    def get(self, name: str) -> str | None:
        """The value of the first header called ``name`` (case matters), decoded; None where it is absent or undefined."""
        data = self._data
        line_start, needle = _needles(name)
        if data.startswith(line_start):
            return self._value(len(line_start))
        at = data.find(needle)
        if at < 0 or (at >= self._clear and self._is_in_body(at)):
            return None
        return self._value(at + len(needle))

    def route(self) -> tuple[str, str, str | None]:
        """Event name, channel, presence data: what every event is asked."""
        data = self._data
        channel = data.find(_CHANNEL)
        shard = data.find(_SHARD, channel)
        if 0 < channel < shard and data.startswith(_NAME) and data.find(b"\n\n", 0, shard) < 0:
            # FreeSWITCH's own order: one look for a blank line serves all three.
            self._clear = shard
            name = data[len(_NAME) : data.find(b"\n", len(_NAME))].decode("utf-8", "surrogateescape")
            return name, self._value(channel + len(_CHANNEL)) or "", self._value(shard + len(_SHARD))
        return self.event_name, self.unique_id, self.get("Channel-Presence-Data")

    def _value(self, start: int) -> str | None:
        data = self._data
        stop = data.find(b"\n", start)
        raw = data[start:] if stop < 0 else data[start:stop]
        if b"%" in raw:
            raw = unquote_to_bytes(raw)
        text = raw.decode("utf-8", "surrogateescape")
        return None if text == UNDEFINED else text

    @property
    def event_name(self) -> str:
        """E.g. ``CHANNEL_PARK``; "" where the bytes are no event."""
        return self.get("Event-Name") or ""

    @property
    def unique_id(self) -> str:
        """The channel's UUID; "" for events of no channel."""
        return self.get("Unique-ID") or ""

    def starting_with(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Every header whose name starts with ``prefix``, in order, decoded; undefined values are ""."""
        data = self._data
        end = self._header_end()
        needle = b"\n" + prefix.encode()
        at = data.find(needle, 0, end)
        while at >= 0:
            stop = data.find(b"\n", at + 1, end)
            stop = end if stop < 0 else stop
            name, _, value = data[at + 1 : stop].partition(b": ")
            text = decode_text(unquote_to_bytes(value))
            yield decode_text(name), "" if text == UNDEFINED else text
            at = data.find(needle, stop, end)

    @property
    def body(self) -> str:
        """What stands behind the blank line (the result of a background job); "" where there is none."""
        return decode_text(self._data[self._header_end() + 2 :])

    def _is_in_body(self, at: int) -> bool:
        # A body may hold lines that look like headers. Searching the whole event for its blank line costs more than routing it:
        # for early headers look no further than they stand.
        if self._end < 0 and at < EARLY_HEADERS:
            if self._data.find(b"\n\n", self._clear, at + 1) >= 0:
                return True
            self._clear = at
            return False
        return at > self._header_end()

    def _header_end(self) -> int:
        if self._end < 0:
            # Only an event with a body tells a length; looking for that is three times as quick as for a blank line.
            end = self._data.find(b"\n\n") if b"\nContent-Length: " in self._data else -1
            self._end = self._clear = len(self._data) if end < 0 else end
        return self._end

    def __repr__(self) -> str:
        return f"<RawEvent {self.event_name} {self.unique_id}>"


class Frame(NamedTuple):
    """One frame: ``headers`` as sent (without the blank line; not percent-encoded), ``body`` apart from them."""

    content_type: bytes
    headers: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        """A header of the frame itself, verbatim; None where it is absent."""
        _, needle = _needles(name)
        block = b"\n" + self.headers + b"\n"
        at = block.find(needle)
        return None if at < 0 else decode_text(block[at + len(needle) : block.index(b"\n", at + 1)])


class FrameReader:
    """Cuts a stream of bytes, fed in pieces of any size, into frames. Keeps at most one incomplete frame.

    ``waiting_for`` says what is missing in words, or "" between frames.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held = 0
        self._needed = 1  # bytes without which looking again is useless

    @property
    def waiting_for(self) -> str:
        if not self._held:
            return ""
        return f"{self._held} bytes of a frame of at least {self._needed}"

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yields the frames that ``data`` completes. Raises ProtocolError; the reader is then of no further use."""
        if self._pieces:
            self._pieces.append(data)
            self._held += len(data)
            if self._held < self._needed:
                return
            data = b"".join(self._pieces)
            self._pieces.clear()
        at = 0
        size = len(data)
        while at < size:
            quick = _EVENT_FRAME.match(data, at)
            if quick is not None:
                start = quick.end()
                end = start + int(quick.group(1))
                if end <= size:
                    yield Frame(b"text/event-plain", quick.group(), data[start:end])
                    at = end
                    continue
            elif data[at] == 10:  # FreeSWITCH ends some texts with more line breaks than they need
                at += 1
                continue
            header_end = data.find(b"\n\n", at, at + HEADER_BLOCK_LIMIT)
            if header_end < 0:
                if size - at >= HEADER_BLOCK_LIMIT:
                    raise ProtocolError(f"a frame's headers are longer than {HEADER_BLOCK_LIMIT} bytes")
                self._needed = size - at + 1
                break
            frame, end = _frame_at(data, at, header_end)
            if frame is None:
                self._needed = end - at
                break
            yield frame
            at = end
        self._held = size - at
        if self._held:
            self._pieces.append(data[at:] if at else data)


def _frame_at(data: bytes, at: int, header_end: int) -> tuple[Frame | None, int]:
    """The frame that starts at ``at``, or None where its body is incomplete; and where it ends."""
    content_type = b""
    length = 0
    headers = data[at:header_end]
    for line in headers.split(b"\n"):
        name, _, value = line.partition(b":")
        lowered = name.lower()
        if lowered == b"content-type":
            content_type = value.strip()
        elif lowered == b"content-length":
            if not value.strip().isdigit():
                raise ProtocolError(f"a frame's length is no number: {line[:80]!r}")
            length = int(value)
            if length > BODY_LIMIT:
                raise ProtocolError(f"a frame's body of {length} bytes is longer than {BODY_LIMIT}")
    if not content_type:
        raise ProtocolError(f"a frame has no Content-Type: {headers[:80]!r}")
    end = header_end + 2 + length
    if end > len(data):
        return None, end
    return Frame(content_type, headers, data[header_end + 2 : end]), end
