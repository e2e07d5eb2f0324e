"""The newspaper's hot lines as callers meet them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.acceptance import audio
from tests.acceptance.bench import Bench, SiteDatabase

from .conftest import ROOT, command, labels, open_office, prompt

CIRCULATION = "02988880001"
PROPERTY = "02988880003"


@pytest.mark.parametrize("dtmf", ["rfc2833", "info"])
def test_from_the_welcome_through_menu_and_page_to_a_message(
    bench: Bench, database: SiteDatabase, speech: Path, dtmf: str
) -> None:
    if bench.name == "simswitch" and dtmf == "info":
        pytest.skip("the embedded switch has no SIP: keys are keys")
    open_office(bench)
    bench.engine.start()
    call = bench.call(
        CIRCULATION,
        script=[
            {"press_after_prompt": "2"},  # subscriptions
            {"press_after_prompt": "1"},  # the newspaper
            {"press_after_prompt": "2"},  # the next page
            {"press_after_prompt": "*"},  # back to the menu of subscriptions
            {"press_after_prompt": "3"},  # order by message
            {"press_after_prompt": "1"},  # the number I call from
            {"until_recording": True},
            {"speak": str(speech)},
            {"wait": 1.0},  # a key by SIP INFO would overtake speech that is still on its way
            {"press": "#"},
            {"press_after_prompt": "2"},  # save
        ],
        dtmf=dtmf,
    )
    assert call.wait_ended(120) == "released"
    assert call.has_heard(prompt(bench, "hours/open"))
    assert call.has_heard(prompt(bench, "message/saved"))
    row = database.wait_call_ended()
    assert row["outcome"] == "completed"
    assert labels(database, row["call_id"])[:2] == ["订报订奶", "报纸"]
    assert "留言订购" in labels(database, row["call_id"])
    (message,) = database.messages()
    assert (message["box"], message["number"], message["callback_number"]) == ("circulation", "13800138000", "13800138000")
    assert audio.share_heard(audio.read(message["path"]), audio.read(speech)) > audio.ENOUGH


def test_a_nuisance_caller_is_refused(bench: Bench, database: SiteDatabase) -> None:
    command(bench, "blacklist", "add", "1390000*", "--reason", "nuisance")
    bench.engine.start()
    call = bench.call(CIRCULATION, from_="13900001111")
    assert call.wait_ended(20) == "refused"
    row = database.wait_call_ended()
    assert (row["outcome"], row["answered_at"]) == ("refused", None)
    (entry,) = database.wait(lambda db: db.rows("select * from blacklist where hits > 0"))
    assert entry["hits"] == 1
    assert bench.call(CIRCULATION, from_="13800138000").wait_answered()


def test_nought_reaches_an_agent_who_is_logged_in_and_the_caller_gives_marks(bench: Bench, database: SiteDatabase) -> None:
    open_office(bench)
    command(bench, "site", "import", str(ROOT / "site.yml"), "--yes")
    bench.engine.start()
    phone = bench.phone("8001", talk_seconds=10.0)  # what both hear before they talk takes some of it
    command(bench, "agents", "log-in", "1001", "--phone", "8001")
    command(bench, "agents", "ready", "1001")
    call = bench.call(CIRCULATION, script=[{"after_prompt": True}, {"press": "0"}])
    phone.wait_talking(40)
    call.wait_heard(prompt(bench, "survey/service"), 30)
    call.press("1")
    call.wait_heard(prompt(bench, "survey/solved"), 20)
    call.press("2")
    call.wait_heard(prompt(bench, "survey/comment"), 20)
    call.hang_up()
    row = database.wait_call_ended()
    steps = [(step["step"], step["outcome"]) for step in database.steps(row["call_id"])]
    assert ("operator", "answered") in steps and ("survey", "hangup") in steps
    marks = database.wait(lambda db: db.rows("select question, label from marks order by rowid"))
    assert [(mark["question"], mark["label"]) for mark in marks] == [("service", "满意"), ("solved", "未解决")]
    (segment,) = database.rows("select * from segments")
    assert (segment["queue"], segment["terminal"], segment["agent_id"]) == ("circulation", "answered", "1001")


def test_nought_reaches_a_person(bench: Bench, database: SiteDatabase) -> None:
    open_office(bench)
    bench.engine.start()
    phone = bench.phone("8001", talk_seconds=2.0)
    call = bench.call(CIRCULATION, script=[{"after_prompt": True}, {"press": "0"}])
    phone.wait_talking(40)
    assert call.wait_ended(60) == "released"
    row = database.wait_call_ended()
    steps = [(step["step"], step["outcome"]) for step in database.steps(row["call_id"])]
    assert ("phone", "answered") in steps  # nobody is logged in, so the phone rings
    assert row["outcome"] == "completed"


def test_nobody_at_the_phone_leads_to_the_message_box(bench: Bench, database: SiteDatabase, speech: Path) -> None:
    bench.engine.start()
    script = [{"after_prompt": True}, {"press": "0"}, {"until_recording": True}, {"speak": str(speech)}, {"hangup": True}]
    call = bench.call(PROPERTY, script=script)
    assert call.wait_ended(60) == "left"
    (message,) = database.wait(lambda db: db.messages())
    assert message["box"] == "property"
    assert message["duration_ms"] > 3000


@pytest.mark.parametrize("state", ["open", "closed", "weekend", "holiday"])
def test_the_time_of_day_decides_the_greeting(bench: Bench, state: str) -> None:
    command(bench, "hours", "override", "office", state, "--permanent")
    bench.engine.start()
    call = bench.call(CIRCULATION)
    call.wait_heard(prompt(bench, f"hours/{state}"), 20)
    call.hang_up()
    call.wait_ended(10)


def test_kill_minus_nine_in_a_menu_and_the_same_call_goes_on(bench: Bench, database: SiteDatabase) -> None:
    open_office(bench)
    bench.engine.start()
    call = bench.call(CIRCULATION, script=[{"press_after_prompt": "1"}, {"after_prompt": True}])
    call.wait_heard(prompt(bench, "circulation/complaint"), 40)
    time.sleep(1.0)
    bench.engine.kill()
    time.sleep(1.0)
    bench.engine.start()
    call.wait_prompt_ended(30)
    call.press("4")
    call.wait_heard(prompt(bench, "number/yours"), 20)
    call.hang_up()
    call.wait_ended(10)
    row = database.wait_call_ended()
    assert labels(database, row["call_id"])[:2] == ["投诉", "服务态度"]
    assert len(database.calls()) == 1


def test_a_caller_who_hangs_up_is_on_record(bench: Bench, database: SiteDatabase) -> None:
    bench.engine.start()
    call = bench.call(CIRCULATION)
    call.wait_answered()
    call.hang_up()
    row = database.wait_call_ended()
    assert (row["outcome"], row["ended_by"]) == ("caller_hung_up", "caller")
    (counter,) = database.wait(lambda db: db.rows("select * from counters where name = 'circulation_hung_up'"))
    assert counter["value"] == 1


@pytest.mark.parametrize(
    "name",
    [
        "Bob%0AEvent-Name: CHANNEL_HANGUP%0AUnique-ID: x",
        "${hangup} $${domain} `id` 'quo\"ted', ^^:a:b",
        "x" * 1000,
    ],
)
def test_a_hostile_name_is_harmless(bench: Bench, database: SiteDatabase, name: str) -> None:
    bench.engine.start()
    call = bench.call(CIRCULATION, name=name, script=[{"press_after_prompt": "1"}, {"wait": 0.5}, {"hangup": True}])
    assert call.wait_ended(60) == "left"
    row = database.wait_call_ended()
    assert row["outcome"] == "caller_hung_up"
    assert len(row["name"]) <= 80
    assert "\n" not in row["name"]
    assert labels(database, row["call_id"])[:1] == ["投诉"]


def test_a_stopping_engine_gives_its_callers_to_the_fallback(bench: Bench, database: SiteDatabase) -> None:
    toml = bench.site / "ivrengine.toml"
    toml.write_text(toml.read_text() + "\n[engine]\ndrain_seconds = 1.0\n")
    bench.engine.start()
    call = bench.call(CIRCULATION)
    call.wait_answered()
    time.sleep(1.0)
    bench.engine.stop()
    row = database.wait_call_ended()
    assert row["outcome"] == "fallback"
    time.sleep(1.0)
    call.hang_up()
    assert call.wait_ended(10) == "left"
