"""The engine is killed with SIGKILL again and again, and its link cut, while callers do as they please.

What must hold whatever happens: nobody is dropped, nobody is left in silence, every call gets its end on record, nothing
said is lost, what was told to be saved is saved once, traces have no gaps, and no secret is written down anywhere.

Seeded. ``IVRENGINE_CHAOS_KILLS``, ``IVRENGINE_CHAOS_CALLERS`` and ``IVRENGINE_CHAOS_SEED`` make longer runs of it.
"""

from __future__ import annotations

import os
import random
import struct
import time
import wave
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from ivrengine.simswitch.callers import check_script, place_call
from ivrengine.simswitch.phones import Phone

from .conftest import House, eventually, make_site, write_tone
from .engine_process import Process
from .storm import every_call_has_its_end, supply, wait_all_gone

KILLS = int(os.environ.get("IVRENGINE_CHAOS_KILLS", "6"))
CALLERS = int(os.environ.get("IVRENGINE_CHAOS_CALLERS", "40"))
SEED = int(os.environ.get("IVRENGINE_CHAOS_SEED", "1"))
QUIET_SECONDS = 10.0  # longest silence while an engine serves: the flow's own timers, and a restart's repeat
LONGEST_SECONDS = 120.0 + 15.0 * KILLS
CALM_SECONDS = 60.0  # for all calls to end by themselves when nobody presses a key any more

FLOW = """
flow: chaos
languages: [zh-CN]
numbers: ["100"]
start: main
fallback: sorry
on_hangup: count_end
steps:
  main:
    menu:
      prompt: [main]
      choices:
        1: {label: Information, go: info}
        2: {label: Message, go: message}
        3: {label: Person, go: person}
        4: {label: Order, go: order}
        5: {label: PIN, go: pin}
        6: {label: Nobody, go: nobody}
        7: {label: Statement, go: statement}
        9: {label: Goodbye, go: bye}
      no_input: bye
      no_match: bye
      first_digit: 2s
      tries: 3
  info: {play: {prompt: [long], next: main}}
  message:
    voicemail:
      box: office
      prompt: [leave]
      longest: 8s
      silence: 1s
      shortest: 1s
      tries: 2
      review: {prompt: [review], first_digit: 2s, tries: 2}
      saved: [thanks]
      next: main
  person: {dial_extension: {extension: "8001", answered: main, failed: main}}
  nobody: {dial_extension: {extension: "8002", ring: 2s, answered: main, failed: main}}
  order: {collect: {variable: order, prompt: [order], digits: 4, first_digit: 2s, next: main, no_input: main, no_match: main}}
  pin:
    collect: {variable: pin, prompt: [pin], digits: 8, secret: true, first_digit: 2s, next: check, no_input: main, no_match: main}
  check: {branch: {cases: [{when: 'left(pin, 1) == "9"', go: bye}], otherwise: main}}
  statement: {record: {name: statement, prompt: [leave], longest: 5s, silence: 1s, next: main, failed: main}}
  sorry: {hangup: {prompt: [sorry]}}
  bye: {hangup: {prompt: [bye]}}
  count_end: {counter: {counter: ended, next: gone}}
  gone: {hangup: }
"""
PROMPTS = {"main": 0.4, "long": 1.0, "leave": 0.3, "review": 0.3, "thanks": 0.2, "order": 0.4, "pin": 0.4, "sorry": 0.2, "bye": 0.2}


class Caller:
    """One who dials, does things at random until the line is gone, and is watched for silence."""

    def __init__(self, chaos: Chaos, number: int) -> None:
        self.chaos = chaos
        self.random = random.Random(f"{SEED}-{number}")
        self.number = f"139{number:08d}"
        self.left = False  # hung up
        self.quiet_seconds = 0.0
        switch = chaos.house.switch
        self.channel = place_call(switch.core, "100", self.number, "", check_script([]), f"chaos-{SEED}-{number}")
        self.call_id = self.channel.uuid
        self.person = self.channel.person

    @property
    def up(self) -> bool:
        return not self.person.ended

    def hears(self) -> str:
        """The prompt that plays, or played last."""
        rows = self.person.report()
        return Path(rows[-1]["path"]).stem if rows else ""

    def busy(self) -> bool:
        """Something happens on the line: a prompt, a recording, a phone that rings or talks."""
        channel = self.channel
        busy_with = channel.variables.get("current_application")
        return bool(self.person._now_playing or self.person._recording or channel.partner or busy_with == "bridge")

    def live(self) -> None:
        while self.up:
            gevent.sleep(self.random.uniform(0.1, 1.2))
            if self.up and self.channel.media_ready and not self.chaos.calm:
                self._do_something()
        self.chaos.ended.append(self)

    def _do_something(self) -> None:
        chance = self.random.random()
        if chance < 0.04:
            self.left = True
            self.person.hang_up()
        elif self.person._recording:
            self._speak()
        elif self.hears() == "pin":
            self.person.press(self._pin()[: self.random.choice([8, 8, 8, 3])])
        elif self.hears() == "order":
            self.person.press(f"{self.random.randrange(10000):04d}")
        elif self.hears() == "review":
            self.person.press(self.random.choice("12223"))
        elif chance < 0.9:
            self.person.press(self.random.choice(["1", "2", "2", "2", "3", "4", "5", "5", "6", "7", "77", "0", "#", "41234", "9"]))

    def _speak(self) -> None:
        speech = self.random.choice(self.chaos.speeches)
        self.person.speak(str(speech))
        gevent.sleep(self.random.choice([0.5, 2.0, 2.0]))
        if self.up and self.random.random() < 0.7:
            self.person.press("#")

    def _pin(self) -> str:
        pin = f"{self.random.randrange(10**8):08d}"
        self.chaos.secrets.append(pin)
        return pin


class Chaos:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.house = process.house
        self.random = random.Random(SEED)
        self.calm = False
        self.secrets: list[str] = []
        self.callers: list[Caller] = []
        self.ended: list[Caller] = []
        self.silent: dict[str, str] = {}  # call id -> what is known of one left in silence
        site = self.house.site
        self.speeches = [write_tone(site / "speech" / f"{n}.wav", seconds, 600.0) for n, seconds in enumerate((0.4, 1.6, 2.4))]
        phones = self.house.switch.core.phones
        phones.put(Phone("8001", "answer", 0.5, 2.0))
        phones.put(Phone("8002", "no_answer"))

    # -- the storm

    def run(self) -> None:
        self.process.start()
        watcher = gevent.spawn(self._watch)
        supplier = gevent.spawn(self._supply)
        for _ in range(KILLS):
            self._wait_served()
            gevent.sleep(self.random.uniform(0.3, 2.5))
            if self.random.random() < 0.5:
                self._trouble_the_link()
            self.process.kill()
            gevent.sleep(self.random.choice([0.0, 0.2, 1.0]))
            self.process.start()
        self._wait_served()
        supplier.kill()
        self.calm = True
        self.house.switch.core.faults.clear()
        wait_all_gone(self.callers, CALM_SECONDS)
        watcher.kill()
        every_call_has_its_end(self.process)

    def _supply(self) -> None:
        supply(self.callers, lambda number: Caller(self, number), CALLERS, 0.05)

    def _trouble_the_link(self) -> None:
        core = self.house.switch.core
        core.faults.delay_events_ms = self.random.choice([0.0, 0.0, 150.0])
        core.drop_hook(self.random.choice(["notice", "silent", "reset", "truncated"]), None)
        gevent.sleep(self.random.uniform(0.0, 1.5))

    @property
    def served(self) -> bool:
        return len(self.house.switch.core.listeners) >= 2

    def _wait_served(self) -> None:
        eventually(lambda: self.served, "the engine's connections")

    def _watch(self) -> None:
        """Counts each caller's silence while an engine serves."""
        before = time.monotonic()
        while True:
            gevent.sleep(0.1)
            now = time.monotonic()
            passed, before = min(0.5, now - before), now  # a machine that stood still is not a silent line
            for caller in self.callers:
                if caller.up and self.served:
                    caller.quiet_seconds = 0.0 if caller.busy() else caller.quiet_seconds + passed
                    if caller.quiet_seconds > QUIET_SECONDS:
                        self.silent.setdefault(caller.call_id, self._about(caller))

    def _about(self, caller: Caller) -> str:
        steps = [row[0] for row in self.process.steps(caller.call_id)]
        heard = [Path(row["path"]).stem for row in caller.person.report()]
        channel = caller.channel
        application = channel.variables.get("current_application")
        return f"{caller.call_id}: steps {steps[-6:]}, heard {heard[-6:]}, {channel.state} in {application}, {channel.hangup_cause}"

    # -- what must hold

    def findings(self) -> list[str]:
        found = [f"in silence: {about}" for about in self.silent.values()]
        found += [f"never ended: {self._about(caller)}" for caller in self.callers if caller.up]
        for caller in self.callers:
            found += self._of_call(caller)
        found += self._of_files()
        found += [f"crashed: {line[:300]}" for line in self.process.log_lines("Traceback") + self.process.log_lines("has crashed")]
        codes = "'session_crashed', 'recovery_failed', 'step_failed', 'run_unreadable', 'message_not_kept', 'recording_failed'"
        found += [f"alarm: {row}" for row in self.process.rows(f"SELECT * FROM alarms WHERE code IN ({codes})")]
        return found

    def _of_call(self, caller: Caller) -> list[str]:
        rows = self.process.rows("SELECT outcome, cause, ended_at FROM calls WHERE call_id = ?", caller.call_id)
        sequences = self.process.rows("SELECT sequence FROM steps WHERE call_id = ? ORDER BY sequence", caller.call_id)
        heard = [Path(row["path"]).stem for row in caller.person.report()]
        found = []
        if [row[0] for row in sequences] != list(range(len(sequences))):
            found.append(f"a gap in the trace: {[row[0] for row in sequences]}, {self._about(caller)}")
        if not caller.left and rows and not {"bye", "sorry"} & set(heard[-2:]):
            found.append(f"dropped: {rows}, {self._about(caller)}")
        kept = self.process.rows("SELECT path FROM messages WHERE call_id = ?", caller.call_id)
        if "thanks" in heard and not kept:
            found.append(f"told that a message is saved, which is not: {self._about(caller)}")
        return found

    def _of_files(self) -> list[str]:
        query = "SELECT call_id, path, duration_ms FROM messages UNION ALL SELECT call_id, path, duration_ms FROM recordings"
        kept = {path: (call_id, duration_ms) for call_id, path, duration_ms in self.process.rows(query)}
        silent = [path for path in kept if loudness(Path(path)) < 500]
        found = [f"kept without sound: {path}, {kept[path]}, {'a' if Path(path).exists() else 'no'} file" for path in silent]
        for path in (self.house.site / "data" / "recordings").glob("*.wav"):
            if str(path) not in kept and loudness(path) >= 500 and seconds_of(path) > 3.0:
                found.append(f"said and not kept: {path.name}, {seconds_of(path):.1f} s")
        return found

    def secrets_found(self) -> list[str]:
        site = self.house.site
        texts = {path.name: path.read_bytes() for path in [*(site / "data").glob("ivrengine.db*"), site / "log"]}
        return [f"{secret} in {name}" for secret in self.secrets for name, text in texts.items() if secret.encode() in text]


def seconds_of(path: Path) -> float:
    with wave.open(str(path), "rb") as file:
        return file.getnframes() / file.getframerate()


def loudness(path: Path) -> float:
    """The loudest sample; nought where there is no file."""
    if not path.exists():
        return 0.0
    with wave.open(str(path), "rb") as file:
        samples = file.readframes(file.getnframes())
    return max((abs(value) for (value,) in struct.iter_unpack("<h", samples)), default=0)


@pytest.fixture
def chaos(tmp_path: Path) -> Iterator[Chaos]:
    site = make_site(tmp_path / "site", FLOW)
    for name, seconds in PROMPTS.items():
        write_tone(site / "prompts" / "zh-CN" / f"{name}.wav", seconds)
    process = Process(House(site))
    chaos = Chaos(process)
    yield chaos
    if process.process is not None and process.process.poll() is None:
        process.kill()
    process.house.switch.stop()


@pytest.mark.timeout(LONGEST_SECONDS + 30)
def test_whatever_callers_do_and_however_often_the_engine_dies(chaos: Chaos) -> None:
    with gevent.Timeout(LONGEST_SECONDS):
        chaos.run()
    findings = chaos.findings()
    assert not findings, "\n".join(findings[:20])
    assert not chaos.secrets_found()
    outcomes = Counter(row[0] for row in chaos.process.rows("SELECT outcome FROM calls"))
    assert len(chaos.callers) > CALLERS
    assert outcomes["completed"] and outcomes["caller_hung_up"]
    for table in ("messages", "recordings"):
        ((count,),) = chaos.process.rows(f"SELECT count(*) FROM {table}")
        assert count, f"a chaos without {table} tests nothing of them"

    if os.environ.get("IVRENGINE_CHAOS_TELL"):
        verbs = Counter(row[0] for row in chaos.process.rows("SELECT step || ' ' || outcome FROM steps"))
        print(len(chaos.callers), outcomes, len(chaos.secrets), len(chaos.process.log_lines("picked up again")), verbs)
        print(chaos.process.rows("SELECT code, place, count, sentence FROM alarms"))
