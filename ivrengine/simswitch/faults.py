"""Faults on demand: what can go wrong between the engine and a switch, so that it can be tried.

Set by ``sim fault`` (see the package docstring). Holds no behaviour of its own: sessions ask ``refusal`` before each
command, audio asks ``lost`` before each file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

REFUSALS_LIMIT = 100
LOST_LIMIT = 10_000


@dataclass
class Refusal:
    """Answer ``reply`` to the next ``times`` commands that start with ``prefix``, and do nothing else with them."""

    prefix: str
    reply: str
    times: int


@dataclass
class Faults:
    delay_events_ms: float = 0.0
    lost_files: set[str] = field(default_factory=set)
    refusals: list[Refusal] = field(default_factory=list)
    reject_connections: int = 0

    def clear(self) -> None:
        self.delay_events_ms = 0.0
        self.lost_files.clear()
        self.refusals.clear()
        self.reject_connections = 0

    def refusal(self, command: str) -> str | None:
        """The reply to give instead of performing ``command`` (its first line), or None."""
        for refusal in self.refusals:
            if command.startswith(refusal.prefix):
                refusal.times -= 1
                if refusal.times <= 0:
                    self.refusals.remove(refusal)
                return refusal.reply
        return None

    def lost(self, path: str) -> bool:
        """True when a file is to be treated as missing: given by its whole path or by its end."""
        return any(path == name or path.endswith("/" + name) for name in self.lost_files)
