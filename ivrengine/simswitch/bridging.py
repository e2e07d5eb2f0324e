"""Connecting channels: the bridge application, the talk, what happens when a side leaves.

The A leg runs ``connect`` (switch_ivr_multi_threaded_bridge), the B leg waits in CS_EXCHANGE_MEDIA; each runs ``_talk`` as
its audio thread. When B ends, A leaves the bridge with UNBRIDGE and goes to CS_PARK if park_after_bridge is true. How two
channels that exist already come together is in ``uuid_bridging`` and ``soft_execute``.
"""

from __future__ import annotations

from . import holding
from .applications import application, execute
from .causes import DIALSTATUS, Q850
from .channel import STATE_HANDLERS, Channel
from .originating import originate
from .routine import FRAME_MS, Steps
from .states import State
from .text import is_true
from .uuid_bridging import uuid_bridge

BRIDGE_WAIT_MS = 10_000.0


@application("bridge")
def bridge(channel: Channel, data: str) -> Steps:
    """What an earlier bridge left in bridge_hangup_cause or originate_failed_cause stays, as in FreeSWITCH."""
    peer, cause = yield from originate(channel.core, channel, data)
    if channel.awaited_by is not None:
        _serve_who_waits(channel, channel.awaited_by, peer)
        return
    if peer is None:
        channel.set("originate_disposition", cause)
        channel.set("DIALSTATUS", DIALSTATUS.get(cause, cause))
        channel.set("originate_failed_cause", cause)
        handle_cause(channel, cause)
        return
    channel.set("originate_disposition", "SUCCESS")
    channel.set("DIALSTATUS", "SUCCESS")
    yield from connect(channel, peer)


def _serve_who_waits(channel: Channel, waiting: Channel, peer: Channel | None) -> None:
    """The phone has left its call while that rang, and somebody waits in its place."""
    waiting.watchers.remove(channel.routine)
    if peer is None:
        _go_on_as(waiting, channel)
    elif not uuid_bridge(channel.core, waiting.uuid, peer.uuid):
        peer.hangup("ORIGINATOR_CANCEL")


def _go_on_as(channel: Channel, other: Channel) -> None:
    """As switch_channel_caller_extension_masquerade: what ``other`` still had to run, with its variables, in place of one's own."""
    if channel.down:
        return
    kept_out = {*other.variables.get("attended_transfer_no_copy", "").lower().split(","), "uuid"}
    channel.variables.update({name: value for name, value in other.variables.items() if name.lower() not in kept_out})
    channel.profile.destination = other.profile.destination
    channel.end_broadcast()
    channel.queue.clear()
    channel.queue.extend(other.queue)
    channel.transfer_flag = True
    channel.set_state(State.CS_ROUTING)


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
    caller.core.faults.strike("bridged", caller, peer)
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
    yield from _execute_on(channel, "execute_on_pre_bridge")
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
    yield from _execute_on(channel, "execute_on_post_bridge")
    channel.set("bridge_to", None)
    channel.in_bridge = False
    holding.leave_who_is_held(channel, other)
    other.wake(0)
    return left_by_itself


def _execute_on(channel: Channel, variable: str) -> Steps:
    """Run the application (and its argument) that a variable names, also while the channel is on its way elsewhere."""
    name, _, data = channel.variables.get(variable, "").partition(" ")
    if name:
        yield from execute(channel, name, data or None, leaving=True)


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


STATE_HANDLERS[State.CS_EXCHANGE_MEDIA] = exchange_media
