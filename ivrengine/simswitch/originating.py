"""Ringing phones: dial strings, originate, what becomes of a leg until it answers or is given up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .causes import cause_from
from .channel import Channel
from .headers import Profile
from .phones import UNREACHABLE, Phone, PhoneUser
from .routine import Routine, Steps
from .states import State
from .text import leading_int, split_braces

if TYPE_CHECKING:
    from .core import Core

DEFAULT_RING_SECONDS = 60
TARGETS_LIMIT = 20
NO_NUMBER = "0000000000"  # whose call it is, where nobody says
OUTBOUND_CALL = "Outbound Call"  # FreeSWITCH's name for whoever is called
# What freeswitch-conf's directory says of every phone of the house: its dial-var parameters.
PHONE_VARIABLES = {"hold_hangup_xfer_exten": "park:inline", "force_transfer_context": "transfer"}

_APP_TEXT = re.compile(r"&([^(]+)(?:\((.*)\))?$", re.DOTALL)


def find_phone(core: Core, target: str) -> Phone | str:
    """The phone behind a dial string's last part, or the cause why there is none."""
    kind, _, rest = target.partition("/")
    if kind == "error":
        return cause_from(rest)
    if kind == "user":
        phone = core.phones.extension(rest.partition("@")[0])
    elif kind == "sofia" and "/" in rest:
        number = rest.rpartition("/")[2].partition("@")[0].removeprefix("sip:")
        phone = core.phones.outside(number)
    else:
        return "CHAN_NOT_IMPLEMENTED"
    return UNREACHABLE.get(phone.behaviour, phone)


def originate(core: Core, caller: Channel | None, dial_string: str, *, timeout_seconds: float | None = None,
              caller_name: str | None = None, caller_number: str | None = None, routine: Routine | None = None) -> Steps:
    """Ring a phone until it answers. Runs inside ``caller``'s routine, or inside ``routine`` without one.

    ``|`` separates phones that are tried one after the other. Returns (channel or None, cause).
    """
    if caller is not None and caller.answered and not caller.down:
        caller.set_callstate("RING_WAIT")
    variables, rest = split_braces(dial_string)
    peer, cause = None, "DESTINATION_OUT_OF_ORDER"
    for target in rest.split("|")[:TARGETS_LIMIT]:
        own, target = split_braces(target.strip())
        peer, cause = yield from _try(core, caller, target, {**variables, **own}, timeout_seconds, caller_name, caller_number,
                                      routine)
        if peer is not None or (caller is not None and caller.down):
            break
    if caller is not None and caller.answered and not caller.down:
        caller.set_callstate("ACTIVE")
    return peer, cause


def _try(core: Core, caller: Channel | None, target: str, variables: dict[str, str], timeout_seconds: float | None,
         caller_name: str | None, caller_number: str | None, routine: Routine | None) -> Steps:
    """One phone. Returns (channel or None, cause)."""
    waiter = caller.routine if caller is not None else routine
    phone = find_phone(core, target) if "," not in target else "CHAN_NOT_IMPLEMENTED"
    if isinstance(phone, str):
        return None, phone
    seconds = timeout_seconds or DEFAULT_RING_SECONDS
    for name in ("call_timeout", "originate_timeout"):
        seconds = leading_int(variables.get(name) or (caller.variables.get(name) if caller else None)) or seconds
    timeout_cause = "NO_ANSWER"
    leg_seconds = leading_int(variables.get("leg_timeout"))
    if 0 < leg_seconds < seconds:
        seconds, timeout_cause = leg_seconds, "ALLOTTED_TIMEOUT"
    ready_at = core.clock.now_ms() + core.faults.channel_delay_ms()
    while core.clock.now_ms() < ready_at:
        yield ready_at
    peer = _ring(core, caller, phone, target, variables, caller_name, caller_number)
    if peer is None:
        return None, "DESTINATION_OUT_OF_ORDER"
    peer.watchers.append(waiter)
    try:
        cause = yield from _wait_for_answer(core, caller, peer, seconds, timeout_cause)
    finally:
        peer.watchers.remove(waiter)
    if cause == "SUCCESS":
        if target.startswith("user/"):
            peer.emit("CHANNEL_OUTGOING")  # once more, by the endpoint that stands for the directory
        return peer, cause
    if caller is not None:
        caller.set("last_bridge_hangup_cause", cause)
    return None, cause


def _ring(core: Core, caller: Channel | None, phone: Phone, target: str, variables: dict[str, str],
          caller_name: str | None, caller_number: str | None) -> Channel | None:
    """The leg, or None where its origination_uuid is taken."""
    name, number = caller_name or "", caller_number or NO_NUMBER
    if caller is not None:
        name = caller.variables.get("effective_caller_id_name", caller.profile.caller_id_name)
        number = caller.variables.get("effective_caller_id_number", caller.profile.caller_id_number)
    name = variables.get("origination_caller_id_name", name)
    number = variables.get("origination_caller_id_number", number)
    profile = Profile(caller_id_name=name, caller_id_number=number, destination=phone.number, context="default",
                      direction="outbound", logical_direction="outbound", dialplan="XML", callee_id_name=OUTBOUND_CALL,
                      callee_id_number=phone.number)
    of_the_house = target.startswith("user/")
    uuid = variables.get("origination_uuid")
    if core.faults.takes_another_uuid():
        uuid = None
    if uuid is not None and uuid in core.channels:
        return None
    peer = Channel(core, profile, f"sofia/{'phones' if of_the_house else 'external'}/{phone.number}@127.0.0.1", uuid)
    presence = {"presence_id": f"{phone.number}@{core.domain}", **PHONE_VARIABLES} if of_the_house else {}
    for key, value in {**variables, **presence}.items():
        peer.set(key, value)
    if caller is not None:
        for export in caller.variables.get("export_vars", "").split(","):
            export = export.removeprefix("nolocal:")
            if export in caller.variables:
                peer.set(export, caller.variables[export])
        peer.set("originator", caller.uuid)
        peer.set("call_uuid", caller.uuid)
        peer.other_profile = ("originator", caller.profile, caller.uuid, caller.name)
        caller.other_profile = ("originatee", profile, peer.uuid, peer.name)
        legs = caller.variables.get("originated_legs", "")
        leg = f"{peer.uuid};{OUTBOUND_CALL};{phone.number}"
        caller.set("originated_legs", f"{legs if legs.startswith('ARRAY::') else f'ARRAY::{legs}'}|:{leg}" if legs else leg)
    peer.emit("CHANNEL_OUTGOING")
    PhoneUser(peer, phone)
    peer.wake(0)
    return peer


def _wait_for_answer(core: Core, caller: Channel | None, peer: Channel, seconds: float, timeout_cause: str) -> Steps:
    """Returns SUCCESS or the cause of the failure; then the peer is hung up."""
    deadline = core.clock.now_ms() + seconds * 1000
    while True:
        if caller is not None:
            if caller.awaited_by is None:
                yield from caller.parse_events()
            if not caller.ready() if caller.awaited_by is None else caller.awaited_by.down:
                peer.hangup("ORIGINATOR_CANCEL")
                return "ORIGINATOR_CANCEL"
        if peer.down:
            return peer.hangup_cause
        if peer.answered and peer.running_state is State.CS_CONSUME_MEDIA:
            return "SUCCESS"
        if core.clock.now_ms() >= deadline:
            peer.hangup(timeout_cause)
            return timeout_cause
        yield deadline


def originate_command(core: Core, arguments: list[str | None], routine: Routine) -> Steps:
    """``originate``: ring, then run an application or an extension. Returns the api's reply."""
    target, extension, dialplan, context, name, number, timeout, *_ = [*arguments, *[None] * 7]
    peer, cause = yield from originate(core, None, target or "", caller_name=name, caller_number=number, routine=routine,
                                       timeout_seconds=leading_int(timeout, DEFAULT_RING_SECONDS) or DEFAULT_RING_SECONDS)
    if peer is None:
        return f"-ERR {cause}\n"
    app = _APP_TEXT.match(extension or "")
    if app is not None:
        peer.queue.append((app.group(1), app.group(2)))
        peer.set_state(State.CS_EXECUTE)
    else:
        peer.transfer(extension or "", dialplan or "XML", context or "default")
    return f"+OK {peer.uuid}\n"
