"""SIP REFER from a phone of the house: its transfer key, blind or to a call that it has beside the first one (attended).

As sofia_handle_sip_i_refer: FreeSWITCH itself moves the other side; the phone's own legs end. ``force_transfer_context`` decides
in which context a blind transfer looks for what was keyed. Not simulated: a transfer to another switch. A caller from the trunk may
send no REFER, as freeswitch-conf has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .states import State
from .uuid_bridging import uuid_bridge

if TYPE_CHECKING:
    from .channel import Channel


class CannotRefer(Exception):
    """FreeSWITCH would refuse; the message is a sentence."""


def refer_blind(channel: Channel, number: str) -> None:
    """The phone at ``channel`` sends its other side to ``number``. Raises CannotRefer."""
    _check(channel)
    other = channel.partner
    if other is None:
        raise CannotRefer("this call is connected with nobody")
    target = f"<sip:{number}@{channel.core.domain}>"
    channel.set("transfer_disposition", "recv_replace")
    channel.set("transfer_to", f"blind:{other.uuid}")
    channel.set("transfer_destination", f"blind:{number}")
    channel.set("endpoint_disposition", "BLIND_TRANSFER")
    other.set("sip_refer_to", target)
    other.end_broadcast()
    other.transfer(number)


def refer_attended(channel: Channel, second: Channel) -> None:
    """The phone joins the other sides of its two calls ``channel`` and ``second`` and leaves both; where nobody has answered the second
    one, the other side of the first waits for that, with music. Raises CannotRefer."""
    _check(channel)
    _check(second)
    if channel is second:
        raise CannotRefer("an attended transfer needs a second call")
    if not second.answered:
        _refer_ringing(channel, second)
        return
    one, two = channel.partner, second.partner
    channel.set("transfer_disposition", "recv_replace")
    channel.set("refer_uuid", second.uuid)
    second.set("transfer_disposition", "replaced")
    if one is not None and two is not None:
        channel.set("transfer_to", f"att:{two.uuid}")
        uuid_bridge(channel.core, one.uuid, two.uuid)
        second.set("endpoint_disposition", "ATTENDED_TRANSFER")
        second.set("park_timeout", "2:attended_transfer")
        second.set_state(State.CS_PARK)
    elif one is not None:
        # The second call is one that the engine has: the other side is sent to the number that the phone had dialled for it.
        one.end_broadcast()
        one.transfer(second.profile.destination)
        second.hangup("ATTENDED_TRANSFER")
    elif two is not None:
        two.end_broadcast()
        two.transfer(channel.profile.destination)
        second.hangup("ATTENDED_TRANSFER")
        channel.hangup("ATTENDED_TRANSFER")
    else:
        raise CannotRefer("neither of the two calls is connected with anybody")


def _refer_ringing(channel: Channel, second: Channel) -> None:
    """FreeSWITCH connects the other side with whoever answers; where nobody does, they go on in the second call's dialplan."""
    other = channel.partner
    if other is None or second.profile.direction != "inbound":
        raise CannotRefer("a transfer to a call that rings needs somebody at the other end of the first")
    channel.set("transfer_disposition", "recv_replace")
    channel.set("refer_uuid", second.uuid)
    second.set("transfer_disposition", "replaced")
    second.set("transfer_to", f"satt:{other.uuid}")
    second.set("endpoint_disposition", "ATTENDED_TRANSFER")
    second.awaited_by = other
    other.watchers.append(second.routine)
    other.set("att_xfer_kill_uuid", second.uuid)
    other.end_broadcast()
    other.transfer("endless_playback:local_stream://moh,park", "inline")
    second.hangup("NORMAL_TEMPORARY_FAILURE")


def _check(channel: Channel) -> None:
    if channel.down or not channel.name.startswith("sofia/phones/"):
        raise CannotRefer("only a phone of the house can transfer a call, while it lasts")
