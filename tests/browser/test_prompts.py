"""An admin brings a recording in, sees and hears it, and takes it back; and looks at what the site consists of."""

from __future__ import annotations

import io
import math
import struct
import wave
from typing import Any

import pytest
from test_accessible import LOOKS, look

PAGES = (
    "/prompts/one/zh-CN/line/property", "/site/queues/", "/site/queues/one/delivery", "/site/agents/one/1001", "/site/hours/",
    "/site/blacklist/", "/site/voicemail/",
)  # fmt: skip
NAME = "tests/greeting"


def tone(seconds: float, rate: int = 16000) -> bytes:
    """A WAV file with a hum."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, rate, 0, "NONE", ""))
        for place in range(int(seconds * rate)):
            writer.writeframesraw(struct.pack("<h", int(9000 * math.sin(place / 6))))
    return file.getvalue()


def upload(page: Any, seconds: float) -> None:
    page.set_input_files("#files", {"name": "any.wav", "mimeType": "audio/wav", "buffer": tone(seconds)})
    page.click(".drop ~ button.main, form.card:has(.drop) button.main")
    page.wait_for_selector(".flash")


def heard_seconds(page: Any) -> float:
    """Plays the prompt in the page to its end."""
    return page.evaluate("""async () => {
        const player = document.querySelector(".waveform audio");
        const ended = new Promise((done) => player.addEventListener("ended", done));
        player.playbackRate = 4;
        await player.play();
        await ended;
        return player.duration;
    }""")


def add_a_prompt(page: Any) -> None:
    """An admin brings a second of hum in, sees it and hears it."""
    page.goto("/prompts/?language=en-US")
    page.select_option("#language", "en-US")
    page.fill("#name", NAME)
    upload(page, 1.0)
    assert "is added" in page.text_content(".flash") and NAME in page.text_content("h1")
    page.wait_for_selector(".waveform[data-drawn]")
    painted = "() => document.querySelector('.waveform canvas').getContext('2d').getImageData(0, 40, 100, 1).data.some((byte) => byte)"
    assert page.evaluate(painted) and abs(heard_seconds(page) - 1.0) < 0.05


def test_a_recording_is_uploaded_heard_replaced_and_taken_back(browsers: Any) -> None:
    page = browsers.open("admin")
    add_a_prompt(page)

    upload(page, 2.0)
    assert "is replaced" in page.text_content(".flash") and abs(heard_seconds(page) - 2.0) < 0.05
    page.click(".former form button")
    page.wait_for_selector(".flash")
    assert "as it was" in page.text_content(".flash") and abs(heard_seconds(page) - 1.0) < 0.05

    page.goto("/prompts/?language=en-US&q=greeting")
    page.click("button.listen >> nth=0")
    page.wait_for_selector("button.listen[aria-pressed=true]")
    page.wait_for_selector("button.listen[aria-pressed=false]")


def test_what_is_no_sound_is_refused_in_the_page(browsers: Any) -> None:
    page = browsers.open("admin")
    page.goto("/prompts/?language=en-US")
    page.set_input_files("#files", {"name": "noise.wav", "mimeType": "audio/wav", "buffer": b"<script>alert(1)</script>" * 40})
    page.click("form.card:has(.drop) button.main")
    page.wait_for_selector(".flash.error")
    assert "is refused" in page.text_content(".flash.error")


def test_a_queue_is_changed_and_a_mistake_stands_at_its_field(browsers: Any, house: Any) -> None:
    page = browsers.open("admin")
    page.goto("/site/queues/")
    page.click("tbody a >> nth=0")
    name = page.text_content("h1").split()[0]
    page.fill("#ring", "soon")
    page.click("main form.card button.main")
    assert "is not a duration" in page.text_content("#ring-note")
    page.fill("#ring", "21s")
    page.click("main form.card button.main")
    page.wait_for_selector(".flash")
    with house.store() as store:
        assert store.site.load().queue(name).ring_seconds == 21.0


def test_a_supervisor_says_closed_and_takes_it_back(browsers: Any) -> None:
    page = browsers.open("supervisor", width=390, height=844)
    page.goto("/site/")
    page.click("a[href='/site/hours/'] >> nth=0")
    page.select_option("#state", "closed")
    page.select_option("#lasts", "permanent")
    page.click("form:has(#state) button.main")
    page.wait_for_selector(".badge.warn")
    page.click("form[action$='/clear'] button")
    page.wait_for_selector(".flash")
    assert page.locator(".badge.warn").count() == 0


@pytest.mark.parametrize("kind", LOOKS)
def test_the_pages_below_have_no_violation(browsers: Any, kind: str) -> None:
    page = browsers.open("admin", **LOOKS[kind])
    problems = []
    for address in PAGES:
        page.goto(address)
        problems += look(page, f"admin-{address.strip('/').replace('/', '-')}-{kind}")
    assert problems == []
