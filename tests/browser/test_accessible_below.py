"""The pages that no menu shows, looked at like those of the menu: forms with what is wrong in them, one record's page, refusals, links."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import soundfile
from test_accessible import LOOKS, look

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import KeepMessage, LogStep, RaiseAlarm
from ivrengine.domain.sentence import Sentence

ITEM = "below-1"
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def records(house: Any) -> str:
    """An answered and recorded call, a message, an alarm."""
    now = time.time()
    sound = np.zeros((8000 * 2, 2), np.int16)
    sound[2000:6000, 0], sound[9000:14000, 1] = 9000, 6000
    recording, message = house.site / "data" / "recordings" / f"{ITEM}.wav", house.site / "data" / "voicemail" / "below.wav"
    for path, channels in ((recording, 2), (message, 1)):
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound[:, :channels], 8000, subtype="PCM_16")
    with house.store() as store:
        queue = store.site.load().queues[0].name
        call = CallInfo(ITEM, "100", "13800138000", "Zhang", now - 100)
        store.calls.begin(call, "circulation", "v1")
        store.steps.log(ITEM, LogStep(0, "circulation", "v1", "main", "menu", now - 100, now - 95, "choice", "delivery", "1"))
        store.segments.begin(ITEM, ITEM, ITEM, "t", queue, "13800138000", now - 90)
        store.attempts.begin(f"{ITEM}/1", ITEM, "1001", "8001", "leg-b", now - 80)
        store.attempts.bridged(f"{ITEM}/1", now - 70)
        store.segments.ended(ITEM, "answered", now - 70, 20.0, "1001", f"{ITEM}/1")
        store.segments.talked(ITEM, 40.0, 0.0, now - 30)
        store.attempts.ended(f"{ITEM}/1", "talked", now - 30)
        store.segments.wrapped_up(ITEM, 5.0, "11")
        store.segments.recording(ITEM, str(recording), 2000)
        store.calls.end(ITEM, now - 20, "caller", "NORMAL_CLEARING", "completed")
        store.messages.keep(KeepMessage("general", str(message), 2000, "13800138000"), call, now - 15)
        reason = Sentence("there is no prompt %(name)s in %(language)s", name="x", language="en-US")
        store.alarms.raise_(RaiseAlarm("prompt_failed", reason, "line:main"), now - 10).wait()
    return queue


def sent(address: str, fields: dict[str, str], button: str = "main form button.main") -> Callable[[Any], None]:
    """A form, filled in so that it is refused."""

    def go(page: Any) -> None:
        page.goto(address)
        for selector, value in fields.items():
            page.fill(selector, value)
        page.eval_on_selector_all("main form", "forms => forms.forEach(form => { form.noValidate = true })")
        page.locator(button).first.click()
        page.wait_for_load_state()

    return go


def at(address: str, *selectors: str) -> Callable[[Any], None]:
    """An address, then what is clicked there."""

    def go(page: Any) -> None:
        page.goto(address)
        for selector in selectors:
            page.locator(selector).first.click()
            page.wait_for_load_state()

    return go


PAGES: dict[str, dict[str, Callable[[Any], None]]] = {
    "": {
        "log-in-wrong": sent("/log-in", {"#name": "admin", "#password": "wrong"}),
    },
    "agent": {
        "refused": at("/users/"),
    },
    "supervisor": {
        "recording": at(f"/recordings/{ITEM}"),
        "recording-search-wrong": at("/recordings/?number=abc&least=x"),
        "recording-mark-wrong": sent(f"/recordings/{ITEM}", {"#comment": "no mark chosen"}),
        "report-queues": at("/reports/queues"),
        "report-period-wrong": at("/reports/traffic?from=2026-09-02&to=2026-09-01"),
        "report-drill-down": at("/reports/queues", "tbody td a[href*=behind]"),
        "report-call": at(f"/reports/call/{ITEM}/"),
        "way-of-a-call": at(f"/calls/{ITEM}"),
        "alarm": at("/alarms/one?code=prompt_failed&place=line:main"),
        "compare": at("/flows/compare"),
        "voicemail": at("/site/voicemail/"),
    },
    "admin": {
        "queue-wrong": sent("/site/queues/add", {"#own_name": "Not A Name", "#ring": "soon"}),
        "queue": at("/site/queues/one/circulation"),
        "agent": at("/site/agents/one/1001"),
        "agent-wrong": sent("/site/agents/one/1001", {"#extension": "x"}),
        "calendar": at("/site/calendars/"),
        "user-wrong": sent("/users/", {"#name": "no good name!"}),
        "prompt": at("/prompts/", "tbody a"),
        "try-phone": at("/try/phone"),
        "editor": at("/flows/file/circulation"),
        "history": at("/flows/history"),
    },
}


@pytest.mark.parametrize("role", PAGES)
@pytest.mark.parametrize("kind", LOOKS)
def test_no_page_below_has_a_violation(browsers: Any, records: str, kind: str, role: str) -> None:
    page, problems = browsers.open(role, **LOOKS[kind]), []
    for name, go in PAGES[role].items():
        go(page)
        problems += look(page, f"below-{role or 'nobody'}-{name}-{kind}")
        if kind.endswith("zh") and name.endswith("wrong"):
            problems += [f"{name}: English: {text}" for text in told(page) if not CHINESE.search(text)]
    if not role:
        problems += by_the_link(browsers, kind)
    assert problems == []


def told(page: Any) -> list[str]:
    """What the page says is wrong."""
    found = page.locator("main .problem:visible, main .alarm:visible").all_text_contents()
    assert found, f"{page.url}: nothing is said to be wrong"
    return [text.strip() for text in found]


def by_the_link(browsers: Any, kind: str) -> list[str]:
    """The wallboard, by its link."""
    with browsers.house.store() as store:
        key = store.users.key("wallboard")
    page = browsers.open("", **LOOKS[kind])
    page.goto(f"/board/?wall=1&key={key}")
    page.goto("/board/?wall=1")
    assert "log-in" not in page.url and key not in page.url
    return look(page, f"below-wall-{kind}")
