"""From queue entry to the INVITE at an idle agent's phone, on a real FreeSWITCH: this engine against mod_callcenter, call by call in turn.

One FreeSWITCH, one agent's phone (``sip_agent``), one caller at a time, both with an idle agent. Ours begins where the segment says the
caller was queued; mod_callcenter's begins where its event ``member-queue-start`` is heard, which is later than it was sent: the
difference is in its favour. Beside them stands what FreeSWITCH needs to hand an event on, measured in the same run.
"""

from __future__ import annotations

import queue
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.acceptance.bench import SiteDatabase
from tests.acceptance.engine import ROOT, EngineProcess
from tests.acceptance.switch import EslClient, FreeSwitch, find_freeswitch

from .sip_agent import SipAgent
from .site import write_site

ENGINE_NUMBER, PEER_NUMBER = "02988880001", "9100"
EXTENSION, AGENT_ID = "8001", "1001"
CALLS = 60  # of each
WARM_UP_CALLS = 3
EVENTS = 300
INVITE_SECONDS = 10.0
IDLE_SECONDS = 1.6  # so long the agent is idle before a call: mod_callcenter counts whole seconds
TARGET_MS_ABOVE_EVENTS, TARGET_SHARE_OF_PEER = 15.0, 0.2
TICK = "bench::tick"
IS_IDLE = """select 1 from agent_states where agent_id = ?1 and work = 'IDLE'
             and rowid = (select max(rowid) from agent_states where agent_id = ?1)"""

FLOW = f"""
flow: bench
languages: [zh-CN]
numbers: ["{ENGINE_NUMBER}"]
start: person
fallback: bye
steps:
  person: {{queue: {{queue: bench, answered: bye, failed: bye}}}}
  bye: {{hangup: }}
"""
SITE = f"""
queues:
  bench: {{title: Bench, ring: 10s, wrap_up_least: 0s, wrap_up_most: 0s, whisper: false, record: false}}
agents:
  "{AGENT_ID}": {{name: Agent, pin: "4101", queues: {{bench: 1}}}}
"""
CALLCENTER = f"""<configuration name="callcenter.conf">
  <queues>
    <queue name="bench">
      <param name="strategy" value="longest-idle-agent"/>
      <param name="moh-sound" value="local_stream://moh"/>
      <param name="time-base-score" value="system"/>
    </queue>
  </queues>
  <agents>
    <agent name="agent" type="callback" contact="user/{EXTENSION}@ivr.local" status="Available" wrap-up-time="0" busy-delay-time="0"/>
  </agents>
  <tiers>
    <tier agent="agent" queue="bench" level="1" position="1"/>
  </tiers>
</configuration>
"""
PEER_EXTENSION = f"""<context name="public">
  <extension name="bench">
    <condition field="destination_number" expression="^{PEER_NUMBER}$">
      <action application="answer"/>
      <action application="callcenter" data="bench"/>
    </condition>
  </extension>
"""


class Bench:
    """A FreeSWITCH with both, an engine on it, an agent's phone. A context manager."""

    def __init__(self, work: Path) -> None:
        self.site = work / "site"
        write_site(self.site, FLOW)
        self.switch = FreeSwitch(self.site, work / "freeswitch", phones=(EXTENSION,))
        self.switch.render()
        conf = self.switch.conf
        (conf / "autoload_configs/callcenter.conf.xml").write_text(CALLCENTER)
        modules = conf / "autoload_configs/modules.conf.xml"
        modules.write_text(modules.read_text().replace("  </modules>", '    <load module="mod_callcenter"/>\n  </modules>'))
        contexts = conf / "dialplan/contexts.xml"
        contexts.write_text(contexts.read_text("utf-8").replace('<context name="public">\n', PEER_EXTENSION, 1), "utf-8")
        self.engine = EngineProcess(self.site)
        self.database = SiteDatabase(self.site)

    def __enter__(self) -> Bench:
        try:
            self.switch.start()
            self.phone = SipAgent(EXTENSION, "ivr.local", self.switch.phone_password(EXTENSION), self.switch.phones_port).start()
            (self.site / "site.yml").write_text(SITE, "utf-8")
            self._command("site", "import", "--yes")
            self.engine.start()
            self._command("agents", "log-in", AGENT_ID, "--phone", EXTENSION)
            self._command("agents", "ready", AGENT_ID)
        except BaseException:
            self.stop()
            raise
        self.callers = self.switch.client()
        self.witness = self.switch.client()
        self.witness.subscribe(f"CHANNEL_HANGUP_COMPLETE CUSTOM callcenter::info {TICK}")
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def stop(self) -> None:
        if hasattr(self, "phone"):
            self.phone.stop()
        self.engine.kill()
        self.switch.stop()

    def _command(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "ivrengine", "--site", str(self.site), *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"ivrengine {' '.join(arguments)}: {done.stdout}{done.stderr}")

    def _call(self, number: str) -> None:
        string = f"{{ignore_early_media=true,originate_timeout=20}}sofia/trunk/{number}@127.0.0.1:{self.switch.trunk_port}"
        self.callers.api(f"bgapi originate {string} &park()")

    def _invited(self) -> float:
        try:
            return self.phone.invites.get(timeout=INVITE_SECONDS)
        except queue.Empty:
            raise RuntimeError(f"no INVITE came within {INVITE_SECONDS:g} s:\n{self.engine.log[-2000:]}") from None

    def ours(self) -> float:
        """ms from queue entry to INVITE, by the segment's own instant."""
        known = {row["item_id"] for row in self._segments()}
        self._call(ENGINE_NUMBER)
        invited = self._invited()
        fresh = self.database.wait(lambda _: [row for row in self._segments() if row["item_id"] not in known and row["ended_at"]])
        if fresh[0]["terminal"] != "answered":
            raise RuntimeError(f"the agent was not connected: {fresh[0]}")
        self.database.wait(lambda database: database.rows(IS_IDLE, AGENT_ID))
        self._until_idle()
        return (invited - fresh[0]["queued_at"]) * 1000

    def _segments(self) -> list[dict[str, Any]]:
        return self.database.rows("select item_id, queued_at, ended_at, terminal from segments")

    def peer(self) -> float:
        self._call(PEER_NUMBER)
        self.witness.wait_event(lambda event: event.get("CC-Action") == "member-queue-start", INVITE_SECONDS)
        entered = time.time()
        invited = self._invited()
        self.witness.wait_event(lambda event: event.get("CC-Action") == "member-queue-end", INVITE_SECONDS)
        self._until_idle()
        return (invited - entered) * 1000

    def _until_idle(self) -> None:
        until = time.monotonic() + INVITE_SECONDS
        while self.callers.api("show channels count").split()[0] != "0" and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(IDLE_SECONDS)

    def event(self, sender: EslClient) -> float:
        """ms from when an event is handed to FreeSWITCH until a listener has it."""
        sent = time.time()
        sender.send_event(TICK)
        self.witness.wait_event(lambda event: event.get("Event-Subclass") == TICK, INVITE_SECONDS)
        return (time.time() - sent) * 1000


def run() -> Iterator[dict[str, object]]:
    """``offer.entry_to_invite_ms``, at p50 and at p99, with mod_callcenter as the peer; ``offer.event_ms``."""
    if find_freeswitch() is None:
        yield {"figure": "offer", "skipped": "no FreeSWITCH is here: set IVRENGINE_FREESWITCH"}
        return
    with tempfile.TemporaryDirectory(prefix="ivrengine-bench-") as work, Bench(Path(work)) as bench:
        ours, peer, events = [], [], []
        for number in range(WARM_UP_CALLS + CALLS):
            pair = bench.ours(), bench.peer()
            if number >= WARM_UP_CALLS:
                ours.append(pair[0])
                peer.append(pair[1])
                events += [bench.event(bench.callers) for _ in range(max(1, EVENTS // CALLS))]
        yield from _figures(ours, peer, events)


def _figures(ours: list[float], peer: list[float], events: list[float]) -> Iterator[dict[str, object]]:
    for share in (50, 99):
        mine, other, event = (_percentile(times, share) for times in (ours, peer, events))
        yield {
            "figure": f"offer.entry_to_invite_ms.p{share}",
            "value": round(mine, 1),
            "unit": f"ms from queue entry to the agent's INVITE, {len(ours)} calls",
            "peer": "mod_callcenter",
            "peer_value": round(other, 1),
            "ratio": round(mine / other, 3),
            "wanted_ratio": f"at most {TARGET_SHARE_OF_PEER}",
            "above_event_ms": round(mine - event, 1),
            "wanted_above_event_ms": f"at most {TARGET_MS_ABOVE_EVENTS:g}",
        }
    yield {
        "figure": "offer.event_ms",
        "value": round(_percentile(events, 99), 1),
        "unit": f"ms at p99 from an event's being fired to a listener's having it, {len(events)} events",
        "p50": round(_percentile(events, 50), 1),
    }


def _percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]
