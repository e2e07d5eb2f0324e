"""What happens on calls, told as it happens to whoever watches: the demo's terminal now, live pages later.

Nothing here is kept and nothing is repeated: the records are the database's. Digits of secret steps are never told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import LogStep

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallBegun:
    call: CallInfo
    flow: str


@dataclass(frozen=True, slots=True)
class CallerHears:
    """``texts``: one line for each prompt or spoken value that begins to play now, one after the other. ``paths``: what the switch
    plays for that. ``secret``: what is keyed in from now on is a secret."""

    call_id: str
    texts: tuple[str, ...]
    paths: tuple[str, ...] = ()
    secret: bool = False


@dataclass(frozen=True, slots=True)
class CallerHearsNoMore:
    """What plays is cut off."""

    call_id: str


@dataclass(frozen=True, slots=True)
class KeyPressed:
    call_id: str
    key: str


@dataclass(frozen=True, slots=True)
class StepLeft:
    call_id: str
    step: LogStep


@dataclass(frozen=True, slots=True)
class CallEnded:
    call_id: str
    outcome: str
    cause: str


Item = CallBegun | CallerHears | CallerHearsNoMore | KeyPressed | StepLeft | CallEnded


class News:
    def __init__(self) -> None:
        self._watchers: list[Callable[[Item], None]] = []

    def watch(self, watcher: Callable[[Item], None]) -> None:
        """``watcher`` is called in the greenlet of the call and must return at once."""
        self._watchers.append(watcher)

    def tell(self, item: Item) -> None:
        for watcher in self._watchers:
            try:
                watcher(item)
            except Exception:
                log.exception("a watcher of the news failed")
