"""Legs against the embedded switch: what FreeSWITCH does with them, without SIP and without sound."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator

import gevent
import pytest

from ivrengine.domain.events import PromptEnded
from ivrengine.domain.legs import (
    LegAnswered,
    LegBridged,
    LegDigit,
    LegGone,
    LegHeld,
    LegPlayed,
    LegRecorded,
    LegReferred,
    LegRinging,
    LegState,
    LegUnbridged,
)
from ivrengine.esl.connection import Connection
from ivrengine.esl.switch import Switch
from ivrengine.esl.wire import RawEvent
from ivrengine.simswitch.server import SimSwitch

PASSWORD = "only-for-tests"
WAIT_SECONDS = 10.0


class Listener:
    """Takes every call that is offered, and keeps what it is told of legs."""

    def __init__(self) -> None:
        self.switch: Switch
        self.calls: dict[str, list] = {}
        self.events: list[tuple[str, object]] = []
        self.found: list[list[LegState]] = []
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
        self.events.append((leg_id, event))

    def legs_resynchronised(self, legs) -> None:
        self.found.append(legs)

    def recording_stopped(self, path, cause) -> None:
        self.stopped.append((path, cause))


class EslClient:
    """Just enough of the event socket to look at the switch when no engine does."""

    def __init__(self, port: int) -> None:
        self._connection = Connection("127.0.0.1", port, PASSWORD)
        self._connection.connect()

    def api(self, command: str) -> str:
        return self._connection.api(command)

    def destination(self, call_id: str) -> str:
        return RawEvent(self._connection.command(f"api uuid_dump {call_id}").frame.body).get("Caller-Destination-Number") or ""

    def close(self) -> None:
        self._connection.stop()


class House:
    def __init__(self, directory) -> None:
        self.directory = directory
        self.sim = SimSwitch(
            "127.0.0.1", 0, PASSWORD, sounds_dir=directory, recordings_dir=directory, numbers=("100",), speed=20
        )
        self.sim.start()
        self.listener = Listener()
        self.switch = self.new_switch(self.listener)

    def new_switch(self, listener: Listener) -> Switch:
        switch = Switch("127.0.0.1", self.sim.port, PASSWORD, listener, deadman_seconds=10)
        listener.switch = switch
        switch.legs.listen(listener)
        switch.start()
        assert switch.wait_connected(WAIT_SECONDS), switch.last_error
        return switch

    def close(self) -> None:
        self.switch.stop()
        self.sim.stop()

    def phone(self, **settings) -> None:
        self.switch.api(f"sim phone {json.dumps(settings)}")

    def caller(self) -> str:
        """An answered caller whom we have claimed."""
        call_id = self.switch.api('sim call {"number": "100", "from": "13800138000"}').split()[1]
        until(lambda: call_id in self.listener.calls)
        assert self.switch.claim(call_id)
        self.switch.answer(call_id, f"{call_id}/answer")
        until(lambda: self.listener.calls[call_id])
        return call_id

    def leg(self, number: str = "8001", **options) -> str:
        leg_id = str(uuid.uuid4())
        self.switch.legs.originate(leg_id, "extension", number, options.pop("ring_seconds", 20.0), **options)
        return leg_id

    def answered_leg(self, **options) -> str:
        leg_id = self.leg(**options)
        self.wait(leg_id, LegAnswered)
        return leg_id

    def told(self, leg_id: str) -> list:
        return [event for of, event in self.listener.events if of == leg_id]

    def wait(self, leg_id: str, kind: type):
        return until(lambda: [event for event in self.told(leg_id) if isinstance(event, kind)])[-1]

    def still_serves(self, call_id: str) -> bool:
        """The caller is ours and hears what we play."""
        token = f"{call_id}/{uuid.uuid4()}"
        self.switch.play(call_id, token, ["tone_stream://%(100,0,400)"])
        return bool(until(lambda: PromptEnded(token, "played") in self.listener.calls[call_id]))

    def raw(self) -> EslClient:
        """A witness who is no engine."""
        return EslClient(self.sim.port)


def until(condition: Callable[[], object]):
    with gevent.Timeout(WAIT_SECONDS):
        while not (result := condition()):
            gevent.sleep(0.005)
    return result


@pytest.fixture
def house(tmp_path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def test_a_leg_rings_answers_and_is_killed(house):
    leg_id = house.answered_leg()
    assert house.told(leg_id) == [LegRinging(), LegAnswered()]
    house.switch.legs.kill(leg_id)
    assert house.wait(leg_id, LegGone) == LegGone("hung_up", "NORMAL_CLEARING")
    assert house.told(leg_id).count(LegGone("hung_up", "NORMAL_CLEARING")) == 1
    assert leg_id not in house.switch.legs


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [("no_answer", "no_answer"), ("reject", "rejected"), ("busy", "busy"), ("unregistered", "unregistered"), ("absent", "unregistered")],
)
def test_why_a_leg_was_never_answered(house, behaviour, why):
    house.phone(extension="8002", behaviour=behaviour, after=0.3)
    leg_id = house.leg("8002", ring_seconds=2)
    assert house.wait(leg_id, LegGone).why == why


def test_a_leg_that_is_withdrawn_at_once_is_gone_and_stays_gone(house):
    leg_id = house.leg()
    house.switch.legs.kill(leg_id)
    assert house.wait(leg_id, LegGone).why == "withdrawn"
    gevent.sleep(0.3)
    assert [type(event) for event in house.told(leg_id) if isinstance(event, LegAnswered)] == []
    assert house.switch.legs.states() == []


def test_caller_and_agent_talk_and_the_agent_hangs_up(house):
    call_id, leg_id = house.caller(), house.answered_leg()
    assert house.switch.legs.bridge(call_id, leg_id)
    assert house.wait(leg_id, LegBridged) == LegBridged(call_id)
    house.switch.api(f"sim hangup {leg_id}")
    assert house.wait(leg_id, LegGone).why == "hung_up"
    assert house.still_serves(call_id)


def test_the_caller_hangs_up_while_talking(house):
    call_id, leg_id = house.caller(), house.answered_leg()
    house.switch.legs.bridge(call_id, leg_id)
    house.wait(leg_id, LegBridged)
    house.switch.api(f"sim hangup {call_id}")
    assert house.wait(leg_id, LegGone).why == "hung_up"


def test_parting_parks_both_and_they_can_be_connected_again(house):
    call_id, leg_id = house.caller(), house.answered_leg()
    house.switch.legs.bridge(call_id, leg_id)
    house.wait(leg_id, LegBridged)
    house.switch.legs.unbridge(leg_id)
    assert house.wait(leg_id, LegUnbridged) == LegUnbridged(call_id)
    house.switch.legs.bridge(call_id, leg_id)
    until(lambda: house.told(leg_id).count(LegBridged(call_id)) == 2)


def test_a_caller_is_not_connected_with_two_legs_at_once(house):
    call_id, one, two = house.caller(), house.answered_leg(), house.answered_leg(number="8002")
    assert house.switch.legs.bridge(call_id, one)
    assert not house.switch.legs.bridge(call_id, two)
    house.wait(one, LegBridged)


def test_what_a_leg_hears_and_presses(house):
    leg_id = house.answered_leg()
    house.switch.legs.play(leg_id, "w1", ["tone_stream://%(100,0,400)"])
    assert house.wait(leg_id, LegPlayed) == LegPlayed("w1", "played")
    house.switch.legs.play(leg_id, "w2", ["tone_stream://%(60000,0,400)"])
    house.switch.api(f"sim press {leg_id} 1")
    assert house.wait(leg_id, LegDigit) == LegDigit("1")
    house.switch.legs.stop_playing(leg_id)
    until(lambda: LegPlayed("w2", "stopped") in house.told(leg_id))


def test_what_a_leg_says_is_recorded_until_its_key(house):
    leg_id, path = house.answered_leg(), house.directory / "said.wav"
    house.switch.legs.record(leg_id, "r1", str(path), 30, "#")
    gevent.sleep(0.1)
    house.switch.api(f"sim press {leg_id} 1")  # of no meaning here
    house.wait(leg_id, LegDigit)
    assert LegRecorded("r1") not in house.told(leg_id)
    house.switch.api(f"sim press {leg_id} #")
    assert house.wait(leg_id, LegRecorded) == LegRecorded("r1") and path.stat().st_size > 44
    house.switch.legs.play(leg_id, "w1", ["tone_stream://%(60000,0,400)"])
    house.switch.api(f"sim press {leg_id} #")  # keys end nothing any more
    until(lambda: house.told(leg_id).count(LegDigit("#")) == 2)
    house.switch.legs.stop_playing(leg_id)
    until(lambda: LegPlayed("w1", "stopped") in house.told(leg_id))


def test_who_hangs_up_while_being_recorded_is_only_told_gone(house):
    leg_id, path = house.answered_leg(), house.directory / "said.wav"
    house.switch.legs.record(leg_id, "r1", str(path), 30, "#")
    gevent.sleep(0.1)
    house.switch.api(f"sim hangup {leg_id}")
    house.wait(leg_id, LegGone)
    assert path.stat().st_size > 44 and not [each for each in house.told(leg_id) if isinstance(each, LegRecorded)]
    house.switch.legs.record(leg_id, "r2", str(path), 30, "#")  # of a leg that is gone: nothing happens


def test_a_recording_that_ended_while_the_link_was_down_is_told(house):
    leg_id = house.answered_leg()
    house.switch.legs.record(leg_id, "r1", str(house.directory / "said.wav"), 30, "#")
    gevent.sleep(0.1)
    witness = house.raw()
    witness.api('sim fault {"drop": "silent"}')
    witness.api(f"sim press {leg_id} #")
    until(lambda: len(house.listener.found) == 2)
    assert house.wait(leg_id, LegRecorded) == LegRecorded("r1")
    witness.close()


def test_a_talk_is_recorded(house):
    call_id, leg_id = house.caller(), house.answered_leg()
    house.switch.legs.bridge(call_id, leg_id)
    house.wait(leg_id, LegBridged)
    path = str(house.directory / "talk.wav")
    house.switch.legs.start_recording(call_id, path)
    gevent.sleep(0.1)
    house.switch.legs.stop_recording(call_id, path)
    assert until(lambda: house.listener.stopped)[0][0] == path


def test_an_engine_that_comes_back_finds_its_legs_with_their_tags(house):
    call_id, leg_id = house.caller(), house.answered_leg(tags={"attempt": "i1/3", "name": "李 明, \"x\""})
    house.switch.legs.bridge(call_id, leg_id)
    house.wait(leg_id, LegBridged)
    house.switch.stop()
    later = Listener()
    house.switch = house.new_switch(later)
    assert later.found == [[LegState(leg_id, True, call_id, {"attempt": "i1/3", "name": "李 明, \"x\""})]]
    house.switch.api(f"sim hangup {leg_id}")
    until(lambda: later.events)
    assert later.events == [(leg_id, LegGone("hung_up", "NORMAL_CLEARING"))]


def test_who_is_registered(house):
    house.phone(extension="8003", behaviour="unregistered")
    assert house.switch.legs.reachable("8001")
    assert not house.switch.legs.reachable("8003")


@pytest.mark.parametrize("at", ["scheduled", "waiting", 5, 30, 60])
def test_a_caller_outlives_an_agent_who_dies_while_the_bridge_is_made(house, at):
    call_id, leg_id = house.caller(), house.answered_leg()
    house.switch.api(f"sim fault {json.dumps({'uuid_bridge': 'second', 'at': at})}")
    house.switch.legs.bridge(call_id, leg_id)
    assert house.wait(leg_id, LegGone).why == "hung_up"
    assert house.still_serves(call_id)


@pytest.mark.parametrize("at", ["scheduled", "waiting", 5, 30, 60])
def test_the_leg_of_a_caller_who_dies_while_the_bridge_is_made_can_be_killed(house, at):
    call_id, leg_id = house.caller(), house.answered_leg()
    house.switch.api(f"sim fault {json.dumps({'uuid_bridge': 'first', 'at': at})}")
    house.switch.legs.bridge(call_id, leg_id)
    until(lambda: house.switch.api(f"uuid_exists {call_id}") == "false")
    house.switch.legs.kill(leg_id)
    house.wait(leg_id, LegGone)
    assert house.switch.legs.states() == []


def test_a_leg_that_gets_another_id_is_no_leg_of_ours(house):
    house.switch.api('sim fault {"other_uuid": true}')
    leg_id = house.leg()
    assert house.wait(leg_id, LegGone).why == "failed"
    until(lambda: house.switch.legs.states() == [])


def test_a_leg_withdrawn_long_before_it_comes_up(house):
    house.switch.api('sim fault {"delay_channel": 4}')
    leg_id = house.leg()
    house.switch.legs.kill(leg_id)
    assert house.wait(leg_id, LegGone).why == "withdrawn"
    assert house.told(leg_id) == [house.wait(leg_id, LegGone)]
    assert house.switch.legs.states() == []


def test_a_talk_outlives_the_engine_and_the_caller_is_not_left_in_silence_after_it(house):
    """The dead-man's timer stands still while they talk, and is set by the switch when the talk ends."""
    call_id, leg_id = house.caller(), house.answered_leg()
    house.switch.arm(call_id)
    house.switch.legs.bridge(call_id, leg_id)
    house.wait(leg_id, LegBridged)
    house.switch.stop()
    witness = house.raw()
    gevent.sleep(1.0)  # twice the timer, by the simulated clock
    assert witness.destination(call_id) == "100"
    witness.api(f"sim hangup {leg_id}")
    until(lambda: witness.destination(call_id) == "fallback")
    witness.close()


def test_a_blind_transfer_by_the_phone(house):
    call_id, leg_id = house.caller(), house.answered_leg()
    house.switch.legs.bridge(call_id, leg_id)
    house.wait(leg_id, LegBridged)
    house.switch.api(f"sim refer {leg_id} 8002")
    house.wait(leg_id, LegGone)
    assert [type(event) for event in house.told(leg_id)[-2:]] == [LegReferred, LegGone]
    assert house.wait(leg_id, LegReferred) == LegReferred("blind", target="8002")
    assert house.still_serves(call_id)
    gevent.sleep(0.5)  # twice the claim's five seconds: whoever is ours is not taken to the fallback
    assert house.still_serves(call_id)


def test_the_phones_own_hold(house):
    call_id, leg_id = house.caller(), house.answered_leg()
    house.switch.legs.bridge(call_id, leg_id)
    house.wait(leg_id, LegBridged)
    house.switch.api(f"sim hold {leg_id}")
    assert house.wait(leg_id, LegHeld) == LegHeld(True)
    house.switch.api(f"sim unhold {leg_id}")
    until(lambda: LegHeld(False) in house.told(leg_id))


def test_a_broken_link_costs_no_talk(house):
    call_id, leg_id, ringing = house.caller(), house.answered_leg(), house.leg(number="8002")
    house.switch.legs.bridge(call_id, leg_id)
    house.wait(leg_id, LegBridged)
    witness = house.raw()
    witness.api('sim fault {"drop": "silent"}')
    until(lambda: len(house.listener.found) == 2)
    assert (leg_id, True, call_id) in [(leg.leg_id, leg.answered, leg.bridged_to) for leg in house.listener.found[-1]]
    house.wait(ringing, LegAnswered)
    witness.api(f"sim hangup {leg_id}")
    assert house.wait(leg_id, LegGone).why == "hung_up"
    assert house.still_serves(call_id)
    witness.close()


def test_a_switch_that_was_restarted_has_no_legs_left(house):
    leg_id = house.answered_leg()
    house.switch.api('sim fault {"restart": "silent", "down": 2}')
    assert house.wait(leg_id, LegGone).cause == "LOST_WHILE_DISCONNECTED"
