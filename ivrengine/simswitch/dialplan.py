"""The dialplan: numbers that are handed to the engine, the fallback that helps callers when no engine does, the phones.

The hand-over is the same list of applications as in freeswitch-conf, so an engine can't tell the two apart. A number may
end in ``*``: then it stands for every number that starts so. What matches nothing is refused with NO_ROUTE_DESTINATION.
"""

from __future__ import annotations

import re
from pathlib import Path

CONTEXT = "ivr"
FALLBACK = "fallback"
UNCLAIMED_SECONDS = 5
APOLOGY = "fallback_apology.wav"  # in the sounds directory; left out when it is missing
MESSAGE_LIMIT_SECONDS = 180
MESSAGE_SILENCE_SECONDS = 5
SILENCE_THRESHOLD = 200  # mean amplitude below which a frame counts as silent
BEEP = "tone_stream://%(500,0,800)"
_EXTENSION = re.compile(r"8\d{3}")

Application = tuple[str, str | None]


class Dialplan:
    """``numbers`` are served by the engine: exact, or with ``*`` at the end."""

    def __init__(self, numbers: list[str], messages_dir: Path, domain: str) -> None:
        self.numbers = list(numbers)
        self.messages_dir = messages_dir
        self.domain = domain

    def serves(self, number: str) -> bool:
        return any(number.startswith(entry[:-1]) if entry.endswith("*") else number == entry for entry in self.numbers)

    def route(self, destination: str, dialplan: str, channel_uuid: str) -> list[Application]:
        """Applications to run one after the other; an empty list where the number leads nowhere."""
        if dialplan.lower() == "inline":
            return inline(destination)
        if destination == FALLBACK:
            return self._fallback(channel_uuid)
        if self.serves(destination):
            return self._hand_over()
        if _EXTENSION.fullmatch(destination):
            return [("set", "continue_on_fail=false"), ("set", "hangup_after_bridge=true"),
                    ("bridge", f"user/{destination}@{self.domain}")]
        return []

    @staticmethod
    def _hand_over() -> list[Application]:
        return [
            ("set", "presence_data=ivr"),
            ("set", "park_after_bridge=true"),
            ("set", "playback_terminators=none"),
            ("set", "hangup_after_bridge=false"),
            ("set", "continue_on_fail=true"),
            ("sched_transfer", f"+{UNCLAIMED_SECONDS} {FALLBACK} XML {CONTEXT}"),
            ("park", None),
        ]

    def _fallback(self, channel_uuid: str) -> list[Application]:
        message = self.messages_dir / f"unclaimed-{channel_uuid}.wav"
        return [
            ("answer", None),
            ("sleep", "500"),
            ("playback", APOLOGY),
            ("playback", BEEP),
            ("set", "playback_terminators=#"),
            ("record", f"{message} {MESSAGE_LIMIT_SECONDS} {SILENCE_THRESHOLD} {MESSAGE_SILENCE_SECONDS}"),
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
