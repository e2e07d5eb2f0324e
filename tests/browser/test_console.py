"""The agent's walk: logs in on the page, the phone rings, who calls is shown with the way through the menu; answered at the phone, passed
on to a colleague with a note, disposed of; through reloads, a second tab and an engine that is killed.

A whole engine with pages beside the embedded switch, in processes of their own; the walk once more with FreeSWITCH and baresip, too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import PASSWORD, ROOT, WAIT_MS, Browsers

from ivrengine.storage.customers import read_customer
from ivrengine.storage.passwords import make_hash
from ivrengine.storage.store import Store
from tests.acceptance.freeswitch_bench import FreeSwitchBench
from tests.acceptance.sim_bench import SimBench
from tests.acceptance.switch import free_port, why_not

START_SECONDS = 60.0  # much else may go on
NO_FREESWITCH = why_not()
NUMBER = "02988880009"
HOSTILE = "<img src=x onerror=document.title='taken'>"
USERS = {"fang": "1001", "qiang": "1002"}

FLOW = """
flow: centre
languages: [zh-CN]
numbers: ["02988880009"]
start: which
fallback: sorry
steps:
  which:
    menu:
      prompt: [circulation/main]
      choices:
        1: {label: Subscriptions, go: person}
        2: {label: Complaints, go: person}
      no_input: person
      no_match: person
  person:
    queue: {queue: sales, answered: bye, failed: sorry, refused_empty: bye}
  sorry: {hangup: {prompt: [fault/sorry]}}
  bye: {hangup: {}}
"""

SITE = """
teams: {day: {title: Day, most_away: 1}}
break_reasons: {tea: {title: Tea, longest: 10m}, course: {title: Course, approval: true}}
dispositions: {"1": Sold, "2": Open}
queues:
  sales: {title: Sales, number: "6001", ring: 20s, wrap_up_most: 60s, disposition_required: true, whisper: false}
agents:
  "1001": {name: Fang, team: day, pin: "4101", queues: {sales: 1}}
  "1002": {name: Qiang, team: day, pin: "4102", queues: {sales: 1}}
"""


@dataclass
class Centre:
    """Site, switch and engine. ``address`` is the pages'."""

    bench: Any
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> None:
        subprocess.run([sys.executable, "-m", "ivrengine", "--site", str(self.bench.site), *arguments], cwd=ROOT, check=True, timeout=60)

    def start(self) -> None:
        log = self.bench.work / "engine.log"
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ivrengine", "--site", str(self.bench.site), "serve"], cwd=ROOT, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "IVRENGINE_WEB_PORT": str(self.port), "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        before, until = log.read_text("utf-8").count("The pages in a browser"), time.monotonic() + START_SECONDS
        while log.read_text("utf-8").count("The pages in a browser") == before:
            assert self.process.poll() is None and time.monotonic() < until, log.read_text("utf-8")
            time.sleep(0.05)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextmanager
def opened(bench: Any) -> Iterator[Centre]:
    """Site, switch and engine, with two agents who may log in and a customer who is known."""
    flows = bench.site / "flows"
    flows.mkdir(parents=True)
    (flows / "centre.yml").write_text(FLOW, "utf-8")
    (bench.site / "prompts").symlink_to(ROOT / "prompts")
    (bench.site / "site.yml").write_text(SITE, "utf-8")
    with bench:
        made = Centre(bench)
        try:
            made.command("site", "import", "--yes")
            password_hash, now = make_hash(PASSWORD), time.time()
            with Store(bench.site / "data" / "ivrengine.db") as store:
                for name, agent_id in USERS.items():
                    store.users.add(name, "agent", agent_id, password_hash, "tests", now).wait()
                    store.users.set_password(name, password_hash, "tests", now, must_change=False).wait()
                store.customers.add(read_customer("Li Lei", "gold", "likes mornings", ["13800138000"]), "tests", now).wait()
            made.start()
            yield made
        finally:
            made.kill()


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    with opened(SimBench(tmp_path_factory.mktemp("centre"))) as made:
        yield made


@pytest.fixture
def browsers(chromium: Any, centre: Centre) -> Iterator[Browsers]:
    made = Browsers(chromium, centre)  # type: ignore[arg-type]
    yield made
    made.close()
    assert made.complaints == []


def sit_down(browsers: Browsers, name: str, phone: str, **look: Any) -> Any:
    page = browsers.open(**look)
    page.goto("/log-in")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("main button.main")
    page.wait_for_selector("#desk")
    page.wait_for_selector("#badge[class*=' ']")  # drawn from what the server told
    if page.locator("#log-in").is_visible():
        page.fill("#phone-number", phone)
        page.click("#log-in button")
    holds(page, "#phone", phone)
    return page


def state(page: Any, word: str) -> None:
    holds(page, "#badge", word)


def holds(page: Any, selector: str, text: Any) -> None:
    from playwright.sync_api import expect  # the file is read where playwright is missing, too

    expect(page.locator(selector)).to_contain_text(text, timeout=WAIT_MS)


def has_written(page: Any, text: str) -> None:
    from playwright.sync_api import expect

    expect(page.locator("#notes")).to_have_value(text, timeout=WAIT_MS)


def test_a_call_from_the_ringing_to_the_disposition(browsers: Browsers, centre: Centre) -> None:
    walk(browsers, centre)


@pytest.mark.acceptance
@pytest.mark.skipif(NO_FREESWITCH is not None, reason=NO_FREESWITCH or "")
def test_the_same_with_a_real_switch_and_real_phones(chromium: Any, tmp_path: Path) -> None:
    with opened(FreeSwitchBench(tmp_path)) as centre:
        browsers = Browsers(chromium, centre)  # type: ignore[arg-type]
        try:
            walk(browsers, centre)
        finally:
            browsers.close()
        assert browsers.complaints == []


def walk(browsers: Browsers, centre: Centre) -> None:
    phones = {name: centre.bench.phone(phone, after_seconds=3) for name, phone in (("fang", "8001"), ("qiang", "8002"))}
    fang = sit_down(browsers, "fang", "8001")
    qiang = sit_down(browsers, "qiang", "8002")
    fang.keyboard.press("F2")
    state(fang, "Ready")

    caller = centre.bench.call(NUMBER, name=HOSTILE, script=[{"wait": 1.5}, {"press": "1"}])
    fang.wait_for_selector("#call:not([hidden])")
    assert fang.locator("#badge").inner_text() == "Ringing"
    assert fang.locator("#who").inner_text() == "Li Lei" and HOSTILE in fang.locator("#facts").inner_text()
    assert fang.locator("#trail").inner_text() == "1 Subscriptions"
    assert "gold" in fang.locator("#customers").inner_text() and "likes mornings" in fang.locator("#customers").inner_text()
    phones["fang"].wait_talking()
    state(fang, "Talking")
    assert fang.title().startswith("My desk")

    fang.keyboard.press("F8")
    state(fang, "On hold")
    fang.keyboard.press("F8")
    state(fang, "Talking")

    # what is being written outlives a reload, and is in a second tab
    fang.fill("#notes", "wants two copies")
    holds(fang, "#notes-kept", "Kept.")
    fang.reload()
    state(fang, "Talking")
    has_written(fang, "wants two copies")
    second = fang.context.new_page()
    second.goto("/console/")
    has_written(second, "wants two copies")
    second.close()

    qiang.keyboard.press("F2")
    state(qiang, "Ready")
    fang.keyboard.press("F9")
    fang.keyboard.type("1002")
    fang.keyboard.press("Enter")
    state(fang, "Wrap-up")
    qiang.wait_for_selector("#call:not([hidden])")
    assert "wants two copies" in qiang.locator("#before").inner_text() and "Fang (1001)" in qiang.locator("#before").inner_text()
    assert qiang.locator("#trail").inner_text() == "1 Subscriptions" and qiang.locator("#who").inner_text() == "Li Lei"
    phones["qiang"].wait_talking()
    state(qiang, "Talking")

    # a disposition comes before the next call
    fang.click("[data-verb=ready]")
    holds(fang, "#told", "what the call was about")
    fang.keyboard.press("F6")
    fang.keyboard.press("Space")
    fang.keyboard.press("Control+Enter")
    state(fang, "Ready")
    assert fang.locator("#call").is_hidden()
    holds(fang, "#calls", re.compile(r"13800138000\s*Sales\s*Sold"))

    qiang.click("[data-verb=hang_up]")
    caller.wait_ended()
    state(qiang, "Wrap-up")
    qiang.check("#codes input[value='2']")
    qiang.click("#dispose")
    state(qiang, "Ready")
    qiang.click("[data-verb=log_out]")  # the calls of other tests are Fang's
    state(qiang, "Logged out")


def test_a_break_tells_the_seats_and_an_engine_that_is_killed_locks_the_bar(browsers: Browsers, centre: Centre) -> None:
    centre.bench.phone("8001"), centre.bench.phone("8002")
    fang, qiang = sit_down(browsers, "fang", "8001"), sit_down(browsers, "qiang", "8002")
    fang.keyboard.press("F4")
    fang.click("#reasons button:has-text('Tea')")
    state(fang, "Tea")
    qiang.keyboard.press("F4")
    holds(qiang, "#seats", "nobody more")
    assert qiang.locator("#reasons button").first.is_disabled()

    centre.kill()
    began = time.monotonic()
    fang.wait_for_selector("#line:not([hidden])", timeout=5000)
    assert fang.evaluate("document.querySelector('.bar').inert"), "what can't be done can't be clicked"
    assert time.monotonic() - began < 5
    centre.start()
    fang.wait_for_selector("#line[hidden]", state="attached")
    state(fang, "Tea")  # as the engine before has left it
    fang.keyboard.press("F2")
    state(fang, "Ready")
    qiang.click("[data-verb=log_out]")
    state(qiang, "Logged out")


def test_who_is_unknown_becomes_a_customer(browsers: Browsers, centre: Centre) -> None:
    phone = centre.bench.phone("8001", after_seconds=1)
    fang = sit_down(browsers, "fang", "8001", width=390, height=844, theme="dark")
    if fang.locator("[data-verb=ready]").is_visible():
        fang.click("[data-verb=ready]")
    state(fang, "Ready")
    caller = centre.bench.call(NUMBER, from_="13900139000", script=[{"wait": 0.5}, {"press": "2"}])
    phone.wait_talking()
    fang.click("#customer-form-title")
    fang.fill("#customer-form [name=name]", "Han Meimei")
    fang.fill("#customer-form [name=numbers]", "call me")
    fang.click("#customer-form button")
    fang.wait_for_selector("#customer-problem:not([hidden])")
    fang.fill("#customer-form [name=numbers]", "13900139000, 02912345678")
    fang.click("#customer-form button")
    holds(fang, "#who", "Han Meimei")
    caller.hang_up()
    state(fang, "Wrap-up")
    fang.check("#codes input[value='1']")
    fang.click("#dispose")
    state(fang, "Ready")


def test_a_lost_line_without_an_end_shows_too(browsers: Browsers, centre: Centre) -> None:
    """Whatever lies between says nothing any more: the engine is stopped, its connections stay open."""
    page = sit_down(browsers, "fang", "8001")
    assert centre.process is not None
    subprocess.run(["kill", "-STOP", str(centre.process.pid)], check=True)
    try:
        page.wait_for_selector("#line:not([hidden])", timeout=5500)
    finally:
        subprocess.run(["kill", "-CONT", str(centre.process.pid)], check=True)
    page.wait_for_selector("#line[hidden]", state="attached")


def pictures() -> Path | None:
    return Path(os.environ["IVRENGINE_PICTURES"]) if os.environ.get("IVRENGINE_PICTURES") else None


@pytest.mark.parametrize(
    ("width", "theme", "language"), [(1440, "light", "en"), (1440, "dark", "zh-CN"), (390, "light", "zh-CN"), (390, "dark", "en")]
)
def test_no_violation_while_a_call_is_there(browsers: Browsers, centre: Centre, width: int, theme: str, language: str) -> None:
    phone = centre.bench.phone("8001", after_seconds=1)
    page = sit_down(browsers, "fang", "8001", width=width, height=900 if width > 400 else 844, theme=theme, language=language)
    if page.locator("[data-verb=ready]").is_visible():
        page.click("[data-verb=ready]")
    page.wait_for_selector("#badge.good")
    caller = centre.bench.call(NUMBER, name="Li & Sons", script=[{"wait": 0.5}, {"press": "1"}])
    phone.wait_talking()
    page.wait_for_selector("#closing:not([hidden])")
    page.click("#directory summary")
    page.wait_for_selector("#people button")
    page.evaluate((Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    if pictures():
        page.screenshot(path=pictures() / f"console-{width}-{theme}-{language}.png", full_page=True)
    caller.hang_up()
    page.wait_for_selector("[data-verb=more_wrap_up]:not([hidden])")
    page.check("#codes input[value='1']")
    page.click("#dispose")
    page.wait_for_selector("#call[hidden]", state="attached")
    if pictures():
        page.screenshot(path=pictures() / f"console-idle-{width}-{theme}-{language}.png", full_page=True)
    assert [f"{each['id']}: {node['html'][:120]}" for each in found["violations"] for node in each["nodes"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
