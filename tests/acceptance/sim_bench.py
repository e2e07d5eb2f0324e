"""The bench with the embedded switch: callers and phones are simulated, hearing is known instead of measured."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from .engine import EngineProcess
from .switch import EslClient, free_port
from .warm_start import STARTER, WarmProcess

START_SECONDS = 20.0
QUIET_SECONDS = 0.3
EXTENSIONS = tuple(str(number) for number in range(8001, 8010))  # those that answer unless told otherwise


class SimCall:
    """One simulated caller. ``outcome`` can't tell who hung up first where the script says hang up: it says ``left`` then."""

    def __init__(self, bench: SimBench, call_id: str, script: Sequence[Any]) -> None:
        self.call_id = call_id
        self._bench = bench
        self._leaves = any("hangup" in item for item in script)
        self._was_answered = False

    def wait_answered(self, timeout: float = 10.0) -> SimCall:
        self._until(self._answered, timeout, "was not answered")
        return self

    def wait_ended(self, timeout: float = 60.0) -> str:
        self._until(lambda: not self._up(), timeout, "did not end")
        return "left" if self._leaves else "released" if self._was_answered else "refused"

    def wait_heard(self, prompt: Path | str, timeout: float = 20.0) -> float:
        self._until(lambda: self.has_heard(prompt), timeout, f"did not hear {Path(prompt).name}")
        return next(row["at_ms"] for row in self.heard() if _same(row, prompt)) / 1000

    def wait_prompt_ended(self, timeout: float = 60.0) -> None:
        before = len(self.heard())
        playing = any(row["outcome"] == "playing" for row in self.heard())
        self._until(lambda: playing or len(self.heard()) > before or not self._up(), timeout, "heard nothing")
        quiet_since = time.monotonic()
        until = quiet_since + timeout
        while time.monotonic() - quiet_since < QUIET_SECONDS and self._up():
            if any(row["outcome"] == "playing" for row in self.heard()):
                quiet_since = time.monotonic()
            assert time.monotonic() < until, "the prompt did not end"
            time.sleep(0.02)

    def has_heard(self, prompt: Path | str) -> bool:
        return any(_same(row, prompt) for row in self.heard())

    def heard(self) -> list[dict[str, Any]]:
        """Rows of at_ms, path, played_ms, outcome; see the embedded switch's ``sim heard``."""
        rows: list[dict[str, Any]] = json.loads(self._bench.api(f"sim heard {self.call_id}"))
        return rows

    def press(self, keys: str) -> None:
        self._do(f"sim press {self.call_id} {keys}")

    def speak(self, path: Path | str) -> None:
        self._do(f"sim speak {self.call_id} {path}")

    def hang_up(self) -> None:
        self._leaves = True
        self._bench.api(f"sim hangup {self.call_id}")  # refused where the call is over: as harmless as a late BYE

    def _do(self, command: str) -> None:
        reply = self._bench.api(command)
        assert reply.startswith("+OK"), reply

    def _up(self) -> bool:
        if not self._was_answered:
            self._answered()
        return self._bench.api(f"uuid_exists {self.call_id}") == "true"

    def _answered(self) -> bool:
        state = self._bench.api(f"uuid_dump {self.call_id}")
        self._was_answered = self._was_answered or "Answer-State: answered" in state
        return self._was_answered

    def _until(self, done: Callable[[], bool], timeout: float, complaint: str) -> None:
        until = time.monotonic() + timeout
        while not done():
            assert time.monotonic() < until, f"the simulated caller {complaint} within {timeout:g} s; heard: {self.heard()}"
            time.sleep(0.02)


class SimPhone:
    def __init__(self, bench: SimBench, extension: str) -> None:
        self.extension = extension
        self._bench = bench
        self._seen: dict[str, None] = {}  # ids of calls it was seen to have

    def wait_ringing(self, timeout: float = 15.0) -> None:
        self._until(lambda: any(row["callstate"] == "RINGING" for row in self._calls()), timeout, "does not ring")

    def wait_talking(self, timeout: float = 15.0) -> None:
        self._until(lambda: any(row["callstate"] == "ACTIVE" for row in self._calls()), timeout, "does not talk")

    def wait_idle(self, timeout: float = 15.0) -> None:
        self._until(lambda: not self._calls(), timeout, "is not idle")

    def dial(self, number: str) -> None:
        self._do("dial " + json.dumps({"extension": self.extension, "number": number}))

    def press(self, keys: str) -> None:
        self._do(f"press {self._latest()} {keys}")

    def speak(self, path: Path | str) -> None:
        self._do(f"speak {self._latest()} {path}")

    def hold(self, on: bool) -> None:
        self._do(f"{'hold' if on else 'unhold'} {self._latest()}")

    def transfer(self, number: str) -> None:
        self._do(f"refer {self._latest()} {number}")

    def join(self) -> None:
        self._until(lambda: sum(row["callstate"] == "ACTIVE" for row in self._calls()) > 1, 15.0, "does not have two calls")
        first, second = (row["uuid"] for row in self._calls()[-2:])
        self._do(f"refer {second} with {first}")

    def join_ringing(self) -> None:
        self._until(lambda: self._calls()[-1]["callstate"] == "RINGING", 15.0, "heard no other phone ring")
        first, second = (row["uuid"] for row in self._calls()[-2:])
        self._do(f"refer {first} with {second}")

    def hang_up(self) -> None:
        self._do(f"hangup {self._latest()}")

    def has_heard(self, prompt: Path | str) -> bool:
        return any(_same(row, prompt) for uuid in self._seen for row in json.loads(self._bench.api(f"sim heard {uuid}")))

    def _latest(self) -> str:
        calls = self._calls()
        assert calls, f"phone {self.extension} has no call"
        return str(calls[-1]["uuid"])

    def _calls(self) -> list[dict[str, str]]:
        """Its calls that are up, the latest last."""
        rows = json.loads(self._bench.api("show channels as json")).get("rows", [])
        own = [row for row in rows if row["name"].startswith(f"sofia/phones/{self.extension}@")]
        self._seen.update(dict.fromkeys(row["uuid"] for row in own))
        return own

    def _do(self, deed: str) -> None:
        reply = self._bench.api(f"sim {deed}")
        assert reply.startswith("+OK"), reply
        self._calls()

    def _until(self, done: Callable[[], bool], timeout: float, complaint: str) -> None:
        until = time.monotonic() + timeout
        while not done():
            assert time.monotonic() < until, f"phone {self.extension} {complaint} within {timeout:g} s"
            time.sleep(0.02)


class SimBench:
    """``work`` gets everything. Numbers are those that the site's flows serve. ``speed``: simulated seconds per second."""

    name = "simswitch"

    def __init__(self, work: Path, settings: str = "", speed: float = 1.0) -> None:
        self.work = work
        self.site = work / "site"
        self.engine = EngineProcess(self.site, warm=True)
        self._settings = settings
        self._speed = speed
        self.switch_logs = [work / "simswitch.log"]
        self._port = free_port()
        self._password = secrets.token_urlsafe(16)
        self._process: WarmProcess | None = None
        self._client: EslClient | None = None

    def start(self) -> Self:
        self.site.mkdir(parents=True, exist_ok=True)
        (self.site / "ivrengine.toml").write_text(f"[switch]\nport = {self._port}\npassword = '{self._password}'\n{self._settings}")
        (log,) = self.switch_logs
        log.touch()
        self._process = STARTER.start(["--site", str(self.site), "simswitch", "--speed", f"{self._speed:g}"], os.environ, log)
        until = time.monotonic() + START_SECONDS
        while self._client is None:
            try:
                self._client = EslClient(self._port, self._password)
            except OSError:
                assert self._process.poll() is None and time.monotonic() < until, f"no embedded switch: {log.read_text()}"
                time.sleep(0.05)
        for extension in EXTENSIONS:
            self._set_phone({"extension": extension, "behaviour": "unregistered"})
        return self

    def stop(self) -> None:
        self.engine.kill()
        if self._client:
            self._client.close()
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @property
    def switch_pid(self) -> int:
        assert self._process is not None, "the bench is not started"
        return self._process.pid

    def client(self) -> EslClient:
        """Another line to the switch's event socket."""
        return EslClient(self._port, self._password)

    def api(self, command: str) -> str:
        assert self._client is not None, "the bench is not started"
        return self._client.api(command)

    def call(
        self, number: str, from_: str = "13800138000", name: str = "", script: Sequence[Any] = (), dtmf: str = "rfc2833",
    ) -> SimCall:  # fmt: skip
        items = [{key: str(value) if isinstance(value, Path) else value for key, value in item.items()} for item in script]
        request = {"number": number, "from": from_, "name": name, "script": items}
        reply = self.api(f"sim call {json.dumps(request)}")
        assert reply.startswith("+OK "), reply
        return SimCall(self, reply.split()[1], script)

    def phone(
        self, extension: str, behaviour: str = "answer", *, after_seconds: float = 0.5, talk_seconds: float | None = None,
    ) -> SimPhone:  # fmt: skip
        request: dict[str, Any] = {"extension": extension, "behaviour": behaviour, "after": after_seconds}
        if talk_seconds is not None:
            request["talk"] = talk_seconds
        self._set_phone(request)
        return SimPhone(self, extension)

    @property
    def unclaimed_messages(self) -> Path:
        return self.site / "data/voicemail/unclaimed"

    def _set_phone(self, request: dict[str, Any]) -> None:
        reply = self.api(f"sim phone {json.dumps(request)}")
        assert reply.startswith("+OK"), reply


def _same(row: dict[str, Any], prompt: Path | str) -> bool:
    return Path(row["path"]).resolve() == Path(prompt).resolve() and row["outcome"] != "missing"
