"""The pages: only for who has the key, and strangers' text stays text."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pages_house import AT, KEY

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import LogStep
from ivrengine.runtime.news import CallEnded
from webadmin import COOKIE, create_app
from webadmin.pages.calls import LIVE_SHOWN

HOSTILE = '<script>alert(1)</script>"&amp;'


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def guest(stranger: FlaskClient) -> FlaskClient:
    """Who has come by the link with the key."""
    stranger.get(f"/?key={KEY}")
    return stranger


def keep_call(engine: Any, call_id: str = "c1", name: str = HOSTILE, *, ended: bool = True) -> None:
    engine.store.calls.begin(CallInfo(call_id, "100", "13800138000", name, AT), "line", "v1").wait()
    engine.store.steps.log(call_id, LogStep(0, "line", "v1", "main", "menu", AT, AT + 2.5, "choice", HOSTILE, "1")).wait()
    if ended:
        engine.store.calls.end(call_id, AT + 10, "caller", "NORMAL_CLEARING", "caller_hung_up").wait()


@pytest.mark.parametrize("path", ["/", "/calls/", "/calls/c1", "/nowhere", "/?key="])
def test_without_the_key_one_must_log_in(engine: Any, stranger: FlaskClient, path: str) -> None:
    keep_call(engine)
    response = stranger.get(path)
    assert response.status_code == 302 and response.headers["Location"].startswith("/log-in")
    assert "138" not in response.text and COOKIE not in str(response.headers)


@pytest.mark.parametrize("path", ["/?key=wrong", "/?key=%FF%00", f"/?key={KEY}x", f"/calls/?key={KEY.upper()}"])
def test_a_wrong_key_opens_nothing(engine: Any, stranger: FlaskClient, path: str) -> None:
    keep_call(engine)
    response = stranger.get(path)
    assert response.status_code == 403
    assert "This link is not valid any more" in response.text and "138" not in response.text
    assert COOKIE not in str(response.headers)


@pytest.mark.parametrize("value", ["", "wrong", "\u4e00", KEY.upper()])
def test_a_wrong_cookie_is_no_key(stranger: FlaskClient, value: str) -> None:
    stranger.set_cookie(COOKIE, value)
    assert stranger.get("/calls/").status_code == 302


def test_the_key_becomes_a_cookie_and_leaves_the_address(stranger: FlaskClient) -> None:
    response = stranger.get(f"/?key={KEY}")
    assert response.status_code == 302 and response.headers["Location"] == "/"
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}={KEY};") and "HttpOnly" in cookie and "SameSite=Strict" in cookie
    page = stranger.get("/", follow_redirects=True)
    assert page.status_code == 200 and KEY not in page.text


def test_the_key_leads_nowhere_else(stranger: FlaskClient) -> None:
    response = stranger.get(f"//elsewhere.example/?key={KEY}")
    assert not response.headers.get("Location", "/").startswith("//")
    assert "elsewhere" not in response.headers.get("Location", "")


@pytest.mark.parametrize("path", ["/calls/", "/log-in", "/nowhere", "/health", "/static/frame.css"])
def test_every_answer_says_what_a_browser_may_do_with_it(guest: FlaskClient, path: str) -> None:
    headers = guest.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == ("no-cache" if path.startswith("/static/") else "no-store")


def test_calls_up_and_over_are_shown_with_masked_numbers(engine: Any, guest: FlaskClient) -> None:
    keep_call(engine)
    frame = SimpleNamespace(flow="line", step="main")
    run = SimpleNamespace(frames=[frame], frame=frame)
    engine.reception.sessions["c2"] = SimpleNamespace(call=CallInfo("c2", "100", "13911112222", HOSTILE, AT), run=run)
    page = guest.get("/calls/").text
    assert "Up now: 1" in page and "********222" in page and "********000" in page
    assert "13911112222" not in page and "13800138000" not in page
    assert "caller hung up" in page and "no real calls" in page


@pytest.mark.parametrize(("role", "whole"), [("visitor", False), ("agent", False), ("supervisor", True), ("admin", True)])
def test_whole_numbers_are_for_supervisors_also_in_the_live_stream(
    engine: Any, client: Callable[[str], FlaskClient], role: str, whole: bool
) -> None:
    keep_call(engine)
    browser = client(role)
    live = browser.get("/calls/live", buffered=False)
    drawn = next(block.decode() for block in live.response if b"event: snapshot" in block)
    live.close()
    for text in (drawn, browser.get("/calls/").text, browser.get("/calls/c1").text):
        assert ("13800138000" in text) == whole and ("********000" in text) != whole


def test_a_hostile_name_and_label_stay_text(engine: Any, guest: FlaskClient) -> None:
    keep_call(engine)
    page = guest.get("/calls/c1").text
    assert "<script>" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;&#34;&amp;amp;") == 2  # the caller's name, and the label


def test_a_call_without_an_end_is_still_up(engine: Any, guest: FlaskClient) -> None:
    keep_call(engine, ended=False)
    assert "still up" in guest.get("/calls/c1").text


@pytest.mark.parametrize("path", ["/calls/nothing", "/calls/c", "/calls/%00", "/calls/" + "x" * 5000])
def test_an_unknown_call_is_not_found(engine: Any, guest: FlaskClient, path: str, capfd) -> None:
    keep_call(engine, "c1")
    keep_call(engine, "c2")
    response = guest.get(path)
    assert response.status_code == 404 and "There is no such call." in response.text
    assert capfd.readouterr().err == ""


def test_nothing_can_be_changed(guest: FlaskClient) -> None:
    assert guest.post("/calls/").status_code == 405


def test_a_lost_link_is_told_on_the_page(engine: Any, guest: FlaskClient) -> None:
    engine.switch.connected = False
    assert "The link to the switch is down" in guest.get("/calls/").text


def test_only_a_simulated_switch_has_the_banner(engine: Any) -> None:
    client = create_app(engine, KEY).test_client()
    client.get(f"/?key={KEY}")
    page = client.get("/calls/").text
    assert "no real calls" not in page and "call --live" not in page


def test_a_refusal_is_a_page_like_the_others(guest: FlaskClient) -> None:
    page = guest.get("/nowhere").text
    assert "frame.css" in page and "<h1>Not found</h1>" in page


def test_what_happens_on_calls_reaches_the_page_at_once_and_gathered(engine: Any, guest: FlaskClient) -> None:
    stream = guest.get("/calls/live", buffered=False)
    assert stream.mimetype == "text/event-stream" and stream.headers["Cache-Control"] == "no-store"
    parts = iter(stream.response)
    begin = next(parts) + next(parts)
    assert b"event: snapshot" in begin and b"Nobody is calling." in begin
    for count in range(50):
        engine.news.tell(CallEnded(f"c{count}", "caller_hung_up", ""))
    assert b"event: calls.en" in next(parts)
    keep_call(engine)
    engine.news.tell(CallEnded("c1", "caller_hung_up", ""))
    told = next(parts)
    assert b"event: calls.en" in told, "fifty were gathered into one, this is another"
    assert b"********000" in told and b"<html" not in told and b"<script" not in told
    stream.close()


def test_pages_in_two_languages_are_told_in_their_own(engine: Any, guest: FlaskClient) -> None:
    streams = {language: guest.get(f"/calls/live?language={language}", buffered=False) for language in ("en", "zh-CN", "xx")}
    parts = {language: iter(stream.response) for language, stream in streams.items()}
    for each in parts.values():
        next(each), next(each)
    engine.news.tell(CallEnded("c1", "caller_hung_up", ""))
    told = {language: next(each) for language, each in parts.items()}
    assert b"event: calls.en\n" in told["en"] and b"Last calls" in told["en"]
    assert b"event: calls.zh-CN\n" in told["zh-CN"] and b"Last calls" not in told["zh-CN"]
    assert told["xx"] == told["en"], "made once for all who read the same"
    for stream in streams.values():
        stream.close()


def test_of_very_many_calls_the_last_are_shown(engine: Any, guest: FlaskClient) -> None:
    frame = SimpleNamespace(flow="line", step="main")
    run = SimpleNamespace(frames=[frame], frame=frame)
    for count in range(LIVE_SHOWN + 5):
        call = CallInfo(f"c{count}", "100", f"{count:03}", "", AT)
        engine.reception.sessions[call.call_id] = SimpleNamespace(call=call, run=run)
    page = guest.get("/calls/").text
    assert f"Up now: {LIVE_SHOWN + 5}" in page and f"the last {LIVE_SHOWN}" in page
    assert "/calls/c104" in page and "/calls/c5\"" in page and "/calls/c4\"" not in page
