"""Each fault does what it says, and nothing else."""

from __future__ import annotations

import json

import pytest
from simclient import Client

from ivrengine.simswitch.server import SimSwitch


def fault(client: Client, **fault: object) -> str:
    return client.api("sim fault " + json.dumps(fault))


def test_drop_with_notice(client: Client, quiet: Client, call: str) -> None:
    assert fault(quiet, drop="notice") == "+OK 1 dropped\n"
    while (packet := client.read()).kind != "text/disconnect-notice":
        pass
    assert len(packet.body) == 67
    with pytest.raises(EOFError):
        client.read()
    assert quiet.api(f"uuid_exists {call}") == "true"


def test_drop_without_notice(client: Client, quiet: Client) -> None:
    fault(quiet, drop="silent")
    with pytest.raises(EOFError):
        while True:
            assert client.read().kind.startswith("text/event")


def test_drop_by_reset(client: Client, quiet: Client) -> None:
    fault(quiet, drop="reset")
    with pytest.raises(ConnectionResetError):
        while client.sock.recv(65536):
            pass


def test_drop_in_the_middle_of_an_event(client: Client, quiet: Client) -> None:
    fault(quiet, drop="truncated")
    data = b""
    while more := client.sock.recv(65536):
        data += more
    assert data.endswith(b"Content-Length: 500\nContent-Type: text/event-plain\n\nEvent-Name: CHANNEL_PA")


def test_refuse_the_next_commands(client: Client, call: str) -> None:
    fault(client, refuse="api uuid_kill", reply="-ERR No such channel!\n", times=2)
    fault(client, refuse="sendmsg")
    assert client.api(f"uuid_kill {call}") == "-ERR No such channel!\n"
    assert client.api(f"uuid_kill {call}") == "-ERR No such channel!\n"
    assert client.execute(call, "set", "a=b") == "-ERR refused by a simulated fault"
    assert client.api(f"uuid_exists {call}") == "true"
    assert client.execute(call, "set", "a=b") == "+OK"
    assert client.api(f"uuid_kill {call}") == "+OK\n"


def test_lose_a_file(client: Client, call: str) -> None:
    fault(client, lose_file="short.wav")
    client.execute(call, "playback", "short.wav", "T1")
    assert client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T1")["Application-Response"] == "FILE NOT FOUND"
    fault(client, find_file="short.wav")
    client.execute(call, "playback", "short.wav", "T2")
    assert client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T2")["Application-Response"] == "FILE PLAYED"


def test_a_lost_file_cannot_be_recorded(client: Client, call: str, site) -> None:
    fault(client, lose_file="message.wav")
    client.execute(call, "record", f"{site}/recordings/message.wav 10")
    assert client.wait("CHANNEL_HANGUP_COMPLETE", call)["Hangup-Cause"] == "DESTINATION_OUT_OF_ORDER"


def test_delay_events_keeps_their_order(client: Client, switch: SimSwitch) -> None:
    fault(client, delay_events=4)
    before = switch.core.clock.wall_us()
    uuid = client.call()
    client.wait("CHANNEL_CREATE", uuid)
    assert switch.core.clock.wall_us() - before >= 4_000_000
    fault(client, clear=True)
    client.wait("CHANNEL_PARK", uuid)
    sequences = [int(packet.event["Event-Sequence"]) for packet in client.events]
    assert sequences == sorted(sequences)


@pytest.mark.parametrize("kind", ["silent", "notice"])
def test_restart_loses_calls_and_changes_the_core_uuid(client: Client, switch: SimSwitch, call: str, kind: str) -> None:
    before = client.wait("CHANNEL_ANSWER", call)["Core-UUID"]
    assert fault(client, restart=kind) == "+OK\n"
    kinds = []
    with pytest.raises(EOFError):
        while True:
            kinds.append(client.read().kind)
    assert ("text/disconnect-notice" in kinds) == (kind == "notice")
    again = Client(switch.port)
    again.reply("event plain ALL")
    assert again.api("show channels as json") == '{"row_count": 0}\n'
    assert again.api(f"sched_del {call}") == "+OK Deleted: 0\n"
    uuid = again.call()
    assert again.wait("CHANNEL_PARK", uuid)["Core-UUID"] != before


def test_restart_accepts_nobody_while_down(client: Client, switch: SimSwitch) -> None:
    fault(client, restart="silent", down=20)
    with pytest.raises(EOFError):
        while True:
            client.read()
    refused = Client(switch.port, login=False)
    with pytest.raises(EOFError):
        refused.read()
    while True:
        again = Client(switch.port, login=False)
        try:
            assert again.read().kind == "auth/request"
            break
        except EOFError:
            again.close()


def test_rude_rejection(client: Client, switch: SimSwitch) -> None:
    fault(client, reject=1)
    rejected = Client(switch.port, login=False)
    packet = rejected.read()
    assert packet.kind == "text/rude-rejection"
    assert packet.body == b"Access Denied, go away.\n"
    Client(switch.port)


@pytest.mark.parametrize(("argument", "part"), [
    ("", "unknown action ''"),
    ("dance", "known are call, serve, phone"),
    ("call", "no JSON"),
    ("call []", "a JSON object is wanted"),
    ('call {"nummer": "1"}', "unknown key 'nummer'; known are from, name, number"),
    ('call {"from": "1"}', "number must be a text"),
    ('call {"number": "2000", "script": [{"jump": 1}]}', "step 1: unknown step 'jump'"),
    ('call {"number": "2000", "script": [{"wait": -1}]}', "step 1: wait takes seconds"),
    ('call {"number": "2000", "script": [{"press": "1"}, {"press": "x"}]}', "step 2: press takes"),
    ('call {"number": "2000", "script": [{"speak": "/nowhere.wav"}]}', "/nowhere.wav can't be read as sound"),
    ('call {"number": "2000", "script": {"wait": 1}}', "script must be a list"),
    ('call {"number": "2000", "uuid": "a b"}', "uuid must be made of letters"),
    ('phone {"extension": "8001", "behaviour": "explode"}', "behaviour must be one of answer"),
    ('phone {"extension": "8001", "after": "soon"}', "after must be seconds"),
    ('fault {"drop": "gently"}', "drop must be one of notice"),
    ('fault {}', "name a fault"),
    ('fault {"refuse": "api", "times": 0}', "times must be a whole number"),
    ("press nobody 1", "no call 'nobody' is known"),
    ("heard nobody", "no call 'nobody' is known"),
])
def test_bad_requests_are_refused_with_a_sentence(quiet: Client, argument: str, part: str) -> None:
    reply = quiet.api(f"sim {argument}")
    assert reply.startswith("-ERR ")
    assert part in reply
    assert quiet.api("show channels count") == "\n0 total.\n"


def test_bad_keys_and_speech_before_the_answer(client: Client) -> None:
    uuid = client.call()
    assert "press takes" in client.api(f"sim press {uuid} xyz")
    assert client.api(f"sim speak {uuid} /x.wav") == "-ERR there is no audio yet: the call is not answered\n"
