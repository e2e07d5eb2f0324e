"""Callers who are passed on, by codes and by the phones' own transfer keys; listening in; callbacks: the same on both switches."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench, SiteDatabase

from .call_centre import NUMBER, eventually, opened, ready, segments, until_works, works
from .conftest import SWITCHES, command, prompt

SURVEY = "survey/service"  # what the caller hears when the last of them has hung up


@pytest.fixture(params=SWITCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """As in test_call_centre; the phone 8003 may be called back."""
    monkeypatch.setenv("IVRENGINE_ENGINE_OUTSIDE_NUMBERS", "8003")
    with opened(request.param, tmp_path) as started:
        yield started


def talking(bench: Bench, database: SiteDatabase):
    """A caller who talks with 1001 at 8001; gives caller and phone."""
    phone = bench.phone("8001")
    ready(bench, "1001")
    call = bench.call(NUMBER)
    until_works(database, "1001", "TALKING")
    return call, phone


def end(bench: Bench, call) -> None:
    call.wait_heard(prompt(bench, SURVEY), 20)
    call.hang_up()
    call.wait_ended(20)


def test_to_a_queue_by_the_phones_own_key(bench: Bench, database: SiteDatabase) -> None:
    call, phone = talking(bench, database)
    other = bench.phone("8003", talk_seconds=2.0)
    ready(bench, "1003")
    phone.transfer("6002")
    other.wait_talking(20)
    until_works(database, "1001", "WRAP_UP")
    until_works(database, "1003", "WRAP_UP")
    first, second = segments(database)
    assert [(each["queue"], each["agent_id"], each["terminal"]) for each in (first, second)] == [
        ("support", "1001", "answered"), ("sales", "1003", "answered"),
    ]  # fmt: skip
    assert first["contact_id"] == second["contact_id"]
    end(bench, call)


def test_to_a_phone_by_a_code(bench: Bench, database: SiteDatabase) -> None:
    call, phone = talking(bench, database)
    other = bench.phone("8003", talk_seconds=2.5)
    phone.press("*28003#")
    other.wait_talking(20)
    until_works(database, "1001", "IDLE")
    end(bench, call)
    assert len(segments(database)) == 1


def test_to_a_phone_where_nobody_answers_brings_the_caller_back(bench: Bench, database: SiteDatabase) -> None:
    call, phone = talking(bench, database)
    bench.phone("8003", "reject")
    phone.transfer("8003")
    eventually(lambda: len(segments(database)) == 2, "the second waiting")
    until_works(database, "1001", "TALKING")
    call.hang_up()
    call.wait_ended(20)


def test_consulting_and_handing_over(bench: Bench, database: SiteDatabase) -> None:
    call, phone = talking(bench, database)
    other = bench.phone("8003")
    phone.press("*38003#")
    other.wait_talking(20)
    until_works(database, "1001", "CONSULT")
    time.sleep(1.0)
    phone.press("*4")
    until_works(database, "1001", "IDLE")
    time.sleep(2.0)
    assert not call.has_heard(prompt(bench, SURVEY)), "the two of them still talk"
    other.hang_up()
    end(bench, call)


def test_three_at_once_until_the_agent_leaves(bench: Bench, database: SiteDatabase) -> None:
    call, phone = talking(bench, database)
    other = bench.phone("8003")
    phone.press("*38003#")
    other.wait_talking(20)
    until_works(database, "1001", "CONSULT")
    time.sleep(1.0)
    phone.press("*5")
    until_works(database, "1001", "CONFERENCE")
    time.sleep(1.0)
    phone.hang_up()
    until_works(database, "1001", "IDLE")
    time.sleep(1.5)
    assert not call.has_heard(prompt(bench, SURVEY)), "the other two still talk"
    other.hang_up()
    end(bench, call)


def test_the_phones_own_attended_transfer(bench: Bench, database: SiteDatabase) -> None:
    call, phone = talking(bench, database)
    other = bench.phone("8003")
    phone.dial("8003")
    other.wait_talking(20)
    time.sleep(1.0)
    phone.join()
    until_works(database, "1001", "IDLE")
    time.sleep(1.0)
    assert not call.has_heard(prompt(bench, SURVEY)), "the two of them still talk"
    other.hang_up()
    end(bench, call)


def test_the_phones_own_transfer_to_a_colleague_who_still_rings(bench: Bench, database: SiteDatabase) -> None:
    """The agent does not wait for the answer: the caller hears music, then the colleague; and the survey when that one hangs up."""
    call, phone = talking(bench, database)
    other = bench.phone("8003", after_seconds=5.0)
    phone.dial("8003")
    other.wait_ringing(20)
    phone.join_ringing()
    until_works(database, "1001", "WRAP_UP")
    phone.wait_idle(20)
    other.wait_talking(20)
    until_works(database, "1001", "IDLE")
    rows = [row for row in json.loads(bench.api("show channels as json"))["rows"] if row["name"].startswith("sofia/phones/8003")]
    eventually(lambda: len(bench.api(f"uuid_getvar {rows[0]['uuid']} bridge_to").strip()) == 36, "the two connected")
    assert not call.has_heard(prompt(bench, SURVEY)), "the two of them talk"
    other.hang_up()
    end(bench, call)
    (kept,) = segments(database)
    assert (kept["agent_id"], kept["terminal"]) == ("1001", "answered")


def test_who_was_transferred_to_a_phone_that_is_not_answered_comes_back(bench: Bench, database: SiteDatabase) -> None:
    """First of all to the agent they come from, before the others in line."""
    call, phone = talking(bench, database)
    other = bench.phone("8003", "reject", after_seconds=5.0)
    phone.dial("8003")
    other.wait_ringing(20)
    phone.join_ringing()
    until_works(database, "1001", "WRAP_UP")
    eventually(lambda: len(segments(database)) == 2, "the caller's second waiting", 40)
    until_works(database, "1001", "TALKING", 40)
    first, back = segments(database)
    assert (back["terminal"], back["sticky_agent"], back["agent_id"]) == ("answered", "1001", "1001")
    assert back["queued_at"] - back["boost_seconds"] == pytest.approx(first["queued_at"], abs=0.1)
    assert not call.has_heard(prompt(bench, SURVEY))
    call.hang_up()
    call.wait_ended(20)


def test_a_supervisor_listens_takes_over_and_disconnects(bench: Bench, database: SiteDatabase) -> None:
    call, _ = talking(bench, database)
    boss = bench.phone("8003")
    command(bench, "supervise", "listen", "1001", "--phone", "8003")
    boss.wait_talking(20)
    time.sleep(0.5)
    assert works(database, "1001") == "TALKING"
    bench.phone("8002")
    ready(bench, "1002")
    command(bench, "supervise", "take-over", "1001", "--by", "1002")
    until_works(database, "1002", "TALKING")
    boss.wait_idle(20)
    command(bench, "supervise", "disconnect", "1002")
    call.wait_ended(20)
    until_works(database, "1002", "WRAP_UP")


def test_a_callback_customer_first(bench: Bench, database: SiteDatabase) -> None:
    site = bench.site / "site.yml"
    site.write_text(site.read_text("utf-8").replace("    title: Support\n", "    title: Support\n    callback_first: customer\n"), "utf-8")
    command(bench, "site", "import", "--yes")
    time.sleep(1.5)
    agent, customer = bench.phone("8001"), bench.phone("8003", talk_seconds=3.0)
    command(bench, "callbacks", "add", "support", "8003")
    ready(bench, "1001")
    for phone in (agent, customer):
        phone.wait_talking(30)
    until_works(database, "1001", "TALKING")
    until_works(database, "1001", "WRAP_UP")
    agent.wait_idle(20)
    (kept,) = database.rows("select * from callbacks")
    assert (kept["outcome"], kept["agent_id"]) == ("talked", "1001")
