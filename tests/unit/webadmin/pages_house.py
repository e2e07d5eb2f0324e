"""What the tests of pages share: the key, names and the clock of their engine."""

from __future__ import annotations

KEY = "the-key-of-this-run"
AT = 1_790_000_000.0
PASSWORD = "a password of tests"
AGENT_ID = "1001"


class Clock:
    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> float:
        return self.now
