"""``ivrengine serve`` with its pages: the first admin, log-in and live streams over real connections, a port that is taken."""

from __future__ import annotations

import http.client
import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import gevent
import pytest
from gevent import subprocess

from ivrengine.simswitch.callers import check_script, place_call

from .conftest import PASSWORD, House, eventually

ROOT = Path(__file__).parents[2]
OWN = "words that only I know"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(house: House, port: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "IVRENGINE_SWITCH_PORT": str(house.switch.port),
        "IVRENGINE_SWITCH_PASSWORD": PASSWORD,
        "IVRENGINE_WEB_PORT": str(port),
        "IVRENGINE_ENGINE_DRAIN_SECONDS": "0",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "ivrengine", "--site", str(house.site), "serve"]
    with (house.site / "log").open("wb") as output:
        return subprocess.Popen(command, env=environment, stdout=output, stderr=output)


def told(house: House) -> str:
    return (house.site / "log").read_text("utf-8", "replace")


class Browser:
    """As much of one as a log-in needs: cookies and the token of the form."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Code, where it sends to, page."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as line:
            if form is None:
                line.request("GET", path, headers=self._headers())
            else:
                found = re.search(r'name="csrf-token" content="([^"]+)"', self.ask(path)[2])
                assert found
                body = urlencode({**form, "csrf_token": found[1]})
                line.request("POST", path, body, self._headers(**{"Content-Type": "application/x-www-form-urlencoded"}))
            answer = line.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, answer.headers.get("Location", ""), answer.read().decode()

    def stream(self, path: str) -> http.client.HTTPResponse:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        line.request("GET", path, headers=self._headers(Accept="text/event-stream"))
        return line.getresponse()

    def _headers(self, **more: str) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **more}


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def engine(house: House, port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = start(house, port)
    try:
        eventually(lambda: "one-time password" in told(house), "the first admin")
        yield process
    finally:
        process.kill()
        process.wait()


def test_from_the_first_start_to_a_live_page_and_over_a_restart(house: House, port: int, engine: subprocess.Popen[bytes]) -> None:
    found = re.search(r"as admin with the one-time password (\S+)", told(house))
    assert found
    browser = Browser(port)
    assert browser.ask("/calls/")[:2] == (302, "/log-in?next=/calls/")
    assert browser.ask("/log-in", {"name": "admin", "password": "no"})[0] == 403
    assert browser.ask("/log-in", {"name": "admin", "password": found[1]})[:2] == (302, "/")
    assert browser.ask("/account/password", {"old": found[1], "new": OWN, "again": OWN})[0] == 302
    eventually(lambda: browser.ask("/ready")[0] == 200, "readiness")

    with closing(browser.stream("/calls/live")) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert b"retry" in stream.readline()
        place_call(house.switch.core, "100", "13800138000", "", check_script([]), "one")
        with gevent.Timeout(10):
            while stream.readline() != b"event: calls.en.whole\n":
                pass
    eventually(lambda: "13800138000" in browser.ask("/calls/")[2], "the call on the page")

    engine.kill()
    engine.wait()
    again = start(house, port)
    try:
        eventually(lambda: "The pages in a browser" in told(house), "the pages after a restart")
        assert browser.ask("/users/")[0] == 200, "the session outlives the engine"
        assert "one-time" not in told(house)
        again.terminate()
        again.wait(timeout=20)
        assert again.returncode == 0 and "Traceback" not in told(house)
    finally:
        again.kill()


def test_no_secret_reaches_the_log(house: House, port: int, engine: subprocess.Popen[bytes]) -> None:
    browser = Browser(port)
    browser.ask("/log-in", {"name": "admin", "password": "my own secret words"})
    browser.ask("/calls/?key=a-key-that-opens-nothing")
    assert "my own secret words" not in told(house) and "a-key-that" not in told(house)


def test_a_port_that_is_taken_is_told_before_anything_starts(house: House, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        process = start(house, port)
        assert process.wait(timeout=20) == 1
    assert f"can't be served on 127.0.0.1:{port}" in told(house) and "web.port" in told(house) and "Traceback" not in told(house)
    assert not (house.site / "data" / "ivrengine.db").exists()
