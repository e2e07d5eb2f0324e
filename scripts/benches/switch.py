"""What a call costs FreeSWITCH and the engine together, and how many a second they take, against FreeSWITCH's own XML dialplan.

Both do the same work on the same FreeSWITCH, started from what ``ivrengine fs render`` writes plus one extension for the XML: answer, a
prompt of 100 ms, wait for one key, another prompt of 100 ms, hang up. They take turns. Callers are sipp's: they speak
(silence, as telephones do) and press their key by SIP INFO.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.acceptance.engine import EngineProcess
from tests.acceptance.switch import FreeSwitch, find_freeswitch

from .sipp_load import Load, SippLoad
from .site import cpu_seconds, write_site

ENGINE_NUMBER, XML_NUMBER = "02988880001", "9000"
ROUNDS = 7
ROUND_CALLS = 200
ROUND_CALLS_PER_SECOND = 40.0
WARM_UP_CALLS = 50
RAMP = tuple(range(60, 191, 10))  # calls a second; FreeSWITCH's own limit stands at 200
RAMP_SECONDS = 6
RAMP_MISSES = 2  # this many failed steps in a row end the ramp
RTP_PORTS = 4000  # two a call
SETTLE_SECONDS = 1.0  # for the last rows to be written and the last sessions to be taken down
GONE_SECONDS = 30.0
TARGET_CPU_RATIO, TARGET_RATE_RATIO = 1.25, 0.85

FLOW = f"""
flow: bench
languages: [zh-CN]
numbers: ["{ENGINE_NUMBER}"]
start: ask
fallback: bye
steps:
  ask: {{menu: {{prompt: [tone], choices: {{1: {{label: One, go: tell}}}}, no_input: bye, no_match: bye}}}}
  tell: {{play: {{prompt: [tone], next: bye}}}}
  bye: {{hangup: }}
"""
XML_EXTENSION = """<context name="public">
  <extension name="bench">
    <condition field="destination_number" expression="^{number}$">
      <action application="answer"/>
      <action application="play_and_get_digits" data="1 1 1 10000 none {tone} silence_stream://10 key [0-9] 10000"/>
      <action application="playback" data="{tone}"/>
      <action application="hangup"/>
    </condition>
  </extension>
"""


class Bench:
    """A FreeSWITCH, an engine on it, and callers. A context manager."""

    def __init__(self, work: Path) -> None:
        self.site = work / "site"
        tone = write_site(self.site, FLOW)
        # As many calls as FreeSWITCH will have at once when it is too slow; its own guard must not be what is measured.
        self.switch = FreeSwitch(self.site, work / "freeswitch", rtp_ports=RTP_PORTS)
        self.switch.render()
        contexts = self.switch.conf / "dialplan/contexts.xml"
        extension = XML_EXTENSION.format(number=XML_NUMBER, tone=tone)
        contexts.write_text(contexts.read_text("utf-8").replace('<context name="public">\n', extension, 1), "utf-8")
        self.engine = EngineProcess(self.site)
        self.callers = SippLoad(work, self.switch.trunk_port)

    def __enter__(self) -> Bench:
        try:
            self.switch.start()
            self.engine.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.engine.kill()
        self.switch.stop()

    def calls(self, number: str, count: int, calls_per_second: float) -> tuple[Load, float, float]:
        """(what became of them, CPU ms per call in FreeSWITCH, CPU ms per call in the engine)."""
        before = cpu_seconds(self.switch.process.pid), cpu_seconds(self.engine.pid)
        load = self.callers.call(number, count, calls_per_second)
        self._wait_gone()
        after = cpu_seconds(self.switch.process.pid), cpu_seconds(self.engine.pid)
        in_switch, in_engine = ((late - early) * 1000 / count for early, late in zip(before, after, strict=True))
        return load, in_switch, in_engine if number == ENGINE_NUMBER else 0.0

    def _wait_gone(self) -> None:
        """Until no call is up: what one round left behind must not weigh on the next."""
        until = time.monotonic() + GONE_SECONDS
        time.sleep(SETTLE_SECONDS)
        while self.switch.api("show channels count").split()[0] != "0" and time.monotonic() < until:
            time.sleep(0.5)
        if time.monotonic() >= until:
            self.switch.api("hupall")
            time.sleep(SETTLE_SECONDS)


def run() -> Iterator[dict[str, object]]:
    """``switch.cpu_ms_per_call`` (its ratio is wanted at most 1.25) and ``switch.calls_per_second`` (at least 0.85)."""
    if find_freeswitch() is None or shutil.which("sipp") is None:
        yield {"figure": "switch", "skipped": "no FreeSWITCH or no sipp is here: set IVRENGINE_FREESWITCH, install sip-tester"}
        return
    with tempfile.TemporaryDirectory(prefix="ivrengine-bench-") as work, Bench(Path(work)) as bench:
        yield _cpu(bench)
        yield _rate(bench)


def _cpu(bench: Bench) -> dict[str, object]:
    for number in (XML_NUMBER, ENGINE_NUMBER):
        bench.calls(number, WARM_UP_CALLS, ROUND_CALLS_PER_SECOND)
    xml, switch, engine = [], [], []
    failed = {XML_NUMBER: 0, ENGINE_NUMBER: 0}
    for _ in range(ROUNDS):
        load, in_switch, _ = bench.calls(XML_NUMBER, ROUND_CALLS, ROUND_CALLS_PER_SECOND)
        xml.append(in_switch)
        failed[XML_NUMBER] += load.failed
        load, in_switch, in_engine = bench.calls(ENGINE_NUMBER, ROUND_CALLS, ROUND_CALLS_PER_SECOND)
        switch.append(in_switch)
        engine.append(in_engine)
        failed[ENGINE_NUMBER] += load.failed
    both = [one + other for one, other in zip(switch, engine, strict=True)]
    return {
        "figure": "switch.cpu_ms_per_call",
        "value": round(median(both), 2),
        "unit": f"ms CPU per call, median of {ROUNDS} rounds of {ROUND_CALLS} calls, {ROUND_CALLS_PER_SECOND:g} a second",
        "peer": "FreeSWITCH's XML dialplan",
        "peer_value": round(median(xml), 2),
        "ratio": round(median(mine / peer for mine, peer in zip(both, xml, strict=True)), 3),
        "wanted_ratio": f"at most {TARGET_CPU_RATIO}",
        "of_which_freeswitch": round(median(switch), 2),
        "of_which_engine": round(median(engine), 2),
        "failed_calls": failed[ENGINE_NUMBER],
        "failed_calls_of_peer": failed[XML_NUMBER],
    }


def _rate(bench: Bench) -> dict[str, object]:
    best = {XML_NUMBER: 0, ENGINE_NUMBER: 0}
    missed = {XML_NUMBER: 0, ENGINE_NUMBER: 0}
    for rate in RAMP:
        for number in best:
            if missed[number] >= RAMP_MISSES:
                continue
            load, _, _ = bench.calls(number, rate * RAMP_SECONDS, rate)
            if load.failed == 0:
                best[number], missed[number] = rate, 0
            else:
                missed[number] += 1
    return {
        "figure": "switch.calls_per_second",
        "value": best[ENGINE_NUMBER],
        "unit": f"calls a second for {RAMP_SECONDS} s of which none failed",
        "peer": "FreeSWITCH's XML dialplan",
        "peer_value": best[XML_NUMBER],
        "ratio": round(best[ENGINE_NUMBER] / max(1, best[XML_NUMBER]), 3),
        "wanted_ratio": f"at least {TARGET_RATE_RATIO}",
    }
