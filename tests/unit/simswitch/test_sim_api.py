"""Reply texts of the api commands, the small parts beneath them, and many calls at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import make_switch
from simclient import Client

from ivrengine.simswitch.text import expand_variables, is_true, leading_int, split_arguments, split_braces, url_encode


def test_texts_for_calls_that_are_not_there(quiet: Client) -> None:
    for command in ("uuid_kill x", "uuid_break x", "uuid_setvar x a b", "uuid_getvar x a", "uuid_dump x", "uuid_transfer x 1",
                    "sched_transfer +1 x y", "sched_hangup +1 x", "uuid_park x"):
        assert quiet.api(command) == "-ERR No such channel!\n"
    assert quiet.api("uuid_record x start /y") == "-ERR Cannot locate session!\n"
    assert quiet.api("uuid_flush_dtmf x") == "-ERR No such session\n"
    assert quiet.api("uuid_kill") == "-USAGE: <uuid> [cause]\n"
    assert quiet.api("sched_del 4711") == "+OK Deleted: 0\n"


def test_variables(client: Client, call: str) -> None:
    assert client.api(f"uuid_getvar {call} colour") == "_undef_"
    assert client.api(f"uuid_setvar {call} colour dark red") == "+OK\n"
    assert client.api(f"uuid_getvar {call} colour") == "dark red"
    assert client.api(f"uuid_setvar {call} colour") == "+OK\n"
    assert client.api(f"uuid_getvar {call} colour") == "_undef_"
    assert client.api(f"uuid_exists {call}") == "true"


def test_a_dead_mans_switch_can_be_rearmed_and_disarmed(client: Client, call: str) -> None:
    assert client.api(f"sched_transfer +3600 {call} fallback XML ivr") == "+OK\n"
    assert client.api(f"sched_del {call}") == "+OK Deleted: 1\n"
    assert client.api(f"sched_transfer +2 {call} fallback XML ivr") == "+OK\n"
    assert client.wait("CHANNEL_UNPARK", call)["Caller-Destination-Number"] == "fallback"


def test_hash_claims_are_atomic(quiet: Client) -> None:
    assert quiet.api("hash insert_ifempty/claims/call-1/engine-a") == "+OK\n"
    assert quiet.api("hash insert_ifempty/claims/call-1/engine-b") == "-ERR key already exists\n"
    assert quiet.api("hash select/claims/call-1") == "engine-a"
    assert quiet.api("hash delete_ifmatch/claims/call-1/engine-b") == "-ERR Doesn't match\n"
    assert quiet.api("hash delete_ifmatch/claims/call-1/engine-a") == "+OK\n"
    assert quiet.api("hash delete/claims/call-1") == "-ERR Not found\n"
    assert quiet.api("hash nonsense").startswith("-ERR Usage: hash ")


def test_sched_api(client: Client, call: str) -> None:
    assert client.api(f"sched_api +1 mine uuid_setvar {call} done yes").startswith("+OK Added: ")
    assert client.api("sched_del mine") == "+OK Deleted: 1\n"
    client.api(f"sched_api +1 mine uuid_kill {call}")
    client.wait("CHANNEL_DESTROY", call)


def test_what_the_switch_says_of_itself(quiet: Client) -> None:
    assert quiet.api("version").startswith("FreeSWITCH Version 1.10.12")
    assert quiet.api("version short") == "1.10.12\n"
    status = quiet.api("status")
    assert status.startswith("UP 0 years, 0 days, ")
    assert "is ready\n" in status
    modules = json.loads(quiet.api("show modules as json"))
    assert {"mod_commands", "mod_dptools", "mod_event_socket"} <= {row["ikey"] for row in modules["rows"]}
    assert quiet.api("module_exists mod_hash") == "true"
    assert quiet.api("module_exists mod_unheard_of") == "false"
    assert quiet.api("show modules").endswith(f"\n\n{modules['row_count']} total.\n")


def test_registrations_show_in_sofia_contact(quiet: Client) -> None:
    assert quiet.api("sofia_contact */8001@ivr.local") == "sofia/phones/sip:8001@127.0.0.1:5060"
    quiet.api('sim phone {"extension": "8001", "behaviour": "unregistered"}')
    assert quiet.api("sofia_contact */8001@ivr.local") == "error/user_not_registered"
    assert quiet.api("user_exists id 8001 ivr.local") == "true"
    assert quiet.api("user_exists id 7777 ivr.local") == "false"


def test_uuid_record_and_answer_texts(client: Client) -> None:
    uuid = client.call()
    client.wait("CHANNEL_PARK", uuid)
    assert client.api(f"uuid_answer {uuid}") == "+OK\n"
    client.wait("CHANNEL_ANSWER", uuid)
    assert client.api("uuid_answer nobody") == "-ERROR\n"


def test_full_queues_are_told(client: Client, call: str) -> None:
    client.execute(call, "playback", "long.wav", "T")
    client.wait("PLAYBACK_START", call)
    replies = [client.execute(call, "set", "a=b") for _ in range(260)]
    assert replies[:256] == ["+OK"] * 256
    assert replies[-1] == "-ERR memory error"


def test_two_hundred_calls_at_once(site: Path) -> None:
    switch = make_switch(site, speed=2)  # at a higher speed the five seconds to claim a call are over too soon
    client, quiet = Client(switch.port), Client(switch.port)
    client.reply("filter Channel-Presence-Data ivr")
    client.reply("event plain CHANNEL_PARK CHANNEL_EXECUTE_COMPLETE CHANNEL_DESTROY")
    calls = [quiet.call() for _ in range(200)]
    for _ in calls:
        uuid = client.wait("CHANNEL_PARK")["Unique-ID"]
        assert quiet.api(f"sched_del {uuid}") == "+OK Deleted: 1\n"
        quiet.execute(uuid, "answer")
        quiet.execute(uuid, "playback", "short.wav", f"P-{uuid}")
    assert len(switch.core.channels) == 200
    for uuid in calls:
        done = client.wait("CHANNEL_EXECUTE_COMPLETE", uuid, Application_UUID=f"P-{uuid}")
        assert done["Application-Response"] == "FILE PLAYED"
        quiet.api(f"uuid_kill {uuid}")
    for uuid in calls:
        client.wait("CHANNEL_DESTROY", uuid)
    assert quiet.api("show channels count") == "\n0 total.\n"
    switch.stop()


@pytest.mark.parametrize(("text", "parts"), [
    ("a b  c", ["a", "b", "c"]), ("a 'b c' d", ["a", "b c", "d"]), ("", []), ("  a", ["a"]), ("a ''", ["a", ""]),
    ("it\\'s", ["it's"])])
def test_split_arguments(text: str, parts: list[str]) -> None:
    assert split_arguments(text) == parts


def test_the_last_argument_takes_the_rest() -> None:
    assert split_arguments("a b c d", limit=3) == ["a", "b", "c d"]


@pytest.mark.parametrize(("value", "encoded"), [
    ("plain-text_1.5/*!'()$,~", "plain-text_1.5/*!'()$,~"), ("a b", "a%20b"), ("100%", "100%25"), ("%20", "%20"),
    ("%2g", "%252g"), ("é", "%C3%A9"), ("a\nb", "a%0Ab"), ("\udcff", "%FF"), ("a:b;c", "a%3Ab%3Bc")])
def test_url_encode(value: str, encoded: str) -> None:
    assert url_encode(value) == encoded


def test_small_readers() -> None:
    assert [is_true(word) for word in ("true", "YES", "1", "-2", "0", "no", "", None)] == [True, True, True, True] + [False] * 4
    assert [leading_int(word) for word in ("12abc", "-3", "x", "", None)] == [12, -3, 0, 0, 0]
    assert split_braces("{a=1,b='x,y'}[c=2]user/1") == ({"a": "1", "b": "x,y", "c": "2"}, "user/1")
    assert expand_variables("${a}${b}", {"a": "${b}", "b": "2"}.get) == "${b}2"
