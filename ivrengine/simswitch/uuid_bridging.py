"""uuid_bridge and the like: two channels are told to leave what they do and to meet. How they meet is in ``soft_execute``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .routine import FRAME_MS
from .states import State

if TYPE_CHECKING:
    from .core import Core


def uuid_bridge(core: Core, first: str, second: str) -> bool:
    """Schedule the bridge. False when one is gone or neither has audio."""
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
        channel.end_broadcast()
        channel.redirect_flag = channel.transfer_flag = channel.uuid_bridging = True
        channel.bridge_originator = False
        # Told twice before it looked, a channel takes another way to the same place.
        again = channel.state is State.CS_HIBERNATE
        channel.set_state(State.CS_CONSUME_MEDIA if again else State.CS_HIBERNATE, FRAME_MS)
    core.faults.arm_bridge(one, two)
    core.faults.strike("scheduled", one, two)
    return True
