"""An agent's telephone for a bench: registers, notes when an INVITE arrives, answers, and hangs up a moment later.

As little between the wire and the clock as Python allows: one UDP socket, one thread, no speech.
"""

from __future__ import annotations

import hashlib
import queue
import re
import secrets
import socket
import threading
import time

IP = "127.0.0.1"
REGISTER_SECONDS = 10.0
TALK_SECONDS = 0.8  # long enough to be connected
_SDP = "v=0\r\no=agent 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"


class SipAgent:
    """``invites`` gets the time (seconds since 1970) at which each INVITE arrived."""

    def __init__(self, extension: str, domain: str, password: str, switch_port: int) -> None:
        self.invites: queue.Queue[float] = queue.Queue()
        self._extension, self._domain, self._password = extension, domain, password
        self._switch = (IP, switch_port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((IP, 0))
        self._speech = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # where the switch's speech goes, unread
        self._speech.bind((IP, 0))
        self._port = self._socket.getsockname()[1]
        self._registered = threading.Event()
        self._register_id = secrets.token_hex(8)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> SipAgent:
        """Register. Raises RuntimeError where the switch does not let it."""
        self._thread.start()
        self._send(self._register(1))
        if not self._registered.wait(REGISTER_SECONDS):
            raise RuntimeError("the agent's phone could not register")
        return self

    def stop(self) -> None:
        self._socket.close()
        self._speech.close()

    def _send(self, text: str) -> None:
        try:
            self._socket.sendto(text.encode(), self._switch)
        except OSError:
            return  # stopped

    def _serve(self) -> None:
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                return
            arrived = time.time()
            text = data.decode("utf-8", "replace")
            word = text.split(" ", 1)[0]
            if word == "INVITE" and "tag=" not in _header(text, "To"):
                self.invites.put(arrived)
                self._send(_reply(text, "180 Ringing", self._port, self._tag(text)))
                self._send(_reply(text, "200 OK", self._port, self._tag(text), _SDP.format(ip=IP, port=self._speech.getsockname()[1])))
            elif word == "ACK":
                threading.Timer(TALK_SECONDS, self._send, [self._bye(text)]).start()
            elif word == "SIP/2.0":
                self._on_reply(text)
            else:
                self._send(_reply(text, "200 OK", self._port, self._tag(text)))

    def _tag(self, text: str) -> str:
        return hashlib.md5(_header(text, "Call-ID").encode(), usedforsecurity=False).hexdigest()[:10]

    def _on_reply(self, text: str) -> None:
        if "REGISTER" not in _header(text, "CSeq"):
            return
        if text.startswith("SIP/2.0 401"):
            challenge = dict(re.findall(r'(\w+)="?([^",]+)"?', _header(text, "WWW-Authenticate")))
            self._send(self._register(2, challenge))
        elif text.startswith("SIP/2.0 200"):
            self._registered.set()

    def _register(self, sequence: int, challenge: dict[str, str] | None = None) -> str:
        uri = f"sip:{self._domain}"
        lines = [
            f"REGISTER {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {IP}:{self._port};branch=z9hG4bK{secrets.token_hex(8)}",
            f"From: <sip:{self._extension}@{self._domain}>;tag=bench",
            f"To: <sip:{self._extension}@{self._domain}>",
            f"Call-ID: {self._register_id}",
            f"CSeq: {sequence} REGISTER",
            f"Contact: <sip:{self._extension}@{IP}:{self._port}>",
            "Max-Forwards: 70",
            "Expires: 3600",
        ]
        if challenge is not None:
            lines.append(f"Authorization: Digest {self._answer(challenge, uri)}")
        return "\r\n".join([*lines, "Content-Length: 0", "", ""])

    def _answer(self, challenge: dict[str, str], uri: str) -> str:
        def digest(*parts: str) -> str:
            return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()

        nonce, realm, cnonce = challenge["nonce"], challenge["realm"], secrets.token_hex(4)
        secret, method = digest(self._extension, realm, self._password), digest("REGISTER", uri)
        response = digest(secret, nonce, "00000001", cnonce, "auth", method)
        return (
            f'username="{self._extension}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{response}",'
            f' algorithm=MD5, qop=auth, nc=00000001, cnonce="{cnonce}"'
        )

    def _bye(self, ack: str) -> str:
        contact = ack.split(" ", 2)[1]  # ours; the switch's own address is where everything goes
        return "\r\n".join([
            f"BYE sip:{self._switch[0]}:{self._switch[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {IP}:{self._port};branch=z9hG4bK{secrets.token_hex(8)}",
            f"From: {_header(ack, 'To')}",
            f"To: {_header(ack, 'From')}",
            f"Call-ID: {_header(ack, 'Call-ID')}",
            "CSeq: 1 BYE",
            f"Contact: <{contact}>",
            "Max-Forwards: 70",
            "Content-Length: 0",
            "",
            "",
        ])  # fmt: skip


def _header(text: str, name: str) -> str:
    match = re.search(rf"^{name}: *(.*?)\r?$", text, re.MULTILINE | re.IGNORECASE)
    return match[1] if match else ""


def _reply(request: str, status: str, port: int, tag: str, body: str = "") -> str:
    to = _header(request, "To")
    lines = [
        f"SIP/2.0 {status}",
        *(f"Via: {via}" for via in re.findall(r"^Via: *(.*?)\r?$", request, re.MULTILINE | re.IGNORECASE)),
        f"From: {_header(request, 'From')}",
        f"To: {to if 'tag=' in to else f'{to};tag={tag}'}",
        f"Call-ID: {_header(request, 'Call-ID')}",
        f"CSeq: {_header(request, 'CSeq')}",
        f"Contact: <sip:agent@{IP}:{port}>",
    ]
    if body:
        lines.append("Content-Type: application/sdp")
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])
