"""Calls that run on a real FreeSWITCH and on the embedded one alike; what is compared is each channel's order of events.

``run_all(world)`` returns {scenario: {"caller": [...], "phone": [...]}}; ``tests/acceptance/record_orders.py`` runs it on a real
FreeSWITCH. Its phones are 9001 (rings, answers after 0.3 s, hangs up after 0.7 s), 9002 (486), 9003 (rings on), 9006 (rings,
answers after 0.3 s, stays).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from simclient import Client

# CHANNEL_STATE is left out: how often it repeats depends on threads. CALLSTATE is kept.
COMPARED = frozenset("""
    CHANNEL_CREATE CHANNEL_DESTROY CHANNEL_CALLSTATE CHANNEL_ANSWER CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE CHANNEL_EXECUTE
    CHANNEL_EXECUTE_COMPLETE CHANNEL_HOLD CHANNEL_UNHOLD CHANNEL_BRIDGE CHANNEL_UNBRIDGE CHANNEL_PROGRESS
    CHANNEL_PROGRESS_MEDIA CHANNEL_OUTGOING CHANNEL_PARK CHANNEL_UNPARK CHANNEL_ORIGINATE DTMF RECORD_START RECORD_STOP
    PLAYBACK_START PLAYBACK_STOP""".split())  # noqa: SIM905 - a list of quoted names would be harder to read


# The hand-over in the dialplan of the recordings; freeswitch-conf has come to do the same with fewer applications.
HAND_OVER = [
    ("set", "presence_data=ivr"),
    ("set", "park_after_bridge=true"),
    ("set", "playback_terminators=none"),
    ("set", "hangup_after_bridge=false"),
    ("set", "continue_on_fail=true"),
    ("sched_transfer", "+5 fallback XML ivr"),
    ("park", None),
]


class World(Protocol):
    client: Client
    recordings: Path

    def call(self) -> str:
        """Place a call to a served number; returns the caller's channel once it is parked."""

    def caller_hangs_up(self, uuid: str) -> None: ...

    def phone(self, number: str) -> str:
        """Dial string of a phone."""

    def sound(self, name: str) -> str: ...


def orders(client: Client, uuid: str) -> list[str]:
    found = []
    for packet in client.events:
        event = packet.event
        if event.get("Unique-ID") != uuid or event["Event-Name"] not in COMPARED:
            continue
        text = event["Event-Name"].removeprefix("CHANNEL_")
        if text.startswith("EXECUTE"):
            text += f" {event['Application']}"
        # How the application says that a hang-up ended it depends on the instant at which its thread noticed.
        if text.startswith("EXECUTE_COMPLETE") and "HANGUP" not in found:
            text += f" -> {event['Application-Response']}"
        text += {"CALLSTATE": f" {event['Channel-Call-State']}", "PLAYBACK_STOP": f" {event.get('Playback-Status')}",
                 "HANGUP_COMPLETE": f" {event.get('Hangup-Cause')}", "DTMF": f" {event.get('DTMF-Digit')}"}.get(text, "")
        found.append(text)
    return found


def answered(world: World) -> str:
    uuid = world.call()
    assert world.client.api(f"sched_del {uuid}") == "+OK Deleted: 1\n"
    run(world, uuid, "answer")
    return uuid


def run(world: World, uuid: str, app: str, arg: str | None = None, wait: bool = True) -> None:
    token = f"{app}-{time.monotonic_ns()}"
    assert world.client.execute(uuid, app, arg, token) == "+OK"
    if wait:
        world.client.wait("CHANNEL_EXECUTE_COMPLETE", uuid, timeout=30, Application_UUID=token)


def finish(world: World, uuid: str) -> None:
    if world.client.api(f"uuid_exists {uuid}") == "true":
        world.client.api(f"uuid_kill {uuid}")
    world.client.wait("CHANNEL_DESTROY", uuid, timeout=30)


def prompts(world: World) -> dict[str, list[str]]:
    client, uuid = world.client, answered(world)
    run(world, uuid, "playback", world.sound("short.wav"))
    run(world, uuid, "playback", world.sound("long.wav"), wait=False)
    client.wait("PLAYBACK_START", uuid)
    client.wait("PLAYBACK_START", uuid)
    client.api(f"uuid_break {uuid}")
    client.wait("PLAYBACK_STOP", uuid, Playback_Status="break")
    run(world, uuid, "playback", "/nowhere/missing.wav")
    run(world, uuid, "playback", f"file_string://{world.sound('short.wav')}!/nowhere/missing.wav!{world.sound('short.wav')}")
    run(world, uuid, "playback", "tone_stream://%(300,0,400)")
    run(world, uuid, "playback", world.sound("long.wav"), wait=False)
    client.wait("PLAYBACK_START", uuid, Playback_File_Path="tone_stream://%(300,0,400)")
    client.wait("PLAYBACK_START", uuid, Playback_File_Path=world.sound("long.wav"))
    client.api(f"uuid_recv_dtmf {uuid} 5")
    client.wait("DTMF", uuid)
    client.execute(uuid, "set", "after=hangup")
    client.execute(uuid, "playback", world.sound("short.wav"))
    client.api(f"uuid_kill {uuid}")
    finish(world, uuid)
    return {"caller": orders(client, uuid)}


def keys_between_prompts(world: World) -> dict[str, list[str]]:
    client, uuid = world.client, answered(world)
    run(world, uuid, "sleep", "2000", wait=False)
    client.wait("CHANNEL_EXECUTE", uuid, Application="sleep")
    client.api(f"uuid_recv_dtmf {uuid} 12")
    client.wait("CHANNEL_EXECUTE_COMPLETE", uuid, Application="sleep")
    client.wait("DTMF", uuid, DTMF_Digit="2")
    finish(world, uuid)
    return {"caller": orders(client, uuid)}


def records(world: World) -> dict[str, list[str]]:
    client, uuid = world.client, answered(world)
    run(world, uuid, "set", "playback_terminators=#")
    run(world, uuid, "record", f"{world.recordings}/one.wav 30 200 20", wait=False)
    client.wait("RECORD_START", uuid)
    client.api(f"uuid_recv_dtmf {uuid} 1#")
    client.wait("CHANNEL_EXECUTE_COMPLETE", uuid, Application="record")
    run(world, uuid, "record", f"{world.recordings}/two.wav 30 200 20", wait=False)
    client.wait("RECORD_START", uuid, Record_File_Path=f"{world.recordings}/two.wav")
    client.api(f"uuid_kill {uuid}")
    finish(world, uuid)
    return {"caller": orders(client, uuid)}


def record_without_directory(world: World) -> dict[str, list[str]]:
    uuid = answered(world)
    world.client.execute(uuid, "record", "/nowhere/at/all.wav 5")
    world.client.wait("CHANNEL_DESTROY", uuid)
    return {"caller": orders(world.client, uuid)}


def secret(world: World) -> dict[str, list[str]]:
    client, uuid = world.client, answered(world)
    run(world, uuid, "set", "sensitive_dtmf=true")
    run(world, uuid, "play_and_get_digits", f"4 6 1 3000 # {world.sound('short.wav')} silence_stream://10 pin", wait=False)
    client.wait("PLAYBACK_STOP", uuid)
    client.api(f"uuid_recv_dtmf {uuid} 1234#")
    client.wait("CHANNEL_EXECUTE_COMPLETE", uuid, Application="play_and_get_digits")
    run(world, uuid, "play_and_get_digits", "4 6 1 1000 # silence_stream://10 silence_stream://10 pin")
    finish(world, uuid)
    return {"caller": orders(client, uuid)}


def phone_hangs_up(world: World) -> dict[str, list[str]]:
    client, uuid = world.client, answered(world)
    run(world, uuid, "bridge", world.phone("9001"))
    client.wait("CHANNEL_PARK", uuid, Channel_State="CS_PARK", timeout=30)
    peer = client.wait("CHANNEL_BRIDGE", uuid)["Bridge-B-Unique-ID"]
    client.wait("CHANNEL_DESTROY", peer)
    finish(world, uuid)
    return {"caller": orders(client, uuid), "phone": orders(client, peer)}


def caller_hangs_up_in_a_talk(world: World) -> dict[str, list[str]]:
    client, uuid = world.client, answered(world)
    run(world, uuid, "bridge", world.phone("9006"), wait=False)
    peer = client.wait("CHANNEL_BRIDGE", uuid, timeout=30)["Bridge-B-Unique-ID"]
    settle(world)
    world.caller_hangs_up(uuid)
    client.wait("CHANNEL_DESTROY", uuid)
    client.wait("CHANNEL_DESTROY", peer)
    return {"caller": orders(client, uuid), "phone": orders(client, peer)}


def busy(world: World) -> dict[str, list[str]]:
    uuid = answered(world)
    run(world, uuid, "bridge", world.phone("9002"))
    finish(world, uuid)
    return {"caller": orders(world.client, uuid)}


def nobody_answers(world: World) -> dict[str, list[str]]:
    client, uuid = world.client, answered(world)
    run(world, uuid, "bridge", "[leg_timeout=2]" + world.phone("9003"))
    peer = client.wait("CHANNEL_OUTGOING", Other_Leg_Unique_ID=uuid)["Unique-ID"]
    client.wait("CHANNEL_DESTROY", peer)
    finish(world, uuid)
    return {"caller": orders(client, uuid), "phone": orders(client, peer)}


def uuid_bridged(world: World) -> dict[str, list[str]]:
    client, uuid = world.client, answered(world)
    client.send(f"bgapi originate {world.phone('9006')} &park()\nJob-UUID: dial-{uuid}\n\n")
    peer = client.wait("BACKGROUND_JOB", timeout=30, Job_UUID=f"dial-{uuid}")["_body"][4:].strip()
    client.wait("CHANNEL_PARK", peer)
    settle(world)
    assert client.api(f"uuid_bridge {uuid} {peer}") == f"+OK {peer}\n"
    client.wait("CHANNEL_BRIDGE", uuid)
    settle(world)
    client.api(f"uuid_kill {peer}")
    client.wait("CHANNEL_PARK", uuid, Channel_State="CS_PARK", timeout=30)
    client.wait("CHANNEL_DESTROY", peer)
    finish(world, uuid)
    return {"caller": orders(client, uuid), "phone": orders(client, peer)}


def transferred(world: World) -> dict[str, list[str]]:
    client, uuid = world.client, answered(world)
    client.api(f"uuid_transfer {uuid} park inline")
    client.wait("CHANNEL_UNPARK", uuid)
    client.wait("CHANNEL_PARK", uuid)
    finish(world, uuid)
    return {"caller": orders(client, uuid)}


def never_answered(world: World) -> dict[str, list[str]]:
    uuid = world.call()
    world.client.api(f"sched_del {uuid}")
    world.caller_hangs_up(uuid)
    world.client.wait("CHANNEL_DESTROY", uuid)
    return {"caller": orders(world.client, uuid)}


def unknown_application(world: World) -> dict[str, list[str]]:
    uuid = answered(world)
    world.client.execute(uuid, "frobnicate", "x")
    world.client.wait("CHANNEL_DESTROY", uuid)
    return {"caller": orders(world.client, uuid)}


def settle(world: World) -> None:
    """Let a thread of a real switch come to rest."""
    if not isinstance(world, SimWorld):
        time.sleep(0.3)


SCENARIOS: tuple[Callable[[World], dict[str, list[str]]], ...] = (
    prompts, keys_between_prompts, records, record_without_directory, secret, phone_hangs_up, caller_hangs_up_in_a_talk, busy,
    nobody_answers, uuid_bridged, transferred, never_answered, unknown_application)


class SimWorld:
    def __init__(self, client: Client, recordings: Path) -> None:
        self.client = client
        self.recordings = recordings
        for number, behaviour in {
            "9001": {"after": 0.3, "talk": 0.7}, "9002": {"behaviour": "busy", "after": 0.1}, "9003": {"behaviour": "no_answer"},
            "9006": {"after": 0.3},
        }.items():
            client.api("sim phone " + json.dumps({"extension": number, **behaviour}))

    def call(self) -> str:
        uuid = self.client.call("2000", **{"from": "13800138000"})
        self.client.wait("CHANNEL_PARK", uuid)
        return uuid

    def caller_hangs_up(self, uuid: str) -> None:
        self.client.api(f"sim hangup {uuid}")

    def phone(self, number: str) -> str:
        return f"sofia/test/{number}@127.0.0.1"

    def sound(self, name: str) -> str:
        return name


class RealWorld:
    """A FreeSWITCH that calls itself: the caller is another of its channels."""

    def __init__(self, client: Client, sip_port: int, sounds: Path, recordings: Path) -> None:
        self.client = client
        self.sip_port = sip_port
        self.sounds = sounds
        self.recordings = recordings
        self._callers: dict[str, str] = {}

    def call(self) -> str:
        leg = self.client.api("create_uuid").strip()
        self.client.reply(f"bgapi originate {{origination_uuid={leg},ignore_early_media=true}}sofia/test/5001@127.0.0.1:{self.sip_port} "
                          "caller XML ivr")
        park = self.client.wait("CHANNEL_PARK", Channel_Presence_Data="ivr")
        self._callers[park["Unique-ID"]] = leg
        return park["Unique-ID"]

    def caller_hangs_up(self, uuid: str) -> None:
        self.client.api(f"uuid_kill {self._callers[uuid]}")

    def phone(self, number: str) -> str:
        return f"sofia/test/{number}@127.0.0.1:{self.sip_port}"

    def sound(self, name: str) -> str:
        return str(self.sounds / name)


def header_names(client: Client) -> dict[str, list[str]]:
    """Names of the headers of the first event of each kind on an inbound channel, variables left out."""
    found: dict[str, list[str]] = {}
    for packet in client.events:
        name = packet.event.get("Event-Name", "")
        if name in COMPARED and packet.event.get("Channel-Presence-Data") == "ivr" and name not in found:
            found[name] = [header for header in packet.event if not header.startswith("variable_")]
    return found


def run_all(world: World) -> dict[str, dict[str, list[str]]]:
    """Orders by scenario, and under ``headers`` the names of headers by event."""
    found = {scenario.__name__: scenario(world) for scenario in SCENARIOS}
    return {**found, "headers": header_names(world.client)}
