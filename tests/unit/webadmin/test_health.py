"""What machines ask: alive, ready, figures; and that nobody's number is among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pages_house import AGENT_ID
from prometheus_client.parser import text_string_to_metric_families

from ivrengine.acd.rules import AgentRules, Membership, QueueRules
from ivrengine.reports.board import board
from ivrengine.site.records import Agent

NUMBER = "13800138000"
QUEUE = 'line "1"\\'


def keep_a_day(engine: Any, clock: Callable[[], float]) -> None:
    """One caller waits, one was answered; the agent is ready."""
    store, now = engine.store, clock()
    store.site.save(QueueRules(QUEUE), "tests", now).wait()
    store.site.save(Agent(AgentRules(AGENT_ID, "Li", queues={QUEUE: Membership()})), "tests", now).wait()
    for item in ("one", "two"):
        store.contacts.begin(item, NUMBER, "Wang", now - 60)
        store.segments.begin(item, item, item, item, QUEUE, NUMBER, now - 40)
    store.segments.ended("one", "answered", now - 30, 10.0, AGENT_ID, "one/1")
    store.agent_states.log(AGENT_ID, "READY", "IDLE", "", now - 5, "", "8001", 1).wait()


def figures(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_alive_as_long_as_it_answers(app: Flask, engine: Any) -> None:
    engine.switch.connected = False
    answer = app.test_client().get("/health")
    assert (answer.status_code, answer.json) == (200, {"switch": "down", "calls": 0})


def test_ready_while_calls_are_taken(app: Flask, engine: Any) -> None:
    browser = app.test_client()
    assert browser.get("/ready").json == {"ready": True, "missing": []}
    engine.switch.connected, engine.call_centre.recovery.done, engine.reception.draining = False, False, True
    answer = browser.get("/ready")
    assert answer.status_code == 503 and len(answer.json["missing"]) == 3
    engine.switch.connected = engine.call_centre.recovery.done = True
    engine.reception.draining = False
    engine.store.close()
    answer = browser.get("/ready")
    assert answer.status_code == 503 and "not open" in answer.json["missing"][0]


def test_metrics_need_a_key(app: Flask, engine: Any) -> None:
    browser = app.test_client()
    key = engine.store.users.key("wallboard")
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {key}"}):
        assert browser.get("/metrics", headers={"Accept": "text/plain", **headers}).status_code == 401
    assert browser.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_metrics_are_the_boards_figures_and_nobodys_number(client: Callable[[str], FlaskClient], engine: Any, clock: Any) -> None:
    keep_a_day(engine, clock)
    answer = client("board").get("/metrics")
    assert answer.content_type.startswith("text/plain")
    found, row = figures(answer.text), board(engine.store, clock()).queues[0]
    queue = f"queue={QUEUE}"
    assert found["ivrengine_queue_waiting", queue] == row.waiting == 1
    assert found["ivrengine_queue_longest_wait_seconds", queue] == pytest.approx(40.0)
    assert found["ivrengine_queue_calls_total", "outcome=answered", queue] == 1
    assert found["ivrengine_queue_seconds_total", "of=answered_wait", queue] == 10.0
    assert found["ivrengine_queue_service_level", queue] == 1.0
    assert found["ivrengine_queue_agents", queue, "state=ready"] == 1
    assert found["ivrengine_agents", "state=ready"] == 1 and found["ivrengine_agents", "state=talking"] == 0
    assert found["ivrengine_ready",] == 1 and found["process_open_fds",] > 0
    for private in (NUMBER, AGENT_ID, "Wang", "Li", "8001", "one/1"):
        assert f'"{private}"' not in answer.text
