"""Phones of the house: the calls they place, what only they may dial, and whether they can be reached."""

from __future__ import annotations

import json
import time

import pytest
import soundfile
from simclient import Client

from ivrengine.simswitch.dialplan import Dialplan

HANDED_OVER = ["EXECUTE(set_profile_var)", "EXECUTE_COMPLETE(set_profile_var)", "EXECUTE(set)", "EXECUTE_COMPLETE(set)",
               "EXECUTE(park)", "PARK"]


def dial(client: Client, number: str, extension: str = "8001", **more: object) -> str:
    reply = client.api("sim dial " + json.dumps({"extension": extension, "number": number, **more}))
    assert reply.startswith("+OK "), reply
    return reply[4:].strip()


@pytest.mark.parametrize("number", ["*90", "*958001", "2000", "4008123"])
def test_a_phone_is_handed_over_with_the_number_it_has_proved(client: Client, number: str) -> None:
    uuid = dial(client, number)
    park = client.wait("CHANNEL_PARK", uuid)
    assert client.names(uuid)[2:] == HANDED_OVER
    assert park["variable_ivr_phone"] == park["Caller-Caller-ID-Number"] == "8001"
    assert (park["Caller-Context"], park["Channel-Presence-Data"]) == ("phones", "ivr")
    assert park["Caller-Destination-Number"] == number


def test_a_caller_from_outside_is_no_phone_whatever_its_number_says(client: Client) -> None:
    uuid = client.call("2000", **{"from": "8001"})
    assert "variable_ivr_phone" not in client.wait("CHANNEL_PARK", uuid)


@pytest.mark.parametrize("number", ["*90", "*80", "*801", "#31", "*", "20001"])
def test_a_caller_from_outside_reaches_no_feature_code_though_flows_list_it(site, number: str) -> None:
    dialplan = Dialplan(["2000", "*90", "*80*", "4008*", "*"], site, "ivr.local")
    assert dialplan.route(number, "XML", "public", "u") == (dialplan._hand_over("u") if number == "20001" else [])
    assert dialplan.route("*801", "XML", "phones", "u")[-1] == ("park", None)


def test_a_number_that_nobody_serves_ends_a_phones_call(client: Client) -> None:
    uuid = dial(client, "5000")
    assert client.wait("CHANNEL_HANGUP_COMPLETE", uuid)["Hangup-Cause"] == "NORMAL_CLEARING"


def test_a_phone_calls_another_without_the_engine(client: Client) -> None:
    client.api('sim phone {"extension": "8002", "after": 0.2, "talk": 1}')
    uuid = dial(client, "8002")
    bridge = client.wait("CHANNEL_BRIDGE", uuid)
    assert bridge["Channel-Presence-Data"] == "ivr-phone"
    peer = client.wait("CHANNEL_HANGUP_COMPLETE", bridge["Bridge-B-Unique-ID"])
    assert (peer["Channel-Presence-Data"], peer["variable_force_transfer_context"]) == ("ivr-phone", "transfer")
    client.wait("CHANNEL_DESTROY", uuid)


def test_an_unregistered_phone_can_place_no_call(client: Client) -> None:
    client.api('sim phone {"extension": "8002", "behaviour": "unregistered"}')
    assert client.api('sim dial {"extension": "8002", "number": "*90"}') == "-ERR the phone 8002 is not registered\n"


def test_a_script_presses_keys_into_a_feature_codes_questions(client: Client) -> None:
    uuid = dial(client, "*90", script=[{"after_prompt": True}, {"press": "7#"}, {"hangup": True}])
    client.wait("CHANNEL_PARK", uuid)
    client.execute(uuid, "answer")
    client.execute(uuid, "playback", "short.wav")
    assert [client.wait("DTMF", uuid)["DTMF-Digit"] for _ in range(2)] == ["7", "#"]
    client.wait("CHANNEL_DESTROY", uuid)


# -- told by the switch: replies as FreeSWITCH 1.10.12 was seen to give them


@pytest.mark.parametrize(("argument", "reply"), [
    ("", "-USAGE: <uuid>\n-ERR Operation failed\n"), ("nope talk", "-ERR Operation failed\n"), ("CALL talk", "+OK Success\n"),
    ("CALL", "+OK Success\n"), ("CALL hold", "+OK Success\n")])
def test_the_event_talk_is_sent_whatever_the_phone_does_about_it(client: Client, call: str, argument: str, reply: str) -> None:
    assert client.api(f"uuid_phone_event {argument.replace('CALL', call)}".rstrip()) == reply


@pytest.mark.parametrize(("remote", "variables", "talks"), [
    (True, "", True), (False, "", False), (True, "sip_auto_answer=true,", True), (False, "sip_auto_answer=true,", False)])
def test_a_phone_that_can_be_told_answers(client: Client, remote: bool, variables: str, talks: bool) -> None:
    client.api("sim phone " + json.dumps({"extension": "8001", "behaviour": "no_answer", "remote": remote}))
    client.send(f"bgapi originate {{{variables}origination_uuid=leg}}user/8001@ivr.local &park()\n\n")
    client.wait("CHANNEL_PROGRESS", "leg")
    assert client.api("uuid_getvar leg sip_user_agent") == "simulated phone"
    if not variables:
        assert client.api("uuid_phone_event leg talk") == "+OK Success\n"
    if talks:
        client.wait("CHANNEL_ANSWER", "leg")
    else:
        assert "Answer-State: ringing" in client.api("uuid_dump leg")


AUDIO_USAGE = "-USAGE: <uuid> [start [read|write] [mute|level <level>]|stop]\n"


@pytest.mark.parametrize(("argument", "reply"), [
    ("nope start read mute 1", "-ERR No such channel!\n"), ("CALL", AUDIO_USAGE), ("CALL start read mute", AUDIO_USAGE),
    ("CALL start both mute 1", AUDIO_USAGE), ("CALL start read loud 1", AUDIO_USAGE), ("CALL stop", "+OK\n"),
    ("CALL start read mute 1", "+OK\n"), ("CALL start write level 2", "+OK\n")])
def test_replies_to_uuid_audio(client: Client, call: str, argument: str, reply: str) -> None:
    assert client.api(f"uuid_audio {argument.replace('CALL', call)}") == reply


def test_who_is_muted_is_not_heard_and_not_recorded(client: Client, call: str, site) -> None:
    client.api('sim phone {"extension": "8001", "after": 0.1}')
    client.send("bgapi originate {origination_uuid=leg}user/8001@ivr.local &park()\n\n")
    client.wait("CHANNEL_PARK", "leg")
    client.api(f"uuid_bridge {call} leg")
    client.wait("CHANNEL_BRIDGE", call)
    path = site / "recordings" / "both.wav"
    client.api("uuid_setvar leg RECORD_STEREO true")
    client.api(f"uuid_record leg start {path}")
    client.api("uuid_audio leg start read mute 1")
    client.api(f"sim speak leg {site}/speech.wav")
    client.api(f"sim speak {call} {site}/speech.wav")
    assert json.loads(client.api(f"sim overheard {call}")) == []
    time.sleep(0.2)  # four simulated seconds: both have said what they had to say
    client.api("uuid_audio leg start read mute 0")
    client.api(f"sim speak leg {site}/speech.wav")
    assert [row["path"] for row in json.loads(client.api(f"sim overheard {call}"))] == [f"{site}/speech.wav"]
    time.sleep(0.25)
    client.api(f"uuid_record leg stop {path}")
    said, heard = soundfile.read(path)[0].T
    while_muted = slice(0, 16000)  # two simulated seconds
    assert not said[while_muted].any() and heard[while_muted].any() and said[16000:].any()
