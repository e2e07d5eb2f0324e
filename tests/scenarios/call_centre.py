"""A small call centre for the scenarios: one flow with a queue, a site with three agents, and what tests ask of them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.bench import Bench, SiteDatabase

from .conftest import ROOT, command, new_bench

NUMBER = "02988880009"
AGENTS = {"1001": "8001", "1002": "8002", "1003": "8003"}  # and the phones at which they sit
CUSTOMER = "13800138000"

FLOW = """
flow: centre
languages: [zh-CN]
numbers: ["02988880009", "02988880008"]
start: which
fallback: sorry
steps:
  which:
    branch:
      cases:
        - {when: 'dialled == "02988880008"', go: english}
      otherwise: person
  person:
    queue:
      queue: support
      needs: {support: 5}
      relax: [{after: 4s, needs: {support: 2}}]
      announce:
        first: 2s
        every: 6s
        position: [waiting/position, {number: position}, waiting/in_line]
        next_in_line: [waiting/next]
        offer: [waiting/offer]
      choices:
        1: {label: Message, go: message, leaves_as: voicemail}
        2: {label: Call back, do: inform, flow: call_me_back}
        3: {label: Opening hours, do: inform, flow: office_hours}
      answered: survey
      callback_requested: bye
      refused_empty: message
      failed: sorry
  english:
    queue:
      queue: support
      needs: {english: 5}
      answered: survey
      failed: sorry
  survey:
    survey:
      survey: support
      questions: [{question: service, prompt: [survey/service], answers: {1: good, 2: fair, 3: poor}}]
      next: bye
  message:
    voicemail: {box: support, next: bye}
  sorry: {hangup: {prompt: [fault/sorry]}}
  bye: {hangup: {prompt: [person/goodbye]}}
"""

SITE = """
skills: {support: Support, english: English}
teams: {day: {title: Day}}
break_reasons: {rest: {title: Rest, longest: 10m}}
dispositions: {"1": Solved, "2": Open}
queues:
  support:
    title: Support
    number: "6001"
    ring: 6s
    wrap_up_most: 3s
    exclusion: 4s
    whisper: false
  sales:
    title: Sales
    number: "6002"
    ring: 6s
    wrap_up_most: 3s
    whisper: false
agents:
  "1001": {name: One, team: day, pin: "4101", skills: {support: 8}, queues: {support: 1}}
  "1002": {name: Two, team: day, pin: "4102", skills: {support: 3, english: 8}, queues: {support: 1}}
  "1003": {name: Three, team: day, pin: "4103", queues: {sales: 1}}
  "1900": {name: Boss, supervisor: true, pin: "4190"}
"""


def furnish(bench: Bench) -> None:
    """Before the switch starts: what it serves is read from the flows."""
    flows = bench.site / "flows"
    flows.mkdir(parents=True)
    for name in ("call_me_back.yml", "office_hours.yml", "desk.yml", "calendars.yml"):
        shutil.copy(ROOT / "flows" / name, flows)
    (flows / "centre.yml").write_text(FLOW, "utf-8")
    shutil.copytree(ROOT / "prompts", bench.site / "prompts")
    (bench.site / "site.yml").write_text(SITE, "utf-8")


def staff(bench: Bench) -> None:
    """Once the switch is there, before the engine starts."""
    command(bench, "site", "import", "--yes")


@contextmanager
def opened(switch: str, work: Path) -> Iterator[Bench]:
    """The bench on that switch with the small call centre, started; nobody is logged in."""
    made = new_bench(switch, work)
    furnish(made)
    with made as started:
        staff(started)
        started.engine.start()
        yield started


def ready(bench: Bench, *agent_ids: str) -> None:
    """Log agents in at their phones and make them ready, as a supervisor does by the command line."""
    for agent_id in agent_ids:
        command(bench, "agents", "log-in", agent_id, "--phone", AGENTS[agent_id])
        command(bench, "agents", "ready", agent_id)


def segments(database: SiteDatabase) -> list[dict[str, Any]]:
    return database.rows("select * from segments order by queued_at, item_id")


def works(database: SiteDatabase, agent_id: str) -> str:
    """What the agent does by the last row of the log: IDLE, RINGING, TALKING..."""
    rows = database.rows("select work from agent_states where agent_id = ? order by rowid desc limit 1", agent_id)
    return rows[0]["work"] if rows else ""


def eventually(condition: Callable[[], object], what: str, timeout: float = 20.0) -> Any:
    until = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < until, f"{what} did not come within {timeout:g} s"
        time.sleep(0.1)
    return result


def until_works(database: SiteDatabase, agent_id: str, work: str, timeout: float = 20.0) -> None:
    eventually(lambda: works(database, agent_id) == work, f"agent {agent_id}: {work}", timeout)
