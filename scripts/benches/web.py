"""The pages of a full house: 400 that stay open, 200 agents who work, readers of every page, and a month of records, in one engine.

Engine, embedded switch, the open pages and the readers are processes of their own, so what is told of the engine's hub is its own; but
they share the machine, and every figure tells how many cores the others had. From the ring to the pop is measured by the switch's clock
of the ring and the console's stream.
"""

from __future__ import annotations

import gzip
import http.client
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from gevent.pool import Pool

from ivrengine.storage.store import Store
from tests.acceptance.bench import SiteDatabase
from tests.acceptance.engine import ROOT
from tests.acceptance.sim_bench import SimBench
from tests.acceptance.switch import free_port
from webadmin.auth import SESSION_COOKIE, TOKEN

from .load import LAG_FILE, _eventually
from .month import write_month
from .site import cpu_seconds, write_site

AGENTS = [str(10_000 + number) for number in range(200)]
QUEUES = [f"q{number}" for number in range(20)]
NUMBER = "9100"
PAGES = {"console": 200, "board": 60, "supervisor": 60, "alarms": 40, "calls": 40}
TALK_SECONDS = 25.0
WAITING = 30  # callers in line, so that no agent is idle for long
SETTLE_SECONDS = 40.0  # until calls come and end at their pace
WATCH_SECONDS = 60.0  # pages stay open and nobody reads
READ_SECONDS = 120.0  # and somebody does
PATIENCE_SECONDS = 60.0
PASSWORD = "the password of a bench"
POP_MS, PAGE_MS, LOG_IN_MS, HUB_MS, CONSOLE_KB = 300.0, 300.0, 500.0, 100.0, 250.0

FLOW = f"""
flow: centre
languages: [zh-CN]
numbers: ["{NUMBER}"]
start: which
fallback: lost
steps:
  which:
    menu:
      prompt: [tone]
      first_digit: 5s
      choices: {{{", ".join(f'{number + 1:02}: {{label: "Queue {number}", go: {queue}}}' for number, queue in enumerate(QUEUES))}}}
      no_input: q0
      no_match: q0
{"".join(f"  {queue}: {{queue: {{queue: {queue}, answered: bye, failed: lost}}}}{chr(10)}" for queue in QUEUES)}
  lost: {{hangup: }}
  bye: {{hangup: }}
"""


def site_yml() -> str:
    return json.dumps({
        "skills": {"talk": "Talk"},
        "teams": {f"team{number}": {"title": f"Team {number}", "most_away": 5} for number in range(10)},
        "break_reasons": {"lunch": {"title": "Lunch"}, "coffee": {"title": "Coffee"}, "training": {"title": "Training"}},
        "dispositions": {"1": "Order", "2": "Complaint", "3": "Question", "4": "Other"},
        "queues": {
            queue: {"title": f"Queue {queue}", "ring": "20s", "whisper": False, "wrap_up_most": "5s"} for queue in QUEUES
        },
        "agents": {
            agent: {
                "name": f"Agent {agent}", "team": f"team{n % 10}", "skills": {"talk": 1 + n % 10},
                "queues": sorted({QUEUES[n % len(QUEUES)], QUEUES[(n * 7 + 3) % len(QUEUES)]}),
            }
            for n, agent in enumerate(AGENTS)
        },
    })  # which is YAML too  # fmt: skip


def run() -> Iterator[dict[str, object]]:
    with tempfile.TemporaryDirectory(prefix="ivrengine-bench-") as directory:
        work = Path(directory)
        tone = write_site(work / "site", FLOW)
        shutil.copytree(ROOT / "prompts", work / "site/prompts", dirs_exist_ok=True)
        zone = evening_zone(time.time())
        bench = SimBench(work, settings=f"[engine]\nmax_calls = 2000\ntimezone = '{zone}'\n")
        bench.engine.web_port = free_port()
        bench.engine.watch_into(work / LAG_FILE)
        with bench:
            (bench.site / "site.yml").write_text(site_yml(), "utf-8")
            command = [sys.executable, "-m", "ivrengine", "--site", str(bench.site), "site", "import", "--yes"]
            subprocess.run(command, check=True, capture_output=True)
            with Store(bench.site / "data/ivrengine.db") as store:
                talk = bench.site / "data/recordings/talks/month.wav"
                talk.parent.mkdir(parents=True)
                shutil.copy(tone, talk)
                write_month(store, QUEUES, AGENTS, time.time(), talk)
                cookies = _log_in_all(store)
            bench.engine.start()
            yield from _House(bench, work, cookies, ZoneInfo(zone)).measure()


def evening_zone(now: float) -> str:
    """Where it is about half past six now, so that today's figures are those of a whole day whenever this runs."""
    ahead = 18 - datetime.fromtimestamp(now, ZoneInfo("UTC")).hour
    ahead = ahead - 24 if ahead > 12 else ahead
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def _log_in_all(store: Store) -> dict[str, str]:
    """User -> the cookie of a browser that is logged in. Users are named a<agent>, supervisor and admin."""
    users, now = store.users, time.time()
    password = users.hash(PASSWORD)
    roles = {f"a{agent}": ("agent", agent) for agent in AGENTS} | {"supervisor": ("supervisor", ""), "admin": ("admin", "")}
    for name, (role, agent) in roles.items():
        users.add(name, role, agent, password, "bench", now)
        users.set_password(name, password, "bench", now, must_change=False)
    store.database.write(lambda db: None)
    app = Flask("bench")
    app.secret_key = users.key("session")
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None
    tokens = Pool(4).map(lambda name: store.log_ins.log_in(name, PASSWORD, now).token, roles)
    return {name: f"{SESSION_COOKIE}={signer.dumps({TOKEN: token})}" for name, token in zip(roles, tokens, strict=True)}


class _House:
    def __init__(self, bench: SimBench, work: Path, cookies: dict[str, str], zone: ZoneInfo) -> None:
        self._bench = bench
        self._database = SiteDatabase(bench.site)
        self._late = work / f"{LAG_FILE}.late"
        self._lag = work / LAG_FILE
        self._cookies = cookies
        self._zone = zone
        self._port = bench.engine.web_port
        self._placed = 0
        self._stop = threading.Event()
        self._rang: dict[str, float] = {}

    def measure(self) -> Iterator[dict[str, object]]:
        kilobytes = self._console_kilobytes()
        for agent in AGENTS:
            self._bench.phone(_phone(agent), after_seconds=2.0, talk_seconds=TALK_SECONDS)
        with Store(self._bench.site / "data/ivrengine.db") as store:
            _seat(store)
        ready = _eventually(lambda: self._agents("IDLE"), len(AGENTS))
        began = time.monotonic()
        # Consoles have a process of their own, so that what the large pages cost a browser does not count as a late pop.
        consoles, others = watchers = [
            _Helper("web_watchers", {"host": "127.0.0.1", "port": self._port, "pages": pages}) for pages in self._pages()
        ]
        opened = sum(json.loads(each.line())["open"] for each in watchers)
        opening = time.monotonic() - began
        threads = [threading.Thread(target=self._call_on), threading.Thread(target=self._witness)]
        for thread in threads:
            thread.start()
        reader = None
        try:
            time.sleep(SETTLE_SECONDS)
            watching = self._phase(WATCH_SECONDS, *watchers)
            reader = _Helper("web_reader", self._reading())
            reading = self._phase(READ_SECONDS, *watchers, reader)
            read, seen, others_seen = reader.end(), consoles.end(), others.end()
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
            for helper in filter(None, (reader, *watchers)):
                helper.kill()
        yield _figure("web.live_pages_open", opened, "pages", sum(PAGES.values()), opened_within_seconds=round(opening, 1))
        yield _figure("web.agents_ready", ready, "agents logged in", len(AGENTS))
        for name, phase in (("watched", watching), ("read", reading)):
            yield _figure(f"web.agents_busy_{name}", phase["busy"], "agents who are not idle, on average", None, machine=phase["machine"])
        yield from self._pops(seen, watching, reading)
        yield from _page_figures(read, reading["machine"])
        for name, phase in (("watched", watching), ("read", reading)):
            yield _figure(
                f"web.longest_hub_lag_{name}_ms", phase["lag"], "ms", HUB_MS, machine=phase["machine"],
                computed_by_the_hub_ms=max((own for _, _, own in phase["late"]), default=0.0), times_over_30_ms=len(phase["late"]),
                worst=_under_way(phase["late"], read["loads"]),
            )  # fmt: skip
            yield _figure(f"web.engine_cores_{name}", phase["cores"], "cores the engine's process took", None)
        lost = sum(seen["lost"].values()) + sum(others_seen["lost"].values())
        yield _figure("web.live_pages_lost", lost, "times a live page lost its line", 0)
        fetched = {kind: round(percentile(ms, 95), 1) for kind, ms in (seen["fetched"] | others_seen["fetched"]).items()}
        events = sum(seen["events"].values()) + sum(others_seen["events"].values())
        told = seen["bytes"] | others_seen["bytes"]
        yield _figure("web.live_events", events, "events to all pages", None, bytes=told, fetches_p95_ms=fetched)
        yield _figure("web.console_gzip_kb", kilobytes[0], "KB, all that a console loads, by gzip", CONSOLE_KB, plain_kb=kilobytes[1])

    # -- what happens meanwhile ----------------------------------------------------------------------------------------

    def _phase(self, seconds: float, *helpers: _Helper) -> dict[str, Any]:
        self._lag.unlink(missing_ok=True)
        self._late.unlink(missing_ok=True)
        ours = [self._bench.engine.pid, self._bench.switch_pid, os.getpid(), *(each.pid for each in helpers)]
        began, cpu, all_cpu = time.time(), [cpu_seconds(pid) for pid in ours], _machine_busy_seconds()
        busy = []
        while time.time() - began < seconds:
            time.sleep(1.0)
            busy.append(len(AGENTS) - self._agents("IDLE"))
        lasted = time.time() - began
        spent = [cpu_seconds(pid) - before for pid, before in zip(ours, cpu, strict=True)]
        others = (_machine_busy_seconds() - all_cpu - sum(spent)) / lasted
        late = [tuple(map(float, line.split())) for line in self._late.read_text().splitlines()] if self._late.exists() else []
        return {
            "began": began, "ended": began + lasted, "late": late, "busy": round(statistics.fmean(busy), 1),
            "lag": float(self._lag.read_text()) if self._lag.exists() else 0.0, "cores": round(spent[0] / lasted, 2),
            "machine": {"cores": os.cpu_count(), "others_took": round(others, 2), "bench_took": round(sum(spent) / lasted, 2)},
        }  # fmt: skip

    def _call_on(self) -> None:
        """Keep some callers in line, so that whoever is free gets one."""
        client = self._bench.client()
        while not self._stop.wait(0.25):
            for _ in range(min(WAITING - _count(self._database, "ended_at IS NULL"), 8)):
                place, self._placed = self._placed, self._placed + 1
                script = [{"wait": 0.5}, {"press": f"{1 + place % len(QUEUES):02}"}]
                client.api("sim call " + json.dumps({"number": NUMBER, "from": f"138{place * 37 % 20_000:08}", "script": script}))
        client.close()

    def _witness(self) -> None:
        client = self._bench.client()
        client.subscribe("CHANNEL_PROGRESS")
        while not self._stop.is_set():  # another phone rings soon
            event = client.wait_event(lambda each: each.get("Event-Name") == "CHANNEL_PROGRESS", PATIENCE_SECONDS)
            self._rang[event["Unique-ID"]] = int(event["Event-Date-Timestamp"]) / 1e6
        client.close()

    def _agents(self, work: str) -> int:
        return int(self._database.rows("SELECT count(*) AS n FROM seats WHERE intent != 'LOGGED_OUT' AND work = ?", work)[0]["n"])

    # -- who looks at what ---------------------------------------------------------------------------------------------

    def _pages(self) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        """Consoles, and the others."""
        pages = [{"kind": "console", "agent": agent, "cookie": self._cookies[f"a{agent}"]} for agent in AGENTS]
        others = [kind for kind, count in PAGES.items() if kind != "console" for _ in range(count)]
        return pages, [{"kind": kind, "cookie": self._cookies["supervisor"]} for kind in others]

    def _reading(self) -> dict[str, Any]:
        today = datetime.now(self._zone).date()
        first = today - timedelta(days=30)
        month = f"from={first}&to={today}"
        call, item = self._database.rows(
            "SELECT call_id, item_id FROM segments WHERE terminal = 'answered' AND recording_path != '' ORDER BY ended_at LIMIT 1"
        )[0].values()
        since, until = time.time() - 30 * 86_400, time.time()
        supervisors = [
            f"/reports/traffic?{month}&by=hour", f"/reports/traffic?{month}&by=hour&queue=q3", f"/reports/traffic?{month}&by=day",
            f"/reports/traffic?from={today - timedelta(days=330)}&to={today}&by=month", f"/reports/queues?{month}",
            f"/reports/agents?{month}", f"/reports/dispositions?{month}", f"/reports/survey?{month}", f"/reports/callbacks?{month}",
            "/reports/traffic", "/reports/agents", f"/reports/behind/waits/?since={since:.0f}&until={until:.0f}",
            f"/reports/behind/calls/?since={since:.0f}&until={until:.0f}&skip=5000",
            f"/reports/behind/offers/?since={since:.0f}&until={until:.0f}", f"/reports/call/{call}/", f"/calls/{call}",
            f"/recordings/{item}", f"/recordings/{item}/peaks", "/recordings/?queue=q5", "/recordings/?number=13800001",
            "/board/settings", "/alarms/?show=all", "/site/hours/", "/site/voicemail/", "/flows/file/bench", "/flows/history",
            f"/reports/traffic/csv?{month}&by=hour", f"/reports/agents/xlsx?{month}",
        ]  # fmt: skip
        admins = [
            "/site/queues/", "/site/queues/one/q3", "/site/agents/", "/site/agents/one/10007", "/site/blacklist/", "/users/a10007",
            "/audit/log-ins", "/prompts/?language=zh-CN&show=words",
        ]  # fmt: skip
        paths = [("agent", "/console/"), ("agent", "/console/day"), *(("supervisor", path) for path in supervisors)]
        return {
            "host": "127.0.0.1", "port": self._port, "name": "admin", "password": PASSWORD,
            "readers": {"agent": self._cookies["a10007"], "supervisor": self._cookies["supervisor"], "admin": self._cookies["admin"]},
            "paths": [*paths, *(("admin", path) for path in admins)],
        }  # fmt: skip

    def _console_kilobytes(self) -> tuple[float, float]:
        """Of the page and of everything it loads, by gzip and plain."""
        seen, wanted = {}, ["/console/"]
        while wanted:
            path = wanted.pop()
            connection = http.client.HTTPConnection("127.0.0.1", self._port)
            connection.request("GET", path, headers={"Cookie": self._cookies[f"a{AGENTS[0]}"], "Accept": "text/html"})
            answer = connection.getresponse()
            seen[path] = answer.read()
            assert answer.status == 200, f"{path} is answered {answer.status}"
            connection.close()
            found = re.findall(r'(?:src|href|from|import)[ =]*\(?"(/static/[^"]+)"', seen[path].decode("utf-8", "replace"))
            wanted += [each for each in found if each not in seen and each not in wanted]
        packed = sum(len(gzip.compress(content)) for content in seen.values())
        return round(packed / 1000, 1), round(sum(map(len, seen.values())) / 1000, 1)

    # -- figures -------------------------------------------------------------------------------------------------------

    def _pops(self, seen: dict[str, Any], watching: dict[str, Any], reading: dict[str, Any]) -> Iterator[dict[str, object]]:
        popped = {(agent, item): at for agent, item, at in seen["pops"]}
        offered = {row["leg_id"]: (row["agent_id"], row["item_id"]) for row in self._database.rows("SELECT * FROM attempts")}
        for name, phase in (("watched", watching), ("read", reading)):
            rung = {offered[leg]: at for leg, at in self._rang.items() if leg in offered and phase["began"] <= at < phase["ended"] - 1.0}
            waits = [(popped[key] - at) * 1000 for key, at in rung.items() if key in popped]
            yield _figure(
                f"web.ring_to_pop_{name}_p95_ms", round(percentile(waits, 95), 1), "ms", POP_MS, machine=phase["machine"],
                rings=len(rung), without_a_pop=len(rung) - len(waits), median_ms=round(percentile(waits, 50), 1),
                longest_ms=round(max(waits, default=math.nan), 1),
            )  # fmt: skip


class _Helper:
    """One of the load's own processes."""

    def __init__(self, module: str, task: dict[str, Any]) -> None:
        command = [sys.executable, "-m", f"scripts.benches.{module}"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._say(json.dumps(task))

    @property
    def pid(self) -> int:
        return self._process.pid

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def end(self) -> dict[str, Any]:
        """Have it stop and tell."""
        self._say("")
        return json.loads(self.line())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


def _page_figures(read: dict[str, Any], machine: dict[str, Any]) -> Iterator[dict[str, object]]:
    by_path = {path: percentile(ms, 95) for path, ms in read["ms"].items()}
    every = [each for ms in read["ms"].values() for each in ms]
    slowest = sorted(by_path, key=by_path.__getitem__, reverse=True)[:5]
    yield _figure("web.pages_p95_ms", round(percentile(every, 95), 1), "ms, all pages", PAGE_MS, machine=machine, loads=len(every),
                  median_ms=round(percentile(every, 50), 1), refused=read["refused"])  # fmt: skip
    yield _figure("web.slowest_page_p95_ms", round(by_path[slowest[0]], 1), "ms, the slowest of the pages", PAGE_MS, machine=machine,
                  slowest={path: round(by_path[path], 1) for path in slowest})  # fmt: skip
    log_ins = read["log_ins_ms"]
    yield _figure("web.log_in_p95_ms", round(percentile(log_ins, 95), 1), "ms", LOG_IN_MS, machine=machine, log_ins=len(log_ins),
                  median_ms=round(percentile(log_ins, 50), 1))  # fmt: skip


def percentile(values: Iterable[float], percent: float) -> float:
    """The least of them that so many per cent don't exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else math.nan


def _under_way(late: list[tuple[float, ...]], loads: list[tuple[float, float, str]]) -> dict[str, float]:
    """The pages that were being read when the hub was late, with the longest that it was then."""
    found: defaultdict[str, float] = defaultdict(float)
    for ended, ms, _ in late:
        for begun, done, path in loads:
            if begun < ended and done > ended - ms / 1000:
                found[path] = max(found[path], ms)
    return dict(sorted(found.items(), key=lambda each: -each[1])[:5])


def _seat(store: Store) -> None:
    for verb in ("agents.log_in", "agents.ready"):
        orders = []
        for agent in AGENTS:
            arguments = {"agent": agent} | ({"phone": _phone(agent)} if verb == "agents.log_in" else {})
            orders.append(store.orders.place(verb, arguments, "bench", time.time()).wait())
        refused = [order.sentence for order in (store.orders.result(each, 60.0) for each in orders) if not order.ok]
        if refused:
            raise RuntimeError(f"{len(refused)} orders were refused; the first: {refused[0]}")


def _phone(agent: str) -> str:
    return f"2{agent[1:]}"


def _count(database: SiteDatabase, condition: str) -> int:
    return int(database.rows(f"SELECT count(*) AS n FROM segments WHERE {condition}")[0]["n"])


def _machine_busy_seconds() -> float:
    """What all programs of the machine have computed, in seconds of a core."""
    fields = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) / os.sysconf("SC_CLK_TCK")


def _figure(name: str, value: float, unit: str, wanted: float | None = None, **more: object) -> dict[str, object]:
    ratio = round(value / wanted, 3) if wanted else None
    return {"figure": name, "value": value, "unit": unit, "peer": "target", "peer_value": wanted, "ratio": ratio, **more}
