"""A caller: sipp sets the call up, sends INFO digits and hangs up; an RtpEnd speaks, presses RFC 2833 keys and listens.

Needs no root and no fixed ports. What the caller does is told live (``press``, ``speak``, ``hang_up``) or by a script, whose items are
those of the embedded switch's callers; see ``bench.py``.
"""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import audio, rtp
from .sipp_scenario import scenario

IP = "127.0.0.1"
INFO_GAP_SECONDS = 0.2
QUIET_SECONDS = 0.3  # a prompt has ended when nothing follows it for so long
LONGEST_CALL_SECONDS = 300
NOTE_SECONDS = 3.0
AGAIN_SECONDS = 1.0  # of what was searched already, looked at together with what comes
STEP_SECONDS = 120.0  # the longest that one item of a script may wait for the switch


@dataclass
class SippCall:
    """One call to ``port``. ``outcome`` is "" while it lasts, then ``left``, ``released`` (by the switch), ``refused`` or ``failed``.

    ``recording`` says whether the switch records this call now; only the script item ``until_recording`` asks.
    """

    work: Path
    port: int
    number: str
    caller: str = "13800138000"
    name: str = ""
    script: Sequence[Mapping[str, Any]] = ()
    dtmf: str = "rfc2833"
    give_up_seconds: float | None = None  # hang up so soon, before anyone answers
    recording: Callable[[], bool] | None = None
    status: int = field(default=0, init=False)  # 200 once answered, or a refusal's code
    script_error: str = field(default="", init=False)

    def start(self) -> SippCall:
        if self.dtmf not in ("rfc2833", "info"):
            raise ValueError(f"dtmf is rfc2833 or info, not {self.dtmf!r}")
        self.work.mkdir(parents=True, exist_ok=True)
        self._note = self.work / "note.txt"
        self._note.write_text("")
        self._rtp = rtp.RtpEnd(IP)
        self._answered = threading.Event()
        self._control: socket.socket | None = None
        self._header = b""
        text = scenario(
            self.number, self.caller, self.name, rtp_port=self._rtp.port, note=self._note, give_up_seconds=self.give_up_seconds
        )
        (self.work / "scenario.xml").write_bytes(text.encode("utf-8", "surrogateescape"))
        command = ["sipp", f"{IP}:{self.port}", "-sf", "scenario.xml", "-i", IP, "-m", "1", "-nostdin", "-trace_err", "-trace_msg"]
        command += ["-timeout", f"{LONGEST_CALL_SECONDS}s"]
        if self.give_up_seconds is None:
            listener = socket.create_server((IP, 0))
            command += ["-3pcc", f"{IP}:{listener.getsockname()[1]}"]
            threading.Thread(target=self._be_the_caller, args=(listener,), daemon=True).start()
        with open(self.work / "output.txt", "wb") as output:
            self._process = subprocess.Popen(
                command, cwd=self.work, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        return self

    # -- what the caller does; each returns when it is done

    def press(self, keys: str) -> None:
        for digit in keys:
            if self.dtmf == "rfc2833":
                self._rtp.say(rtp.key(digit)).wait(STEP_SECONDS)
            else:
                self._tell_sipp("press", digit)
                time.sleep(INFO_GAP_SECONDS)

    def speak(self, path: Path | str) -> None:
        self._rtp.say(rtp.speech(audio.read(path))).wait(STEP_SECONDS)

    def hang_up(self) -> None:
        """Hang up an answered call; harmless when it is over."""
        if self._process.poll() is None:
            self._tell_sipp("leave", "0")

    # -- what can be asked and waited for

    @property
    def over(self) -> bool:
        return self._process.poll() is not None

    @property
    def outcome(self) -> str:
        if not self.over:
            return ""
        self._rtp.close()
        until = time.monotonic() + NOTE_SECONDS
        while not (words := self._note.read_text().split()) and time.monotonic() < until:
            time.sleep(0.05)  # sipp has the note written by a shell of its own, which may end after sipp itself
        if words[:1] == ["refused"]:
            self.status = int(words[1])
        return words[0] if words else "failed"

    def wait_answered(self, timeout: float = 10.0) -> SippCall:
        self._until(lambda: self._answered.is_set() or self.over, timeout, "was not answered")
        assert self._answered.is_set(), f"{self.outcome} {self.status}: {self.errors()}"
        return self

    def wait_ended(self, timeout: float = 60.0) -> str:
        """Until the call is over. Returns the outcome. Raises AssertionError where the script went wrong."""
        self._until(lambda: self.over, timeout, "did not end")
        outcome = self.outcome
        assert not self.script_error, self.script_error
        return outcome

    def wait_heard(self, prompt: Path | str, timeout: float = 20.0, seconds: float = 1.5) -> float:
        """Until the first ``seconds`` of a WAV's speech were heard. Returns when, in seconds since the answer."""
        found: list[float] = []
        searched = 0  # samples in which it is not

        def check() -> bool:
            nonlocal searched
            heard = self.heard(searched)
            at = audio.heard_prompt(heard, prompt, seconds)
            if at is not None:
                found.append(searched / audio.RATE + at)
            searched = max(searched, searched + len(heard) - round((seconds + AGAIN_SECONDS) * audio.RATE))
            return bool(found)

        self._until(check, timeout, f"did not hear {Path(prompt).name}", pause=0.2)
        return found[0]

    def wait_prompt_ended(self, timeout: float = STEP_SECONDS) -> None:
        """Until the prompt that plays, or the next one, has ended and nothing followed it."""
        before = self._rtp.packets_heard
        playing = self._rtp.packets_heard > 0 and self._rtp.quiet_seconds < QUIET_SECONDS
        self._until(lambda: self.over or playing or self._rtp.packets_heard > before, timeout, "heard nothing")
        self._until(lambda: self.over or self._rtp.quiet_seconds >= QUIET_SECONDS, timeout, "heard no end of a prompt")

    @property
    def keys_heard(self) -> str:
        """What the far end keyed, as far as the switch let it through."""
        return "".join(self._rtp.keys_heard.values())

    def heard(self, first: int = 0) -> np.ndarray:
        """What the caller has heard since the answer, from that sample on: in -1..1 at 8000 Hz."""
        return self._rtp.heard(first)

    def errors(self) -> str:
        return "\n".join(path.read_text("utf-8", "replace") for path in sorted(self.work.glob("*_errors.log")))

    def stop(self) -> None:
        """For the end of a test: hang up if need be, and leave nothing running."""
        if self._process.poll() is None and self._answered.is_set():
            self.hang_up()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._rtp.close()

    # -- inside

    def _be_the_caller(self, listener: socket.socket) -> None:
        with listener:
            listener.settimeout(10)
            try:
                self._control, _ = listener.accept()
            except OSError:
                return  # sipp has ended: its own words say why
        self._control.settimeout(LONGEST_CALL_SECONDS)
        told = b""
        try:
            while b"\x1b" not in told:
                more = self._control.recv(4096)
                if not more:
                    return
                told += more
        except OSError:
            return
        port = re.search(rb"Answered: (\d+)", told)
        call_id = re.search(rb"Call-ID: [^\r\n]+", told)
        if port and call_id:
            self._header = call_id[0]
            self._rtp.talk((IP, int(port[1])))
            self.status = 200
            self._answered.set()
            self._follow_script()

    def _follow_script(self) -> None:
        try:
            for item in self.script:
                if self.over:
                    return
                self._do(item)
        except Exception as error:
            self.script_error = f"{self.number}: {error!r}"

    def _do(self, item: Mapping[str, Any]) -> None:
        name, argument = next(iter(item.items()))
        if name == "wait":
            time.sleep(float(argument))
        elif name == "press":
            self.press(argument)
        elif name == "press_after_prompt":
            self.wait_prompt_ended()
            self.press(argument)
        elif name == "after_prompt":
            self.wait_prompt_ended()
        elif name == "until_recording":
            assert self.recording, "nobody said how to ask the switch"
            self._until(lambda: self.over or self.recording(), STEP_SECONDS, "was not recorded", pause=0.1)
        elif name == "speak":
            self.speak(argument)
        elif name == "hangup":
            self.hang_up()
        else:
            raise ValueError(f"not an item of a script: {item!r}")

    def _tell_sipp(self, deed: str, key: str) -> None:
        assert self._control is not None and self._header, "the call is not answered"
        with contextlib.suppress(OSError):  # the switch may have ended the call a moment ago
            self._control.sendall(self._header + f"\r\nDo: {deed}\r\nKey: {key}\r\n\r\n".encode() + b"\x1b")

    def _until(self, done: Callable[[], bool], timeout: float, complaint: str, pause: float = 0.02) -> None:
        until = time.monotonic() + timeout
        while not done():
            assert time.monotonic() < until, f"the caller to {self.number} {complaint} within {timeout:g} s: {self.errors()}"
            time.sleep(pause)
