"""How two channels that uuid_bridge has called together meet, and how that fails.

The reply ``+OK`` only says that both were told. Each leaves what it does at its next audio frame and goes through CS_HIBERNATE
to CS_RESET; the first one (the originator) goes on to CS_SOFT_EXECUTE, fetches the other there and connects: 60 ms after the
command here, 67 ms measured. What a hang-up does on that way, as on a real 1.10.12:

- the second is gone before the first looks for it: the first is parked by ``park_after_bridge``, else hung up;
- the second dies while the first waits for it: the first is parked by ``uuid_bridge_park_on_cancel``, else hung up;
- the first dies: the second stays where it is, in CS_RESET or CS_SOFT_EXECUTE, until somebody ends it;
- the first is sent elsewhere, by another uuid_bridge: the second stays in CS_RESET, or is hung up if it had come to
  CS_SOFT_EXECUTE.
"""

from __future__ import annotations

from .bridging import connect, transfer_after_bridge
from .channel import STATE_HANDLERS, Channel
from .routine import FRAME_MS, Steps
from .states import State
from .text import is_true

FETCH_LIMIT_MS = 20_000.0


def _hibernate(channel: Channel) -> Steps:
    if channel.uuid_bridging:
        channel.set_state(State.CS_RESET)
    yield from ()


def _reset(channel: Channel) -> Steps:
    """The originator of a uuid_bridge goes on by itself; the other side waits to be fetched."""
    channel.set("call_uuid", channel.uuid)
    if channel.uuid_bridge_to is not None:
        channel.set_state(State.CS_SOFT_EXECUTE)
    yield from ()


def _soft_execute(channel: Channel) -> Steps:
    """The originator waits for the other side, then connects."""
    channel.uuid_bridging = False
    wanted = channel.uuid_bridge_to
    if wanted is None:
        return
    other = channel.core.channels.get(wanted)
    if other is None or other.down:
        channel.uuid_bridge_to = None
        _nobody_there(channel)
        return
    yield from _fetch(channel, other)
    if channel.uuid_bridge_to == wanted:  # else another uuid_bridge has begun meanwhile
        channel.uuid_bridge_to = None
    if channel.down or (not other.down and other.uuid_bridge_to is not None):
        return
    if other.down:
        _cancelled(channel)
        return
    if not channel.ready() or not other.ready():
        (channel if channel.ready() else other).hangup("DESTINATION_OUT_OF_ORDER")
        return
    for one, peer in ((channel, other), (other, channel)):
        one.shown_application, one.shown_data = "uuid_bridge", peer.uuid
        one.emit("CHANNEL_EXECUTE", last=[("Application", "uuid_bridge"), ("Application-Data", peer.uuid)])
    yield from connect(channel, other)
    if not channel.transfer_flag and not channel.redirect_flag and not channel.down and channel.state is State.CS_SOFT_EXECUTE:
        channel.set_state(State.CS_EXECUTE)


def _fetch(channel: Channel, other: Channel) -> Steps:
    """Until the other side has come to CS_SOFT_EXECUTE, or one of the two is gone."""
    deadline = channel.core.clock.now_ms() + FETCH_LIMIT_MS
    other.watchers.append(channel.routine)
    while not other.down and not channel.down:
        if channel.core.clock.now_ms() >= deadline:
            channel.hangup("DESTINATION_OUT_OF_ORDER")
            other.hangup("DESTINATION_OUT_OF_ORDER")
            break
        looked_at = channel.core.clock.now_ms()
        if other.state is other.running_state is State.CS_SOFT_EXECUTE:
            break
        if other.state is other.running_state is State.CS_RESET:
            other.set_state(State.CS_SOFT_EXECUTE)
            channel.core.faults.strike("waiting", channel, other)
        while channel.core.clock.now_ms() < looked_at + FRAME_MS and not other.down and not channel.down:
            yield looked_at + FRAME_MS
    other.watchers.remove(channel.routine)


def _nobody_there(channel: Channel) -> None:
    elsewhere = channel.variables.get("transfer_after_bridge")
    if is_true(channel.variables.get("park_after_bridge")):
        channel.park_session()
    elif elsewhere:
        transfer_after_bridge(channel, elsewhere)
    else:
        channel.hangup("DESTINATION_OUT_OF_ORDER")


def _cancelled(channel: Channel) -> None:
    if is_true(channel.variables.get("uuid_bridge_continue_on_cancel")):
        channel.set_state(State.CS_EXECUTE)
    elif is_true(channel.variables.get("uuid_bridge_park_on_cancel")):
        channel.park_session()
    elif not channel.transfer_flag:
        channel.hangup("ORIGINATOR_CANCEL")


STATE_HANDLERS.update({
    State.CS_HIBERNATE: _hibernate,
    State.CS_CONSUME_MEDIA: _hibernate,
    State.CS_RESET: _reset,
    State.CS_SOFT_EXECUTE: _soft_execute,
})
