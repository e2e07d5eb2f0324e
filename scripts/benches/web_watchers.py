"""Open live pages, as browsers keep them: ``python -m scripts.benches.web_watchers``, a process of its own.

Reads one JSON line, ``{"host": ..., "port": ..., "pages": [{"kind", "cookie", "agent"}]}``, opens them all, prints ``open``, and watches
until its input ends. Then it prints what it has seen as JSON: when each call popped up on which agent's console (UTC seconds, by the
offered item), events, bytes and lost lines by kind of page, and how long the fetches took that a page makes when it is told to.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections import Counter, defaultdict  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from http.client import HTTPConnection, HTTPException, HTTPResponse  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402

STREAMS = {
    "console": "/console/live", "board": "/board/live", "supervisor": "/supervisor/live", "alarms": "/alarms/live",
    "calls": "/calls/live?language=zh-CN",
}  # fmt: skip
# what the page's script fetches when its stream says so
FETCHES = {"console": "/console/day", "alarms": "/alarms/"}
OPENED_AT_ONCE = 20
SILENT_SECONDS = 30.0
AGAIN_SECONDS = 1.0


class Seen:
    def __init__(self) -> None:
        self.pops: list[tuple[str, str, float]] = []
        self.events: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.fetched: defaultdict[str, list[float]] = defaultdict(list)


class Page:
    """One browser's page."""

    def __init__(self, address: tuple[str, int], page: dict[str, str], seen: Seen) -> None:
        self.kind, self.agent = page["kind"], page.get("agent", "")
        self.open = gevent.event.Event()
        self._address = address
        self._headers = {"Cookie": page["cookie"], "Accept": "text/event-stream"}
        self._seen = seen
        self._state: dict[str, Any] = {}
        self._item = self._popped = ""
        self._wanted = gevent.event.Event()
        gevent.spawn(self._watch)
        if self.kind in FETCHES:
            gevent.spawn(self._fetch)

    def _watch(self) -> None:
        last = ""
        while True:
            connection = HTTPConnection(*self._address, timeout=SILENT_SECONDS)
            try:
                connection.request("GET", STREAMS[self.kind], headers={**self._headers, **({"Last-Event-ID": last} if last else {})})
                answer = connection.getresponse()
                if answer.status == 200:
                    for name, data, event_id in events(answer, self._seen.bytes, self.kind):
                        last = event_id or last
                        self._heard(name, data)
            except (OSError, HTTPException):
                pass
            finally:
                connection.close()
            self._seen.lost[self.kind] += 1
            gevent.sleep(AGAIN_SECONDS)

    def _heard(self, name: str, data: bytes) -> None:
        self.open.set()
        self._seen.events[self.kind] += 1
        if self.kind == "console":
            self._console(name, data)
        elif name == "alarms":
            self._wanted.set()

    def _console(self, name: str, data: bytes) -> None:
        told = json.loads(data) if name != "beat" else None
        if name == "snapshot":
            self._take(told["desk"])
            self._item = (told["card"] or {}).get("item", "")
        elif name.startswith("desk."):
            self._take(told["desk"])
        elif name.startswith("card."):
            self._item = (told or {}).get("item", "")
        item = self._state.get("item", "")
        if self._state.get("stage") == "ringing" and item and item == self._item != self._popped:
            self._popped = item
            self._seen.pops.append((self.agent, item, time.time()))

    def _take(self, state: dict[str, Any]) -> None:
        if self._state.get("stage") != state.get("stage") and state.get("stage") in ("", "after"):
            self._wanted.set()
        self._state = state

    def _fetch(self) -> None:
        """One at a time, as the page's script does."""
        connection = HTTPConnection(*self._address, timeout=SILENT_SECONDS)
        while True:
            self._wanted.wait()
            self._wanted.clear()
            began = time.monotonic()
            try:
                connection.request("GET", FETCHES[self.kind], headers={**self._headers, "Accept": "application/json, text/html"})
                connection.getresponse().read()
                self._seen.fetched[self.kind].append((time.monotonic() - began) * 1000)
            except (OSError, HTTPException):
                connection.close()
                gevent.sleep(AGAIN_SECONDS)


def events(answer: HTTPResponse, read: Counter[str], kind: str) -> Iterator[tuple[str, bytes, str]]:
    """Name, data and id of each event until the line is lost."""
    name, data, event_id = "", b"", ""
    while line := answer.readline():
        read[kind] += len(line)
        if line == b"\n":
            if name:
                yield name, data, event_id
            name, data, event_id = "", b"", ""
        elif line.startswith(b"event: "):
            name = line[7:-1].decode()
        elif line.startswith(b"data: "):
            data = line[6:-1]
        elif line.startswith(b"id: "):
            event_id = line[4:-1].decode()


def main() -> None:
    given = json.loads(sys.stdin.readline())
    seen, pages = Seen(), []
    for place, page in enumerate(given["pages"], start=1):
        pages.append(Page((given["host"], given["port"]), page, seen))
        if place % OPENED_AT_ONCE == 0:
            gevent.wait([each.open for each in pages], timeout=SILENT_SECONDS)
    gevent.wait([each.open for each in pages], timeout=SILENT_SECONDS)
    print(json.dumps({"open": sum(each.open.is_set() for each in pages)}), flush=True)
    gevent.get_hub().threadpool.apply(sys.stdin.readline)
    print(json.dumps(vars(seen)), flush=True)


if __name__ == "__main__":
    main()
