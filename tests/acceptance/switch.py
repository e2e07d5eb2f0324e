"""A FreeSWITCH of our own, started from exactly what ``ivrengine fs render`` writes, on loopback, in a directory of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from click.testing import CliRunner

from ivrengine.cli.fs import fs
from ivrengine.config import load_settings

IP = "127.0.0.1"
START_SECONDS = 30.0
CERTIFICATES = Path(tempfile.gettempdir()) / f"ivrengine-acceptance-certificates-{os.getuid()}"
RTP_PORTS = 400  # of one switch and its phones
PORTS = 64  # of one process, for everything else
FIRST_PORT = 8192
FIRST_RTP_PORT, LAST_RTP_PORT = 16384, 32767  # below the system's range for passing ports, so that no other socket takes one
PHONES_RTP_PORTS = 176  # the last of them: a port that a phone has can't be bound by the switch, which ends a call


def find_freeswitch() -> Path | None:
    """IVRENGINE_FREESWITCH if set, else the usual place, else the PATH."""
    given = os.environ.get("IVRENGINE_FREESWITCH")
    candidates = [given] if given else ["/usr/local/freeswitch/bin/freeswitch", shutil.which("freeswitch")]
    return next((Path(path) for path in candidates if path and os.access(path, os.X_OK)), None)


def why_not() -> str | None:
    """Why the acceptance tests can't run here, or None."""
    if find_freeswitch() is None:
        return "no FreeSWITCH: set IVRENGINE_FREESWITCH to its binary, or install it in /usr/local/freeswitch"
    missing = [name for name in ("sipp", "baresip") if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)} (Debian: apt-get install sip-tester baresip-core)" if missing else None


class Ports:
    """PORTS ports that no other test process has, given out one after the other.

    Not from the system's range for passing ports: between asking it for a free one and the start of the program that is to have it,
    any connection on a busy machine may get that port.
    """

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []
        self._owner = 0
        self._first = self._given = 0

    def free(self) -> int:
        """A port that nothing uses now, for TCP and for UDP."""
        if not self._claims or self._owner != os.getpid():
            self._first, self._claims = claim_ports("ports", FIRST_PORT, FIRST_RTP_PORT - 1, PORTS)
            self._owner, self._given = os.getpid(), 0
        for _ in range(PORTS):
            port = self._first + self._given % PORTS
            self._given += 1
            with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                try:
                    tcp.bind((IP, port))
                    udp.bind((IP, port))
                except OSError:
                    continue
                return port
        raise RuntimeError(f"none of the ports {self._first} to {self._first + PORTS - 1} is free")

    def free_pair(self) -> int:
        """Such a port whose next one is free too."""
        one, two = self.free(), self.free()
        while two != one + 1:
            one, two = two, self.free()
        return one


PORTS_OF_TESTS = Ports()
free_port, free_pair = PORTS_OF_TESTS.free, PORTS_OF_TESTS.free_pair


class EslClient:
    """A small event-socket client that shares no code with the product: the tests' own witness."""

    def __init__(self, port: int, password: str, timeout: float = 5.0) -> None:
        self._socket = socket.create_connection((IP, port), timeout)
        self._file = self._socket.makefile("rb")
        self._events: deque[dict[str, str]] = deque()
        self._read()
        if not self._command(f"auth {password}").get("Reply-Text", "").startswith("+OK"):
            raise PermissionError("the event socket refused the password")

    def api(self, command: str) -> str:
        return self._command(f"api {command}")["_body"].strip()

    def execute(self, uuid: str, application: str, argument: str = "") -> None:
        self._command(
            f"sendmsg {uuid}\ncall-command: execute\nexecute-app-name: {application}\nexecute-app-arg: {argument}\nevent-lock: true"
        )

    def subscribe(self, names: str) -> None:
        self._command(f"event plain {names}")

    def send_event(self, subclass: str) -> None:
        """Have the switch fire a CUSTOM event."""
        self._command(f"sendevent CUSTOM\nEvent-Subclass: {subclass}")

    def wait_event(self, wanted: Callable[[dict[str, str]], bool], timeout: float) -> dict[str, str]:
        """The next event that is ``wanted``; others are dropped. Raises TimeoutError."""
        until = time.monotonic() + timeout
        while True:
            while self._events:
                event = self._events.popleft()
                if wanted(event):
                    return event
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the event did not come")
            self._socket.settimeout(left)
            message = self._read()
            if message.get("Content-Type") == "text/event-plain":
                self._events.append(_event(message["_body"]))

    def close(self) -> None:
        self._socket.close()

    def _command(self, text: str) -> dict[str, str]:
        self._socket.settimeout(10)
        self._socket.sendall(text.encode() + b"\n\n")
        while True:
            message = self._read()
            if message.get("Content-Type") in ("command/reply", "api/response"):
                return message
            if message.get("Content-Type") == "text/event-plain":
                self._events.append(_event(message["_body"]))

    def _read(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        while line := self._file.readline().decode("utf-8", "replace"):
            if line == "\n":
                break
            name, _, value = line.rstrip("\n").partition(": ")
            headers[name] = value
        if not headers:
            raise ConnectionError("the event socket was closed")
        headers["_body"] = self._file.read(int(headers.get("Content-Length", 0))).decode("utf-8", "replace")
        return headers


def _event(body: str) -> dict[str, str]:
    lines = (line.partition(": ") for line in body.splitlines())
    return {name: unquote(value) for name, _, value in lines if name}


def claim_ports(kind: str, first: int, last: int, count: int, blocks: int = 1) -> tuple[int, list[socket.socket]]:
    """The first of ``blocks`` times ``count`` ports that no other test of this machine has, and what holds them until it is closed
    or forgotten.

    Two switches with the same RTP ports take them from each other, and a call that finds its port taken ends.
    """
    for port in range(first, last + 2 - count * blocks, count):
        claims = [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(blocks)]
        try:
            for block, claim in enumerate(claims):
                claim.bind(f"\0ivrengine-tests-{kind}-{port + block * count}")  # gone with the process, whatever becomes of it
            return port, claims
        except OSError:
            for claim in claims:
                claim.close()
    raise RuntimeError(f"all {kind} are claimed by other tests")


@dataclass
class FreeSwitch:
    """One FreeSWITCH. ``site`` gets an ivrengine.toml that leads to it; ``work`` holds its configuration, logs and databases."""

    site: Path
    work: Path
    numbers: Sequence[str] | None = None  # dialled numbers for the engine; the flows' own without it
    phones: Sequence[str] = ("8001", "8002", "8003")
    settings: str = ""  # further lines for ivrengine.toml
    rtp_ports: int = RTP_PORTS  # a multiple of it where more than a hundred calls are up at once
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.esl_port, self.phones_port, self.trunk_port = free_port(), free_port(), free_port()
        blocks = self.rtp_ports // RTP_PORTS
        self.first_rtp, self._claims = claim_ports("rtp", FIRST_RTP_PORT, LAST_RTP_PORT, RTP_PORTS, blocks)
        self.conf, self.logs = self.work / "conf", self.work / "log"

    @property
    def first_phone_rtp(self) -> int:
        return self.first_rtp + self.rtp_ports - PHONES_RTP_PORTS

    def serve(self, site: Path) -> None:
        """From now on a running switch is that site's: numbers, phones and directories are read anew."""
        self.site = site
        self.render()
        answer = self.api("reloadxml")
        if not answer.startswith("+OK"):
            raise RuntimeError(f"reloadxml: {answer}")

    def render(self) -> str:
        """Write ivrengine.toml and render the configuration with it. Returns what the command printed."""
        self.site.mkdir(parents=True, exist_ok=True)
        (self.site / "ivrengine.toml").write_text(
            f"[switch]\nport = {self.esl_port}\npassword_file = '{self.conf}/passwords/event-socket'\n"
            f"[freeswitch]\nphones_port = {self.phones_port}\ntrunk_port = {self.trunk_port}\n"
            f"rtp_first_port = {self.first_rtp}\nrtp_last_port = {self.first_phone_rtp - 2}\n"
            f"phones = [{', '.join(repr(phone) for phone in self.phones)}]\n{self.settings}"
        )
        arguments = ["render", "--out", str(self.conf)]
        if self.numbers is not None:
            arguments += ["--numbers", ",".join(self.numbers)]
        result = CliRunner().invoke(fs, arguments, obj=load_settings(self.site, {}))
        if result.exit_code != 0:
            raise RuntimeError(f"fs render: {result.output}")
        return result.output

    def start(self) -> FreeSwitch:
        binary = find_freeswitch()
        if binary is None:
            raise RuntimeError(why_not())
        command = [str(binary), "-nonat", "-nf", "-nc", "-conf", str(self.conf), "-log", str(self.logs)]
        for option in ("db", "run", "temp", "recordings", "storage", "cache", "htdocs", "scripts", "grammar", "sounds"):
            directory = self.work / option
            directory.mkdir(parents=True, exist_ok=True)
            command += [f"-{option}", str(directory)]
        # Without a certificate there, FreeSWITCH makes one at every start: 4 s of computing.
        CERTIFICATES.mkdir(mode=0o700, exist_ok=True)
        command += ["-certs", str(CERTIFICATES)]
        self.logs.mkdir(mode=0o700, exist_ok=True)
        with open(self.work / "output.txt", "wb") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError(f"FreeSWITCH ended with {self.process.returncode}:\n{self.log_tail()}")
            try:
                client = self.client()
            except OSError:
                time.sleep(0.1)
                continue
            try:
                if client.api("sofia status").count("RUNNING") >= 2:
                    return self
            finally:
                client.close()
            time.sleep(0.1)
        raise RuntimeError(f"FreeSWITCH was not ready after {START_SECONDS:.0f} s:\n{self.log_tail()}")

    @property
    def password(self) -> str:
        return (self.conf / "passwords/event-socket").read_text().strip()

    def phone_password(self, extension: str) -> str:
        return (self.conf / f"passwords/phone-{extension}").read_text().strip()

    def client(self) -> EslClient:
        """A new event-socket connection; the caller closes it."""
        return EslClient(self.esl_port, self.password)

    def api(self, command: str) -> str:
        client = self.client()
        try:
            return client.api(command)
        finally:
            client.close()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Kill it: an orderly end takes FreeSWITCH 5 s and leaves nothing that anybody wants."""
        if self.process is not None and self.running:
            self.process.kill()
            self.process.wait()

    def log_tail(self, lines: int = 40) -> str:
        text = ""
        for path in (self.work / "output.txt", self.logs / "freeswitch.log"):
            if path.exists():
                text += "\n".join(path.read_text("utf-8", "replace").splitlines()[-lines:]) + "\n"
        return text
