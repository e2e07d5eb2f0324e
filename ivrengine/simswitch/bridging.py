"""Ringing phones and connecting channels: originate, the bridge application, uuid_bridge, what happens when a side leaves.

The A leg runs ``connect`` (switch_ivr_multi_threaded_bridge), the B leg waits in CS_EXCHANGE_MEDIA; each runs ``_talk`` as
its audio thread. When B ends, A leaves the bridge with UNBRIDGE and goes to CS_PARK if park_after_bridge is true.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .applications import application
from .causes import DIALSTATUS, Q850, cause_from
from .channel import STATE_HANDLERS, Channel, State
from .headers import Profile
from .phones import UNREACHABLE, Phone, PhoneUser
from .routine import FRAME_MS, Routine, Steps
from .text import is_true, leading_int, split_braces

if TYPE_CHECKING:
    from .core import Core

DEFAULT_RING_SECONDS = 60
TARGETS_LIMIT = 20
OUTBOUND_CALL = "Outbound Call"  # FreeSWITCH's name for whoever is called
BRIDGE_WAIT_MS = 10_000.0


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
    peer = _ring(core, caller, phone, target, variables, caller_name, caller_number)
    peer.watchers.append(waiter)
    try:
        cause = yield from _wait_for_answer(core, caller, peer, seconds, timeout_cause)
    finally:
        peer.watchers.remove(waiter)
    if cause == "SUCCESS":
        return peer, cause
    if caller is not None:
        caller.set("last_bridge_hangup_cause", cause)
    return None, cause


def _ring(core: Core, caller: Channel | None, phone: Phone, target: str, variables: dict[str, str],
          caller_name: str | None, caller_number: str | None) -> Channel:
    name, number = caller_name or "", caller_number or ""
    if caller is not None:
        name = caller.variables.get("effective_caller_id_name", caller.profile.caller_id_name)
        number = caller.variables.get("effective_caller_id_number", caller.profile.caller_id_number)
    name = variables.get("origination_caller_id_name", name)
    number = variables.get("origination_caller_id_number", number)
    profile = Profile(caller_id_name=name, caller_id_number=number, destination=phone.number, context="default",
                      direction="outbound", logical_direction="outbound", dialplan="XML", callee_id_name=OUTBOUND_CALL,
                      callee_id_number=phone.number)
    side = "internal" if target.startswith("user/") else "external"
    uuid = variables.get("origination_uuid")
    if uuid is not None and uuid in core.channels:
        uuid = None
    peer = Channel(core, profile, f"sofia/{side}/{phone.number}@127.0.0.1", uuid)
    for key, value in variables.items():
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
            yield from caller.parse_events()
            if not caller.ready():
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


@application("bridge")
def bridge(channel: Channel, data: str) -> Steps:
    """What an earlier bridge left in bridge_hangup_cause or originate_failed_cause stays, as in FreeSWITCH."""
    peer, cause = yield from originate(channel.core, channel, data)
    if peer is None:
        channel.set("originate_disposition", cause)
        channel.set("DIALSTATUS", DIALSTATUS.get(cause, cause))
        channel.set("originate_failed_cause", cause)
        handle_cause(channel, cause)
        return
    channel.set("originate_disposition", "SUCCESS")
    channel.set("DIALSTATUS", "SUCCESS")
    yield from connect(channel, peer)


def handle_cause(channel: Channel, cause: str) -> None:
    """As switch_channel_handle_cause: hang up after a failed dial, unless continue_on_fail allows the cause."""
    wanted = channel.variables.get("continue_on_fail", "")
    allowed = {word.strip().upper() for word in wanted.split(",")}
    if is_true(wanted) or cause in allowed or str(Q850.get(cause)) in allowed:
        return
    channel.hangup(cause)


def connect(caller: Channel, peer: Channel) -> Steps:
    """Bridge two channels until one of them leaves; runs as ``caller``."""
    if peer.answered and not caller.answered:
        caller.answer()
    if not caller.ready():
        peer.hangup(caller.hangup_cause or "ORIGINATOR_CANCEL")
        return
    caller.bridge_originator = True
    peer.bridge_originator = False
    peer.set_state(State.CS_CONSUME_MEDIA)
    peer.set("call_uuid", caller.uuid)
    caller.profile.callee_id_name = peer.profile.callee_id_name
    caller.profile.callee_id_number = peer.profile.callee_id_number
    caller.profile.times.bridged = peer.profile.times.bridged = caller.core.clock.wall_us()
    between = [("Bridge-A-Unique-ID", caller.uuid), ("Bridge-B-Unique-ID", peer.uuid)]
    caller.emit("CHANNEL_BRIDGE", first=between)
    for one, other in ((caller, peer), (peer, caller)):
        one.partner = other
        one.in_bridge = True
        one.set("bridge_to", other.uuid)
        one.set("last_bridge_to", other.uuid)
        one.set("bridge_channel", other.name)
        one.set("bridge_uuid", other.uuid)
        one.set("signal_bond", other.uuid)
    for one in (caller, peer):
        if one.person is not None:
            one.person.wake(0)
    peer.set_state(State.CS_EXCHANGE_MEDIA)
    left_by_itself = yield from _talk(caller, peer)
    caller.bridge_originator = False
    peer.watchers.append(caller.routine)
    waited_until = caller.core.clock.now_ms() + BRIDGE_WAIT_MS
    while peer.state is State.CS_EXCHANGE_MEDIA and not peer.gone and caller.core.clock.now_ms() < waited_until:
        yield waited_until
    peer.watchers.remove(caller.routine)
    if caller.hangup_cause:
        peer.set("bridge_hangup_cause", caller.hangup_cause)
    if peer.hangup_cause:
        caller.set("bridge_hangup_cause", peer.hangup_cause)
    caller.partner = None
    if peer.partner is caller:
        peer.partner = None
    peer.set("call_uuid", peer.uuid)
    caller.emit("CHANNEL_UNBRIDGE", first=between)
    if not (caller.transfer_flag or caller.redirect_flag or left_by_itself):
        _after_bridge(caller, peer)


def _after_bridge(caller: Channel, peer: Channel) -> None:
    cause = peer.hangup_cause or "NORMAL_CLEARING"
    wanted = caller.variables.get("hangup_after_bridge", "")
    if not peer.answered:
        handle_cause(caller, cause)
    if wanted.lower() == "explicit":
        caller.hangup(cause)
    if caller.down or not peer.answered:
        return
    elsewhere = caller.variables.get("transfer_after_bridge")
    if is_true(caller.variables.get("park_after_bridge")):
        caller.park_session()
    elif elsewhere:
        transfer_after_bridge(caller, elsewhere)
    elif is_true(wanted):
        caller.hangup(cause)


def transfer_after_bridge(channel: Channel, where: str) -> None:
    destination, dialplan, context, *_ = [*where.split(":"), None, None]
    channel.set("transfer_after_bridge", None)
    channel.transfer(destination or "", dialplan, context)


def _talk(channel: Channel, other: Channel) -> Steps:
    """As audio_bridge_thread, one direction. Returns True when ``channel`` left by its own doing (a transfer)."""
    left_by_itself = False
    while True:
        if channel.transfer_flag:
            left_by_itself = True
            break
        if other.transfer_flag or not other.in_bridge:
            break
        if not channel.ready():
            left_by_itself = not channel.down
            break
        if other.down:
            break
        if channel.private and not channel.event_lock:
            yield from channel.parse_events()
            continue
        if channel.digits:
            channel.dequeue_digit()
        yield channel.core.clock.now_ms() + FRAME_MS if channel.digits else None
    channel.set("bridge_to", None)
    channel.in_bridge = False
    other.wake(0)
    return left_by_itself


def exchange_media(channel: Channel) -> Steps:
    """CS_EXCHANGE_MEDIA of a B leg, as audio_bridge_on_exchange_media."""
    other = channel.partner
    if other is None:
        channel.hangup("DESTINATION_OUT_OF_ORDER")
        return
    left_by_itself = yield from _talk(channel, other)
    if (not channel.down and not channel.transfer_flag and not channel.redirect_flag and not left_by_itself
            and channel.state is State.CS_EXCHANGE_MEDIA):
        elsewhere = channel.variables.get("transfer_after_bridge")
        if is_true(channel.variables.get("park_after_bridge")):
            channel.park_session()
        elif elsewhere:
            transfer_after_bridge(channel, elsewhere)
        else:
            channel.hangup("NORMAL_CLEARING" if channel.answered else "ORIGINATOR_CANCEL")
    if channel.state is State.CS_EXCHANGE_MEDIA:
        channel.set("park_timeout", "3")
        channel.set_state(State.CS_PARK)


def uuid_bridge(core: Core, first: str, second: str) -> bool:
    """Take two channels out of what they do and connect them. False when one is gone or neither has audio."""
    one, two = core.channels.get(first), core.channels.get(second)
    if one is None or two is None or one.down or two.down or one is two:
        return False
    if not one.media_ready:
        one, two = two, one
    if not one.media_ready:
        return False
    one.uuid_bridge_to, two.uuid_bridge_to = two.uuid, None
    one.other_profile = ("originatee", two.profile, two.uuid, two.name)
    two.other_profile = ("originator", one.profile, one.uuid, one.name)
    one.hit_dialplan = True
    for channel, other in ((one, two), (two, one)):
        channel.set("bridge_channel", other.name)
        channel.set("bridge_uuid", other.uuid)
        channel.set("signal_bond", other.uuid)
        if channel.broadcast:
            channel.stop_broadcast = channel.break_flag = True
        channel.redirect_flag = channel.transfer_flag = True
        channel.bridge_originator = False
        channel.set_state(State.CS_HIBERNATE)
    return True


def hibernate(channel: Channel) -> Steps:
    channel.set_state(State.CS_RESET)
    yield from ()


def reset(channel: Channel) -> Steps:
    """The originator of a uuid_bridge goes on by itself; the other side waits to be fetched."""
    channel.set("call_uuid", channel.uuid)
    if channel.uuid_bridge_to is not None:
        channel.set_state(State.CS_SOFT_EXECUTE)
    yield from ()


def soft_execute(channel: Channel) -> Steps:
    """CS_SOFT_EXECUTE: the originator of a uuid_bridge waits for the other side, then connects."""
    wanted, channel.uuid_bridge_to = channel.uuid_bridge_to, None
    if wanted is None:
        return
    other = channel.core.channels.get(wanted)
    deadline = channel.core.clock.now_ms() + BRIDGE_WAIT_MS
    if other is not None:
        other.watchers.append(channel.routine)
        while not other.down and not channel.down and channel.core.clock.now_ms() < deadline:
            if other.state is State.CS_RESET and other.running_state is State.CS_RESET:
                other.set_state(State.CS_SOFT_EXECUTE)
            if other.running_state is State.CS_SOFT_EXECUTE:
                break
            yield min(deadline, channel.frame_end())
        other.watchers.remove(channel.routine)
    if other is None or other.down or not channel.ready() or not other.ready():
        _bridge_failed(channel, other)
        return
    for one, peer in ((channel, other), (other, channel)):
        one.shown_application, one.shown_data = "uuid_bridge", peer.uuid
        one.emit("CHANNEL_EXECUTE", last=[("Application", "uuid_bridge"), ("Application-Data", peer.uuid)])
    yield from connect(channel, other)
    if not channel.transfer_flag and not channel.redirect_flag and not channel.down and channel.state is State.CS_SOFT_EXECUTE:
        channel.set_state(State.CS_EXECUTE)


def _bridge_failed(channel: Channel, other: Channel | None) -> None:
    if other is not None and not other.down:
        other.hangup("DESTINATION_OUT_OF_ORDER")
    if channel.down or channel.transfer_flag:
        return
    if is_true(channel.variables.get("park_after_bridge")):
        channel.park_session()
    else:
        channel.hangup("DESTINATION_OUT_OF_ORDER")


def set_hold(channel: Channel, hold: bool) -> bool:
    """As switch_ivr_hold and _unhold. False when it is on hold already."""
    if channel.held == hold:
        return not hold
    channel.held = hold
    channel.emit("CHANNEL_HOLD" if hold else "CHANNEL_UNHOLD")
    return True


STATE_HANDLERS.update({
    State.CS_EXCHANGE_MEDIA: exchange_media,
    State.CS_HIBERNATE: hibernate,
    State.CS_RESET: reset,
    State.CS_SOFT_EXECUTE: soft_execute,
})

_APP_TEXT = re.compile(r"&([^(]+)(?:\((.*)\))?$", re.DOTALL)


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
