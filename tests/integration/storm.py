"""What storms of callers have in common: there are always so many, and in the end all are gone and every call has its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent

from .conftest import eventually
from .engine_process import Process


def supply(callers: list[Any], new: Callable[[int], Any], count: int, pause_seconds: float) -> None:
    """Have ``count`` callers up at any time, until killed. ``new``: makes the caller of that number, whose ``live`` is its greenlet."""
    while True:
        if sum(caller.up for caller in callers) < count:
            caller = new(len(callers))
            callers.append(caller)
            gevent.spawn(caller.live)
        gevent.sleep(pause_seconds)


def wait_all_gone(callers: list[Any], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(caller.up for caller in callers) and time.monotonic() < deadline:
        gevent.sleep(0.1)


def every_call_has_its_end(process: Process) -> None:
    query = "SELECT (SELECT count(*) FROM calls WHERE ended_at IS NULL) + (SELECT count(*) FROM runs)"
    eventually(lambda: process.rows(query) == [(0,)], "the end of every call's row")
