"""Caller or agent gone at the worst instants of an offer: nobody is dropped or doubled, no agent is stuck, on both switches.

A witness of the tests' own listens to the switch and kills the channel at a moment of the agent's leg, or some milliseconds after it. "+OK"
of a bridge means only that it will be tried, some 67 ms later, so that the time after CHANNEL_PARK is where the races are.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench, SiteDatabase
from tests.acceptance.switch import EslClient

from .call_centre import NUMBER, eventually, furnish, ready, segments, staff, until_works, works
from .conftest import SWITCHES, new_bench

PHONES = {"1001": "8001", "1002": "8002"}
# Whoever was killed may be rung again at once, and nobody wraps up: what is tried is the race, not the pause after it.
AGENT = "skills: {support: 8}, queues: {support: 1}, rejected: 0s, busy: 0s, unregistered: 0s, no_answer_limit: 99"
QUICK = f"""
skills: {{support: Support, english: English}}
queues:
  support: {{ring: 6s, wrap_up_most: 200ms, exclusion: 200ms, whisper: false, strategy: STRATEGY}}
agents:
  "1001": {{{AGENT}}}
  "1002": {{{AGENT}}}
"""
# (event of the agent's leg, milliseconds after it)
MOMENTS = [
    ("CHANNEL_CREATE", 0), ("CHANNEL_PROGRESS", 0), ("CHANNEL_ANSWER", 0), ("CHANNEL_PARK", 0), ("CHANNEL_PARK", 5),
    ("CHANNEL_PARK", 10), ("CHANNEL_PARK", 20), ("CHANNEL_PARK", 30), ("CHANNEL_PARK", 40), ("CHANNEL_PARK", 70), ("CHANNEL_BRIDGE", 0),
    ("CHANNEL_BRIDGE", 5),
]  # fmt: skip
LEG = "ivr-leg"


@pytest.fixture(params=SWITCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    made = new_bench(request.param, tmp_path)
    furnish(made)
    strategy = "ring_all" if "all_phones" in request.node.name else "longest_idle"
    (made.site / "site.yml").write_text(QUICK.replace("STRATEGY", strategy), "utf-8")
    with made as started:
        staff(started)
        started.engine.start()
        for extension in PHONES.values():
            started.phone(extension, after_seconds=0.2)
        ready(started, *PHONES)
        yield started


def witness_of(bench: Bench) -> EslClient:
    return EslClient(bench._port, bench._password) if bench.name == "simswitch" else bench.switch.client()


def leg_at(witness: EslClient, name: str) -> str:
    """The next leg to which this happens; of a bridge, the leg that is its B side."""

    def wanted(event: dict[str, str]) -> bool:
        if event.get("Event-Name") != name:
            return False
        return name == "CHANNEL_BRIDGE" or event.get("Channel-Presence-Data") == LEG or event.get("variable_presence_data") == LEG

    event = witness.wait_event(wanted, 20)
    return event["Bridge-B-Unique-ID"] if name == "CHANNEL_BRIDGE" else event["Unique-ID"]


def live_legs(bench: Bench) -> list[str]:
    witness = witness_of(bench)
    try:
        rows = json.loads(witness.api("show channels as json")).get("rows", [])
    finally:
        witness.close()
    return [row["uuid"] for row in rows if row.get("presence_data") == LEG]


def all_idle(database: SiteDatabase) -> None:
    eventually(lambda: {works(database, agent) for agent in PHONES} == {"IDLE"}, "all agents idle", 20)


def talks(database: SiteDatabase) -> list[str]:
    return [agent for agent in PHONES if works(database, agent) == "TALKING"]


def no_faults(bench: Bench, database: SiteDatabase) -> None:
    codes = "'session_crashed', 'recovery_failed', 'step_failed', 'director_failed', 'leg_never_ended', 'offer_lost', 'reconciled'"
    assert not database.rows(f"select * from alarms where code in ({codes})")
    assert "Traceback" not in bench.engine.log
    eventually(lambda: not database.rows("select * from attempts where ended_at is null"), "the end of every offer")
    assert not [row for row in segments(database) if row["ended_at"] is None]
    witness = witness_of(bench)
    try:
        eventually(lambda: witness.api("show channels count").split()[0] == "0", "an empty switch")
    except AssertionError as error:
        raise AssertionError(f"{error}: {witness.api('show channels')}") from None


def test_the_agents_leg_dies_and_the_caller_is_served_by_another(bench: Bench, database: SiteDatabase) -> None:
    for name, milliseconds in MOMENTS:
        witness = witness_of(bench)
        witness.subscribe("CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_ANSWER CHANNEL_PARK CHANNEL_BRIDGE")
        call = bench.call(NUMBER)
        leg = leg_at(witness, name)
        time.sleep(milliseconds / 1000)
        witness.api(f"uuid_kill {leg}")
        # Some 20 ms after CHANNEL_PARK they may have been connected already: then the talk is over, and the caller goes on in the flow.
        connected = milliseconds >= 20 or name == "CHANNEL_BRIDGE"
        eventually(
            lambda connected=connected: talks(database) or (connected and segments(database)[-1]["talk_ended_at"]),
            f"another agent after {name}+{milliseconds}",
        )
        assert segments(database)[-1]["terminal"] in ("answered", "")
        assert len(talks(database)) <= 1
        call.hang_up()
        call.wait_ended(20)
        all_idle(database)
        witness.close()
    no_faults(bench, database)


def test_the_caller_is_gone_and_the_agent_is_free_again(bench: Bench, database: SiteDatabase) -> None:
    for name, milliseconds in MOMENTS:
        witness = witness_of(bench)
        witness.subscribe("CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_ANSWER CHANNEL_PARK CHANNEL_BRIDGE")
        calls = len(database.calls())
        call = bench.call(NUMBER)
        leg_at(witness, name)
        caller = eventually(lambda calls=calls: database.calls()[calls:], "the call on record")[0]["call_id"]
        time.sleep(milliseconds / 1000)
        witness.api(f"uuid_kill {caller}")
        call.wait_ended(20)
        all_idle(database)
        assert segments(database)[-1]["terminal"] in ("abandoned", "short_abandon", "answered"), f"{name}+{milliseconds}"
        witness.close()
    last = bench.call(NUMBER)
    eventually(lambda: talks(database), "an agent for the next caller")
    last.hang_up()
    last.wait_ended(20)
    until_works(database, "1001", "IDLE")
    all_idle(database)
    no_faults(bench, database)


def test_all_phones_ring_and_two_are_answered_at_once(bench: Bench, database: SiteDatabase) -> None:
    for _ in range(5):
        call = bench.call(NUMBER)
        eventually(lambda: talks(database), "one who talks")
        eventually(lambda: len(live_legs(bench)) == 1, "the other leg to be gone")
        assert len(talks(database)) == 1
        call.hang_up()
        call.wait_ended(20)
        all_idle(database)
    for kept in segments(database):
        attempts = database.rows("select agent_id, outcome from attempts where item_id = ?", kept["item_id"])
        assert sorted(row["agent_id"] for row in attempts) == ["1001", "1002"]
        assert [row["outcome"] for row in attempts].count("talked") == 1
    no_faults(bench, database)
