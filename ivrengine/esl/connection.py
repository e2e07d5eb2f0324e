"""One authenticated event-socket connection on top of greenswitch, with the parts of greenswitch that hurt replaced.

Kept from greenswitch.InboundESL: ``register_handle`` and its dispatch by event name (``*`` for the rest), replies matched to commands
first in, first out, the shape of ``call_command``. Replaced: framing and parsing (``wire``), the reader, sending, waiting, connecting.

Promises: every wait has a limit and ends in our own exception; when the connection is lost, by a notice or without one, everything
that waits is told at once; the reader never stops reading and hands events to handlers, which may only enqueue.
Refuses commands with line breaks (UnsafeCommand). Does not reconnect: a lost connection is thrown away and a fresh one made.
"""

from __future__ import annotations

import logging
import socket as plain_socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from gevent import socket
from gevent.event import AsyncResult
from gevent.lock import BoundedSemaphore
from greenswitch.esl import InboundESL

from ivrengine.domain.sentence import Sentence

from .commands import execute_message
from .errors import EslError, ProtocolError, SwitchRefused, SwitchRejectedUs, SwitchTimeout, SwitchUnavailable, UnsafeCommand
from .wire import Frame, FrameReader, RawEvent, decode_text

CONNECT_SECONDS = 3.0
AUTH_SECONDS = 5.0
REPLY_SECONDS = 5.0
SEND_SECONDS = 5.0  # a switch that takes no bytes for so long is taken for dead
RECEIVE_BYTES = 256 * 1024
WAITING_LIMIT = 10_000  # commands sent and not yet answered on one connection

log = logging.getLogger(__name__)


class Reply:
    """The switch's answer: ``text`` of a command/reply, ``body`` of an api/response; ``data`` is whichever it has."""

    __slots__ = ("body", "frame", "text")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.text = frame.header("Reply-Text") or ""
        self.body = decode_text(frame.body)

    @property
    def data(self) -> str:
        return self.body or self.text

    @property
    def ok(self) -> bool:
        return not self.data.startswith(("-ERR", "-USAGE"))

    def __repr__(self) -> str:
        return f"<Reply {self.data[:60]!r}>"


def refuse_line_breaks(text: str) -> None:
    """A line break inside a command would start a second header, or a second command."""
    if "\n" in text or "\r" in text or "\0" in text:
        raise UnsafeCommand(Sentence("a command may not hold a line break"))


def _joined(lines: Iterable[str]) -> str:
    checked = list(lines)
    for line in checked:
        refuse_line_breaks(line)
    return "\n".join(checked)


class Connection(InboundESL):
    """``on_lost(reason)`` is called once, from whichever greenlet noticed; it may only enqueue."""

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        timeout: float = REPLY_SECONDS,
        *,
        name: str = "commands",
        on_lost: Callable[[str], None] | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        auth_seconds: float = AUTH_SECONDS,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        super().__init__(host, port, password, timeout)
        self._commands_sent: deque[AsyncResult] = deque()
        self.name = name
        self.lost_because = ""
        self.unsolicited_replies = 0
        self._on_lost = on_lost
        self._connect_seconds = connect_seconds
        self._auth_seconds = auth_seconds
        self._send_seconds = send_seconds
        self._send_lock = BoundedSemaphore(1)
        self._held_back: list[tuple[str, AsyncResult]] = []  # for the next write
        self._auth_request_event = AsyncResult()
        self.sock: Any = None

    # -- connecting

    def connect(self) -> None:
        """Connects and authenticates within its deadlines. Raises SwitchUnavailable, SwitchRejectedUs or SwitchTimeout."""
        try:
            self.sock = socket.create_connection((self.host, self.port), timeout=self._connect_seconds)
        except OSError as error:
            raise SwitchUnavailable(
                Sentence("can't connect to the switch at %(host)s:%(port)s: %(error)s", host=self.host, port=self.port, error=error)
            ) from error
        self.sock.settimeout(None)
        self.sock.setsockopt(plain_socket.IPPROTO_TCP, plain_socket.TCP_NODELAY, 1)
        self.connected = True
        self._receive_events_greenlet = gevent.spawn(self.receive_events)
        try:
            self._await_greeting()
            self.authenticate()
        except Exception as error:
            self.lose(str(error))
            raise

    def _await_greeting(self) -> None:
        self._auth_request_event.wait(self._auth_seconds)
        if not self._auth_request_event.ready():
            raise SwitchTimeout(
                Sentence(
                    "%(host)s:%(port)s accepted the connection but said nothing for %(seconds)s s",
                    host=self.host,
                    port=self.port,
                    seconds=self._auth_seconds,
                )
            )
        self._auth_request_event.get()

    def authenticate(self) -> None:
        """Raises SwitchRejectedUs for a wrong password, without ever putting it into words."""
        reply = self.wait(self.post(f"auth {self.password}"), self._auth_seconds)
        if not reply.text.startswith("+OK accepted"):
            raise SwitchRejectedUs(f"the switch at {self.host}:{self.port} refused our password ({reply.text.strip()})")

    # -- sending

    def post(self, text: str) -> AsyncResult:
        """Sends one command without waiting for its reply; hand the result to ``wait``, or forget it."""
        refuse_line_breaks(text)
        return self._transmit([text])[0]

    def post_soon(self, text: str) -> AsyncResult:
        """``post`` for what nobody waits for: shares a write with what this greenlet sends next, and goes by itself once it gives way.

        FreeSWITCH and we pay for each write. The order of posting is kept. A lost connection is told by the result.
        """
        refuse_line_breaks(text)
        return self._hold_back(text)

    def post_message_soon(self, lines: Iterable[str]) -> AsyncResult:
        """``post_soon`` for a command of several header lines."""
        return self._hold_back(_joined(lines))

    def _hold_back(self, text: str) -> AsyncResult:
        if not self.connected:
            raise SwitchUnavailable(self.lost_because)
        waiter = AsyncResult()
        self._held_back.append((text, waiter))
        if len(self._held_back) == 1:
            gevent.spawn(self._send_held_back)
        return waiter

    def _send_held_back(self) -> None:
        if self._held_back:
            try:
                self._transmit([])
            except EslError as error:
                log.debug("commands wait for the next write: %s", error)

    def send(self, data: str, timeout: float | None = None) -> Reply:
        """greenswitch's name for ``command``."""
        return self.command(data, timeout)

    def command(self, text: str, timeout: float | None = None) -> Reply:
        """One command line and its reply, whatever the reply says."""
        return self.wait(self.post(text), timeout)

    def api(self, text: str, timeout: float | None = None) -> str:
        """The body of ``api <text>``. Raises SwitchRefused where it begins with -ERR or -USAGE."""
        reply = self.command(f"api {text}", timeout)
        if not reply.ok:
            raise SwitchRefused(reply.data.strip())
        return reply.body

    def pipeline(self, texts: Iterable[str], timeout: float | None = None) -> list[Reply]:
        """Several commands in one write, in this order and with none of another greenlet's between; their replies."""
        commands = list(texts)
        for text in commands:
            refuse_line_breaks(text)
        return self._wait_all(self._transmit(commands), timeout)

    def call_command(self, call_id: str, app_name: str, app_args: str = "", token: str = "") -> Reply:
        """Runs a dialplan application on a channel; returns when it is queued. Its end is an event whose Application-UUID is ``token``."""
        return self.wait(self.post_message(execute_message(call_id, app_name, app_args, token)))

    def post_message(self, lines: Iterable[str]) -> AsyncResult:
        """A command of several header lines (``sendmsg``, ``bgapi``), each of which holds no line break of its own."""
        return self._transmit([_joined(lines)])[0]

    def pipeline_messages(self, messages: Iterable[Iterable[str]], timeout: float | None = None) -> list[Reply]:
        """``pipeline`` for commands of several header lines."""
        return self._wait_all(self._transmit([_joined(lines) for lines in messages]), timeout)

    def _wait_all(self, waiters: list[AsyncResult], timeout: float | None) -> list[Reply]:
        if waiters:
            self.wait(waiters[-1], timeout)  # the last answer comes last: one wait instead of one for each
        return [self.wait(waiter, timeout) for waiter in waiters]

    def wait(self, waiter: AsyncResult, timeout: float | None = None) -> Reply:
        """The reply to a posted command. A reply that comes after the time-out still finds its place and is dropped."""
        seconds = self.timeout if timeout is None else timeout
        waiter.wait(seconds)
        if not waiter.ready():
            raise SwitchTimeout(Sentence("the switch did not answer a command within %(seconds)s s", seconds=seconds))
        return waiter.get()

    def _transmit(self, texts: list[str]) -> list[AsyncResult]:
        if not self._send_lock.acquire(timeout=self._send_seconds):
            raise SwitchTimeout(Sentence("the connection to the switch took no command for %(seconds)s s", seconds=self._send_seconds))
        try:
            if not self.connected:
                raise SwitchUnavailable(self.lost_because)
            if len(self._commands_sent) + len(self._held_back) + len(texts) > WAITING_LIMIT:
                raise SwitchTimeout(Sentence("more than %(most)s commands wait for the switch's answer", most=WAITING_LIMIT))
            held_back, self._held_back = self._held_back, []
            waiters = [AsyncResult() for _ in texts]
            everything = [*(text for text, _ in held_back), *texts]
            if not everything:
                return []
            raw = "".join(f"{text}\n\n" for text in everything).encode("utf-8", "surrogateescape")
            # Registered before the first byte leaves: the reply may be here before sendall returns.
            self._commands_sent.extend(waiter for _, waiter in held_back)
            self._commands_sent.extend(waiters)
            try:
                self._send_all(raw)
            except (OSError, SwitchTimeout) as error:
                # Half a command may be on its way: every later reply would be matched to the wrong command.
                self.lose(f"sending failed: {error}")
                raise SwitchUnavailable(self.lost_because) from error
            return waiters
        finally:
            self._send_lock.release()

    def _send_all(self, raw: bytes) -> None:
        try:
            sent = self.sock.send(raw, 0, self._send_seconds)  # which takes everything, but for a switch that is slow
        except TimeoutError as error:
            raise SwitchTimeout("the switch reads no more") from error
        if sent < len(raw):
            with gevent.Timeout(self._send_seconds, SwitchTimeout("the switch reads no more")):
                self.sock.sendall(raw[sent:])

    # -- receiving

    def receive_events(self) -> None:
        """The reader greenlet: until the connection ends, for whatever reason, and then tells everyone."""
        frames = FrameReader()
        reason = "our own reader failed"
        try:
            while self._run:
                data = self.sock.recv(RECEIVE_BYTES)
                if not data:
                    missing = frames.waiting_for
                    reason = "the switch closed the connection" + (f" in the middle of {missing}" if missing else "")
                    return
                for frame in frames.feed(data):
                    self.handle_event(frame)
                    if not self.connected:
                        return
                if len(data) == RECEIVE_BYTES:
                    gevent.sleep(0)  # a socket that always has data never yields by itself, and others must send and work
        except (OSError, ProtocolError) as error:
            reason = f"reading failed: {error}"
        except Exception:
            log.exception("the reader of the switch's %s connection failed", self.name)
        finally:
            self.lose(reason)

    def handle_event(self, frame: Frame) -> None:
        """One frame. An answer nobody waits for and kinds of frame we never asked for are counted or logged, not fatal."""
        kind = frame.content_type
        if kind == b"text/event-plain":
            self._dispatch(RawEvent(frame.body))
        elif kind in (b"command/reply", b"api/response"):
            if self._commands_sent:
                self._commands_sent.popleft().set(Reply(frame))
            else:
                self.unsolicited_replies += 1
                log.warning("the switch sent an answer that nobody waits for on the %s connection", self.name)
        elif kind == b"auth/request":
            self._auth_request_event.set(True)
        elif kind == b"text/disconnect-notice":
            if frame.header("Content-Disposition") != "linger":
                self.lose("the switch said goodbye")
        elif kind == b"text/rude-rejection":
            sentence = " ".join(decode_text(frame.body).split())
            self.lose(f"the switch's access list refuses us ({sentence})", SwitchRejectedUs)
        else:
            log.warning("ignored a frame of type %r on the %s connection", kind, self.name)

    def _dispatch(self, event: RawEvent) -> None:
        name = event.event_name
        if name == "CUSTOM":
            name = event.get("Event-Subclass") or name
        for handler in self.event_handlers.get(name) or self.event_handlers.get("*") or ():
            try:
                handler(event)
            except Exception:
                # Our mistake in one handler must not cost every call its events.
                log.exception("a handler of %s failed", name)

    # -- ending

    def lose(self, reason: str, kind: type[SwitchUnavailable] = SwitchUnavailable) -> None:
        """The connection is over: closes the socket and fails every waiter with ``reason``. Only the first call counts."""
        if self.lost_because:
            return
        self.lost_because = reason or "the connection was closed"
        self.connected = False
        self._run = False
        waiters = [*self._commands_sent, *(waiter for _, waiter in self._held_back)]
        self._commands_sent.clear()
        self._held_back.clear()
        error = kind(self.lost_because)
        for waiter in waiters:
            waiter.set_exception(error)
        if not self._auth_request_event.ready():
            self._auth_request_event.set_exception(error)
        if self.sock is not None:
            try:
                self.sock.shutdown(plain_socket.SHUT_RDWR)  # wakes the reader, which close() alone might leave asleep
            except OSError:
                pass  # the other end was faster
            self.sock.close()
        if self._on_lost is not None:
            self._on_lost(self.lost_because)

    def stop(self) -> None:
        """Closes without ceremony: no command of ours is under way that an ``exit`` could wait for."""
        self.lose("we closed the connection")
        reader = self._receive_events_greenlet
        if reader is not None and reader is not gevent.getcurrent():
            reader.join(timeout=self._send_seconds)
