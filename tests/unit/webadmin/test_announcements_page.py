"""Announcements: written, changed and ended by supervisors, read by the agents they are for; nobody's change is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pages_house import AT

from ivrengine.site.reading import read_site_file
from webadmin.notices import notices

HOSTILE = "<script>alert(1)</script>"
SITE = """\
teams: {day: 白班, night: 夜班}
queues: {delivery: {title: 投递, number: "6001"}, sales: {title: 销售, number: "6002"}}
agents:
  "1001": {name: 王芳, team: day, queues: {delivery: 1}}
  "1002": {name: 李强, team: night, queues: {sales: 1}}
"""


@pytest.fixture
def boss(client: Callable[[str], FlaskClient], engine: Any) -> FlaskClient:
    engine.store.site.replace(read_site_file(SITE).site, "tests", 1.0).wait()
    engine.call_centre.director.site.load()
    return client("supervisor")


def announce(boss: FlaskClient, title: str = "News", **fields: Any) -> Any:
    return boss.post("/site/announcements/add", data={"title": title, **fields}, follow_redirects=True)


def to_read(agent: FlaskClient) -> list[dict[str, Any]]:
    """What the agent's page begins with."""
    answer = agent.get("/console/live", buffered=False)
    try:
        for piece in answer.iter_encoded():
            if b"event: snapshot" in piece:
                return json.loads(piece.decode().partition("data: ")[2])["notices"]
    finally:
        answer.close()
    return []


def test_it_is_written_read_and_counted(boss: FlaskClient, client: Callable[[str], FlaskClient], engine: Any) -> None:
    page = announce(boss, HOSTILE, text="Two\nlines", important="1").text
    assert HOSTILE not in page and "&lt;script&gt;" in page and "Read by 0 of 2 agents" in page and "王芳, 李强" in page
    agent = client("agent")
    (notice,) = to_read(agent)
    assert (notice["title"], notice["text"], notice["important"], notice["read"], notice["by"]) == (
        HOSTILE, "Two\nlines", True, None, "supervisor"
    )  # fmt: skip
    assert 'id="notices"' in agent.get("/console/").text
    assert agent.post(f"/site/announcements/one/{notice['id']}/read").json == {"ok": True}
    assert to_read(agent)[0]["read"] == AT
    assert "Read by 1 of 2 agents" in boss.get("/site/announcements/").text
    (row,) = engine.store.audit.recent(target="announcement 1")
    assert (row.who, row.verb, row.before) == ("user supervisor", "add_announcement", "")


def test_only_whom_it_is_for_gets_it_and_may_read_it(boss: FlaskClient, client: Callable[[str], FlaskClient]) -> None:
    announce(boss, "For the night", teams="night")
    announce(boss, "For delivery", queues="delivery")
    agent = client("agent")
    assert [each["title"] for each in to_read(agent)] == ["For delivery"]
    assert agent.post("/site/announcements/one/1/read").status_code == 404
    assert boss.post("/site/announcements/one/1/read").status_code == 409  # no agent
    page = boss.get("/site/announcements/").text
    assert "For 夜班" in page and "For 投递" in page


def test_it_comes_and_goes_by_itself_and_is_ended(boss: FlaskClient, client: Callable[[str], FlaskClient], engine: Any, clock: Any) -> None:
    # AT is 2026-09-21 22:13:20 in Shanghai
    assert "It will be announced" in announce(boss, "Later", begins="2026-09-21T22:30", until="2026-09-21T22:50").text
    agent = client("agent")
    assert to_read(agent) == []
    clock.now = AT + 1200
    assert [each["title"] for each in to_read(agent)] == ["Later"]
    clock.now = AT + 2400
    assert to_read(agent) == [] and "Over" in boss.get("/site/announcements/").text
    announce(boss, "Now")
    assert "no agent sees it" in boss.post("/site/announcements/one/2/end", follow_redirects=True).text
    assert to_read(agent) == []
    assert "over already" in boss.post("/site/announcements/one/2/end", follow_redirects=True).text
    assert boss.post("/site/announcements/one/99/end").status_code == 404


def test_a_page_that_is_open_is_told_at_once(boss: FlaskClient, app: Flask, engine: Any) -> None:
    told: list[tuple[str, Any]] = []
    app.extensions["ivrengine"].hub.publish = lambda topic, data: told.append((topic, [each["title"] for each in data]))
    kept = notices(app.extensions["ivrengine"], app.extensions)
    kept.watch("1001")
    kept.look()
    announce(boss, "News")
    kept.look()
    kept.look()
    assert told == [("notices.1001", []), ("notices.1001", ["News"])]
    kept.unwatch("1001")
    announce(boss, "More")
    kept.look()
    assert len(told) == 2
    gevent.sleep(0)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"title": " "}, "needs a title"), ({"title": "x" * 121}, "at most 120"), ({"title": "x", "text": "y" * 4001}, "at most 4000"),
        ({"title": "x", "begins": "soon"}, "no time"), ({"title": "x", "until": "1066-10-14T09:00"}, "no time"),
        ({"title": "x", "until": "2026-09-21T10:00"}, "after the beginning"), ({"title": "x", "teams": "gone"}, "no longer there|any more"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_written_stays(boss: FlaskClient, engine: Any, fields: Any, sentence: str) -> None:
    answer = boss.post("/site/announcements/add", data={"important": "1", **fields})
    assert answer.status_code == 422 and re.search(sentence, answer.text) and 'name="important" value="1" checked' in answer.text
    assert engine.store.announcements.all() == []


def test_a_stale_save_changes_nothing_and_shows_both(boss: FlaskClient, client: Callable[[str], FlaskClient], engine: Any) -> None:
    announce(boss, "News", text="first")
    version = re.search(r'name="version" value="(\d+)"', boss.get("/site/announcements/one/1").text)[1]
    admin = client("admin")
    admin.post("/site/announcements/one/1", data={"title": "News", "text": "theirs", "version": version})
    answer = boss.post("/site/announcements/one/1", data={"title": "News", "text": "mine", "version": version})
    assert answer.status_code == 409 and "theirs" in answer.text and "mine" in answer.text and "Somebody else" in answer.text
    assert engine.store.announcements.get(1).notice.text == "theirs"
    newer = re.search(r'name="version" value="(\d+)"', answer.text)[1]
    again = boss.post("/site/announcements/one/1", data={"title": "News", "text": "mine", "version": newer}, follow_redirects=True)
    assert "read it again" in again.text and engine.store.announcements.get(1).notice.text == "mine"
    for version in ("", "x", "9" * 30):
        assert boss.post("/site/announcements/one/1", data={"title": "x", "version": version}).status_code == 409
    assert boss.get("/site/announcements/one/99").status_code == 404


def test_agents_write_none(client: Callable[[str], FlaskClient], boss: FlaskClient) -> None:
    agent = client("agent")
    for address in ("/site/announcements/", "/site/announcements/one/1"):
        assert agent.get(address).status_code == 403
    assert agent.post("/site/announcements/add", data={"title": "x"}).status_code == 403
