"""Errors of what runs in gevent's native threads, brought over as values.

gevent prints a stack for every exception that leaves one of its threads, though somebody waits for it and will say it better.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
Outcome = tuple[T | None, Exception | None]


def outcome(function: Callable[..., T], *arguments: Any) -> Outcome[T]:
    """To be called in the thread: what ``function`` returned, or what it raised."""
    try:
        return function(*arguments), None
    except Exception as error:
        return None, error


def unpack(result: Outcome[T]) -> T:
    """To be called by who waits: what was returned. Raises what was raised."""
    value, error = result
    if error is not None:
        raise error
    return value  # type: ignore[return-value]
