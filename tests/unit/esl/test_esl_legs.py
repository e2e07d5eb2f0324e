"""Legs against a scripted switch: every order in which their events can come, strangers' text, lost links, legs that won't die."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import gevent
import pytest
from esl_peer import PASSWORD, Peer, api, block, event, reply
from gevent.queue import Queue

from ivrengine.domain.legs import (
    LegAnswered,
    LegBridged,
    LegGone,
    LegHeld,
    LegPlayed,
    LegReferred,
    LegRinging,
    LegState,
    LegUnbridged,
)
from ivrengine.esl import legs as module
from ivrengine.esl.commands import leg_argument
from ivrengine.esl.errors import SwitchRefused, SwitchUnavailable, UnsafeCommand
from ivrengine.esl.link import Timing
from ivrengine.esl.switch import Switch

QUICK = Timing(connect_seconds=2, auth_seconds=2, pause_first_seconds=0.01, pause_longest_seconds=0.04, keep_alive_seconds=30)
GONE = "-ERR No such channel!\n"
HOSTILE = [
    "Bob, origination_uuid=stolen",
    "O'Brien \"the\" {boss}",
    "^^:x:park_timeout=0",
    "a\nb\r\nEvent-Name: CHANNEL_HANGUP",
    "${system(touch /tmp/x)}",
    "} &system(rm) ",
    "[leg_timeout=1]<x>|error/user_busy,_:_",
    "back\\slash \\' \\, \0 end",
    "李 明" * 4000,
    "\udc80\udcff",
    "'",
    "   ",
]


class Listener:
    def __init__(self) -> None:
        self.told: list[tuple] = []
        self.found: list[list[LegState]] = []
        self._queue: Queue = Queue()

    def call_offered(self, call, channel) -> None:
        self._tell("offered", call.call_id)

    def call_event(self, call_id, what) -> None:
        self._tell("call", call_id, what)

    def switch_connected(self, core_uuid, channels) -> None:
        self._tell("connected")

    def switch_lost(self, reason) -> None:
        self._tell("lost")

    def leg_event(self, leg_id, what) -> None:
        self._tell("leg", leg_id, what)

    def legs_resynchronised(self, legs) -> None:
        self.found.append(legs)
        self._tell("legs", legs)

    def recording_stopped(self, path, cause) -> None:
        self._tell("recording", path, cause)

    def _tell(self, *what) -> None:
        self.told.append(what)
        self._queue.put(what)

    def next(self, kind: str) -> tuple:
        while True:
            what = self._queue.get(timeout=5)
            if what[0] == kind:
                return what[1:]

    def of(self, leg_id: str) -> list:
        return [what[2] for what in self.told if what[0] == "leg" and what[1] == leg_id]


class World:
    def __init__(self) -> None:
        self.refused: dict[str, str] = {}  # beginning of a command -> what the switch answers
        self.peer = Peer(self._script)
        self.listener = Listener()
        self.switch = Switch("127.0.0.1", self.peer.port, PASSWORD, self.listener, timing=QUICK)
        self.legs = self.switch.legs
        self.legs.listen(self.listener)
        self.switch.start()
        assert self.switch.wait_connected(5)

    def _script(self, _session, command: str) -> bytes | None:
        return next((api(answer) for start, answer in self.refused.items() if command.startswith(start)), None)

    def close(self) -> None:
        self.switch.stop()
        self.peer.close()

    def send(self, name: str, channel: str, shard: str = "ivr-leg", **headers: str) -> None:
        self.peer.events().send(event(name, channel, shard=shard, **headers))

    def bridged(self, one: str, two: str, shard: str = "ivr") -> None:
        self.send("CHANNEL_BRIDGE", one, shard, Bridge_A_Unique_ID=one, Bridge_B_Unique_ID=two)

    def gone(self, channel: str, shard: str = "ivr-leg", cause: str = "NORMAL_CLEARING", **headers: str) -> None:
        self.send("CHANNEL_HANGUP_COMPLETE", channel, shard, Hangup_Cause=cause, Answer_State="hangup", **headers)

    def job(self, result: str, nth: int = -1) -> None:
        jobs = [command.split("Job-UUID: ")[1] for command in self.said("bgapi")]
        self.peer.events().send(event("BACKGROUND_JOB", body=result, Job_UUID=jobs[nth]))

    def dialled(self, leg_id: str = "leg1") -> str:
        self.legs.originate(leg_id, "extension", "8001", 20)
        return leg_id

    def answered(self, leg_id: str = "leg1") -> str:
        self.dialled(leg_id)
        self.send("CHANNEL_ORIGINATE", leg_id)
        self.send("CHANNEL_PROGRESS", leg_id)
        self.send("CHANNEL_PARK", leg_id, Answer_State="answered")
        self.until_told(leg_id, LegAnswered())
        return leg_id

    def talking(self, call_id: str = "c1", leg_id: str = "leg1") -> str:
        self.send("CHANNEL_PARK", call_id, "ivr")
        self.listener.next("offered")
        self.answered(leg_id)
        assert self.legs.bridge(call_id, leg_id)
        self.bridged(call_id, leg_id)
        self.until_told(leg_id, LegBridged(call_id))
        return leg_id

    def until_told(self, leg_id: str, what) -> None:
        until(lambda: what in self.listener.of(leg_id))

    def said(self, start: str) -> list[str]:
        return [command for command in self.peer.said() if command.startswith(start)]

    def settled(self) -> None:
        """Everything sent so far has arrived: a further event has."""
        marker = f"m{len(self.listener.told)}"
        self.send("CHANNEL_PARK", marker, "ivr")
        until(lambda: ("offered", marker) in self.listener.told)
        gevent.sleep(0.02)


def until(condition: Callable[[], object]) -> None:
    with gevent.Timeout(5):
        while not condition():
            gevent.sleep(0.002)


def dump(leg_id: str, bridged_to: str = "", application: str = "park", presence: str = "ivr-leg", **variables: str) -> bytes:
    headers = {
        "Event-Name": "CHANNEL_DATA", "Unique-ID": leg_id, "Channel-Presence-Data": presence, "Answer-State": "answered",
        "variable_current_application": application,
    }  # fmt: skip
    if bridged_to:
        headers["variable_bridge_to"] = bridged_to
    return block(headers | {f"variable_{name}": value for name, value in variables.items()})


@pytest.fixture
def world(monkeypatch) -> Iterator[World]:
    monkeypatch.setattr(module, "BRIDGE_SETTLES_SECONDS", 0.02)
    made = World()
    yield made
    made.close()


# -- dialling


def test_the_words_of_a_dialling(world):
    world.legs.originate("leg1", "extension", "8001", 19.2, display_name="Li Ming", display_number="138", tags={"attempt": "i1/1"})
    (said,) = world.said("bgapi originate")
    assert said.split("\n")[0] == (
        "bgapi originate {origination_uuid=leg1,presence_data=ivr-leg,originate_timeout=20,ignore_early_media=true,"
        "park_timeout=60:NO_USER_RESPONSE,hangup_after_bridge=true,force_transfer_context=leg_transfer,"
        "hold_hangup_xfer_exten=park:inline,playback_terminators=none,"
        "origination_caller_id_number=138,origination_caller_id_name='Li Ming',acd_attempt=i1/1}user/8001@ivr.local &park()"
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_strangers_text_stays_a_value(text):
    argument = leg_argument("user/{number}@d", "8001", "leg1", "ivr-leg", 20, 60, text, text, {"name": text[:4000], "attempt": "i/1"})
    inside, target = re.fullmatch(r"\{([^{}\[\]]*)\}(.*)", argument).groups()
    assert target == "user/8001@d &park()"
    names = [option.partition("=")[0] for option in re.sub(r"'[^',]*'", "x", inside).split(",")]
    assert len(names) == len(set(names))
    assert set(names) <= {
        "origination_uuid", "presence_data", "originate_timeout", "ignore_early_media", "park_timeout", "hangup_after_bridge",
        "force_transfer_context", "hold_hangup_xfer_exten", "playback_terminators",
        "origination_caller_id_number", "origination_caller_id_name", "acd_name",
        "acd_attempt",
    }  # fmt: skip
    assert "origination_uuid=leg1," in inside
    assert not re.search(r"[\n\r\0\\$^\"|<>]", inside)
    shown = re.search(r"origination_caller_id_name='([^']*)'", inside)
    assert shown is None or len(shown.group(1)) <= 80


@pytest.mark.parametrize("number", ["", "8001,8002", "8001 &system(x)", "8001|8002", "${x}", "8\n1", "8" * 41])
def test_numbers_that_could_mean_more_are_refused(world, number):
    with pytest.raises(UnsafeCommand):
        world.legs.originate("leg1", "extension", number, 20)
    assert "leg1" not in world.legs
    assert world.said("bgapi") == []


def test_ringing_and_answer_are_told_once(world):
    world.dialled()
    for name in ("CHANNEL_ORIGINATE", "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_PARK", "CHANNEL_PARK", "CHANNEL_PROGRESS"):
        world.send(name, "leg1", Answer_State="answered")
    world.job("+OK leg1\n")
    world.settled()
    assert world.listener.of("leg1") == [LegRinging(), LegAnswered()]


@pytest.mark.parametrize(
    ("cause", "rings", "why"),
    [
        ("NO_ANSWER", True, "no_answer"),
        ("NO_ANSWER", False, "unregistered"),
        ("RECOVERY_ON_TIMER_EXPIRE", False, "unregistered"),
        ("NORMAL_TEMPORARY_FAILURE", False, "unregistered"),
        ("USER_BUSY", True, "busy"),
        ("USER_BUSY", False, "busy"),
        ("CALL_REJECTED", True, "rejected"),
        ("USER_NOT_REGISTERED", False, "unregistered"),
        ("SUBSCRIBER_ABSENT", False, "unregistered"),
        ("WHATEVER_ELSE", True, "failed"),
    ],
)
@pytest.mark.parametrize("order", ["job first", "channel first", "job only"])
def test_why_nobody_answered(world, cause, rings, why, order):
    world.dialled()
    if rings:
        world.send("CHANNEL_PROGRESS", "leg1")
        world.until_told("leg1", LegRinging())
    if order == "job only" and not rings:
        world.job(f"-ERR {cause}\n")
    elif order == "channel first":
        world.gone("leg1", cause=cause)
        world.job(f"-ERR {cause}\n")
    else:
        world.job(f"-ERR {cause}\n")
        world.gone("leg1", cause=cause)
    world.until_told("leg1", LegGone(why, cause))
    world.settled()
    assert [what for what in world.listener.of("leg1") if isinstance(what, LegGone)] == [LegGone(why, cause)]
    assert "leg1" not in world.legs


def test_an_outside_number_that_never_rings_is_not_a_phone_that_is_switched_off(world):
    world.legs.originate("leg1", "outside", "13800138000", 20)
    world.job("-ERR NO_ANSWER\n")
    world.until_told("leg1", LegGone("no_answer", "NO_ANSWER"))


def test_a_job_that_failed_is_enough_where_the_channels_last_event_never_comes(world):
    world.dialled()
    world.send("CHANNEL_PROGRESS", "leg1")
    world.until_told("leg1", LegRinging())
    world.job("-ERR NO_ANSWER\n")
    world.settled()
    assert "leg1" in world.legs
    world.legs.look(world.legs._clock() + 2)
    assert world.listener.of("leg1") == [LegRinging(), LegGone("no_answer", "NO_ANSWER")]


def test_an_id_that_the_switch_did_not_take(world):
    world.dialled()
    world.job("+OK another\n")
    world.until_told("leg1", LegGone("failed", "DUPLICATE_ID"))
    until(lambda: "api uuid_kill another" in world.said("api uuid_kill"))


def test_no_link_no_leg(world):
    world.switch.stop()
    with pytest.raises(SwitchUnavailable):
        world.dialled()
    assert "leg1" not in world.legs


def test_a_switch_that_refuses_to_dial(world):
    world.peer.script = lambda session, command: reply("-ERR no") if command.startswith("bgapi") else None
    world.dialled()
    world.until_told("leg1", LegGone("failed", "-ERR no"))


# -- ending


def test_a_zombie_is_killed_whenever_it_shows_itself(world):
    """Withdrawn before the switch has the channel: it comes up all the same."""
    world.refused["api uuid_kill"] = GONE
    world.dialled()
    world.legs.kill("leg1")
    for kills, name in ((2, "CHANNEL_ORIGINATE"), (3, "CHANNEL_PROGRESS"), (4, "CHANNEL_PARK")):
        world.send(name, "leg1", Answer_State="answered")
        until(lambda kills=kills: len(world.said("api uuid_kill leg1")) == kills)
    world.job("+OK leg1\n")
    until(lambda: len(world.said("api uuid_kill leg1")) == 5)
    assert world.listener.of("leg1") == []
    world.gone("leg1")
    world.until_told("leg1", LegGone("withdrawn", "NORMAL_CLEARING"))
    world.settled()
    assert len(world.listener.of("leg1")) == 1


def test_a_leg_of_an_engine_that_has_died_is_killed_when_it_comes_up(world):
    world.send("CHANNEL_PARK", "stray", Answer_State="answered")
    until(lambda: world.said("api uuid_kill stray"))
    assert ("offered", "stray") not in world.listener.told
    assert world.listener.of("stray") == []


def test_a_leg_that_rings_beyond_its_time_is_withdrawn(world):
    world.dialled()
    world.legs.look(world.legs._clock() + 20 + module.RING_GRACE_SECONDS + 1)
    assert world.said("api uuid_kill leg1")
    world.gone("leg1")
    world.until_told("leg1", LegGone("failed", "NORMAL_CLEARING"))


def test_a_leg_that_can_not_be_killed_is_declared_gone(world, caplog):
    world.answered()
    world.legs.kill("leg1")
    now = world.legs._clock()
    for turn in range(1, module.KILLS_LIMIT + 2):
        assert "leg1" in world.legs
        world.legs.look(now + turn * 100)
    assert world.listener.of("leg1")[-1] == LegGone("hung_up", "NEVER_ENDED")
    assert len(world.said("api uuid_kill leg1")) == 1 + module.KILLS_LIMIT
    assert "could not be killed" in caplog.text


def test_a_killed_leg_whose_last_event_was_lost_is_gone_when_the_switch_says_so(world):
    world.answered()
    world.job("+OK leg1\n")
    world.settled()
    world.legs.kill("leg1")
    world.refused["api uuid_kill"] = GONE
    world.legs.look(world.legs._clock() + module.KILL_SECONDS)
    assert world.listener.of("leg1")[-1] == LegGone("hung_up", "NORMAL_CLEARING")


def test_commands_to_a_leg_that_is_gone_are_no_error(world):
    world.answered()
    world.refused = {"api uuid": GONE, "sendmsg": "-ERR invalid session id [leg1]\n"}
    world.legs.play("leg1", "p", ["/a.wav"])
    world.legs.stop_playing("leg1")
    world.legs.unbridge("leg1")
    world.legs.eavesdrop("leg1", "leg2", "listen")
    world.legs.three_way("leg1", "leg2")
    world.legs.stop_recording("leg1", "/r.wav")
    world.legs.kill("leg1")
    assert world.legs.bridge("c1", "leg1") is False
    world.legs.play("never", "p", ["/a.wav"])
    world.legs.stop_playing("never")
    world.legs.eavesdrop("never", "leg2", "listen")


# -- talking


def test_the_words_of_a_bridge(world):
    world.talking()
    (variables,) = world.said("api uuid_setvar_multi c1 ")
    assert variables == (
        "api uuid_setvar_multi c1 park_after_bridge=true;uuid_bridge_park_on_cancel=true;max_forwards=70;"
        "execute_on_pre_bridge=sched_cancel;"
        "execute_on_post_bridge=sched_transfer +60 fallback XML ivr"
    )
    said = world.peer.said()
    # The caller doesn't hear what the agent keys.
    assert said[said.index(variables) + 1 :][:2] == ["api uuid_setvar_multi leg1 bridge_filter_dtmf=true", "api uuid_bridge c1 leg1"]
    until(lambda: "api sched_del c1" in world.said("api sched_del"))


def test_a_leg_is_gone_when_its_caller_is_parked_again(world):
    world.talking()
    world.gone("leg1")
    world.settled()
    assert not isinstance(world.listener.of("leg1")[-1], LegGone)
    world.send("CHANNEL_PARK", "c1", "ivr")
    world.until_told("leg1", LegGone("hung_up", "NORMAL_CLEARING"))
    until(lambda: world.said("api sched_transfer +60 c1 fallback XML ivr"))


def test_a_leg_is_gone_when_its_caller_is_gone(world):
    world.talking()
    world.gone("leg1")
    world.gone("c1", "ivr")
    world.until_told("leg1", LegGone("hung_up", "NORMAL_CLEARING"))
    assert world.said("api sched_transfer") == []


def test_a_leg_is_gone_after_a_while_whatever_its_caller_does(world):
    world.talking()
    world.gone("leg1")
    world.settled()
    world.legs.look(world.legs._clock() + 2)
    assert world.listener.of("leg1")[-1] == LegGone("hung_up", "NORMAL_CLEARING")


def test_the_agent_dies_before_the_bridge_stands(world):
    world.send("CHANNEL_PARK", "c1", "ivr")
    world.answered()
    assert world.legs.bridge("c1", "leg1")
    world.gone("leg1")
    world.settled()
    assert "leg1" in world.legs
    world.send("CHANNEL_PARK", "c1", "ivr")
    world.until_told("leg1", LegGone("hung_up", "NORMAL_CLEARING"))


def test_two_legs_for_one_caller(world):
    world.talking()
    world.answered("leg2")
    assert not world.legs.bridge("c1", "leg2")
    assert world.said("api uuid_bridge c1 leg2") == []
    world.gone("leg1")
    world.send("CHANNEL_PARK", "c1", "ivr")
    world.until_told("leg1", LegGone("hung_up", "NORMAL_CLEARING"))
    assert world.legs.bridge("c1", "leg2")


def test_a_refused_bridge_leaves_the_caller_free_for_another(world):
    world.answered()
    world.answered("leg2")
    world.refused["api uuid_bridge"] = "-ERR Invalid uuid\n"
    assert not world.legs.bridge("c1", "leg1")
    world.refused.clear()
    assert world.legs.bridge("c1", "leg2")


def test_parted_and_connected_with_a_colleague(world):
    world.talking()
    world.legs.unbridge("leg1")
    assert world.said("api uuid_transfer") == ["api uuid_transfer leg1 -both park inline"]
    world.send("CHANNEL_PARK", "leg1", Answer_State="answered")
    world.send("CHANNEL_PARK", "c1", "ivr")
    world.until_told("leg1", LegUnbridged("c1"))
    world.answered("leg2")
    assert world.legs.bridge_legs("leg1", "leg2")
    for leg_id in ("leg1", "leg2"):  # the switchboard of a number that was dialled may ask for keys
        assert "bridge_filter_dtmf=false" in world.said(f"api uuid_setvar_multi {leg_id}")[-1]
    world.bridged("leg1", "leg2", "ivr-leg")
    world.until_told("leg1", LegBridged("leg2"))
    world.until_told("leg2", LegBridged("leg1"))
    # Connected with the caller again, the agent's leg no longer outlives them.
    assert world.legs.bridge("c1", "leg1")
    assert world.said("api uuid_setvar_multi leg1")[-1] == "api uuid_setvar_multi leg1 bridge_filter_dtmf=true;park_after_bridge=false"


def test_a_parting_waits_until_the_bridge_has_settled(world, monkeypatch):
    monkeypatch.setattr(module, "BRIDGE_SETTLES_SECONDS", 60.0)
    world.talking()
    parting = gevent.spawn(world.legs.unbridge, "leg1")
    world.settled()
    assert world.said("api uuid_transfer") == []
    parting.kill()


def test_a_bridge_waits_until_a_parting_is_over(world):
    world.talking()
    world.legs.unbridge("leg1")
    bridging = gevent.spawn(world.legs.bridge, "c1", "leg1")
    world.settled()
    assert len(world.said("api uuid_bridge")) == 1
    world.send("CHANNEL_PARK", "leg1", Answer_State="answered")
    world.settled()
    assert len(world.said("api uuid_bridge")) == 1
    world.send("CHANNEL_PARK", "c1", "ivr")
    assert bridging.get(timeout=5)
    assert len(world.said("api uuid_bridge")) == 2


def test_connected_again_before_the_parting_was_seen(world):
    """The switch may skip the parking in between; that they are connected (again) is told all the same, but not twice."""
    world.talking()
    world.bridged("c1", "leg1")
    assert world.legs.bridge("c1", "leg1")
    world.bridged("c1", "leg1")
    world.settled()
    assert world.listener.of("leg1").count(LegBridged("c1")) == 2


def test_the_phones_own_hold(world):
    world.talking()
    world.send("CHANNEL_HOLD", "leg1")
    world.send("CHANNEL_UNHOLD", "leg1")
    world.until_told("leg1", LegHeld(False))
    assert world.listener.of("leg1")[-2:] == [LegHeld(True), LegHeld(False)]


def test_a_blind_transfer_by_the_phone(world):
    world.talking()
    world.gone("leg1", variable_transfer_to="blind:c1", variable_transfer_destination="blind:80%3B02%0A")
    world.settled()
    assert world.listener.of("leg1")[-1] == LegReferred("blind", target="8002")
    world.send("CHANNEL_PARK", "c1", "ivr", Caller_Context="transfer", Caller_Destination_Number="8002")
    world.until_told("leg1", LegGone("hung_up", "NORMAL_CLEARING"))
    assert ("offered", "c1") in world.listener.told and world.listener.told.count(("offered", "c1")) == 1
    until(lambda: world.said("api sched_transfer +60 c1"))  # instead of the claim's five seconds


def test_an_attended_transfer_by_the_phone(world):
    """The switch itself connects the caller with a channel that we did not dial."""
    world.talking()
    world.gone("leg1", variable_transfer_to="att:b2")
    world.settled()
    assert world.listener.of("leg1")[-1] == LegReferred("attended", with_channel="b2")
    world.bridged("c1", "b2")
    world.until_told("b2", LegBridged("c1"))
    assert world.listener.of("leg1")[-1] == LegGone("hung_up", "NORMAL_CLEARING")
    world.send("CHANNEL_PARK", "c1", "ivr")
    world.until_told("b2", LegGone("hung_up", "NORMAL_CLEARING"))
    assert world.legs.states() == []
    assert world.legs.ids() == []


def test_an_attended_transfer_that_the_phone_sends_through_its_other_call(world):
    """Then the foreign channel is the one that bridges, and its events are not ours."""
    world.talking()
    world.refused["api uuid_getvar c1 bridge_to"] = "b2"
    world.send("CHANNEL_PARK", "leg1", Answer_State="answered", variable_transfer_disposition="replaced")
    world.until_told("b2", LegBridged("c1"))
    world.gone("leg1", cause="ATTENDED_TRANSFER")
    world.until_told("leg1", LegGone("hung_up", "ATTENDED_TRANSFER"))
    assert world.listener.of("leg1")[-2:] == [LegReferred("attended", with_channel="b2"), LegGone("hung_up", "ATTENDED_TRANSFER")]
    world.gone("c1", "ivr")
    world.until_told("b2", LegGone("hung_up", "NORMAL_CLEARING"))


def _refer_to_a_call_that_rings(world):
    world.talking()
    world.refused["api uuid_getvar c1 att_xfer_kill_uuid"] = "b2"
    world.gone("leg1", variable_transfer_disposition="recv_replace", variable_refer_uuid="b2")
    world.until_told("leg1", LegGone("hung_up", "NORMAL_CLEARING"))
    assert world.listener.of("leg1")[-2] == LegReferred("ringing", with_channel="b2")


def test_a_transfer_to_a_call_that_rings_and_is_answered(world):
    """Whoever answers is a channel that we have never heard of; it goes by the name of the call that rang."""
    _refer_to_a_call_that_rings(world)
    world.bridged("c1", "peer")
    world.until_told("b2", LegBridged("c1"))
    world.send("CHANNEL_PARK", "c1", "ivr", Channel_State="CS_PARK", Caller_Dialplan="inline", Caller_Context="transfer")
    world.until_told("b2", LegGone("hung_up", "NORMAL_CLEARING"))
    assert world.legs.ids() == []


def test_a_transfer_to_a_call_that_rings_and_is_not_answered(world):
    _refer_to_a_call_that_rings(world)
    world.send("CHANNEL_PARK", "c1", "ivr", Channel_State="CS_EXECUTE", Caller_Dialplan="inline", Caller_Context="transfer")
    world.until_told("b2", LegGone("no_answer", "NO_ANSWER"))
    assert world.legs.ids() == []


def test_a_hang_up_after_another_transfer_of_the_same_caller_is_none(world):
    """The caller's variable stays: what it names must be this call."""
    world.talking()
    world.refused["api uuid_getvar c1 att_xfer_kill_uuid"] = "of an earlier transfer"
    world.gone("leg1", variable_transfer_disposition="recv_replace", variable_refer_uuid="b2")
    world.send("CHANNEL_PARK", "c1", "ivr", Channel_State="CS_PARK")
    world.until_told("leg1", LegGone("hung_up", "NORMAL_CLEARING"))
    assert not any(isinstance(what, LegReferred) for what in world.listener.of("leg1"))


def test_a_transfer_into_a_flow_is_a_blind_one(world):
    """The phone had dialled a hotline itself and gives the caller there: the switch says nothing on the phone's leg."""
    world.talking()
    transferred = {"Channel_State": "CS_EXECUTE", "Caller_Dialplan": "XML", "Caller_Context": "transfer"}
    world.send("CHANNEL_PARK", "c1", "ivr", Caller_Destination_Number="96000", **transferred)
    world.gone("leg1")
    world.until_told("leg1", LegGone("hung_up", "NORMAL_CLEARING"))
    assert world.listener.of("leg1")[-2:] == [LegReferred("blind", target="96000"), LegGone("hung_up", "NORMAL_CLEARING")]


def test_the_end_of_a_later_talk_is_no_transfer(world):
    world.talking()
    parked = {"Channel_State": "CS_PARK", "Caller_Dialplan": "XML", "Caller_Context": "transfer", "Caller_Destination_Number": "8002"}
    world.gone("leg1")
    world.send("CHANNEL_PARK", "c1", "ivr", **parked)
    world.until_told("leg1", LegGone("hung_up", "NORMAL_CLEARING"))
    assert not any(isinstance(what, LegReferred) for what in world.listener.of("leg1"))


def test_what_a_leg_hears(world):
    world.answered()
    world.legs.play("leg1", "p1", ["/a.wav", "/b.wav"])
    assert "execute-app-arg: file_string:///a.wav!/b.wav" in world.said("sendmsg leg1")[0]
    world.send("CHANNEL_EXECUTE_COMPLETE", "leg1", Application_UUID="p1", Application_Response="FILE PLAYED")
    world.send("CHANNEL_EXECUTE_COMPLETE", "leg1", Application_UUID="p1", Application_Response="FILE PLAYED")
    world.legs.play("leg1", "p2", ["/a.wav"])
    world.send("CHANNEL_EXECUTE_COMPLETE", "leg1", Application_UUID="p2", Application_Response="FILE NOT FOUND")
    world.until_told("leg1", LegPlayed("p2", "failed"))
    assert world.listener.of("leg1").count(LegPlayed("p1", "played")) == 1


def test_a_break_that_comes_too_early_is_repeated(world):
    world.answered()
    world.legs.play("leg1", "p1", ["/a.wav"])
    world.legs.stop_playing("leg1")
    until(lambda: len(world.said("api uuid_break leg1")) >= 2)
    world.send("CHANNEL_EXECUTE_COMPLETE", "leg1", Application_UUID="p1", Application_Response="FILE PLAYED")
    world.until_told("leg1", LegPlayed("p1", "stopped"))


def test_listening_in_and_changing_the_mode(world):
    world.answered()
    world.legs.eavesdrop("leg1", "leg2", "whisper")
    assert world.said("api uuid_setvar_multi leg1") == [
        "api uuid_setvar_multi leg1 eavesdrop_enable_dtmf=false;eavesdrop_whisper_aleg=false;eavesdrop_whisper_bleg=true"
    ]
    assert "execute-app-name: eavesdrop\nexecute-app-arg: leg2" in world.said("sendmsg leg1")[0]
    world.legs.eavesdrop("leg1", "leg2", "barge")
    assert world.said("sendevent") == ["sendevent CUSTOM\nUnique-ID: leg1\neavesdrop-command: 3"]
    assert len(world.said("sendmsg leg1")) == 1


# -- telling a phone, muting it


def test_a_phone_is_told_to_answer_and_says_what_it_is(world):
    world.dialled()
    assert world.legs.tell_to_answer("leg1") == "+OK"  # which is what this peer answers to everything
    assert world.said("api uuid_phone_event") == ["api uuid_phone_event leg1 talk"]
    assert world.said("api uuid_getvar leg1") == ["api uuid_getvar leg1 sip_user_agent"]


def test_who_is_muted_is_marked_for_an_engine_that_comes_after(world):
    world.talking()
    assert world.legs.mute("leg1", True) and world.legs.mute("leg1", False)
    assert world.said("api uuid_audio") == ["api uuid_audio leg1 start read mute 1", "api uuid_audio leg1 start read mute 0"]
    assert world.said("api uuid_setvar leg1 acd_muted") == ["api uuid_setvar leg1 acd_muted true", "api uuid_setvar leg1 acd_muted false"]


def test_only_who_shall_answer_alone_is_told_so():
    def argument(auto_answer: bool) -> str:
        return leg_argument("user/{number}@d", "8001", "leg1", "ivr-leg", 20, 60, "", "", {}, auto_answer)

    assert "sip_auto_answer=true" in argument(True) and "sip_auto_answer" not in argument(False)


# -- recordings


def test_a_recordings_end_is_told_once(world):
    world.talking()
    world.legs.start_recording("leg1", "/r/a.wav")
    assert "execute-app-name: record_session\nexecute-app-arg: /r/a.wav" in world.said("sendmsg leg1")[0]
    assert "api uuid_setvar leg1 RECORD_STEREO true" in world.said("api uuid_setvar leg1")
    world.legs.mask_recording("leg1", "/r/a.wav", True)
    world.legs.mask_recording("leg1", "/r/a.wav", False)
    assert world.said("api uuid_record leg1 ") == ["api uuid_record leg1 mask /r/a.wav", "api uuid_record leg1 unmask /r/a.wav"]
    world.send("RECORD_STOP", "leg1", Record_File_Path="/r/a.wav", Record_Completion_Cause="success-silence")
    world.gone("leg1")
    assert world.listener.next("recording") == ("/r/a.wav", "success-silence")
    world.settled()
    assert len([what for what in world.listener.told if what[0] == "recording"]) == 1


def test_a_recording_whose_channel_ends_without_a_word(world):
    world.answered()
    world.legs.start_recording("leg1", "/r/a.wav")
    world.gone("leg1")
    assert world.listener.next("recording") == ("/r/a.wav", "CHANNEL_GONE")


def test_a_recording_that_can_not_begin(world):
    world.answered()
    world.peer.script = lambda session, command: reply("-ERR invalid session id [leg1]") if command.startswith("sendmsg") else None
    with pytest.raises(SwitchRefused):
        world.legs.start_recording("leg1", "/r/a.wav")
    world.gone("leg1")
    world.settled()
    assert not [what for what in world.listener.told if what[0] == "recording"]


@pytest.mark.parametrize("path", ["/r/a b.wav", "/r/a'b.wav", "/r/${x}.wav", "/r/a!b.wav", "{x=1}/r.wav", "/r/\n.wav"])
def test_paths_that_could_mean_more_are_refused(world, path):
    world.answered()
    with pytest.raises(UnsafeCommand):
        world.legs.start_recording("leg1", path)


def test_the_recording_of_an_earlier_process(world):
    world.legs.expect_recording("leg9", "/r/old.wav")
    world.send("RECORD_STOP", "leg9", Record_File_Path="/r/old.wav")
    assert world.listener.next("recording") == ("/r/old.wav", "")


# -- a lost link


def drop(world: World) -> None:
    world.peer.sessions[-1].drop()
    world.listener.next("lost")
    world.listener.next("legs")


def test_legs_that_have_ended_meanwhile_are_told_gone(world):
    world.talking()
    world.dialled("leg2")
    world.legs.start_recording("leg1", "/r/a.wav")
    drop(world)
    assert world.listener.of("leg1")[-1] == LegGone("hung_up", "LOST_WHILE_DISCONNECTED")
    assert world.listener.of("leg2") == [LegGone("failed", "LOST_WHILE_DISCONNECTED")]
    assert ("recording", "/r/a.wav", "LOST_WHILE_DISCONNECTED") in world.listener.told
    assert world.legs.ids() == []


def test_legs_that_are_there_go_on_and_what_was_missed_is_told(world):
    world.dialled()
    world.answered("leg2")
    world.legs.play("leg2", "p", ["/a.wav"])
    world.peer.dumps = {"leg1": dump("leg1", acd_attempt="i1/1"), "leg2": dump("leg2", "c2"), "c2": dump("c2", "leg2", presence="ivr")}
    drop(world)
    assert world.listener.of("leg1") == [LegAnswered()]
    assert world.listener.of("leg2")[-2:] == [LegBridged("c2"), LegPlayed("p", "played")]
    assert world.listener.found[-1] == [LegState("leg1", True, "", {"attempt": "i1/1"}), LegState("leg2", True, "c2", {})]
    until(lambda: "api sched_del c2" in world.said("api sched_del"))
    world.gone("leg2")
    world.gone("c2", "ivr")
    world.until_told("leg2", LegGone("hung_up", "NORMAL_CLEARING"))


def test_a_leg_that_is_too_new_for_the_switchs_list_is_not_taken_for_gone(world):
    world.answered()
    world.peer.dumps = {"leg1": dump("leg1")}
    world.peer.unlisted = {"leg1"}
    drop(world)
    assert "leg1" in world.legs
    assert world.legs.states() == [LegState("leg1", True, "", {})]


def test_a_leg_withdrawn_while_the_link_was_down_is_killed_when_it_is_back(world):
    world.answered()
    world.peer.dumps = {"leg1": dump("leg1")}
    world.listener.next("legs")
    world.peer.sessions[-1].drop()
    world.listener.next("lost")
    world.legs.kill("leg1")
    assert world.said("api uuid_kill") == []
    assert world.listener.next("legs") == ([],)
    until(lambda: world.said("api uuid_kill leg1"))


def test_legs_of_an_earlier_process_are_found_and_followed(world):
    world.peer.dumps = {"old": dump("old", "c7", acd_attempt="i9/2")}
    drop(world)
    assert world.listener.found[-1] == [LegState("old", True, "c7", {"attempt": "i9/2"})]
    world.gone("old")
    world.send("CHANNEL_PARK", "c7", "ivr")
    world.until_told("old", LegGone("hung_up", "NORMAL_CLEARING"))


# -- what callers without an agent cost


def test_nothing_that_a_plain_call_does_is_subscribed_to_in_addition(world):
    subscription = next(command for command in world.peer.events().commands if command.startswith("event plain"))
    names = set(subscription.split()[2:])
    assert names == {
        "CHANNEL_PARK", "CHANNEL_EXECUTE_COMPLETE", "DTMF", "RECORD_STOP", "CHANNEL_HANGUP_COMPLETE", "BACKGROUND_JOB",
        "CHANNEL_ORIGINATE", "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_BRIDGE", "CHANNEL_HOLD", "CHANNEL_UNHOLD",
    }  # fmt: skip
