"""The dialplan: numbers that are handed to the engine, the fallback that helps callers when no engine does, the phones.

Hand-over and fallback are the same lists of applications as in freeswitch-conf, so an engine can't tell the two apart. A call
from outside to a number that nobody serves is refused with NO_ROUTE_DESTINATION; in the engine's own context whatever is no
phone is answered by the fallback. A number may end in ``*``: then it stands for every number that starts so.
"""

from __future__ import annotations

import re
from pathlib import Path

CONTEXT = "ivr"  # where calls go that the engine gives back
FALLBACK = "fallback"
UNCLAIMED_SECONDS = 5
APOLOGY = "apology.wav"  # in the sounds directory unless told otherwise; left out when it is missing
MESSAGE_LIMIT_SECONDS = 300
MESSAGE_SILENCE_SECONDS = 3
SILENCE_THRESHOLD = 200  # mean amplitude below which a frame counts as silent
BEEP = "tone_stream://%(500,0,800)"
SAVED_BEEP = "tone_stream://%(200,100,800);loops=2"
_EXTENSION = re.compile(r"8\d{3}")

Application = tuple[str, str | None]


class Dialplan:
    """``numbers`` are served by the engine: exact, or with ``*`` at the end."""

    def __init__(self, numbers: list[str], messages_dir: Path, domain: str, apology: str = APOLOGY) -> None:
        self.apology = apology
        self.numbers = list(numbers)
        self.messages_dir = messages_dir
        self.domain = domain

    def serves(self, number: str) -> bool:
        return any(number.startswith(entry[:-1]) if entry.endswith("*") else number == entry for entry in self.numbers)

    def route(self, destination: str, dialplan: str, context: str, channel_uuid: str) -> list[Application]:
        """Applications to run one after the other; an empty list where the number leads nowhere."""
        if dialplan.lower() == "inline":
            return inline(destination)
        if context != CONTEXT:
            return self._hand_over() if self.serves(destination) else []
        if _EXTENSION.fullmatch(destination):
            return [("bridge", f"user/{destination}@{self.domain}")]
        return self._fallback(channel_uuid)

    @staticmethod
    def _hand_over() -> list[Application]:
        return [
            ("sched_transfer", f"+{UNCLAIMED_SECONDS} {FALLBACK} XML {CONTEXT}"),
            ("multiset", "playback_terminators=none park_after_bridge=true continue_on_fail=true presence_data=ivr"),
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


def inline(text: str) -> list[Application]:
    """The inline dialplan: ``answer,sleep:1000,park``."""
    applications: list[Application] = []
    for part in text.split(","):
        name, sign, data = part.strip().partition(":")
        if name:
            applications.append((name, data if sign else None))
    return applications
