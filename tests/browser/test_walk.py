"""One day of a site from the first start to the report, walked through by everybody who works there, each in a browser of their own.

`ivrengine demo` as a newcomer starts it, with two agents; their phones are taken in hand in the page, so that a person answers.
"""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import Browsers, House, copy_site, log_in
from test_board import on_the_board
from test_console import state
from test_flows import mend_publish_and_roll_back, show_editor
from test_frame import choose_password
from test_prompts import add_a_prompt, tone
from test_try import TO_HEAR_MS, call, heard, line

from ivrengine.acd.figures import FORMULAS, shown
from ivrengine.reports.queue_columns import QUEUE_COLUMNS
from ivrengine.storage.customers import read_customer
from tests.acceptance.switch import EslClient

OWN = "words that only I know"
NUMBER, CALLER = "02988880001", "13800138000"
OFFICE_HOURS = "2026-09-22T10:00"
LISTEN_IN = """() => {
    // What comes out of the receiver, measured on its way to the loudspeaker: the loudest sample of each file.
    const ear = document.querySelector("#ear");
    const context = new AudioContext();
    const meter = context.createAnalyser();
    context.createMediaElementSource(ear).connect(meter).connect(context.destination);
    const samples = new Float32Array(meter.fftSize);
    window.loudest = {};
    const sounds = (window.sounds = {});
    const make = URL.createObjectURL;
    URL.createObjectURL = (sound) => {
        const address = make(sound);
        sounds[address] = sound;
        return address;
    };
    setInterval(() => {
        meter.getFloatTimeDomainData(samples);
        const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
        if (!ear.paused) window.loudest[ear.src] = Math.max(window.loudest[ear.src] ?? 0, peak);
    }, 20);
}"""
WHAT_WAS_LOUD = """async () => {
    const told = [];
    for (const [address, peak] of Object.entries(window.loudest))
        told.push([peak, [...new Uint8Array(await window.sounds[address].arrayBuffer())]]);
    return told;
}"""
HEARS = re.compile("variable_current_application: (eavesdrop|three_way)")
DAY_SECONDS = 86400  # the spreadsheet counts time in days
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A site that nobody has used yet, with its first two agents only."""
    site = copy_site(tmp_path / "site")
    agents = (site / "site.yml").read_text("utf-8")
    (site / "site.yml").write_text(agents.partition('  "1003":\n')[0], "utf-8")
    house = House(site, ("--keys", "w1s hangup"))
    try:
        house.start()
        yield house
    finally:
        house.stop()


@pytest.fixture
def browsers(chromium: Any, house: House) -> Iterator[Browsers]:
    made = Browsers(chromium, house)
    yield made
    made.close()
    assert made.complaints == []


@pytest.mark.timeout(240)
def test_from_the_first_start_to_the_report(browsers: Browsers, house: House, eventually: Callable[..., Any], tmp_path: Path) -> None:
    speech = tmp_path / "words.wav"
    speech.write_bytes(tone(2.0, 8000))
    address = json.loads((house.site / "data" / "demo.json").read_text("utf-8"))
    switch = EslClient(address["port"], address["password"])

    # first start: the admin has the password that was printed, and chooses another
    admin = browsers.open()
    log_in(admin, "admin", house.one_time_password)
    choose_password(admin, house.one_time_password, OWN)
    assert admin.locator(".banner span").inner_text() == "Simulated switch - no real calls"
    admin.click(".banner a")
    hear_a_call(admin, house)
    mend_publish_and_roll_back(show_editor(admin), house)
    add_a_prompt(admin)
    passwords = {name: add_user(admin, name, role, agent) for name, role, agent in PEOPLE}
    with house.store() as store:
        store.customers.add(read_customer("Li Lei", "gold", "likes mornings", [CALLER]), "tests", time.time()).wait()

    # the agents sit down, at phones that are in hand
    phones = {number: take_in_hand(admin.context.new_page(), number) for number in ("8001", "8002")}
    fang, qiang, boss = browsers.open(), browsers.open(), browsers.open()
    for name, page in (("fang", fang), ("qiang", qiang), ("boss", boss)):
        log_in(page, name, passwords[name])
        choose_password(page, passwords[name], OWN)
    for page, phone in ((fang, "8001"), (qiang, "8002")):  # the demo has seated them already
        page.goto("/console/")
        page.click("[data-verb=log_out]")
        state(page, "Logged out")
        sit_at(page, phone)
    fang.keyboard.press("F2")
    state(fang, "Ready")

    # a caller: the phone rings, the page says who it is, and is answered at the phone
    caller = admin.context.new_page()
    caller.goto("/try/")
    call(caller, NUMBER, caller=CALLER, at=OFFICE_HOURS)
    line(caller, "hears", "您好")
    caller.keyboard.press("0")
    fang.wait_for_selector("#call:not([hidden])")
    assert fang.locator("#who").inner_text() == "Li Lei" and "likes mornings" in fang.locator("#customers").inner_text()
    assert fang.locator("#trail li").count() >= 1
    phones["8001"].click("#answer:enabled")
    state(fang, "Talking")
    caller.wait_for_selector("#display:has-text('Talks with 1001')", timeout=TO_HEAR_MS)

    # passed on with a note, and the colleague sees both
    qiang.keyboard.press("F2")
    state(qiang, "Ready")
    fang.fill("#notes", "wants two copies")
    fang.wait_for_selector("#notes-kept:has-text('Kept.')")
    fang.keyboard.press("F9")
    fang.keyboard.type("1002")
    fang.keyboard.press("Enter")
    qiang.wait_for_selector("#call:not([hidden])")
    qiang.wait_for_selector("#before:has-text('wants two copies')")
    assert qiang.locator("#who").inner_text() == "Li Lei" and "1001" in qiang.locator("#before").inner_text()
    phones["8002"].click("#answer:enabled")
    state(qiang, "Talking")
    state(fang, "Wrap-up")
    dispose(fang)

    # the supervisor allows a break, listens and barges in
    fang.keyboard.press("F4")
    fang.click("#reasons button:has-text('培训')")
    boss.goto("/supervisor/")
    boss.wait_for_selector("#breaks li:has-text('王芳')")
    boss.click("#breaks [data-verb=allow_break]")
    state(fang, "培训")
    boss.fill("#my-phone", "8009")
    boss.click(".own-phone button")
    row = boss.locator("#agents tbody tr:has-text('1002')")
    row.locator(".listen").click()
    own = in_the_talk(switch, "8009", eventually)
    caller.set_input_files("#file", speech)
    eventually(lambda: json.loads(switch.api(f"sim overheard {own}")), "the supervisor's hearing of the caller")
    switch.api(f"sim hangup {own}")
    eventually(lambda: not json.loads(switch.api("sim line 8009")), "the end of the listening")
    row.locator(".more").click()
    boss.click("#agent-dialog [data-verb=barge]")
    boss.click("#sure .yes")
    own = in_the_talk(switch, "8009", eventually)
    before = caller.locator("#log .told").count()
    switch.api(f"sim speak {own} {speech}")
    caller.wait_for_function("before => document.querySelectorAll('#log .told').length > before", arg=before)
    boss.keyboard.press("Escape")

    # the end of the talk, and the caller's mark
    qiang.click("[data-verb=hang_up]")
    state(qiang, "Wrap-up")
    dispose(qiang)
    caller.wait_for_selector("#diagram .here:has-text('survey')", timeout=TO_HEAR_MS)
    caller.click("[data-key='1']")
    with house.store() as store:
        eventually(lambda: [mark.label for mark in store.marks.between(0, 1e12)] == ["满意"], "the caller's mark")
    caller.click("#hang-up")
    caller.wait_for_selector("#call:enabled")

    agree(boss)


PEOPLE = (("fang", "agent", "1001"), ("qiang", "agent", "1002"), ("boss", "supervisor", ""))


def hear_a_call(page: Any, house: House) -> None:
    """The greeting's files come out of the receiver, each loud enough to be heard."""
    page.wait_for_url("**/try/")
    page.evaluate(LISTEN_IN)
    call(page, NUMBER, at=OFFICE_HOURS)
    names = [part.partition(":")[0] for part in heard(page, 2)]
    assert names[:2] == ["circulation", "open"]
    loud = [(peak, bytes(data)) for peak, data in page.evaluate(WHAT_WAS_LOUD)]
    for prompt in ("line/circulation", "hours/open"):
        file = (house.site / "prompts" / "zh-CN" / f"{prompt}.wav").read_bytes()
        assert max(peak for peak, data in loud if data == file) > 0.1, f"{prompt} was not heard"
    page.click("#hang-up")
    line(page, "ended", "caller hung up")


def add_user(admin: Any, name: str, role: str, agent: str) -> str:
    """The password that the admin tells them."""
    admin.goto("/users/")
    admin.fill("#name", name)
    admin.select_option("#role", role)
    admin.select_option("#agent_id", agent)
    admin.click("main form.card button.main")
    return admin.locator("main code").first.inner_text()


def take_in_hand(page: Any, extension: str) -> Any:
    page.goto(f"/try/phone?extension={extension}")
    page.click("#take-button")
    page.wait_for_selector("#display:has-text('On hook')")
    return page


def sit_at(page: Any, phone: str) -> None:
    page.fill("#phone-number", phone)
    page.click("#log-in button")
    page.wait_for_selector(f"#phone:has-text('{phone}')")


def dispose(agent: Any) -> None:
    agent.keyboard.press("F6")
    agent.keyboard.press("Space")
    agent.keyboard.press("Control+Enter")
    agent.wait_for_selector("#call[hidden]", state="attached")


def in_the_talk(switch: EslClient, extension: str, eventually: Callable[..., Any]) -> str:
    """The channel of the supervisor's phone, as soon as it hears the talk: what is said before is lost."""

    def found() -> str:
        channels = [row["uuid"] for row in json.loads(switch.api(f"sim line {extension}"))]
        return next((uuid for uuid in channels if HEARS.search(switch.api(f"uuid_dump {uuid}"))), "")

    return eventually(found, f"phone {extension} in the talk")


def agree(boss: Any) -> None:
    """The report, the spreadsheet made of it and the board say the same of the circulation line."""
    boss.goto("/reports/queues")
    told = [cell.strip() for cell in boss.locator("tbody tr:first-child > *").all_text_contents()]
    with boss.expect_download() as download:
        boss.click("text=XLSX")
    _, row, *_ = cells(Path(download.value.path()).read_bytes())
    assert row[0] == told[0] == "发行热线"
    figures = dict(zip((column.name for column in QUEUE_COLUMNS), row[1:], strict=True))
    units = {name: FORMULAS[name].unit for name in figures}
    for name, value in figures.items():
        figures[name] = value * DAY_SECONDS if value and units[name] == "seconds" else value
    texts = {name: shown(value, units[name]) for name, value in figures.items()}
    assert list(texts.values()) == told[1:]
    assert texts["offered"] == texts["answered"] != "0"
    boss.goto("/board/")
    boss.wait_for_selector("#board .figure")
    board = on_the_board(boss, ".queue >> nth=0 >>")
    both = board.keys() & texts.keys()
    assert len(both) >= 5 and {name: board[name] for name in both} == {name: texts[name] for name in both}


def cells(book: bytes) -> list[list[Any]]:
    """The rows of a spreadsheet's first sheet, as long as its first: texts and numbers, None where nothing stands."""
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        texts = ["".join(item.itertext()) for item in ElementTree.fromstring(parts.read("xl/sharedStrings.xml"))]
        sheet = ElementTree.fromstring(parts.read("xl/worksheets/sheet1.xml"))
    rows = []
    for row in sheet.iter(f"{SHEET}row"):
        values = {}
        for cell in row:
            value = cell.findtext(f"{SHEET}v")
            if value is not None:
                values[cell.attrib["r"].rstrip("0123456789")] = texts[int(value)] if cell.get("t") == "s" else float(value)
        rows.append(values)
    return [[values.get(column) for column in rows[0]] for values in rows]
