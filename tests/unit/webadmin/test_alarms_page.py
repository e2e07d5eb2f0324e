"""Alarms are shown until somebody acknowledges them, with their history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from pages_house import AT, Clock

from ivrengine.domain.commands import RaiseAlarm

Client = Callable[[str], FlaskClient]
HOSTILE = '<script>alert(1)</script>"&'


def test_an_alarm_is_there_until_it_is_acknowledged_and_again_when_raised_again(engine: Any, client: Client, clock: Clock) -> None:
    boss, alarms = client("supervisor"), engine.store.alarms
    assert "no alarm yet" in boss.get("/alarms/").text
    alarms.raise_(RaiseAlarm("prompt_failed", HOSTILE, HOSTILE), AT).wait()
    page = boss.get("/alarms/").text
    assert "prompt failed" in page and "<script>alert" not in page and "&lt;script&gt;" in page
    told = boss.post("/alarms/acknowledge", data={"code": "prompt_failed", "place": HOSTILE}, follow_redirects=True).text
    assert "Acknowledged." in told and "Every alarm is acknowledged" in told
    assert "user supervisor" in boss.get("/alarms/?show=all").text
    assert "Somebody else" in boss.post(
        "/alarms/acknowledge", data={"code": "prompt_failed", "place": HOSTILE}, follow_redirects=True
    ).text  # fmt: skip
    alarms.raise_(RaiseAlarm("prompt_failed", "again", HOSTILE), AT + 60).wait()
    assert "again" in boss.get("/alarms/").text


def test_the_history_tells_the_hours_and_who_has_seen_it(engine: Any, client: Client, clock: Clock) -> None:
    boss, alarms = client("supervisor"), engine.store.alarms
    for at in (AT - 7200, AT - 7100, AT, AT - 100 * 3600):
        alarms.raise_(RaiseAlarm("trunk_down", "the trunk is down", "trunk"), at).wait()
    alarms.acknowledge("trunk_down", "trunk", "user wu", AT).wait()
    page = boss.get("/alarms/one?code=trunk_down&place=trunk").text
    assert page.count('class="some"') == 2 and page.count("<rect") == 48 and "user wu" in page
    assert boss.get("/alarms/one?code=trunk_down&place=elsewhere").status_code == 404
    assert boss.get("/alarms/one").status_code == 404
