"""``ivrengine demo`` as a process of its own: it answers its own call and another's, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import eventually, make_site
from .queue_house import QUEUE_FLOW

ROOT = Path(__file__).parents[2]


def ivrengine(site: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IVRENGINE_")}
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.Popen(
        [sys.executable, "-m", "ivrengine", "--site", str(site), *arguments],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def address(site: Path) -> dict[str, Any]:
    """Where the demo's switch listens, as soon as it has told so."""
    path = site / "data" / "demo.json"

    def read() -> Any:
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError):
            return None

    return eventually(read, "the demo")


def is_closed(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site")


@pytest.fixture
def demo(site: Path) -> Iterator[subprocess.Popen[str]]:
    process = ivrengine(site, "demo", "--port", "0", "--keys", "9")
    yield process
    process.kill()
    process.communicate()


def test_it_answers_its_own_call_and_another_and_stops_when_told(site: Path, demo: subprocess.Popen[str]) -> None:
    where = address(site)
    said, _ = ivrengine(site, "call", "--live", "100", "--from", "13912345678", "--keys", "9").communicate(timeout=30)
    assert "the call is over" in said and "hears" in said
    unknown, _ = ivrengine(site, "call", "--live", "999", "--keys", "9").communicate(timeout=30)
    assert "does a flow have the number 999?" in unknown
    demo.send_signal(signal.SIGTERM)
    told, _ = demo.communicate(timeout=30)
    assert demo.returncode == 0
    assert "no real calls" in told and "call --live 100" in told and "?key=" in told
    assert told.count("main: choice (Goodbye)") == 2 and "********678 calls 100: flow line" in told
    assert "13912345678" not in told and "Traceback" not in told
    assert not (site / "data" / "demo.json").exists() and is_closed(where["port"])


def test_an_interrupted_caller_hangs_up(site: Path, demo: subprocess.Popen[str]) -> None:
    address(site)
    caller = ivrengine(site, "call", "--live", "100", "--keys", "w30s")
    assert caller.stdout is not None and "hears" in caller.stdout.readline()
    caller.send_signal(signal.SIGINT)
    said, _ = caller.communicate(timeout=20)
    assert caller.returncode == 0 and "the call is over" in said and "KeyboardInterrupt" not in said


def test_a_call_that_is_up_does_not_keep_it_from_stopping(site: Path, demo: subprocess.Popen[str]) -> None:
    address(site)
    caller = ivrengine(site, "call", "--live", "100", "--keys", "w30s")
    assert caller.stdout is not None and "hears" in caller.stdout.readline()
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=20)
    said, _ = caller.communicate(timeout=20)
    assert demo.returncode == 0 and "Traceback" not in said and ("the call is lost" in said or "the call is over" in said)


def test_its_switch_ends_with_it_however_it_ends(site: Path, demo: subprocess.Popen[str]) -> None:
    port = address(site)["port"]
    demo.kill()
    eventually(lambda: is_closed(port), "the end of the switch")


def test_once_ends_with_the_first_call(site: Path) -> None:
    process = ivrengine(site, "demo", "--once", "--port", "0", "--keys", "9")
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "main: choice (Goodbye)" in told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["--number", "999"], "no flow has the number 999"), (["--keys", "abc"], "'abc' is neither keys")],
)
def test_what_it_cannot_do_is_one_sentence(site: Path, arguments: list[str], sentence: str) -> None:
    process = ivrengine(site, "demo", "--once", "--port", "0", *arguments)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 1 and sentence in told and "Traceback" not in told


def test_who_waits_for_a_person_in_the_demo_is_answered_by_a_simulated_agent(site: Path) -> None:
    (site / "flows" / "line.yml").write_text(QUEUE_FLOW, encoding="utf-8")
    (site / "site.yml").write_text('queues: {news: {whisper: false}}\nagents: {"101": {name: Li, pin: "4711", queues: {news: 1}}}\n')
    demo = ivrengine(site, "demo", "--port", "0", "--keys", "w20s hangup")

    def board() -> str:
        shown, _ = ivrengine(site, "queues", "watch", "--once").communicate()
        return shown if "talking" in shown else ""

    try:
        address(site)
        assert "101" in eventually(board, "a talk on the board")
        demo.send_signal(signal.SIGTERM)
        told, _ = demo.communicate(timeout=30)
    finally:
        demo.kill()
    assert demo.returncode == 0
    assert "site.yml are in the database" in told and "1 simulated agents" in told and "Traceback" not in told
