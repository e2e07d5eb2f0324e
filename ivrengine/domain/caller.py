"""Who is calling, as told by the switch: strangers' text, made harmless before anything else sees it.

Refuses nothing: a call with a nonsensical number is still a call. What can't be a number or a name is cut away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NAME_LIMIT = 80  # characters; a display name longer than this is an attack or a bug
NUMBER_LIMIT = 40  # E.164 has 15 digits; SIP user parts of phones and trunks run longer
# Characters that a switch, a shell or a spreadsheet could read as code never survive in a number.
_NOT_NUMBER = re.compile(r"[^0-9A-Za-z+*#._-]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")


def clean_number(text: str) -> str:
    """Keep what a telephone number or a SIP user part can hold; at most NUMBER_LIMIT characters."""
    return _NOT_NUMBER.sub("", text)[:NUMBER_LIMIT]


def clean_name(text: str) -> str:
    """One line of printable text of at most NAME_LIMIT characters."""
    return " ".join(_CONTROL.sub(" ", text).split())[:NAME_LIMIT]


def mask_number(number: str) -> str:
    """How a full telephone number may appear in a log: all but the last three characters hidden."""
    return "*" * max(0, len(number) - 3) + number[-3:] if len(number) > 4 else number


@dataclass(frozen=True, slots=True)
class CallInfo:
    """One call as it reached us. ``call_id`` is the caller's channel UUID; ``started_at`` UTC seconds.

    ``phone``: the extension of the house whose password the caller proved; "" for a call from outside, whatever its number says.
    """

    call_id: str
    dialled: str
    number: str
    name: str = ""
    started_at: float = 0.0
    phone: str = ""
