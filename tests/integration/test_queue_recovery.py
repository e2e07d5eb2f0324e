"""kill -9 of the engine while callers wait, phones ring and people talk, and a restart: places, talks and agents are as they were."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from ivrengine.simswitch.callers import check_script, place_call
from ivrengine.simswitch.phones import Phone
from ivrengine.storage.store import Store

from .conftest import House, eventually, make_site, write_tone
from .engine_process import Process
from .queue_house import AGENT_RULES, QUEUE_FLOW, phone_of, site


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    house = House(make_site(tmp_path / "site", QUEUE_FLOW))
    process = Process(house)
    yield process
    if process.process is not None and process.process.poll() is None:
        process.kill()
    house.switch.stop()


def prepare(process: Process, agents: int, ready: tuple[str, ...] = (), **rules: Any) -> None:
    """A site, and agents whom an earlier process had at their phones."""
    now = time.time()
    with Store(process.house.site / "data" / "ivrengine.db") as store:
        store.site.replace(site(agents, **rules), "test", now).wait()
        for number, agent_id in enumerate(ready):
            since = now - 100 + number
            store.agent_states.log(agent_id, "READY", "IDLE", "", since, "", phone_of(agent_id), 1, idle_since=since).wait()


def place(house: House, caller: str = "13800138000") -> str:
    return place_call(house.switch.core, "100", caller, "", check_script([]), os.urandom(8).hex()).uuid


def hang_up(house: House, call_id: str) -> None:
    house.switch.core.channels[call_id].person.hang_up()


def phone(house: House, agent_id: str, behaviour: str = "answer", after: float = 0.1, talk: float | None = None) -> None:
    house.switch.core.phones.put(Phone(phone_of(agent_id), behaviour, after, talk))


def talk_partner(house: House, call_id: str) -> Any:
    channel = house.switch.core.channels.get(call_id)
    return channel.partner if channel is not None else None


def segments(process: Process, call_id: str) -> list[tuple[Any, ...]]:
    query = "SELECT terminal, agent_id, talk_ended_at, recording_ms FROM segments WHERE call_id = ? ORDER BY rowid"
    return process.rows(query, call_id)


def state(process: Process, agent_id: str) -> tuple[Any, ...]:
    rows = process.rows("SELECT intent, work FROM seats WHERE agent_id = ?", agent_id)
    return rows[0] if rows else ()


def up(process: Process) -> None:
    before = len(process.log_lines("queues and agents are as they were"))
    process.start()
    eventually(lambda: len(process.log_lines("queues and agents are as they were")) > before, "the engine")


def in_queue(process: Process, count: int) -> None:
    eventually(lambda: process.rows("SELECT count(*) FROM segments WHERE ended_at IS NULL") == [(count,)], f"{count} in the queue")


def test_waiting_callers_keep_their_order(process: Process) -> None:
    house = process.house
    prepare(process, 1)
    process.house.site.joinpath("log").touch()
    up(process)
    calls = []
    for number in range(4):
        calls.append(place(house, f"1380013800{number}"))
        in_queue(process, number + 1)
        process.saved_in(calls[-1], "person")
    process.kill()
    prepare(process, 1, ready=("101",))
    phone(house, "101", talk=0.3)
    up(process)
    for call_id in calls:
        assert process.ended(call_id)[0] == "completed"
    served = process.rows("SELECT call_id FROM segments WHERE terminal = 'answered' ORDER BY ended_at")
    assert [row[0] for row in served] == calls


def test_a_ringing_phone_of_a_dead_engine_is_silenced_and_the_caller_waits_on(process: Process) -> None:
    house = process.house
    house.site.joinpath("log").touch()
    prepare(process, 1, ready=("101",))
    phone(house, "101", "no_answer")
    up(process)
    call_id = place(house)
    eventually(lambda: process.rows("SELECT rang_at FROM attempts") not in ([], [(None,)]), "the ringing")
    process.kill()
    phone(house, "101", talk=0.5)
    up(process)
    assert process.ended(call_id)[0] == "completed"
    outcomes = [row[0] for row in process.rows("SELECT outcome FROM attempts ORDER BY rowid")]
    assert outcomes[-1] == "talked"
    assert "withdrawn" in outcomes
    assert segments(process, call_id)[0][:2] == ("answered", "101")


def test_a_talk_goes_on_with_its_recording(process: Process) -> None:
    house = process.house
    house.site.joinpath("log").touch()
    prepare(process, 1, ready=("101",))
    phone(house, "101")
    up(process)
    call_id = place(house)
    eventually(lambda: talk_partner(house, call_id), "the talk")
    eventually(lambda: state(process, "101") == ("READY", "TALKING"), "the agent's state")
    eventually(lambda: process.rows("SELECT 1 FROM segments WHERE recording_path != ''"), "the recording")
    process.kill()
    gevent.sleep(0.5)
    assert talk_partner(house, call_id)
    up(process)
    gevent.sleep(1.0)
    partner = talk_partner(house, call_id)
    assert partner is not None, "nobody parts them"
    partner.person.hang_up()
    assert process.ended(call_id)[0] == "completed"
    eventually(lambda: segments(process, call_id)[0][3] > 1500, "the whole recording")
    assert segments(process, call_id)[0][:2] == ("answered", "101")
    eventually(lambda: state(process, "101") == ("READY", "IDLE"), "the agent to be free")


def test_a_talk_that_ended_while_no_engine_ran_leads_on(process: Process) -> None:
    house = process.house
    house.site.joinpath("log").touch()
    prepare(process, 1, ready=("101",))
    phone(house, "101")
    up(process)
    call_id = place(house)
    eventually(lambda: talk_partner(house, call_id), "the talk")
    eventually(lambda: segments(process, call_id)[0][0] == "answered", "the row")
    eventually(lambda: process.rows("SELECT 1 FROM segments WHERE recording_path != ''"), "the recording")
    process.kill()
    talk_partner(house, call_id).person.hang_up()
    eventually(lambda: not talk_partner(house, call_id), "the end of the talk")
    assert call_id in house.switch.core.channels
    up(process)
    assert process.ended(call_id)[0] == "completed"
    assert ("person", "answered", "") in process.steps(call_id)
    eventually(lambda: segments(process, call_id)[0][2], "the end of the talk's row")
    eventually(lambda: segments(process, call_id)[0][3] > 0, "the recording")
    eventually(lambda: state(process, "101") == ("READY", "IDLE"), "the agent to be free")


def test_a_caller_who_is_gone_after_the_restart_ends_as_failed(process: Process) -> None:
    house = process.house
    house.site.joinpath("log").touch()
    prepare(process, 1)
    up(process)
    call_id = place(house)
    in_queue(process, 1)
    process.kill()
    hang_up(house, call_id)
    up(process)
    process.ended(call_id)
    eventually(lambda: segments(process, call_id)[0][0] == "failed", "the end of the waiting")


def test_agents_are_where_they_were(process: Process) -> None:
    house = process.house
    house.site.joinpath("log").touch()
    prepare(process, 3, ready=("101", "102"))
    up(process)
    process.kill()
    phone(house, "102", "no_answer")
    up(process)
    place(house)
    eventually(lambda: state(process, "101") in (("READY", "RINGING"), ("READY", "TALKING"), ("READY", "ANSWERED")), "an offer")
    assert state(process, "103") == ()


def test_a_recording_that_nobody_came_to_judge_is_judged_by_the_next_engine(process: Process) -> None:
    house = process.house
    house.site.joinpath("log").touch()
    prepare(process, 1)
    path = write_tone(house.site / "data" / "recordings" / "talks" / "a-2.wav", 1.0)
    now = time.time()
    with Store(house.site / "data" / "ivrengine.db") as store:
        store.segments.begin("a:2", "a", "a", "a:2", "news", "138", now - 30)
        store.segments.ended("a:2", "answered", now - 20, 10.0, "101", "a:2/1")
        store.segments.recording("a:2", str(path), 0)
        store.segments.talked("a:2", 1.0, 0.0, now - 19).wait()
    up(process)
    eventually(lambda: segments(process, "a")[0][3] == 1000, "the judgement")


def test_who_refused_a_caller_is_left_alone_after_a_restart_too(process: Process) -> None:
    """By that caller for the queue's time, by everybody for the pause after a refusal; then the waiting goes on."""
    house = process.house
    house.site.joinpath("log").touch()
    prepare(process, 2, ready=("101",), exclusion_seconds=60.0)
    phone(house, "101", "reject")
    up(process)
    call_id = place(house)
    eventually(lambda: process.rows("SELECT outcome FROM attempts WHERE outcome = 'rejected'"), "the refusal")
    process.kill()
    phone(house, "101")
    phone(house, "102", talk=0.3)
    up(process)
    in_queue(process, 1)
    gevent.sleep(1.5)  # longer than the pause of 0.5 s
    assert process.rows("SELECT count(*) FROM attempts") == [(1,)], "the caller is not offered to who refused them"
    other = place(house, "13800138001")
    eventually(lambda: talk_partner(house, other), "the talk of another caller with the same agent")
    talk_partner(house, other).person.hang_up()
    process.kill()
    prepare(process, 2, ready=("102",), exclusion_seconds=60.0)
    up(process)
    assert process.ended(call_id)[0] == "completed"
    assert segments(process, call_id)[0][:2] == ("answered", "102")


def test_the_pause_after_a_refusal_outlives_the_engine(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(AGENT_RULES, "rejected_seconds", 6.0)
    house = process.house
    house.site.joinpath("log").touch()
    prepare(process, 1, ready=("101",), exclusion_seconds=0.1)
    phone(house, "101", "reject")
    up(process)
    place(house)
    (refused,) = eventually(lambda: process.rows("SELECT ended_at FROM attempts WHERE outcome = 'rejected'"), "the refusal")
    process.kill()
    phone(house, "101")
    up(process)
    (offered,) = eventually(lambda: process.rows("SELECT offered_at FROM attempts WHERE outcome = ''"), "the next offer")
    assert offered[0] >= refused[0] + 6.0
