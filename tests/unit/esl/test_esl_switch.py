from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import gevent
import pytest
from esl_peer import PASSWORD, Peer, Session, api, block, event, reply
from gevent.event import Event
from gevent.queue import Queue

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.events import Answered, CallerHungUp, DialEnded, DigitPressed, PromptEnded
from ivrengine.esl import link as link_module
from ivrengine.esl import switch as switch_module
from ivrengine.esl.calls import TAKEN_OVER
from ivrengine.esl.errors import SwitchRefused, SwitchTimeout, SwitchUnavailable, UnsafeCommand
from ivrengine.esl.link import Timing
from ivrengine.esl.switch import ChannelState, Switch

QUICK = Timing(connect_seconds=2, auth_seconds=2, pause_first_seconds=0.01, pause_longest_seconds=0.04, keep_alive_seconds=30)


class Listener:
    """Keeps what it is told, in order, as (kind, ...)."""

    def __init__(self) -> None:
        self.told: list[tuple] = []
        self._queue: Queue = Queue()

    def _tell(self, *what) -> None:
        self.told.append(what)
        self._queue.put(what)

    def next(self, kind: str = "") -> tuple:
        while True:
            what = self._queue.get(timeout=5)
            if not kind or what[0] == kind:
                return what

    def call_offered(self, call: CallInfo, channel: ChannelState) -> None:
        self._tell("offered", call.call_id, channel)

    def call_event(self, call_id: str, what) -> None:
        self._tell("event", call_id, what)

    def switch_connected(self, core_uuid: str, channels: list[ChannelState]) -> None:
        self._tell("connected", core_uuid, channels)

    def switch_lost(self, reason: str) -> None:
        self._tell("lost", reason)


class World:
    def __init__(self) -> None:
        self.peer = Peer()
        self.listener = Listener()
        self.switch: Switch | None = None

    def start(self, wait: bool = True, **options) -> Switch:
        options = {"timing": QUICK} | options
        self.switch = Switch("127.0.0.1", self.peer.port, PASSWORD, self.listener, clock=lambda: 1000.0, **options)
        self.switch.start()
        if wait:
            assert self.switch.wait_connected(5), self.switch.last_error
        return self.switch

    def with_call(self, call_id: str = "c1") -> Switch:
        """Connected, with one call offered and claimed."""
        switch = self.start()
        self.send(event("CHANNEL_PARK", call_id))
        self.listener.next("offered")
        assert switch.claim(call_id)
        return switch

    def send(self, raw: bytes) -> None:
        self.peer.events().send(raw)

    def complete(self, token: str, call_id: str = "c1", **headers: str) -> None:
        self.send(event("CHANNEL_EXECUTE_COMPLETE", call_id, Application_UUID=token, **{"Answer_State": "answered"} | headers))

    def said(self, start: str) -> list[str]:
        return [command for command in self.peer.said() if command.startswith(start)]

    def close(self) -> None:
        if self.switch is not None:
            self.switch.stop()
        self.peer.close()


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


def dump(call_id: str, application: str = "park", **headers: str) -> bytes:
    usual = {
        "Event-Name": "CHANNEL_DATA",
        "Channel-State": "CS_EXECUTE",
        "Unique-ID": call_id,
        "Channel-Presence-Data": "ivr",
        "Answer-State": "answered",
        "Caller-Destination-Number": "96000",
        "variable_current_application": application,
    }
    return block(usual | {key if key.startswith("variable_") else key.replace("_", "-"): value for key, value in headers.items()})


def until(condition: Callable[[], object]) -> None:
    with gevent.Timeout(5):
        while not condition():
            gevent.sleep(0.001)


# -- connecting


def test_subscribes_by_name_and_filtered_before_anything_is_sent(world):
    world.start()
    *filters, subscription = world.peer.events().commands[1:]
    assert filters[:2] == ["filter Channel-Presence-Data ivr", "filter Channel-Presence-Data ivr-leg"]
    assert filters[2].startswith("filter Job-UUID /^ivr-ivr-")
    assert "filter Application -park" in filters
    assert not any(f"filter Application -{name}" in filters for name in ("answer", "playback", "record", "bridge", "play_and_get_digits"))
    assert subscription.startswith("event plain CHANNEL_PARK ")
    assert "ALL" not in subscription
    assert world.listener.next() == ("connected", "core-1", [])


def test_a_shard_can_not_smuggle_a_filter():
    with pytest.raises(UnsafeCommand):
        Switch("127.0.0.1", 1, "", Listener(), "ivr x")


def test_commands_are_refused_while_the_link_is_down(world):
    switch = Switch("127.0.0.1", world.peer.port, PASSWORD, world.listener)
    with pytest.raises(SwitchUnavailable, match="not connected"):
        switch.api("status")
    assert not switch.connected


def test_a_wrong_password_is_told_and_tried_again(world, caplog):
    world.switch = switch = Switch("127.0.0.1", world.peer.port, "wrong-one", world.listener, timing=QUICK)
    with caplog.at_level(logging.WARNING):
        switch.start()
        until(lambda: len(world.peer.sessions) >= 3)
    assert "refused our password" in switch.last_error
    assert "wrong-one" not in caplog.text
    assert len([record for record in caplog.records if "refused our password" in record.message]) == 1
    assert [told for told in world.listener.told if told[0] == "event"] == []


def test_reconnects_with_fresh_connections_and_growing_pauses(world):
    switch = world.start()
    world.listener.next("connected")
    for session in world.peer.sessions:
        session.drop()
    assert world.listener.next()[0] == "lost"
    assert world.listener.next() == ("connected", "core-1", [])
    assert switch.connected
    assert len(world.peer.sessions) == 4


@pytest.mark.parametrize("which", [0, 1])
def test_losing_either_connection_takes_the_link_down(world, which):
    world.start()
    world.peer.sessions[which].drop()
    assert "closed the connection" in world.listener.next("lost")[1]
    world.listener.next("connected")
    until(lambda: world.peer.sessions[1 - which].closed.is_set())


def test_pauses_between_attempts_are_doubled_to_a_limit(world, monkeypatch):
    world.switch = switch = Switch("127.0.0.1", world.peer.port, "wrong", world.listener, timing=QUICK)
    pauses: list[float] = []
    stopping = switch._link._stopping
    real_wait = stopping.wait

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        return real_wait(0)

    watched = type("Stopping", (), {"wait": staticmethod(wait), "is_set": stopping.is_set, "set": stopping.set})
    monkeypatch.setattr(switch._link, "_stopping", watched())
    switch.start()
    until(lambda: len(pauses) >= 5)
    assert pauses[:5] == [0.01, 0.02, 0.04, 0.04, 0.04]


def test_a_peer_that_falls_silent_is_found_by_the_keep_alive(world):
    world.peer.script = lambda session, command: b"" if command == "api uptime" else None
    world.start(timing=Timing(keep_alive_seconds=0.02, keep_alive_reply_seconds=0.02, pause_first_seconds=0.01))
    assert "keep-alive" in world.listener.next("lost")[1]


def test_stopping_is_no_loss(world):
    world.start().stop()
    assert [what[0] for what in world.listener.told] == ["connected"]
    until(lambda: all(session.closed.is_set() for session in world.peer.sessions))


def test_a_refused_subscription_is_told(world):
    world.peer.script = lambda session, command: reply("-ERR no keywords supplied") if command.startswith("event") else None
    switch = world.start(wait=False)
    until(lambda: "refused our subscription" in switch.last_error)
    assert not switch.connected


# -- resynchronising


def test_events_are_held_back_until_the_channels_are_told(world):
    asked, go_on = Event(), Event()

    def script(session: Session, command: str) -> bytes | None:
        if command.startswith("api show channels"):
            asked.set()
            go_on.wait()
        return None

    world.peer.script = script
    world.peer.dumps = {"c1": dump("c1", variable_ivr_claimed="true", variable_ivr_state="b64:eyJ9")}
    world.start(wait=False)
    asked.wait()
    world.send(event("DTMF", "c1", DTMF_Digit="7") + event("CHANNEL_PARK", "c2") + event("DTMF", "c2", DTMF_Digit="8"))
    gevent.sleep(0.02)
    assert [told for told in world.listener.told if told[0] == "event"] == []
    go_on.set()
    kind, core_uuid, channels = world.listener.next()
    assert (kind, core_uuid, [channel.call_id for channel in channels]) == ("connected", "core-1", ["c1"])
    assert channels[0].variables["ivr_state"] == '{"}'
    assert world.listener.next() == ("event", "c1", DigitPressed("7"))
    assert world.listener.next()[:2] == ("offered", "c2")
    assert world.listener.next() == ("event", "c2", DigitPressed("8"))


def test_what_runs_on_a_channel_is_read_truly(world):
    claimed = {"variable_ivr_claimed": "true"}
    world.peer.dumps = {
        "parked": dump("parked", **claimed),
        "plays": dump("plays", "playback", **claimed),
        "played": dump("played", "playback", variable_current_application_response="FILE%20PLAYED", **claimed),
        "records": dump("records", "record", variable_current_application_data="/r/a.wav%2060", **claimed),
        "recorded": dump("recorded", "set", **claimed),
        "talks": dump("talks", "bridge", variable_bridge_to="phone", **claimed),
        "talked": dump("talked", "set", variable_bridge_uuid="phone", **claimed),
    }
    world.start()
    _, _, channels = world.listener.next("connected")
    assert {channel.call_id: (channel.application, channel.bridged_to) for channel in channels} == {
        "parked": ("", ""), "plays": ("playback", ""), "played": ("", ""), "records": ("record", ""), "recorded": ("", ""),
        "talks": ("bridge", "phone"), "talked": ("", ""),
    }  # fmt: skip
    assert next(channel for channel in channels if channel.call_id == "records").application_data == "/r/a.wav 60"


def test_only_claimed_calls_are_told_unclaimed_ones_offered_and_the_fallbacks_left_alone(world):
    world.peer.dumps = {
        "ours": dump("ours", variable_ivr_claimed="true"),
        "waits": dump("waits"),
        "on-its-way": dump("on-its-way", "set"),
        "given-up": dump("given-up", "playback", Caller_Destination_Number="fallback", variable_ivr_claimed="true"),
    }
    world.start()
    _, _, channels = world.listener.next("connected")
    assert [channel.call_id for channel in channels] == ["ours"]
    assert world.listener.next()[:2] == ("offered", "waits")
    world.send(event("CHANNEL_PARK", "ours") + event("CHANNEL_PARK", "waits") + event("CHANNEL_PARK", "on-its-way"))
    assert world.listener.next()[:2] == ("offered", "on-its-way")


def test_a_channel_that_goes_while_being_read_is_left_out(world):
    world.peer.dumps = {"gone": b"-ERR No such channel!\n"}
    world.start()
    assert world.listener.next() == ("connected", "core-1", [])


def test_a_playback_that_goes_on_through_a_loss_still_ends(world):
    switch = world.with_call()
    switch.play("c1", "t-1", ["/a.wav"])
    world.peer.dumps = {"c1": dump("c1", "playback", variable_ivr_claimed="true")}
    world.peer.sessions[0].drop()
    world.listener.next("lost")
    world.listener.next("connected")
    world.complete("t-1", Application_Response="FILE%20PLAYED")
    assert world.listener.next("event") == ("event", "c1", PromptEnded("t-1", "played"))


def test_a_completion_lost_in_the_gap_is_told_as_lost(world):
    switch = world.with_call()
    switch.dial("c1", "t-1", "extension", "8001", 20)
    world.peer.dumps = {"c1": dump("c1", "set", variable_ivr_claimed="true")}
    world.peer.sessions[1].drop()
    world.listener.next("connected")
    assert world.listener.next("event") == ("event", "c1", DialEnded("t-1", "failed", "CONNECTION_LOST"))


def test_a_new_core_uuid_is_told_and_its_old_calls_have_hung_up(world, caplog):
    switch = world.with_call()
    world.listener.told.clear()
    world.peer.core_uuid = "core-2"
    world.peer.sessions[0].drop()
    world.listener.next("lost")
    assert world.listener.next() == ("connected", "core-2", [])
    assert world.listener.next() == ("event", "c1", CallerHungUp("LOST_WHILE_DISCONNECTED"))
    assert switch.core_uuid == "core-2"
    assert "restarted" in caplog.text


def test_two_thousand_calls_at_once(world):
    ids = [f"call-{number}" for number in range(2000)]
    world.peer.dumps = {call_id: dump(call_id, variable_ivr_claimed="true", variable_x="v" * 3000) for call_id in ids}
    switch = world.start(wait=False)
    assert switch.wait_connected(30)
    _, _, channels = world.listener.next("connected")
    assert [channel.call_id for channel in channels] == ids
    playing = [gevent.spawn(switch.play, call_id, f"token-of-{call_id}", ["/a.wav"]) for call_id in ids]
    gevent.joinall(playing, raise_error=True, timeout=30)
    world.send(
        b"".join(
            event("CHANNEL_EXECUTE_COMPLETE", call_id, Application_UUID=f"token-of-{call_id}", Application_Response="FILE%20PLAYED")
            for call_id in ids
        )
    )
    ended = [world.listener.next("event") for _ in ids]
    assert [call_id for _, call_id, _ in ended] == ids
    assert all(what == PromptEnded(f"token-of-{call_id}", "played") for _, call_id, what in ended)


def test_too_many_events_while_resynchronising_start_over(world, monkeypatch):
    monkeypatch.setattr(link_module, "HELD_LIMIT", 3)
    tries = 0

    def script(session: Session, command: str) -> bytes | None:
        nonlocal tries
        if command.startswith("api show channels"):
            tries += 1
            if tries == 1:
                world.send(event("DTMF", "c1") * 4)
                gevent.sleep(0.02)
        return None

    world.peer.script = script
    world.start()
    assert tries == 2


def test_a_list_of_channels_that_is_no_list_is_refused_and_asked_again(world):
    answers = [api("not json"), api('{"rows": [{"presence_data": "ivr"}]}'), api('{"rows": 5}'), api("[]")]
    world.peer.script = lambda session, command: answers.pop() if command.startswith("api show channels") and answers else None
    world.start()
    assert answers == []


def test_a_channel_whose_id_no_command_could_hold_is_passed_over(world):
    # A profile may take the caller's Call-ID for the channel's id: it is a stranger's text then.
    world.peer.dumps = {"c1 c2": dump("c1"), "a84b4c76e66710@pc33.example.com": dump("x", variable_ivr_claimed="true")}
    world.start()
    assert world.said("api uuid_dump") == ["api uuid_dump a84b4c76e66710@pc33.example.com"]
    assert [channel.call_id for channel in world.listener.next("connected")[2]] == ["x"]


# -- claiming


def test_a_claim_marks_the_channel_before_it_takes_the_timer_away(world):
    world.with_call()
    assert world.said("api uuid_setvar c1") == ["api uuid_setvar c1 ivr_claimed true"]
    commands = world.peer.said()
    assert commands.index("api uuid_setvar c1 ivr_claimed true") < commands.index("api sched_del c1")


@pytest.mark.parametrize("answer", ["+OK Deleted: 0\n", "-ERR\n", "+OK Deleted: many\n"])
def test_a_claim_that_comes_too_late_is_lost_and_unmarked(world, answer):
    switch = world.start()
    world.send(event("CHANNEL_PARK", "c1"))
    world.listener.next("offered")
    world.peer.script = lambda session, command: api(answer) if command == "api sched_del c1" else None
    assert switch.claim("c1") is False
    until(lambda: world.said("api uuid_setvar c1")[-1] == "api uuid_setvar c1 ivr_claimed")
    world.send(event("DTMF", "c1", DTMF_Digit="1") + event("CHANNEL_PARK", "c2"))
    assert world.listener.next()[:2] == ("offered", "c2")


def test_rearming_replaces_the_timer(world):
    switch = world.with_call()
    world.peer.script = lambda session, command: api("+OK Deleted: 1\n") if command == "api sched_del c1" else None
    switch.rearm("c1")
    assert world.peer.said()[-2:] == ["api sched_del c1", "api sched_transfer +60 c1 fallback XML ivr"]


def test_a_call_whose_timer_has_run_out_is_let_go_of(world):
    switch = world.with_call()
    world.peer.script = lambda session, command: api("+OK Deleted: 0\n") if command == "api sched_del c1" else None
    world.peer.dumps = {"c1": dump("c1", "record", Caller_Destination_Number="fallback")}
    switch.rearm("c1")
    assert world.listener.next("event") == ("event", "c1", CallerHungUp(TAKEN_OVER))
    until(lambda: world.peer.said()[-1] == "api sched_del c1")


def test_a_call_without_a_timer_that_is_still_ours_gets_one(world):
    switch = world.with_call()
    world.peer.script = lambda session, command: api("+OK Deleted: 0\n") if command == "api sched_del c1" else None
    world.peer.dumps = {"c1": dump("c1")}
    switch.rearm("c1")
    switch.rearm("c1")
    assert [told for told in world.listener.told if told[0] == "event"] == []
    assert world.peer.said()[-2] == "api sched_transfer +60 c1 fallback XML ivr"


def test_handing_over_lets_go_of_the_call(world):
    switch = world.with_call()
    switch.hand_over("c1", "fallback")
    assert world.peer.said()[-3:] == ["api sched_del c1", "api uuid_setvar c1 ivr_claimed", "api uuid_transfer c1 fallback XML ivr"]
    world.send(event("CHANNEL_HANGUP_COMPLETE", "c1") + event("CHANNEL_PARK", "c1"))
    assert world.listener.next()[:2] == ("offered", "c1")


# -- commands


def test_a_completion_may_overtake_the_reply(world):
    def script(session: Session, command: str) -> bytes | None:
        if command.startswith("sendmsg"):
            world.complete("t-1", Application_Response="FILE%20PLAYED")
            gevent.sleep(0.02)  # the event's connection is read meanwhile
        return None

    switch = world.with_call()
    world.peer.script = script
    switch.play("c1", "t-1", ["/a.wav"])
    assert world.listener.next("event") == ("event", "c1", PromptEnded("t-1", "played"))


def arguments(message: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in message.split("\n")[1:])


def test_recording_sets_its_keys_before_and_none_after(world):
    world.with_call().record("c1", "t-1", "/r/a.wav", 60, 3, "#*")
    messages = [arguments(one) for one in world.said("sendmsg c1")]
    assert [(one["execute-app-name"], one["execute-app-arg"]) for one in messages] == [
        ("set", "playback_terminators=#*"),
        ("record", "/r/a.wav 60 200 3"),
        ("set", "playback_terminators=none"),
    ]
    assert [one.get("Event-UUID") for one in messages] == [None, "t-1", None]
    assert all(one["event-lock"] == "true" for one in messages)


def test_a_secret_is_hidden_and_removed(world):
    world.with_call().collect_secret("c1", "t-1", ["/a.wav"], 4, 6, 5, 2, "#")
    messages = [arguments(one) for one in world.said("sendmsg c1")]
    assert [(one["execute-app-name"], one["execute-app-arg"].split(" ")[0]) for one in messages] == [
        ("set", "sensitive_dtmf=true"),
        ("play_and_get_digits", "4"),
        ("unset", "sensitive_dtmf"),
        ("unset", "ivr_secret"),
    ]


def test_dialling_never_parks_the_channel_twice(world):
    world.with_call().dial("c1", "t-1", "outside", "13800138000", 20, caller_number="96000", caller_name="Bob")
    messages = [arguments(one) for one in world.said("sendmsg c1")]
    assert [one.get("execute-app-arg") for one in messages] == [
        "park_after_bridge=false",
        None,
        "{originate_timeout=20,origination_caller_id_number=96000,origination_caller_id_name='Bob'}sofia/gateway/trunk/13800138000",
        "park_after_bridge=true",
        "+60 fallback XML ivr",
    ]
    # No timer cuts the talk, and one is set at its end although we may not live to see it.
    names = [one["execute-app-name"] for one in messages]
    assert names == ["set", "sched_cancel", "bridge", "set", "sched_transfer"]


def test_stopping_is_insisted_on_until_the_playback_ends(world, monkeypatch):
    # The switch forgets a break that comes before the playback has begun: here the first two are lost.
    monkeypatch.setattr(switch_module, "STOP_RETRY_SECONDS", 0.01)
    switch = world.with_call()
    breaks = 0

    def script(session: Session, command: str) -> bytes | None:
        nonlocal breaks
        if command == "api uuid_break c1":
            breaks += 1
            if breaks == 3:
                world.complete("t-1", Application_Response="FILE%20PLAYED")
        return None

    world.peer.script = script
    switch.play("c1", "t-1", ["/a.wav"])
    switch.stop_playing("c1")
    switch.play("c1", "t-2", ["/b.wav"])
    assert world.listener.next("event") == ("event", "c1", PromptEnded("t-1", "stopped"))
    assert breaks == 3
    # The next playback waited for the end of the stopped one, lest a repeated break cut it.
    sent = [command.split("\n")[0] for command in world.peer.said() if " c1" in command and "ivr_claimed" not in command]
    assert sent == ["api sched_del c1", "sendmsg c1", *["api uuid_break c1"] * 3, "sendmsg c1"]
    world.complete("t-2", Application_Response="FILE%20PLAYED")
    assert world.listener.next("event") == ("event", "c1", PromptEnded("t-2", "played"))


def test_stopping_when_nothing_plays_is_harmless(world):
    switch = world.with_call()
    switch.stop_playing("c1")
    switch.play("c1", "t-1", ["/a.wav"])
    world.complete("t-1", Application_Response="FILE%20PLAYED")
    assert world.listener.next("event") == ("event", "c1", PromptEnded("t-1", "played"))


def test_answering_is_told_when_the_switch_says_that_it_is_done(world):
    world.with_call().answer("c1", "t-1")
    assert world.listener.next("event") == ("event", "c1", Answered("t-1"))
    assert world.said("api uuid_answer") == ["api uuid_answer c1"]


def test_answering_in_vain_is_not_told(world):
    switch = world.with_call()
    world.peer.script = lambda session, command: api("-ERROR\n") if command.startswith("api uuid_answer") else None
    switch.answer("c1", "t-1")
    world.send(event("CHANNEL_HANGUP_COMPLETE", "c1", Hangup_Cause="INCOMPATIBLE_DESTINATION"))
    assert world.listener.next("event") == ("event", "c1", CallerHungUp("INCOMPATIBLE_DESTINATION"))
    switch.answer("c1", "t-2")
    assert world.said("api uuid_answer c1") == ["api uuid_answer c1"]


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (lambda switch: switch.play("c1", "t", ["/a.wav"]), reply("-ERR invalid session id [c1]")),
        (lambda switch: switch.record("c1", "t", "/a.wav", 5, 1, "#"), reply("-ERR invalid session id [c1]")),
        (lambda switch: switch.stop_playing("c1"), api("-ERR No such channel!\n")),
        (lambda switch: switch.hang_up("c1", "USER_BUSY"), api("-ERR No such channel!\n")),
        (lambda switch: switch.set_variable("c1", "ivr_x", "y"), api("-ERR No such channel!\n")),
    ],
)
def test_a_channel_that_is_gone_is_a_hang_up_and_no_error(world, monkeypatch, command, refusal):
    monkeypatch.setattr(switch_module, "GONE_GRACE_SECONDS", 0.01)
    switch = world.with_call()
    world.peer.script = lambda session, text: refusal
    command(switch)
    assert world.listener.next("event") == ("event", "c1", CallerHungUp("NORMAL_CLEARING"))
    gevent.sleep(0.03)
    assert len([what for what in world.listener.told if what[0] == "event"]) == 1


def test_the_hang_ups_own_event_knows_the_cause_better(world):
    switch = world.with_call()
    world.peer.script = lambda session, text: reply("-ERR invalid session id [c1]")
    switch.play("c1", "t", ["/a.wav"])
    world.send(event("CHANNEL_HANGUP_COMPLETE", "c1", Hangup_Cause="ORIGINATOR_CANCEL"))
    assert world.listener.next("event") == ("event", "c1", CallerHungUp("ORIGINATOR_CANCEL"))


def test_nothing_is_sent_for_a_call_that_has_ended(world):
    switch = world.with_call()
    world.send(event("CHANNEL_HANGUP_COMPLETE", "c1"))
    world.listener.next("event")
    switch.play("c1", "t", ["/a.wav"])
    assert world.said("sendmsg") == []


def test_any_other_refusal_is_an_exception(world):
    switch = world.with_call()
    world.peer.script = lambda session, text: reply("-ERR memory error")
    with pytest.raises(SwitchRefused, match="memory error"):
        switch.play("c1", "t", ["/a.wav"])


def test_an_adopted_calls_earlier_command_can_be_awaited_again(world):
    world.peer.dumps = {"c1": dump("c1", "bridge", variable_bridge_to="phone", variable_ivr_claimed="true")}
    switch = world.start()
    switch.expect("c1", "token-of-another-process", "dial")
    world.complete("token-of-another-process", variable_originate_disposition="SUCCESS")
    assert world.listener.next("event")[2].outcome == "answered"


def test_variables_go_there_and_back(world):
    stored: dict[str, str] = {}

    def script(session: Session, command: str) -> bytes | None:
        words = command.split(" ")
        if words[:2] == ["api", "uuid_setvar"]:
            stored[words[3]] = words[4] if len(words) > 4 else "_undef_"
        if words[:2] == ["api", "uuid_getvar"]:
            return api(stored.get(words[3], "_undef_"))
        return None

    switch = world.with_call()
    world.peer.script = script
    value = '{"step": "menu one", "name": "${x}\\n"}'
    switch.set_variable("c1", "ivr_state", value)
    assert switch.get_variable("c1", "ivr_state") == value
    switch.set_variable("c1", "ivr_state", "")
    assert switch.get_variable("c1", "ivr_state") is None
    with pytest.raises(UnsafeCommand):
        switch.set_variable("c1", "ivr state", "x")


# -- background jobs


def answer_jobs(world: World, body: str, before_the_reply: bool) -> None:
    def script(session: Session, command: str) -> bytes | None:
        if not command.startswith("bgapi"):
            return None
        job = command.split("Job-UUID: ")[1]
        result = event("BACKGROUND_JOB", Job_UUID=job, body=body)
        if before_the_reply:
            world.send(result)
            gevent.sleep(0.02)
        else:
            gevent.spawn_later(0.01, world.send, result)
        return None

    world.peer.script = script


@pytest.mark.parametrize("before_the_reply", [True, False])
def test_a_jobs_result_is_awaited_before_it_is_asked_for(world, before_the_reply):
    switch = world.start()
    answer_jobs(world, "+OK 1234\nUnique-ID: x\n", before_the_reply)
    assert switch.bgapi("originate user/1 &park", 5) == "+OK 1234\nUnique-ID: x\n"


def test_a_jobs_refusal_silence_and_loss_are_told_apart(world):
    switch = world.start()
    answer_jobs(world, "-ERR NO_ANSWER\n", False)
    with pytest.raises(SwitchRefused, match="NO_ANSWER"):
        switch.bgapi("originate user/1 &park", 5)
    world.peer.script = None
    with pytest.raises(SwitchTimeout):
        switch.bgapi("originate user/1 &park", 0.01)
    waiting = gevent.spawn(switch.bgapi, "originate user/1 &park", 60)
    until(lambda: len(world.said("bgapi")) == 3)
    gevent.sleep(0.01)
    world.peer.sessions[0].drop()
    with pytest.raises(SwitchUnavailable):
        waiting.get(timeout=2)


def test_stopping_ends_waiting_for_a_job(world):
    switch = world.start()
    waiting = gevent.spawn(switch.bgapi, "originate user/1 &park", 60)
    until(lambda: world.said("bgapi"))
    gevent.sleep(0.01)
    switch.stop()
    with pytest.raises(SwitchUnavailable):
        waiting.get(timeout=2)


# -- for the doctor


def test_modules_and_version(world):
    switch = world.start()
    world.peer.script = lambda session, command: {
        "api show modules as json": api('{"rows":[{"type":"api","ikey":"mod_commands"},{"ikey":"mod_sofia"},{"ikey":""}]}'),
        "api version": api("FreeSWITCH Version 1.10.12\n"),
    }.get(command)
    assert switch.modules() == {"mod_commands", "mod_sofia"}
    assert switch.version() == "FreeSWITCH Version 1.10.12"
