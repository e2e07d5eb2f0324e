"""When the process that holds calls looks for garbage: young objects as always, all of them only while hardly anybody calls.

A full collection walks every object there is and stops every call meanwhile: 50 ms of an engine without calls, 210 ms with 3,000
(./scripts/bench centre, before this). What is loaded at the start stays for good and is never walked again.
"""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 2_000  # made and not yet given up, before the youngest are looked at
MIDDLE_ROUNDS = 10
FULL_ROUNDS = 10_000  # of the middle ones: for a process that is never quiet, some 200 million objects
QUIET_CALLS = 20
LOOK_SECONDS = 60.0


def settle() -> None:
    """Once, when everything is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, MIDDLE_ROUNDS, FULL_ROUNDS)


def collect_when_quiet(calls: int) -> None:
    """Called LOOK_SECONDS apart, with the number of calls that are up."""
    if calls <= QUIET_CALLS:
        gc.collect()
