"""The agent's console: what the phone does is told, verbs reach one's own calls only, and strangers' text stays text."""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pages_house import AT, PASSWORD

from ivrengine.acd.happenings import Opened
from ivrengine.acd.rules import AgentRules, BreakReason, Membership, QueueRules, Team
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import Enqueue, KeepMessage, LogStep
from ivrengine.esl.errors import SwitchRefused, SwitchTimeout, SwitchUnavailable
from ivrengine.site.records import Agent, Disposition, Site
from ivrengine.storage.customers import read_customer
from webadmin.pages.console import VERBS

HOSTILE = '<script>alert(1)</script>"\n${x}'
PAGE_LIMIT = 250_000
SITE = Site(
    teams=(Team("day", most_away=1),),
    reasons=(BreakReason("tea", "Tea"), BreakReason("course", "Course", approval=True)),
    dispositions=(Disposition("1", "Sold"), Disposition("2", "Other", ("elsewhere",))),
    queues=(QueueRules("sales", "Sales", number="6001", disposition_required=True), QueueRules("elsewhere")),
    agents=(
        Agent(AgentRules("1001", "Fang", "day", queues={"sales": Membership()})),
        Agent(AgentRules("1002", "Qiang", "day", queues={"sales": Membership()})),
    ),
)


class PaperLeg:
    """An agent's leg that does nothing by itself."""

    def __init__(self, offer: Any, waiting: Any, director: Any) -> None:
        self.leg_id, self.caller = f"leg-{offer.attempt_id}", waiting.call_id

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **named: None


class Desk:
    """The house behind the pages: calls come, and agents' phones do what the test says."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.store = engine, engine.store
        self.director = engine.call_centre.director
        self.legs: list[tuple[Any, ...]] = []
        engine.store.site.replace(SITE, "tests", AT).wait()
        self.director.site.load()
        self.director.feed(Opened())
        self.director._make_leg = PaperLeg
        for name in ("kill", "unbridge", "bridge", "originate", "reachable"):
            setattr(self.director.legs, name, self._noted(name))

    def _noted(self, name: str) -> Callable[..., bool]:
        def note(*what: Any, **named: Any) -> bool:
            self.legs.append((name, *what))
            return True

        return note

    def call(self, call_id: str = "c1", number: str = "13800138000", name: str = "Li Lei") -> None:
        call = CallInfo(call_id, "100", number, name, AT)
        self.engine.reception.sessions[call_id] = SimpleNamespace(call=call, talks=lambda on: None)
        self.store.calls.begin(call, "line", "v1")
        step = LogStep(0, "line", "v1", "main", "menu", AT, AT + 2, "choice", HOSTILE, "1")
        self.store.steps.log(call_id, step)
        self.store.steps.log(call_id, LogStep(1, "line", "v1", "quiet", "play", AT, AT + 2, "done", "", ""))
        self.director.enqueue(call, Enqueue(f"{call_id}:1", "sales"))

    def attempt(self, agent_id: str) -> str:
        return self.director.dispatcher.agent(agent_id).attempt_id

    def ring(self, agent_id: str) -> None:
        self.director.rang(self.attempt(agent_id))

    def connect(self, agent_id: str) -> None:
        attempt_id = self.attempt(agent_id)
        for step in (self.director.answered, self.director.bridging, self.director.bridged):
            step(attempt_id)

    def end(self, agent_id: str) -> None:
        self.director.talk_ended(self.attempt(agent_id), 1000)


@pytest.fixture
def house(engine: Any) -> Desk:
    return Desk(engine)


@pytest.fixture
def agent(client: Callable[[str], FlaskClient], house: Desk) -> FlaskClient:
    """1001, logged in at phone 8001 and ready."""
    browser = client("agent")
    assert do(browser, "log_in", phone="8001").status_code == 200
    assert do(browser, "ready").status_code == 200
    return browser


@pytest.fixture
def other(app: Flask, engine: Any, agent: FlaskClient, password_hash: str, clock: Any) -> FlaskClient:
    """1002 at phone 8002, not ready."""
    engine.store.users.add("other", "agent", "1002", password_hash, "tests", clock()).wait()
    engine.store.users.set_password("other", password_hash, "tests", clock(), must_change=False).wait()
    browser = app.test_client()
    assert browser.post("/log-in", data={"name": "other", "password": PASSWORD}).status_code == 302
    assert do(browser, "log_in", phone="8002").status_code == 200
    return browser


def do(browser: FlaskClient, verb: str, **given: str) -> Any:
    return browser.post(f"/console/do/{verb}", json=given, headers={"Accept": "application/json"})


class Stream:
    """The events of one page."""

    def __init__(self, browser: FlaskClient) -> None:
        self.answer = browser.get("/console/live", buffered=False)
        self._chunks: Iterator[bytes] = iter(self.answer.response)
        self.snapshot = self.until("snapshot")

    def until(self, name: str, holds: Callable[[Any], bool] = lambda data: True) -> Any:
        with gevent.Timeout(5):
            for chunk in self._chunks:
                told = dict(line.split(": ", 1) for line in chunk.decode().splitlines() if ": " in line)
                if told.get("event") == name and holds(json.loads(told["data"])):
                    return json.loads(told["data"])
        raise AssertionError(f"the stream ended without {name}")

    def close(self) -> None:
        self.answer.close()


@pytest.fixture
def stream(agent: FlaskClient) -> Iterator[Stream]:
    made = Stream(agent)
    yield made
    made.close()


# -- who may -----------------------------------------------------------------------------------------------------------------


def test_a_user_without_an_agents_number_is_told_and_does_nothing(client: Callable[[str], FlaskClient], house: Desk) -> None:
    browser = client("supervisor")
    page = browser.get("/console/")
    assert page.status_code == 200 and "You have no agent number" in page.text and "console.js" not in page.text
    for verb in VERBS:
        assert do(browser, verb).status_code == 409
    assert browser.get("/console/live", headers={"Accept": "application/json"}).status_code == 409
    assert browser.get("/console/day", headers={"Accept": "application/json"}).status_code == 409


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_is_not_possible_now_is_a_sentence(client: Callable[[str], FlaskClient], house: Desk, verb: str) -> None:
    answer = do(client("agent"), verb)
    assert answer.status_code == 409 and answer.json["error"].endswith(".")


@pytest.mark.parametrize("fault", [SwitchTimeout, SwitchUnavailable, SwitchRefused])
def test_what_the_switch_can_not_do_now_is_a_sentence(
    agent: FlaskClient, house: Desk, engine: Any, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise fault("-ERR no")

    monkeypatch.setattr(engine.workplace.soft_phone, "do", fail)
    answer = do(agent, "hold")
    assert answer.status_code == 503 and "The switch can't do that now" in answer.json["error"]


def test_what_is_no_verb_or_no_text_does_nothing(agent: FlaskClient, house: Desk) -> None:
    assert do(agent, "reboot").status_code == 404
    assert agent.post("/console/do/log_in", json={"phone": {"$ne": 1}}, headers={"Accept": "application/json"}).status_code == 409
    assert agent.post("/console/do/break", data="[]", content_type="application/json").status_code == 409
    assert agent.get("/console/do/ready").status_code == 405


def test_without_the_token_nothing_is_done(app: Flask, agent: FlaskClient, house: Desk) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    assert do(agent, "log_out").status_code == 400
    assert house.director.dispatcher.agent("1001").intent == "READY"


def test_a_talk_is_its_own_agents(agent: FlaskClient, other: FlaskClient, house: Desk) -> None:
    house.call()
    house.ring("1001")
    house.connect("1001")
    item = house.director.talk_of("1001").item_id
    house.store.segments.get(item)
    house.legs.clear()
    for verb in ("hold", "hang_up", "transfer", "consult", "pause_recording"):
        assert do(other, verb, number="6001").status_code == 409
    assert other.post("/console/notes", json={"item": item, "notes": "mine"}).status_code == 409
    assert do(other, "disposition", item=item, code="1").status_code == 409
    assert house.legs == [] and house.store.segments.get(item).notes == ""


def test_a_call_of_ones_own_has_its_card_from_the_click_on(agent: FlaskClient, other: FlaskClient, house: Desk) -> None:
    refused = "Calls to this number are not allowed; the operator allows them in outside_numbers."
    assert do(other, "call", number="02112345678").json["error"] == refused
    assert do(other, "call", number="${x}").json["error"] == "A number is made of digits."
    assert house.legs == []
    answer = do(other, "call", number="1001")
    assert answer.status_code == 200 and "Your phone rings" in answer.json["told"]
    told = Stream(other)
    desk, card = told.snapshot["desk"], told.snapshot["card"]
    told.close()
    assert (desk["stage"], desk["work"], desk["own"]["state"], desk["own"]["title"]) == ("calling", "EXTERNAL", "PHONE", "Fang")
    assert (card["direction"], card["number"], card["name"], card["dispositions"]) == ("internal", "8001", "Fang", [])
    assert do(other, "call", number="1001").status_code == 409
    assert do(agent, "mute").status_code == 409 and do(agent, "answer").status_code == 409


def test_a_colleagues_phone_is_not_taken(agent: FlaskClient, other: FlaskClient, house: Desk) -> None:
    answer = do(other, "log_in", phone="8001")
    assert answer.status_code == 409 and "colleague" in answer.json["error"]
    assert house.director.dispatcher.agent("1001").phone == "8001"


# -- what is told ------------------------------------------------------------------------------------------------------------


def test_the_pop_comes_with_the_ringing_and_goes_with_the_call(agent: FlaskClient, house: Desk, stream: Stream) -> None:
    desk = stream.snapshot["desk"]
    assert (desk["intent"], desk["work"], desk["phone"], desk["stage"]) == ("READY", "IDLE", "8001", "") and stream.snapshot["card"] is None
    house.call(name=HOSTILE)
    house.ring("1001")
    told = stream.until("desk.1001", lambda data: data["desk"]["stage"] == "ringing")["desk"]
    card = stream.until("card.1001", bool)
    assert card["item"] == told["item"] and card["number"] == "13800138000" and card["queue"] == "Sales"
    assert card["name"] == '<script>alert(1)</script>"\n${x}' and "wait_seconds" in card and card["customers"] == []
    assert [step["label"] for step in card["trail"]] == [HOSTILE]  # steps without a choice are no trail
    house.connect("1001")
    stream.until("desk.1001", lambda data: data["desk"]["stage"] == "talking")
    assert stream.until("card.1001", bool)["mine"]
    house.end("1001")
    after = stream.until("desk.1001", lambda data: data["desk"]["stage"] == "after")["desk"]
    assert after["wrap_up"]["required"] and after["work"] == "WRAP_UP"
    assert do(agent, "ready").status_code == 409  # a disposition comes first
    assert do(agent, "disposition", item=after["item"], code="2").status_code == 409  # of another queue
    assert do(agent, "disposition", item=after["item"], code="1", notes="two copies").status_code == 200
    stream.until("desk.1001", lambda data: data["desk"]["stage"] == "")
    stream.until("card.1001", lambda data: data is None)
    house.store.database.write(lambda db: None)  # behind what the director has handed over
    kept = house.store.segments.get(after["item"])
    assert (kept.disposition, kept.notes) == ("1", "two copies")


def test_required_notes_are_told_on_the_card_and_asked_for_before_the_next_call(agent: FlaskClient, house: Desk, stream: Stream) -> None:
    queues = (dataclasses.replace(SITE.queues[0], notes_required=True), *SITE.queues[1:])
    house.director.site.use(dataclasses.replace(SITE, queues=queues))
    house.call()
    house.ring("1001")
    house.connect("1001")
    assert stream.until("card.1001", lambda data: data and data["mine"])["notes_required"]
    house.end("1001")
    after = stream.until("desk.1001", lambda data: data["desk"]["stage"] == "after")["desk"]
    answer = do(agent, "disposition", item=after["item"], code="1", notes="  ")
    assert answer.status_code == 409 and answer.json["error"] == "Write notes of the call first."
    assert do(agent, "ready").status_code == 409
    assert agent.post("/console/notes", json={"item": after["item"], "notes": "wants two"}).status_code == 200
    assert do(agent, "disposition", item=after["item"], code="1", notes="wants two").status_code == 200
    stream.until("desk.1001", lambda data: data["desk"]["stage"] == "")


def test_a_page_that_is_loaded_in_the_middle_of_a_call_has_it_at_once(agent: FlaskClient, house: Desk) -> None:
    house.call()
    house.ring("1001")
    house.connect("1001")
    agent.post("/console/notes", json={"item": house.director.talk_of("1001").item_id, "notes": "half a"})
    one, two = Stream(agent), Stream(agent)
    for page in (one, two):
        assert page.snapshot["desk"]["stage"] == "talking" and page.snapshot["card"]["notes"] == "half a"
    one.close()
    assert do(agent, "hold").status_code == 200  # the second tab is told still
    two.until("desk.1001", lambda data: data["desk"]["work"] == "HOLD")
    two.close()


def test_who_is_passed_on_comes_with_what_the_colleague_wrote(agent: FlaskClient, other: FlaskClient, house: Desk) -> None:
    house.call()
    house.ring("1001")
    house.connect("1001")
    assert do(other, "ready").status_code == 200
    second = Stream(other)
    assert do(agent, "transfer", number="1002", notes=f"wants {HOSTILE}").status_code == 200
    house.end("1001")
    house.ring("1002")
    second.until("desk.1002", lambda data: data["desk"]["stage"] == "ringing")
    card = second.until("card.1002", bool)
    [before] = card["before"]
    assert before["notes"] == f"wants {HOSTILE}" and before["agent"] == "Fang (1001)" and len(card["trail"]) == 1
    assert not card["mine"] and card["notes"] == ""
    second.close()


def test_who_is_asked_sees_whom_it_is_about(agent: FlaskClient, other: FlaskClient, house: Desk) -> None:
    house.call()
    house.ring("1001")
    house.connect("1001")
    second, first = Stream(other), Stream(agent)
    assert do(agent, "consult", number="8002", notes="a question").status_code == 200
    first.until("desk.1001", lambda data: bool(data["desk"]["consulting"]))
    told = second.until("desk.1002", lambda data: data["desk"]["stage"] == "brought")["desk"]
    card = second.until("card.1002", bool)
    assert card["item"] == told["item"] and card["agent"] == "Fang (1001)" and card["notes"] == "a question"
    assert other.post("/console/notes", json={"item": card["item"], "notes": "x"}).status_code == 409
    for page in (first, second):
        page.close()


def test_breaks_tell_the_seats_left_and_wait_for_a_supervisor(agent: FlaskClient, other: FlaskClient, house: Desk) -> None:
    assert do(agent, "break", reason="tea").status_code == 200
    page = Stream(other)
    assert page.snapshot["desk"]["seats"] == {"most": 1, "left": 0}
    answer = do(other, "break", reason="tea")
    assert answer.status_code == 409 and "away" in answer.json["error"]
    assert do(agent, "ready").status_code == 200
    answer = do(agent, "break", reason="course")
    assert answer.status_code == 200 and answer.json["code"] == "pending" and "supervisor" in answer.json["told"]
    page.close()
    page = Stream(agent)
    assert page.snapshot["desk"]["break_asked"] == "course" and page.snapshot["desk"]["intent"] == "READY"
    page.close()


def test_a_lost_link_to_the_switch_is_told(engine: Any, house: Desk, stream: Stream) -> None:
    engine.switch.connected = False
    assert not stream.until("desk.1001", lambda data: not data["desk"]["switch"])["desk"]["switch"]


def test_nothing_is_computed_for_nobody(app: Flask, agent: FlaskClient, house: Desk) -> None:
    page = Stream(agent)
    page.close()
    desks = app.extensions["console"]
    assert not desks._watching and not desks._told and not desks._cards


# -- customers ---------------------------------------------------------------------------------------------------------------


def test_a_new_customer_is_known_from_then_on(agent: FlaskClient, house: Desk, stream: Stream) -> None:
    house.call()
    house.ring("1001")
    stream.until("card.1001", bool)
    bad = agent.post("/console/customer", json={"name": "Li", "numbers": "call me"})
    assert bad.status_code == 422 and bad.json["field"] == "numbers"
    given = {"name": HOSTILE, "level": "gold", "numbers": "138 0013 8000, 02987654321"}
    assert agent.post("/console/customer", json=given).status_code == 200
    card = stream.until("card.1001", lambda data: bool(data and data["customers"]))
    [known] = card["customers"]
    assert known["id"] == card["customer"] and known["level"] == "gold" and known["numbers"] == ["13800138000", "02987654321"]
    changed = agent.post("/console/customer", json={"id": known["id"], "name": "Li Lei", "numbers": "13800138000"})
    assert changed.status_code == 200
    assert agent.post("/console/customer", json={"id": "nobody", "name": "Li"}).status_code == 409
    assert stream.until("card.1001", lambda data: data["customers"][0]["name"] == "Li Lei")["customer"] == known["id"]
    assert house.store.audit.recent(target=f"customer {known['id']}")[0].who == "user agent"


def test_of_several_with_the_number_one_is_chosen(agent: FlaskClient, house: Desk, stream: Stream) -> None:
    ids = [house.store.customers.add(read_customer(name, "", "", ["13800138000"]), "tests", AT).wait() for name in ("A", "B")]
    assert agent.post("/console/customer/choose", json={"id": ids[1]}).status_code == 409  # nobody calls
    house.call()
    house.ring("1001")
    card = stream.until("card.1001", bool)
    assert [each["name"] for each in card["customers"]] == ["A", "B"] and card["customer"] == ""
    assert agent.post("/console/customer/choose", json={"id": "nobody"}).status_code == 409
    assert agent.post("/console/customer/choose", json={"id": ids[1]}).status_code == 200
    assert stream.until("card.1001", lambda data: bool(data["customer"]))["customer"] == ids[1]


def test_the_last_five_calls_are_told_with_agent_and_disposition(agent: FlaskClient, house: Desk, stream: Stream) -> None:
    store = house.store
    for n in range(7):
        store.segments.begin(f"old{n}", f"old{n}", f"old{n}", "t", "sales", "13800138000", AT - 1000 + n)
        store.segments.ended(f"old{n}", "answered", AT - 990 + n, 1.0, "1002", f"a{n}")
        store.segments.disposed(f"old{n}", "1", f"note {n}").wait()
    house.call()
    house.ring("1001")
    last = stream.until("card.1001", bool)["last"]
    assert [each["notes"] for each in last] == [f"note {n}" for n in (6, 5, 4, 3, 2)]
    assert last[0]["disposition"] == "Sold" and last[0]["agent"] == "Qiang (1002)"


# -- the day -----------------------------------------------------------------------------------------------------------------


def test_the_day_tells_figures_calls_missed_ones_and_callbacks(agent: FlaskClient, house: Desk, clock: Any) -> None:
    house.call()
    attempt = house.attempt("1001")
    house.director.rang(attempt)
    house.director.failed(attempt, "no_answer")
    house.store.callbacks.request("cb1", "sales", "13900139000", AT, name=HOSTILE).wait()
    house.store.callbacks.request("cb2", "elsewhere", "13900139000", AT).wait()
    clock.now += 60
    day = agent.get("/console/day").json
    assert [each["number"] for each in day["missed"]] == ["13800138000"] and day["missed"][0]["why"] == "no_answer"
    assert day["callbacks_count"] == 1 and day["callbacks"][0]["name"] == HOSTILE
    assert {"Time logged in", "Occupancy", "Talk"} <= {each["title"] for each in day["figures"]}
    assert next(each for each in day["figures"] if each["title"] == "Time logged in")["formula"].startswith("occupied_seconds + ")


def test_a_message_is_heard_and_marked(agent: FlaskClient, house: Desk, tmp_path: Path) -> None:
    path = tmp_path / "message.wav"
    path.write_bytes(b"RIFF....WAVE")
    message = KeepMessage("box", str(path), 1500, "13900139000")
    message_id = house.store.messages.keep(message, CallInfo("c9", "100", "138"), AT).wait()
    assert [each["id"] for each in agent.get("/console/day").json["messages"]] == [message_id]
    sound = agent.get(f"/console/message/{message_id}")
    assert sound.data == b"RIFF....WAVE" and sound.mimetype == "audio/wav"
    assert agent.post(f"/console/message/{message_id}/heard").status_code == 200
    assert agent.get("/console/day").json["messages"] == []
    house.store.messages.delete(message_id, AT)
    assert agent.get(f"/console/message/{message_id}").status_code == 404 == agent.get("/console/message/x").status_code


def test_the_directory_has_queues_with_a_number_and_colleagues_who_are_there(agent: FlaskClient, other: FlaskClient) -> None:
    found = agent.get("/console/directory").json
    assert [each["number"] for each in found["queues"]] == ["6001"]
    assert found["agents"] == [{"number": "1002", "title": "Qiang (1002)", "free": False}]


def test_callbacks_are_asked_for_in_ones_own_queues_only(agent: FlaskClient, house: Desk) -> None:
    assert agent.post("/console/call-back", json={"queue": "elsewhere", "number": "13900139000"}).status_code == 409
    assert agent.post("/console/call-back", json={"queue": "sales", "number": "13900139000"}).status_code == 409  # not on the allow-list
    house.engine.workplace.callbacks._may_dial = lambda number: True
    assert agent.post("/console/call-back", json={"queue": "sales", "number": "13900139000"}).status_code == 200
    assert house.store.callbacks.open()[0].number == "13900139000"


# -- the page ----------------------------------------------------------------------------------------------------------------


def test_the_page_and_all_it_loads_is_small(agent: FlaskClient) -> None:
    page = agent.get("/console/").data
    files = [agent.get(f"/static/{name}").data for name in ("frame.css", "frame.js", "live.js", "console.css", "console.js", "icon.svg")]
    assert sum(len(gzip.compress(each)) for each in (page, *files)) < PAGE_LIMIT


def test_the_script_makes_no_html_of_strings(agent: FlaskClient) -> None:
    script = agent.get("/static/console.js").text
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert way not in script


def test_in_chinese(agent: FlaskClient) -> None:
    agent.post("/account/preferences", data={"language": "zh-CN"})
    page = agent.get("/console/").text
    assert "就绪" in page and "Hang up" not in page
    assert "请先" in do(agent, "unhold").json["error"] or "没有" in do(agent, "unhold").json["error"]
