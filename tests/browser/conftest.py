"""The demo as a process of its own on a copy of the site, and Chromium (Debian's) driven by playwright.

This directory is run by itself, without gevent's patches: ``.venv/bin/python -m pytest tests/browser``. Without Chromium or playwright
all of it is skipped, and says why.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ivrengine.storage.passwords import make_hash
from ivrengine.storage.store import Store

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("IVRENGINE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
START_SECONDS = 60.0
STOP_SECONDS = 20.0
WAIT_MS = 15_000  # for what a page is to show
PASSWORD = "a password of tests"
ROLES = {"agent": "1001", "supervisor": "", "admin": ""}  # users named like their roles, with the agent that they are

try:
    from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

    MISSING = "" if CHROMIUM else "no chromium: apt-get install chromium, or name it in IVRENGINE_CHROMIUM"
except ImportError:
    MISSING = "no playwright: ./scripts/setup installs it"
    Browser = BrowserContext = Page = Any  # type: ignore[assignment, misc]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if MISSING:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=MISSING))


@dataclass
class House:
    """``ivrengine demo`` on ``site``: the engine, the embedded switch and simulated agents. ``told``: what it has printed."""

    site: Path
    arguments: tuple[str, ...] = ()
    told: list[str] = field(default_factory=list)
    _process: subprocess.Popen[str] | None = None

    def start(self, port: int = 0) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("IVRENGINE_")}
        environment |= {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "ivrengine", "--site", str(self.site), "demo", "--port", str(port), *self.arguments]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.told = []
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        self._wait_for("Stop with Ctrl-C")

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(with_signal)
            self._process.wait(STOP_SECONDS)

    @property
    def address(self) -> str:
        return self._found(r"(http://[^/\s]+)/")

    @property
    def key(self) -> str:
        """Of the demo's link."""
        return self._found(r"\?key=(\S+)")

    @property
    def one_time_password(self) -> str:
        """Of the first admin."""
        return self._found(r"one-time password (\S+)")

    def store(self) -> Store:
        """The records, beside the engine: ``with house.store() as store``."""
        return Store(self.site / "data" / "ivrengine.db")

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.told.append(line)

    def _found(self, pattern: str) -> str:
        found = re.search(pattern, "".join(self.told))
        assert found, f"{pattern} is not in\n{''.join(self.told)}"
        return found[1]

    def _wait_for(self, words: str) -> None:
        until = time.monotonic() + START_SECONDS
        assert self._process is not None
        while not any(words in line for line in list(self.told)):
            assert self._process.poll() is None and time.monotonic() < until, "the demo did not start:\n" + "".join(self.told)
            time.sleep(0.05)


def copy_site(directory: Path) -> Path:
    """The site of the checkout."""
    directory.mkdir()
    shutil.copytree(ROOT / "flows", directory / "flows")
    shutil.copy(ROOT / "site.yml", directory / "site.yml")
    shutil.copytree(ROOT / "prompts", directory / "prompts")
    return directory


def add_users(house: House) -> None:
    """Of every role; they have chosen their passwords."""
    password_hash, now = make_hash(PASSWORD), time.time()
    with house.store() as store:
        for name, agent_id in ROLES.items():
            if store.users.get(name) is None:
                store.users.add(name, name, agent_id, password_hash, "tests", now).wait()
            store.users.set_password(name, password_hash, "tests", now, must_change=False).wait()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """With users of every role. The first caller hangs up soon."""
    house = House(copy_site(tmp_path_factory.mktemp("house") / "site"), ("--keys", "w1s hangup"))
    try:
        house.start()
        add_users(house)
        yield house
    finally:
        house.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )  # fmt: skip
        yield browser
        browser.close()


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.goto("/log-in")
    page.fill("#name", name)
    page.fill("#password", password)
    page.click("main button.main")
    page.wait_for_url(lambda address: "log-in" not in address)


@dataclass
class Browsers:
    """Opens browsers that know nothing of each other. What a page's scripts or policy complain about fails the test."""

    chromium: Browser
    house: House
    complaints: list[str] = field(default_factory=list)
    _states: dict[str, Any] = field(default_factory=dict)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def open(
        self, role: str = "", *, width: int = 1440, height: int = 900, theme: str = "light", language: str = "en", **options: Any
    ) -> Page:
        """A page of a browser that is logged in as ``role``; "" is nobody, "visitor" came by the demo's link."""
        if role in ROLES and role not in self._states:
            self._states[role] = self._log_in(role)
        context = self.chromium.new_context(
            base_url=self.house.address, viewport={"width": width, "height": height}, color_scheme=theme, locale=language,
            storage_state=self._states.get(role), **options,
        )  # fmt: skip
        context.set_default_timeout(WAIT_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._heard(page, message))
        if role == "visitor":
            page.goto(f"/?key={self.house.key}")
        return page

    def _heard(self, page: Page, message: Any) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.complaints.append(f"{page.url}: {message.text}")

    def _log_in(self, role: str) -> Any:
        page = self.open()
        log_in(page, role)
        return page.context.storage_state()

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        self._contexts.clear()


@pytest.fixture(scope="session")
def all_browsers(chromium: Browser, house: House) -> Browsers:
    return Browsers(chromium, house)


@pytest.fixture
def browsers(all_browsers: Browsers) -> Iterator[Browsers]:
    all_browsers.complaints.clear()
    yield all_browsers
    all_browsers.close()
    assert all_browsers.complaints == []


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """``eventually(check, what)``: what ``check`` gives as soon as it is true. Pages wait by playwright's own means."""

    def wait(check: Callable[[], Any], what: str = "it") -> Any:
        until = time.monotonic() + WAIT_MS / 1000
        while not (result := check()):
            assert time.monotonic() < until, f"{what} did not happen"
            time.sleep(0.02)
        return result

    return wait
