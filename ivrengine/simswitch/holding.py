"""A phone that puts its call on hold itself (a re-INVITE), and what becomes of who is held when it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .states import State

if TYPE_CHECKING:
    from .channel import Channel

HOLD_MUSIC = "local_stream://moh"  # the phones' profile in freeswitch-conf says so


def start(channel: Channel) -> None:
    if channel.holding or channel.down:
        return
    channel.holding = True
    channel.set_callstate("HELD")
    channel.emit("CHANNEL_HOLD")
    if channel.partner is not None:
        channel.partner.queue_private({"call-command": "execute", "execute-app-name": "playback", "execute-app-arg": HOLD_MUSIC,
                                       "event-lock": "true", "loops": "-1"})


def stop(channel: Channel, talks_on: bool = True) -> None:
    if not channel.holding:
        return
    channel.holding = False
    if channel.partner is not None:
        channel.partner.end_broadcast()
    channel.set_callstate("UNHELD")
    channel.emit("CHANNEL_UNHOLD")
    if talks_on:
        channel.set_callstate("ACTIVE")


def leave_who_is_held(channel: Channel, other: Channel) -> None:
    """``channel`` leaves a bridge in which it has put ``other`` on hold. FreeSWITCH hangs up on ``other`` then, park_after_bridge
    or not, unless this leg's hold_hangup_xfer_exten says where they go."""
    if not channel.holding and not channel.hung_up_holding:
        return
    if other.ready() and other.state is not State.CS_PARK:
        other.end_broadcast()
        elsewhere = channel.variables.get("hold_hangup_xfer_exten")
        if elsewhere:
            other.set("transfer_after_bridge", elsewhere)
        else:
            other.hangup("NORMAL_CLEARING")
    channel.hung_up_holding = False
    stop(channel, talks_on=False)
