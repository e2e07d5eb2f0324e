"""Codes that an agent keys during a talk.

| code | what it does |
|---|---|
| `*2` number `#` | pass the caller on to a queue, an agent, a phone or an outside number, and be free |
| `*3` number `#` | speak with somebody first; the caller hears music |
| `*4` | after `*3`: connect the caller with them, and be free |
| `*5` | after `*3`: all three together |
| `*1` | after `*3`: back to the caller alone |
| `*7` | more time for the wrap-up that follows |
| `*8` | pause the recording, or go on with it |
| `**` | forget what was keyed |

Only keys of the agent's own leg reach this; the caller's never do. A code must begin with `*` and be keyed without long pauses:
after PAUSE_SECONDS what was keyed is forgotten. Digits are data: a number has at most NUMBER_LIMIT of them, or the code is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

PAUSE_SECONDS = 5.0  # between two keys of a code
NUMBER_LIMIT = 20

Verb = Literal["blind", "consult", "complete", "three_way", "take_back", "more_wrap_up", "recording", "unknown"]
WITH_NUMBER: dict[str, Verb] = {"2": "blind", "3": "consult"}
AT_ONCE: dict[str, Verb] = {"4": "complete", "5": "three_way", "1": "take_back", "7": "more_wrap_up", "8": "recording"}


@dataclass(frozen=True, slots=True)
class Code:
    """A code that is complete. ``number``: the digits of those that take one."""

    verb: Verb
    number: str = ""


@dataclass(slots=True)
class TalkKeys:
    """One agent's keys during one talk."""

    _keyed: str = field(default="", repr=False)
    _last_at: float = 0.0

    def press(self, key: str, now: float) -> Code | None:
        """The code that this key completes; None while there is none."""
        if now - self._last_at > PAUSE_SECONDS:
            self._keyed = ""
        self._last_at = now
        if not self._keyed:
            self._keyed = "*" if key == "*" else ""
            return None
        if key == "*":
            self._keyed = ""
            return None
        if len(self._keyed) == 1:
            return self._second(key)
        if key == "#":
            return self._complete(Code(WITH_NUMBER[self._keyed[1]], self._keyed[2:]))
        self._keyed += key
        return self._complete(Code("unknown")) if len(self._keyed) - 2 > NUMBER_LIMIT or not key.isdigit() else None

    def _second(self, key: str) -> Code | None:
        if key in WITH_NUMBER:
            self._keyed += key
            return None
        return self._complete(Code(AT_ONCE.get(key, "unknown")))

    def _complete(self, code: Code) -> Code:
        self._keyed = ""
        return Code("unknown") if code.verb in WITH_NUMBER.values() and not code.number else code
