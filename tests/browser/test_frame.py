"""The first log-in, the keyboard, language and look, as a person meets them."""

from __future__ import annotations

from typing import Any

OWN = "words that only I know"


def choose_password(page: Any, old: str, new: str) -> None:
    """On the page that a one-time password leads to."""
    page.wait_for_url("**/account/password")
    for name, value in (("old", old), ("new", new), ("again", new)):
        page.fill(f"#{name}", value)
    page.click("main button.main")
    page.wait_for_selector(".flash")


def test_from_the_one_time_password_to_the_pages(browsers: Any, house: Any) -> None:
    with house.store() as store:
        store.users.add("newcomer", "supervisor", "", store.users.hash("told by the admin"), "tests", 1.0).wait()
    page = browsers.open()
    page.goto("/users/")
    page.fill("#name", "newcomer")
    page.fill("#password", "not this one")
    page.keyboard.press("Enter")
    assert "wrong" in page.text_content("main [role=alert]")
    page.fill("#password", "told by the admin")
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/password")
    page.fill("#old", "told by the admin")
    page.fill("#new", OWN)
    page.fill("#again", OWN + "!")
    page.click("main button.main")
    assert "not the same" in page.text_content("#again-note")
    choose_password(page, "told by the admin", OWN)
    assert page.locator("#menu a").count() >= 1
    assert page.goto("/users/").status == 403


def test_the_keyboard_reaches_content_menu_and_ones_own_panel(browsers: Any) -> None:
    page = browsers.open("admin")
    page.goto("/users/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    summary = page.locator(".me summary")
    summary.focus()
    page.keyboard.press("Enter")
    assert page.is_visible(".me .panel")
    page.keyboard.press("Escape")
    assert not page.is_visible(".me .panel") and summary.evaluate("it => it === document.activeElement")


def test_language_and_look_are_chosen_and_stay(browsers: Any) -> None:
    page = browsers.open("supervisor")
    page.goto("/calls/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click(".me summary")
    page.select_option("[name=language]", "zh-CN")
    page.select_option("[name=theme]", "dark")
    page.click(".me .panel form:first-of-type button")
    page.wait_for_selector("html[lang=zh-CN][data-theme=dark]")
    assert page.text_content("h1") == "通话" and page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.click(".me summary")
    page.select_option("[name=language]", "en")
    page.select_option("[name=theme]", "auto")
    page.click(".me .panel form:first-of-type button")
    page.wait_for_selector("html[lang=en][data-theme=auto]")


def test_the_link_of_the_demo_opens_the_calls_and_its_key_leaves_the_address(browsers: Any, house: Any) -> None:
    page = browsers.open("visitor")
    assert house.key not in page.url and page.goto("/calls/").status == 200
    assert "no real calls" in page.text_content(".banner")
    assert page.goto("/users/").url.endswith("/log-in?next=/users/")


POST = """theme => import("/static/live.js").then(live => {
    const form = new FormData();
    form.append("theme", theme);
    return live.post("/account/password", form);
}).then(() => "done", error => error.message)"""


def test_a_session_that_ends_costs_nothing_that_was_typed(browsers: Any, house: Any) -> None:
    with house.store() as store:
        password_hash = store.users.hash("a password of tests", "absent")
        store.users.add("absent", "admin", "", password_hash, "tests", 1.0).wait()
        store.users.set_password("absent", password_hash, "tests", 1.0, must_change=False).wait()

    def log_in(page: Any) -> None:
        page.goto("/log-in")
        page.fill("#name", "absent")
        page.fill("#password", "a password of tests")
        page.click("main button.main")
        page.wait_for_url("**/*")
        page.wait_for_selector("#menu")

    page = browsers.open()
    log_in(page)
    page.goto("/users/")
    page.fill("#name", "half a name")
    with house.store() as store:
        store.users.set_password("absent", password_hash, "tests", 1.0, must_change=False).wait()
    assert "session has ended" in page.evaluate(POST, "dark")
    assert page.is_visible("#signed-out") and page.input_value("#name") == "half a name"

    beside = page.context.new_page()
    log_in(beside)
    page.evaluate(POST, "dark")  # answered by the form's problems: it was let in, with a token of the new session
    assert not page.is_visible("#signed-out") and page.input_value("#name") == "half a name"


def test_a_lost_line_is_told_and_disables_what_needs_it(browsers: Any) -> None:
    page = browsers.open("supervisor")
    with page.expect_response("**/calls/live*"):
        page.goto("/calls/")
    page.evaluate("document.querySelector('#calls').dataset.needsLine = ''")
    page.context.set_offline(True)
    page.wait_for_selector("#line", state="visible")
    assert page.evaluate("document.querySelector('#calls').inert")
    page.context.set_offline(False)
    page.wait_for_selector("#line", state="hidden")
    assert not page.evaluate("document.querySelector('#calls').inert")
