"""Who waits in which queue, by item and by token, and what a step that asks again has to be told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ivrengine.acd.expected_wait import Band
from ivrengine.domain.events import QueueEvent


@dataclass(slots=True, eq=False)
class Waiting:
    """One waiting of one caller: an item of the dispatcher, and then its talk. Times are of the director's clock.

    ``event``: what the step was told last; None while the caller just waits. ``passed_on`` counts the transfers to queues under
    the same token. ``in_line``: the dispatcher has been told
    of it; ``left``: the caller has gone before that.
    """

    item_id: str
    call_id: str
    token: str
    queue: str
    queued_at: float
    number: str = ""
    name: str = ""
    attempt_id: str = ""  # of the offer that was answered
    event: QueueEvent | None = None
    passed_on: int = 0
    in_line: bool = False
    left: str = ""
    over: bool = False
    band: Band = field(default_factory=Band)


class WaitingRoom:
    """A token stands for the newest waiting under it, also after its end, until the call is over."""

    def __init__(self) -> None:
        self._items: dict[str, Waiting] = {}
        self._tokens: dict[str, Waiting] = {}
        self._calls: dict[str, list[str]] = {}  # call id -> its tokens

    def __iter__(self) -> Iterator[Waiting]:
        """Those that are not over."""
        return iter(list(self._items.values()))

    def __len__(self) -> int:
        return len(self._items)

    def add(self, waiting: Waiting) -> None:
        self._items[waiting.item_id] = waiting
        if waiting.token not in self._tokens:
            self._calls.setdefault(waiting.call_id, []).append(waiting.token)
        self._tokens[waiting.token] = waiting

    def item(self, item_id: str) -> Waiting | None:
        """None for one that is over, and for a callback, where nobody is on the line."""
        return self._items.get(item_id)

    def of_token(self, token: str) -> Waiting | None:
        return self._tokens.get(token)

    def of_call(self, call_id: str) -> list[Waiting]:
        return [self._tokens[token] for token in self._calls.get(call_id, ())]

    def end(self, waiting: Waiting) -> None:
        """It neither waits nor talks any more."""
        waiting.over = True
        self._items.pop(waiting.item_id, None)

    def forget_call(self, call_id: str) -> None:
        for token in self._calls.pop(call_id, ()):
            self.end(self._tokens.pop(token))
