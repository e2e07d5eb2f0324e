"""A registered telephone: baresip, headless, told by its control socket what to do with a call.

What it hears is recorded (``heard``); what it says is a WAV, or a steady tone. It hangs up by itself when the WAV has ended.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import audio

IP = "127.0.0.1"
MODULES = Path("/usr/lib/baresip/modules")
RING_TONE_HZ = 1100  # what a phone says that was given nothing to say
SPEECH_SECONDS = 60.0
START_SECONDS = 10.0
ANSWER_SECONDS = 15.0
KEY_SECONDS = 0.25  # from one key to the next
BEHAVIOURS = ("answer", "no_answer", "reject")

_CONFIG = """sip_listen {ip}:{sip_port}
net_interface {ip}
rtp_ports {rtp_first}-{rtp_last}
audio_player aubridge,heard
audio_source aufile,{speech}
audio_alert aubridge,alert
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module ctrl_tcp.so
module_app account.so
module_app menu.so
ctrl_tcp_listen {ip}:{control_port}
snd_path {work}
"""


@dataclass
class BaresipPhone:
    """``after_seconds`` until it answers or refuses; ``talk_seconds`` from its answer until it hangs up, None for when its speech ends."""

    work: Path
    switch_port: int
    extension: str
    password: str
    ports: tuple[int, int, int]  # SIP (and TLS on the next one), control, first of 20 for RTP
    domain: str = "ivr.local"
    behaviour: str = "answer"
    after_seconds: float = 0.5
    talk_seconds: float | None = None
    speaks: Path | None = None
    pretends: str = ""  # another extension in its From header; such a phone does not register
    events: list[dict[str, Any]] = field(default_factory=list, init=False)

    def start(self) -> BaresipPhone:
        """Start and register. Raises AssertionError when the switch refuses."""
        if self.behaviour not in BEHAVIOURS:
            raise ValueError(f"a phone can {', '.join(BEHAVIOURS)}, not {self.behaviour!r}")
        self.work.mkdir(parents=True, exist_ok=True)
        sip_port, control_port, rtp_first = self.ports
        # aufile takes 16-bit WAV at the call's own rate only, and its end ends the call.
        said = audio.read(self.speaks) if self.speaks else audio.tone(RING_TONE_HZ, SPEECH_SECONDS)
        speech = audio.write(self.work / "speech.wav", said)
        (self.work / "config").write_text(
            _CONFIG.format(
                ip=IP, sip_port=sip_port, control_port=control_port, rtp_first=rtp_first, rtp_last=rtp_first + 20,
                speech=speech, modules=MODULES, work=self.work,
            )
        )
        (self.work / "accounts").write_text(
            f"<sip:{self.pretends or self.extension}@{self.domain}>;auth_user={self.extension};auth_pass={self.password};"
            f'outbound="sip:{IP}:{self.switch_port};transport=udp";answermode=manual;'
            f"regint={0 if self.pretends else 60};audio_codecs=PCMA/8000\n"
        )
        (self.work / "contacts").write_text("")
        with open(self.work / "output.txt", "wb") as output:
            self._process = subprocess.Popen(
                ["baresip", "-4", "-f", str(self.work)], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        self._control = self._connect(control_port)
        threading.Thread(target=self._listen, daemon=True).start()
        if self.pretends:
            self._wait(lambda: "baresip is ready" in self.output(), START_SECONDS, "did not start")
            return self
        self._wait(lambda: "200 OK" in self.output() or "Forbidden" in self.output(), START_SECONDS, "did not register")
        assert "200 OK" in self.output(), f"phone {self.extension} did not register: {self.output()[-2000:]}"
        return self

    def output(self) -> str:
        return (self.work / "output.txt").read_text("utf-8", "replace")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def calls(self, *kinds: str) -> set[str]:
        """Ids of the calls that are up and had an event of one of these kinds."""
        closed = {event.get("id") for event in self.events if event.get("type") == "CALL_CLOSED"}
        return {event.get("id", "") for event in self.events if event.get("type") in kinds} - closed

    def had(self, kind: str) -> bool:
        """Whether an event happened, e.g. CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED."""
        return any(event.get("type") == kind for event in self.events)

    def _answers(self) -> int:
        """How often the switch has agreed to what the phone proposed."""
        return sum(event.get("type") == "CALL_REMOTE_SDP" and event.get("param") == "answer" for event in self.events)

    def wait_event(self, kind: str, timeout: float = 15.0) -> None:
        self._wait(lambda: self.had(kind), timeout, f"had no {kind}")

    def heard(self) -> np.ndarray:
        """What it heard in its calls, one after the other; complete once the call is over."""
        files = sorted(self.work.glob("dump-*-dec.wav"))
        return np.concatenate([audio.read(path) for path in files]) if files else np.zeros(0)

    def dial(self, number: str) -> None:
        self._command("dial", f"sip:{number}@{self.domain}")

    def choose(self, call: str) -> None:
        """Of several calls, the one with which the next command is about."""
        self._command("callfind", call)

    def hang_up(self) -> None:
        self._command("hangup")

    def press(self, keys: str) -> None:
        for key in keys:
            self._command("sndcode", key)
            time.sleep(KEY_SECONDS)

    def speak(self, path: Path | str) -> None:
        """Say a WAV from now on, then nothing."""
        said = np.concatenate((audio.read(path), np.zeros(int(SPEECH_SECONDS * audio.RATE))))
        self._command("ausrc", f"aufile,{audio.write(self.work / f'said-{Path(path).stem}.wav', said)}")

    def hold(self, on: bool) -> None:
        """The phone's own hold key; done when the switch has agreed, before which the phone would pass over the next one."""
        before = self._answers()
        self._command("hold" if on else "resume")
        self._wait(lambda: self._answers() > before, ANSWER_SECONDS, "was not answered when it used its hold key")

    def transfer(self, number: str, replaces: str = "") -> None:
        """The phone's own transfer key (SIP REFER): blind, or attended where ``replaces`` is the Call-ID of its other call."""
        self._command("transfer", f"sip:{number}@{self.domain}" + (f"?Replaces={replaces}" if replaces else ""))

    def stop(self) -> None:
        """Unregister and end."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._control.close()

    def _connect(self, port: int) -> socket.socket:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                return socket.create_connection((IP, port), 2)
            except OSError:
                assert time.monotonic() < until and self._process.poll() is None, f"baresip did not start: {self.output()[-2000:]}"
                time.sleep(0.05)

    def _listen(self) -> None:
        data = b""
        self._control.settimeout(None)
        with contextlib.suppress(OSError, ValueError):
            while more := self._control.recv(4096):
                data += more
                while b":" in data:  # netstrings: length, colon, JSON, comma
                    length, _, rest = data.partition(b":")
                    if len(rest) <= int(length):
                        break
                    self._on_message(json.loads(rest[: int(length)]))
                    data = rest[int(length) + 1 :]

    def _on_message(self, message: dict[str, Any]) -> None:
        if not message.get("event"):
            return
        self.events.append(message)
        if message.get("type") == "CALL_INCOMING" and self.behaviour != "no_answer":
            self._later(self.after_seconds, "accept" if self.behaviour == "answer" else "hangup", message.get("id", ""))
        elif message.get("type") == "CALL_ESTABLISHED" and self.talk_seconds is not None:
            self._later(self.talk_seconds, "hangup", message.get("id", ""))

    def _later(self, seconds: float, command: str, call: str) -> None:
        """Unless that call is over by then: the next one must not be refused in its place."""

        def do() -> None:
            if call in self.calls("CALL_INCOMING", "CALL_OUTGOING", "CALL_ESTABLISHED"):
                self._command(command)

        timer = threading.Timer(seconds, do)
        timer.daemon = True
        timer.start()

    def _command(self, command: str, argument: str = "") -> None:
        text = json.dumps({"command": command, "params": argument, "token": command}).encode()
        with contextlib.suppress(OSError):  # the phone was stopped meanwhile
            self._control.sendall(b"%d:%s," % (len(text), text))

    def _wait(self, done: Any, timeout: float, complaint: str) -> None:
        until = time.monotonic() + timeout
        while not done():
            assert time.monotonic() < until, f"phone {self.extension} {complaint} within {timeout:g} s: {self.output()[-2000:]}"
            time.sleep(0.02)
