"""What the switch holds, read after every (re)connect: its Core-UUID, and our channels with their variables.

``show channels as json`` names the channels of our shard, ``uuid_dump`` tells each one's whole state in the same encoded lines as an
event. The dumps are asked for a window at a time, so that other commands get in between. Reads only; judges nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

from .commands import call_id_part
from .connection import Connection
from .errors import ProtocolError, SwitchRefused, UnsafeCommand
from .wire import RawEvent

LIST_SECONDS = 20.0  # a list of 10,000 channels takes a while
DUMP_SECONDS = 10.0
DUMP_WINDOW = 50

log = logging.getLogger(__name__)


def core_uuid(commands: Connection) -> str:
    """The switch's own id, new at each of its starts."""
    return commands.api("global_getvar core_uuid").strip()


def our_channel_ids(commands: Connection, *presence: str) -> list[list[str]]:
    """For each presence data the ids of its channels, oldest first. Raises ProtocolError for a list that can't be read."""
    text = commands.api("show channels as json", LIST_SECONDS)
    try:
        rows = json.loads(text, strict=False).get("rows", [])
        ids = [[row["uuid"] for row in rows if row.get("presence_data") == shard] for shard in presence]
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ProtocolError(f"the switch's list of channels can't be read: {error!r}") from error
    return [[call_id for call_id in of_one if _can_be_named(call_id)] for of_one in ids]


def _can_be_named(call_id: str) -> bool:
    try:
        call_id_part(call_id)
    except UnsafeCommand as error:
        log.warning("passing over a channel: %s", error)
        return False
    return True


def dumps(commands: Connection, call_ids: list[str]) -> Iterator[RawEvent]:
    """The state of each channel that still exists."""
    for first in range(0, len(call_ids), DUMP_WINDOW):
        window = call_ids[first : first + DUMP_WINDOW]
        for reply in commands.pipeline([f"api uuid_dump {call_id}" for call_id in window], DUMP_SECONDS):
            if reply.ok:
                yield RawEvent(reply.frame.body)
            elif not reply.data.startswith("-ERR No such channel"):
                raise SwitchRefused(reply.data.strip())
