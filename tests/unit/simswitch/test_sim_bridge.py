"""Phones, originate, bridge and uuid_bridge: results and orders."""

from __future__ import annotations

import json

import pytest
from simclient import Client

A_LEAVES_BRIDGE = ["UNBRIDGE", "EXECUTE_COMPLETE(bridge)", "UNPARK", "EXECUTE_COMPLETE(park)", "PARK"]


def phone(client: Client, extension: str = "8001", **behaviour: object) -> None:
    assert client.api("sim phone " + json.dumps({"extension": extension, **behaviour})) == "+OK\n"


def bridged_leg(client: Client, uuid: str) -> str:
    bridge = client.wait("CHANNEL_BRIDGE", uuid)
    assert bridge["Bridge-A-Unique-ID"] == uuid
    return bridge["Bridge-B-Unique-ID"]


def test_the_phone_hangs_up_after_talking(client: Client, call: str) -> None:
    phone(client, after=1.0, talk=5)
    client.execute(call, "bridge", "user/8001@ivr.local", "T")
    peer = bridged_leg(client, call)
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    park = client.wait("CHANNEL_PARK", call, Channel_State="CS_PARK")
    assert client.names(call)[-5:] == A_LEAVES_BRIDGE
    assert client.names(call)[-9:-5] == ["EXECUTE(bridge)", "CALLSTATE", "CALLSTATE", "BRIDGE"]
    assert done["variable_originate_disposition"] == "SUCCESS"
    assert done["variable_bridge_hangup_cause"] == "NORMAL_CLEARING"
    assert done["variable_last_bridge_hangup_cause"] == "NORMAL_CLEARING"
    assert park["variable_last_bridge_to"] == peer
    bridge, unbridge = (next(packet.event for packet in client.events if packet.event["Event-Name"] == name)
                        for name in ("CHANNEL_BRIDGE", "CHANNEL_UNBRIDGE"))
    talked_us = int(unbridge["Event-Date-Timestamp"]) - int(bridge["Event-Date-Timestamp"])
    assert talked_us >= 4_999_000
    assert int(bridge["Caller-Channel-Bridged-Time"]) > 0
    client.wait("CHANNEL_DESTROY", peer)
    assert client.names(peer) == ["OUTGOING", "CREATE", "ORIGINATE", "PROGRESS", "CALLSTATE", "ANSWER", "CALLSTATE", "OUTGOING",
                                  "HANGUP", "CALLSTATE", "HANGUP_COMPLETE", "DESTROY"]
    complete = client.wait("CHANNEL_HANGUP_COMPLETE", peer)
    assert complete["Call-Direction"] == "outbound"
    assert "Channel-Presence-Data" not in complete


def test_the_caller_hangs_up_while_talking(client: Client, call: str) -> None:
    phone(client, after=0.5)
    client.execute(call, "bridge", "user/8001@ivr.local", "T")
    peer = bridged_leg(client, call)
    client.api(f"sim hangup {call}")
    client.wait("CHANNEL_DESTROY", call)
    assert client.names(call)[-8:] == ["HANGUP", "UNBRIDGE", "EXECUTE_COMPLETE(bridge)", "UNPARK", "EXECUTE_COMPLETE(park)",
                                       "CALLSTATE", "HANGUP_COMPLETE", "DESTROY"]
    assert client.wait("CHANNEL_HANGUP_COMPLETE", peer)["Hangup-Cause"] == "NORMAL_CLEARING"


@pytest.mark.parametrize(("behaviour", "cause", "status"), [
    ({"behaviour": "busy", "after": 0.2}, "USER_BUSY", "BUSY"),
    ({"behaviour": "reject", "after": 0.2}, "CALL_REJECTED", "DONTCALL"),
    ({"behaviour": "no_answer", "dial": "[leg_timeout=1]"}, "ALLOTTED_TIMEOUT", "ALLOTTED_TIMEOUT"),
    ({"behaviour": "no_answer", "dial": "{originate_timeout=1}"}, "NO_ANSWER", "NOANSWER"),
    ({"behaviour": "unregistered"}, "USER_NOT_REGISTERED", "USER_NOT_REGISTERED"),
    ({"behaviour": "absent"}, "SUBSCRIBER_ABSENT", "SUBSCRIBER_ABSENT"),
])
def test_a_failed_dial_leaves_the_caller_parked(client: Client, call: str, behaviour: dict, cause: str, status: str) -> None:
    behaviour = dict(behaviour)
    dial = behaviour.pop("dial", "")
    phone(client, **behaviour)
    client.execute(call, "bridge", f"{dial}user/8001@ivr.local", "T")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    assert done["variable_originate_disposition"] == cause
    assert done["variable_DIALSTATUS"] == status
    assert done["variable_originate_failed_cause"] == cause
    assert client.names(call)[-4:] == ["EXECUTE(bridge)", "CALLSTATE", "CALLSTATE", "EXECUTE_COMPLETE(bridge)"]
    client.execute(call, "set", "still=here", "after")
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="after")
    made_a_leg = any(packet.event["Event-Name"] == "CHANNEL_OUTGOING" for packet in client.events)
    assert made_a_leg == (behaviour["behaviour"] not in ("unregistered", "absent"))


def test_without_continue_on_fail_a_failed_dial_ends_the_call(client: Client, call: str) -> None:
    client.execute(call, "unset", "continue_on_fail")
    client.execute(call, "bridge", "user/8888@ivr.local")
    assert client.wait("CHANNEL_HANGUP_COMPLETE", call)["Hangup-Cause"] == "SUBSCRIBER_ABSENT"


def test_the_caller_gives_up_while_it_rings(client: Client, call: str) -> None:
    phone(client, behaviour="no_answer")
    client.execute(call, "bridge", "user/8001@ivr.local")
    peer = client.wait("CHANNEL_PROGRESS")["Unique-ID"]
    client.api(f"sim hangup {call}")
    assert client.wait("CHANNEL_HANGUP_COMPLETE", peer)["Hangup-Cause"] == "ORIGINATOR_CANCEL"
    client.wait("CHANNEL_DESTROY", call)


def test_the_next_phone_is_tried(client: Client, call: str) -> None:
    phone(client, "8001", behaviour="busy", after=0.1)
    phone(client, "8002", after=0.1)
    client.execute(call, "bridge", "user/8001@ivr.local|user/8002@ivr.local")
    assert client.wait("CHANNEL_BRIDGE", call)["Other-Leg-Destination-Number"] == "8002"


def test_an_outside_number_and_the_number_shown(client: Client, call: str) -> None:
    client.execute(call, "bridge", "{origination_caller_id_number=4008,origination_caller_id_name='News, Li'}"
                                   "sofia/gateway/trunk/01012345678")
    peer = client.wait("CHANNEL_OUTGOING")
    assert (peer["Caller-Destination-Number"], peer["Caller-Caller-ID-Number"], peer["Caller-Caller-ID-Name"]) == (
        "01012345678", "4008", "News, Li")
    bridged_leg(client, call)


def test_keys_while_talking_fire_dtmf_on_the_leg_that_pressed(client: Client, call: str) -> None:
    phone(client, after=0.2, script=[{"wait": 0.5}, {"press": "9"}])
    client.execute(call, "bridge", "user/8001@ivr.local")
    peer = bridged_leg(client, call)
    client.api(f"sim press {call} 4")
    assert client.wait("DTMF", call)["DTMF-Digit"] == "4"
    assert client.wait("DTMF", peer)["DTMF-Digit"] == "9"


def test_originate_and_park_in_freeswitch_order(client: Client) -> None:
    phone(client, after=0.5)
    client.send("bgapi originate {origination_uuid=leg-1,presence_data=agent}user/8001@ivr.local &park()\nJob-UUID: j\n\n")
    assert client.read().get("Job-UUID") == "j"
    client.wait("CHANNEL_PARK", "leg-1")
    order = [packet.event["Event-Name"].removeprefix("CHANNEL_") for packet in client.events
             if packet.event.get("Unique-ID") == "leg-1" or packet.event.get("Job-UUID") == "j"]
    assert [name for name in order if name not in ("STATE", "CALLSTATE", "PROGRESS")] == [
        "OUTGOING", "CREATE", "ORIGINATE", "ANSWER", "OUTGOING", "BACKGROUND_JOB", "EXECUTE", "PARK"]
    job = next(packet for packet in client.events if packet.event["Event-Name"] == "BACKGROUND_JOB")
    assert job.event_body == "+OK leg-1\n"
    assert client.wait("CHANNEL_ANSWER", "leg-1")["Channel-Presence-Data"] == "agent"


@pytest.mark.parametrize(("behaviour", "reply"), [
    ("no_answer", "-ERR NO_ANSWER\n"), ("busy", "-ERR USER_BUSY\n"), ("reject", "-ERR CALL_REJECTED\n"),
    ("unregistered", "-ERR USER_NOT_REGISTERED\n")])
def test_originate_fails(quiet: Client, behaviour: str, reply: str) -> None:
    phone(quiet, behaviour=behaviour, after=0.1)
    assert quiet.api("originate user/8001@ivr.local &park() XML default Name 1 2") == reply


def test_originate_inline_blocks_only_its_own_connection(client: Client, quiet: Client) -> None:
    phone(client, after=4)
    quiet.send("api originate user/8001@ivr.local 'set:a=b,park' inline\n\n")
    uuid = client.wait("CHANNEL_OUTGOING")["Unique-ID"]
    assert client.api("echo still here") == "still here"
    assert quiet.read().body == f"+OK {uuid}\n".encode()
    client.wait("CHANNEL_PARK", uuid)
    assert client.api(f"uuid_getvar {uuid} a") == "b"


def test_uuid_bridge(client: Client, call: str) -> None:
    phone(client, after=0.1)
    reply = client.api("originate {park_after_bridge=false}user/8001@ivr.local &park()")
    peer = reply[4:].strip()
    client.wait("CHANNEL_PARK", peer)
    assert client.api(f"uuid_bridge {call} {peer}") == f"+OK {peer}\n"
    assert bridged_leg(client, call) == peer
    bridges = [packet.event for packet in client.events if packet.event["Event-Name"] == "CHANNEL_BRIDGE"]
    assert [event["Unique-ID"] for event in bridges] == [call]
    assert client.names(call)[-4:] == ["UNPARK", "EXECUTE_COMPLETE(park)", "EXECUTE(uuid_bridge)", "BRIDGE"]
    assert client.names(peer)[-3:] == ["UNPARK", "EXECUTE_COMPLETE(park)", "EXECUTE(uuid_bridge)"]
    client.api(f"sim hangup {peer}")
    client.wait("CHANNEL_PARK", call, Channel_State="CS_PARK")
    assert client.names(call)[-2:] == ["UNBRIDGE", "PARK"]
    merged = [(packet.event.get("Unique-ID"), packet.event["Event-Name"]) for packet in client.events]
    assert merged.index((peer, "CHANNEL_HANGUP")) < merged.index((call, "CHANNEL_UNBRIDGE"))
    client.execute(call, "playback", "short.wav", "again")
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="again")


def test_uuid_bridge_of_somebody_gone(client: Client, call: str) -> None:
    assert client.api(f"uuid_bridge {call} nobody") == "-ERR Invalid uuid\n"
    client.execute(call, "playback", "short.wav", "T")
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")


def test_a_transfer_takes_the_caller_out_of_a_bridge(client: Client, call: str) -> None:
    phone(client, after=0.1)
    client.execute(call, "bridge", "user/8001@ivr.local")
    peer = bridged_leg(client, call)
    assert client.api(f"uuid_transfer {call} 2000 XML public") == "+OK\n"
    client.wait("CHANNEL_HANGUP_COMPLETE", peer)
    park = [event for event in (client.wait("CHANNEL_PARK", call),) if event]
    assert park[0]["Channel-Presence-Data"] == "ivr"


def test_hold(client: Client, call: str) -> None:
    assert client.api(f"uuid_hold {call}") == "+OK Success\n"
    client.wait("CHANNEL_HOLD", call)
    assert client.api(f"uuid_hold off {call}") == "+OK Success\n"
    client.wait("CHANNEL_UNHOLD", call)
    assert client.api("uuid_hold nobody") == "-ERR Operation failed\n"


def test_an_extension_in_the_engines_context_rings_its_phone(client: Client, call: str) -> None:
    phone(client, after=0.1)
    assert client.api(f"uuid_transfer {call} 8001 XML ivr") == "+OK\n"
    assert client.wait("CHANNEL_BRIDGE", call)["Other-Leg-Destination-Number"] == "8001"
