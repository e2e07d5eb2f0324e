"""A raw event socket client: bytes as they come, packets in their order. Knows nothing of the code under test."""

from __future__ import annotations

import json
import socket
import time
import urllib.parse
from dataclasses import dataclass, field

PASSWORD = "s3cret"


@dataclass
class Packet:
    headers: list[tuple[str, str]]
    body: bytes = b""
    event: dict[str, str] = field(default_factory=dict)
    event_body: str = ""

    def get(self, name: str) -> str | None:
        return next((value for header, value in self.headers if header == name), None)

    @property
    def kind(self) -> str:
        return self.get("Content-Type") or ""


def _headers(block: str) -> list[tuple[str, str]]:
    return [tuple(line.split(": ", 1)) for line in block.split("\n") if line]  # type: ignore[misc]


class Client:
    def __init__(self, port: int, login: bool = True) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.buffer = b""
        self.events: list[Packet] = []
        self.ended = False
        if login:
            assert self.read().kind == "auth/request"
            assert self.command(f"auth {PASSWORD}").get("Reply-Text") == "+OK accepted"

    def close(self) -> None:
        self.sock.close()

    def send(self, text: str | bytes) -> None:
        self.sock.sendall(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))

    def _more(self, deadline: float) -> bool:
        self.sock.settimeout(max(0.01, deadline - time.monotonic()))
        data = self.sock.recv(65536)
        self.buffer += data
        return bool(data)

    def read(self, timeout: float = 10.0) -> Packet:
        """The next packet. Raises EOFError at the end of the stream and TimeoutError."""
        deadline = time.monotonic() + timeout
        while b"\n\n" not in self.buffer:
            if not self._more(deadline):
                raise EOFError
        head, _, rest = self.buffer.partition(b"\n\n")
        packet = Packet(_headers(head.decode()))
        length = int(packet.get("Content-Length") or 0)
        while len(rest) < length:
            if not self._more(deadline):
                raise EOFError
            rest = self.buffer.partition(b"\n\n")[2]
        packet.body, self.buffer = rest[:length], rest[length:]
        if packet.kind == "text/event-plain":
            block, _, body = packet.body.decode("utf-8", "surrogateescape").partition("\n\n")
            packet.event = {name: urllib.parse.unquote(value, errors="surrogateescape") for name, value in _headers(block)}
            packet.event_body = body
        elif packet.kind == "text/event-json":
            packet.event = json.loads(packet.body)
            packet.event_body = packet.event.get("_body", "")
        return packet

    def command(self, text: str, timeout: float = 10.0) -> Packet:
        """Send a command and return its reply; events that come first are kept."""
        self.send(text + "\n\n")
        while True:
            packet = self.read(timeout)
            if packet.kind.startswith("text/event"):
                self.events.append(packet)
            else:
                return packet

    def reply(self, text: str) -> str:
        return self.command(text).get("Reply-Text") or ""

    def api(self, text: str, timeout: float = 10.0) -> str:
        packet = self.command(f"api {text}", timeout)
        assert packet.kind == "api/response"
        return packet.body.decode("utf-8", "surrogateescape")

    def execute(self, uuid: str, app: str, arg: str | None = None, token: str = "", lock: bool = True, **extra: str) -> str:
        lines = [f"sendmsg {uuid}", "call-command: execute", f"execute-app-name: {app}"]
        lines += [f"execute-app-arg: {arg}"] if arg is not None else []
        lines += ["event-lock: true"] if lock else []
        lines += [f"Event-UUID: {token}"] if token else []
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in extra.items()]
        return self.reply("\n".join(lines))

    def wait(self, name: str, uuid: str | None = None, timeout: float = 10.0, **wanted: str) -> dict[str, str]:
        """The first event not looked at yet that fits; the ones before it stay in ``seen``."""

        def fits(packet: Packet) -> bool:
            event = packet.event
            return (event.get("Event-Name") == name and uuid in (None, event.get("Unique-ID"))
                    and all(event.get(key.replace("_", "-")) == value for key, value in wanted.items()))

        deadline = time.monotonic() + timeout
        position = 0
        while True:
            while position < len(self.events):
                packet = self.events[position]
                if fits(packet) and not getattr(packet, "taken", False):
                    packet.taken = True  # type: ignore[attr-defined]
                    return {**packet.event, "_body": packet.event_body}
                position += 1
            self.events.append(self.read(deadline - time.monotonic()))

    def names(self, uuid: str, but: tuple[str, ...] = ("CHANNEL_STATE", "PRIVATE_COMMAND")) -> list[str]:
        """Names of the channel's events so far, in order, applications in brackets."""
        found = []
        for packet in self.events:
            event = packet.event
            if event.get("Unique-ID") == uuid and event["Event-Name"] not in but:
                short = event["Event-Name"].removeprefix("CHANNEL_")
                found.append(f"{short}({event['Application']})" if short.startswith("EXECUTE") else short)
        return found

    def call(self, number: str = "2000", **more: object) -> str:
        reply = self.api("sim call " + json.dumps({"number": number, **more}))
        assert reply.startswith("+OK "), reply
        return reply[4:].strip()

    def heard(self, uuid: str) -> list[dict]:
        return json.loads(self.api(f"sim heard {uuid}"))
