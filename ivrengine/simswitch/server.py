"""The embedded switch as a server: it listens on loopback, authenticates clients and serves their sessions.

Refuses to listen on anything but a loopback address and refuses an empty password: whoever reaches this port can make
calls and write files.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Sequence
from pathlib import Path

import gevent
from gevent.event import Event as Signal
from gevent.server import StreamServer

# api_calls and api_sim register their commands, the others their applications, by being imported.
from . import api_calls, api_sim, apps, bridging, eavesdropping, playing, recording, soft_execute  # noqa: F401
from .core import Core
from .dialplan import APOLOGY
from .session import GOODBYE, SHUTDOWN, Session

log = logging.getLogger(__name__)

CONNECTIONS_LIMIT = 200
BACKLOG = 64
REPLY_SECONDS = 0.05  # between the reply to "restart" and the restart
REJECTION = "Access Denied, go away.\n"


class NotLoopback(ValueError):
    """The embedded switch listens on loopback only."""


def check_loopback(host: str) -> str:
    """The address to listen on. Raises NotLoopback."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        log.debug("%s is no address", host)
    raise NotLoopback(f"the embedded switch listens on loopback only (127.0.0.1), not on {host!r}")


class SimSwitch:
    """A simulated FreeSWITCH behind an event socket on ``host:port``; port 0 takes a free one (see ``port``).

    ``sounds_dir`` holds the prompts that relative paths mean, ``recordings_dir`` the fallback's messages; ``numbers`` are
    handed to the engine (exact, or with ``*`` at the end); ``apology`` is what the fallback says first.
    ``speed`` is how many simulated seconds pass in one real second.
    """

    def __init__(self, host: str, port: int, password: str, *, sounds_dir: Path | str, recordings_dir: Path | str,
                 numbers: Sequence[str], speed: float = 1.0, domain: str = "ivr.local",
                 apology: Path | str = APOLOGY) -> None:
        if not password or "\n" in password:
            raise ValueError("the embedded switch needs a password of one line")
        self.host = check_loopback(host)
        self.port = port
        self._password = password
        self.core = Core(sounds_dir=Path(sounds_dir), recordings_dir=Path(recordings_dir), numbers=list(numbers),
                         domain=domain, speed=speed, apology=str(apology))
        self.core.drop_hook = self._drop
        self.core.restart_hook = lambda notice, down: gevent.spawn_later(REPLY_SECONDS, self._restart, notice, down)
        self._sessions: set[Session] = set()
        self._server: StreamServer | None = None
        self._down = False
        self._stopped = Signal()

    def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        if self._server is not None:
            return
        listener = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self.port))
            listener.listen(BACKLOG)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        self._server = StreamServer(listener, self._serve)
        self._server.start()
        self.core.start()
        log.info("the embedded switch listens on %s:%d (simulated, no real calls)", self.host, self.port)

    def serve_forever(self) -> None:
        """Start if need be and wait until ``stop`` is called."""
        self.start()
        self._stopped.wait()

    def stop(self) -> None:
        """Hang everything up without events, tell the clients, stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for session in list(self._sessions):
            session.disconnect(SHUTDOWN)
        gevent.sleep(0)
        self.core.stop()
        self._stopped.set()

    def _serve(self, sock: socket.socket, _address: object) -> None:
        if self._down or len(self._sessions) >= CONNECTIONS_LIMIT:
            sock.close()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.core.faults.reject_connections > 0:
            self.core.faults.reject_connections -= 1
            sock.sendall(f"Content-Type: text/rude-rejection\nContent-Length: {len(REJECTION)}\n\n{REJECTION}".encode())
            sock.close()
            return
        session = Session(self.core, sock, self._password)
        self._sessions.add(session)
        self.core.listeners.append(session)
        try:
            session.run()
        finally:
            self._sessions.discard(session)
            self.core.listeners.remove(session)

    def _drop(self, kind: str, asking: object) -> int:
        """Cut every connection but the one that asked. Returns how many."""
        dropped = [session for session in self._sessions if session is not asking and session.running]
        for session in dropped:
            if kind == "notice":
                session.disconnect(GOODBYE)
            else:
                session.cut(kind)
        return len(dropped)

    def _restart(self, notice: bool, down_seconds: float) -> None:
        for session in list(self._sessions):
            if notice:
                session.disconnect(SHUTDOWN)
            else:
                session.cut("silent")
        self.core.restart()
        if down_seconds > 0:
            self._down = True
            self.core.scheduler.call_later(down_seconds * 1000, self._come_up)

    def _come_up(self) -> None:
        self._down = False
