"""The other end of the line for these tests: a small scripted event-socket server on loopback that does as it is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from gevent.event import Event
from gevent.server import StreamServer
from gevent.socket import socket

PASSWORD = "a-good-password"
GREETING = b"Content-Type: auth/request\n\n"


def reply(text: str, *more: str) -> bytes:
    return "\n".join(["Content-Type: command/reply", f"Reply-Text: {text}", *more, "", ""]).encode()


def api(body: str | bytes) -> bytes:
    raw = body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body
    return b"Content-Type: api/response\nContent-Length: %d\n\n" % len(raw) + raw


def block(headers: dict[str, str], body: str = "") -> bytes:
    """An event's inside. Values as given: encode them where the test needs it."""
    text = "".join(f"{name}: {value}\n" for name, value in headers.items())
    if body:
        text += f"Content-Length: {len(body.encode())}\n"
    return (text + "\n" + body).encode("utf-8", "surrogateescape")


def event(name: str, call_id: str = "", body: str = "", shard: str = "ivr", **headers: str) -> bytes:
    """A framed event; ``Some_Header`` stands for ``Some-Header``, ``variable_`` names are kept."""
    inside: dict[str, str] = {"Event-Name": name}
    if call_id:
        inside |= {"Unique-ID": call_id, "Channel-Presence-Data": shard}
    inside |= {key if key.startswith("variable_") else key.replace("_", "-"): value for key, value in headers.items()}
    return frame(block(inside, body))


def frame(inside: bytes) -> bytes:
    return b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(inside) + inside


class Session:
    def __init__(self, sock: socket) -> None:
        self.sock = sock
        self.commands: list[str] = []
        self.subscribed = Event()
        self.closed = Event()

    def send(self, raw: bytes) -> None:
        self.sock.sendall(raw)

    def drop(self) -> None:
        """An end without notice, as when the process dies."""
        self.sock.shutdown(2)
        self.sock.close()


class Peer:
    """``script(session, command) -> bytes | None`` may answer a command itself; b"" means: say nothing."""

    def __init__(self, script: Callable[[Session, str], bytes | None] | None = None, greeting: bytes = GREETING) -> None:
        self.script = script
        self.greeting = greeting
        self.core_uuid = "core-1"
        self.dumps: dict[str, bytes] = {}
        self.unlisted: set[str] = set()  # there, and not yet in the list of channels
        self.sessions: list[Session] = []
        self.arrived = Event()
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()

    @property
    def port(self) -> int:
        return self._server.server_port

    def close(self) -> None:
        self._server.stop(timeout=1)
        for session in self.sessions:
            session.sock.close()

    def events(self) -> Session:
        """The latest session that subscribed."""
        return [session for session in self.sessions if session.subscribed.is_set()][-1]

    def said(self) -> list[str]:
        return [command for session in self.sessions for command in session.commands]

    def _serve(self, sock: socket, _address: tuple[str, int]) -> None:
        session = Session(sock)
        self.sessions.append(session)
        try:
            session.send(self.greeting)
            held = b""
            while data := sock.recv(65536):
                held += data
                while b"\n\n" in held:
                    raw, held = held.lstrip(b"\n").split(b"\n\n", 1)
                    length = re.search(rb"\ncontent-type: text/plain\ncontent-length: (\d+)", raw)
                    if length is not None:  # which stands for the argument
                        size = int(length[1])
                        while len(held) < size:
                            held += sock.recv(65536)
                        raw, held = raw.replace(length[0], b"\nexecute-app-arg: " + held[:size]), held[size:].lstrip(b"\n")
                    self._command(session, raw.decode("utf-8", "surrogateescape"))
        except OSError:
            pass  # the client, or the test, closed it
        finally:
            session.closed.set()

    def _command(self, session: Session, command: str) -> None:
        session.commands.append(command)
        self.arrived.set()
        answer = self.script(session, command) if self.script else None
        session.send(self._usual(session, command) if answer is None else answer)

    def _usual(self, session: Session, command: str) -> bytes:
        if command.startswith("auth "):
            return reply("+OK accepted") if command == f"auth {PASSWORD}" else reply("-ERR invalid")
        if command.startswith("event "):
            session.subscribed.set()
            return reply("+OK event listener enabled plain")
        if command == "api global_getvar core_uuid":
            return api(self.core_uuid)
        if command == "api show channels as json":
            rows = [
                {"uuid": call_id, "presence_data": "ivr-leg" if b"Channel-Presence-Data: ivr-leg" in raw else "ivr"}
                for call_id, raw in self.dumps.items()
                if call_id not in self.unlisted
            ]
            return api(json.dumps({"row_count": len(rows), "rows": rows} if rows else {"row_count": 0}))
        if command.startswith("api uuid_dump "):
            return api(self.dumps.get(command.split()[-1], b"-ERR No such channel!\n"))
        if command.startswith("api sched_del "):
            return api("+OK Deleted: 1\n")
        if command.startswith("api "):
            return api("+OK\n")
        if command.startswith("bgapi "):
            job = command.split("Job-UUID: ")[1]
            return reply(f"+OK Job-UUID: {job}", f"Job-UUID: {job}")
        return reply("+OK")
