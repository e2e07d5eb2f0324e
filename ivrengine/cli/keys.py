"""What a simulated caller does, as typed on the command line: ``1 w2s 2#``.

A word of keys is pressed when the present prompt has ended; ``!`` in front presses it at once, into the prompt. ``w2s`` (or
``w500ms``) waits; ``say:FILE`` speaks a sound file once the recording has begun; ``hangup`` hangs up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ivrengine.flow.types import KEYS

_WAIT = re.compile(r"w(\d+(?:\.\d+)?)(ms|s|m)\Z")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}
LONGEST_WAIT_SECONDS = 3600.0


class BadKeys(ValueError):
    """The keys can't be understood; says which word."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a caller does; ``value`` is keys, seconds or a path, by ``kind``."""

    kind: Literal["press", "press_at_once", "wait", "speak", "hangup"]
    value: str = ""
    seconds: float = 0.0


def parse_keys(text: str) -> list[Act]:
    """The acts in order. Raises BadKeys."""
    return [_act(word) for word in text.split()]


def _act(word: str) -> Act:
    if word == "hangup":
        return Act("hangup")
    if word.startswith("say:") and len(word) > 4:
        return Act("speak", str(Path(word[4:]).absolute()))  # the switch may run in another directory
    if match := _WAIT.match(word):
        seconds = float(match[1]) * _SECONDS[match[2]]
        if seconds > LONGEST_WAIT_SECONDS:
            raise BadKeys(f"{word!r} waits longer than an hour")
        return Act("wait", seconds=seconds)
    at_once, keys = word.startswith("!"), word.removeprefix("!")
    if keys and all(key in KEYS for key in keys):
        return Act("press_at_once" if at_once else "press", keys)
    raise BadKeys(f"{word!r} is neither keys (0-9 * #, with ! in front to press at once), nor w2s, say:FILE or hangup")


def to_script(acts: list[Act]) -> list[dict[str, object]]:
    """The same as a script for a caller on the embedded switch."""
    script: list[dict[str, object]] = []
    for act in acts:
        match act.kind:
            case "press":
                script.append({"press_after_prompt": act.value})
            case "press_at_once":
                script.append({"press": act.value})
            case "wait":
                script.append({"wait": act.seconds})
            case "speak":
                script += [{"until_recording": True}, {"speak": act.value}]
            case "hangup":
                script.append({"hangup": True})
    return script
