"""The telephone in the page: prompts are really played, keys and speech reach the call, and a second tab is the agent."""

from __future__ import annotations

import math
import os
import struct
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TO_HEAR_MS = 30_000  # prompts take their time


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Two seconds that are loud enough for speech."""
    path = tmp_path / "words.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(n / 6))) for n in range(16_000)))
    return path


@pytest.fixture
def telephone(browsers: Any) -> Iterator[Any]:
    page = browsers.open("admin")
    page.goto("/try/")
    yield page
    if page.locator("#hang-up:enabled").count():
        page.click("#hang-up")
        page.wait_for_selector("#call:enabled")


def heard(page: Any, count: int) -> list[str]:
    """``name:seconds`` of what the audio element has played to the end, as soon as there are ``count``."""
    until = time.monotonic() + TO_HEAR_MS / 1000
    while len(found := page.evaluate("document.querySelector('#ear').dataset.heard ?? ''").split()) < count:
        assert time.monotonic() < until, f"only {found} was played: {page.inner_text('#log')}"
        page.wait_for_timeout(50)
    return found


def call(page: Any, number: str, **fields: str) -> None:
    page.fill("#number", number)
    if fields:
        page.click(".telephone summary")
    for name, value in fields.items():
        (page.select_option if name in ("language", "flows") else page.fill)(f"#{name}", value)
    page.click("#call")
    page.wait_for_selector("#hang-up:enabled")


def line(page: Any, kind: str, text: str) -> None:
    page.wait_for_selector(f"#log .{kind}:has-text('{text}')", timeout=TO_HEAR_MS)


def plays(page: Any) -> bool:
    return page.evaluate("!document.querySelector('#ear').paused")


def pressed(page: Any, key: str) -> None:
    page.click(f"[data-key='{key}']")
    line(page, "key", key)


def test_a_hot_line_is_heard_and_a_message_left(telephone: Any, house: Any, speech: Path, eventually: Any) -> None:
    page = telephone
    call(page, "100", at="2026-09-22T10:00", name="<b>Wang</b> & Li")
    assert page.locator("#call").is_disabled()
    line(page, "hears", "您好")
    ended = [part.split(":") for part in heard(page, 2)]
    assert [name for name, _ in ended[:2]] == ["circulation", "open"]  # office hours, because of the chosen time
    for prompt, (_, seconds) in zip(("line/circulation", "hours/open"), ended, strict=False):  # really played, to the end
        with wave.open(str(house.site / "prompts" / "zh-CN" / f"{prompt}.wav")) as file:
            assert abs(float(seconds) - file.getnframes() / file.getframerate()) < 0.3
    page.wait_for_selector("#diagram .here:has-text('main')", timeout=TO_HEAR_MS)

    eventually(lambda: plays(page), "the menu's prompt")
    page.keyboard.press("3")  # on the keyboard, into the prompt: it is cut
    line(page, "step", "main choice (留言)")
    page.wait_for_selector("#flow-name:text-is('回复电话')")
    page.wait_for_selector("#diagram .here:has-text('offer')")
    pressed(page, "1")
    page.wait_for_selector("#diagram .here:has-text('take_message')")
    assert page.text_content("#variables dt:has-text('callback_number') + dd") == "13800138000"

    line(page, "hears", "beep")
    page.wait_for_timeout(4000)  # the prompt before the beep, and the beep
    page.set_input_files("#file", speech)
    line(page, "says", "2 ")
    page.wait_for_timeout(2500)
    page.click("[data-key='#']")
    line(page, "step", "take_message")
    line(page, "ended", "completed")
    assert page.locator("#hang-up").is_disabled() and page.locator("#call").is_enabled()
    with house.store() as store:
        newest = store.calls.recent(limit=1)[0]
        (message,) = store.messages.of_call(newest.call_id)
    assert newest.name == "<b>Wang</b> & Li" and 1800 <= message.duration_ms <= 6000
    page.click("#record a")
    assert "<b>Wang</b> & Li" in page.text_content("main")


def test_what_plays_is_cut_by_a_key_and_by_hanging_up(telephone: Any, eventually: Any) -> None:
    page = telephone
    call(page, "100")
    line(page, "hears", "您好")
    eventually(lambda: plays(page), "the greeting")
    page.keyboard.press("0")
    line(page, "key", "0")
    page.wait_for_selector("#display:has-text('circulation'), #display:has-text('Talks with')", timeout=TO_HEAR_MS)
    page.click("#hang-up")
    line(page, "ended", "caller hung up")
    assert not plays(page)


def test_a_second_tab_is_the_agent(telephone: Any, speech: Path, eventually: Any) -> None:
    caller, agent, colleague = telephone, telephone.context.new_page(), telephone.context.new_page()
    for page, phone in ((agent, "8007"), (colleague, "8008")):  # all who serve the queue, so that nobody's script answers
        page.goto(f"/try/phone?extension={phone}")
        page.select_option("#agent", phone.replace("8", "1", 1))  # who may be on a break of their own
        page.click("#take-button")
        page.wait_for_selector("#display:has-text('On hook')")
    assert "1007 · READY" in agent.text_content("#agent-state")
    call(caller, "02988880003", caller="13911112222", at="2026-09-22T10:00")
    line(caller, "hears", "您好")
    caller.keyboard.press("0")
    caller.wait_for_selector("#display:has-text('property')", timeout=TO_HEAR_MS)
    agent.wait_for_selector("#answer:enabled", timeout=TO_HEAR_MS)
    assert "13911112222" in agent.text_content("#display")
    eventually(lambda: plays(agent), "the ringing")
    agent.click("#answer")
    agent.wait_for_selector("[data-key='1']:enabled")
    line(agent, "hears", "")
    agent.wait_for_timeout(500)
    agent.click("[data-key='1']")  # the queue asks for a key after answering
    caller.wait_for_selector("#display:has-text('Talks with 1007')", timeout=TO_HEAR_MS)
    agent.wait_for_selector("#display:has-text('Talks with')")
    agent.set_input_files("#file", speech)
    line(caller, "told", "hears the other person")
    caller.click("#speak")  # Chromium's own microphone of tests, which beeps
    line(agent, "told", "hears the other person")
    caller.wait_for_timeout(1500)
    caller.click("#speak")
    said = float(agent.evaluate("document.querySelector('#ear').dataset.told"))
    assert said > 1.0 and caller.locator("#log .says").count() == 1  # in pieces, told as one
    agent.click("#hang-up")
    line(caller, "hears", "")
    agent.wait_for_selector("#agent-state:has-text('WRAP UP')")
    agent.click("#ready")
    agent.wait_for_selector("#agent-state:has-text('IDLE')")
    agent.click("#give-back")
    agent.wait_for_selector("#take:visible")
    colleague.click("#give-back")
    colleague.wait_for_selector("#take:visible")


def test_what_cant_be_called_or_said_is_told(telephone: Any, tmp_path: Path) -> None:
    page = telephone
    page.fill("#number", "77777")
    page.click("#call")
    page.wait_for_selector("#problem:has-text('No flow answers')")
    call(page, "100")
    (tmp_path / "no.wav").write_text("<script>alert(1)</script>")
    page.set_input_files("#file", tmp_path / "no.wav")
    page.wait_for_selector(".flash.error:has-text('no sound')")


def test_who_leaves_the_page_has_hung_up(telephone: Any, house: Any, eventually: Any) -> None:
    call(telephone, "100", caller="13700000001")
    line(telephone, "hears", "您好")
    telephone.goto("/calls/")
    with house.store() as store:
        eventually(lambda: any(row.number == "13700000001" and row.ended_at for row in store.calls.recent()), "the end of the call")
    telephone.goto("/try/")


@pytest.mark.parametrize(
    ("width", "theme", "language"), [(1440, "light", "en"), (390, "dark", "zh-CN"), (1440, "dark", "zh-CN"), (390, "light", "en")]
)
def test_it_fits(browsers: Any, width: int, theme: str, language: str) -> None:
    page = browsers.open("admin", width=width, theme=theme, language=language, has_touch=width < 500)
    page.goto("/try/")
    call(page, "100")
    page.wait_for_selector("#diagram .here", timeout=TO_HEAR_MS)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if directory := os.environ.get("IVRENGINE_PICTURES"):
        page.screenshot(path=f"{directory}/try-{width}-{theme}-{language}.png", full_page=True)
        page.goto("/try/phone")
        page.click("#take-button")
        page.wait_for_selector("#give-back:visible")
        page.screenshot(path=f"{directory}/phone-{width}-{theme}-{language}.png", full_page=True)
        page.click("#give-back")
        page.wait_for_selector("#take:visible")
    else:
        (page.tap if width < 500 else page.click)("#hang-up")
        page.wait_for_selector("#call:enabled")
