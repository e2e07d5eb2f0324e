"""What goes wrong around a call while it is up: the disk, the link, the clock, the dead-man's timer, a stop of the engine."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import gevent
import pytest

from ivrengine.runtime import call_session, publishing, recording_files
from ivrengine.storage.errors import StorageError

from .conftest import House, eventually, write_tone


def alarms(house: House) -> dict[str, str]:
    assert house.engine is not None
    return {alarm.code: alarm.sentence for alarm in house.engine.store.alarms.recent()}


def channel(house: House, call_id: str) -> Any:
    return house.switch.core.channels[call_id]


def recording(house: House) -> Path:
    return eventually(lambda: list((house.site / "data" / "recordings").glob("*.wav")), "the recording")[0]


def drop_link(house: House, keep_down: bool = False) -> None:
    """Cut both connections; with ``keep_down`` the switch refuses new ones until told otherwise."""
    assert house.engine is not None
    house.switch.core.faults.reject_connections = 10_000 if keep_down else 0
    house.switch.core.drop_hook("reset", None)
    eventually(lambda: not house.engine.switch.connected, "the loss of the link")


def link_back(house: House) -> None:
    assert house.engine is not None
    house.switch.core.faults.reject_connections = 0
    assert house.engine.switch.wait_connected(20)


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return write_tone(tmp_path / "speech.wav", 2.5, 600.0)


def leave_message(house: House, speech: Path, *rest: dict[str, Any]) -> str:
    script = [{"press_after_prompt": "2"}, {"until_recording": True}, {"speak": str(speech)}, *rest]
    return house.call(*script)


# -- the disk ----------------------------------------------------------------------------------------------------------


def test_a_message_that_the_disk_does_not_take_is_not_called_saved(house: House, speech: Path) -> None:
    engine = house.start_engine()
    call_id = leave_message(house, speech, {"press": "#"})
    recording(house)
    database = engine.store.database
    full = "CREATE TRIGGER full BEFORE INSERT ON messages BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
    database.write(lambda db: db.execute(full))
    eventually(lambda: call_id not in engine.reception.sessions, "the end of the call")
    assert "thanks" not in house.heard(call_id)
    assert "sorry" in house.heard(call_id)
    assert engine.store.messages.in_box() == []
    assert recording(house).stat().st_size > 2 * 16_000, "what was said is still there"
    eventually(lambda: "disk is full" in alarms(house).get("message_not_kept", ""), "the alarm")
    database.write(lambda db: db.execute("DROP TRIGGER full"))
    # The engine lives on, and keeps the next one.
    call_id = leave_message(house, speech, {"press": "#"})
    assert house.ended(call_id).outcome == "completed"
    assert len(engine.store.messages.in_box()) == 1


def test_a_message_lost_at_the_last_step_goes_to_the_switches_fallback(house: House, speech: Path, monkeypatch) -> None:
    """The flow would hang up next; the caller must not leave in the belief that all is well. The trace stays whole."""
    engine = house.start_engine()
    flow = (house.site / "flows" / "line.yml").read_text()
    (house.site / "flows" / "line.yml").write_text(flow.replace("saved: [thanks], next: bye", "next: gone"))
    assert not [finding for finding in engine.reload() if finding.severity == "error"]
    monkeypatch.setattr(type(engine.recorder), "keep_message", lambda *_: (_ for _ in ()).throw(StorageError("full")))
    call_id = leave_message(house, speech, {"press": "#"})
    assert house.ended(call_id).outcome == "fallback"
    assert house.steps(call_id)[-2:] == [("message", "saved", ""), ("gone", "ended", "")]
    eventually(lambda: "message_not_kept" in alarms(house), "the alarm")


@pytest.mark.parametrize("fault", ["gone", "full"])
def test_a_recording_that_has_no_place_is_not_begun(house: House, fault: str, monkeypatch) -> None:
    house.start_engine()
    if fault == "gone":
        shutil.rmtree(house.site / "data" / "recordings")
    else:
        monkeypatch.setattr(recording_files, "ROOM_BYTES", 1 << 62)
    call_id = house.call({"press_after_prompt": "2"})
    assert house.ended(call_id).outcome == "completed"
    assert ("message", "failed", "") in house.steps(call_id)
    eventually(lambda: "recording_failed" in alarms(house), "the alarm")


# -- the link ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ended_by", [{"press": "#"}, {"hangup": True}])
def test_a_message_that_ends_while_the_link_is_down_is_kept(house: House, speech: Path, ended_by: dict[str, Any]) -> None:
    engine = house.start_engine()
    call_id = leave_message(house, speech, ended_by)
    recording(house)
    drop_link(house, keep_down=True)
    person = house.switch.core.person(call_id)
    eventually(lambda: not person._recording, "the end of the recording")
    link_back(house)
    house.ended(call_id)
    (message,) = engine.store.messages.in_box()
    assert message.duration_ms > 2000
    assert "recording_failed" not in alarms(house)


def test_no_flow_runs_on_while_the_link_is_down(house: House) -> None:
    """A prompt is lost with the link; the menu's time stands still until it can be said again."""
    engine = house.start_engine()
    call_id = house.call({"press_after_prompt": "1"})
    house.in_step(call_id, "info")
    drop_link(house, keep_down=True)
    session = engine.reception.sessions[call_id]
    session.post(call_session.DigitPressed("0"))  # cuts the information, so a command is lost
    eventually(lambda: session.interrupted and session.run.frame.step == "main", "the interruption")
    session.run.timers["listen"] = 0.0  # long due
    gevent.sleep(0.3)
    assert not session.run.finished
    assert session.run.timers
    before = house.switch.core.person(call_id).report()
    link_back(house)
    eventually(lambda: len(house.switch.core.person(call_id).report()) > len(before), "a prompt again")
    house.sim(f"hangup {call_id}")
    house.ended(call_id)


# -- the dead-man's timer ----------------------------------------------------------------------------------------------


def timers(house: House, call_id: str) -> int:
    return len(house.switch.core._groups.get(call_id, ()))


def test_a_call_is_never_without_a_timer_but_while_it_talks(house: House) -> None:
    house.start_engine()
    call_id = house.call()
    house.in_step(call_id, "main")
    eventually(lambda: timers(house, call_id) == 1, "the timer from the claim on")
    house.sim("phone", {"extension": "8001", "behaviour": "answer", "after": 0.1, "talk": 0.5})
    house.sim(f"press {call_id} 3")
    eventually(lambda: channel(house, call_id).partner, "the talk")
    assert timers(house, call_id) == 0
    drop_link(house, keep_down=True)  # nobody of us sees the end of the talk
    eventually(lambda: timers(house, call_id) == 1, "the timer at the end of the talk")
    link_back(house)


@pytest.mark.parametrize("link", ["up", "down"])
def test_a_call_that_the_fallback_has_taken_is_left_alone(house: House, link: str) -> None:
    """An engine that was asleep for too long finds its caller elsewhere."""
    engine = house.start_engine()
    call_id = house.call()
    house.in_step(call_id, "main")
    eventually(lambda: timers(house, call_id) == 1, "the timer")
    if link == "down":
        drop_link(house, keep_down=True)
    house.switch.core.delete_group(call_id)
    channel(house, call_id).transfer("fallback", "XML", "ivr")
    if link == "down":
        link_back(house)
    else:
        engine.deadman._armed.clear()
    assert house.ended(call_id).outcome == "fallback"
    assert timers(house, call_id) == 0
    gevent.sleep(0.3)
    assert call_id in house.switch.core.channels


# -- the clock ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [7200.0, -7200.0])
def test_a_clock_that_is_set_moves_no_callers_time(house: House, seconds: float) -> None:
    engine = house.start_engine()
    call_id = house.call({"after_prompt": True})
    house.in_step(call_id, "main")
    run = engine.reception.sessions[call_id].run
    due = eventually(lambda: run.timers.get("listen"), "the menu's timer")
    wall = engine.clock._wall
    engine.clock._wall = lambda: wall() + seconds
    eventually(lambda: "clock_was_set" in alarms(house), "the alarm")
    assert run.timers["listen"] == pytest.approx(due + seconds, abs=2.0)
    assert run.frame.step == "main"
    house.sim(f"press {call_id} 9")
    assert house.ended(call_id).outcome == "completed"


# -- stopping, reloading, floods ---------------------------------------------------------------------------------------


def test_what_a_caller_is_saying_when_the_engine_stops_is_kept(house: House, speech: Path) -> None:
    engine = house.start_engine()
    call_id = leave_message(house, speech, {"wait": 5.0})
    recording(house)
    gevent.sleep(2.0)
    engine.stop(drain_seconds=0.0)
    assert call_id in house.switch.core.channels
    house.engine = None
    house.start_engine()
    assert house.engine is not None
    (message,) = house.engine.store.messages.in_box()
    assert message.duration_ms > 1500
    assert house.ended(call_id).outcome == "fallback"


def test_flows_are_checked_where_no_call_notices(house: House, monkeypatch) -> None:
    engine = house.start_engine()
    threads = []
    check = publishing.check_site
    monkeypatch.setattr(publishing, "check_site", lambda *args: threads.append(threading.get_ident()) or check(*args))
    assert engine.reload() == []
    assert threads
    assert threads[0] != threading.get_ident()


def test_a_flood_of_keys_harms_nobody(house: House) -> None:
    engine = house.start_engine()
    call_id = house.call()
    other = house.call(caller="13900139000")
    house.in_step(call_id, "main")
    session = engine.reception.sessions[call_id]
    for _ in range(200):
        for _ in range(500):
            session.post(call_session.DigitPressed("#"))
        gevent.sleep(0)
    eventually(lambda: not session._inbox, "the end of the flood")
    assert len(session.run.digits) <= 64
    house.in_step(other, "main")
    house.sim(f"press {other} 9")
    assert house.ended(other).outcome == "completed"
