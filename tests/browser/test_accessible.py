"""Every page is looked at with axe, on a desk and on a phone, light and dark, in both languages; none may have a violation.

The pages of the menu are found by themselves; those below them are named in BELOW. With IVRENGINE_PICTURES=DIRECTORY each page is
painted into it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
PICTURES = os.environ.get("IVRENGINE_PICTURES", "")
# Below the pages of the menu: a page's address, or what leads to it: (page of the menu, selector of a link)
BELOW: tuple[str | tuple[str, str], ...] = (
    "/account/password",
    "/users/agent",
    "/audit/log-ins",
    "/nowhere",
    "/board/?wall=1",
    "/board/settings",
    "/alarms/?show=all",
    ("/alarms/", "tbody a"),
    ("/calls/", "tbody a"),
    "/flows/file/circulation",
    "/flows/file/calendars",
    "/flows/publish",
    "/flows/history",
    "/flows/compare",
    "/site/hours/draft/",
    "/site/hours/draft/office?month=2026-12&day=2026-12-31",
)
PUBLIC = ("/log-in",)
LOOKS = {
    "desk-light-en": {"width": 1440, "theme": "light", "language": "en"},
    "phone-dark-zh": {"width": 390, "height": 844, "theme": "dark", "language": "zh-CN"},
}
# best-practice rules too: landmarks, order of headings, empty headings
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def look(page: Any, name: str) -> list[str]:
    """What axe finds, a line each; and whether the page is wider than its window."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", TAGS)
    told = [
        f"{page.url}: {violation['id']}: {violation['help']}: {node['html'][:150]}"
        for violation in found["violations"]
        for node in violation["nodes"][:5]
    ]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        told.append(f"{page.url}: wider than a window of {page.viewport_size['width']}")
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)
    return told


@pytest.mark.parametrize("role", ["", "agent", "supervisor", "admin"])
@pytest.mark.parametrize("kind", LOOKS)
def test_no_page_has_a_violation(browsers: Any, role: str, kind: str) -> None:
    page = browsers.open(role, **LOOKS[kind])
    page.goto("/log-in" if not role else "/")
    addresses: list[Any] = list(PUBLIC)
    if role:
        addresses = page.eval_on_selector_all("#menu a", "links => links.map(link => new URL(link.href).pathname)")
        assert addresses
    if role == "admin":
        addresses += BELOW
    problems = []
    for address in addresses:
        if isinstance(address, str):
            page.goto(address)
        else:
            page.goto(address[0])
            page.click(address[1])
            page.wait_for_load_state()
        place = re.sub(r"\W+", "-", address if isinstance(address, str) else address[0] + "one").strip("-")
        problems += look(page, f"{role or 'nobody'}-{place}-{kind}")
    assert problems == []
