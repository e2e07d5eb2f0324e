"""Agents' legs: races and faults provoked on demand, who hears whom, holds and transfers. Orders of events are in the golden tests."""

from __future__ import annotations

import json

import pytest
from conftest import tone
from simclient import Client


def leg(client: Client, extension: str = "8001", variables: str = "") -> str:
    client.api(f'sim phone {{"extension": "{extension}", "after": 0.1}}')
    client.send(f"bgapi originate {{presence_data=ivr-leg{variables}}}user/{extension}@ivr.local &park()\nJob-UUID: {extension}\n\n")
    uuid = client.wait("BACKGROUND_JOB", Job_UUID=extension)["_body"][4:].strip()
    client.wait("CHANNEL_PARK", uuid)
    return uuid


def talk(client: Client, caller: str, extension: str = "8001") -> str:
    agent = leg(client, extension)
    client.api(f"uuid_setvar {caller} uuid_bridge_park_on_cancel true")
    assert client.api(f"uuid_bridge {caller} {agent}") == f"+OK {agent}\n"
    client.wait("CHANNEL_BRIDGE", caller)
    return agent


def fault(client: Client, **what: object) -> None:
    assert client.api(f"sim fault {json.dumps(what)}") == "+OK\n"


def overheard(client: Client, uuid: str) -> list[str]:
    return [row["path"].rpartition("/")[2] for row in json.loads(client.api(f"sim overheard {uuid}"))]


# -- faults on demand


@pytest.mark.parametrize("at", ["scheduled", "waiting", 0, 10])
def test_an_agent_who_leaves_before_the_bridge_leaves_a_caller_parked(client: Client, call: str, at: object) -> None:
    agent = leg(client)
    client.api(f"uuid_setvar {call} uuid_bridge_park_on_cancel true")
    fault(client, uuid_bridge="second", at=at)
    assert client.api(f"uuid_bridge {call} {agent}") == f"+OK {agent}\n"
    client.wait("CHANNEL_PARK", call, Channel_State="CS_PARK")
    assert "BRIDGE" not in client.names(call)
    client.execute(call, "playback", "short.wav", "T")
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")


def test_a_fault_at_the_bridge_itself_and_the_next_bridge_is_whole(client: Client, call: str) -> None:
    fault(client, uuid_bridge="second", at="bridged")
    talk(client, call)
    client.wait("CHANNEL_PARK", call, Channel_State="CS_PARK")
    agent = talk(client, call, "8002")
    assert client.api(f"uuid_exists {agent}") == "true"


def test_a_caller_who_leaves_before_the_bridge_leaves_the_leg_alone(client: Client, call: str) -> None:
    agent = leg(client)
    fault(client, uuid_bridge="first", at="waiting", times=2)
    client.api(f"uuid_bridge {call} {agent}")
    client.wait("CHANNEL_DESTROY", call)
    assert client.api(f"uuid_exists {agent}") == "true"
    assert [row["state"] for row in json.loads(client.api("show channels as json"))["rows"]] == ["CS_SOFT_EXECUTE"]
    assert client.api(f"uuid_kill {agent}") == "+OK\n"
    client.wait("CHANNEL_DESTROY", agent)
    fault(client, clear=True)


def test_a_leg_that_is_killed_before_it_exists_comes_up_later(client: Client) -> None:
    client.api('sim phone {"extension": "8001", "after": 0.1}')
    fault(client, delay_channel=5)
    client.send("bgapi originate {origination_uuid=late}user/8001@ivr.local &park()\nJob-UUID: j\n\n")
    assert client.read().kind == "command/reply"
    assert client.api("uuid_kill late") == "-ERR No such channel!\n"
    client.wait("CHANNEL_PARK", "late")
    assert client.api("uuid_kill late") == "+OK\n"


def test_a_leg_that_does_not_get_its_uuid(client: Client) -> None:
    fault(client, other_uuid=True)
    reply = client.api("originate {origination_uuid=wanted}user/8001@ivr.local &park()")
    assert reply.startswith("+OK ") and reply != "+OK wanted\n"
    assert client.api("originate {origination_uuid=wanted}user/8001@ivr.local &park()") == "+OK wanted\n"


@pytest.mark.parametrize(("request_", "words"), [
    ({"uuid_bridge": "third"}, "first or second"), ({"uuid_bridge": "first", "at": "never"}, "at must be milliseconds"),
    ({"uuid_bridge": "first", "at": -1}, "at must be milliseconds"), ({"delay_channel": "x"}, "delay_channel must be seconds"),
    ({"uuid_bridge": "first", "times": 0}, "times must be a whole number")])
def test_bad_faults_are_refused(client: Client, request_: dict, words: str) -> None:
    assert words in client.api(f"sim fault {json.dumps(request_)}")


# -- who hears whom


@pytest.mark.parametrize(("keys", "variables", "agent_hears", "caller_hears"), [
    ("", {}, False, False),
    ("2", {}, True, False),
    ("1", {}, False, True),
    ("3", {}, True, True),
    ("30", {}, False, False),
    ("", {"eavesdrop_whisper_bleg": "true"}, True, False),
    ("", {"eavesdrop_whisper_aleg": "true"}, False, True),
    ("3", {"eavesdrop_enable_dtmf": "false"}, False, False)])
def test_a_supervisor_hears_both_and_is_heard_as_wished(
        client: Client, call: str, site, keys: str, variables: dict, agent_hears: bool, caller_hears: bool) -> None:
    for name in ("agent", "caller", "boss"):
        tone(site / f"{name}.wav", 0.5)
    agent = talk(client, call)
    boss = leg(client, "8002")
    for name, value in variables.items():
        client.api(f"uuid_setvar {boss} {name} {value}")
    client.execute(boss, "eavesdrop", agent)
    client.wait("CHANNEL_EXECUTE", boss, Application="eavesdrop")
    if keys:
        client.api(f"sim press {boss} {keys}")
        if "eavesdrop_enable_dtmf" not in variables:
            client.wait("DTMF", boss, DTMF_Digit=keys[-1])
    for uuid, name in ((agent, "agent"), (call, "caller"), (boss, "boss")):
        assert client.api(f"sim speak {uuid} {site}/{name}.wav") == "+OK\n"
    assert overheard(client, boss) == ["agent.wav", "caller.wav"]
    assert ("boss.wav" in overheard(client, agent), "boss.wav" in overheard(client, call)) == (agent_hears, caller_hears)
    assert "caller.wav" in overheard(client, agent) and "agent.wav" in overheard(client, call)


def test_a_client_changes_whom_the_supervisor_speaks_to(client: Client, call: str, site) -> None:
    tone(site / "boss.wav", 0.5)
    agent = talk(client, call)
    boss = leg(client, "8002")
    client.api(f"uuid_setvar {boss} eavesdrop_enable_dtmf false")
    client.execute(boss, "eavesdrop", agent)
    client.wait("CHANNEL_EXECUTE", boss, Application="eavesdrop")
    for command, agent_hears, caller_hears in (("2", 1, 0), ("3", 2, 1), ("0", 2, 1)):
        assert client.reply(f"sendevent CUSTOM\nUnique-ID: {boss}\neavesdrop-command: {command}").startswith("+OK")
        client.api(f"sim speak {boss} {site}/boss.wav")
        assert (len(overheard(client, agent)), len(overheard(client, call))) == (agent_hears, caller_hears)
    client.reply(f"sendevent CUSTOM\nUnique-ID: {boss}\neavesdrop-command: *")
    client.wait("CHANNEL_EXECUTE_COMPLETE", boss, Application="eavesdrop")


def test_three_way(client: Client, call: str, site) -> None:
    tone(site / "boss.wav", 0.5)
    agent = talk(client, call)
    boss = leg(client, "8002")
    client.execute(boss, "three_way", agent)
    client.wait("CHANNEL_EXECUTE", boss, Application="three_way")
    client.api(f"sim speak {boss} {site}/boss.wav")
    assert overheard(client, agent) == overheard(client, call) == ["boss.wav"]
    client.api(f"sim hangup {agent}")
    client.wait("CHANNEL_EXECUTE_COMPLETE", boss, Application="three_way")
    client.wait("CHANNEL_PARK", call, Channel_State="CS_PARK")


def test_who_is_on_hold_hears_music_and_not_the_agent(client: Client, call: str, site) -> None:
    tone(site / "agent.wav", 0.5)
    agent = talk(client, call)
    client.api(f"sim hold {agent}")
    client.wait("PLAYBACK_START", call, Playback_File_Path="local_stream://moh")
    client.api(f"sim speak {agent} {site}/agent.wav")
    assert overheard(client, call) == []
    client.api(f"sim unhold {agent}")
    client.wait("PLAYBACK_STOP", call)
    client.api(f"sim speak {agent} {site}/agent.wav")
    assert overheard(client, call) == ["agent.wav"]


# -- transfers by a phone


def test_a_phones_script_holds_and_transfers(client: Client, call: str) -> None:
    script = [{"until_talking": True}, {"wait": 0.5}, {"hold": True}, {"wait": 0.5}, {"refer": "*958002"}]
    client.api(f"sim phone {json.dumps({'extension': '8001', 'after': 0.1, 'script': script})}")
    agent = client.api("originate user/8001@ivr.local &park()")[4:].strip()
    client.wait("CHANNEL_PARK", agent)
    client.api(f"uuid_bridge {call} {agent}")
    park = client.wait("CHANNEL_PARK", call, Caller_Context="transfer")
    assert (park["Caller-Destination-Number"], park.get("variable_ivr_phone", "")) == ("*958002", "")
    assert client.wait("CHANNEL_HANGUP_COMPLETE", agent)["variable_transfer_destination"] == "blind:*958002"


@pytest.mark.parametrize("answers", [True, False])
def test_a_transfer_to_a_call_that_rings(client: Client, call: str, answers: bool) -> None:
    """Music until somebody answers; whom nobody answers is handed over again, as the caller who they were."""
    client.api('sim phone {"extension": "8002", "behaviour": "no_answer"}')
    agent = leg(client)
    client.api(f"uuid_setvar {call} park_after_bridge true")
    client.api(f"uuid_bridge {call} {agent}")
    client.wait("CHANNEL_BRIDGE", call)
    second = client.api('sim dial {"extension": "8001", "number": "8002"}')[4:].strip()
    client.wait("CHANNEL_EXECUTE", second, Application="bridge")
    assert client.api(f"sim refer {agent} with {second}") == "+OK\n"
    gone = client.wait("CHANNEL_HANGUP_COMPLETE", agent)
    assert (gone["variable_transfer_disposition"], gone["variable_refer_uuid"]) == ("recv_replace", second)
    assert client.api(f"uuid_getvar {call} att_xfer_kill_uuid") == second
    client.wait("CHANNEL_EXECUTE", call, Application="endless_playback")
    rows = json.loads(client.api("show channels as json"))["rows"]
    (rung,) = (row["uuid"] for row in rows if row["name"].startswith("sofia/phones/8002@"))
    assert client.api(f"sim {'answer' if answers else 'reject'} {rung}") == "+OK\n"
    if answers:
        colleague = client.wait("CHANNEL_BRIDGE", call)["Bridge-B-Unique-ID"]
        client.api(f"uuid_kill {colleague}")
    park = client.wait("CHANNEL_PARK", call)
    assert ("variable_ivr_phone" in park, park["Channel-Presence-Data"], park.get("variable_hangup_after_bridge")) == (False, "ivr", None)
    assert (client.api(f"sched_del {call}") == "+OK Deleted: 1\n") is not answers


def test_what_cannot_be_transferred(client: Client, call: str) -> None:
    agent = leg(client)
    assert client.api(f"sim refer {agent} 8002") == "-ERR this call is connected with nobody\n"
    assert client.api(f"sim refer {call} 8002") == "-ERR only a phone of the house can transfer a call, while it lasts\n"
    assert client.api(f"sim refer {agent} with {agent}").startswith("-ERR an attended transfer needs a second call")
    assert client.api(f"sim refer {agent}").startswith("-ERR refer takes a number")
