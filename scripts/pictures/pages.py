"""Which pages are painted, as whom, and what is done in them first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SETTLE_MS = 700  # live pages are drawn when their first snapshot is there


@dataclass(frozen=True, slots=True)
class Picture:
    """``first``: what is done in the page before it is painted. ``ready``: a selector that is there when it is drawn."""

    name: str
    address: str
    role: str = "admin"
    ready: str = "main h1"
    first: Callable[[Any], None] | None = None
    wall: bool = False  # also at 1920 x 1080
    full: bool = True  # the whole page, not the window


def _first_link(selector: str) -> Callable[[Any], None]:
    def follow(page: Any) -> None:
        if page.locator(selector).count():
            page.click(f"{selector} >> nth=0")
            page.wait_for_load_state()
        else:
            print(f"nothing to follow: {selector} at {page.url}")

    return follow


def _to_one_call(page: Any) -> None:
    for selector in ("main tbody td a", "main tbody th a"):
        _first_link(selector)(page)


def _with_a_finding(page: Any) -> None:
    page.wait_for_selector("#diagram svg .node")
    page.locator("#code .cm-content").focus()
    page.keyboard.press("Control+f")
    page.keyboard.type("go: repair")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.type("go: repairz")
    page.wait_for_selector("#findings li:has-text('repairz')")


def _place_a_call(page: Any) -> None:
    page.fill("#number", "100")
    page.click("#call")
    page.wait_for_selector("#hang-up:enabled")
    page.wait_for_selector("#diagram .here:has-text('main')", timeout=40_000)


def _open_first_dialog(page: Any) -> None:
    page.wait_for_selector("#agents tbody tr")
    if page.locator("#agents .more:visible").count():
        page.locator("#agents .more:visible").first.click()


PICTURES = (
    Picture("log-in", "/log-in", ""),
    Picture("password", "/account/password"),
    Picture("console-call", "/console/", "agent", "#call:not([hidden])"),
    Picture("console-idle", "/console/", "supervisor", "main"),
    Picture("board", "/board/", ready="#board .figure", wall=True),
    Picture("board-wall", "/board/?wall=1", ready="#board .figure", wall=True, full=False),
    Picture("board-settings", "/board/settings"),
    Picture("supervisor", "/supervisor/", "supervisor", "#agents tbody tr", wall=True),
    Picture("supervisor-dialog", "/supervisor/", "supervisor", "#agents tbody tr", _open_first_dialog, full=False),
    Picture("alarms", "/alarms/?show=all"),
    Picture("alarm", "/alarms/?show=all", first=_first_link("main tbody a")),
    Picture("calls", "/calls/", ready="main tbody a"),
    Picture("call", "/calls/", first=_first_link("main tbody a")),
    Picture("try", "/try/", first=_place_a_call, full=True),
    Picture("try-phone", "/try/phone"),
    Picture("flows", "/flows/"),
    Picture("flow", "/flows/file/property", ready="#diagram svg .node", first=_with_a_finding),
    Picture("flow-publish", "/flows/publish"),
    Picture("flow-history", "/flows/history"),
    Picture("flow-compare", "/flows/compare"),
    Picture("prompts", "/prompts/"),
    Picture("prompt", "/prompts/one/zh-CN/line/property", ready=".waveform[data-drawn]"),
    Picture("site", "/site/"),
    Picture("site-queues", "/site/queues/"),
    Picture("site-queue", "/site/queues/one/delivery"),
    Picture("site-agents", "/site/agents/"),
    Picture("site-agent", "/site/agents/one/1001"),
    Picture("site-hours", "/site/hours/"),
    Picture("site-blacklist", "/site/blacklist/"),
    Picture("site-voicemail", "/site/voicemail/"),
    Picture("recordings", "/recordings/"),
    Picture("recording", "/recordings/", first=_first_link("main tbody tr:has(td.number:text-matches('^[0-9]')) a")),
    Picture("report-traffic", "/reports/traffic", "supervisor"),
    Picture("report-queues", "/reports/queues", "supervisor"),
    Picture("report-agents", "/reports/agents", "supervisor"),
    Picture("report-dispositions", "/reports/dispositions", "supervisor"),
    Picture("report-survey", "/reports/survey", "supervisor"),
    Picture("report-callbacks", "/reports/callbacks", "supervisor"),
    Picture("report-calls", "/reports/queues", "supervisor", first=_first_link("main tbody td a")),
    Picture("report-call", "/reports/queues", "supervisor", first=_to_one_call),
    Picture("users", "/users/"),
    Picture("user", "/users/agent"),
    Picture("audit", "/audit/"),
    Picture("log-ins", "/audit/log-ins"),
    Picture("not-found", "/nowhere"),
)
