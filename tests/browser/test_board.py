"""The wallboard and the supervisor's page with a whole engine: a caller waits, is answered, is listened to and barged in on, a break is
allowed, the recording is heard; the board says what ``ivrengine queues watch`` says, and turns grey when the engine dies.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import PASSWORD, ROOT, WAIT_MS, Browsers
from test_accessible import look
from test_console import FLOW, NUMBER, Centre

from ivrengine.acd.figures import FORMULAS, shown
from ivrengine.storage.board_limits import BoardLimit
from ivrengine.storage.passwords import make_hash
from ivrengine.storage.store import Store
from tests.acceptance.sim_bench import SimBench

SITE = """
teams: {day: {title: Day, most_away: 1}}
break_reasons: {tea: {title: Tea, longest: 10m}, course: {title: Course, approval: true}}
queues:
  sales: {title: Sales, when_empty: wait, ring: 20s, wrap_up_most: 60s, whisper: false}
agents:
  "1001": {name: Fang, team: day, pin: "4101", queues: {sales: 1}}
"""
COUNTED = ("offered", "answered", "abandoned", "service_level_ignored", "average_handling_time")
LIVE = ("waiting", "ready", "talks", "wrap_up", "away", "callbacks_due")


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    bench = SimBench(tmp_path_factory.mktemp("board"))
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
                for name, role, agent_id in (("boss", "supervisor", ""), ("fang", "agent", "1001")):
                    store.users.add(name, role, agent_id, password_hash, "tests", now).wait()
                    store.users.set_password(name, password_hash, "tests", now, must_change=False).wait()
                store.board_limits.replace("sales", [BoardLimit("sales", "waiting", None, 1, True)], "tests", now).wait()
            made.start()
            yield made
        finally:
            made.kill()


@pytest.fixture
def browsers(chromium: Any, centre: Centre) -> Iterator[Browsers]:
    made = Browsers(chromium, centre)  # type: ignore[arg-type]
    yield made
    made.close()
    assert made.complaints == []


def log_in(browsers: Browsers, name: str) -> Any:
    page = browsers.open()
    page.goto("/log-in")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("main button.main")
    page.wait_for_url(lambda address: "log-in" not in address)
    return page


def told_by_the_terminal(centre: Centre) -> dict[str, Any]:
    command = [sys.executable, "-m", "ivrengine", "--site", str(centre.bench.site), "queues", "watch", "--once", "--json"]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60).stdout)


def on_the_board(board: Any, place: str) -> dict[str, str]:
    items = board.locator(f"{place} [data-figure]").all()
    return {item.get_attribute("data-figure"): item.locator(".value").inner_text() for item in items}


def agrees(board: Any, centre: Centre) -> bool:
    """Whether board and terminal tell the same of the queue and of all together."""
    told = told_by_the_terminal(centre)
    for place, row, figures in ((".queue", told["queues"][0], told["queues"][0]["figures"]), (".total", told["everybody"], told["total"])):
        seen = on_the_board(board, place)
        expected = {name: shown(figures[name], FORMULAS[name].unit) for name in COUNTED} | {name: str(row[name]) for name in LIVE}
        if {name: seen[name] for name in expected} != expected:
            return False
    return True


def shows(board: Any, figure: str, value: str) -> None:
    from playwright.sync_api import expect  # the file is read where playwright is missing, too

    expect(board.locator(f'.queue [data-figure="{figure}"] .value')).to_have_text(value, timeout=WAIT_MS)


def test_from_a_waiting_caller_to_the_recording_of_the_talk(
    browsers: Browsers, centre: Centre, eventually: Callable[..., Any]
) -> None:
    with Store(centre.bench.site / "data" / "ivrengine.db") as store:
        key = store.users.key("wallboard")
    board = browsers.open(width=1920, height=1080)
    board.goto(f"/board/?key={key}")
    assert board.evaluate("document.body.className") == "board-page wall" and key not in board.url
    shows(board, "waiting", "0")
    board.goto("/supervisor/")
    assert "/log-in" in board.url  # the link opens the board and nothing else
    board.goto("/board/")

    caller = centre.bench.call(NUMBER, script=[{"wait": 0.5}, {"press": "1"}])
    shows(board, "waiting", "1")
    waiting = board.locator('.queue [data-figure="waiting"]')
    assert waiting.get_attribute("class") == "at-alarm" and "alarm" in waiting.inner_text()
    board.wait_for_function("() => document.querySelector('.queue [data-figure=longest_wait_seconds] .value').textContent >= '0:02'")
    assert "138" not in board.content()
    eventually(lambda: agrees(board, centre), "board and terminal to agree on who waits")

    phone, own = centre.bench.phone("8001"), centre.bench.phone("8009")
    boss = log_in(browsers, "boss")
    boss.goto("/supervisor/")
    boss.wait_for_selector("#waiting tbody tr")
    assert "13800138000" in boss.locator("#waiting").inner_text()
    centre.command("agents", "log-in", "1001", "--phone", "8001")
    centre.command("agents", "ready", "1001")
    phone.wait_talking()
    shows(board, "talks", "1")
    shows(board, "waiting", "0")
    shows(board, "answered", "1")
    eventually(lambda: agrees(board, centre), "board and terminal to agree on who talks")
    board.focus('.queue [data-figure="service_level_ignored"] button')
    formula = board.locator("#explanation").inner_text()
    assert look(board, "board-wall-busy") == []
    assert "answered in time / (offered - hung up in time)" in formula and "/ (1 - 0) =" in formula

    # the supervisor's own phone rings; it is asked for once
    listen = boss.locator("#agents .listen")
    listen.click()
    boss.wait_for_selector(".flash.error")
    boss.fill("#my-phone", "8009")
    boss.click(".own-phone button")
    boss.wait_for_selector("#agents .listen:not([hidden])")
    listen.click()
    boss.wait_for_selector(".flash:not(.error)")
    own.wait_talking()
    own.hang_up()
    own.wait_idle()
    boss.locator("#agents .more").click()
    assert look(boss, "supervisor-dialog") == []
    boss.locator("#agent-dialog [data-verb=barge]").click()
    boss.wait_for_selector("#sure[open]")
    assert "will both hear you" in boss.locator("#sure").inner_text()
    boss.keyboard.press("Escape")
    boss.wait_for_selector("#sure:not([open])", state="attached")
    own.wait_idle()  # nothing was confirmed, nothing is done
    boss.locator("#agent-dialog [data-verb=barge]").click()
    boss.locator("#sure .yes").click()
    own.wait_talking()
    with Store(centre.bench.site / "data" / "ivrengine.db") as store:
        verbs = [row.verb for row in store.audit.recent(who="user boss")]
    assert verbs[:2] == ["supervise barge", "supervise listen"]

    # the talk ends, the agent asks for a break, and gets it
    caller.hang_up()
    shows(board, "wrap_up", "1")
    fang = log_in(browsers, "fang")
    fang.evaluate("() => import('/static/live.js').then((live) => live.post('/console/do/break', { reason: 'course' }))")
    asking = boss.locator("#breaks li")
    asking.wait_for()
    assert "Fang asks for a break: Course" in asking.inner_text() and "of 1 away" in asking.inner_text()
    assert look(boss, "supervisor-break") == []
    asking.locator("[data-verb=allow_break]").click()
    asking.wait_for(state="hidden")
    fang.evaluate("() => import('/static/live.js').then((live) => live.post('/console/do/ready'))")  # the wrap-up is over
    eventually(lambda: agrees(board, centre), "board and terminal to agree at the end")
    assert board.locator(".queue [data-figure=average_handling_time] .value").inner_text() != "-"

    # the recording
    boss.goto("/recordings/?number=138")
    boss.locator("tbody a").first.click()
    boss.wait_for_function("() => document.querySelector('#waveform').getAttribute('aria-valuemax') > 0")
    assert look(boss, "recording") == []
    boss.evaluate("document.querySelector('#audio').play()")
    boss.wait_for_function("() => document.querySelector('#audio').currentTime > 0.3")
    boss.check("input[name=mark][value='4']")
    boss.fill("#comment", "friendly")
    boss.locator("form.narrow button").click()
    boss.wait_for_selector("table.keep")
    assert "user boss" in boss.locator("table.keep").inner_text()
    with Store(centre.bench.site / "data" / "ivrengine.db") as store:
        assert store.audit.recent(who="user boss")[0].verb == "hear_recording"


def test_a_board_that_hears_nothing_turns_grey_and_comes_back(browsers: Browsers, centre: Centre) -> None:
    with Store(centre.bench.site / "data" / "ivrengine.db") as store:
        key = store.users.key("wallboard")
    board = browsers.open(width=1920, height=1080)
    board.goto(f"/board/?key={key}")
    shows(board, "waiting", "0")
    assert board.locator("#stale").is_hidden()
    centre.kill()
    board.wait_for_selector("html.stale #stale:not([hidden])")
    assert "These figures are old: nothing new has come since" in board.locator("#stale").inner_text()
    assert "grayscale(1)" in board.evaluate("getComputedStyle(document.querySelector('#board')).filter")
    clock = board.locator(".clock").inner_text()
    board.wait_for_timeout(1500)
    assert board.locator(".clock").inner_text() == clock  # what is old does not go on counting
    centre.start()
    board.wait_for_selector("html:not(.stale) #stale[hidden]", state="attached", timeout=2 * WAIT_MS)
    shows(board, "waiting", "0")
