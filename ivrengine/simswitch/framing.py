"""Commands of a client: bytes in, (first line, headers, body) out, as read_packet in mod_event_socket reads them.

Leading newlines are skipped; a command ends at an empty line; a Content-Length body follows it. Refuses nothing but a
command that is longer than COMMAND_LIMIT.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

COMMAND_LIMIT = 10_485_760  # bytes, as in FreeSWITCH
_END = re.compile(rb"\n\r*\n")


class CommandTooLong(Exception):
    """A command is longer than FreeSWITCH reads."""


@dataclass
class Command:
    """``line`` is the first line; header names are in lower case, the first of several of one name counts."""

    line: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


class CommandReader:
    """Feed it what the socket gives; take whole commands from ``next``."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> Command | None:
        """The next whole command, or None when more bytes are needed. Raises CommandTooLong."""
        if self._searched == 0:
            skip = len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))
            del self._buffer[:skip]
        end = _END.search(self._buffer, max(0, self._searched - 8))
        if end is None:
            self._searched = len(self._buffer)
            if len(self._buffer) > COMMAND_LIMIT:
                raise CommandTooLong
            return None
        command = _parse(bytes(self._buffer[:end.start()]))
        length = _body_length(command)
        if length > COMMAND_LIMIT:
            raise CommandTooLong
        if len(self._buffer) < end.end() + length:
            self._searched = end.start() + 1
            return None
        command.body = bytes(self._buffer[end.end():end.end() + length]).decode("utf-8", "surrogateescape")
        del self._buffer[:end.end() + length]
        self._searched = 0
        return command


def _body_length(command: Command) -> int:
    text = command.headers.get("content-length", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _parse(block: bytes) -> Command:
    lines = [line for line in re.split(r"[\r\n]+", block.decode("utf-8", "surrogateescape")) if line]
    command = Command(lines[0] if lines else "")
    for line in lines[1:]:
        name, sign, value = line.partition(":")
        if sign:
            command.headers.setdefault(name.lower(), value.lstrip(" "))
    return command
