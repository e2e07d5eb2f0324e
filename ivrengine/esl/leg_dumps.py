"""What an event of the switch says of a whole leg or caller: where it stands, and what the engine has written on it."""

from __future__ import annotations

from ivrengine.domain.legs import LegState

from .commands import TAG_PREFIX, decode_value
from .wire import RawEvent

TRANSFER_CONTEXT = "transfer"  # of the dialplan: where a phone's transfer sends a caller


def was_transferred(park: RawEvent) -> bool:
    """Whether a caller is parked because a phone has sent them somewhere; their profile tells it ever after, so look at what parks."""
    return (
        park.event_name == "CHANNEL_PARK"
        and park.get("Channel-State") == "CS_EXECUTE"
        and park.get("Caller-Dialplan") == "XML"
        and park.get("Caller-Context") == TRANSFER_CONTEXT
    )


def leg_state(dump: RawEvent) -> LegState:
    prefix = f"variable_{TAG_PREFIX}"
    return LegState(
        leg_id=dump.unique_id,
        answered=dump.get("Answer-State") == "answered",
        bridged_to=dump.get("variable_bridge_to") or "",
        tags={name.removeprefix(prefix): decode_value(value) for name, value in dump.starting_with(prefix)},
    )
