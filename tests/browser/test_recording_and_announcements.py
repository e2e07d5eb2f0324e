"""A prompt recorded on a phone that a second tab has in hand; announcements from the supervisor's page to an agent's desk; numbers."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path
from typing import Any

import pytest
from test_accessible import LOOKS, look

TO_HEAR_MS = 40_000  # prompts are played to their ends
NAME = "tests/by_phone"
PAGES = (
    "/prompts/one/en-US/record/speak", "/prompts/?language=en-US", "/site/announcements/", "/site/announcements/one/1", "/site/numbers/",
)  # fmt: skip


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Two seconds that are loud enough for speech."""
    path = tmp_path / "words.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(place / 6))) for place in range(16_000)))
    return path


def told(page: Any, words: str) -> None:
    page.wait_for_selector(f"#take-told:has-text('{words}')", timeout=TO_HEAR_MS)


def test_a_prompt_is_spoken_on_a_phone_heard_again_and_kept(browsers: Any, speech: Path, house: Any) -> None:
    page = browsers.open("admin")
    phone = page.context.new_page()
    phone.goto("/try/phone?extension=8009")
    phone.click("#take-button")
    phone.wait_for_selector("#display:has-text('On hook')")
    page.goto("/prompts/?language=en-US")
    page.fill("#new_name", NAME)
    page.click("form:has(#new_name) button")
    page.wait_for_selector("#take")
    page.fill("#phone", "8009")
    page.click("#take-form button.main")
    told(page, "Phone 8009 rings")
    phone.click("#answer")
    told(page, "Speak after the tone")
    told(page, "Recording")
    phone.set_input_files("#file", speech)
    phone.wait_for_timeout(2500)  # to speak takes its time
    phone.click("[data-key='#']")
    told(page, "s were recorded")
    assert look(page, "recording-by-phone") == []
    assert page.is_visible("#take-sound") and page.evaluate("""async () => {
        const player = document.querySelector("#take-sound");
        await new Promise((done) => { player.addEventListener("loadedmetadata", done); player.preload = "metadata"; player.load(); });
        return player.duration;
    }""") > 1.5  # fmt: skip
    page.click("#take-choices [data-key='1']")  # said in the page; on the phone the key would do
    told(page, "Kept")
    page.wait_for_selector(".waveform[data-drawn]")
    assert "recorded" in page.text_content("main")
    with house.store() as store:
        (row,) = [each for each in store.audit.recent(target=f"prompt {NAME}") if each.verb == "record_prompt"]
    assert row.who == "user admin"
    phone.wait_for_selector("#display:has-text('On hook')", timeout=TO_HEAR_MS)
    phone.click("#give-back")
    phone.wait_for_selector("#take:visible")


def test_the_page_may_be_closed_and_a_recording_ended_from_another(browsers: Any) -> None:
    page = browsers.open("admin")
    page.goto("/prompts/one/en-US/record/speak")
    page.fill("#phone", "13800138000")
    page.click("#take-form button.main")
    told(page, "Outside numbers are not rung")
    page.fill("#phone", "8008")
    page.click("#take-form button.main")
    told(page, "Phone 8008 rings")
    page.goto("/prompts/one/en-US/record/kept")
    told(page, "another prompt: record/speak")
    page.click("#take-choices [data-key='3']")
    page.wait_for_selector("#take-form:visible")
    page.goto("/prompts/one/en-US/record/speak")
    told(page, "Nothing was changed")


def test_what_a_supervisor_announces_is_on_the_desk_until_it_is_read(browsers: Any) -> None:
    agent, boss = browsers.open("agent"), browsers.open("supervisor")
    agent.goto("/console/")
    agent.wait_for_selector("#badge:not(:has-text('...'))")
    boss.goto("/site/announcements/")
    boss.fill("#title", "Fire drill at three")
    boss.fill("#text", "Leave by the stairs.\nDon't end calls.")
    boss.check("[name=important]")
    boss.click("form.card button.main")
    boss.wait_for_selector(".notice.important")
    agent.wait_for_selector("#notices .notice.important:has-text('Leave by the stairs')")
    agent.reload()
    agent.wait_for_selector("#notices .notice.important:has-text('Fire drill')")
    assert look(agent, "console-announcement") == []
    agent.click("#notices .notice .done")
    agent.wait_for_selector("#notices-read-box:visible")
    assert agent.locator("#notices-unread .notice").count() == 0
    boss.reload()
    assert "Read by 1 of" in boss.text_content(".notice")
    boss.click(".notice form button.danger")
    boss.wait_for_selector(".flash")
    agent.wait_for_selector("#notices", state="hidden")


def test_a_number_is_led_elsewhere_in_the_draft_and_back(browsers: Any, house: Any) -> None:
    page = browsers.open("admin")
    page.goto("/site/numbers/")
    row = "tr:has(.dialled:text-is('100'))"
    before = page.input_value(f"{row} select")
    other = "property" if before != "property" else "delivery"
    page.click(f"{row} summary")
    page.select_option(f"{row} select", other)
    page.click(f"{row} button")
    page.wait_for_selector(".flash:has-text('before you publish')")
    assert page.locator(f"{row} .badge.warn").count() == 1
    page.click(f"{row} a[href*='#line-']")
    page.wait_for_selector(".cm-content:has-text('\"100\"')")
    page.goto("/site/numbers/")
    page.click(f"{row} summary")
    page.select_option(f"{row} select", before)
    page.click(f"{row} button")
    page.wait_for_selector(".flash")
    assert page.locator(f"{row} .badge.warn").count() == 0


@pytest.mark.parametrize("kind", LOOKS)
def test_the_pages_have_no_violation(browsers: Any, kind: str, house: Any) -> None:
    page = browsers.open("admin", **LOOKS[kind])
    problems = []
    for address in PAGES:
        page.goto(address)
        problems += look(page, f"b2-{address.strip('/').replace('/', '-').replace('?', '-')}-{kind}")
    assert problems == []
