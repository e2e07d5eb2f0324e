"""Events (their bytes as FreeSWITCH writes them) into what the runtime hears."""

from __future__ import annotations

import pytest
from esl_peer import event

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.events import (
    Answered,
    CallerHungUp,
    DialEnded,
    DigitPressed,
    PromptEnded,
    RecordingEnded,
    SecretCollected,
)
from ivrengine.esl import calls as module
from ivrengine.esl.calls import Calls
from ivrengine.esl.translate import ChannelState, Pending
from ivrengine.esl.wire import FrameReader, RawEvent


class Heard:
    def __init__(self) -> None:
        self.offers: list[tuple[CallInfo, ChannelState]] = []
        self.events: list[tuple[str, object]] = []

    def call_offered(self, call, channel) -> None:
        self.offers.append((call, channel))

    def call_event(self, call_id, event) -> None:
        self.events.append((call_id, event))

    def switch_connected(self, core_uuid, channels) -> None: ...

    def switch_lost(self, reason) -> None: ...


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def calls(heard: Heard) -> Calls:
    made = Calls(heard, "ivr", lambda: 1000.0)
    made.adopt("c1")
    return made


def arrive(calls: Calls, *args: str, **headers: str) -> None:
    for frame in FrameReader().feed(event(*args, **headers)):
        calls.on_event(RawEvent(frame.body))


def complete(calls: Calls, token: str, **headers: str) -> None:
    arrive(calls, "CHANNEL_EXECUTE_COMPLETE", "c1", Application_UUID=token, **{"Answer_State": "answered"} | headers)


# -- offers


def test_a_parked_call_is_offered_once(calls, heard):
    for _ in range(2):
        arrive(
            calls, "CHANNEL_PARK", "c2", Channel_State="CS_EXECUTE", Answer_State="ringing", Caller_Destination_Number="96000",
            Caller_Caller_ID_Number="%2B86138", Caller_Caller_ID_Name="Bob%0AX%3A%20y", Caller_Channel_Created_Time="1700000000500000",
            variable_current_application="park", variable_ivr_note="b64:aGk",
        )  # fmt: skip
    assert len(heard.offers) == 1
    call, channel = heard.offers[0]
    assert call == CallInfo("c2", "96000", "+86138", "Bob X: y", 1700000000.5)
    assert (channel.application, channel.answered, channel.presence_data) == ("", False, "ivr")
    assert channel.variables == {"ivr_note": "hi"}


def test_a_call_without_a_time_begins_now(calls, heard):
    arrive(calls, "CHANNEL_PARK", "c2")
    assert heard.offers[0][0].started_at == 1000.0


@pytest.mark.parametrize("headers", [{"shard": "other"}, {"Answer_State": "hangup"}])
def test_other_peoples_and_dead_calls_are_not_offered(calls, heard, headers):
    arrive(calls, "CHANNEL_PARK", "c2", **headers)
    assert heard.offers == []


def test_only_ours_are_told_of(calls, heard):
    arrive(calls, "DTMF", "stranger", DTMF_Digit="1")
    arrive(calls, "CHANNEL_HANGUP_COMPLETE", "stranger")
    arrive(calls, "DTMF", "c1", shard="other", DTMF_Digit="1")
    assert heard.events == []


# -- completions


def test_completions_are_known_by_their_token_not_by_the_application(calls, heard):
    calls.expect("c1", Pending("t-1", "play"))
    calls.expect("c1", Pending("t-2", "play"))
    complete(calls, "somebody-elses", Application="playback", Application_Response="FILE%20PLAYED")
    complete(calls, "t-2", Application="playback", Application_Response="FILE%20PLAYED")
    complete(calls, "t-2", Application="playback", Application_Response="FILE%20PLAYED")
    assert heard.events == [("c1", PromptEnded("t-2", "played"))]


@pytest.mark.parametrize(
    ("response", "stopped", "outcome", "reason"),
    [
        ("FILE%20PLAYED", False, "played", ""),
        ("FILE%20PLAYED", True, "stopped", ""),
        ("FILE%20NOT%20FOUND", False, "failed", "the switch can't find or open the file"),
        ("PLAYBACK%20ERROR", True, "failed", "the switch answered PLAYBACK ERROR"),
    ],
)
def test_how_a_playback_ends(calls, heard, response, stopped, outcome, reason):
    calls.expect("c1", Pending("t", "play", stopped=stopped))
    complete(calls, "t", Application_Response=response)
    assert heard.events == [("c1", PromptEnded("t", outcome, reason))]


def test_answered_only_when_it_is(calls, heard):
    calls.expect("c1", Pending("t", "answer"))
    complete(calls, "t", Application_Response="_none_")
    assert heard.events == [("c1", Answered("t"))]


@pytest.mark.parametrize(
    ("headers", "ended_by"),
    [
        ({"variable_playback_terminator_used": "%23"}, "key"),
        ({"variable_silence_hits_exhausted": "true"}, "silence"),
        ({"variable_silence_hits_exhausted": "false", "variable_playback_terminator_used": "_undef_"}, "limit"),
    ],
)
def test_how_a_recording_ends(calls, heard, headers, ended_by):
    calls.expect("c1", Pending("t", "record", path="/r/a.wav"))
    arrive(calls, "RECORD_STOP", "c1", Record_File_Path="/r/a.wav")
    complete(calls, "t", variable_record_ms="1234", **headers)
    assert heard.events == [("c1", RecordingEnded("t", "recorded", "/r/a.wav", 1234, ended_by))]


def test_a_hang_up_ends_a_recording_first(calls, heard):
    calls.expect("c1", Pending("t", "record", path="/r/a.wav"))
    arrive(calls, "RECORD_STOP", "c1", Record_File_Path="/r/a.wav", Answer_State="hangup")
    complete(calls, "t", variable_record_ms="900", Answer_State="hangup", Hangup_Cause="NORMAL_CLEARING")
    arrive(calls, "CHANNEL_HANGUP_COMPLETE", "c1", Hangup_Cause="NORMAL_CLEARING")
    assert heard.events == [
        ("c1", RecordingEnded("t", "recorded", "/r/a.wav", 900, "hangup")),
        ("c1", CallerHungUp("NORMAL_CLEARING")),
    ]


def test_a_recording_that_could_not_begin_has_failed_whatever_an_earlier_one_left(calls, heard):
    # FreeSWITCH hangs the call up when it can't open the file; record_ms is still the earlier recording's.
    calls.expect("c1", Pending("t", "record", path="/nowhere/a.wav"))
    complete(calls, "t", variable_record_ms="5000", Answer_State="hangup", Hangup_Cause="DESTINATION_OUT_OF_ORDER")
    (_, ended), (_, hung_up) = heard.events
    assert (ended.outcome, ended.path, ended.duration_ms) == ("failed", "", 0)
    assert hung_up == CallerHungUp("DESTINATION_OUT_OF_ORDER")


def test_the_key_that_ends_a_recording_is_told_by_it_alone(calls, heard):
    calls.expect("c1", Pending("t", "record", path="/r/a.wav", finish_keys="#"))
    arrive(calls, "DTMF", "c1", DTMF_Digit="%23")
    arrive(calls, "DTMF", "c1", DTMF_Digit="0")
    complete(calls, "t")
    arrive(calls, "DTMF", "c1", DTMF_Digit="%23")
    assert [one for _, one in heard.events if isinstance(one, DigitPressed)] == [DigitPressed("0"), DigitPressed("#")]


@pytest.mark.parametrize("digit", ["X", "12", "", "%0A", "_undef_", "%C2%B2"])
def test_what_is_no_key_is_no_digit(calls, heard, digit):
    arrive(calls, "DTMF", "c1", DTMF_Digit=digit)
    assert heard.events == []


@pytest.mark.parametrize(
    ("headers", "outcome", "digits"),
    [
        ({"variable_read_result": "success", "variable_ivr_secret": "4711"}, "entered", "4711"),
        ({"variable_read_result": "timeout", "variable_ivr_secret": "47110"}, "entered", "47110"),
        ({"variable_read_result": "failure", "variable_ivr_secret": "47"}, "no_input", ""),
        ({"variable_read_result": "timeout"}, "no_input", ""),
        ({}, "failed", ""),
    ],
)
def test_how_a_secret_ends(calls, heard, headers, outcome, digits):
    calls.expect("c1", Pending("t", "secret", least=4))
    complete(calls, "t", **headers)
    assert heard.events == [("c1", SecretCollected("t", outcome, digits))]
    assert "471" not in repr(heard.events)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {
                "variable_originate_disposition": "SUCCESS",
                "variable_last_bridge_hangup_cause": "NORMAL_CLEARING",
                "Caller_Channel_Bridged_Time": "1000000000",
                "Event_Date_Timestamp": "1007500000",
            },
            DialEnded("t", "answered", "NORMAL_CLEARING", 7500),
        ),
        ({"variable_originate_disposition": "USER_BUSY"}, DialEnded("t", "busy", "USER_BUSY")),
        ({"variable_originate_disposition": "NO_ANSWER"}, DialEnded("t", "no_answer", "NO_ANSWER")),
        ({"variable_originate_disposition": "CALL_REJECTED"}, DialEnded("t", "rejected", "CALL_REJECTED")),
        ({"variable_originate_disposition": "USER_NOT_REGISTERED"}, DialEnded("t", "unregistered", "USER_NOT_REGISTERED")),
        ({"variable_originate_disposition": "GATEWAY_DOWN"}, DialEnded("t", "failed", "GATEWAY_DOWN")),
        ({}, DialEnded("t", "failed", "UNKNOWN")),
    ],
)
def test_how_a_dial_ends(calls, heard, headers, expected):
    calls.expect("c1", Pending("t", "dial"))
    complete(calls, "t", **headers)
    assert heard.events == [("c1", expected)]


# -- the end of a call


def test_a_hang_up_is_told_once_and_at_its_first_sign(calls, heard):
    calls.expect("c1", Pending("t", "play"))
    complete(calls, "t", Application_Response="FILE%20PLAYED", Answer_State="hangup", Hangup_Cause="USER_BUSY")
    arrive(calls, "CHANNEL_HANGUP_COMPLETE", "c1", Hangup_Cause="USER_BUSY")
    assert heard.events == [("c1", CallerHungUp("USER_BUSY"))]
    assert len(calls) == 0


def test_nothing_is_expected_of_a_call_that_has_ended(calls, heard):
    arrive(calls, "CHANNEL_HANGUP_COMPLETE", "c1")
    assert not calls.expect("c1", Pending("t", "play"))
    calls.gone("c1", "AGAIN")
    assert heard.events == [("c1", CallerHungUp("NORMAL_CLEARING"))]


def test_a_call_handed_over_may_be_offered_again(calls, heard):
    calls.forget("c1")
    arrive(calls, "CHANNEL_PARK", "c1")
    assert [call.call_id for call, _ in heard.offers] == ["c1"]


def test_ends_that_never_come_are_given_up(calls, heard):
    for number in range(module.PENDING_LIMIT + 1):
        calls.expect("c1", Pending(f"t-{number}", "play"))
    assert len(calls.playing("c1")) == module.PENDING_LIMIT
    complete(calls, "t-0", Application_Response="FILE%20PLAYED")
    assert heard.events == []


# -- after a gap


def state(call_id: str, application: str = "") -> ChannelState:
    return ChannelState(call_id, "", "", "", "CS_EXECUTE", application)


def test_settling_ends_what_ended_unseen(calls, heard):
    calls.adopt("c2")
    calls.adopt("c3")
    for call_id in ("c1", "c2"):
        calls.expect(call_id, Pending("t", "play"))
    calls.settle([state("c1", "playback"), state("c2")])
    assert heard.events == [
        ("c2", PromptEnded("t", "played")),
        ("c3", CallerHungUp("LOST_WHILE_DISCONNECTED")),
    ]
    complete(calls, "t", Application_Response="FILE%20PLAYED")
    assert heard.events[-1] == ("c1", PromptEnded("t", "played"))
