"""Orders of events per channel, applications, digits: what a call looks like from the event socket."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simclient import Client


def test_an_inbound_call_is_parked_for_the_engine(client: Client) -> None:
    uuid = client.call(**{"from": "13800138000", "name": "Li"})
    park = client.wait("CHANNEL_PARK", uuid)
    assert client.names(uuid) == ["CREATE", "CALLSTATE", "EXECUTE(park)", "PARK"]
    assert park["Channel-Presence-Data"] == "ivr"
    assert park["variable_park_after_bridge"] == "true"
    assert park["variable_playback_terminators"] == "none"
    assert park["variable_continue_on_fail"] == "true"
    assert park["Caller-Caller-ID-Number"] == "13800138000"
    assert park["Caller-Caller-ID-Name"] == "Li"
    assert park["Caller-Destination-Number"] == "2000"
    assert park["Answer-State"] == "ringing"
    assert client.api(f"sched_del {uuid}") == "+OK Deleted: 1\n"
    assert client.api(f"sched_del {uuid}") == "+OK Deleted: 0\n"


def test_answer(client: Client) -> None:
    uuid = client.call()
    client.wait("CHANNEL_PARK", uuid)
    before = len(client.names(uuid))
    assert client.execute(uuid, "answer", token="T1") == "+OK"
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", uuid, Application_UUID="T1")
    assert client.names(uuid)[before:] == ["EXECUTE(answer)", "ANSWER", "CALLSTATE", "EXECUTE_COMPLETE(answer)"]
    assert done["Answer-State"] == "answered"
    state = [packet.event for packet in client.events if packet.event["Event-Name"] == "CHANNEL_CALLSTATE"][-1]
    assert state["Original-Channel-Call-State"] == "RINGING"
    assert state["Channel-Call-State"] == "ACTIVE"
    assert not [name for name in state if name.startswith("variable_")]


def test_playback_takes_as_long_as_the_file(client: Client, call: str) -> None:
    client.execute(call, "playback", "short.wav", "T")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    assert client.names(call)[-4:] == ["EXECUTE(playback)", "PLAYBACK_START", "PLAYBACK_STOP", "EXECUTE_COMPLETE(playback)"]
    assert done["Application-Response"] == "FILE PLAYED"
    stop = client.wait("PLAYBACK_STOP", call)
    assert stop["Playback-Status"] == "done"
    assert stop["Playback-File-Path"] == "short.wav"
    assert stop["variable_playback_ms"] == "500"
    start = client.wait("PLAYBACK_START", call)
    passed_us = int(stop["Event-Date-Timestamp"]) - int(start["Event-Date-Timestamp"])
    assert passed_us >= 499_000
    assert client.heard(call)[-1]["outcome"] == "played"
    assert client.heard(call)[-1]["played_ms"] == 500


def test_uuid_break_stops_playback(client: Client, call: str) -> None:
    client.execute(call, "playback", "long.wav", "T")
    client.wait("PLAYBACK_START", call)
    assert client.api(f"uuid_break {call}") == "+OK\n"
    assert client.wait("PLAYBACK_STOP", call)["Playback-Status"] == "break"
    assert client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")["Application-Response"] == "FILE PLAYED"
    assert client.heard(call)[-1]["outcome"] == "stopped"
    assert 0 < client.heard(call)[-1]["played_ms"] < 30_000


def test_break_and_next_play_may_be_pipelined(client: Client, call: str) -> None:
    client.execute(call, "playback", "long.wav", "T1")
    client.wait("PLAYBACK_START", call)
    client.send(f"api uuid_break {call}\n\n")
    client.execute(call, "playback", "short.wav", "T2")
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T2")
    assert [row["outcome"] for row in client.heard(call)] == ["stopped", "played"]


def test_a_break_before_the_play_has_begun_is_lost_as_in_freeswitch(client: Client, call: str) -> None:
    client.send(f"sendmsg {call}\ncall-command: execute\nexecute-app-name: playback\nexecute-app-arg: short.wav\n"
                f"Event-UUID: T\nevent-lock: true\n\napi uuid_break {call}\n\n")
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    assert client.heard(call)[-1]["outcome"] == "played"


def test_missing_file(client: Client, call: str) -> None:
    client.execute(call, "playback", "nowhere.wav", "T")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    assert done["Application-Response"] == "FILE NOT FOUND"
    assert client.names(call)[-2:] == ["EXECUTE(playback)", "EXECUTE_COMPLETE(playback)"]
    assert client.heard(call)[-1] == {"at_ms": client.heard(call)[-1]["at_ms"], "path": "nowhere.wav", "played_ms": 0,
                                      "outcome": "missing"}


def test_file_string_skips_what_is_missing_and_is_one_playback(client: Client, call: str) -> None:
    client.execute(call, "playback", "file_string://short.wav!nowhere.wav!silence_stream://200!other.wav", "T")
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    assert client.wait("PLAYBACK_STOP", call)["variable_playback_ms"] == "1700"
    assert [(row["path"], row["outcome"], row["played_ms"]) for row in client.heard(call)] == [
        ("short.wav", "played", 500), ("nowhere.wav", "missing", 0), ("silence_stream://200", "played", 200),
        ("other.wav", "played", 1000)]


@pytest.mark.parametrize(("path", "milliseconds"), [("tone_stream://%(500,250,440);loops=2", 1500), ("silence_stream://300", 300)])
def test_streams_have_lengths(client: Client, call: str, path: str, milliseconds: int) -> None:
    client.execute(call, "playback", path, "T")
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    assert client.wait("PLAYBACK_STOP", call)["variable_playback_ms"] == str(milliseconds)


def test_locked_commands_run_one_after_the_other_and_unlocked_ones_nest(client: Client, call: str) -> None:
    client.execute(call, "playback", "short.wav", "T1")
    client.execute(call, "set", "colour=red", "T2")
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T2")
    assert client.names(call)[-4:] == ["PLAYBACK_STOP", "EXECUTE_COMPLETE(playback)", "EXECUTE(set)", "EXECUTE_COMPLETE(set)"]
    client.execute(call, "playback", "short.wav", "T3", lock=False)
    client.execute(call, "set", "colour=blue", "T4", lock=False)
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T3")
    assert client.names(call)[-4:] == ["EXECUTE(set)", "EXECUTE_COMPLETE(set)", "PLAYBACK_STOP", "EXECUTE_COMPLETE(playback)"]
    assert client.api(f"uuid_getvar {call} colour") == "blue"


def test_variables_are_expanded_once(client: Client, call: str) -> None:
    client.api(f"uuid_setvar {call} evil ${{uuid}}")
    client.execute(call, "set", "copy=${evil}-${nothing}", "T")
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    assert client.api(f"uuid_getvar {call} copy") == "${uuid}-"


def test_digits_wait_until_an_application_reads_them(client: Client, quiet: Client, call: str) -> None:
    client.execute(call, "sleep", "2000", "T1")
    client.wait("CHANNEL_EXECUTE", call, Application="sleep")
    quiet.api(f"uuid_recv_dtmf {call} 12")
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T1")  # a digit ends sleep and stays unread
    dtmf = client.wait("DTMF", call)
    assert dtmf["DTMF-Digit"] == "1"
    assert dtmf["Channel-Presence-Data"] == "ivr"
    assert not [name for name in dtmf if name.startswith("variable_")]
    assert client.wait("DTMF", call)["DTMF-Digit"] == "2"
    names = client.names(call)
    assert names.index("DTMF") > names.index("EXECUTE_COMPLETE(sleep)")


def test_keys_do_not_stop_playback_with_terminators_none(client: Client, call: str) -> None:
    client.execute(call, "playback", "short.wav", "T")
    client.wait("PLAYBACK_START", call)
    client.api(f"sim press {call} 5*")
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    assert client.wait("PLAYBACK_STOP", call)["Playback-Status"] == "done"
    assert [packet.event["DTMF-Digit"] for packet in client.events if packet.event["Event-Name"] == "DTMF"] == ["5", "*"]


def test_a_terminator_stops_playback(client: Client, call: str) -> None:
    client.execute(call, "set", "playback_terminators=#")
    client.execute(call, "playback", "long.wav", "T")
    client.wait("PLAYBACK_START", call)
    client.api(f"sim press {call} 1#")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    assert done["variable_playback_terminator_used"] == "#"
    assert client.wait("PLAYBACK_STOP", call)["Playback-Status"] == "break"


def test_play_and_get_digits_hides_sensitive_digits(client: Client, call: str) -> None:
    client.execute(call, "set", "sensitive_dtmf=true")
    client.execute(call, "play_and_get_digits", "4 6 1 3000 # short.wav silence_stream://10 pin \\d+ 1000", "T")
    client.wait("PLAYBACK_START", call)
    client.api(f"sim press {call} 1234#")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    assert done["variable_pin"] == "1234"
    assert done["variable_read_result"] == "success"
    assert "DTMF" not in client.names(call)


def test_play_and_get_digits_times_out(client: Client, call: str) -> None:
    client.execute(call, "play_and_get_digits", "1 4 1 2000 # short.wav silence_stream://10 pin", "T")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    assert "variable_pin" not in done
    assert done["variable_read_result"] == "failure"


def test_play_and_get_digits_skips_collecting_when_the_prompt_is_missing(client: Client, call: str) -> None:
    client.execute(call, "play_and_get_digits", "1 4 1 60000 # nowhere.wav silence_stream://10 pin", "T")
    assert client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")["variable_read_result"] == "failure"


def test_a_break_does_not_end_the_wait_for_digits(client: Client, call: str) -> None:
    client.execute(call, "play_and_get_digits", "1 1 1 20000 # silence_stream://10 silence_stream://10 key", "T")
    client.wait("PLAYBACK_STOP", call)
    client.api(f"uuid_break {call}")
    client.api(f"sim press {call} 7")
    assert client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")["variable_key"] == "7"


def test_hang_up_while_playing(client: Client, call: str) -> None:
    client.execute(call, "playback", "long.wav", "T1")
    client.execute(call, "playback", "short.wav", "T2")
    client.wait("PLAYBACK_START", call)
    before = len(client.names(call))
    assert client.api(f"uuid_kill {call} CALL_REJECTED") == "+OK\n"
    client.wait("CHANNEL_DESTROY", call)
    assert client.names(call)[before:] == [
        "HANGUP", "PLAYBACK_STOP", "EXECUTE_COMPLETE(playback)", "UNPARK", "EXECUTE_COMPLETE(park)", "CALLSTATE",
        "HANGUP_COMPLETE", "DESTROY"]
    complete = client.wait("CHANNEL_HANGUP_COMPLETE", call)
    assert complete["Hangup-Cause"] == "CALL_REJECTED"
    assert complete["variable_hangup_cause_q850"] == "21"
    assert client.reply(f"sendmsg {call}\ncall-command: hangup") == f"-ERR invalid session id [{call}]"
    assert client.api(f"uuid_kill {call}") == "-ERR No such channel!\n"
    assert client.api(f"uuid_exists {call}") == "false"


def test_the_caller_hangs_up(client: Client, call: str) -> None:
    client.execute(call, "playback", "long.wav")
    client.wait("PLAYBACK_START", call)
    client.api(f"sim hangup {call}")
    assert client.wait("CHANNEL_HANGUP_COMPLETE", call)["Hangup-Cause"] == "NORMAL_CLEARING"
    client.wait("CHANNEL_DESTROY", call)
    assert client.heard(call)[-1]["outcome"] == "stopped"  # kept after the hang-up
    assert client.api(f"sim press {call} 1") == f"-ERR the call {call} has ended\n"


def test_hang_up_before_the_answer(client: Client) -> None:
    uuid = client.call(script=[{"wait": 1}, {"hangup": True}])
    assert client.wait("CHANNEL_HANGUP_COMPLETE", uuid)["Hangup-Cause"] == "ORIGINATOR_CANCEL"


def test_unknown_application_hangs_up(client: Client, call: str) -> None:
    client.execute(call, "frobnicate", "x")
    assert client.wait("CHANNEL_HANGUP_COMPLETE", call)["Hangup-Cause"] == "DESTINATION_OUT_OF_ORDER"
    assert "EXECUTE(frobnicate)" not in client.names(call)


def test_loops(client: Client, call: str) -> None:
    client.execute(call, "playback", "other.wav", "T", loops="3")
    for _ in range(3):
        client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    client.execute(call, "set", "a=b", "after")
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="after")
    assert client.names(call).count("EXECUTE(playback)") == 3


def test_sendmsg_hangup(client: Client, call: str) -> None:
    assert client.reply(f"sendmsg {call}\ncall-command: hangup\nhangup-cause: USER_BUSY") == "+OK"
    assert client.wait("CHANNEL_HANGUP_COMPLETE", call)["Hangup-Cause"] == "USER_BUSY"


def test_an_unclaimed_call_reaches_the_fallback_and_leaves_a_message(client: Client, site: Path) -> None:
    uuid = client.call(script=[{"until_recording": True}, {"speak": str(site / "speech.wav")}, {"hangup": True}])
    client.wait("CHANNEL_UNPARK", uuid)
    assert client.wait("CHANNEL_EXECUTE", uuid, Application="answer")["Caller-Destination-Number"] == "fallback"
    client.wait("CHANNEL_DESTROY", uuid)
    assert (site / "recordings" / f"{uuid}.wav").stat().st_size > 2 * 2 * 8000


def test_uuid_transfer_leaves_park(client: Client, call: str) -> None:
    before = len(client.names(call))
    assert client.api(f"uuid_transfer {call} fallback XML ivr") == "+OK\n"
    client.wait("PLAYBACK_START", call)
    assert [name for name in client.names(call)[before:] if name != "CALLSTATE"][:3] == [
        "UNPARK", "EXECUTE_COMPLETE(park)", "EXECUTE(sched_cancel)"]


def test_the_engines_context_answers_whatever_is_no_phone(client: Client, call: str) -> None:
    client.api(f"uuid_transfer {call} 99999 XML ivr")
    assert client.wait("CHANNEL_EXECUTE", call, Application="record")["Caller-Destination-Number"] == "99999"


def test_a_number_that_leads_nowhere(client: Client) -> None:
    uuid = client.call("999")
    assert client.wait("CHANNEL_HANGUP_COMPLETE", uuid)["Hangup-Cause"] == "NO_ROUTE_DESTINATION"


def test_prefix_numbers_are_served(client: Client) -> None:
    client.wait("CHANNEL_PARK", client.call("4008123456"))


def test_uuid_broadcast(client: Client, call: str) -> None:
    assert client.api(f"uuid_broadcast {call} short.wav aleg") == "+OK Message sent\n"
    assert client.wait("PLAYBACK_STOP", call)["Playback-File-Path"] == "short.wav"
    assert client.api("uuid_broadcast nobody short.wav aleg") == "-ERR invalid uuid\n"


def test_strange_names_stay_data(client: Client) -> None:
    name = 'Bob\nEvent-Name: CHANNEL_HANGUP\nUnique-ID: x, ${evil} "^^\udcff' + "x" * 10_000
    uuid = client.call(name=name, **{"from": "+86 138%0A"})
    park = client.wait("CHANNEL_PARK", uuid)
    assert park["Caller-Caller-ID-Name"] == name
    assert not [packet for packet in client.events if packet.event.get("Unique-ID") == "x"]
    raw = next(packet.body for packet in client.events if packet.event.get("Event-Name") == "CHANNEL_CREATE")
    assert b"Caller-Caller-ID-Number: %2B86%20138%0A\n" in raw  # FreeSWITCH leaves %0A as it is: not reversible


def test_scripted_keys_follow_prompts(client: Client) -> None:
    uuid = client.call(script=[{"press_after_prompt": "1"}, {"wait": 0.5}, {"press": "23"}, {"hangup": True}])
    client.wait("CHANNEL_PARK", uuid)
    client.api(f"sched_del {uuid}")
    client.execute(uuid, "answer")
    client.execute(uuid, "playback", "short.wav")
    stop = client.wait("PLAYBACK_STOP", uuid)
    digits = [client.wait("DTMF", uuid) for _ in range(3)]
    assert "".join(digit["DTMF-Digit"] for digit in digits) == "123"
    times = [int(event["Event-Date-Timestamp"]) for event in (stop, *digits)]
    assert times[1] - times[0] >= 290_000
    assert times[2] - times[1] >= 490_000
    client.wait("CHANNEL_DESTROY", uuid)


def test_uuid_dump_and_show_channels(client: Client, call: str) -> None:
    dump = json.loads(client.api(f"uuid_dump {call} json"))
    assert dump["Unique-ID"] == call
    assert dump["variable_presence_data"] == "ivr"
    assert "variable_park_after_bridge: true\n" in client.api(f"uuid_dump {call}")
    shown = json.loads(client.api("show channels as json"))
    assert shown["row_count"] == 1
    row = shown["rows"][0]
    assert (row["uuid"], row["state"], row["presence_data"], row["dest"], row["callstate"], row["application"]) == (
        call, "CS_EXECUTE", "ivr", "2000", "ACTIVE", "answer")
    client.api(f"uuid_kill {call}")
    client.wait("CHANNEL_DESTROY", call)
    assert client.api("show channels as json") == '{"row_count": 0}\n'
