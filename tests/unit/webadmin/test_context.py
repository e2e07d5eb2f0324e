"""In whose name verbs are done: to the engine, nobody's number is everybody's right, so it must never get there by mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pages_house import AGENT_ID

from webadmin import context, rights
from webadmin.auth import still_there
from webadmin.context import breathe

Client = Callable[[str], FlaskClient]


@pytest.fixture
def app(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """With views that tell who they would act for, to whoever asks."""
    for name, make in (("who", context.who), ("supervisor", context.supervisor)):
        app.add_url_rule(f"/{name}", f"tests.{name}", lambda make=make: [make().name, make().agent_id, make().language])
        monkeypatch.setitem(rights.RIGHTS, f"tests.{name}", "board")
    yield app


def test_an_agent_acts_as_the_agent_that_they_are(client: Client) -> None:
    assert client("agent").get("/who").json == ["user agent", AGENT_ID, "en-US"]


@pytest.mark.parametrize("level", ["board", "visitor", "supervisor", "admin"])
def test_whoever_is_no_agent_can_do_nothing_as_one(client: Client, level: str) -> None:
    answer = client(level).get("/who", headers={"Accept": "application/json"})
    assert answer.status_code == 403 and "error" in answer.json


@pytest.mark.parametrize(("level", "code"), [("board", 403), ("visitor", 403), ("agent", 403), ("supervisor", 200), ("admin", 200)])
def test_only_supervisors_act_as_supervisors(client: Client, level: str, code: int) -> None:
    answer = client(level).get("/supervisor", headers={"Accept": "application/json"})
    assert answer.status_code == code
    if code == 200:
        assert answer.json == [f"user {level}", "", "en-US"]


def test_prompts_are_spoken_in_the_language_of_the_pages(client: Client) -> None:
    browser = client("agent")
    browser.post("/account/preferences", data={"language": "zh-CN", "theme": "auto"})
    assert browser.get("/who").json[2] == "zh-CN"


@pytest.mark.parametrize("level", ["board", "agent"])
def test_a_live_page_learns_that_its_right_has_ended(app: Flask, client: Client, engine: Any, clock: Any, level: str) -> None:
    asked: list[Callable[[], bool]] = []
    app.add_url_rule("/live", "tests.live", lambda: asked.append(still_there()) or "")
    rights.RIGHTS["tests.live"] = "board"
    try:
        client("admin")
        assert client(level).get("/live").status_code == 200
    finally:
        del rights.RIGHTS["tests.live"]
    assert asked[0]()
    if level == "board":
        engine.store.users.renew_key("wallboard", "tests", clock()).wait()
    else:
        engine.store.users.remove("agent", "tests", clock()).wait()
    assert not asked[0]()


def test_a_long_page_lets_timers_and_sockets_have_their_turn() -> None:
    turns: list[int] = []

    def other() -> None:
        while True:
            gevent.sleep(0.0001)
            turns.append(1)

    beside = gevent.spawn(other)
    gevent.sleep(0.001)
    turns.clear()
    for _ in range(20):
        breathe()
    beside.kill()
    assert len(turns) >= 10
