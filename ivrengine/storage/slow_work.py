"""Work that takes a while on purpose (hashes of PINs and passwords): in native threads, a few at once, with a bounded line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import gevent
from gevent.lock import BoundedSemaphore

from ivrengine.domain.sentence import Sentence

from .errors import StorageOverloaded, StorageTimeout
from .native import outcome, unpack

AT_ONCE = 2  # the other native threads are for the database and the disk
WAITING_LIMIT = 100  # more are somebody's flood
WAIT_SECONDS = 10.0  # for one's turn

T = TypeVar("T")


class SlowWork:
    """``what`` names it in errors: "PINs"."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._turns = BoundedSemaphore(AT_ONCE)
        self._waiting = 0

    def do(self, function: Callable[..., T], *arguments: Any) -> T:
        """What ``function`` returns. Raises StorageOverloaded when WAITING_LIMIT wait already, StorageTimeout."""
        if self._waiting >= WAITING_LIMIT:
            raise StorageOverloaded(
                Sentence("%(most)s %(what)s are waiting to be checked already; this one was refused", most=WAITING_LIMIT, what=self._what)
            )
        self._waiting += 1
        try:
            if not self._turns.acquire(timeout=WAIT_SECONDS):
                raise StorageTimeout(
                    Sentence("no thread was free for %(what)s within %(seconds)g s", what=self._what, seconds=WAIT_SECONDS)
                )
            try:
                return unpack(gevent.get_hub().threadpool.apply(outcome, (function, *arguments)))
            finally:
                self._turns.release()
        finally:
            self._waiting -= 1
