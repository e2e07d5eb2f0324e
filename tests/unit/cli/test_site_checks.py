"""What ``ivrengine doctor`` says of queues, PINs and counters."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ivrengine.acd.rules import AgentRules, QueueRules
from ivrengine.cli.call_centre_checks import check_call_centre
from ivrengine.config import Settings
from ivrengine.site.records import Agent, Site
from ivrengine.storage.store import Store

FLOW = """\
flow: line
languages: [zh-CN]
start: wait
steps:
  wait:
    queue: {queue: delivery, answered: end, failed: end}
  end:
    hangup: {}
"""
NOW = 1_790_000_000.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "flows").mkdir()
    return Settings(site=tmp_path, data=tmp_path / "data")


def told(settings: Settings) -> dict[str, tuple[str, str, str]]:
    return {finding.check: (finding.level, finding.sentence, finding.fix) for finding in check_call_centre(settings, NOW)}


def test_a_site_without_queues_hears_nothing_of_them_and_no_database_is_made(settings: Settings) -> None:
    assert told(settings) == {}
    assert not settings.data.exists()


def test_a_queue_that_a_flow_names_and_nobody_made_is_told_until_it_is_there(settings: Settings) -> None:
    (settings.flows / "line.yml").write_text(FLOW)
    level, sentence, fix = told(settings)["queues"]
    assert level == "warning" and "flows/line.yml:5:3: the flow line sends callers to the queue delivery" in sentence
    assert fix == f"ivrengine --site {settings.site} site import"
    with Store(settings.database) as store:
        store.site.save(QueueRules("delivery"), "li", 1.0).wait()
    assert told(settings)["queues"][0] == "ok"


def test_a_pin_that_stands_in_the_site_file_is_told_until_it_is_another(settings: Settings) -> None:
    (settings.site / "site.yml").write_text('agents: {"1001": {pin: "4711"}, "1002": {pin: "4712"}}\n')
    with Store(settings.database) as store:
        site = Site(agents=(Agent(AgentRules("1001")), Agent(AgentRules("1002"))))
        store.site.replace(store.site.with_pins(site, {"1001": "4711", "1002": "4712"}), "li", 1.0).wait()
    level, sentence, fix = told(settings)["pins"]
    assert level == "warning" and sentence.startswith("agent 1001 and 1 more: the PIN stands in") and fix.endswith("agents pin 1001")
    assert "4711" not in sentence
    with Store(settings.database) as store:
        for agent_id in ("1001", "1002"):
            store.site.set_pin(agent_id, "9999", "li", 2.0)
    assert "pins" not in told(settings)


def test_counters_that_are_others_than_their_rows_are_a_failure(settings: Settings) -> None:
    with Store(settings.database) as store:
        store.site.save(QueueRules("delivery"), "li", 1.0)
        store.segments.begin("a", "a", "a", "a", "delivery", "138", NOW - 100.0)
        store.segments.ended("a", "abandoned", NOW - 50.0, 50.0).wait()
    assert told(settings)["counters"][0] == "ok"
    with Store(settings.database) as store:
        store.database.write(lambda db: db.execute("UPDATE intervals SET abandoned = 7") and None)
    sentence = "counters of the last 30 days are others than the rows they were made of (intervals: 1)"
    assert told(settings)["counters"][:2] == ("failure", sentence)


def test_a_database_of_an_older_engine_is_left_as_it_is(settings: Settings) -> None:
    settings.data.mkdir()
    with sqlite3.connect(settings.database) as connection:
        connection.execute("CREATE TABLE calls (call_id TEXT)")
    assert told(settings) == {}
    settings.database.write_bytes(b"no database at all, " * 100)
    assert told(settings)["queues"][0] == "skipped"
