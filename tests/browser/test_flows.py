"""An admin's work on a flow: a mistake is told at its line, mended, published, and taken back."""

from __future__ import annotations

import re
from typing import Any

FILE = "property"


def replace(page: Any, old: str, new: str) -> None:
    """By the editor's own search and typing, as a person does it."""
    page.locator("#code .cm-content").focus()
    page.keyboard.press("Control+f")
    page.keyboard.type(old)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.type(new)


def open_editor(browsers: Any, role: str = "admin", **options: Any) -> Any:
    return show_editor(browsers.open(role, **options))


def show_editor(page: Any) -> Any:
    page.goto(f"/flows/file/{FILE}")
    page.wait_for_selector("#diagram svg .node")
    return page


def test_a_mistake_is_told_at_its_line_mended_published_and_rolled_back(browsers: Any, house: Any) -> None:
    mend_publish_and_roll_back(open_editor(browsers), house)


def mend_publish_and_roll_back(page: Any, house: Any) -> None:
    """``page``: the editor, opened by an admin on a site that was never published by a person."""
    path = house.site / "flows" / f"{FILE}.yml"
    before = path.read_text(encoding="utf-8")
    line = 1 + before[: before.index("go: repair")].count("\n")
    assert page.text_content("#editor-state") == "published"

    replace(page, "go: repair", "go: repairz")
    page.wait_for_selector("#findings li:has-text('repairz')")
    assert f"line {line}: there is no step \"repairz\"" in page.text_content("#findings")
    assert page.locator(".cm-lint-marker-error").count() >= 1 and page.locator(".cm-lintRange-error").count() >= 1
    page.click("#save")
    page.wait_for_selector("#editor-state:text-is('draft differs')")
    page.goto("/flows/publish")
    assert "Mend" in page.text_content("main") and page.locator("main form button").count() == 0
    page.click(f"text=flows/{FILE}.yml:{line}:")
    page.wait_for_selector("#diagram svg .node")
    page.wait_for_selector(".cm-activeLine:has-text('repairz')")

    replace(page, "go: repairz", "go: repair")
    replace(page, "label: 报修", "label: 维修")
    page.wait_for_selector("#findings .badge.bad", state="detached")
    page.keyboard.press("Control+s")
    page.wait_for_selector("#editor-state:text-is('draft differs')")
    assert "label: 维修" in path.read_text(encoding="utf-8")
    page.goto("/flows/publish")
    assert page.locator(".diff .more").count() == 1 and "维修" in page.text_content(".diff .more")
    page.fill("#comment", "another word")
    page.click("main form button.main")
    page.wait_for_url("**/flows/history")
    assert "another word" in page.text_content("tbody tr:first-child")
    with house.store() as store:
        published = store.publications.current()
    assert published.author == "user admin" and published.comment == "another word"

    page.click("tbody tr:nth-child(2) button")
    page.wait_for_selector("text=Rolled back")
    with house.store() as store:
        newest, second, first = store.publications.recent(3)
    assert newest.version == first.version != second.version == published.version
    page.goto("/flows/")
    assert "draft differs" in page.text_content(f"tr:has-text('flows/{FILE}.yml')")


def test_an_answer_for_older_text_is_not_shown(browsers: Any) -> None:
    page = open_editor(browsers)
    held: list[Any] = []
    page.route("**/check", lambda route: route.continue_() if held else held.append(route))
    page.locator("#code .cm-content").focus()
    page.keyboard.press("Control+End")
    with page.expect_request("**/check"):
        page.keyboard.type("\nnonsense: 1")
    page.keyboard.type("\nmore: 1")
    page.wait_for_selector("#findings li:has-text('more')")
    with page.expect_response("**/check"):
        held[0].continue_()
    page.wait_for_timeout(200)
    assert '"more"' in page.text_content("#findings") and '"nonsense"' in page.text_content("#findings")


def test_picture_and_text_lead_to_each_other(browsers: Any) -> None:
    page = open_editor(browsers)
    page.locator("#diagram .node", has_text="blacklist").click()
    assert re.match(r"\s*screen:", page.text_content(".cm-activeLine"))
    assert page.evaluate("document.activeElement.classList.contains('cm-content')")
    page.wait_for_selector("#diagram .here:has-text('screen')")
    page.keyboard.press("Control+Home")
    page.evaluate("location.hash = '#line-16'")
    page.wait_for_selector("#diagram .here")


def test_steps_fields_and_prompts_are_offered(browsers: Any) -> None:
    page = open_editor(browsers)
    page.locator("#code .cm-content").focus()
    page.keyboard.press("Control+f")
    page.keyboard.type("steps:")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    for line, typed, offered in (
        ("\n  another:\n    ", "pl", "play"),
        ("", "ay: {pro", "prompt"),
        ("", "mpt: [vip/wel", "vip/welcome"),
        ("", "come], next: hou", "hours"),
        ("rs}\n  more: ", "{queue: {queue: pro", "property"),
    ):
        page.keyboard.insert_text(line)
        page.keyboard.type(typed)
        page.wait_for_selector(f".cm-tooltip-autocomplete li:has-text('{offered}')")
        page.keyboard.press("Escape")


def test_a_stale_save_shows_both_texts_and_loses_nothing(browsers: Any, house: Any) -> None:
    path = house.site / "flows" / f"{FILE}.yml"
    page = open_editor(browsers)
    replace(page, "# The property", "# Mine: the property")
    path.write_text(path.read_text(encoding="utf-8") + "\n# theirs\n", encoding="utf-8")
    page.click("#save")
    page.wait_for_selector("#stale:not([hidden]) .cm-mergeView")
    assert "changed by somebody else" in page.text_content(".flashes")
    left, right = page.locator("#merge .cm-content").all_text_contents()
    assert "# theirs" in left and "# Mine" not in left and "# Mine" in right
    assert "# theirs" in path.read_text(encoding="utf-8"), "nothing was overwritten"
    page.locator("#merge .cm-merge-revert button").last.click()
    page.click("#stale-save")
    page.wait_for_selector("#stale", state="hidden")
    page.wait_for_selector("#editor-state:text-is('draft differs')")
    text = path.read_text(encoding="utf-8")
    assert "# theirs" in text and "# Mine" in text


def test_what_is_not_saved_is_here_again(browsers: Any) -> None:
    page = open_editor(browsers)
    replace(page, "steps:", "steps: # half a thought")
    page.wait_for_selector("#editor-state:text-is('not saved')")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.wait_for_selector("text=What you had not saved before is here again.")
    assert "half a thought" in page.text_content("#code")


def test_a_supervisor_looks_and_changes_nothing(browsers: Any) -> None:
    page = open_editor(browsers, "supervisor")
    before = page.text_content("#code .cm-content")
    page.locator("#code .cm-content").focus()
    page.keyboard.type("nonsense")
    assert page.text_content("#code .cm-content") == before
    assert page.locator("#save").count() == 0
    page.goto("/flows/history")
    assert page.locator("main button:has-text('Roll back')").count() == 0
