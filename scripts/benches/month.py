"""A month in the life of a call centre, as records: what pages and reports have to find their way through.

Made of one seed, so that each run reads the same rows. The last day is today, and it is as busy as the others.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlite_utils

from ivrengine.acd.figures import Counters, of_talk, of_terminal, of_wrap_up
from ivrengine.storage.intervals import add, bucket_of
from ivrengine.storage.store import Store

DAYS = 31
CALLS = 50_000
CUSTOMERS = 20_000
DAY_SECONDS = 86_400
OPEN_SECONDS = 12 * 3600  # of each day, the last of them before the hour at which the bench runs
LEVEL_SECONDS = 20.0
IN_QUEUE = 0.8  # of the calls
ENDS = (("answered", 0.88), ("abandoned", 0.07), ("short_abandon", 0.02), ("callback_requested", 0.02), ("timeout", 0.01))
STATE = "agent_id, intent, work, reason, since, attempt_id, phone, epoch, idle_since, calls, talk_seconds, wrap_up_until, wrap_up_queue"
WORK = ("RESERVED", "RINGING", "TALKING", "WRAP_UP", "IDLE")
ALARMS = 60
AUDITED = 3000
MESSAGES = 200
DISPOSITIONS = ("1", "2", "3", "4", "")
REASONS = ("lunch", "coffee", "training")

Rows = list[tuple[Any, ...]]


@dataclass
class Month:
    """Rows by table and columns, and what the queues counted."""

    rows: defaultdict[tuple[str, str], Rows] = field(default_factory=lambda: defaultdict(list))
    counted: defaultdict[tuple[str, int], Counters] = field(default_factory=lambda: defaultdict(Counters))

    def put(self, table: str, columns: str, *values: Any) -> None:
        self.rows[table, columns].append(values)

    def count(self, queue: str, at: float, counters: Counters) -> None:
        self.counted[queue, bucket_of(at)] += counters


def write_month(store: Store, queues: list[str], agents: list[str], now: float, recording: Path, calls: int = CALLS) -> None:
    """``agents`` by number. ``recording`` is the sound of every talk."""
    month, dice = Month(), random.Random(20261122)
    _customers(month, dice, now)
    free_at = dict.fromkeys(agents, 0.0)
    at_queue = {queue: [agent for place, agent in enumerate(agents) if place % len(queues) == n] for n, queue in enumerate(queues)}
    for number, began in enumerate(_beginnings(dice, now, calls)):
        _call(month, dice, f"{number:08x}-month", began, queues, at_queue, free_at, recording)
    _shifts(month, dice, agents, now)
    _others(month, dice, agents, now, recording)
    store.database.submit(month_writer(month), "a month").wait(300.0)


def month_writer(month: Month) -> Any:
    def write(db: sqlite_utils.Database) -> None:
        for (table, columns), rows in month.rows.items():
            holes = ", ".join("?" * len(rows[0]))
            db.conn.executemany(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({holes})", rows)
        for (queue, bucket), counters in month.counted.items():
            add(db, queue, bucket, counters)
        db.conn.execute("ANALYZE")

    return write


def _beginnings(dice: random.Random, now: float, calls: int) -> Iterator[float]:
    """In order; more in the middle of a day than at its ends."""
    found = []
    for number in range(calls):
        day = number % DAYS
        found.append(now - day * DAY_SECONDS - OPEN_SECONDS * (1 - dice.betavariate(2, 2)))
    return iter(sorted(found))


def _number(dice: random.Random) -> str:
    """Most callers are customers, some of them often."""
    customer = int(CUSTOMERS * dice.random() ** 2)
    return f"138{customer:08}" if dice.random() < 0.9 else f"159{dice.randrange(10**8):08}"


def _customers(month: Month, dice: random.Random, now: float) -> None:
    for customer in range(CUSTOMERS):
        name, level = f"Customer {customer}", dice.choice(("", "", "gold", "silver"))
        month.put(
            "customers", "customer_id, name, level, notes, created_at, created_by, changed_at, changed_by",
            f"c{customer}", name, level, "", now, "bench", now, "bench",
        )  # fmt: skip
        month.put("customer_numbers", "number, customer_id, place", f"138{customer:08}", f"c{customer}", 0)


def _call(
    month: Month,
    dice: random.Random,
    call_id: str,
    began: float,
    queues: list[str],
    at_queue: dict[str, list[str]],
    free_at: dict[str, float],
    recording: Path,
) -> None:
    number, at = _number(dice), began
    for sequence, (step, verb, label, key) in enumerate(
        (("hours", "branch", "", ""), ("welcome", "play", "", ""), ("which", "menu", "Orders", "1"), ("line", "queue", "", ""))
    ):
        lasted = dice.uniform(0.1, 8.0)
        month.put(
            "steps", "call_id, sequence, flow, version, step, verb, entered_at, left_at, outcome, label, key, detail",
            call_id, sequence, "centre", "v1", step, verb, at, at + lasted, "choice" if key else "next", label, key, "",
        )  # fmt: skip
        at += lasted
    ended, outcome = at, "completed"
    if dice.random() < IN_QUEUE:
        ended = _wait(month, dice, call_id, number, at, dice.choice(queues), at_queue, free_at, recording)
    month.put(
        "calls", "call_id, dialled, number, name, started_at, answered_at, ended_at, ended_by, cause, flow, flow_version, outcome",
        call_id, "100", number, "", began, began + 0.1, ended, "caller", "NORMAL_CLEARING", "centre", "v1", outcome,
    )  # fmt: skip


def _wait(
    month: Month,
    dice: random.Random,
    call_id: str,
    number: str,
    queued: float,
    queue: str,
    at_queue: dict[str, list[str]],
    free_at: dict[str, float],
    recording: Path,
) -> float:
    """One waiting, and the talk it led to; gives its end."""
    item, contact = f"i-{call_id}", f"k-{call_id}"
    terminal = dice.choices([name for name, _ in ENDS], [share for _, share in ENDS])[0]
    agent = min(dice.sample(at_queue[queue], min(4, len(at_queue[queue]))), key=free_at.__getitem__)
    wait = dice.expovariate(1 / 15.0) if terminal != "short_abandon" else dice.uniform(0.5, 4.0)
    talk = hold = wrap_up = 0.0
    ended = queued + wait
    if terminal == "answered":
        ended = max(ended, free_at[agent] + 2.0)
        wait = ended - queued
        talk, hold, wrap_up = dice.lognormvariate(4.9, 0.6), dice.choice((0.0, 0.0, 20.0)), dice.uniform(3.0, 40.0)
        free_at[agent] = ended + talk + hold + wrap_up
        _offer(month, item, agent, ended, talk + hold, wrap_up)
        month.count(queue, ended, of_talk(talk, hold) + of_wrap_up(wrap_up))
        if dice.random() < 0.2:
            mark = dice.choice("12345")
            month.put(
                "marks", "call_id, item_id, queue, agent_id, survey, question, mark, label, comment_path, at",
                call_id, item, queue, agent, "service", "satisfied", mark, f"{mark} of 5", "", ended + talk,
            )  # fmt: skip
    if terminal == "callback_requested":
        month.put(
            "callbacks",
            "callback_id, queue, number, name, contact_id, call_id, source, requested_at, queued_at, rings, boost_seconds, not_before,"
            " not_after, next_at, attempts, outcome, ended_at, agent_id",
            f"b-{call_id}", queue, number, "", contact, call_id, "caller", ended, queued, "[[0.0, []]]", 0.0, 0.0, ended + 7200, 0.0,
            dice.randrange(3), dice.choice(("talked", "talked", "expired", "no_answer")), ended + dice.uniform(60, 7000), agent,
        )  # fmt: skip
    month.count(queue, ended, of_terminal(terminal, wait, LEVEL_SECONDS))
    month.put("contacts", "contact_id, number, name, began_at", contact, number, "", queued)
    answered = terminal == "answered"
    month.put(
        "segments",
        "item_id, contact_id, call_id, token, queue, number, queued_at, rings, boost_seconds, sticky_agent, sticky_seconds,"
        " max_wait_seconds, virtual, excluded, terminal, ended_at, wait_seconds, service_level_seconds, agent_id, attempt_id,"
        " talk_ended_at, talk_seconds, hold_seconds, wrap_up_seconds, disposition, recording_path, recording_ms",
        item, contact, call_id, f"t-{call_id}", queue, number, queued, "[[0.0, []]]", 0.0, "", 0.0, 0.0, 0, "[]", terminal, ended, wait,
        LEVEL_SECONDS, agent if answered else "", f"a-{item}" if answered else "", ended + talk + hold if answered else None,
        talk if answered else None, hold if answered else None, wrap_up if answered else None,
        dice.choice(DISPOSITIONS) if answered else "", str(recording) if answered else "", int(talk * 1000),
    )  # fmt: skip
    return ended + talk + hold


def _offer(month: Month, item: str, agent: str, connected: float, talk: float, wrap_up: float) -> None:
    phone, rang = _phone(agent), connected - 2.0
    month.put(
        "attempts", "attempt_id, leg_id, item_id, agent_id, phone, offered_at, rang_at, answered_at, bridged_at, ended_at, outcome",
        f"a-{item}", f"l-{item}", item, agent, phone, rang - 0.1, rang, connected - 0.2, connected, connected + talk, "talked",
    )  # fmt: skip
    for work, since in zip(WORK, (rang - 0.1, rang, connected, connected + talk, connected + talk + wrap_up), strict=True):
        _state(month, agent, "READY", work, "", since, "" if work == "IDLE" else f"a-{item}")


def _state(month: Month, agent: str, intent: str, work: str, reason: str, since: float, attempt: str = "") -> None:
    month.put(
        "agent_states", STATE, agent, intent, work, reason, since, attempt, _phone(agent), 1, since, 0, 0.0, 0.0, "",
    )  # fmt: skip


def _phone(agent: str) -> str:
    return f"2{agent[1:]}"


def _shifts(month: Month, dice: random.Random, agents: list[str], now: float) -> None:
    """Who comes, rests and goes, each day; today's shift is over too."""
    for agent in agents:
        for day in range(DAYS):
            comes = now - day * DAY_SECONDS - OPEN_SECONDS + dice.uniform(0, 3600)
            _state(month, agent, "READY", "IDLE", "", comes)
            for reason in REASONS:
                rests = comes + dice.uniform(0.1, 0.8) * OPEN_SECONDS
                _state(month, agent, "NOT_READY", "IDLE", reason, rests)
                _state(month, agent, "READY", "IDLE", "", rests + dice.uniform(300, 2400))
            _state(month, agent, "LOGGED_OUT", "IDLE", "", comes + dice.uniform(0.85, 0.91) * OPEN_SECONDS)
        month.put(
            "seats", STATE, agent, "LOGGED_OUT", "IDLE", "", now - 60.0, "", _phone(agent), 1, 0.0, 0, 0.0, 0.0, "",
        )  # fmt: skip


def _others(month: Month, dice: random.Random, agents: list[str], now: float, recording: Path) -> None:
    def when() -> float:
        return now - dice.random() * DAYS * DAY_SECONDS

    for number in range(ALARMS):
        at, count = when(), dice.randrange(1, 200)
        month.put("alarms", "code, place, sentence, first_at, last_at, count", "prompt_missing", f"prompt {number}", "It is not there", at,
                  at + 3600, count)  # fmt: skip
        month.put("alarm_hours", "code, place, hour, count", "prompt_missing", f"prompt {number}", int(at // 3600) * 3600, count)
    for number in range(AUDITED):
        month.put("audit", "at, who, verb, target, before, after", when(), "user bench", "change", f"agent {dice.choice(agents)}",
                  json.dumps({"name": f"before {number}"}), json.dumps({"name": f"after {number}"}))  # fmt: skip
    for _ in range(DAYS * len(agents)):
        month.put("log_ins", "at, name, result, address, browser", when(), f"agent{dice.choice(agents)}", "ok", "10.0.0.1", "a browser")
    for number in range(MESSAGES):
        month.put(
            "messages", "message_id, call_id, box, path, duration_ms, number, name, callback_number, urgent, created_at",
            f"m{number}", f"{number:08x}-month", "bench", f"{recording}-{number}", 20_000, _number(dice), "", "", 0, when(),
        )  # fmt: skip
