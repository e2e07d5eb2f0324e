"""The engine is killed with SIGKILL again and again while callers wait for agents, phones ring, and people talk.

What must hold whatever happens: nobody who waits or talks is dropped, whoever came first is served first, no agent is doubled or
stuck, every offer and every waiting gets its one end on record, and every talk that took place is on record with its sound.

Seeded. ``IVRENGINE_CHAOS_KILLS``, ``IVRENGINE_CHAOS_CALLERS`` and ``IVRENGINE_CHAOS_SEED`` make longer runs of it.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from ivrengine.simswitch.callers import check_script, place_call
from ivrengine.simswitch.phones import Phone
from ivrengine.storage.store import Store

from .conftest import House, eventually, make_site
from .engine_process import Process
from .queue_house import phone_of, site
from .storm import every_call_has_its_end, supply, wait_all_gone

KILLS = int(os.environ.get("IVRENGINE_CHAOS_KILLS", "5"))
CALLERS = int(os.environ.get("IVRENGINE_CHAOS_CALLERS", "12"))
SEED = int(os.environ.get("IVRENGINE_CHAOS_SEED", "1"))
AGENTS = 5
LONGEST_SECONDS = 150.0 + 15.0 * KILLS
CALM_SECONDS = 90.0  # for everybody to be served when no more callers come
READY = "queues and agents are as they were"

FLOW = """
flow: line
languages: [zh-CN]
numbers: ["100"]
start: person
fallback: sorry
steps:
  person:
    queue:
      queue: news
      music: [long]
      answered: thanks
      failed: sorry
  thanks: {play: {prompt: [thanks], next: bye}}
  sorry: {hangup: {prompt: [sorry]}}
  bye: {hangup: {prompt: [bye]}}
"""


class Caller:
    """One who dials and waits; some lose patience. ``served``: has talked to a person."""

    def __init__(self, chaos: Chaos, number: int) -> None:
        self.chaos = chaos
        self.random = random.Random(f"{SEED}-{number}")
        self.left = False
        self.talked_with: list[str] = []  # channels, one after the other
        switch = chaos.house.switch
        self.channel = place_call(switch.core, "100", f"139{number:08d}", "", check_script([]), f"chaos-{SEED}-{number}")
        self.call_id = self.channel.uuid
        self.person = self.channel.person

    @property
    def up(self) -> bool:
        return not self.person.ended

    def live(self) -> None:
        patience = time.monotonic() + (self.random.uniform(1.0, 6.0) if self.random.random() < 0.15 else 1e9)
        while self.up:
            gevent.sleep(0.02)
            partner = self.channel.partner
            if partner is not None and (not self.talked_with or self.talked_with[-1] != partner.uuid):
                self.talked_with.append(partner.uuid)
            if self.up and time.monotonic() > patience:
                self.left = True
                self.person.hang_up()


class Chaos:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.house = process.house
        self.random = random.Random(SEED)
        self.callers: list[Caller] = []
        self.doubled: set[str] = set()
        self.phones = {phone_of(str(101 + number)) for number in range(AGENTS)}

    def prepare(self) -> None:
        now = time.time()
        with Store(self.house.site / "data" / "ivrengine.db") as store:
            store.site.replace(site(AGENTS, ring_seconds=1.5, wrap_up_most_seconds=0.3, exclusion_seconds=0.5), "test", now).wait()
            for number in range(AGENTS):
                agent_id, since = str(101 + number), now - 100 + number
                store.agent_states.log(agent_id, "READY", "IDLE", "", since, "", phone_of(agent_id), 1, idle_since=since).wait()
        self.house.site.joinpath("log").touch()

    def run(self) -> None:
        self.prepare()
        self.process.start()
        greenlets = [gevent.spawn(self._supply), gevent.spawn(self._watch), gevent.spawn(self._change_phones)]
        for _ in range(KILLS):
            self._wait_served()
            gevent.sleep(self.random.uniform(0.1, 2.5))
            self.process.kill()
            gevent.sleep(self.random.choice([0.0, 0.1, 0.5]))
            self.process.start()
        self._wait_served()
        greenlets[0].kill()
        greenlets[2].kill()
        for number, extension in enumerate(sorted(self.phones)):
            self.house.switch.core.phones.put(Phone(extension, "answer", 0.1, 0.3 + 0.1 * number))
        wait_all_gone(self.callers, CALM_SECONDS)
        greenlets[1].kill()
        every_call_has_its_end(self.process)
        gevent.sleep(3.0)  # wrap-up, and the files of the last talks

    def _supply(self) -> None:
        supply(self.callers, lambda number: Caller(self, number), CALLERS, 0.1)

    def _change_phones(self) -> None:
        """Phones answer, and now and then don't."""
        while True:
            for extension in sorted(self.phones):
                behaviour = self.random.choice(["answer"] * 7 + ["no_answer", "reject", "busy"])
                phone = Phone(extension, behaviour, self.random.uniform(0.1, 0.4), self.random.uniform(0.3, 1.5))
                self.house.switch.core.phones.put(phone)
            gevent.sleep(1.0)

    def _watch(self) -> None:
        """Nobody's phone has two answered calls at once."""
        while True:
            gevent.sleep(0.05)
            legs = [channel for channel in self.house.switch.core.channels.values() if channel.partner is not None]
            at_phones = Counter(str(getattr(channel.person, "phone", None) and channel.person.phone.number) for channel in legs)
            self.doubled |= {phone for phone, count in at_phones.items() if phone in self.phones and count > 1}

    def _wait_served(self) -> None:
        starts = len(self.process.log_lines("flows are in force"))
        eventually(lambda: len(self.process.log_lines("flows are in force")) >= starts, "the engine")
        eventually(lambda: len(self.house.switch.core.listeners) >= 2, "the engine's connections")

    # -- what must hold

    def findings(self) -> list[str]:
        found = [f"two calls at phone {phone}" for phone in self.doubled]
        found += [f"never ended: {self._about(caller)}" for caller in self.callers if caller.up]
        for caller in self.callers:
            found += self._of_call(caller)
        found += self._of_records()
        found += [f"crashed: {line[:300]}" for line in self.process.log_lines("Traceback") + self.process.log_lines("has crashed")]
        codes = "'session_crashed', 'recovery_failed', 'step_failed', 'director_failed', 'leg_never_ended', 'offer_lost', 'reconciled'"
        found += [f"alarm: {row}" for row in self.process.rows(f"SELECT * FROM alarms WHERE code IN ({codes})")]
        return found

    def _about(self, caller: Caller) -> str:
        heard = [Path(row["path"]).stem for row in caller.person.report()]
        rows = self.process.rows("SELECT item_id, terminal, agent_id, attempt_id FROM segments WHERE call_id = ?", caller.call_id)
        return f"{caller.call_id}: heard {heard[-4:]}, {caller.talked_with}, {rows}, {caller.channel.hangup_cause}"

    def _of_call(self, caller: Caller) -> list[str]:
        if not self.process.rows("SELECT 1 FROM calls WHERE call_id = ?", caller.call_id):
            return []  # came and went while no engine ran: the switch's fallback had them
        heard = [Path(row["path"]).stem for row in caller.person.report()]
        found = []
        if not caller.left and not caller.up and "bye" not in heard[-2:]:
            found.append(f"dropped: {self._about(caller)}")
        if len(caller.talked_with) > 1:
            found.append(f"connected twice: {self._about(caller)}")
        terminals = [row[0] for row in self.process.rows("SELECT terminal FROM segments WHERE call_id = ?", caller.call_id)]
        # Who talked and hung up while no engine ran has left nothing that could tell.
        if caller.talked_with and not caller.left and terminals != ["answered"]:
            found.append(f"talked, which is not on record: {self._about(caller)}")
        if not caller.left and terminals != ["answered"]:
            found.append(f"never served: {self._about(caller)}")
        return found

    def _of_records(self) -> list[str]:
        rows = self.process.rows
        found = [f"a waiting without an end: {row}" for row in rows("SELECT * FROM segments WHERE ended_at IS NULL")]
        found += [f"an offer without an end: {row}" for row in rows("SELECT * FROM attempts WHERE ended_at IS NULL")]
        unfinished = "SELECT * FROM segments WHERE terminal = 'answered' AND talk_ended_at IS NULL"
        found += [f"a talk without an end: {row}" for row in rows(unfinished)]
        found += [f"a stuck agent: {row}" for row in rows("SELECT * FROM seats WHERE work != 'IDLE' OR intent != 'READY'")]
        # A talk that began in the very moment of a kill was never recorded; that is said.
        said = {row[0] for row in rows("SELECT place FROM alarms WHERE code = 'talk_not_recorded'")}
        silent = "SELECT item_id, recording_problem FROM segments WHERE terminal = 'answered' AND recording_ms = 0"
        unsaid = [row for row in rows(silent) if row[0] not in said or not row[1]]
        found += [f"a talk without its sound, and nobody is told: {row}" for row in unsaid]
        if len(said) > KILLS:
            found.append(f"{len(said)} talks without sound after {KILLS} kills")
        return found

    def overtakings(self) -> list[str]:
        """Whoever is offered first came first: of two who wait, an offer goes to the older one, unless that one has just been offered
        to the agent (and is excluded), or is being offered."""
        waits = self.process.rows("SELECT item_id, queued_at, ended_at FROM segments ORDER BY queued_at")
        first_offers: dict[str, float] = {}
        for item_id, offered_at in self.process.rows("SELECT item_id, min(offered_at) FROM attempts GROUP BY item_id"):
            first_offers[item_id] = offered_at
        found = []
        offered = [(queued_at, first_offers[item_id], item_id) for item_id, queued_at, _ in waits if item_id in first_offers]
        for (queued_a, offered_a, a), (queued_b, offered_b, b) in zip(offered, offered[1:], strict=False):
            if offered_b < offered_a - 0.05:
                found.append(f"{b} (queued {queued_b - queued_a:.3f} s later) was offered {offered_a - offered_b:.3f} s before {a}")
        return found


@pytest.fixture
def chaos(tmp_path: Path) -> Iterator[Chaos]:
    process = Process(House(make_site(tmp_path / "site", FLOW)))
    yield Chaos(process)
    if process.process is not None and process.process.poll() is None:
        process.kill()
    process.house.switch.stop()


@pytest.mark.timeout(LONGEST_SECONDS + 30)
def test_whatever_happens_nobody_who_waits_or_talks_is_lost(chaos: Chaos) -> None:
    with gevent.Timeout(LONGEST_SECONDS):
        chaos.run()
    findings = chaos.findings() + chaos.overtakings()
    if os.environ.get("IVRENGINE_CHAOS_TELL"):
        _tell(chaos)
    assert not findings, "\n".join(findings[:20])
    outcomes: dict[str, int] = dict(chaos.process.rows("SELECT outcome, count(*) FROM attempts GROUP BY outcome"))
    assert outcomes.get("talked", 0) >= KILLS
    assert len(chaos.process.log_lines(READY)) == KILLS + 1


def _tell(chaos: Chaos) -> None:
    rows: Any = chaos.process.rows
    print(len(chaos.callers), "callers,", sum(caller.left for caller in chaos.callers), "left by themselves")
    for table, column in (("segments", "terminal"), ("attempts", "outcome")):
        print(rows(f"SELECT {column}, count(*) FROM {table} GROUP BY {column}"))
    print(rows("SELECT code, place, count, sentence FROM alarms"))
    print([line.split("were", 1)[1] for line in chaos.process.log_lines(READY)])
