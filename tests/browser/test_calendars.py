"""An office manager changes the hours without a word of YAML: a day by clicking it, the week by times, then publishes."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from test_accessible import AXE, TAGS

DRAFT = "/site/hours/draft/office"
PICTURES = os.environ.get("IVRENGINE_PICTURES", "")


@pytest.fixture
def file(house: Any) -> Any:
    """The draft, put back afterwards."""
    path = house.site / "flows" / "calendars.yml"
    before = path.read_text()
    yield path
    path.write_text(before)


def violations(page: Any, name: str) -> list[str]:
    page.evaluate(AXE.read_text("utf-8"))
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)
    found = page.evaluate("tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", TAGS)
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found["violations"]]


def test_a_day_is_clicked_named_and_published(browsers: Any, file: Any) -> None:
    page = browsers.open("admin")
    page.goto("/site/hours/?calendar=office&month=2026-12")
    page.click("text=Change its hours and holidays")
    cell = page.locator("td", has=page.get_by_role("link", name=re.compile("Change Thu 24")))
    cell.click(position={"x": 60, "y": 60})  # anywhere in the day
    page.wait_for_selector("#day")
    page.check("[name=kind][value=label]")
    page.select_option("[name=label]", "holiday")
    page.fill("#until", "2026-12-25")
    page.fill("#note", "Feast")
    page.click("text=Keep this day")
    page.wait_for_selector("text=Kept as a draft")
    assert "Holiday" in cell.inner_text() and "Feast" in cell.inner_text()
    assert "    2026-12-24..2026-12-25: holiday  # Feast\n" in file.read_text() and "# stock-taking" in file.read_text()
    page.goto("/site/hours/?calendar=office&month=2026-12")
    assert "Holiday" not in page.locator("td[data-name^='Thu 24']").inner_text()  # callers are told what is published
    page.goto(DRAFT)
    page.click("text=Look at the difference and publish")
    page.wait_for_selector("text=2026-12-24..2026-12-25")
    page.click("main form button.main")
    page.wait_for_url("**/flows/history")
    page.goto("/site/hours/?calendar=office&month=2026-12")
    assert "Holiday" in page.locator("td[data-name^='Thu 24']").inner_text()


@pytest.mark.parametrize("look", [{"width": 1440}, {"width": 390, "height": 844, "theme": "dark", "language": "zh-CN"}])
def test_the_week_is_changed_by_times_and_a_faster_colleague_is_seen(browsers: Any, file: Any, look: Any) -> None:
    page = browsers.open("admin", **look)
    page.goto(DRAFT)
    week = page.locator(".weekday")
    week.nth(5).locator(".more").click()
    week.nth(5).locator("[type=time]").nth(0).fill("09:00")
    week.nth(5).locator("[type=time]").nth(1).fill("12:00")
    week.nth(6).locator(".copy").click()
    week.nth(6).locator(".more").click()
    week.nth(6).locator("[type=time]").nth(2).fill("22:00")
    week.nth(6).locator("[type=time]").nth(3).fill("06:00")
    theirs = file.read_text().replace("name: Newspaper office", "name: Daily office")
    file.write_text(theirs)
    page.locator("form:has(.week) button.main").click()
    page.wait_for_selector(".both")
    assert "Daily office" in page.locator(".both").inner_text() and file.read_text() == theirs
    assert violations(page, f"stale-{look['width']}") == []
    page.locator("main form button.main").click()
    page.wait_for_selector(".week")
    text = file.read_text()
    assert "sat: {open: 09:00-12:00}\n    sun: {open: [09:00-12:00, 22:00-06:00]}" in text and "name: Daily office" in text
    page.locator(".weekday").nth(6).locator(".drop").nth(1).click()
    assert page.locator(".weekday").nth(6).locator(".span").count() == 1


def test_an_error_stands_at_its_field_and_lost_comments_are_told_first(browsers: Any, file: Any) -> None:
    page = browsers.open("admin")
    page.goto(DRAFT)
    page.fill("#zone", "Mars/Base")
    page.locator("form:has(#zone) button.main").click()
    page.wait_for_selector("#zone-note.problem")
    assert page.get_attribute("#zone", "aria-invalid") == "true"
    assert violations(page, "error") == []
    file.write_text("shop: {zone: Asia/Shanghai, weekly: {mon-fri: {open: 09:00-18:00}}}   # the small one\n" + file.read_text())
    page.goto("/site/hours/draft/shop")
    page.fill("#title", "Shop")
    page.locator("form:has(#zone) button.main").click()
    page.wait_for_selector("text=the small one")
    assert violations(page, "confirm") == [] and "name: Shop" not in file.read_text()
    page.locator("main form button.main").click()
    page.wait_for_selector("text=Kept as a draft")
    assert "name: Shop" in file.read_text()
