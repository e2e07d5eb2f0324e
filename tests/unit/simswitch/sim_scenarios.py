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
from urllib.parse import quote

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

    def leg_up(self, leg: str) -> None:
        """A leg to the phone 9006 has just been answered."""

    def phone_does(self, leg: str, deed: str) -> None:
        """What the user of the phone at the end of ``leg`` does: press KEYS, hold, unhold, refer NUMBER, hangup."""

    def consult(self) -> tuple[str, str]:
        """The phone of an agent calls a colleague: (its own channel, the colleague's leg), connected."""

    def call_engine(self) -> str:
        """The phone of an agent calls a number that is handed over; answered and parked."""

    def attended(self, leg: str, second: str) -> None:
        """The phone sends REFER for ``leg`` to the other call that it has, whose channel is ``second``."""

    def bridge_and_leave(self, first: str, second: str, who: str, stage: str) -> None:
        """uuid_bridge, and one of the two hangs up before they are connected: "scheduled" or "waiting"."""


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
    if "DESTROY" not in orders(world.client, uuid):
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

# -- the second part: legs, races, holds, transfers, recordings, supervisors

LEG_VARIABLES = "ignore_early_media=true,park_timeout=60,hangup_after_bridge=true,presence_data=ivr-leg"


def leg(world: World) -> str:
    """An agent's leg: originated, answered, parked."""
    client = world.client
    uuid = client.api("create_uuid").strip()
    client.send(f"bgapi originate {{origination_uuid={uuid},{LEG_VARIABLES}}}user/9006@ivr.local &park()\nJob-UUID: leg-{uuid}\n\n")
    client.wait("CHANNEL_PARK", uuid, timeout=30)
    world.leg_up(uuid)
    settle(world)
    return uuid


def caller_ready(world: World, park_after: bool = True, park_on_cancel: bool = True) -> str:
    uuid = answered(world)
    for name, value in (("park_after_bridge", park_after), ("uuid_bridge_park_on_cancel", park_on_cancel)):
        assert world.client.api(f"uuid_setvar {uuid} {name} {str(value).lower()}") == "+OK\n"
    world.client.api(f"uuid_setvar {uuid} force_transfer_context transfer")
    return uuid


def talk(world: World) -> tuple[str, str]:
    """(caller, agent's leg), connected by uuid_bridge."""
    caller, agent = caller_ready(world), leg(world)
    assert world.client.api(f"uuid_bridge {caller} {agent}") == f"+OK {agent}\n"
    world.client.wait("CHANNEL_BRIDGE", caller)
    settle(world)
    return caller, agent


def ended(world: World, **channels: str) -> dict[str, list[str]]:
    """Hang up whoever is left. Returns the orders of all."""
    for uuid in channels.values():
        finish(world, uuid)
    return {name: orders(world.client, uuid) for name, uuid in channels.items()}


def pause(world: World, seconds: float = 0.6) -> None:
    """Let what is under way come to its end, and read the events of it."""
    until = time.monotonic() + (seconds if isinstance(world, RealWorld) else seconds / 4)
    while (left := until - time.monotonic()) > 0:
        try:
            world.client.events.append(world.client.read(left))
        except TimeoutError:
            return


def leg_of_a_phone(world: World) -> dict[str, list[str]]:
    return ended(world, leg=leg(world))


def leg_not_reached(world: World) -> dict[str, list[str]]:
    """Busy; nobody answers; killed while it rings."""
    client, found = world.client, {}
    for name, number, variables in (("busy", "9002", ""), ("no_answer", "9003", ",originate_timeout=2"), ("killed", "9003", "")):
        uuid = client.api("create_uuid").strip()
        client.send(f"bgapi originate {{origination_uuid={uuid}{variables}}}user/{number}@ivr.local &park()\nJob-UUID: {uuid}\n\n")
        if name == "killed":
            client.wait("CHANNEL_PROGRESS", uuid)
            assert client.api(f"uuid_kill {uuid}") == "+OK\n"
        client.wait("CHANNEL_DESTROY", uuid, timeout=30)
        found[name] = [*orders(client, uuid), client.wait("BACKGROUND_JOB", Job_UUID=uuid, timeout=30)["_body"]]
    return found


def taken_uuid(world: World) -> dict[str, list[str]]:
    client, uuid = world.client, leg(world)
    client.send(f"bgapi originate {{origination_uuid={uuid}}}user/9006@ivr.local &park()\nJob-UUID: again-{uuid}\n\n")
    answer = client.wait("BACKGROUND_JOB", Job_UUID=f"again-{uuid}")["_body"]
    return {**ended(world, leg=uuid), "answer": [answer]}


def agent_dies_after_uuid_bridge(world: World) -> dict[str, list[str]]:
    """Every combination of what protects the caller, at both moments."""
    found = {}
    for stage in ("scheduled", "waiting"):
        for after, on_cancel in ((False, False), (False, True), (True, False), (True, True)):
            caller, agent = caller_ready(world, after, on_cancel), leg(world)
            world.bridge_and_leave(caller, agent, "second", stage)
            world.client.wait("CHANNEL_DESTROY", agent)
            pause(world)
            found[f"{stage} after={after} on_cancel={on_cancel}"] = orders(world.client, caller)
            finish(world, caller)
    return found


def caller_dies_after_uuid_bridge(world: World) -> dict[str, list[str]]:
    found = {}
    for stage in ("scheduled", "waiting"):
        caller, agent = caller_ready(world), leg(world)
        world.bridge_and_leave(caller, agent, "first", stage)
        world.client.wait("CHANNEL_DESTROY", caller)
        pause(world)
        left = world.client.api(f"uuid_exists {agent}")
        assert world.client.api(f"uuid_kill {agent}") == "+OK\n"
        world.client.wait("CHANNEL_DESTROY", agent)
        found[stage] = [*orders(world.client, agent), f"left alone: {left}"]
    return found


def agent_given_first_dies(world: World) -> dict[str, list[str]]:
    """The caller is left in no application at all."""
    found = {}
    for stage in ("scheduled", "waiting"):
        caller, agent = caller_ready(world), leg(world)
        world.bridge_and_leave(agent, caller, "first", stage)
        world.client.wait("CHANNEL_DESTROY", agent)
        pause(world)
        found[stage] = [*orders(world.client, caller), f"left alone: {world.client.api(f'uuid_exists {caller}')}"]
        finish(world, caller)
    return found


def two_bridges_to_one_caller(world: World) -> dict[str, list[str]]:
    client, caller, one, two = world.client, caller_ready(world), leg(world), leg(world)
    client.send(f"api uuid_bridge {caller} {one}\n\napi uuid_bridge {caller} {two}\n\n")
    client.wait("CHANNEL_BRIDGE", caller, Bridge_B_Unique_ID=two)
    pause(world)
    return ended(world, caller=caller, first=one, second=two)


def bridged_anew(world: World) -> dict[str, list[str]]:
    """A second agent takes over a caller who talks."""
    client, (caller, one), two = world.client, talk(world), leg(world)
    assert client.api(f"uuid_bridge {caller} {two}") == f"+OK {two}\n"
    client.wait("CHANNEL_BRIDGE", caller, Bridge_B_Unique_ID=two)
    settle(world)
    client.api(f"uuid_kill {two}")
    client.wait("CHANNEL_PARK", caller, Channel_State="CS_PARK")
    return ended(world, caller=caller, first=one, second=two)


def parked_out_of_a_talk(world: World) -> dict[str, list[str]]:
    """uuid_park on the agent's leg, both connected again, uuid_transfer -both."""
    client, (caller, agent) = world.client, talk(world)
    assert client.api(f"uuid_park {agent}") == "+OK\n"
    client.wait("CHANNEL_PARK", caller, Channel_State="CS_PARK")
    pause(world, 0.3)
    client.api(f"uuid_bridge {caller} {agent}")
    client.wait("CHANNEL_BRIDGE", caller)
    settle(world)
    assert client.api(f"uuid_transfer {caller} -both park inline") == "+OK\n"
    client.wait("CHANNEL_EXECUTE", caller, Application="park")
    pause(world)
    return ended(world, caller=caller, leg=agent)


def phone_holds(world: World) -> dict[str, list[str]]:
    client, (caller, agent) = world.client, talk(world)
    world.phone_does(agent, "hold")
    client.wait("PLAYBACK_START", caller, timeout=10)
    world.phone_does(agent, "unhold")
    client.wait("CHANNEL_UNHOLD", agent)
    pause(world)
    world.phone_does(agent, "hold")
    client.wait("PLAYBACK_START", caller)
    world.phone_does(agent, "hangup")
    client.wait("CHANNEL_PARK", caller, Channel_State="CS_PARK")
    return ended(world, caller=caller, leg=agent)


def phone_gone_while_holding(world: World) -> dict[str, list[str]]:
    """Without hold_hangup_xfer_exten the caller is hung up on, park_after_bridge or not."""
    client, (caller, agent) = world.client, talk(world)
    client.api(f"uuid_setvar {agent} hold_hangup_xfer_exten")
    world.phone_does(agent, "hold")
    client.wait("PLAYBACK_START", caller)
    client.api(f"uuid_kill {agent}")
    client.wait("CHANNEL_DESTROY", caller)
    return ended(world, caller=caller, leg=agent)


def switch_holds(world: World) -> dict[str, list[str]]:
    client, (caller, agent) = world.client, talk(world)
    assert client.api(f"uuid_hold {agent}") == "+OK Success\n"
    pause(world, 0.4)
    assert client.api(f"uuid_hold off {agent}") == "+OK Success\n"
    pause(world, 0.4)
    return ended(world, caller=caller, leg=agent)


def blind_transfer(world: World) -> dict[str, list[str]]:
    client, (caller, agent) = world.client, talk(world)
    world.phone_does(agent, "refer *958002")
    park = client.wait("CHANNEL_PARK", caller, Caller_Destination_Number="*958002")
    gone = client.wait("CHANNEL_HANGUP_COMPLETE", agent)
    told = [f"{name}: {gone.get('variable_' + name)}" for name in ("transfer_destination", "endpoint_disposition")]
    found = ended(world, caller=caller, leg=agent)
    return {**found, "told": [park["Caller-Context"], *told, f"to the caller: {gone['variable_transfer_to'] == f'blind:{caller}'}"]}


def blind_transfer_from_hold(world: World) -> dict[str, list[str]]:
    client, (caller, agent) = world.client, talk(world)
    world.phone_does(agent, "hold")
    client.wait("PLAYBACK_START", caller)
    world.phone_does(agent, "refer 8002")
    client.wait("CHANNEL_PARK", caller, Caller_Destination_Number="8002")
    return ended(world, caller=caller, leg=agent)


def attended_transfer(world: World) -> dict[str, list[str]]:
    client, (caller, agent) = world.client, talk(world)
    second, colleague = world.consult()
    settle(world)
    world.attended(agent, second)
    client.wait("CHANNEL_BRIDGE", caller, Bridge_B_Unique_ID=colleague)
    gone = client.wait("CHANNEL_HANGUP_COMPLETE", agent)
    client.wait("CHANNEL_DESTROY", second, timeout=20)
    client.api(f"uuid_kill {colleague}")
    client.wait("CHANNEL_PARK", caller, Channel_State="CS_PARK")
    told = [f"{name}: {gone.get('variable_' + name)}" for name in ("transfer_disposition", "transfer_destination")]
    same = [gone["variable_transfer_to"] == f"att:{colleague}", gone["variable_refer_uuid"] == second]
    found = ended(world, caller=caller, leg=agent, consultation=second, colleague=colleague)
    found["consultation"] = found["consultation"][found["consultation"].index("BRIDGE"):]  # before it, the dialplans differ
    return {**found, "told": [*told, f"names them: {same}"]}


def attended_transfer_to_the_engine(world: World) -> dict[str, list[str]]:
    client, (caller, agent) = world.client, talk(world)
    second = world.call_engine()
    settle(world)
    world.attended(agent, second)
    park = client.wait("CHANNEL_PARK", caller, Caller_Context="transfer")
    client.wait("CHANNEL_DESTROY", second)
    found = ended(world, caller=caller, leg=agent, consultation=second)
    found["consultation"] = found["consultation"][found["consultation"].index("PARK"):]
    dialled = client.wait("CHANNEL_PARK", second)["Caller-Destination-Number"]
    return {**found, "told": [f"as dialled: {park['Caller-Destination-Number'] == dialled}"]}


def recorded_talk(world: World) -> dict[str, list[str]]:
    client, (caller, agent) = world.client, talk(world)
    one, two = (f"{world.recordings}/talk/{name}.wav" for name in ("one", "two"))
    client.api(f"uuid_setvar {caller} RECORD_STEREO true")
    said = [client.api(f"uuid_record {caller} {action}") for action in (
        f"start {one}", f"start {one}", f"mask {one}", f"unmask {one}", f"mask {two}", f"stop {two}")]  # fmt: skip
    pause(world, 1.0)
    said.append(client.api(f"uuid_record {caller} stop {one}"))
    causes = [client.wait("RECORD_STOP", caller)["Record-Completion-Cause"]]
    said.append(client.api(f"uuid_record {caller} start {two}"))
    pause(world, 0.5)
    client.api(f"uuid_kill {caller}")
    client.wait("RECORD_STOP", caller)
    return {**ended(world, caller=caller, leg=agent), "said": [*said, *causes]}


def supervised_talk(world: World) -> dict[str, list[str]]:
    client, (caller, agent), boss = world.client, talk(world), leg(world)
    run(world, boss, "eavesdrop", agent, wait=False)
    client.wait("CHANNEL_EXECUTE", boss, Application="eavesdrop")
    pause(world)
    world.phone_does(boss, "press 213")
    pause(world, 1.5)
    client.api(f"uuid_break {boss}")
    client.execute(boss, "set", "waits=until the end")
    pause(world, 0.4)
    world.phone_does(boss, "press *")
    client.wait("CHANNEL_EXECUTE_COMPLETE", boss, Application="set")
    run(world, boss, "three_way", caller, wait=False)
    client.wait("CHANNEL_EXECUTE", boss, Application="three_way")
    pause(world, 0.4)
    assert client.api(f"uuid_transfer {boss} park inline") == "+OK\n"
    client.wait("CHANNEL_UNPARK", boss)
    pause(world, 0.4)
    run(world, boss, "eavesdrop", agent, wait=False)
    client.wait("CHANNEL_EXECUTE", boss, Application="eavesdrop")
    pause(world, 0.4)
    client.api(f"uuid_kill {agent}")
    client.wait("CHANNEL_EXECUTE_COMPLETE", boss, Application="eavesdrop")
    run(world, boss, "eavesdrop", agent)
    pause(world, 0.3)
    return ended(world, caller=caller, leg=agent, supervisor=boss)


def timers_around_talks(world: World) -> dict[str, list[str]]:
    """The switch itself deletes the caller's timer before each talk and sets it again after it, however it ends."""
    client, caller = world.client, caller_ready(world)
    client.api(f"uuid_setvar_multi {caller} execute_on_pre_bridge=sched_cancel;"
               "execute_on_post_bridge=sched_transfer +600 fallback XML ivr")
    found = {}
    for end in ("killed", "parked", "taken over", "transferred", "caller gone"):
        agent = leg(world)
        client.api(f"uuid_bridge {caller} {agent}")
        client.wait("CHANNEL_BRIDGE", caller, Bridge_B_Unique_ID=agent)
        settle(world)
        if end == "killed":
            client.api(f"uuid_kill {agent}")
        elif end == "parked":
            client.api(f"uuid_transfer {caller} -both park inline")
        elif end == "taken over":
            other = leg(world)
            client.api(f"uuid_bridge {caller} {other}")
            client.wait("CHANNEL_BRIDGE", caller, Bridge_B_Unique_ID=other)
            settle(world)
            client.api(f"uuid_kill {other}")
        elif end == "transferred":
            world.phone_does(agent, "refer 8002")
            client.wait("CHANNEL_PARK", caller, Caller_Context="transfer")
        else:
            world.caller_hangs_up(caller)
        pause(world)
        found[end] = ended(world, leg=agent)["leg"]
    return {**ended(world, caller=caller), **found}


def modes_of_listening_in(world: World) -> dict[str, list[str]]:
    """An event of the client's changes whom the supervisor speaks to."""
    client, (caller, agent), boss = world.client, talk(world), leg(world)
    client.api(f"uuid_setvar {boss} eavesdrop_enable_dtmf false")
    run(world, boss, "eavesdrop", agent, wait=False)
    client.wait("CHANNEL_EXECUTE", boss, Application="eavesdrop")
    pause(world)
    said = [client.reply(f"sendevent CUSTOM\nUnique-ID: {boss}\neavesdrop-command: {command}")[:3] for command in ("2", "0", "*")]
    pause(world)
    return {**ended(world, caller=caller, leg=agent, supervisor=boss), "said": said}


def music(world: World) -> dict[str, list[str]]:
    uuid = answered(world)
    run(world, uuid, "playback", "local_stream://moh", wait=False)
    world.client.wait("PLAYBACK_START", uuid)
    pause(world, 0.4)
    world.client.api(f"uuid_break {uuid}")
    world.client.wait("CHANNEL_EXECUTE_COMPLETE", uuid, Application="playback")
    finish(world, uuid)
    return {"caller": orders(world.client, uuid)}


SCENARIOS: tuple[Callable[[World], dict[str, list[str]]], ...] = (
    prompts, keys_between_prompts, records, record_without_directory, secret, phone_hangs_up, caller_hangs_up_in_a_talk, busy,
    nobody_answers, uuid_bridged, transferred, never_answered, unknown_application, leg_of_a_phone, leg_not_reached, taken_uuid,
    agent_dies_after_uuid_bridge, caller_dies_after_uuid_bridge, agent_given_first_dies, two_bridges_to_one_caller, bridged_anew,
    parked_out_of_a_talk, phone_holds, phone_gone_while_holding, switch_holds, blind_transfer, blind_transfer_from_hold,
    attended_transfer, attended_transfer_to_the_engine, recorded_talk, supervised_talk,
    timers_around_talks, modes_of_listening_in, music)


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

    def leg_up(self, leg: str) -> None:
        pass

    def phone_does(self, leg: str, deed: str) -> None:
        word, _, argument = deed.partition(" ")
        assert self.client.api(f"sim {word} {leg} {argument}".rstrip()) == "+OK\n"

    def consult(self) -> tuple[str, str]:
        self.client.api('sim phone {"extension": "8002", "after": 0.2}')
        second = self._dial("8002")
        return second, self.client.wait("CHANNEL_BRIDGE", second)["Bridge-B-Unique-ID"]

    def call_engine(self) -> str:
        second = self._dial("2000")
        self.client.wait("CHANNEL_EXECUTE", second, Application="park")
        self.client.api(f"sched_del {second}")
        run(self, second, "answer")
        return second

    def _dial(self, number: str) -> str:
        self.client.api('sim phone {"extension": "9006", "after": 0.3}')
        return self.client.api(f'sim dial {{"extension": "9006", "number": "{number}"}}')[4:].strip()

    def attended(self, leg: str, second: str) -> None:
        assert self.client.api(f"sim refer {leg} with {second}") == "+OK\n"

    def bridge_and_leave(self, first: str, second: str, who: str, stage: str) -> None:
        assert self.client.api(f'sim fault {{"uuid_bridge": "{who}", "at": "{stage}"}}') == "+OK\n"
        self.client.api(f"uuid_bridge {first} {second}")


class RealWorld:
    """A FreeSWITCH that calls itself: the caller is another of its channels."""

    def __init__(self, client: Client, sip_port: int, sounds: Path, recordings: Path) -> None:
        self.client = client
        self.sip_port = sip_port
        self.sounds = sounds
        self.recordings = recordings
        self._callers: dict[str, str] = {}
        self._far: dict[str, str] = {}  # leg -> the channel that stands for its phone
        self._others: set[str] = set()

    def call(self) -> str:
        leg = self.client.api("create_uuid").strip()
        self.client.reply(f"bgapi originate {{origination_uuid={leg},ignore_early_media=true}}sofia/test/5001@127.0.0.1:{self.sip_port} "
                          "caller XML ivr")
        park = self.client.wait("CHANNEL_PARK", Channel_Presence_Data="ivr")
        while park["Unique-ID"] in self._callers:  # an earlier call, parked once more
            park = self.client.wait("CHANNEL_PARK", Channel_Presence_Data="ivr")
        self._callers[park["Unique-ID"]] = leg
        return park["Unique-ID"]

    def caller_hangs_up(self, uuid: str) -> None:
        self.client.api(f"uuid_kill {self._callers[uuid]}")

    def phone(self, number: str) -> str:
        return f"sofia/test/{number}@127.0.0.1:{self.sip_port}"

    def sound(self, name: str) -> str:
        return str(self.sounds / name)

    def leg_up(self, leg: str) -> None:
        # FreeSWITCH's table of channels is written a little later than its events.
        while not (new := self._inbound("9006") - set(self._far.values()) - self._others):
            time.sleep(0.05)
        (self._far[leg],) = new

    def phone_does(self, leg: str, deed: str) -> None:
        far, (word, _, argument) = self._far[leg], deed.partition(" ")
        if word == "refer":
            self.client.execute(far, "deflect", f"sip:{argument}@127.0.0.1:{self.sip_port}")
        else:
            command = {"press": f"uuid_send_dtmf {far} {argument}", "hold": f"uuid_hold {far}", "unhold": f"uuid_hold off {far}",
                       "hangup": f"uuid_kill {far}"}
            assert self.client.api(command[word]).startswith("+OK")

    def consult(self) -> tuple[str, str]:
        second = self._call_from_the_phone("colleague")
        colleague = self.client.wait("CHANNEL_BRIDGE", second)["Bridge-B-Unique-ID"]
        self._others = self._inbound("9006") - set(self._far.values())
        return second, colleague

    def call_engine(self) -> str:
        second = self._call_from_the_phone("5002")
        self.client.wait("CHANNEL_EXECUTE", second, Application="park")
        self.client.api(f"sched_del {second}")
        run(self, second, "answer")
        return second

    def _call_from_the_phone(self, number: str) -> str:
        before = self._inbound(number)
        self.client.reply(f"bgapi originate {{ignore_early_media=true}}sofia/test/{number}@127.0.0.1:{self.sip_port} caller XML ivr")
        while not (new := self._inbound(number) - before):
            time.sleep(0.05)
        return new.pop()

    def attended(self, leg: str, second: str) -> None:
        call, to, from_ = (self.client.api(f"uuid_getvar {second} sip_{name}") for name in ("call_id", "to_tag", "from_tag"))
        replaces = quote(f"{call};to-tag={to};from-tag={from_}", safe="")
        self.client.execute(self._far[leg], "deflect", f"<sip:x@127.0.0.1:{self.sip_port}?Replaces={replaces}>")

    def bridge_and_leave(self, first: str, second: str, who: str, stage: str) -> None:
        self.client.send(f"api uuid_bridge {first} {second}\n\n")
        if stage == "waiting":
            time.sleep(0.02)
        self.client.send(f"api uuid_kill {first if who == 'first' else second}\n\n")
        for _ in range(2):
            while (packet := self.client.read()).kind.startswith("text/event"):
                self.client.events.append(packet)

    def _inbound(self, number: str) -> set[str]:
        rows = json.loads(self.client.api("show channels as json")).get("rows", [])
        return {row["uuid"] for row in rows if (row["dest"], row["direction"]) == (number, "inbound")}


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
