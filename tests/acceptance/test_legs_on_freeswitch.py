"""Legs on a real FreeSWITCH with real phones: who hears whom, what a phone's own keys (hold, transfer) tell us, what a recording holds.

The edge runs in this process, on gevent; callers and phones are processes with threads of their own, so that nothing here may block
for long without giving way.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest
import soundfile

from ivrengine.domain.events import PromptEnded
from ivrengine.domain.legs import (
    LegAnswered,
    LegBridged,
    LegDigit,
    LegGone,
    LegHeld,
    LegPlayed,
    LegReferred,
    LegRinging,
    LegState,
    LegUnbridged,
)
from ivrengine.esl.switch import Switch

from . import audio
from .freeswitch_bench import FreeSwitchBench, FreeSwitchCall, FreeSwitchPhone
from .sip_phone import SipPhone

NUMBER = "02988880001"
CALLER_HZ, AGENT_HZ, OTHER_HZ = 700, 1100, 1700
WAIT_SECONDS = 15.0


class Listener:
    def __init__(self) -> None:
        self.calls: dict[str, list[object]] = {}
        self.legs: list[tuple[str, object]] = []
        self.stopped: list[tuple[str, str]] = []

    def call_offered(self, call, channel) -> None:
        self.calls[call.call_id] = []

    def call_event(self, call_id, event) -> None:
        self.calls[call_id].append(event)

    def switch_connected(self, core_uuid, channels) -> None:
        pass

    def switch_lost(self, reason) -> None:
        pass

    def leg_event(self, leg_id, event) -> None:
        self.legs.append((leg_id, event))

    def legs_resynchronised(self, legs) -> None:
        pass

    def recording_stopped(self, path, cause) -> None:
        self.stopped.append((path, cause))

    def told(self, leg_id: str) -> list[object]:
        return [event for of, event in self.legs if of == leg_id]


class House:
    def __init__(self, work: Path) -> None:
        self.work = work
        self.bench = FreeSwitchBench(work, numbers=[NUMBER])
        self.bench.start()
        self.listener = Listener()
        self.switch = Switch("127.0.0.1", self.bench.switch.esl_port, self.bench.switch.password, self.listener)
        self.switch.legs.listen(self.listener)
        self.switch.start()
        assert self.switch.wait_connected(WAIT_SECONDS), self.switch.last_error
        self._phones: dict[str, FreeSwitchPhone] = {}

    def stop(self) -> None:
        self.switch.stop()
        self.bench.stop()

    def phone(self, extension: str, hertz: float) -> FreeSwitchPhone:
        """The phone of that extension, registered; it answers and says a steady tone."""
        if extension not in self._phones:
            speech = audio.write(self.work / f"{extension}.wav", audio.tone(hertz, 60))
            self._phones[extension] = in_thread(lambda: self.bench.phone(extension, after_seconds=0.2, speaks=speech))
        return self._phones[extension]

    def caller(self) -> tuple[FreeSwitchCall, str]:
        """An answered caller who says a steady tone, and the id of the call."""
        before = set(self.listener.calls)
        said = audio.write(self.work / "caller.wav", audio.tone(CALLER_HZ, 40))
        call = in_thread(lambda: self.bench.call(NUMBER, script=[{"speak": said}]))
        (call_id,) = until(lambda: set(self.listener.calls) - before)
        assert self.switch.claim(call_id)
        self.switch.answer(call_id, f"{call_id}/answer")
        until(lambda: self.listener.calls[call_id])
        return call, call_id

    def leg(self, extension: str, **options) -> str:
        leg_id = str(uuid.uuid4())
        self.switch.legs.originate(leg_id, "extension", extension, 10, **options)
        self.wait(leg_id, LegAnswered)
        return leg_id

    def talk(self, extension: str = "8001") -> tuple[FreeSwitchCall, str, str]:
        call, call_id = self.caller()
        leg_id = self.leg(extension)
        assert self.switch.legs.bridge(call_id, leg_id)
        self.wait(leg_id, LegBridged)
        return call, call_id, leg_id

    def wait(self, leg_id: str, kind: type):
        return until(lambda: [event for event in self.listener.told(leg_id) if isinstance(event, kind)])[-1]

    def end(self, *leg_ids: str) -> None:
        for leg_id in leg_ids:
            if leg_id in self.switch.legs:
                self.switch.legs.kill(leg_id)
                self.wait(leg_id, LegGone)

    def still_serves(self, call_id: str) -> bool:
        """The caller is ours and hears what we play."""
        token = f"{call_id}/{uuid.uuid4()}"
        self.switch.play(call_id, token, ["tone_stream://%(100,0,400)"])
        return bool(until(lambda: PromptEnded(token, "played") in self.listener.calls[call_id]))


def until(condition: Callable[[], object]):
    with gevent.Timeout(WAIT_SECONDS):
        while not (result := condition()):
            gevent.sleep(0.02)
    return result


def in_thread(work: Callable[[], object]):
    """What blocks (starting processes, waiting for phones) while the edge goes on."""
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    until(lambda: not thread.is_alive())
    return results[0]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("legs"))
    yield made
    made.stop()


def test_a_whisper_only_the_agent_hears_and_an_accept_key(house: House, tmp_path: Path) -> None:
    assert not house.switch.legs.reachable("8001")
    house.phone("8001", AGENT_HZ)
    assert house.switch.legs.reachable("8001")
    leg_id = house.leg("8001", display_name="王 小明, \"x\" ${y}", display_number="13800138000", tags={"attempt": "q1/1"})
    assert house.listener.told(leg_id) == [LegRinging(), LegAnswered()]
    assert house.switch.legs.states() == [LegState(leg_id, True, "", {"attempt": "q1/1"})]
    house.switch.legs.play(leg_id, "w", ["tone_stream://%(30000,0,500)"])
    house.switch.api(f"uuid_recv_dtmf {leg_id} 1")
    assert house.wait(leg_id, LegDigit) == LegDigit("1")
    house.switch.legs.stop_playing(leg_id)
    assert house.wait(leg_id, LegPlayed) == LegPlayed("w", "stopped")
    house.end(leg_id)


def test_a_phone_that_is_not_there(house: House) -> None:
    leg_id = str(uuid.uuid4())
    house.switch.legs.originate(leg_id, "extension", "8003", 5)
    assert house.wait(leg_id, LegGone).why == "unregistered"


def test_both_hear_each_other_and_the_recording_holds_both_apart(house: House, tmp_path: Path) -> None:
    house.phone("8001", AGENT_HZ)
    call, call_id, leg_id = house.talk()
    path = str(tmp_path / "talk.wav")
    house.switch.legs.start_recording(leg_id, path)
    gevent.sleep(1.5)
    house.switch.legs.mask_recording(leg_id, path, True)
    gevent.sleep(1.0)
    house.switch.legs.mask_recording(leg_id, path, False)
    gevent.sleep(0.5)
    assert audio.tone_seconds(call.heard(), AGENT_HZ) > 1
    house.switch.legs.stop_recording(leg_id, path)
    assert until(lambda: house.listener.stopped)[-1][0] == path
    samples, rate = soundfile.read(path, always_2d=True)
    assert (rate, samples.shape[1]) == (8000, 2)
    said, heard = samples[:, 0], samples[:, 1]
    assert audio.tone_seconds(said, AGENT_HZ) > 1.2 and audio.tone_seconds(said, CALLER_HZ) == 0
    assert audio.tone_seconds(heard, CALLER_HZ) > 1.2 and audio.tone_seconds(heard, AGENT_HZ) == 0
    assert len(said) / rate - audio.audible_seconds(said) > 0.7  # masked
    house.end(leg_id)
    assert house.still_serves(call_id)
    house.switch.hang_up(call_id)


def test_who_is_muted_is_heard_by_nobody_and_recorded_as_silence(house: House, tmp_path: Path) -> None:
    phone = house.phone("8001", AGENT_HZ)
    call, call_id, leg_id = house.talk()
    path = str(tmp_path / "muted.wav")
    house.switch.legs.start_recording(leg_id, path)
    gevent.sleep(1.5)
    assert house.switch.legs.mute(leg_id, True)
    assert house.switch.legs.states()[0].tags["muted"] == "true"
    gevent.sleep(0.3)  # what was on the way
    before_caller, before_agent = len(call.heard()), len(phone.heard())
    gevent.sleep(2.0)
    assert len(call.heard()) - before_caller > 8000 and audio.tone_seconds(call.heard()[before_caller:], AGENT_HZ, 0.2) == 0
    assert audio.tone_seconds(phone.heard()[before_agent:], CALLER_HZ) > 1, "the agent goes on hearing"
    assert house.switch.legs.mute(leg_id, False)
    before_caller = len(call.heard())
    until(lambda: audio.tone_seconds(call.heard()[before_caller:], AGENT_HZ) > 0.5)
    house.switch.legs.stop_recording(leg_id, path)
    until(lambda: house.listener.stopped and house.listener.stopped[-1][0] == path)
    said, heard = soundfile.read(path, always_2d=True)[0].T
    assert len(said) / 8000 - audio.audible_seconds(said) > 1.8 and audio.tone_seconds(said, AGENT_HZ) > 1.2
    assert audio.audible_seconds(heard) > 3
    house.end(leg_id)
    assert house.still_serves(call_id)
    house.switch.hang_up(call_id)


@pytest.mark.parametrize("how", ["event", "call_info"])
def test_a_phone_that_can_be_told_answers(house: House, how: str) -> None:
    switch = house.bench.switch
    with SipPhone(how) as phone:  # type: ignore[arg-type]
        in_thread(lambda: phone.register("8003", switch.phone_password("8003"), switch.phones_port))
        leg_id = str(uuid.uuid4())
        house.switch.legs.originate(leg_id, "extension", "8003", 10, auto_answer=how == "call_info")
        house.wait(leg_id, LegRinging)
        if how == "event":
            gevent.sleep(0.5)
            assert house.listener.told(leg_id) == [LegRinging()] and "call-info" not in phone.invites[0].headers
            assert house.switch.legs.tell_to_answer(leg_id) == "Telling Phone 1.0"
        house.wait(leg_id, LegAnswered)
        assert phone.talking
        house.end(leg_id)
        until(lambda: not phone.talking)
        switch.api("sofia profile phones flush_inbound_reg 8003@ivr.local")


def test_a_phone_that_can_not_be_told_goes_on_ringing(house: House) -> None:
    phone = house.phone("8002", OTHER_HZ)
    phone.behaviour = "no_answer"
    leg_id = str(uuid.uuid4())
    house.switch.legs.originate(leg_id, "extension", "8002", 10)
    house.wait(leg_id, LegRinging)
    assert house.switch.legs.tell_to_answer(leg_id).startswith("baresip")
    gevent.sleep(1.5)
    assert house.listener.told(leg_id) == [LegRinging()]
    phone.behaviour = "answer"
    house.switch.legs.kill(leg_id)
    house.wait(leg_id, LegGone)


def test_a_caller_does_not_hear_what_the_agent_keys(house: House) -> None:
    house.phone("8001", AGENT_HZ)
    call, call_id, leg_id = house.talk()
    house.switch.api(f"uuid_recv_dtmf {leg_id} *25")
    until(lambda: [event.digit for event in house.listener.told(leg_id) if isinstance(event, LegDigit)] == ["*", "2", "5"])
    gevent.sleep(1.0)  # as long as three keys would sound
    assert call.keys_heard == ""
    house.switch.legs.unbridge(leg_id)
    house.wait(leg_id, LegUnbridged)
    house.switch.api(f"uuid_setvar {leg_id} bridge_filter_dtmf false")  # this ear does hear what is let through
    house.switch.api(f"uuid_bridge {call_id} {leg_id}")
    until(lambda: house.listener.told(leg_id).count(LegBridged(call_id)) == 2)
    house.switch.api(f"uuid_recv_dtmf {leg_id} 7")
    until(lambda: call.keys_heard == "7")
    house.switch.hang_up(call_id)
    house.end(leg_id)


def test_the_phones_own_hold_key(house: House) -> None:
    phone = house.phone("8001", AGENT_HZ)
    call, call_id, leg_id = house.talk()
    in_thread(lambda: phone.hold(True))
    assert house.wait(leg_id, LegHeld) == LegHeld(True)
    in_thread(lambda: phone.hold(False))
    until(lambda: LegHeld(False) in house.listener.told(leg_id))
    in_thread(lambda: phone.hold(True))
    until(lambda: house.listener.told(leg_id).count(LegHeld(True)) == 2)
    house.end(leg_id)  # left on hold, the caller comes back all the same
    assert house.still_serves(call_id)
    house.switch.hang_up(call_id)


def test_parted_and_together_again(house: House) -> None:
    house.phone("8001", AGENT_HZ)
    call, call_id, leg_id = house.talk()
    house.switch.legs.unbridge(leg_id)
    assert house.wait(leg_id, LegUnbridged) == LegUnbridged(call_id)
    assert house.still_serves(call_id)
    assert house.switch.legs.bridge(call_id, leg_id)
    until(lambda: house.listener.told(leg_id).count(LegBridged(call_id)) == 2)
    house.switch.hang_up(call_id)
    assert house.wait(leg_id, LegGone).why == "hung_up"


def test_a_transfer_by_the_phones_own_key(house: House) -> None:
    phone = house.phone("8001", AGENT_HZ)
    call, call_id, leg_id = house.talk()
    phone.transfer("8002")
    house.wait(leg_id, LegGone)
    assert house.listener.told(leg_id)[-2:] == [LegReferred("blind", target="8002"), LegGone("hung_up", "NORMAL_CLEARING")]
    assert house.still_serves(call_id)
    house.switch.hang_up(call_id)


def test_an_attended_transfer_through_the_phones_second_call(house: House) -> None:
    """Agent and colleague talk phone to phone; then the agent's phone connects the caller with the colleague."""
    agent, colleague = house.phone("8001", AGENT_HZ), house.phone("8002", OTHER_HZ)
    call, call_id, leg_id = house.talk()
    first = next(event["id"] for event in reversed(agent.events) if event.get("type") == "CALL_ESTABLISHED")
    in_thread(lambda: agent.hold(True))
    house.wait(leg_id, LegHeld)
    talks = sum(event.get("type") == "CALL_ESTABLISHED" for event in colleague.events)
    agent.dial("8002")
    until(lambda: sum(event.get("type") == "CALL_ESTABLISHED" for event in colleague.events) > talks)
    until(lambda: len(agent.calls("CALL_ESTABLISHED")) > 1)  # before it knows that, it would pass on a call that rings
    agent.transfer("8002", replaces=first)
    referred = house.wait(leg_id, LegReferred)
    assert referred.kind == "attended"
    assert house.listener.told(referred.with_channel) == [LegBridged(call_id)]
    before = len(call.heard())
    until(lambda: audio.tone_seconds(call.heard()[before:], OTHER_HZ) > 0.5)
    house.wait(leg_id, LegGone)
    house.switch.legs.kill(referred.with_channel)
    assert house.wait(referred.with_channel, LegGone).why == "hung_up"
    assert house.still_serves(call_id)
    house.switch.hang_up(call_id)


def test_a_supervisor_listens_whispers_and_barges_in(house: House) -> None:
    agent, supervisor = house.phone("8001", AGENT_HZ), house.phone("8002", OTHER_HZ)
    call, call_id, leg_id = house.talk()
    listening = house.leg("8002")
    heard = {}  # mode -> for how many seconds the caller, and the agent, heard the supervisor
    for mode in ("listen", "whisper", "barge"):
        before_caller, before_agent = len(call.heard()), len(agent.heard())
        house.switch.legs.eavesdrop(listening, leg_id, mode)
        gevent.sleep(1.5)
        heard[mode] = (
            audio.tone_seconds(call.heard()[before_caller:], OTHER_HZ, 0.2), audio.tone_seconds(agent.heard()[before_agent:], OTHER_HZ, 0.2)
        )  # fmt: skip
    assert audio.tone_seconds(supervisor.heard(), AGENT_HZ, 0.2) > 1
    assert heard["listen"] == (0, 0)
    assert heard["whisper"][0] == 0 and heard["whisper"][1] > 0.5
    assert min(heard["barge"]) > 0.5
    house.end(listening)
    assert leg_id in house.switch.legs
    house.end(leg_id)
    house.switch.hang_up(call_id)
