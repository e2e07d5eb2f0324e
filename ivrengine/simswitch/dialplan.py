"""The dialplan: numbers that are handed to the engine, the fallback that helps callers when no engine does, the phones.

Each context does the same as in freeswitch-conf, so an engine can't tell the two apart:

- ``public``, where calls from outside arrive: served numbers, never a feature code, whatever the flows list;
- ``phones``, where calls of our own phones arrive: the same numbers, feature codes, and the other phones; only here is
  ``ivr_phone`` set, to the number that the phone has proved;
- ``transfer``, where a phone's SIP REFER sends the other side: everything is handed over;
- ``leg_transfer``, the same for legs that the engine has dialled: they are only parked;
- ``ivr``, where calls go that the engine gives back: phones, and the fallback for everything else.

Elsewhere a number that nobody serves is refused with NO_ROUTE_DESTINATION. A number may end in ``*``: then it stands for every
number that starts so.
"""

from __future__ import annotations

import re
from pathlib import Path

CONTEXT = "ivr"  # where calls go that the engine gives back
PHONES_CONTEXT = "phones"
TRANSFER_CONTEXT = "transfer"
LEG_TRANSFER_CONTEXT = "leg_transfer"
PHONES_PRESENCE = "ivr-phone"  # the presence data of calls from phone to phone
FALLBACK = "fallback"
UNCLAIMED_SECONDS = 5
CONDITION = "condition"  # an api command that a condition runs while the extension is looked for; the events show no application
APOLOGY = "apology.wav"  # in the sounds directory unless told otherwise; left out when it is missing
MESSAGE_LIMIT_SECONDS = 300
MESSAGE_SILENCE_SECONDS = 3
SILENCE_THRESHOLD = 200  # mean amplitude below which a frame counts as silent
BEEP = "tone_stream://%(500,0,800)"
SAVED_BEEP = "tone_stream://%(200,100,800);loops=2"
NOT_COPIED = (
    "attended_transfer_no_copy=hangup_after_bridge,ivr_phone,presence_data,sip_auth_username,transfer_disposition,transfer_to"
)
_EXTENSION = re.compile(r"8\d{3}")
_FEATURE_CODE = re.compile(r"\*9[0-9]{1,19}")
_OUTSIDE_DIGITS = re.compile(r"[0-9]*")

Application = tuple[str, str | None]


class Dialplan:
    """``numbers`` are served by the engine: exact, or with ``*`` at the end. 8000 to 8999 are the phones of the house."""

    def __init__(self, numbers: list[str], messages_dir: Path, domain: str, apology: str = APOLOGY) -> None:
        self.apology = apology
        self.numbers = list(numbers)
        self.messages_dir = messages_dir
        self.domain = domain

    def serves(self, number: str) -> bool:
        """Whether a call from outside to ``number`` is handed over. Numbers that begin with ``*`` are for phones only."""
        return any(_matches(entry, number) for entry in self.numbers if entry == "*" or not entry.startswith("*"))

    def _serves_phones(self, number: str) -> bool:
        return _FEATURE_CODE.fullmatch(number) is not None or any(_matches(entry, number) for entry in self.numbers)

    def route(self, destination: str, dialplan: str, context: str, channel_uuid: str) -> list[Application]:
        """Applications to run one after the other; an empty list where the number leads nowhere."""
        if dialplan.lower() == "inline":
            return inline(destination)
        if context == TRANSFER_CONTEXT:
            return self._hand_over(channel_uuid)
        if context == LEG_TRANSFER_CONTEXT:
            return [("set", "park_timeout=30"), ("park", None)]
        if context == PHONES_CONTEXT:
            return self._from_phone(destination, channel_uuid)
        if context != CONTEXT:
            return self._hand_over(channel_uuid) if self.serves(destination) else []
        if _EXTENSION.fullmatch(destination):
            return [("bridge", f"user/{destination}@{self.domain}")]
        return self._fallback(channel_uuid)

    def _from_phone(self, destination: str, channel_uuid: str) -> list[Application]:
        proven = [
            ("set_profile_var", "caller_id_number=${sip_auth_username}"),
            ("set", "ivr_phone=${sip_auth_username}"),
        ]
        if self._serves_phones(destination):
            return [*proven, *self._hand_over(channel_uuid)]
        if not _EXTENSION.fullmatch(destination):
            return proven  # FreeSWITCH runs what it has found, then finds nothing more and hangs up
        own = f"hangup_after_bridge=true force_transfer_context={TRANSFER_CONTEXT} presence_data={PHONES_PRESENCE}"
        leg = f"{{presence_data={PHONES_PRESENCE},force_transfer_context={TRANSFER_CONTEXT}}}user/{destination}@{self.domain}"
        # The rest is for a caller who was transferred to this call while it rang, if nobody answers them.
        return [*proven, ("multiset", own), ("set", NOT_COPIED), ("bridge", leg), *self._hand_over_later()]

    @staticmethod
    def _hand_over(channel_uuid: str) -> list[Application]:
        return [
            (CONDITION, f"sched_transfer +{UNCLAIMED_SECONDS} {channel_uuid} {FALLBACK} XML {CONTEXT}"),
            (CONDITION, f"uuid_setvar_multi {channel_uuid} playback_terminators=none;park_after_bridge=true;continue_on_fail=true;"
                        f"force_transfer_context={TRANSFER_CONTEXT};presence_data=ivr"),
            ("park", None),
        ]

    @staticmethod
    def _hand_over_later() -> list[Application]:
        """The same in applications, which run one after the other."""
        return [
            ("sched_transfer", f"+{UNCLAIMED_SECONDS} {FALLBACK} XML {CONTEXT}"),
            ("multiset", "playback_terminators=none park_after_bridge=true continue_on_fail=true"
                         f" force_transfer_context={TRANSFER_CONTEXT} presence_data=ivr"),
            ("park", None),
        ]

    def _fallback(self, channel_uuid: str) -> list[Application]:
        message = self.messages_dir / f"{channel_uuid}.wav"
        return [
            ("sched_cancel", None),
            ("answer", None),
            ("set", "playback_terminators=none"),
            ("playback", "silence_stream://500"),
            ("playback", self.apology),
            ("playback", BEEP),
            ("set", "playback_terminators=#"),
            ("record", f"{message} {MESSAGE_LIMIT_SECONDS} {SILENCE_THRESHOLD} {MESSAGE_SILENCE_SECONDS}"),
            ("playback", SAVED_BEEP),
            ("hangup", "NORMAL_CLEARING"),
        ]


def _matches(entry: str, number: str) -> bool:
    """As the rendered expression does: ``*`` at the end of an entry stands for digits only."""
    if not entry.endswith("*"):
        return number == entry
    return number.startswith(entry[:-1]) and _OUTSIDE_DIGITS.fullmatch(number[len(entry) - 1:]) is not None


def inline(text: str) -> list[Application]:
    """The inline dialplan: ``answer,sleep:1000,park``."""
    applications: list[Application] = []
    for part in text.split(","):
        name, sign, data = part.strip().partition(":")
        if name:
            applications.append((name, data if sign else None))
    return applications
