"""A full house on the embedded switch: 1,000 agents who talk and 2,000 callers who wait, in one engine.

Engine and embedded switch are processes of their own. Agents log in by orders, as the command line does; every phone answers by itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ivrengine.storage.store import Store
from tests.acceptance.bench import SiteDatabase
from tests.acceptance.sim_bench import SimBench

from .load import LAG_FILE, _eventually, _figure, _paced, _resident_kb
from .site import cpu_seconds, write_site

AGENTS, WAITING, QUEUES = 1000, 2000, 20
CALLS_PER_SECOND = 60.0
TALK_SECONDS = 150.0  # longer than it takes to fill the house
HOLD_SECONDS = 15.0
WAIT_MS = 100.0  # wanted: the hub is never blocked for longer
NUMBERS = [str(100 + queue) for queue in range(QUEUES)]
CALLS = AGENTS + WAITING

FLOW = f"""
flow: centre
languages: [zh-CN]
numbers: {json.dumps(NUMBERS)}
start: which
fallback: lost
steps:
  which:
    branch:
      cases:
{"".join(f'        - {{when: {json.dumps(f"dialled == {json.dumps(number)}")}, go: q{number}}}{chr(10)}' for number in NUMBERS)}
      otherwise: lost
{"".join(f"  q{number}: {{queue: {{queue: q{number}, answered: bye, failed: lost}}}}{chr(10)}" for number in NUMBERS)}
  lost: {{hangup: }}
  bye: {{hangup: }}
"""


def site_yml() -> str:
    queues = {f"q{number}": {"ring": "20s", "whisper": False, "wrap_up_most": "5s"} for number in NUMBERS}
    # Each agent serves two queues, each with a skill of the agent's own level.
    agents = {
        str(10000 + n): {
            "name": f"Agent {n}",
            "skills": {"talk": 1 + n % 10},
            "queues": [f"q{NUMBERS[n % QUEUES]}", f"q{NUMBERS[(n * 7 + 3) % QUEUES]}"],
        }
        for n in range(AGENTS)
    }
    for each in agents.values():
        each["queues"] = sorted(set(each["queues"]))
    return json.dumps({"skills": {"talk": "Talk"}, "queues": queues, "agents": agents})  # which is YAML too


def run() -> Iterator[dict[str, object]]:
    """Agents who talk and callers who wait at one time, the engine's lateness meanwhile, and whether anybody was lost or doubled."""
    with tempfile.TemporaryDirectory(prefix="ivrengine-bench-") as directory:
        work = Path(directory)
        write_site(work / "site", FLOW)
        bench = SimBench(work, settings="[engine]\nmax_calls = 5000\n[web]\nport = 0\n")
        bench.engine.watch_into(work / LAG_FILE)
        with bench:
            (bench.site / "site.yml").write_text(site_yml(), "utf-8")
            subprocess.run(
                [sys.executable, "-m", "ivrengine", "--site", str(bench.site), "site", "import", "--yes"], check=True, capture_output=True
            )
            bench.engine.start()
            yield from _fill(bench, work)


def _fill(bench: SimBench, work: Path) -> Iterator[dict[str, object]]:
    database = SiteDatabase(bench.site)
    for n in range(AGENTS):
        bench.phone(str(20000 + n), after_seconds=1.0, talk_seconds=TALK_SECONDS)
    with Store(bench.site / "data/ivrengine.db") as store:
        _seat(store)
    ready = _eventually(lambda: len(_agents(database, "READY", "IDLE")), AGENTS)
    started, empty_kb = cpu_seconds(bench.engine.pid), _resident_kb(bench.engine.pid)
    starting_lag = float((work / LAG_FILE).read_text())
    ids = [f"centre-{n}" for n in range(CALLS)]
    numbers = dict(zip(ids, (NUMBERS[n % QUEUES] for n in range(CALLS)), strict=True))
    def dial(call_id: str) -> object:
        return bench.api(f'sim call {{"number": "{numbers[call_id]}", "from": "138{call_id[7:]:0>8}", "uuid": "{call_id}"}}')

    _paced(ids, dial)
    talking = _eventually(lambda: len(_agents(database, "READY", "TALKING")), AGENTS)
    waiting = _eventually(lambda: _count(database, "ended_at IS NULL"), WAITING)
    time.sleep(HOLD_SECONDS)
    lag = float((work / LAG_FILE).read_text())
    cpu = cpu_seconds(bench.engine.pid) - started
    yield _figure("centre.agents_ready", ready, "agents logged in and ready", AGENTS)
    yield _figure("centre.agents_talking", talking, "agents who talk at one time", AGENTS)
    yield _figure("centre.calls_waiting", waiting, "calls that wait at the same time", WAITING)
    yield _figure("centre.longest_hub_lag_ms", lag, "ms, of the engine's hub, starting included", WAIT_MS)
    yield _figure("centre.hub_lag_before_calls_ms", starting_lag, "ms, until all agents were ready")
    yield _figure("centre.engine_cpu_ms_per_call", round(cpu * 1000 / CALLS, 2), "ms CPU per call queued, a third of them connected")
    yield _figure("centre.engine_kb_per_call", round((_resident_kb(bench.engine.pid) - empty_kb) / CALLS, 1), "KB resident per call")
    doubled = database.rows(
        "SELECT count(*) AS n FROM attempts a JOIN attempts b ON a.agent_id = b.agent_id AND a.attempt_id < b.attempt_id"
        " AND a.offered_at < coalesce(b.ended_at, 1e12) AND b.offered_at < coalesce(a.ended_at, 1e12)"
    )[0]["n"]
    yield _figure("centre.agents_doubled", doubled, "pairs of offers of one agent at one time", 0)
    for call_id in ids:
        bench.api(f"sim hangup {call_id}")
    ended = _eventually(lambda: _count(database, "ended_at IS NOT NULL"), CALLS)
    yield _figure("centre.waits_without_an_end", CALLS - ended, "calls of whose wait no end is on record", 0)


def _seat(store: Store) -> None:
    for verb in ("agents.log_in", "agents.ready"):
        orders = []
        for n in range(AGENTS):
            arguments = {"agent": str(10000 + n)} | ({"phone": str(20000 + n)} if verb == "agents.log_in" else {})
            orders.append(store.orders.place(verb, arguments, "bench", time.time()).wait())
        refused = [order.sentence for order in (store.orders.result(each, 60.0) for each in orders) if not order.ok]
        if refused:
            raise RuntimeError(f"{len(refused)} orders were refused; the first: {refused[0]}")


def _agents(database: SiteDatabase, intent: str, work: str) -> list[dict[str, object]]:
    """Those whose last row of the log says so."""
    return database.rows(
        "SELECT agent_id FROM agent_states WHERE rowid IN (SELECT max(rowid) FROM agent_states GROUP BY agent_id)"
        " AND intent = ? AND work = ?", intent, work,
    )  # fmt: skip


def _count(database: SiteDatabase, condition: str) -> int:
    return int(database.rows(f"SELECT count(*) AS n FROM segments WHERE {condition}")[0]["n"])
