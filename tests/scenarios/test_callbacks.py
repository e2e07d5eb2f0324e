"""From a caller who would rather be called back to the talk: the place in line is kept, the agent is found, the customer is dialled."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench, SiteDatabase
from tests.acceptance.freeswitch_bench import FreeSwitchBench
from tests.acceptance.sim_bench import SimBench
from tests.acceptance.switch import free_port

from .call_centre import CUSTOMER, NUMBER, eventually, furnish, segments, staff, until_works
from .conftest import SWITCHES, command, prompt

PERMITTED = "[engine]\noutside_numbers = ['138*']\n"


@pytest.fixture(params=SWITCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """With a trunk to the outside, where whoever is dialled answers."""
    if request.param == "simswitch":
        made: Bench = SimBench(tmp_path, settings=PERMITTED)
        customers = None
    else:
        port = free_port()
        made = FreeSwitchBench(tmp_path, settings=f"trunk_proxy = '127.0.0.1:{port}'\n{PERMITTED}")
        customers = subprocess.Popen(
            ["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", str(port), "-nostdin"], cwd=tmp_path,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        furnish(made)
        with made as started:
            staff(started)
            started.engine.start()
            yield started
    finally:
        if customers is not None:
            customers.kill()
            customers.wait()


def test_a_caller_is_called_back_in_the_old_place(bench: Bench, database: SiteDatabase) -> None:
    bench.phone("8001", talk_seconds=6.0)
    command(bench, "agents", "log-in", "1001", "--phone", "8001")  # and not ready yet
    call = bench.call(NUMBER, from_=CUSTOMER)
    call.wait_heard(prompt(bench, "waiting/next"), 20)
    call.press("2")
    call.wait_heard(prompt(bench, "number/use_it"), 30)
    call.press("1")
    assert call.wait_ended(60) == "released"
    (asked,) = database.wait(lambda db: db.rows("select * from callbacks"))
    assert asked["number"] == CUSTOMER
    late = bench.call(NUMBER, from_="13900000009")  # who came after the one who is to be called back
    eventually(lambda: len(segments(database)) == 3, "the later caller's place")
    late.hang_up()
    late.wait_ended(20)
    bench.engine.kill()  # a promise outlives the engine
    bench.engine.start()
    command(bench, "agents", "ready", "1001")
    until_works(database, "1001", "TALKING", 40)
    until_works(database, "1001", "WRAP_UP", 40)
    first = next(row for row in segments(database) if row["number"] == CUSTOMER and not row["virtual"])
    second = next(row for row in segments(database) if row["virtual"])
    assert first["terminal"] == "callback_requested"
    assert (second["terminal"], second["agent_id"], second["queued_at"]) == ("answered", "1001", first["queued_at"])
    eventually(lambda: database.rows("select * from callbacks where ended_at is not null"), "the end of the callback")
