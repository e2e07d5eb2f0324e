"""Calls through a whole engine on the embedded switch: what is heard, kept and recorded, and what faults do."""

from __future__ import annotations

import wave
from pathlib import Path

import gevent
import pytest

from ivrengine.domain.blacklist import BlacklistEntry
from ivrengine.flow.steps.branch import Branch

from .conftest import FLOW, House, eventually, write_tone


def test_a_caller_walks_the_flow_and_every_step_is_on_record(house: House) -> None:
    engine = house.start_engine()
    call_id = house.call({"press_after_prompt": "1"}, {"wait": 0.1}, {"press": "9"}, {"press_after_prompt": "9"})
    call = house.ended(call_id)
    assert (call.dialled, call.number, call.flow, call.outcome) == ("100", "13800138000", "line", "completed")
    assert call.answered_at is not None
    assert house.steps(call_id) == [
        ("greet", "played", ""),
        ("screen", "allowed", ""),
        ("main", "choice", "Information"),
        ("info", "skipped", ""),
        ("main", "choice", "Goodbye"),
        ("bye", "ended", ""),
    ]
    assert house.heard(call_id)[:3] == ["welcome", "main", "long"]
    assert not engine.reception.sessions


def test_a_hang_up_in_a_prompt_unwinds_and_runs_on_hangup(house: House) -> None:
    engine = house.start_engine()
    call_id = house.call({"press_after_prompt": "1"}, {"wait": 0.5}, {"hangup": True})
    call = house.ended(call_id)
    assert (call.outcome, call.ended_by) == ("caller_hung_up", "caller")
    assert ("info", "hangup") in [step[:2] for step in house.steps(call_id)]
    eventually(lambda: engine.store.counters.value("ended") == 1, "the count of on_hangup")


def test_a_nuisance_caller_is_refused_and_counted(house: House) -> None:
    engine = house.start_engine()
    engine.store.blacklist.add(BlacklistEntry("138*", "nuisance"), "test", 0.0).wait()
    engine.feed.look()
    call_id = house.call(number="100")
    assert house.ended(call_id).outcome == "refused"
    eventually(lambda: engine.store.blacklist.entries()[0].hits == 1, "the hit")


def test_a_message_is_kept_with_the_sound_that_was_spoken(house: House, tmp_path: Path) -> None:
    engine = house.start_engine()
    speech = write_tone(tmp_path / "speech.wav", 2.0, 700.0)
    call_id = house.call(
        {"press_after_prompt": "2"}, {"until_recording": True}, {"speak": str(speech)}, {"press": "#"}, name="Li, ${uuid}\n'\""
    )
    house.ended(call_id)
    (message,) = engine.store.messages.in_box("office")
    assert (message.call_id, message.number) == (call_id, "13800138000")
    assert "\n" not in message.name
    with wave.open(message.path) as file:
        seconds = file.getnframes() / file.getframerate()
        loud = max(file.readframes(file.getnframes()))
    assert abs(seconds - message.duration_ms / 1000) < 0.5
    assert seconds >= 1.9
    assert loud > 0
    assert house.heard(call_id)[-2:] == ["thanks", "bye"]


def test_a_person_is_rung_and_the_flow_goes_on_afterwards(house: House) -> None:
    house.start_engine()
    house.sim("phone", {"extension": "8001", "behaviour": "answer", "after": 0.2, "talk": 0.5})
    call_id = house.call({"press_after_prompt": "3"})
    house.ended(call_id)
    assert ("person", "answered") in [step[:2] for step in house.steps(call_id)]


@pytest.mark.parametrize("behaviour", ["busy", "reject", "unregistered"])
def test_a_phone_that_is_not_reached_leads_back(house: House, behaviour: str) -> None:
    house.start_engine()
    house.sim("phone", {"extension": "8001", "behaviour": behaviour, "after": 0.1})
    call_id = house.call({"press_after_prompt": "3"}, {"wait": 1.0}, {"press": "9"})
    house.ended(call_id)
    outcomes = dict(step[:2] for step in house.steps(call_id))
    assert outcomes["person"] == {"busy": "busy", "reject": "rejected", "unregistered": "unregistered"}[behaviour]


def test_a_failing_step_goes_to_the_fallback_and_raises_an_alarm(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("a bug in a step")

    monkeypatch.setattr(Branch, "enter", explode)
    engine = house.start_engine()
    call_id = house.call({"press_after_prompt": "4"})
    house.ended(call_id)
    assert [step[:2] for step in house.steps(call_id)][-2:] == [("broken", "failed"), ("sorry", "ended")]
    assert "step_failed" in {alarm.code for alarm in engine.store.alarms.recent()}
    assert house.heard(call_id)[-1] == "sorry"


def test_a_lost_prompt_is_replaced_by_a_tone_and_alarmed(house: House) -> None:
    engine = house.start_engine()
    house.sim("fault", {"lose_file": str(house.site / "prompts" / "zh-CN" / "welcome.wav")})
    call_id = house.call({"press_after_prompt": "9"})
    assert house.ended(call_id).outcome == "completed"
    assert "prompt_failed" in {alarm.code for alarm in engine.store.alarms.recent()}


@pytest.mark.parametrize("kind", ["notice", "silent", "reset", "truncated"])
def test_a_broken_link_in_a_menu_is_not_noticed_by_the_caller(house: House, kind: str) -> None:
    engine = house.start_engine()
    call_id = house.call()
    house.in_step(call_id, "main")
    house.switch.core.drop_hook(kind, None)
    eventually(lambda: not engine.switch.connected, "the loss of the link")
    assert engine.switch.wait_connected(20)
    gevent.sleep(0.3)
    house.sim(f"press {call_id} 9")
    assert house.ended(call_id).outcome == "completed"
    assert ("main", "choice", "Goodbye") in house.steps(call_id)


def test_a_restarted_switch_ends_the_calls_that_it_lost(house: House) -> None:
    engine = house.start_engine()
    first_core = engine.switch.core_uuid
    call_id = house.call()
    house.in_step(call_id, "main")
    house.switch.core.restart_hook(False, 0.2)
    call = house.ended(call_id)
    assert call.ended_by == "caller"
    assert call.cause.startswith("LOST")
    eventually(lambda: engine.switch.connected and engine.switch.core_uuid != first_core, "the new link")
    assert house.ended(house.call({"press_after_prompt": "9"})).outcome == "completed"


def test_a_number_without_a_flow_is_left_to_the_fallback(house: House) -> None:
    engine = house.start_engine()
    house.call(number="777", caller="1")
    eventually(lambda: "unknown_number" in {alarm.code for alarm in engine.store.alarms.recent()}, "the alarm")
    assert not engine.reception.sessions


def test_a_full_engine_leaves_further_calls_to_the_fallback(house: House) -> None:
    engine = house.start_engine(max_calls=1)
    first = house.call()
    house.in_step(first, "main")
    second = house.call()
    eventually(lambda: "engine_full" in {alarm.code for alarm in engine.store.alarms.recent()}, "the alarm")
    assert second not in engine.reception.sessions


def test_a_reload_with_errors_keeps_the_last_good_set(house: House) -> None:
    engine = house.start_engine()
    path = house.site / "flows" / "line.yml"
    path.write_text(FLOW.replace("go: info}", "go: infos}"), encoding="utf-8")
    findings = engine.reload()
    assert any("infos" in str(finding) and 'did you mean "info"' in str(finding) for finding in findings)
    assert house.ended(house.call({"press_after_prompt": "9"})).outcome == "completed"
    path.write_text(FLOW.replace("Goodbye", "Farewell"), encoding="utf-8")
    engine.reload()
    call_id = house.call({"press_after_prompt": "9"})
    house.ended(call_id)
    assert ("main", "choice", "Farewell") in house.steps(call_id)


def test_calls_end_on_the_version_they_began(house: House) -> None:
    engine = house.start_engine()
    call_id = house.call()
    house.in_step(call_id, "main")
    (house.site / "flows" / "line.yml").write_text(FLOW.replace("Goodbye", "Farewell"), encoding="utf-8")
    engine.reload()
    house.sim(f"press {call_id} 9")
    house.ended(call_id)
    assert ("main", "choice", "Goodbye") in house.steps(call_id)


def test_draining_lets_calls_finish_and_hands_the_rest_to_the_fallback(house: House) -> None:
    engine = house.start_engine()
    finishing = house.call({"press_after_prompt": "1"}, {"wait": 0.3}, {"press": "9"}, {"press_after_prompt": "9"})
    staying = house.call()
    house.in_step(staying, "main")
    house.in_step(finishing, "info")
    left = engine.reception.drain(3.0)
    assert left == 1
    late = house.call()
    gevent.sleep(0.2)
    assert late not in engine.reception.sessions
    engine.reception.let_go()
    assert house.ended(staying).outcome == "fallback"
    assert house.ended(finishing).outcome == "completed"
    eventually(lambda: "fallback_apology" in house.heard(staying) or house.heard(staying)[-1:] != ["main"], "the apology")


def test_a_crash_in_a_session_hands_the_call_to_the_fallback(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = house.start_engine()
    call_id = house.call()
    house.in_step(call_id, "main")

    def explode(*_: object) -> None:
        raise RuntimeError("a bug of ours")

    session = engine.reception.sessions[call_id]
    monkeypatch.setattr(session, "_note", explode)
    house.sim(f"press {call_id} 1")
    assert house.ended(call_id).outcome == "failed"
    eventually(lambda: len(house.heard(call_id)) > 2, "the fallback's apology")
    assert "session_crashed" in {alarm.code for alarm in engine.store.alarms.recent()}
