"""An engine and the embedded switch in one process, on a site of its own with prompts of a tenth of a second."""

from __future__ import annotations

import json
import math
import struct
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from ivrengine.app import Engine
from ivrengine.config import load_settings
from ivrengine.simswitch.server import SimSwitch
from ivrengine.storage.calls import Call

PASSWORD = "only-for-tests"
WAIT_SECONDS = 20.0

FLOW = """
flow: line
languages: [zh-CN]
numbers: ["100"]
start: greet
fallback: sorry
on_hangup: count_end
steps:
  greet: {play: {prompt: [welcome], next: screen}}
  screen: {blacklist: {blocked: refuse, allowed: main}}
  refuse: {hangup: {cause: rejected}}
  main:
    menu:
      prompt: [main]
      choices:
        1: {label: Information, go: info}
        2: {label: Message, go: message}
        3: {label: Person, go: person}
        4: {label: Broken, go: broken}
        9: {label: Goodbye, go: bye}
      no_input: bye
      no_match: bye
      first_digit: 30s
  info: {play: {prompt: [long], next: main}}
  message: {voicemail: {box: office, prompt: [leave], saved: [thanks], next: bye}}
  person: {dial_extension: {extension: "8001", answered: bye, failed: main}}
  broken: {branch: {cases: [{when: "caller == 1", go: bye}], otherwise: bye}}
  sorry: {hangup: {prompt: [sorry]}}
  bye: {hangup: {prompt: [bye]}}
  count_end: {counter: {counter: ended, next: gone}}
  gone: {hangup: }
"""
PROMPTS = {"welcome": 0.1, "main": 0.2, "long": 3.0, "leave": 0.1, "thanks": 0.1, "sorry": 0.1, "bye": 0.1}


def write_tone(path: Path, seconds: float, hertz: float = 440.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = (int(9000 * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(int(seconds * 8000)))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return path


def eventually(check: Callable[[], Any], what: str = "it") -> Any:
    """What ``check`` gives as soon as it is true; fails legibly when that does not come."""
    with gevent.Timeout(WAIT_SECONDS, TimeoutError(f"{what} did not happen within {WAIT_SECONDS:g} s")):
        while not (result := check()):
            gevent.sleep(0.02)
    return result


def make_site(directory: Path, flow: str = FLOW) -> Path:
    (directory / "flows").mkdir(parents=True)
    (directory / "flows" / "line.yml").write_text(flow, encoding="utf-8")
    for name, seconds in PROMPTS.items():
        write_tone(directory / "prompts" / "zh-CN" / f"{name}.wav", seconds)
    (directory / "ivrengine.toml").write_text('[engine]\nlanguages = ["zh-CN"]\n', encoding="utf-8")
    return directory


class House:
    """A switch and, while ``engine`` is not None, an engine on it."""

    def __init__(self, site: Path) -> None:
        self.site = site
        (site / "unclaimed").mkdir()
        self.switch = SimSwitch(
            "127.0.0.1",
            0,
            PASSWORD,
            sounds_dir=site / "prompts" / "zh-CN",
            recordings_dir=site / "unclaimed",
            numbers=["100", "7*"],
        )
        self.switch.start()
        self.engine: Engine | None = None

    def start_engine(self, **overrides: Any) -> Engine:
        environment = {"IVRENGINE_SWITCH_PORT": str(self.switch.port), "IVRENGINE_SWITCH_PASSWORD": PASSWORD}
        settings = load_settings(self.site, environment)
        for name, value in overrides.items():
            setattr(settings.engine, name, value)
        engine = Engine(settings)
        engine.start()
        assert engine.switch.wait_connected(WAIT_SECONDS), engine.switch.last_error
        self.engine = engine
        return engine

    def sim(self, order: str, argument: Any = None) -> str:
        assert self.engine is not None
        text = order if argument is None else f"{order} {json.dumps(argument)}"
        return self.engine.switch.api(f"sim {text}").removeprefix("+OK").strip()

    def call(self, *script: dict[str, Any], number: str = "100", caller: str = "13800138000", name: str = "") -> str:
        return self.sim("call", {"number": number, "from": caller, "name": name, "script": list(script)})

    def heard(self, call_id: str) -> list[str]:
        return [Path(row["path"]).stem for row in json.loads(self.sim(f"heard {call_id}"))]

    def ended(self, call_id: str) -> Call:
        """The call's row, once it has its end."""
        assert self.engine is not None
        store = self.engine.store

        def check() -> Call | None:
            rows = [call for call in store.calls.recent() if call.call_id == call_id]
            return rows[0] if rows and rows[0].ended_at is not None else None

        return eventually(check, "the end of the call")

    def steps(self, call_id: str) -> list[tuple[str, str, str]]:
        assert self.engine is not None
        return [(step.step, step.outcome, step.label) for step in self.engine.store.steps.of_call(call_id)]

    def in_step(self, call_id: str, step: str) -> None:
        assert self.engine is not None
        sessions = self.engine.reception.sessions
        eventually(lambda: call_id in sessions and sessions[call_id].run.frame.step == step, f"step {step}")

    def close(self) -> None:
        if self.engine is not None:
            self.engine.stop(drain_seconds=0.0)
        self.switch.stop()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(make_site(tmp_path / "site"))
    yield house
    house.close()
