"""Live pages by server-sent events: whoever publishes never waits, and who reads too slowly gets the whole state again instead.

``hub.publish(topic, data)`` is called on the engine's thread. A page's view returns ``hub.subscribe(topics, ...)``. Every event has an
id; a browser that comes back within HISTORY_LIMIT events gets what it has missed, any other gets a ``snapshot``. A ``beat`` goes out
when nothing else did, so that both sides notice a dead line, and a session that was ended ends its stream with ``signed_out``.

What many pages show alike is made into JSON once: ``Told``.
"""

from __future__ import annotations

import json
import logging
import random
import secrets
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Any

from flask import Response
from gevent.event import Event

from ivrengine.storage.errors import StorageError

ASK_SECONDS = 15.0  # between two questions whether a stream's session goes on: each costs a look into the database
BEAT_SECONDS = 15.0  # at most this long without a word; pages that must notice sooner ask for less
QUEUE_LIMIT = 200  # events that one browser may be behind
HISTORY_LIMIT = 500  # events that a browser may have missed
CLIENTS_LIMIT = 2000  # streams at once
RETRY_MS = 1000  # how soon a browser comes back

log = logging.getLogger(__name__)

Snapshot = Callable[[], Any]


class Told(str):
    """JSON already, to be sent as it is."""

    __slots__ = ()

    @classmethod
    def of(cls, data: Any) -> Told:
        # Without line breaks: nothing that a stranger wrote can begin a field of its own.
        return cls(json.dumps(data, ensure_ascii=True, separators=(",", ":")))

    def having(self, **more: Any) -> Told:
        """This object with more in it."""
        head = Told.of(more)[:-1]
        return Told(f"{head}}}" if self == "{}" else f"{head},{self[1:]}") if more else self


class Client:
    """One browser's stream. ``behind``: it was too slow, what waited was dropped."""

    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        self.waiting: deque[bytes] = deque()
        self.behind = False
        self.some = Event()

    def put(self, event: bytes) -> None:
        if not self.behind:
            if len(self.waiting) >= QUEUE_LIMIT:
                self.waiting.clear()
                self.behind = True
            else:
                self.waiting.append(event)
        self.some.set()


class Hub:
    """All streams of one process."""

    def __init__(self) -> None:
        self._name = secrets.token_hex(4)  # ids of another process's hub are not ours
        self._count = 0
        self._clients: set[Client] = set()
        self._of_topic: defaultdict[str, set[Client]] = defaultdict(set)
        self._history: deque[tuple[int, str, bytes]] = deque(maxlen=HISTORY_LIMIT)

    @property
    def clients(self) -> int:
        return len(self._clients)

    def watched(self, topic: str) -> bool:
        """Whether anybody looks: what costs something to compute need not be computed for nobody."""
        return bool(self._of_topic.get(topic))

    def publish(self, topic: str, data: Any) -> None:
        """Tell all who watch ``topic``. Returns at once."""
        self._count += 1
        event = _event(topic, data, self._id())
        self._history.append((self._count, topic, event))
        for client in self._of_topic.get(topic, ()):
            client.put(event)

    def subscribe(
        self,
        topics: Iterable[str],
        *,
        snapshot: Snapshot | None = None,
        last_event_id: str = "",
        beat_seconds: float = BEAT_SECONDS,
        still_there: Callable[[], bool] | None = None,
    ) -> Response:
        """The stream of ``topics``. ``snapshot`` gives the whole state, as data or ``Told``; without it a page that is behind is told so
        by a ``snapshot`` of null and loads itself again. ``still_there``: whether the session goes on (``auth.still_there()``)."""
        if len(self._clients) >= CLIENTS_LIMIT:
            return Response("too many live pages are open\n", 503, {"Retry-After": "5"}, mimetype="text/plain")
        stream = self._stream(Client(frozenset(topics)), snapshot, last_event_id, beat_seconds, still_there)
        # What a proxy must know to pass events on at once.
        return Response(stream, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})

    def _stream(
        self, client: Client, snapshot: Snapshot | None, last: str, beat_seconds: float, still_there: Callable[[], bool] | None
    ) -> Iterator[bytes]:
        self._clients.add(client)
        for topic in client.topics:
            self._of_topic[topic].add(client)
        try:
            yield b"retry: %d\n\n" % RETRY_MS
            missed = self._missed(client, last)
            if missed is None:
                client.behind = True
            else:
                client.waiting.extend(missed)
            asked_at = monotonic() - random.uniform(0, ASK_SECONDS)  # all pages come at once when the engine was started
            while True:
                yield from self._waiting(client, snapshot)
                client.some.clear()
                quiet = not (client.behind or client.waiting or client.some.wait(beat_seconds))
                if monotonic() - asked_at >= ASK_SECONDS:  # also while there is always something to tell
                    if still_there is not None and not _goes_on(still_there):
                        yield _event("signed_out", None)
                        return
                    asked_at = monotonic()
                if quiet:
                    yield _event("beat", None)
        finally:
            self._clients.discard(client)
            for topic in client.topics:
                self._of_topic[topic].discard(client)
                if not self._of_topic[topic]:
                    del self._of_topic[topic]

    def _waiting(self, client: Client, snapshot: Snapshot | None) -> Iterator[bytes]:
        if client.behind:
            client.behind = False
            client.waiting.clear()
            told = self._id()  # of before: what happens while the state is read is told once more, and never left out
            yield _event("snapshot", snapshot() if snapshot else None, told)
        while client.waiting and not client.behind:
            yield client.waiting.popleft()

    def _missed(self, client: Client, last: str) -> list[bytes] | None:
        """What came after ``last``; None where that is not known any more."""
        name, _, number = last.partition("-")
        if name != self._name or not number.isascii() or not number.isdigit() or len(number) > 15:
            return None
        seen = int(number)
        if seen > self._count or seen < self._count - len(self._history):
            return None
        return [event for count, topic, event in self._history if count > seen and topic in client.topics]

    def _id(self) -> str:
        return f"{self._name}-{self._count}"


def _goes_on(still_there: Callable[[], bool]) -> bool:
    """A database that is too busy to say ends nobody's session: the browser would come back and ask for even more."""
    try:
        return still_there()
    except StorageError as error:
        log.warning("whether a session goes on could not be read: %s", error)
        return True


def _event(name: str, data: Any, event_id: str = "") -> bytes:
    text = data if isinstance(data, Told) else Told.of(data)
    return (f"id: {event_id}\n" if event_id else "").encode() + f"event: {name}\ndata: {text}\n\n".encode()
