"""Logging in and out, sessions, forced change of passwords, tokens against forged requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pages_house import KEY, PASSWORD, Clock

from ivrengine.storage.log_ins import TRIES_LIMIT
from ivrengine.storage.users import FIRST_ADMIN
from webadmin import create_app
from webadmin.auth import SESSION_COOKIE, local_address

Client = Callable[[str], FlaskClient]
OWN = "another password 2"


def test_the_session_cookie_can_be_read_by_no_script_and_is_sent_to_nobody_else(client: Client) -> None:
    browser = client("agent")
    answer = browser.post("/log-in", data={"name": "agent", "password": PASSWORD})
    cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith(f"{SESSION_COOKIE}="))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie
    secure = browser.post("/log-in", data={"name": "agent", "password": PASSWORD}, base_url="https://calls.example")
    assert "Secure" in next(value for value in secure.headers.getlist("Set-Cookie") if value.startswith(f"{SESSION_COOKIE}="))


def test_wrong_unknown_and_locked(client: Client, app: Flask, engine: Any) -> None:
    client("agent")
    browser = app.test_client()
    wrong = browser.post("/log-in", data={"name": "agent", "password": "no"})
    unknown = browser.post("/log-in", data={"name": "<b>nobody</b>", "password": PASSWORD})
    assert wrong.status_code == unknown.status_code == 403
    assert "Name or password is wrong." in wrong.text and "Name or password is wrong." in unknown.text
    assert "<b>nobody" not in unknown.text and "no" not in re.findall(r'type="password" value="([^"]*)"', wrong.text)
    for _ in range(TRIES_LIMIT - 1):
        browser.post("/log-in", data={"name": "agent", "password": "no"})
    locked = browser.post("/log-in", data={"name": "agent", "password": PASSWORD})
    assert locked.status_code == 403 and "Too many wrong passwords" in locked.text
    assert engine.store.log_ins.recent()[0].address == "127.0.0.1"


def test_one_address_may_not_try_for_ever(app: Flask) -> None:
    browser = app.test_client()
    codes = [browser.post("/log-in", data={"name": f"user{count}", "password": "no"}).status_code for count in range(21)]
    assert set(codes[:20]) == {403} and codes[20] == 429
    assert browser.get("/log-in").status_code == 200


def test_who_was_sent_to_log_in_comes_back(client: Client, app: Flask) -> None:
    client("agent")
    browser = app.test_client()
    sent = browser.get("/calls/?page=2")
    assert sent.headers["Location"] == "/log-in?next=/calls/?page%3D2"
    page = browser.get(sent.headers["Location"]).text
    assert 'name="next" value="/calls/?page=2"' in page
    answer = browser.post("/log-in", data={"name": "agent", "password": PASSWORD, "next": "/calls/?page=2"})
    assert answer.headers["Location"] == "/calls/?page=2"


@pytest.mark.parametrize(
    "text",
    ["", "//elsewhere.example", "https://elsewhere.example", "/\\elsewhere", "\\/x", "/a\\b", "/a\r\nSet-Cookie: a=b", "calls", "/\t/x"],
)
def test_the_way_back_leads_nowhere_else(text: str) -> None:
    assert local_address(text) is None


def test_a_log_out_ends_the_session_on_this_side(client: Client, app: Flask) -> None:
    browser = client("agent")
    stolen = app.test_client()
    stolen.set_cookie(SESSION_COOKIE, browser.get_cookie(SESSION_COOKIE).value)
    assert stolen.get("/calls/").status_code == 200
    assert browser.get("/log-out").status_code == 405
    assert browser.post("/log-out").status_code == 302
    assert browser.get("/calls/").status_code == 302 and stolen.get("/calls/").status_code == 302


def test_a_session_not_used_ends(client: Client, clock: Clock, engine: Any) -> None:
    browser = client("agent")
    clock.now += engine.settings.web.idle_seconds - 1
    assert browser.get("/calls/").status_code == 200
    engine.store.database.write(lambda db: None)  # the use has reached the disk
    clock.now += engine.settings.web.idle_seconds - 1
    assert browser.get("/calls/").status_code == 200
    clock.now += engine.settings.web.idle_seconds + 1
    sent = browser.post("/account/preferences", data={})
    assert sent.status_code == 302, "look and language are for everybody"
    sent = browser.post("/account/password", data={"old": "x"}, follow_redirects=True)
    assert "Nothing was done." in sent.text
    page = browser.get("/calls/", follow_redirects=True)
    assert "Your session has ended.</p>" in page.text and page.request.path == "/log-in"
    assert "Your session has ended.</p>" not in browser.get("/calls/", follow_redirects=True).text, "told once"
    script = browser.get("/calls/", headers={"Accept": "application/json"})
    assert script.status_code == 401 and "session has ended" in script.json["error"]


def test_a_restart_of_the_engine_logs_nobody_out(client: Client, engine: Any) -> None:
    cookie = client("agent").get_cookie(SESSION_COOKIE).value
    browser = create_app(engine, KEY).test_client()
    browser.set_cookie(SESSION_COOKIE, cookie)
    assert browser.get("/calls/").status_code == 200


def test_a_forged_cookie_is_nobody(app: Flask, client: Client) -> None:
    client("admin")
    browser = app.test_client()
    for value in ("", "x.y.z", "eyJfdXNlcl9pZCI6ImFkbWluIn0.aaaa.bbbb"):
        browser.set_cookie(SESSION_COOKIE, value)
        assert browser.get("/calls/").status_code == 302


def test_who_is_disabled_is_out_at_once(client: Client, engine: Any, clock: Clock) -> None:
    client("admin")
    browser = client("agent")
    engine.store.users.change("agent", "tests", clock(), role="agent", agent_id="", disabled=True).wait()
    assert browser.get("/calls/").status_code == 302


def test_a_one_time_password_opens_nothing_but_its_own_change(app: Flask, engine: Any, clock: Clock) -> None:
    password = engine.store.users.first_admin(clock())
    browser, other = app.test_client(), app.test_client()
    for each in (browser, other):
        assert each.post("/log-in", data={"name": FIRST_ADMIN, "password": password}).status_code == 302
    assert browser.get("/calls/").headers["Location"] == "/account/password"
    assert browser.get("/calls/", headers={"Accept": "application/json"}).status_code == 403
    assert "Somebody else has chosen your password" in browser.get("/account/password").text

    def change(old: str, new: str, again: str) -> Any:
        return browser.post("/account/password", data={"old": old, "new": new, "again": again})

    for old, new, again, sentence in (
        ("no", OWN, OWN, "This is not your password."),
        (password, OWN, OWN + "x", "This is not the same"),
        (password, "short", "short", "It needs at least"),
        (password, "admin admin 1", "admin admin 1", "It needs at least"),
        (password, password, password, "The new password is the old one."),
    ):
        answer = change(old, new, again)
        assert answer.status_code == 422 and sentence in answer.text and 'aria-invalid="true"' in answer.text
        assert new not in answer.text and browser.get("/calls/").status_code == 302
    assert change(password, OWN, OWN).status_code == 302
    assert browser.get("/calls/").status_code == 200
    assert other.get("/calls/").headers["Location"].startswith("/log-in"), "other sessions end"
    assert other.post("/log-in", data={"name": FIRST_ADMIN, "password": password}).status_code == 403


def test_language_and_look_are_the_users_wherever_they_log_in(client: Client, app: Flask) -> None:
    browser = client("agent")
    answer = browser.post("/account/preferences", data={"language": "zh-CN", "theme": "dark", "next": "/calls/"})
    assert answer.headers["Location"] == "/calls/"
    browser.post("/account/preferences", data={"language": "xx", "theme": "<script>"})
    again = client("agent").get("/calls/").text
    assert '<html lang="zh-CN" data-theme="dark">' in again


def test_who_is_not_logged_in_may_choose_for_this_browser(app: Flask) -> None:
    browser = app.test_client()
    browser.post("/account/preferences", data={"language": "zh-CN", "theme": "light"})
    assert '<html lang="zh-CN" data-theme="light">' in browser.get("/log-in").text


# -- forged requests


def test_nothing_is_done_without_the_token_of_ones_own_session(client: Client, app: Flask) -> None:
    browser, stranger = client("agent"), app.test_client()
    app.config["WTF_CSRF_ENABLED"] = True

    def token(of: FlaskClient) -> str:
        found = re.search(r'name="csrf-token" content="([^"]+)"', of.get("/log-in").text)
        assert found
        return found[1]

    wish, others = {"theme": "dark"}, token(stranger)
    for data, headers in (({}, {}), ({"csrf_token": ""}, {}), ({"csrf_token": others}, {}), ({}, {"X-CSRFToken": others})):
        answer = browser.post("/account/preferences", data=wish | data, headers=headers)
        assert answer.status_code == 400 and "nothing was done" in answer.text
        script = browser.post("/account/preferences", data=wish | data, headers={"Accept": "application/json", **headers})
        assert (script.status_code, script.json["reason"]) == (400, "token"), "it gets itself another and repeats"
    assert 'data-theme="auto"' in browser.get("/calls/").text
    assert browser.post("/account/preferences", data=wish, headers={"X-CSRFToken": token(browser)}).status_code == 302
    assert browser.post("/account/preferences", data=wish | {"csrf_token": token(browser)}).status_code == 302
    assert stranger.post("/log-in", data={"name": "agent", "password": PASSWORD}).status_code == 400


def test_behind_a_proxy_the_browsers_address_counts(engine: Any, client: Client) -> None:
    client("agent")
    engine.settings.web.proxies = 1
    browser = create_app(engine, KEY).test_client()
    browser.application.config["WTF_CSRF_ENABLED"] = False
    browser.post("/log-in", data={"name": "agent", "password": "no"}, headers={"X-Forwarded-For": "6.6.6.6, 10.1.2.3"})
    assert engine.store.log_ins.recent()[0].address == "10.1.2.3"


def test_without_a_proxy_nobody_may_say_where_they_come_from(app: Flask, engine: Any) -> None:
    app.test_client().post("/log-in", data={"name": "agent", "password": "no"}, headers={"X-Forwarded-For": "10.1.2.3"})
    assert engine.store.log_ins.recent()[0].address == "127.0.0.1"


@pytest.mark.parametrize("body", [b"x" * 2_000_000, b"a=1&" * 200_000])
def test_too_large_a_form_is_refused(app: Flask, body: bytes) -> None:
    answer = app.test_client().post("/log-in", data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in (403, 413)


def test_a_database_that_does_not_answer_is_told_as_such(client: Client, engine: Any) -> None:
    browser = client("agent")
    engine.store.close()
    answer = browser.get("/calls/")
    assert answer.status_code == 503 and "database is busy" in answer.text
