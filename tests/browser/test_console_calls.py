"""Calls that agents make from their console, by keyboard and by a click on a number; muting; a phone that is told to answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import WAIT_MS, Browsers
from test_console import NUMBER, Centre, holds, opened, pictures, sit_down, state

from tests.acceptance.sim_bench import SimBench

OUTSIDE = "02112345678"
SETTINGS = "[engine]\noutside_numbers = ['021*', '138*']\noutbound_number = '02988880009'\n"


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    with opened(SimBench(tmp_path_factory.mktemp("centre"), SETTINGS)) as made:
        yield made


@pytest.fixture
def browsers(chromium: Any, centre: Centre) -> Iterator[Browsers]:
    made = Browsers(chromium, centre)  # type: ignore[arg-type]
    yield made
    made.close()
    assert made.complaints == []


def phone(centre: Centre, extension: str, **how: Any) -> None:
    reply = centre.bench.api("sim phone " + json.dumps({"extension": extension, "after": 0.5, **how}))
    assert reply.startswith("+OK"), reply


def picture(page: Any, name: str) -> None:
    if pictures():
        page.screenshot(path=pictures() / f"{name}.png", full_page=True)


def dispose(page: Any) -> None:
    state(page, "Wrap-up")
    page.keyboard.press("F6")
    page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#call[hidden]", state="attached")


def test_an_outside_number_by_keyboard_alone(browsers: Browsers, centre: Centre) -> None:
    phone(centre, "8001", behaviour="no_answer", remote=True)
    fang = sit_down(browsers, "fang", "8001")
    fang.keyboard.press("F9")
    fang.keyboard.type("999")
    fang.keyboard.press("Enter")
    holds(fang, "#told", "not allowed")
    picture(fang, "own-1-refused")
    fang.keyboard.press("F9")
    fang.keyboard.press("Control+A")
    fang.keyboard.type("021 1234-5678")
    fang.keyboard.press("Enter")
    state(fang, "Your phone rings")
    fang.wait_for_selector("[data-verb=answer]:not([hidden])")
    picture(fang, "own-2-my-phone-rings")
    fang.keyboard.press("F7")
    state(fang, f"Calling {OUTSIDE}")
    holds(fang, "#facts", "You call")
    picture(fang, "own-3-calling")
    state(fang, "Talking")
    fang.keyboard.press("F10")
    holds(fang, "#muted", "nobody hears you")
    picture(fang, "own-4-muted")
    fang.keyboard.press("F10")
    fang.wait_for_selector("#muted[hidden]", state="attached")
    fang.keyboard.press("F8")
    state(fang, "On hold")
    fang.keyboard.press("F8")
    state(fang, "Talking")
    assert fang.locator("#transfer-button").is_hidden() and fang.locator("#consult-button").is_visible()
    fang.click("[data-verb=hang_up]")
    dispose(fang)
    holds(fang, "#calls", OUTSIDE)
    picture(fang, "own-5-after")


def test_a_click_on_a_number_calls_it_and_a_phone_that_is_deaf_is_told_of(browsers: Browsers, centre: Centre) -> None:
    phone(centre, "8001", behaviour="no_answer")
    fang = sit_down(browsers, "fang", "8001")
    fang.click(f"#calls button:has-text('{OUTSIDE}')")
    state(fang, "Your phone rings")
    fang.click("[data-verb=answer]")
    holds(fang, "#told", "lift the receiver")
    fang.wait_for_selector("[data-verb=answer]", state="hidden")
    picture(fang, "own-6-deaf")
    fang.click("[data-verb=hang_up]")
    fang.wait_for_selector("#call[hidden]", state="attached")


def test_who_is_not_reached_is_told_and_a_colleague_is_called(browsers: Browsers, centre: Centre) -> None:
    phone(centre, "8001", behaviour="answer")
    phone(centre, "8002", behaviour="reject", after=1.0)
    fang, qiang = sit_down(browsers, "fang", "8001"), sit_down(browsers, "qiang", "8002")
    fang.click("#directory summary")
    fang.click("#people button:has-text('Qiang')")
    fang.keyboard.press("Enter")
    holds(fang, "#told", "Qiang has refused the call.")
    phone(centre, "8002", behaviour="answer", after=1.0)
    fang.fill("#number", "1002")
    fang.click("#call-button")
    state(fang, "Talking")
    holds(fang, "#who", "Qiang")
    state(qiang, "Using the phone")
    picture(fang, "own-7-colleague")
    fang.click("[data-verb=hang_up]")
    fang.wait_for_selector("#call-button", timeout=WAIT_MS)
    fang.wait_for_selector("#call[hidden]", state="attached")
    qiang.click("[data-verb=log_out]")
    state(qiang, "Logged out")


def test_in_a_call_a_number_is_where_the_caller_may_go(browsers: Browsers, centre: Centre) -> None:
    phone(centre, "8001", behaviour="answer")
    fang = sit_down(browsers, "fang", "8001", width=390, height=844, theme="dark")
    fang.click("[data-verb=ready]")
    caller = centre.bench.call(NUMBER, script=[{"wait": 0.5}, {"press": "1"}])
    state(fang, "Talking")
    fang.click("#customers button.number")
    assert fang.locator("#number").input_value() == "13800138000" and fang.locator("#call-button").is_hidden()
    picture(fang, "own-8-narrow")
    caller.hang_up()
    dispose(fang)
