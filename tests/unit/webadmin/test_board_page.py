"""The wallboard: the figures of ``reports/board.py`` and nothing else, their formulas, limits, and a link that can be taken back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import gevent
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pages_house import AT, Clock

from ivrengine.acd.figures import FORMULAS, Counters, figures, shown
from ivrengine.acd.rules import AgentRules, BreakReason, Membership, QueueRules
from ivrengine.reports.board import board
from ivrengine.site.records import Agent, Site
from ivrengine.storage.board_limits import BoardLimit
from webadmin import live
from webadmin.auth import KEY_COOKIE
from webadmin.live import Told
from webadmin.pages import board as board_page
from webadmin.pages import board_feed
from webadmin.pages.board_feed import COUNTED, EXTENSION, Feed, with_numbers

Client = Callable[[str], FlaskClient]
HOSTILE = '<script>alert(1)</script>"&'
SITE = Site(
    reasons=(BreakReason("tea", HOSTILE, longest_seconds=60.0),),
    queues=(QueueRules("news", HOSTILE, service_level_seconds=15.0), QueueRules("sales")),
    agents=(
        Agent(AgentRules("101", "Li", "day", queues={"news": Membership(), "sales": Membership()})),
        Agent(AgentRules("102", HOSTILE, queues={"sales": Membership()})),
    ),
)


@pytest.fixture(autouse=True)
def day(engine: Any) -> None:
    store = engine.store
    store.site.replace(SITE, "test", AT).wait()
    for number, (terminal, wait) in enumerate((("answered", 5.0), ("answered", 40.0), ("abandoned", 9.0), ("timeout", 60.0))):
        store.segments.begin(f"i{number}", f"i{number}", f"i{number}", "", "news", "13800138000", AT - 300)
        store.segments.ended(f"i{number}", terminal, AT - 200, wait, "101" if terminal == "answered" else "")
    store.segments.talked("i0", 100.0, 20.0, AT - 50)
    store.segments.wrapped_up("i0", 5.0, "")
    store.segments.begin("w", "w", "w", "", "news", "13911112222", AT - 77)
    store.agent_states.log("101", "READY", "IDLE", "", AT - 30, "", "8001", 1)
    store.agent_states.log("102", "NOT_READY", "IDLE", "tea", AT - 90, "", "8002", 1).wait()


def events(answer: Any, count: int) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    stream = answer.response if hasattr(answer, "response") else answer
    while len(found) < count:
        fields = dict(line.split(": ", 1) for line in next(stream).decode().splitlines() if line)
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def state_of(browser: FlaskClient) -> dict[str, Any]:
    answer = browser.get("/board/live", buffered=False)
    found = events(answer, 1)
    answer.close()
    assert found[0][0] == "snapshot"
    return found[0][1]


def test_every_figure_is_the_one_of_the_reports(engine: Any, client: Client) -> None:
    state, expected = state_of(client("board")), board(engine.store, AT, ZoneInfo(engine.settings.engine.timezone))
    assert [row["queue"] for row in state["queues"]] == [row.queue for row in expected.queues] == ["news", "sales"]
    rows = [(expected.everybody, expected.total), *((row, row.figures) for row in expected.queues)]
    for told, (row, made) in zip([state["total"], *state["queues"]], rows, strict=True):
        for name, figure in told["counted"].items():
            assert figure["value"] == getattr(made, name)
            assert figure["shown"] == shown(getattr(made, name), FORMULAS[name].unit)
        longest = row.longest_wait_seconds
        assert told["now"]["longest_since"] == (None if longest is None else AT - longest)
        for name in ("waiting", "ready", "talks", "wrap_up", "away", "callbacks_due"):
            assert told["now"][name] == getattr(row, name)
    news = state["queues"][0]
    assert (news["now"]["waiting"], news["now"]["longest_since"], news["counted"]["offered"]["value"]) == (1, AT - 77, 4)
    assert news["counted"]["service_level_ignored"]["sum"] == "1 / (4 - 1)"
    assert news["counted"]["average_handling_time"]["shown"] == "2:05"


def test_a_formula_with_its_numbers_gives_the_figure() -> None:
    counted = Counters(answered=7, abandoned=2, timeout=1, answered_within=5, abandoned_within=1, handled=3, talk_seconds=300.0)
    made = figures(counted)
    for name in COUNTED:
        assert eval(with_numbers(FORMULAS[name].text, counted, made)) == pytest.approx(getattr(made, name))


def test_breaks_have_their_reason_and_callers_no_number(client: Client) -> None:
    state = state_of(client("board"))
    told = {agent["agent"]: agent for agent in state["agents"]}
    assert (told["101"]["doing"], told["101"]["since"], told["101"]["too_long"]) == ("ready", AT - 30, False)
    assert (told["102"]["doing"], told["102"]["reason"], told["102"]["too_long"]) == ("away", HOSTILE, True)
    assert "138" not in json.dumps(state) and "139" not in json.dumps(state)


def test_a_change_is_told_and_otherwise_only_a_tick(app: Flask, engine: Any, clock: Clock) -> None:
    pages = app.extensions["ivrengine"]
    feed, told = Feed(pages), []
    pages.hub.publish = lambda topic, data: told.append((topic, json.loads(data) if isinstance(data, Told) else data))
    feed._look(["board"], tick=False, alarms=False)
    clock.now += 3.0
    feed._look(["board"], tick=True, alarms=False)
    engine.store.segments.ended("w", "abandoned", AT + 3.0, 80.0).wait()
    feed._look(["board"], tick=False, alarms=False)
    assert [topic for topic, _ in told] == ["board", "board_tick", "board"]
    assert told[1][1] == {"at": AT + 3.0}
    assert [row["now"]["waiting"] for row in told[2][1]["queues"]] == [0, 0]


def test_many_who_begin_at_once_cost_one_reading(app: Flask, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    feed, read = Feed(app.extensions["ivrengine"]), []
    real = feed._read
    monkeypatch.setattr(feed, "_read", lambda: read.append(True) or real())
    told = [each.get() for each in [gevent.spawn(feed.told, "board", more=1) for _ in range(20)]]
    assert len(read) == 1
    assert {json.loads(each)["more"] for each in told} == {1} and len(json.loads(told[0])["queues"]) == 2
    monkeypatch.setattr(board_feed, "LOOK_SECONDS", 0.0)
    engine.store.segments.ended("w", "abandoned", AT + 3.0, 80.0).wait()
    assert [row["now"]["waiting"] for row in json.loads(feed.told("board"))["queues"]] == [0, 0], "no older than a look"
    assert len(read) == 2


def test_the_reading_ends_when_nobody_looks(app: Flask, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_feed, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(board_feed, "NOBODY_SECONDS", 0.02)
    state_of(client("board"))
    feed = app.extensions[EXTENSION]
    with gevent.Timeout(5):
        feed._running.join()
    state_of(client("board"))
    assert not feed._running.dead


def test_each_figure_tells_its_formula_in_the_readers_words(client: Client) -> None:
    browser = client("supervisor")
    page = unescape(browser.get("/board/").text)
    assert "Service level = answered in time / (offered - hung up in time)" in page
    assert "Handling time = (seconds of talk + seconds on hold + seconds of wrap-up) / talks that are over" in page
    assert page.count('data-figure="longest_wait_seconds"') == 2  # of all, and the pattern of a queue
    assert not re.search(r"data-formula=\"[^\"]*[a-z]_[a-z]", page)  # every counter has a word


def test_the_link_shows_the_wall_and_the_menu_is_for_who_wants_it(client: Client) -> None:
    link, boss = client("board"), client("supervisor")
    assert 'class="board-page wall"' in link.get("/board/").text and 'class="board-page"' in link.get("/board/?wall=0").text
    assert 'class="board-page"' in boss.get("/board/").text and 'class="board-page wall"' in boss.get("/board/?wall=1").text
    assert "/board/settings" in boss.get("/board/").text and "/board/settings" not in link.get("/board/?wall=0").text


def test_a_new_link_closes_the_old_one(engine: Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_page, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(live, "ASK_SECONDS", 0.01)
    link, admin = client("board"), client("admin")
    old = engine.store.users.key("wallboard")
    assert old in admin.get("/board/settings").text
    assert old not in client("supervisor").get("/board/settings").text
    stream = link.get("/board/live", buffered=False)
    events(stream, 1)
    assert admin.post("/board/link").status_code == 302
    assert engine.store.users.key("wallboard") != old
    names = {name for name, _ in events(stream, 1)}
    with gevent.Timeout(10):
        while "signed_out" not in names:
            names |= {name for name, _ in events(stream, 1)}
    assert link.get("/board/").status_code == 302
    link.set_cookie(KEY_COOKIE, engine.store.users.key("wallboard"))
    assert link.get("/board/").status_code == 200
    assert old not in repr(engine.store.audit.recent())


def test_limits_are_kept_for_all_boards(engine: Any, client: Client) -> None:
    boss = client("supervisor")
    given = {"queue": "news", "waiting-warn": "2", "waiting-alarm": "5", "waiting-sound": "on", "service_level_ignored-alarm": "62.5"}
    assert boss.post("/board/settings", data=given).status_code == 302
    assert {asdict(each)["figure"]: each for each in engine.store.board_limits.all()} == {
        "waiting": BoardLimit("news", "waiting", 2.0, 5.0, True),
        "service_level_ignored": BoardLimit("news", "service_level_ignored", None, 0.625, False),
    }
    page = boss.get("/board/settings?queue=news").text
    assert 'value="62.5"' in page and page.count("checked") == 1
    limits = state_of(client("board"))["queues"][0]["limits"]
    assert limits["waiting"] == {"warn": 2.0, "alarm": 5.0, "sound": True}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("waiting-warn", "-1", "A number from 0"), ("waiting-warn", "nan", "A number from 0"), ("waiting-warn", "1e9", "A number from 0"),
        ("waiting-warn", "٣", "A number from 0"), ("service_level_ignored-warn", "101", "A number from 0 to 100"),
        ("waiting-alarm", "2", "must be higher"), ("ready-alarm", "9", "must be lower"), ("waiting-warn", HOSTILE, "A number from 0"),
    ],
)
def test_a_limit_that_makes_no_sense_is_told_at_its_field(engine: Any, client: Client, field: str, value: str, words: str) -> None:
    given = {"queue": "news", "waiting-warn": "3", "ready-warn": "4", field: value}
    answer = client("supervisor").post("/board/settings", data=given)
    assert answer.status_code == 422 and words in answer.text and f'id="{field}-note"' in answer.text
    assert "<script>alert" not in answer.text
    assert engine.store.board_limits.all() == []


def test_limits_are_of_queues_that_are_there(client: Client) -> None:
    assert client("supervisor").get("/board/settings?queue=nowhere").status_code == 404
    page = client("supervisor").get("/board/settings").text
    assert "All queues together" in page and "&lt;script&gt;" in page and "<script>alert" not in page
