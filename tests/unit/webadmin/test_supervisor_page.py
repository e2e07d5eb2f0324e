"""The supervisor's page: what is told, whose phone rings, what a request may name, and answers in the reader's language."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from pages_house import AGENT_ID, AT

from ivrengine.acd.happenings import BreakAsked, LoggedIn, Opened, Queued
from ivrengine.acd.rules import AgentRules, BreakReason, Membership, QueueRules, Team
from ivrengine.runtime import supervisor as verbs
from ivrengine.runtime.outcome import Outcome
from ivrengine.runtime.waiting import Waiting
from ivrengine.site.records import Agent, Site
from webadmin.pages.supervisor import VERBS

Client = Callable[[str], FlaskClient]
SITE = Site(
    teams=(Team("day", most_away=1),),
    reasons=(BreakReason("lunch", "Lunch", approval=True),),
    queues=(QueueRules("news", "News"), QueueRules("sales", "Sales")),
    agents=(
        Agent(AgentRules("101", "Li", "day", queues={"news": Membership()})),
        Agent(AgentRules(AGENT_ID, "Wang", queues={"news": Membership()})),
    ),
)


@pytest.fixture
def director(engine: Any) -> Any:
    """Somebody waits, and 101 asks for a break."""
    engine.store.site.replace(SITE, "test", AT).wait()
    director = engine.call_centre.director
    director.site.load()
    for happening in (Opened(), LoggedIn("101", "8001"), LoggedIn(AGENT_ID, "8002")):
        director.feed(happening)
    director.feed(Queued("call-1:1", "news", AT - 65))
    director.room.add(Waiting("call-1:1", "call-1", "call-1:1", "news", AT - 65, "13800138000"))
    director.feed(BreakAsked("101", "lunch"))
    engine.store.database.write(lambda db: None, "a pause")
    return director


@pytest.fixture
def asked(engine: Any) -> list[tuple[str, dict[str, str], Any]]:
    """What the engine is asked to do, which it does not do."""
    told: list[tuple[str, dict[str, str], Any]] = []

    def do(verb: str, arguments: dict[str, str], who: Any) -> Outcome:
        told.append((verb, arguments, who))
        return Outcome(True, "done", "The call of 101 is ended.")

    engine.workplace.supervisor = SimpleNamespace(do=do)
    return told


def state_of(browser: FlaskClient) -> dict[str, Any]:
    answer = browser.get("/supervisor/live", buffered=False)
    for block in answer.response:
        fields = dict(line.split(": ", 1) for line in block.decode().splitlines() if line)
        if fields.get("event") == "snapshot":
            answer.close()
            return json.loads(fields["data"])
    raise AssertionError("no snapshot")


def test_supervisors_see_who_waits_who_is_there_and_who_asks(director: Any, client: Client) -> None:
    state = state_of(client("supervisor"))
    [waiting] = state["waiting"]
    assert (waiting["number"], waiting["queue"], waiting["position"], waiting["queued_at"]) == ("13800138000", "news", 1, AT - 65)
    agents = {agent["agent"]: agent for agent in state["agents"]}
    assert (agents["101"]["asks"], agents["101"]["asks_title"], agents["101"]["phone"]) == ("lunch", "Lunch", "8001")
    assert agents[AGENT_ID]["asks"] == "" and not agents["101"]["talks"]
    assert state["teams"] == [{"team": "day", "title": "day", "most_away": 1, "away": 1}]  # after log-in one is not ready
    assert state["open_alarms"] == 0


def test_every_verb_of_supervisors_can_be_asked_for_and_nothing_else(asked: Any, client: Client, engine: Any) -> None:
    boss = client("supervisor")
    engine.store.own_phones.set("supervisor", "8009").wait()
    everything = {"agent": "101", "item": "call-1:1", "queue": "sales", "seconds": "60", "reason": "lunch", "by": "102", "phone": "666"}
    for verb in VERBS:
        answer = boss.post("/supervisor/do", json={"verb": verb, **everything})
        assert (answer.status_code, answer.json["ok"]) == (200, True)
    assert [verb for verb, _, _ in asked] == list(VERBS)
    told = {verb: arguments for verb, arguments, _ in asked}
    assert told["listen"] == {"agent": "101", "phone": "8009"}  # never the one of the request
    assert told["force_break"] == {"agent": "101", "reason": "lunch"} and told["move"] == {"item": "call-1:1", "queue": "sales"}
    assert {(who.name, who.agent_id) for _, _, who in asked} == {("user supervisor", "")}
    asked.clear()
    for wrong in ({}, {"verb": "reboot"}, {"verb": ["listen"]}, [1], None, "listen"):
        assert boss.post("/supervisor/do", json=wrong).status_code == 400
    assert boss.post("/supervisor/do", data=b"{", content_type="application/json").status_code == 400
    assert asked == []


def test_the_verbs_are_those_that_the_engine_knows() -> None:
    source = inspect.getsource(verbs.Supervisor._perform)
    assert all(f'"{verb}"' in source for verb in VERBS)


def test_arguments_that_are_no_text_are_left_out_and_long_ones_cut(asked: Any, client: Client) -> None:
    client("supervisor").post("/supervisor/do", json={"verb": "move", "item": {"a": 1}, "queue": "x" * 5000})
    assert asked[0][1] == {"queue": "x" * 200}


def test_the_phone_is_asked_for_once_and_kept(asked: Any, client: Client, engine: Any) -> None:
    boss = client("supervisor")
    answer = boss.post("/supervisor/do", json={"verb": "listen", "agent": "101"})
    assert answer.status_code == 409 and "Give the extension of your phone first" in answer.json["error"]
    for wrong in ("80a9", "1" * 21, "\u0661", "8009;x"):
        page = boss.post("/supervisor/phone", data={"phone": wrong}, follow_redirects=True).text
        assert "digits only" in page and engine.store.own_phones.of("supervisor") == ""
    assert 'value="8009"' in boss.post("/supervisor/phone", data={"phone": " 8009 "}, follow_redirects=True).text
    assert boss.post("/supervisor/do", json={"verb": "barge", "agent": "101"}).status_code == 200
    assert asked[-1][1]["phone"] == "8009"
    assert "Your phone is forgotten" in boss.post("/supervisor/phone", data={"phone": ""}, follow_redirects=True).text


def test_a_supervisor_who_is_an_agent_takes_callers_and_listens_where_they_sit(
    director: Any, asked: Any, client: Client, engine: Any
) -> None:
    boss = client("supervisor")
    for verb, name in (("pick_up", "item"), ("take_over", "agent")):
        answer = boss.post("/supervisor/do", json={"verb": verb, name: "x"})
        assert answer.status_code == 409 and "Choose an agent" in answer.json["error"]
    client("admin")  # without one, nobody could be changed
    engine.store.users.change("supervisor", "tests", AT, role="supervisor", agent_id=AGENT_ID, disabled=False).wait()
    boss.post("/supervisor/do", json={"verb": "pick_up", "item": "call-1:1"})
    boss.post("/supervisor/do", json={"verb": "take_over", "agent": "101"})
    boss.post("/supervisor/do", json={"verb": "listen", "agent": "101"})
    assert [arguments for _, arguments, _ in asked] == [
        {"item": "call-1:1", "agent": AGENT_ID}, {"agent": "101", "by": AGENT_ID}, {"agent": "101", "phone": "8002"},
    ]  # fmt: skip


def test_a_break_is_allowed_by_the_real_engine_and_on_record(director: Any, client: Client, engine: Any) -> None:
    boss = client("supervisor")
    answer = boss.post("/supervisor/do", json={"verb": "allow_break", "agent": "101"})
    assert (answer.status_code, answer.json["sentence"]) == (200, "The break 'lunch' of 101 is allowed.")
    assert director.dispatcher.agent("101").reason == "lunch"
    again = boss.post("/supervisor/do", json={"verb": "allow_break", "agent": "101"})
    assert (again.status_code, again.json["error"]) == (409, "'101' has asked for no break")
    moved = boss.post("/supervisor/do", json={"verb": "move", "item": "call-1:1", "queue": "sales"})
    assert moved.status_code == 200 and director.dispatcher.items("sales")[0].item_id == "call-1:1"
    engine.store.database.write(lambda db: None, "a pause")
    assert {row.verb for row in engine.store.audit.recent(who="user supervisor")} >= {"supervise allow_break", "supervise move"}


def test_agents_do_none_of_it(asked: Any, client: Client) -> None:
    assert client("agent").post("/supervisor/do", json={"verb": "disconnect", "agent": "101"}).status_code == 403
    assert asked == []


def test_answers_are_in_the_language_of_the_page(director: Any, client: Client) -> None:
    boss = client("supervisor")
    boss.set_cookie("ivrengine_language", "zh-CN")
    answer = boss.post("/supervisor/do", json={"verb": "disconnect", "agent": "999"})
    assert (answer.status_code, answer.json["error"]) == (409, "999 没有在通话")
