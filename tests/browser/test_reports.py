"""A supervisor's way from a figure to one call: the report agrees with the board, its files are downloaded, the call's timeline is read."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from test_accessible import look

from ivrengine.acd.figures import FORMULAS, shown
from ivrengine.config import load_settings
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import KeepMark, LogStep
from ivrengine.reports.board import board

LOOKS = (("desk-light-en", 1440, "light", "en"), ("phone-dark-zh", 390, "dark", "zh-CN"), ("desk-dark-en", 1440, "dark", "en"),
         ("phone-light-en", 390, "light", "en"))  # fmt: skip


@pytest.fixture(scope="module")
def day(house: Any) -> str:
    """Some hours of traffic in a queue of the site, as far back as today reaches; the id of an answered call."""
    now = time.time()
    with house.store() as store:
        queue = store.site.load().queues[0].name
        for number in range(60):
            item, at = f"report-{number:03}", now - 60.0 - number * 7.0
            store.calls.begin(CallInfo(item, "100", f"1380013{number:04}", "Zhang", at - 40), "circulation", "v1")
            store.steps.log(item, LogStep(0, "circulation", "v1", "main", "menu", at - 40, at - 35, "choice", "delivery", "1"))
            store.segments.begin(item, item, item, "t", queue, f"1380013{number:04}", at - 30)
            if number % 4:
                store.attempts.begin(f"{item}/1", item, "1001", "8001", f"leg-{number}", at - 10)
                store.attempts.bridged(f"{item}/1", at)
                store.segments.ended(item, "answered", at, 30.0 - number % 25, "1001", f"{item}/1")
                store.segments.talked(item, 40.0, 5.0, at + 45)
                store.attempts.ended(f"{item}/1", "talked", at + 45)
                store.segments.wrapped_up(item, 12.0, ("complaint", "question")[number % 2])
                store.marks.keep(KeepMark("service", "friendly", str(1 + number % 5), "good", ""), item, at + 50)
            else:
                store.segments.ended(item, "abandoned", at, 30.0)
            store.calls.end(item, at + 60, "caller", "NORMAL_CLEARING", "completed").wait()
        store.callbacks.request("report-callback", queue, "13800999999", now - 50).wait()
    return "report-001"


def test_from_the_report_to_the_call_and_into_a_spreadsheet(browsers: Any, house: Any, day: str) -> None:
    page = browsers.open("supervisor")
    page.goto("/reports/")
    if page.locator("[data-curves]").count():  # not in the first hour of a day
        page.wait_for_selector(".curves canvas")
    page.click("nav.tabs a[href$=queues]")
    answered = int(page.text_content("tbody tr:first-child td:nth-child(4)"))
    with house.store() as store:
        row = board(store, time.time(), ZoneInfo(load_settings(house.site).engine.timezone)).queues[0]
    assert answered == row.figures.answered >= 45
    told = page.locator("tbody tr:first-child td").all_text_contents()
    assert told[9] == shown(row.figures.service_level_negative, FORMULAS["service_level_negative"].unit)
    page.click("details.formulas summary")
    assert "answered in time / offered" in page.text_content("details.formulas dl")

    with page.expect_download() as download:
        page.click("text=CSV")
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_bytes().decode("utf-8-sig"))))
    assert rows[1][3] == str(answered) and download.value.suggested_filename.endswith(".csv")
    with page.expect_download() as download:
        page.click("text=XLSX")
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"

    page.click("tbody tr:first-child td:nth-child(4) a")
    page.wait_for_selector("h1:has-text('What the figure counts')")
    assert page.locator("tbody tr").count() == min(answered, 200)
    assert "13800130001" in page.content(), "a supervisor sees whole numbers"
    page.click(f"a[href='/reports/call/{day}/']")
    page.wait_for_selector("table.timeline")
    events = page.locator("table.timeline tbody th").all_text_contents()
    assert [each for each in events if each in ("Talk", "Offered to", "Call ends")] == ["Offered to", "Talk", "Call ends"]


def test_a_period_that_is_too_long_says_what_to_choose(browsers: Any, house: Any) -> None:
    page = browsers.open("supervisor")
    page.goto("/reports/traffic?from=2026-01-01&to=2026-06-30&by=hour")
    assert "at most 31 days" in page.text_content("#from-note")
    page.select_option("#by", "day")
    page.click("form.period button")
    page.wait_for_selector("section table")
    assert page.locator("tbody tr").count() == 181 or page.locator("section p").count()


@pytest.mark.parametrize(("name", "width", "theme", "language"), LOOKS)
def test_every_report_fits_its_window_and_axe_finds_nothing(
    browsers: Any, day: str, name: str, width: int, theme: str, language: str
) -> None:
    page = browsers.open("supervisor", width=width, theme=theme, language=language)
    problems = []
    paths = ("traffic", "queues", "agents", "dispositions", "survey", "callbacks", f"call/{day}/", "behind/waits/?since=0&until=2e9")
    for path in paths:
        page.goto(f"/reports/{path.replace('since=0&until=2e9', f'since={time.time() - 86400:.0f}&until={time.time():.0f}')}")
        if page.locator("[data-curves]").count():
            page.wait_for_selector(".curves canvas")
        problems += look(page, f"reports-{path.split('?')[0].replace('/', '-').strip('-')}-{name}")
    assert problems == []
