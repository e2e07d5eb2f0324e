"""Two thousand calls up at once on the embedded switch: all in a menu, then every caller presses a key, and all must end well.

Engine and embedded switch are processes of their own, as in a trial; the callers are the switch's.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.acceptance.bench import SiteDatabase
from tests.acceptance.sim_bench import SimBench

from .site import cpu_seconds, write_site

CALLS = 2000
CALLS_PER_SECOND = 100.0
HOLD_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
NUMBER = "100"
LAG_FILE = "hub_lag_ms"

FLOW = f"""
flow: load
languages: [zh-CN]
numbers: ["{NUMBER}"]
start: ask
fallback: lost
steps:
  ask: {{menu: {{prompt: [tone], first_digit: 60s, choices: {{1: {{label: One, go: tell}}}}, no_input: lost, no_match: lost}}}}
  tell: {{play: {{prompt: [tone], next: bye}}}}
  lost: {{hangup: }}
  bye: {{hangup: }}
"""


def run() -> Iterator[dict[str, object]]:
    """Figures with what is wanted as their peer: calls up, failures, the engine's CPU and memory per call, its longest lateness."""
    with tempfile.TemporaryDirectory(prefix="ivrengine-bench-") as directory:
        work = Path(directory)
        write_site(work / "site", FLOW)
        bench = SimBench(work)
        bench.engine.watch_into(work / LAG_FILE)
        with bench:
            bench.engine.start()
            yield from _load(bench, work)


def _load(bench: SimBench, work: Path) -> Iterator[dict[str, object]]:
    database = SiteDatabase(bench.site)
    empty_kb, idle_cpu = _resident_kb(bench.engine.pid), cpu_seconds(bench.engine.pid)
    ids = [f"load-{number}" for number in range(CALLS)]
    _paced(ids, lambda call_id: bench.api(f'sim call {{"number": "{NUMBER}", "from": "13800138000", "uuid": "{call_id}"}}'))
    up = _eventually(lambda: _count(database, "answered_at IS NOT NULL AND ended_at IS NULL"), CALLS)
    time.sleep(HOLD_SECONDS)
    full_kb = _resident_kb(bench.engine.pid)
    _paced(ids, lambda call_id: bench.api(f"sim press {call_id} 1"))
    _eventually(lambda: _count(database, "ended_at IS NOT NULL"), CALLS)
    chosen = database.rows("SELECT count(*) AS calls FROM steps WHERE step = 'ask' AND outcome = 'choice'")[0]["calls"]
    good = min(chosen, _count(database, "outcome = 'completed'"))
    cpu_ms = (cpu_seconds(bench.engine.pid) - idle_cpu) * 1000 / CALLS
    yield _figure("load.calls_up_at_once", up, "calls", CALLS)
    yield _figure("load.failed_calls", CALLS - good, "calls", 0)
    yield _figure("load.engine_cpu_ms_per_call", round(cpu_ms, 2), "ms CPU per call of two prompts and a key")
    yield _figure("load.engine_kb_per_call", round((full_kb - empty_kb) / CALLS, 1), "KB resident per call that is up")
    lag = (work / LAG_FILE).read_text()
    yield _figure("load.longest_hub_lag_ms", float(lag), "ms, of the engine's hub, starting included")


def _paced(ids: list[str], act: Callable[[str], str]) -> None:
    begun = time.monotonic()
    for number, call_id in enumerate(ids):
        time.sleep(max(0.0, begun + number / CALLS_PER_SECOND - time.monotonic()))
        act(call_id)


def _eventually(count: Callable[[], int], wanted: int) -> int:
    until = time.monotonic() + PATIENCE_SECONDS
    while (reached := count()) < wanted and time.monotonic() < until:
        time.sleep(0.2)
    return reached


def _count(database: SiteDatabase, condition: str) -> int:
    try:
        return int(database.rows(f"SELECT count(*) AS calls FROM calls WHERE {condition}")[0]["calls"])
    except (sqlite3.OperationalError, IndexError):
        return 0  # busy, or not there yet: the next look tells


def _resident_kb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def _figure(name: str, value: float, unit: str, wanted: float | None = None) -> dict[str, object]:
    ratio = round(value / wanted, 3) if wanted else None
    return {"figure": name, "value": value, "unit": unit, "peer": "target", "peer_value": wanted, "ratio": ratio}
