"""Recording by phone, as a prompt's page shows it: begun, followed and ended by whose it is, refused with a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from flask.testing import FlaskClient


@pytest.fixture
def rung(engine: Any) -> list[tuple[Any, ...]]:
    """Phones 8001 and 8002 are registered; what is rung."""
    takes, rung = engine.workplace.phone_takes, []

    def dial(*what: Any, **options: Any) -> str:
        rung.append(what[:2])
        return "leg"

    takes._legs = SimpleNamespace(reachable=lambda phone: phone in ("8001", "8002"))
    takes._sides = SimpleNamespace(dial=dial, kill=lambda leg_id: None)
    takes.directory.mkdir(parents=True)
    (engine.settings.prompts / "zh-CN").mkdir(parents=True)
    engine.catalogue.reload()
    return rung


@pytest.fixture
def admin(client: Callable[[str], FlaskClient], rung: list[tuple[Any, ...]]) -> FlaskClient:
    return client("admin")


def begin(admin: FlaskClient, phone: str = "8001", name: str = "news/today") -> Any:
    return admin.post(f"/prompts/record/begin/zh-CN/{name}", data={"phone": phone}, headers={"Accept": "application/json"})


def snapshot(admin: FlaskClient) -> Any:
    answer = admin.get("/prompts/record/live", buffered=False)
    try:
        for piece in answer.iter_encoded():
            if b"event: snapshot" in piece:
                return json.loads(piece.decode().partition("data: ")[2])["take"]
    finally:
        answer.close()
    return None


def test_ones_own_phone_rings_and_is_remembered_and_the_page_follows(admin: FlaskClient, engine: Any, rung: list) -> None:
    page = admin.get("/prompts/new?language=zh-CN&new_name=news/today", follow_redirects=True)
    assert page.status_code == 200 and "Record by phone" in page.text and 'data-state="null"' in page.text
    answer = begin(admin)
    assert answer.status_code == 200 and answer.json["take"]["state"] == "RINGING" and rung == [("extension", "8001")]
    assert 'value="8001"' in admin.get("/prompts/one/zh-CN/news/today?new=1").text
    take = snapshot(admin)
    assert (take["name"], take["phone"], take["over"]) == ("news/today", "8001", False)
    assert begin(admin).status_code == 409
    pressed = admin.post("/prompts/record/press", json={"take": take["take"], "key": "3"})
    assert pressed.status_code == 200
    gevent.sleep(0.01)
    assert snapshot(admin)["state"] == "DISCARDED"
    row = engine.store.audit.recent(target="prompt news/today")[0]
    assert (row.verb, row.who) == ("record_by_phone", "user admin") and "8001" in row.after


def test_every_step_is_told_to_ones_own_page(admin: FlaskClient, engine: Any, app: Any) -> None:
    snapshot(admin)  # somebody looks
    told: list[tuple[str, Any]] = []
    app.extensions["ivrengine"].hub.publish = lambda topic, data: told.append((topic, data["take"]["state"]))
    begin(admin)
    assert told == [("take.user admin", "RINGING")]


@pytest.mark.parametrize(
    ("phone", "sentence"),
    [
        ("", "digits only"), ("8001x", "digits only"), ("+8613800138000", "digits only"), ("13800138000", "Outside numbers are not rung"),
        ("8009", "no phone of the house"),
    ],
)
def test_no_outside_number_is_ever_rung(admin: FlaskClient, engine: Any, rung: list, phone: str, sentence: str) -> None:
    answer = begin(admin, phone)
    assert answer.status_code == 409 and sentence in answer.json["error"] and rung == []
    assert engine.store.own_phones.of("admin") == ""


def test_what_is_no_prompt_or_not_ones_own_is_refused(admin: FlaskClient) -> None:
    assert admin.post("/prompts/record/begin/fr-FR/x", data={"phone": "8001"}).status_code == 404
    assert admin.post("/prompts/record/begin/zh-CN/..%2Fx", data={"phone": "8001"}).status_code == 404
    assert admin.get("/prompts/record/sound?take=x").status_code == 404
    for given in ({}, {"take": 1, "key": "1"}, {"take": "x", "key": "1"}, []):
        answer = admin.post("/prompts/record/press", json=given)
        assert answer.status_code == 409 and "over" in answer.json["error"]
    assert admin.get("/prompts/new?language=zh-CN&new_name=../x").status_code == 422
    assert admin.get("/prompts/new?language=xx&new_name=x").status_code == 404
    assert admin.get("/prompts/one/zh-CN/unheard_of").status_code == 404


def test_without_a_switch_it_is_told(client: Callable[[str], FlaskClient], engine: Any) -> None:
    engine.workplace.phone_takes.directory.mkdir(parents=True)
    answer = begin(client("admin"))
    assert answer.status_code == 409 and "switch" in answer.json["error"]
