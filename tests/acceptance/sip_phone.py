"""A telephone of a few lines of SIP: what baresip can't do. It answers when it is told to (NOTIFY, event "talk"), or obeys Call-Info's
answer-after, or answers at once like somebody behind a trunk; and it keeps the INVITEs it was sent, for who wants to see them.

It says and hears nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Literal, Self

IP = "127.0.0.1"
REGISTER_SECONDS = 5.0


@dataclass
class Message:
    """A request or a response; header names in lower case, the first of each but for Via, which is kept whole."""

    first_line: str
    headers: dict[str, str]
    vias: list[str]

    @property
    def method(self) -> str:
        return self.first_line.partition(" ")[0]


def _parse(data: bytes) -> Message:
    head = data.decode("utf-8", "replace").partition("\r\n\r\n")[0].split("\r\n")
    headers: dict[str, str] = {}
    vias = []
    for line in head[1:]:
        name, _, value = line.partition(":")
        name = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "o": "event"}.get(name.lower(), name.lower())
        if name == "via":
            vias.append(value.strip())
        headers.setdefault(name, value.strip())
    return Message(head[0], headers, vias)


@dataclass
class SipPhone:
    """``answers``: at once, when told by an event, or when the INVITE says so. ``invites``, ``events``: what it was sent."""

    answers: Literal["at_once", "event", "call_info"] = "at_once"
    name: str = "Telling Phone 1.0"
    invites: list[Message] = field(default_factory=list)
    events: list[Message] = field(default_factory=list)
    talking: bool = False

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((IP, 0))
        self._sound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sound.bind((IP, 0))
        self.port = self._socket.getsockname()[1]
        self._tag = secrets.token_hex(4)
        self._replies: list[Message] = []
        self._answered: set[str] = set()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def register(self, extension: str, password: str, switch_port: int, domain: str = "ivr.local") -> None:
        """With the switch's directory. Raises AssertionError when it refuses."""
        call_id, uri = secrets.token_hex(8), f"sip:{domain}"
        authorization = ""
        for sequence in (1, 2):
            lines = [
                f"REGISTER {uri} SIP/2.0", f"Via: SIP/2.0/UDP {IP}:{self.port};branch=z9hG4bK{secrets.token_hex(6)};rport",
                f"From: <sip:{extension}@{domain}>;tag={self._tag}", f"To: <sip:{extension}@{domain}>", f"Call-ID: {call_id}",
                f"CSeq: {sequence} REGISTER", f"Contact: <sip:{extension}@{IP}:{self.port}>", "Expires: 600", "Max-Forwards: 70",
                f"User-Agent: {self.name}", *([authorization] if authorization else []), "Content-Length: 0",
            ]  # fmt: skip
            reply = self._ask(lines, (IP, switch_port), call_id)
            if " 200 " in reply.first_line:
                return
            asked = dict(re.findall(r'(\w+)="?([^",]+)"?', reply.headers.get("www-authenticate", "")))
            assert asked, reply.first_line
            digest = self._digest(extension, password, asked, uri)
            authorization = (
                f'Authorization: Digest username="{extension}", realm="{asked["realm"]}", nonce="{asked["nonce"]}", uri="{uri}",'
                f' response="{digest}", algorithm=MD5, qop=auth, nc=00000001, cnonce="b4"'
            )
        raise AssertionError(f"not registered: {reply.first_line}")

    def close(self) -> None:
        self._socket.close()
        self._sound.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @staticmethod
    def _digest(user: str, password: str, asked: dict[str, str], uri: str) -> str:
        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        secret, wanted = md5(f"{user}:{asked['realm']}:{password}"), md5(f"REGISTER:{uri}")
        return md5(f"{secret}:{asked['nonce']}:00000001:b4:auth:{wanted}")

    def _ask(self, lines: list[str], address: tuple[str, int], call_id: str) -> Message:
        self._replies.clear()
        self._socket.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), address)
        until = time.monotonic() + REGISTER_SECONDS
        while time.monotonic() < until:
            for reply in list(self._replies):
                if reply.headers.get("call-id") == call_id and not reply.first_line.startswith("SIP/2.0 1"):
                    return reply
            time.sleep(0.01)
        raise AssertionError("the switch does not answer")

    # -- what it is sent

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                data, address = self._socket.recvfrom(65535)
                if data.strip():
                    self._on_message(_parse(data), address)

    def _on_message(self, message: Message, address: tuple[str, int]) -> None:
        match message.method:
            case "SIP/2.0":
                self._replies.append(message)
            case "INVITE":
                self._on_invite(message, address)
            case "NOTIFY":
                self._reply(message, "200 OK", address)
                self.events.append(message)
                if self.answers == "event" and message.headers.get("event") == "talk" and self.invites:
                    self._pick_up(self.invites[-1], address)
            case "CANCEL":
                self._reply(message, "200 OK", address)
                self._reply(self.invites[-1], "487 Request Terminated", address)
            case "BYE":
                self.talking = False
                self._reply(message, "200 OK", address)
            case "ACK":
                pass
            case _:
                self._reply(message, "200 OK", address)

    def _on_invite(self, invite: Message, address: tuple[str, int]) -> None:
        if invite.headers["call-id"] in {each.headers["call-id"] for each in self.invites}:
            return  # the switch has not seen the answer yet, or asks anew: neither matters here
        self.invites.append(invite)
        self._reply(invite, "180 Ringing", address)
        told = "answer-after=0" in invite.headers.get("call-info", "")
        if self.answers == "at_once" or (self.answers == "call_info" and told):
            self._pick_up(invite, address)

    def _pick_up(self, invite: Message, address: tuple[str, int]) -> None:
        if invite.headers["call-id"] not in self._answered:
            self._answered.add(invite.headers["call-id"])
            sdp = f"v=0\r\no=- 1 1 IN IP4 {IP}\r\ns=-\r\nc=IN IP4 {IP}\r\nt=0 0\r\nm=audio {self._sound.getsockname()[1]} RTP/AVP 8\r\n"
            self.talking = True
            self._reply(invite, "200 OK", address, sdp)

    def _reply(self, request: Message, status: str, address: tuple[str, int], sdp: str = "") -> None:
        to = request.headers["to"]
        lines = [
            f"SIP/2.0 {status}", *(f"Via: {via}" for via in request.vias), f"From: {request.headers['from']}",
            f"To: {to if 'tag=' in to else f'{to};tag={self._tag}'}", f"Call-ID: {request.headers['call-id']}",
            f"CSeq: {request.headers['cseq']}", f"Contact: <sip:phone@{IP}:{self.port}>", f"User-Agent: {self.name}",
            "Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, OPTIONS", "Allow-Events: talk, hold",
            *(["Content-Type: application/sdp"] if sdp else []), f"Content-Length: {len(sdp)}",
        ]  # fmt: skip
        self._socket.sendto(("\r\n".join(lines) + "\r\n\r\n" + sdp).encode(), address)
