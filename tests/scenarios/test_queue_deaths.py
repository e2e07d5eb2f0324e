"""kill -9 of the engine while callers wait, phones ring and people talk: the same on both switches.

``IVRENGINE_QUEUE_KILLS`` makes a longer run of the random kills, ``IVRENGINE_CHAOS_SEED`` another one.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.bench import Bench, SiteDatabase

from .call_centre import NUMBER, eventually, opened, ready, segments, until_works, works
from .conftest import SWITCHES, command, prompt

KILLS = int(os.environ.get("IVRENGINE_QUEUE_KILLS", "3"))
SEED = int(os.environ.get("IVRENGINE_CHAOS_SEED", "1"))
CALLERS = 4
REBUILT = "queues and agents are as they were"


@pytest.fixture(params=SWITCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with opened(request.param, tmp_path) as started:
        yield started


def restart(bench: Bench, away_seconds: float = 0.3) -> None:
    """kill -9, and up again."""
    before = bench.engine.log.count(REBUILT)
    bench.engine.kill()
    time.sleep(away_seconds)
    bench.engine.start()
    eventually(lambda: bench.engine.log.count(REBUILT) > before, "the queues")


def waiting(database: SiteDatabase, count: int) -> None:
    eventually(lambda: len([row for row in segments(database) if row["ended_at"] is None]) == count, f"{count} who wait")


def faults(bench: Bench, database: SiteDatabase) -> list[str]:
    codes = "'session_crashed', 'recovery_failed', 'step_failed', 'director_failed', 'leg_never_ended', 'offer_lost', 'reconciled'"
    found = [f"alarm: {row}" for row in database.rows(f"select * from alarms where code in ({codes})")]
    found += [line for line in bench.engine.log.splitlines() if "Traceback" in line or "has crashed" in line]
    found += [f"an open offer: {row}" for row in database.rows("select * from attempts where ended_at is null")]
    found += [f"an open waiting: {row}" for row in database.rows("select * from segments where ended_at is null")]
    return found


def test_who_waits_keeps_the_place(bench: Bench, database: SiteDatabase) -> None:
    command(bench, "agents", "log-in", "1001", "--phone", "8001")  # not ready yet
    calls = []
    for number in range(2):
        calls.append(bench.call(NUMBER, from_=f"1380013800{number}"))
        waiting(database, number + 1)
        time.sleep(0.5)  # the caller's place in the flow is saved
    restart(bench)
    bench.phone("8001", talk_seconds=1.0)
    command(bench, "agents", "ready", "1001")
    for call in calls:
        call.wait_heard(prompt(bench, "survey/service"), 40)
        call.press("1")
        assert call.wait_ended(30) == "released"
    served = database.rows("select number from segments where terminal = 'answered' order by ended_at")
    assert [row["number"] for row in served] == ["13800138000", "13800138001"]
    assert not faults(bench, database)


@pytest.mark.parametrize("away_seconds", [0.3, 4.0])
def test_a_phone_that_rings_for_a_dead_engine_is_asked_again(bench: Bench, database: SiteDatabase, away_seconds: float) -> None:
    """Also one that was answered while no engine ran: that agent hears silence until the engine is back."""
    bench.phone("8001", after_seconds=3.0, talk_seconds=1.0)
    ready(bench, "1001")
    call = bench.call(NUMBER)
    until_works(database, "1001", "RINGING")
    time.sleep(0.5)
    restart(bench, away_seconds)
    # The talk of a second may be over before the engine's start is noticed here: the survey and the offer's outcome prove it.
    call.wait_heard(prompt(bench, "survey/service"), 60)
    call.press("1")
    assert call.wait_ended(30) == "released"
    until_works(database, "1001", "IDLE")
    outcomes = [row["outcome"] for row in database.rows("select outcome from attempts order by rowid")]
    assert outcomes[-1] == "talked"
    assert not faults(bench, database)


def test_a_talk_goes_on_and_leads_to_the_survey(bench: Bench, database: SiteDatabase) -> None:
    phone = bench.phone("8001", talk_seconds=8.0)
    ready(bench, "1001")
    call = bench.call(NUMBER)
    phone.wait_talking(20)
    until_works(database, "1001", "TALKING")
    time.sleep(1.0)
    restart(bench)
    assert works(database, "1001") == "TALKING"
    call.wait_heard(prompt(bench, "survey/service"), 30)
    call.press("1")
    assert call.wait_ended(30) == "released"
    (kept,) = database.wait(lambda db: db.rows("select * from segments where recording_ms > 0"), timeout=20)
    assert kept["talk_seconds"] > 6.0, "nobody has parted them"
    assert kept["recording_ms"] > 6000
    until_works(database, "1001", "IDLE")
    assert not faults(bench, database)


def test_a_talk_that_ends_while_no_engine_runs(bench: Bench, database: SiteDatabase) -> None:
    phone = bench.phone("8001", talk_seconds=3.0)
    ready(bench, "1001")
    call = bench.call(NUMBER)
    phone.wait_talking(20)
    until_works(database, "1001", "TALKING")
    restart(bench, away_seconds=4.0)
    call.wait_heard(prompt(bench, "survey/service"), 30)
    call.press("1")
    assert call.wait_ended(30) == "released"
    until_works(database, "1001", "IDLE")
    assert not faults(bench, database)


@pytest.mark.timeout(180 + 20 * KILLS)
def test_kills_at_random_instants_lose_nobody(bench: Bench, database: SiteDatabase) -> None:
    chance = random.Random(SEED)
    bench.phone("8001", after_seconds=0.4, talk_seconds=1.5)
    bench.phone("8002", after_seconds=0.6, talk_seconds=2.0)
    ready(bench, "1001", "1002")
    calls: dict[str, Any] = {}  # by number, until they have talked
    placed = 0

    def served_leave() -> bool:
        for row in database.rows("select number from segments where talk_ended_at is not null"):
            call = calls.pop(row["number"], None)
            if call is not None:
                call.hang_up()
        return not calls

    for _ in range(KILLS):
        served_leave()
        while len(calls) < CALLERS:
            number = f"1390000{placed:04d}"
            calls[number] = bench.call(NUMBER, from_=number)
            placed += 1
        time.sleep(chance.uniform(0.2, 3.0))
        restart(bench, chance.choice([0.0, 0.2, 0.8]))
    eventually(served_leave, "everybody to be served", 120)
    eventually(lambda: len(database.rows("select 1 from calls where ended_at is null")) == 0, "the end of every call", 30)
    until_works(database, "1001", "IDLE")
    until_works(database, "1002", "IDLE")
    terminals = database.rows("select number, terminal from segments order by queued_at")
    assert [row["terminal"] for row in terminals] == ["answered"] * placed
    assert not faults(bench, database)
