"""From a caller in a queue to an agent and back, through a whole engine on the embedded switch."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivrengine.runtime import recording_files
from ivrengine.simswitch.server import SimSwitch

from .conftest import PASSWORD, House, eventually, make_site
from .queue_house import QUEUE_FLOW, attempts_of, keep_site, seat, segment, site, until_works, works


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(make_site(tmp_path / "site", QUEUE_FLOW))
    keep_site(house, site())
    yield house
    house.close()


def test_a_caller_talks_to_an_agent_and_goes_on_in_the_flow(house: House) -> None:
    engine = house.start_engine()
    house.sim("phone", {"extension": "8001", "behaviour": "answer", "after": 0.2, "talk": 1.0})
    seat(engine, "101")
    call_id = house.call()
    until_works(engine, "101", "TALKING")
    assert engine.reception.sessions[call_id].with_somebody
    until_works(engine, "101", "WRAP_UP")
    house.ended(call_id)
    assert house.heard(call_id)[-2:] == ["thanks", "bye"]
    assert ("person", "answered", "") in house.steps(call_id)
    until_works(engine, "101", "IDLE")
    kept = segment(engine, call_id)
    assert (kept.terminal, kept.agent_id, kept.queue) == ("answered", "101", "news")
    assert 0.5 < kept.talk_seconds < 3.0
    (attempt,) = engine.store.attempts.of_item(kept.item_id)
    assert attempt.outcome == "talked"
    assert attempt.rang_at and attempt.answered_at and attempt.bridged_at
    assert not engine.call_centre.director.offers
    assert not list(engine.call_centre.director.room)


def test_a_talk_is_recorded_in_stereo_and_linked(house: House) -> None:
    engine = house.start_engine()
    house.sim("phone", {"extension": "8001", "behaviour": "answer", "after": 0.1, "talk": 1.5})
    seat(engine, "101")
    call_id = house.call()
    house.ended(call_id)
    eventually(lambda: engine.store.segments.of_contact(call_id)[-1].recording_ms, "the recording")
    kept = segment(engine, call_id)
    assert kept.recording_ms > 800
    assert not kept.recording_problem
    with wave.open(kept.recording_path) as file:
        assert file.getnchannels() == 2


def test_a_caller_who_hangs_up_while_waiting_is_abandoned(house: House) -> None:
    engine = house.start_engine()
    call_id = house.call({"wait": 0.5}, {"hangup": True})
    house.ended(call_id)
    assert segment(engine, call_id).terminal == "abandoned"
    assert not list(engine.call_centre.director.room)


def test_a_caller_who_hangs_up_while_the_phone_rings_frees_the_agent(house: House) -> None:
    engine = house.start_engine()
    house.sim("phone", {"extension": "8001", "behaviour": "no_answer"})
    seat(engine, "101")
    call_id = house.call()
    until_works(engine, "101", "RINGING")
    house.switch.core.person(call_id).hang_up()
    until_works(engine, "101", "IDLE")
    house.ended(call_id)
    (attempt,) = engine.store.attempts.of_item(segment(engine, call_id).item_id)
    assert attempt.outcome == "caller_gone"


def test_a_caller_who_hangs_up_in_the_talk_sends_the_agent_to_wrap_up(house: House) -> None:
    engine = house.start_engine()
    house.sim("phone", {"extension": "8001", "behaviour": "answer", "after": 0.1})
    seat(engine, "101")
    call_id = house.call()
    until_works(engine, "101", "TALKING")
    house.switch.core.person(call_id).hang_up()
    until_works(engine, "101", "WRAP_UP")
    house.ended(call_id)
    assert segment(engine, call_id).terminal == "answered"


@pytest.mark.parametrize("behaviour", ["reject", "busy", "unregistered", "no_answer"])
def test_a_phone_that_is_not_reached_leaves_the_caller_in_line(house: House, behaviour: str) -> None:
    keep_site(house, site(ring_seconds=0.5))
    engine = house.start_engine()
    house.sim("phone", {"extension": "8001", "behaviour": behaviour, "after": 0.1})
    seat(engine, "101")
    call_id = house.call()
    eventually(lambda: [attempt for attempt in attempts_of(engine, call_id) if attempt.ended_at], "the end of the first offer")
    house.sim("phone", {"extension": "8001", "behaviour": "answer", "after": 0.1, "talk": 0.3})
    until_works(engine, "101", "TALKING")
    house.ended(call_id)
    attempts = attempts_of(engine, call_id)
    assert attempts[0].outcome == {"reject": "rejected"}.get(behaviour, behaviour)
    assert attempts[-1].outcome == "talked"


def test_a_key_leaves_the_queue(house: House) -> None:
    engine = house.start_engine()
    call_id = house.call({"wait": 0.5}, {"press": "1"})
    house.ended(call_id)
    assert segment(engine, call_id).terminal == "exit_key"
    assert house.heard(call_id)[-1] == "bye"


def test_the_site_is_changed_while_the_engine_runs(house: House) -> None:
    engine = house.start_engine()
    engine.store.site.replace(site(when_empty="refuse"), "test", 0.0).wait()
    eventually(lambda: engine.call_centre.director.site.queue("news").when_empty == "refuse", "the change")
    call_id = house.call()
    house.ended(call_id)
    assert house.heard(call_id)[-2:] == ["leave", "bye"]
    assert segment(engine, call_id).terminal == "refused_empty"


def test_callers_are_served_in_the_order_of_their_coming(house: House) -> None:
    engine = house.start_engine()
    house.sim("phone", {"extension": "8001", "behaviour": "answer", "after": 0.1, "talk": 0.2})
    calls = []
    for number in range(3):
        calls.append(house.call(caller=f"1380013800{number}"))
        eventually(lambda: len(engine.call_centre.director.dispatcher.items("news")) == len(calls), "the line")
    assert engine.call_centre.director.board.facts("news").waiting == 3
    seat(engine, "101")
    for call_id in calls:
        house.ended(call_id)
    answered = sorted((segment(engine, call_id).ended_at, call_id) for call_id in calls)
    assert [call_id for _, call_id in answered] == calls


def test_an_agent_whose_phone_is_used_otherwise_is_not_rung(house: House) -> None:
    engine = house.start_engine()
    seat(engine, "101")
    engine.call_centre.extension_rung("some-call", "8001")
    assert works(engine, "101") == "EXTERNAL"
    engine.call_centre.extension_free("some-call")
    assert works(engine, "101") == "IDLE"


# -- what goes wrong around it -----------------------------------------------------------------------------------------


def drop_link(house: House) -> None:
    house.switch.core.faults.reject_connections = 10_000
    house.switch.core.drop_hook("reset", None)
    assert house.engine is not None
    eventually(lambda: not house.engine.switch.connected, "the loss of the link")


def link_back(house: House) -> None:
    assert house.engine is not None
    house.switch.core.faults.reject_connections = 0
    assert house.engine.switch.wait_connected(20)


def test_a_talk_that_ends_while_the_link_is_down_frees_the_agent(house: House) -> None:
    engine = house.start_engine()
    house.sim("phone", {"extension": "8001", "behaviour": "answer", "after": 0.1})
    seat(engine, "101")
    call_id = house.call()
    until_works(engine, "101", "TALKING")
    partner = eventually(lambda: house.switch.core.channels[call_id].partner, "the talk")
    drop_link(house)
    partner.person.hang_up()
    link_back(house)
    until_works(engine, "101", "WRAP_UP")
    house.ended(call_id)
    assert segment(engine, call_id).terminal == "answered"
    assert house.heard(call_id)[-2:] == ["thanks", "bye"]


def test_a_talk_goes_on_over_a_broken_link(house: House) -> None:
    engine = house.start_engine()
    house.sim("phone", {"extension": "8001", "behaviour": "answer", "after": 0.1})
    seat(engine, "101")
    call_id = house.call()
    until_works(engine, "101", "TALKING")
    drop_link(house)
    link_back(house)
    eventually(lambda: engine.reception.sessions[call_id].with_somebody, "the talk")
    channel = house.switch.core.channels[call_id]
    assert channel.partner is not None
    channel.partner.person.hang_up()
    house.ended(call_id)
    assert segment(engine, call_id).terminal == "answered"


def test_a_caller_who_waits_keeps_the_place_over_a_broken_link(house: House) -> None:
    engine = house.start_engine()
    call_id = house.call()
    eventually(lambda: engine.call_centre.director.dispatcher.items("news"), "the line")
    (before,) = engine.call_centre.director.dispatcher.items("news")
    drop_link(house)
    link_back(house)
    (after,) = engine.call_centre.director.dispatcher.items("news")
    assert after.queued_at == before.queued_at
    house.sim("phone", {"extension": "8001", "behaviour": "answer", "after": 0.1, "talk": 0.3})
    seat(engine, "101")
    house.ended(call_id)
    assert segment(engine, call_id).terminal == "answered"


def test_a_restart_of_the_switch_ends_waiting_as_failed(house: House) -> None:
    engine = house.start_engine()
    lost = []
    engine.call_centre.recovery.lost = lost.append
    call_id = house.call()
    eventually(lambda: engine.call_centre.director.dispatcher.items("news"), "the line")
    port = house.switch.port
    house.switch.stop()
    house.switch = SimSwitch(
        "127.0.0.1", port, PASSWORD, sounds_dir=house.site / "prompts" / "zh-CN", recordings_dir=house.site / "unclaimed",
        numbers=["100"],
    )  # fmt: skip
    house.switch.start()
    house.ended(call_id)
    assert segment(engine, call_id).terminal == "failed"
    assert [waiting.number for waiting in lost] == ["13800138000"]
    eventually(lambda: not engine.call_centre.director.dispatcher.items("news"), "an empty line")


def test_a_talk_outlives_the_engine_that_is_stopped(house: House) -> None:
    engine = house.start_engine()
    house.sim("phone", {"extension": "8001", "behaviour": "answer", "after": 0.1})
    seat(engine, "101")
    call_id = house.call()
    until_works(engine, "101", "TALKING")
    engine.stop(drain_seconds=0.0)
    house.engine = None
    partner = house.switch.core.channels[call_id].partner
    assert partner is not None
    partner.person.hang_up()
    eventually(lambda: call_id not in house.switch.core.channels, "the end of the call")
    engine = house.start_engine()
    house.ended(call_id)
    assert segment(engine, call_id).terminal == "answered"


def test_who_waits_when_the_engine_is_stopped_goes_to_the_fallback(house: House) -> None:
    engine = house.start_engine()
    call_id = house.call()
    eventually(lambda: engine.call_centre.director.dispatcher.items("news"), "the line")
    engine.stop(drain_seconds=0.0)
    house.engine = None
    assert call_id in house.switch.core.channels
    engine = house.start_engine()
    assert house.ended(call_id).outcome == "fallback"
    assert segment(engine, call_id).terminal == "flow_out"


@pytest.mark.parametrize("seconds", [7200.0, -7200.0])
def test_a_clock_that_is_set_moves_nobodys_place(house: House, seconds: float) -> None:
    keep_site(house, site(max_wait_seconds=600.0))
    engine = house.start_engine()
    call_id = house.call()
    eventually(lambda: engine.call_centre.director.dispatcher.items("news"), "the line")
    wall = engine.clock._wall
    engine.clock._wall = lambda: wall() + seconds
    house.sim("phone", {"extension": "8001", "behaviour": "answer", "after": 0.1, "talk": 0.3})
    seat(engine, "101")
    house.ended(call_id)
    kept = segment(engine, call_id)
    assert kept.terminal == "answered"
    assert kept.wait_seconds < 60.0
    assert abs(kept.ended_at - engine.clock()) < 60.0, "rows have the wall's time"


def test_a_recording_that_can_not_be_made_is_told_and_harms_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_files, "ROOM_BYTES", 1 << 62)
    engine = house.start_engine()
    house.sim("phone", {"extension": "8001", "behaviour": "answer", "after": 0.1, "talk": 0.3})
    seat(engine, "101")
    call_id = house.call()
    assert house.ended(call_id).outcome == "completed"
    assert segment(engine, call_id).terminal == "answered"
    eventually(lambda: "talk_not_recorded" in {alarm.code for alarm in engine.store.alarms.recent()}, "the alarm")


def test_a_phone_that_is_not_registered_is_not_rung(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = house.start_engine()
    director = engine.call_centre.director
    house.sim("phone", {"extension": "8001", "behaviour": "unregistered"})
    seat(engine, "101")
    director.phones.look()
    view = director.dispatcher.agent("101")
    assert view is not None
    assert not view.reachable
    call_id = house.call()
    eventually(lambda: director.dispatcher.items("news"), "the line")
    assert attempts_of(engine, call_id) == []
    house.sim("phone", {"extension": "8001", "behaviour": "answer", "after": 0.1, "talk": 0.3})
    director.phones.look()
    house.ended(call_id)
    assert [attempt.outcome for attempt in attempts_of(engine, call_id)] == ["talked"]
