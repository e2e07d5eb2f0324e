"""Somebody who reads all pages, one after the other: ``python -m scripts.benches.web_reader``, a process of its own.

Reads one JSON line, ``{"host", "port", "readers": {role: cookie}, "paths": [[role, path]], "password", "name"}``. Goes through the paths
and what the menus lead to, round after round, with a pause between two, and logs in every few seconds. When its input ends it prints
milliseconds by path and of log-ins, statuses that were no 200, and when each load began, for whoever looks for what held up the engine.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import re  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections import defaultdict  # noqa: E402
from http.client import HTTPConnection  # noqa: E402
from urllib.parse import urlencode  # noqa: E402

import gevent  # noqa: E402

PAUSE_SECONDS = 0.15  # a person reads much longer: this is a house full of supervisors
LOG_IN_SECONDS = 4.0  # the pages take twenty a minute from one address
TIMEOUT_SECONDS = 30.0
_MENU = re.compile(r'<li><a href="(/[^"]*)"')
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Reader:
    def __init__(self, given: dict) -> None:
        self._given = given
        self.ms: defaultdict[str, list[float]] = defaultdict(list)
        self.log_ins_ms: list[float] = []
        self.refused: defaultdict[str, int] = defaultdict(int)
        self.loads: list[tuple[float, float, str]] = []  # began, ended, path

    def read(self) -> None:
        paths = [tuple(each) for each in self._given["paths"]]
        for role in self._given["readers"]:
            menu = _MENU.findall(self._load(role, "/account/password", counts=False))
            paths += [(role, path) for path in menu if (role, path) not in paths]
        while True:
            for role, path in paths:
                self._load(role, path)
                gevent.sleep(PAUSE_SECONDS)

    def _load(self, role: str, path: str, *, counts: bool = True) -> str:
        began, at = time.monotonic(), time.time()
        status, text, _ = self._ask("GET", path, {"Cookie": self._given["readers"][role], "Accept": "text/html"})
        if counts:
            self.ms[path].append((time.monotonic() - began) * 1000)
            self.loads.append((at, time.time(), path))
            if status != 200:
                self.refused[f"{status} {path}"] += 1
        return text

    def log_in(self) -> None:
        while True:
            _, page, cookies = self._ask("GET", "/log-in", {"Accept": "text/html"})
            token = _TOKEN.search(page)
            form = urlencode({"name": self._given["name"], "password": self._given["password"], "csrf_token": token[1] if token else ""})
            headers = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
            began = time.monotonic()
            status, _, _ = self._ask("POST", "/log-in", headers, form)
            self.log_ins_ms.append((time.monotonic() - began) * 1000)
            if status != 302:
                self.refused[f"{status} log-in"] += 1
            gevent.sleep(LOG_IN_SECONDS)

    def _ask(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> tuple[int, str, str]:
        """Status, text and cookies."""
        connection = HTTPConnection(self._given["host"], self._given["port"], timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            cookies = "; ".join(each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie") or [])
            return answer.status, answer.read().decode("utf-8", "replace"), cookies
        except OSError as error:
            return 0, str(error), ""
        finally:
            connection.close()


def main() -> None:
    reader = Reader(json.loads(sys.stdin.readline()))
    gevent.spawn(reader.read)
    gevent.spawn(reader.log_in)
    gevent.get_hub().threadpool.apply(sys.stdin.readline)
    told = {"ms": reader.ms, "log_ins_ms": reader.log_ins_ms, "refused": reader.refused, "loads": reader.loads}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
