"""The agents' states: a log that reports read, and who sits where now, so that a restarted engine finds its agents as they were."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, fields

import gevent
import sqlite_utils

from .database import Database, Ticket
from .rows import select, storable


@dataclass(frozen=True, slots=True)
class AgentState:
    """What an agent is from ``since`` (UTC seconds) on, as the dispatcher says it. ``phone``: where they sit, "" when logged out.

    ``idle_since``, ``calls`` and ``talk_seconds`` count since the log-in. ``wrap_up_until`` 0 when not in wrap-up.
    """

    agent_id: str
    intent: str
    work: str
    reason: str
    since: float
    attempt_id: str
    phone: str
    epoch: int
    idle_since: float
    calls: int
    talk_seconds: float
    wrap_up_until: float
    wrap_up_queue: str


@dataclass(frozen=True, slots=True)
class Spent:
    """How long in all an agent was in one kind of state."""

    agent_id: str
    intent: str
    work: str
    reason: str
    seconds: float


_Kind = tuple[str, str, str, str]  # agent, intent, work, reason
_NAMES = tuple(each.name for each in fields(AgentState))
_COLUMNS = ", ".join(_NAMES)
_SPENT = "state_id, agent_id, intent, work, reason, since"
_MARKS = ", ".join("?" * len(_NAMES))
DAY_SECONDS = 86_400.0
SETTLED_SECONDS = 3600.0  # so long after its end a day is not written to any more
DAYS_KEPT = 70  # of sums of states: two months, and the days of who looks at others
_IS_SEATED = (
    "SELECT 1 FROM seats WHERE agent_id = ? AND since = ? AND epoch = ? AND intent = ? AND work = ? AND reason = ? AND attempt_id = ?"
)


class AgentStates:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._days: OrderedDict[tuple[float, float, str], dict[_Kind, float]] = OrderedDict()

    def log(
        self,
        agent_id: str,
        intent: str,
        work: str,
        reason: str,
        since: float,
        attempt_id: str,
        phone: str,
        epoch: int,
        *,
        idle_since: float = 0.0,
        calls: int = 0,
        talk_seconds: float = 0.0,
        wrap_up_until: float = 0.0,
        wrap_up_queue: str = "",
    ) -> Ticket[None]:
        """The agent's next state. The same one again, by an engine that repeats itself, adds nothing to the log.

        What else is told with it (``wrap_up_until``, ``calls``...) is renewed as long as the agent still is in that state.
        """
        agent_id, intent, work, reason, attempt_id = (storable(text) for text in (agent_id, intent, work, reason, attempt_id))
        row = (
            agent_id,
            intent,
            work,
            reason,
            since,
            attempt_id,
            storable(phone),
            epoch,
            idle_since,
            calls,
            talk_seconds,
            wrap_up_until,
            storable(wrap_up_queue),
        )

        def write(db: sqlite_utils.Database) -> None:
            logged = db.execute(f"INSERT INTO agent_states ({_COLUMNS}) VALUES ({_MARKS}) ON CONFLICT DO NOTHING", row)
            if logged.rowcount or db.execute(_IS_SEATED, (agent_id, since, epoch, intent, work, reason, attempt_id)).fetchone():
                db.execute(f"INSERT OR REPLACE INTO seats ({_COLUMNS}) VALUES ({_MARKS})", row)

        return self._database.submit(write, "an agent's state")

    def wish(self, agent_id: str, intent: str, reason: str) -> Ticket[None]:
        """What the agent will be when the present call is over, and was told so; "" for no wish any more. BREAK_ASKED: a supervisor
        has not answered yet."""
        row = (storable(agent_id), storable(intent), storable(reason))

        def write(db: sqlite_utils.Database) -> None:
            if row[1]:
                db.execute("INSERT OR REPLACE INTO wishes (agent_id, intent, reason) VALUES (?, ?, ?)", row)
            else:
                db.execute("DELETE FROM wishes WHERE agent_id = ?", row[:1])

        return self._database.submit(write, "an agent's wish")

    def wishes(self) -> dict[str, tuple[str, str]]:
        """Intent and reason of every wish that has not come true."""
        return self._database.read(
            lambda db: {row[0]: (row[1], row[2]) for row in db.execute("SELECT agent_id, intent, reason FROM wishes")}
        )

    def last(self) -> dict[str, AgentState]:
        """Every agent that was ever logged in, as they are now."""
        found = self._database.read(lambda db: select(db, AgentState, "FROM seats ORDER BY agent_id"))
        return {state.agent_id: state for state in found}

    def last_left(self, agent_id: str) -> tuple[float, float]:
        """When the agent was last logged out, and last not ready; 0.0 for never."""
        last = "SELECT since FROM agent_states WHERE agent_id = ? AND {} ORDER BY since DESC LIMIT 1"

        def read(db: sqlite_utils.Database) -> tuple[float, float]:
            such = ("intent = 'LOGGED_OUT'", "intent != 'READY'")
            found = (db.execute(last.format(each), [storable(agent_id)]).fetchone() for each in such)
            logged_out, not_ready = (row[0] if row else 0.0 for row in found)
            return logged_out, not_ready

        return self._database.read(read)

    def at_phone(self, phone: str) -> AgentState | None:
        """Who sits at this phone; of several, who came last."""
        rest = "FROM seats WHERE phone = ? AND intent != 'LOGGED_OUT' ORDER BY since DESC LIMIT 1"
        found = self._database.read(lambda db: select(db, AgentState, rest, [storable(phone)])) if phone else []
        return found[0] if found else None

    def spent(self, a: float, b: float, agent_id: str = "") -> list[Spent]:
        """The time in [a, b) by agent, state and reason, added by SQLite: a month of a hundred agents has millions of states.

        A state lasts until the agent's next, the last one until ``b``. Whole days of the past are added once and kept.
        """
        cuts = [a]
        while cuts[-1] + DAY_SECONDS < b:
            cuts.append(cuts[-1] + DAY_SECONDS)
        if len(cuts) > DAYS_KEPT:
            return _as_spent(self._sums(a, b, agent_id))
        total: dict[_Kind, float] = {}
        for began, ended in zip(cuts, [*cuts[1:], b], strict=True):
            sums = self._sums_kept(began, ended, agent_id) if ended <= b - SETTLED_SECONDS else self._sums(began, ended, agent_id)
            for kind, seconds in sums.items():
                total[kind] = total.get(kind, 0.0) + seconds
            gevent.sleep(0)  # calls have their turn between two days
        return _as_spent(total)

    def _sums_kept(self, a: float, b: float, agent_id: str) -> dict[_Kind, float]:
        key = (a, b, agent_id)
        if key not in self._days:
            self._days[key] = self._sums(a, b, agent_id)
            while len(self._days) > DAYS_KEPT:
                self._days.popitem(last=False)
        self._days.move_to_end(key)
        return self._days[key]

    def _sums(self, a: float, b: float, agent_id: str) -> dict[_Kind, float]:
        # Per agent one look into the index for the state that ``a`` falls into; the log itself may hold years.
        sql = (
            "WITH log AS ("
            f" SELECT {_SPENT} FROM agent_states WHERE state_id IN (SELECT (SELECT state_id FROM agent_states AS s"
            " WHERE s.agent_id = seats.agent_id AND since < ?2 ORDER BY since DESC, state_id DESC LIMIT 1)"
            " FROM seats WHERE ?1 IN ('', seats.agent_id))"
            f" UNION ALL SELECT {_SPENT} FROM agent_states WHERE ?1 IN ('', agent_id) AND since >= ?2 AND since < ?3),"
            " lasting AS (SELECT agent_id, intent, work, reason, max(since, ?2) AS began,"
            " lead(since, 1, ?3) OVER (PARTITION BY agent_id ORDER BY since, state_id) AS ended FROM log)"
            " SELECT agent_id, intent, work, reason, total(max(0.0, min(ended, ?3) - began)) FROM lasting"
            " GROUP BY agent_id, intent, work, reason ORDER BY agent_id, intent, work, reason"
        )
        return self._database.read(lambda db: {tuple(kind): seconds for *kind, seconds in db.execute(sql, (storable(agent_id), a, b))})

    def between(self, a: float, b: float, agent_id: str = "") -> list[AgentState]:
        """The states that reach into [a, b), by agent and in order; each lasts until the agent's next. Of one agent or of all.

        The first of an agent may have begun before ``a``.
        """
        agent_id = storable(agent_id)

        def read(db: sqlite_utils.Database) -> list[AgentState]:
            # Per agent one look into the index; the log itself may hold years.
            before = (
                "FROM agent_states WHERE state_id IN (SELECT (SELECT state_id FROM agent_states AS s WHERE s.agent_id = seats.agent_id"
                " AND since < ?2 ORDER BY since DESC, state_id DESC LIMIT 1) FROM seats WHERE ?1 IN ('', seats.agent_id))"
            )
            within = "FROM agent_states WHERE ?1 IN ('', agent_id) AND since >= ?2 AND since < ?3 ORDER BY since, state_id"
            found = select(db, AgentState, before, [agent_id, a]) + select(db, AgentState, within, [agent_id, a, b])
            return sorted(found, key=lambda state: state.agent_id)

        return self._database.read(read)


def _as_spent(sums: dict[_Kind, float]) -> list[Spent]:
    return [Spent(*kind, sums[kind]) for kind in sorted(sums)]
