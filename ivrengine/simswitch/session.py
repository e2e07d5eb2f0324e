"""One client's connection: reading commands, writing replies and events in FreeSWITCH's order.

Replies and events of one connection leave through one queue. Events that a command causes follow its reply; while an
``api`` command runs, this connection's events wait, as they do in FreeSWITCH. A client that does not read is dropped when
EVENTS_LIMIT events wait for it.
"""

from __future__ import annotations

import errno
import logging
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING

import gevent
from gevent.event import Event as Signal

from .commands import answer_command
from .events import Event, Headers, passes
from .framing import Command, CommandReader, CommandTooLong

if TYPE_CHECKING:
    from .channel import Channel
    from .core import Core

log = logging.getLogger(__name__)

EVENTS_LIMIT = 100_000  # as MAX_QUEUE_LEN
LOST_LIMIT = 500  # as MAX_MISSED
AUTH_SECONDS = 25.0
SEND_BYTES = 262_144
GOODBYE = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
SHUTDOWN = "The system is being shut down.\n"


class Session:
    """``run`` serves the connection until it ends."""

    def __init__(self, core: Core, sock: socket.socket, password: str) -> None:
        self.core = core
        self.password = password
        self.authed = False
        self.running = True
        self.form = "plain"
        self.events: set[str] = set()
        self.subclasses: set[str] = set()
        self.filters: Headers = []
        self.listening = False
        self.controlled: Channel | None = None
        self.my_events = False
        self.linger_seconds: float | None = None
        self.lingers = False
        self._sock = sock
        self._outbox: deque[bytes] = deque()
        self._held: deque[bytes] = deque()
        self._delayed: deque[bytes] = deque()
        self._busy = False
        self._lost = 0
        self._signal = Signal()
        self._closing = False
        self._closed = False

    # Events

    def subscribed(self, name: str) -> bool:
        return self.listening and self.running and (name in self.events or "ALL" in self.events)

    def wants(self, event: Event) -> bool:
        if event.name == "CUSTOM" and event.subclass not in self.subclasses and "ALL" not in self.events:
            return False
        if self.filters and not passes(event, self.filters):
            return False
        if self.my_events and self.controlled is not None:
            return event.get("unique-id") == self.controlled.uuid or event.get("job-owner-uuid") == self.controlled.uuid
        return not self.my_events or event.get("unique-id") is not None

    def send_event(self, event: Event) -> None:
        if len(self._outbox) + len(self._held) + len(self._delayed) >= EVENTS_LIMIT:
            self._lost += 1
            if self._lost > LOST_LIMIT:
                self.disconnect("killed listener because of lost events\n")
            return
        packet = event.packet(self.form)
        if self.core.faults.delay_events_ms or self._delayed:
            self._delayed.append(packet)
            self.core.scheduler.call_later(self.core.faults.delay_events_ms, self._deliver_delayed)
        else:
            self._deliver(packet)

    def _deliver_delayed(self) -> None:
        if self._delayed:
            self._deliver(self._delayed.popleft())

    def _deliver(self, packet: bytes) -> None:
        if self._busy:
            self._held.append(packet)
        else:
            self._outbox.append(packet)
            self._signal.set()

    def forget_events(self) -> None:
        self._held.clear()
        self._delayed.clear()

    # Replies

    def send(self, packet: bytes) -> None:
        self._outbox.append(packet)
        self._signal.set()

    def reply(self, text: str) -> None:
        """A command/reply; a text that starts with ``~`` is given as it is, with its headers."""
        if text.startswith("~"):
            packet = f"Content-Type: command/reply\n{text[1:]}"
        else:
            packet = f"Content-Type: command/reply\nReply-Text: {text}\n\n"
        self.send(packet.encode("utf-8", "surrogateescape"))

    def api_reply(self, text: str) -> None:
        body = (text or "-ERR no reply\n").encode("utf-8", "surrogateescape")
        self.send(b"Content-Type: api/response\nContent-Length: %d\n\n%s" % (len(body), body))

    # The connection's life

    def run(self) -> None:
        writer = gevent.spawn(self._write)
        try:
            self.reply_raw("Content-Type: auth/request\n\n")
            self._sock.settimeout(AUTH_SECONDS)
            self._read()
        finally:
            self.running = False
            self.authed = False
            if not self._closed:
                self.disconnect(GOODBYE)
            writer.join(timeout=5)
            self._shut()

    def reply_raw(self, text: str) -> None:
        self.send(text.encode())

    def _read(self) -> None:
        reader = CommandReader()
        while self.running:
            try:
                data = self._sock.recv(65536)
            except OSError as error:
                if error.errno not in (errno.ECONNRESET, errno.EBADF, errno.EPIPE, None):
                    log.warning("an event socket of the embedded switch failed: %s", error)
                return
            if not data:
                return
            reader.feed(data)
            try:
                while self.running and (command := reader.next()) is not None:
                    self._perform(command)
                    if self.authed:
                        self._sock.settimeout(None)
            except CommandTooLong:
                return

    def _perform(self, command: Command) -> None:
        self._busy = True
        done = Signal()

        def finish() -> None:
            self._busy = False
            self._outbox.extend(self._held)
            self._held.clear()
            self._signal.set()
            done.set()

        answer_command(self, command, finish)
        done.wait()

    def _write(self) -> None:
        while True:
            self._signal.wait()
            self._signal.clear()
            while self._outbox:
                chunk = bytearray()
                while self._outbox and len(chunk) < SEND_BYTES:
                    chunk += self._outbox.popleft()
                try:
                    self._sock.sendall(chunk)
                except OSError:
                    self.running = False
                    self._shut()
                    return
            if self._closing:
                return

    def disconnect(self, message: str | None) -> None:
        """Close after what is queued; with a notice unless ``message`` is None."""
        if self._closing:
            return
        if message is not None:
            self.send(self._notice(message))
        self.running = False
        self._closing = True
        self._signal.set()
        if not self._closed:
            gevent.spawn_later(0, self._shut_when_sent)

    def _notice(self, message: str) -> bytes:
        control = ""
        if self.controlled is not None:
            control = f"Controlled-Session-UUID: {self.controlled.uuid}\nContent-Disposition: disconnect\n"
        return f"Content-Type: text/disconnect-notice\n{control}Content-Length: {len(message)}\n\n{message}".encode()

    def _shut_when_sent(self) -> None:
        for _ in range(100):
            if not self._outbox:
                break
            gevent.sleep(0.01)
        self._shut()

    def cut(self, kind: str) -> None:
        """End without a notice: ``silent`` (end of stream), ``truncated`` (in the middle of an event) or ``reset``."""
        self._outbox.clear()
        self._held.clear()
        if kind == "truncated":
            try:
                self._sock.sendall(b"Content-Length: 500\nContent-Type: text/event-plain\n\nEvent-Name: CHANNEL_PA")
            except OSError:
                log.debug("the client was gone before its connection was cut")
        if kind == "reset":
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.running = False
        self._closing = True
        self._signal.set()
        self._shut(abort=kind == "reset")

    def _shut(self, abort: bool = False) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if not abort:
                self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("the client had closed its connection already")
        self._sock.close()

    # myevents

    def channel_ended(self) -> None:
        """The channel of ``myevents`` is gone: linger if asked, else close."""
        if self.controlled is None or not self.running:
            return
        if not self.lingers:
            self.disconnect(GOODBYE)
            return
        seconds = -1 if self.linger_seconds is None else int(self.linger_seconds)
        self.reply_raw("Content-Type: text/disconnect-notice\n"
                       f"Controlled-Session-UUID: {self.controlled.uuid}\nContent-Disposition: linger\n"
                       f"Channel-Name: {self.controlled.name}\nLinger-Time: {seconds}\nContent-Length: 0\n\n")
        if self.linger_seconds is not None:
            self.core.scheduler.call_later(self.linger_seconds * 1000, lambda: self.disconnect(GOODBYE))
