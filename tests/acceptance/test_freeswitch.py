"""FreeSWITCH, started from exactly what ``fs render`` writes, does its part: without the engine, and as the engine needs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from . import audio
from .freeswitch_bench import FreeSwitchBench
from .sipp import SippCall
from .switch import EslClient

NUMBER = "02988880001"
TONE_HZ = 700


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeSwitchBench]:
    with FreeSwitchBench(tmp_path_factory.mktemp("freeswitch"), numbers=[NUMBER, "4008*", "*91"]) as bench:
        yield bench


@pytest.fixture
def events(bench: FreeSwitchBench) -> Iterator[EslClient]:
    client = bench.switch.client()
    client.subscribe("CHANNEL_PARK DTMF CHANNEL_EXECUTE_COMPLETE CHANNEL_HANGUP_COMPLETE")
    yield client
    client.close()


def claim(events: EslClient) -> dict[str, str]:
    """Wait for the next call that is handed over, and take it as the engine does."""
    park = events.wait_event(lambda event: event["Event-Name"] == "CHANNEL_PARK", 10)
    assert events.api(f"sched_del {park['Unique-ID']}") == "+OK Deleted: 1"
    return park


def key(events: EslClient, call_id: str) -> str:
    return events.wait_event(lambda e: e["Event-Name"] == "DTMF" and e["Unique-ID"] == call_id, 10)["DTMF-Digit"]


def test_it_starts_with_nothing_to_complain_of(bench: FreeSwitchBench) -> None:
    log = (bench.switch.logs / "freeswitch.log").read_text("utf-8", "replace")
    complaints = [line for line in log.splitlines() if any(f"[{level}]" in line for level in ("ERR", "CRIT", "ALERT"))]
    assert complaints == []
    status = bench.switch.api("sofia status")
    assert "trunk" in status and "phones" in status


def test_a_call_that_nobody_claims_leaves_a_message_with_what_was_said(bench: FreeSwitchBench, tmp_path: Path) -> None:
    """No engine runs. The caller hears the apology, speaks after the beep, and what was sent is in the file."""
    said = tmp_path / "said.wav"
    sweep = audio.chirp(2)
    audio.write(said, [*audio.tone(TONE_HZ, 3), *sweep])
    hostile = "${system(touch " + str(tmp_path / "executed") + ")}"
    call = bench.call("4008123", "13912345678", hostile, script=[{"until_recording": True}, {"speak": said}])
    assert call.wait_answered(15).wait_ended(90) == "released"
    assert call.has_heard(bench.switch.conf / "sounds/apology.wav")
    messages = list(bench.unclaimed_messages.iterdir())
    assert len(messages) == 1
    samples = audio.read(messages[0])
    assert audio.tone_seconds(samples, TONE_HZ) == pytest.approx(3, abs=0.3)
    assert audio.tone_seconds(samples, TONE_HZ + 200) < 0.2
    assert audio.share_heard(samples, sweep) > audio.ENOUGH
    with soundfile.SoundFile(str(messages[0])) as file:
        assert file.copy_metadata()["artist"] == "13912345678"
        assert file.copy_metadata()["title"] == "4008123"
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("dtmf", ["rfc2833", "info"])
def test_keys_of_both_kinds_arrive(bench: FreeSwitchBench, events: EslClient, dtmf: str) -> None:
    call = bench.call(NUMBER, script=[{"press": "15*0#"}], dtmf=dtmf)
    park = claim(events)
    assert park["Channel-Presence-Data"] == "ivr" and park["Caller-Destination-Number"] == NUMBER
    assert "variable_ivr_phone" not in park
    events.execute(park["Unique-ID"], "answer")
    assert "".join(key(events, park["Unique-ID"]) for _ in range(5)) == "15*0#"
    call.hang_up()
    assert call.wait_ended() == "left"


def test_a_caller_hears_what_is_played_and_knows_when_it_ended(bench: FreeSwitchBench, events: EslClient, tmp_path: Path) -> None:
    prompt = audio.write(tmp_path / "prompt.wav", audio.chirp(2))
    call = bench.call(NUMBER, script=[{"press_after_prompt": "7"}])
    call_id = claim(events)["Unique-ID"]
    events.execute(call_id, "answer")
    events.execute(call_id, "playback", str(prompt))
    call.wait_answered().wait_heard(prompt)
    assert key(events, call_id) == "7"
    events.api(f"uuid_kill {call_id}")
    assert call.wait_ended() == "released"


def test_numbers_that_no_flow_serves_and_strangers_feature_codes_are_refused(bench: FreeSwitchBench) -> None:
    for number in ("02988880002", "5008", "*91", "8001", "fallback"):
        call = bench.call(number)
        assert (call.wait_ended(), call.status) == ("refused", 404), number


def test_a_caller_who_gives_up_is_gone(bench: FreeSwitchBench, events: EslClient) -> None:
    call = bench.call(NUMBER, give_up_seconds=0.5)
    call_id = claim(events)["Unique-ID"]
    gone = events.wait_event(lambda e: e["Event-Name"] == "CHANNEL_HANGUP_COMPLETE" and e["Unique-ID"] == call_id, 10)
    assert gone["Hangup-Cause"] == "ORIGINATOR_CANCEL"
    assert call.wait_ended() == "left"


def test_a_phone_registers_and_is_reached_by_its_extension(bench: FreeSwitchBench, events: EslClient, tmp_path: Path) -> None:
    assert bench.switch.api("sofia_contact phones/8001@ivr.local") == "error/user_not_registered"
    sweep = audio.chirp(6)
    phone = bench.phone("8001", speaks=audio.write(tmp_path / "agent.wav", sweep))
    said = audio.write(tmp_path / "caller.wav", audio.tone(TONE_HZ, 3))
    call = bench.call(NUMBER, script=[{"wait": 1}, {"speak": said}])
    call_id = claim(events)["Unique-ID"]
    events.execute(call_id, "bridge", "user/8001@ivr.local")
    phone.wait_talking()
    call.wait_answered()
    # The phone hangs up when its speech is over; park_after_bridge keeps the caller.
    again = events.wait_event(lambda e: e["Event-Name"] == "CHANNEL_PARK" and e["Unique-ID"] == call_id, 15)
    assert again["Channel-Presence-Data"] == "ivr"
    assert audio.share_heard(call.heard(), sweep[audio.RATE : 3 * audio.RATE]) > audio.ENOUGH
    assert audio.tone_seconds(phone.heard(), TONE_HZ) == pytest.approx(3, abs=0.5)
    call.hang_up()
    assert call.wait_ended() == "left"


@pytest.mark.parametrize(("behaviour", "cause"), [("reject", "USER_BUSY"), ("no_answer", "NO_ANSWER")])
def test_a_phone_that_is_not_answered_says_why(bench: FreeSwitchBench, events: EslClient, behaviour: str, cause: str) -> None:
    bench.phone("8002", behaviour)
    call = bench.call(NUMBER)
    call_id = claim(events)["Unique-ID"]
    events.execute(call_id, "answer")
    call.wait_answered()
    events.execute(call_id, "bridge", "{originate_timeout=2}user/8002@ivr.local")
    ended = events.wait_event(lambda e: e.get("Application") == "bridge" and e["Unique-ID"] == call_id, 15)
    assert ended["variable_originate_disposition"] == cause
    call.hang_up()
    assert call.wait_ended() == "left"


@pytest.mark.parametrize(("number", "pretends"), [("*958001", ""), (NUMBER, ""), ("*91", "8001")])
def test_a_phone_reaches_the_engine_under_its_proven_number(
    bench: FreeSwitchBench, events: EslClient, number: str, pretends: str
) -> None:
    phone = bench.phone("8003", pretends=pretends)
    phone.dial(number)
    park = claim(events)
    assert (park["Caller-Destination-Number"], park["Caller-Caller-ID-Number"]) == (number, "8003")
    assert park["variable_ivr_phone"] == "8003"
    assert park["Channel-Presence-Data"] == "ivr"
    events.api(f"uuid_kill {park['Unique-ID']}")
    phone.wait_event("CALL_CLOSED")
    phone.stop()


def test_who_sends_no_password_calls_from_no_phone(bench: FreeSwitchBench) -> None:
    call = SippCall(bench.work / "stranger", bench.switch.phones_port, NUMBER, caller="8001").start()
    assert (call.wait_ended(), call.status) == ("refused", 407)


def test_nobody_registers_with_a_wrong_password(bench: FreeSwitchBench) -> None:
    bench.switch.phones = ("8003",)
    password = bench.switch.conf / "passwords/phone-8003"
    right = password.read_text()
    password.write_text("not-the-password\n")
    try:
        with pytest.raises(AssertionError, match="did not register"):
            bench.phone("8003")
    finally:
        password.write_text(right)


def test_the_event_socket_refuses_the_stock_password(bench: FreeSwitchBench) -> None:
    with pytest.raises(PermissionError):
        EslClient(bench.switch.esl_port, "ClueCon")
