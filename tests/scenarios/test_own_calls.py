"""Calls that agents make, outside and to colleagues, muting, and phones that are told to answer: the same on both switches."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench, SiteDatabase
from tests.acceptance.freeswitch_bench import FreeSwitchBench
from tests.acceptance.sim_bench import SimBench
from tests.acceptance.sip_phone import SipPhone

from .call_centre import CUSTOMER, NUMBER, eventually, furnish, opened, ready, segments, staff, until_works, works
from .conftest import SWITCHES, command

OUTSIDE, SHOWN = "02112345678", "02988880009"
SETTINGS = f"[engine]\noutside_numbers = ['021*']\noutbound_number = '{SHOWN}'\n"


@pytest.fixture(params=SWITCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("IVRENGINE_ENGINE_OUTSIDE_NUMBERS", "021*")
    with opened(request.param, tmp_path) as started:
        yield started


@pytest.fixture(params=SWITCHES)
def trunk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Bench, Callable[[], str], Callable[[], bool]]]:
    """A bench where whoever is dialled outside answers: it, what the last of them was shown, and whether they are on the line."""
    with SipPhone() as outside:
        if request.param == "simswitch":
            made: Bench = SimBench(tmp_path, SETTINGS)
        else:
            made = FreeSwitchBench(tmp_path, settings=f"trunk_proxy = '127.0.0.1:{outside.port}'\n{SETTINGS}")
        furnish(made)
        with made as started:
            staff(started)
            started.engine.start()

            def channels() -> list[dict[str, str]]:
                rows = json.loads(started.api("show channels as json")).get("rows", [])
                return [row for row in rows if row["name"].startswith("sofia/external/") and OUTSIDE in row["name"]]

            if request.param == "simswitch":
                yield started, lambda: channels()[-1]["cid_num"], lambda: bool(channels())
            else:
                yield started, lambda: outside.invites[-1].headers["from"], lambda: outside.talking


def test_a_call_outside(trunk: tuple[Bench, Callable[[], str], Callable[[], bool]]) -> None:
    bench, shown, is_there = trunk
    database = SiteDatabase(bench.site)
    mine = bench.phone("8001")
    ready(bench, "1001")
    assert "an outside number is called" in command(bench, "agents", "call", "1001", "021-1234 5678")
    until_works(database, "1001", "TALKING")
    assert SHOWN in shown()
    command(bench, "agents", "mute", "1001")
    command(bench, "agents", "unmute", "1001")
    command(bench, "agents", "hold", "1001")
    until_works(database, "1001", "HOLD")
    command(bench, "agents", "unhold", "1001")
    until_works(database, "1001", "TALKING")
    time.sleep(1.0)
    command(bench, "agents", "hang-up", "1001")
    until_works(database, "1001", "WRAP_UP")
    mine.wait_idle()
    eventually(lambda: not is_there(), "the end of the other side")
    until_works(database, "1001", "IDLE")
    (segment,) = database.wait(lambda db: db.rows("select * from segments where wrap_up_seconds is not null and recording_ms > 0"))
    assert (segment["direction"], segment["number"], segment["queue"]) == ("out", OUTSIDE, "support")
    assert (segment["terminal"], segment["agent_id"]) == ("answered", "1001") and segment["hold_seconds"] > 0
    assert database.rows("select * from intervals") == [], "it is counted among no queue's calls"
    assert database.rows("select number from contacts") == [{"number": OUTSIDE}]
    assert [row["outcome"] for row in database.rows("select outcome from attempts")] == ["talked"]
    verbs = [row["verb"] for row in database.rows("select verb from audit order by rowid")]
    assert verbs[-6:] == ["call", "mute", "unmute", "hold", "unhold", "hang_up"]


def test_who_was_called_is_joined_with_a_colleague(trunk: tuple[Bench, Callable[[], str], Callable[[], bool]]) -> None:
    bench, _, is_there = trunk
    database = SiteDatabase(bench.site)
    mine, other = bench.phone("8001"), bench.phone("8003")
    ready(bench, "1001")
    command(bench, "agents", "call", "1001", OUTSIDE)
    until_works(database, "1001", "TALKING")
    time.sleep(0.5)
    mine.press("*28003#")  # at once: nobody would look after them where nobody answers
    time.sleep(1.5)
    assert works(database, "1001") == "TALKING" and is_there()
    mine.press("*38003#")
    other.wait_talking(20)
    until_works(database, "1001", "CONSULT")
    time.sleep(1.0)
    mine.press("*4")
    until_works(database, "1001", "IDLE")
    time.sleep(1.5)
    assert is_there(), "the two of them talk"
    other.hang_up()
    eventually(lambda: not is_there(), "the end of whom nobody has any more")


def states(database: SiteDatabase, agent_id: str) -> list[str]:
    return [row["work"] for row in database.rows("select work from agent_states where agent_id = ? order by rowid", agent_id)]


def refused(bench: Bench, *arguments: str) -> str:
    with pytest.raises(AssertionError) as failure:
        command(bench, *arguments)
    return str(failure.value)


def test_a_call_to_a_colleague(bench: Bench, database: SiteDatabase) -> None:
    mine, theirs = bench.phone("8001"), bench.phone("8003", after_seconds=1.5)
    ready(bench, "1001", "1003")
    assert "then Three is called" in command(bench, "agents", "call", "1001", "1003")
    until_works(database, "1001", "EXTERNAL")
    theirs.wait_ringing()
    until_works(database, "1003", "EXTERNAL")  # who is rung by a colleague is offered nothing
    for phone in (mine, theirs):
        phone.wait_talking()
    until_works(database, "1001", "TALKING")
    assert "you have a call" in refused(bench, "agents", "call", "1001", "1003")
    theirs.hang_up()
    mine.wait_idle()
    until_works(database, "1001", "IDLE")
    until_works(database, "1003", "IDLE")
    (segment,) = segments(database)
    assert (segment["direction"], segment["number"], segment["queue"]) == ("internal", "8003", "")
    assert (segment["terminal"], segment["agent_id"], segment["recording_path"]) == ("answered", "1001", "")
    assert database.rows("select * from intervals") == []
    (attempt,) = database.rows("select * from attempts")
    assert attempt["outcome"] == "talked"
    assert [row["verb"] for row in database.rows("select verb from audit where verb = 'call'")] == ["call"]


def test_nothing_is_offered_to_who_calls(bench: Bench, database: SiteDatabase) -> None:
    mine, _ = bench.phone("8001", after_seconds=2.0), bench.phone("8003")
    ready(bench, "1001")
    command(bench, "agents", "call", "1001", "8003")
    until_works(database, "1001", "EXTERNAL")
    call = bench.call(NUMBER)
    mine.wait_talking()
    until_works(database, "1001", "TALKING")
    time.sleep(1.0)
    assert [row["direction"] for row in database.rows("select direction from attempts join segments using (item_id)")] == ["internal"]
    command(bench, "agents", "hang-up", "1001")
    eventually(lambda: len(database.rows("select * from attempts")) == 2, "the offer of the caller who waits")
    until_works(database, "1001", "TALKING")
    call.hang_up()
    call.wait_ended()


@pytest.mark.parametrize("behaviour", ["reject", "no_answer"])
def test_who_is_not_reached_leaves_nobody_stuck(bench: Bench, database: SiteDatabase, behaviour: str) -> None:
    mine, theirs = bench.phone("8001"), bench.phone("8003", behaviour)
    ready(bench, "1001")
    command(bench, "agents", "call", "1001", "8003")
    theirs.wait_ringing()
    if behaviour == "no_answer":
        command(bench, "agents", "hang-up", "1001")
    mine.wait_idle()
    theirs.wait_idle()
    until_works(database, "1001", "IDLE")
    (segment,) = database.wait(lambda db: db.rows("select * from segments where ended_at is not null"))
    assert segment["terminal"] == ("failed" if behaviour == "reject" else "abandoned")


def test_refusals_are_sentences(bench: Bench, database: SiteDatabase) -> None:
    bench.phone("8001")
    assert "you are not logged in at a phone" in refused(bench, "agents", "call", "1001", "8003")
    ready(bench, "1001")
    for number, sentence in {
        "8001": "this is your own number", "1001": "this is your own number", "6001": "a queue can't be called",
        "1002": "agent 1002 is not logged in", "999": "calls to this number are not allowed", "${x}": "a number is made of digits",
    }.items():  # fmt: skip
        assert sentence in refused(bench, "agents", "call", "1001", number)
    assert "this is no queue of yours" in refused(bench, "agents", "call", "1001", "02112345678", "--queue", "sales")
    assert "you have no call" in refused(bench, "agents", "mute", "1001")
    assert "your phone does not ring" in refused(bench, "agents", "answer", "1001")
    assert states(database, "1001")[-1] == "IDLE" and segments(database) == []


def test_an_engine_that_dies_in_an_own_call(bench: Bench, database: SiteDatabase) -> None:
    """Before the connection it ends, after it it goes on; the agent is free when it is over."""
    mine, theirs = bench.phone("8001"), bench.phone("8003", "no_answer")
    ready(bench, "1001")
    command(bench, "agents", "call", "1001", "8003")
    theirs.wait_ringing()
    bench.engine.kill()
    bench.engine.start()
    mine.wait_idle(30)
    until_works(database, "1001", "IDLE")
    eventually(lambda: segments(database)[0]["terminal"] == "failed", "the end of the call that nobody answered")
    theirs = bench.phone("8003")
    theirs.wait_idle(40)
    command(bench, "agents", "call", "1001", "8003")
    until_works(database, "1001", "TALKING")
    bench.engine.kill()
    time.sleep(0.5)
    bench.engine.start()
    time.sleep(2.0)
    assert works(database, "1001") == "TALKING"
    for phone in (mine, theirs):
        phone.wait_talking(2)
    command(bench, "agents", "hold", "1001")
    until_works(database, "1001", "HOLD")
    bench.engine.kill()
    bench.engine.start()
    until_works(database, "1001", "TALKING")
    theirs.hang_up()
    mine.wait_idle()
    until_works(database, "1001", "IDLE")


def test_a_caller_on_hold_stays_there(bench: Bench, database: SiteDatabase) -> None:
    """Longer than the engine looks for callers and agents who were parted by no will of theirs."""
    bench.phone("8001")
    ready(bench, "1001")
    call = bench.call(NUMBER, CUSTOMER)
    until_works(database, "1001", "TALKING")
    command(bench, "agents", "hold", "1001")
    until_works(database, "1001", "HOLD")
    time.sleep(24.0)
    assert works(database, "1001") == "HOLD"
    command(bench, "agents", "unhold", "1001")
    until_works(database, "1001", "TALKING")
    call.hang_up()
    call.wait_ended()
