"""Segments: one waiting in one queue, and the talk it led to. A caller who is transferred to a queue has another segment.

A call that an agent makes is a segment, too, with a ``direction``: it waits in no queue and is counted in none.

Written ahead, so that a restarted engine gives every waiting caller the place they had (``waiting``) and knows who talks to whom
(``talking``). Every write may be repeated: what is known already changes nothing, and nothing is counted twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import sqlite_utils

from ivrengine.acd.figures import of_talk, of_terminal, of_wrap_up
from ivrengine.acd.happenings import Terminal
from ivrengine.acd.rules import QueueRules
from ivrengine.domain.needs import ANYBODY, Ring

from . import intervals
from .database import Database, Ticket
from .rows import LIST_LIMIT, storable

NOTES_LIMIT = 4000  # characters

Direction = Literal["", "out", "internal"]


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. Times in UTC seconds, None for what has not happened.

    ``direction``: "" for who waits in a queue, ``out`` or ``internal`` for a call of an agent's own; ``number`` is whom it goes to then
    and ``queue`` for which queue it is made, "" for none.
    ``queue`` is where it waits or waited last. ``terminal`` "" while it waits. ``agent_id`` and ``attempt_id`` are of the offer that
    was answered. ``automatic``: the disposition was not given by the agent.
    """

    item_id: str
    contact_id: str
    call_id: str
    token: str
    queue: str
    number: str
    queued_at: float
    rings: tuple[Ring, ...]
    boost_seconds: float
    sticky_agent: str
    sticky_seconds: float
    max_wait_seconds: float
    virtual: bool
    excluded: tuple[str, ...]
    terminal: str
    ended_at: float | None
    wait_seconds: float | None
    agent_id: str
    attempt_id: str
    talk_ended_at: float | None
    talk_seconds: float | None
    hold_seconds: float | None
    wrap_up_seconds: float | None
    disposition: str
    automatic: bool
    notes: str
    recording_path: str
    recording_ms: int
    recording_problem: str
    direction: Direction = ""


_NAMES = ", ".join(each.name for each in fields(Segment))


class Segments:
    def __init__(self, database: Database) -> None:
        self._database = database

    # -- while it waits ------------------------------------------------------------------------------------------------

    def begin(
        self,
        item_id: str,
        contact_id: str,
        call_id: str,
        token: str,
        queue: str,
        number: str,
        queued_at: float,
        rings: Sequence[Ring] = ANYBODY,
        boost_seconds: float = 0.0,
        sticky_agent: str = "",
        sticky_seconds: float = 0.0,
        max_wait_seconds: float = 0.0,
        virtual: bool = False,
        excluded: Sequence[str] = (),
        direction: Direction = "",
    ) -> Ticket[None]:
        """A caller, or with ``virtual`` a callback, waits in ``queue``, or an agent calls somebody; only the first beginning counts."""
        row = (
            *(storable(text) for text in (item_id, contact_id, call_id, token, queue, number)),
            queued_at,
            rings_text(rings),
            boost_seconds,
            storable(sticky_agent),
            sticky_seconds,
            max_wait_seconds,
            int(virtual),
            storable(json.dumps(list(excluded))),
            direction,
        )

        def write(db: sqlite_utils.Database) -> None:
            db.execute(
                "INSERT INTO segments (item_id, contact_id, call_id, token, queue, number, queued_at, rings, boost_seconds,"
                " sticky_agent, sticky_seconds, max_wait_seconds, virtual, excluded, direction)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (item_id) DO NOTHING",
                row,
            )

        return self._database.submit(write, "a caller's place in a queue")

    def moved(self, item_id: str, queue: str, boost_seconds: float) -> Ticket[None]:
        """It waits in ``queue`` now, with that head start in all; its age stays. Also for one that was only raised."""
        row = (storable(queue), boost_seconds, storable(item_id))

        def write(db: sqlite_utils.Database) -> None:
            db.execute("UPDATE segments SET queue = ?, boost_seconds = ? WHERE item_id = ? AND ended_at IS NULL", row)

        return self._database.submit(write, "a caller's new place in a queue")

    def ended(
        self, item_id: str, terminal: Terminal, ended_at: float, wait_seconds: float, agent_id: str = "", attempt_id: str = ""
    ) -> Ticket[None]:
        """The waiting is over, as an agent was connected or otherwise. Only the first end counts, and is counted in the interval."""
        item_id, agent_id, attempt_id = storable(item_id), storable(agent_id), storable(attempt_id)

        def write(db: sqlite_utils.Database) -> None:
            row = db.execute("SELECT queue, direction FROM segments WHERE item_id = ? AND ended_at IS NULL", (item_id,)).fetchone()
            if row is None:
                return
            queue, direction = row
            level_seconds = _service_level_seconds(db, queue)
            db.execute(
                "UPDATE segments SET terminal = ?, ended_at = ?, wait_seconds = ?, agent_id = ?, attempt_id = ?,"
                " service_level_seconds = ? WHERE item_id = ?",
                (terminal, ended_at, wait_seconds, agent_id, attempt_id, level_seconds, item_id),
            )
            if not direction:
                intervals.add(db, queue, ended_at, of_terminal(terminal, wait_seconds, level_seconds))

        return self._database.submit(write, "the end of a waiting")

    # -- after it was answered -----------------------------------------------------------------------------------------

    def talked(self, item_id: str, talk_seconds: float, hold_seconds: float, ended_at: float) -> Ticket[None]:
        """The talk is over; only the first end counts."""
        item_id = storable(item_id)

        def write(db: sqlite_utils.Database) -> None:
            row = db.execute(
                "UPDATE segments SET talk_seconds = ?, hold_seconds = ?, talk_ended_at = ?"
                " WHERE item_id = ? AND terminal = 'answered' AND talk_ended_at IS NULL RETURNING queue, ended_at, direction",
                (talk_seconds, hold_seconds, ended_at, item_id),
            ).fetchone()
            if row is not None and not row[2]:
                intervals.add(db, row[0], row[1], of_talk(talk_seconds, hold_seconds))

        return self._database.submit(write, "the end of a talk")

    def wrapped_up(
        self, item_id: str, wrap_up_seconds: float, disposition: str, automatic: bool = False, notes: str = ""
    ) -> Ticket[None]:
        """What the agent did after the talk. A later one replaces it; an empty disposition or note takes nothing back."""
        item_id = storable(item_id)

        def write(db: sqlite_utils.Database) -> None:
            row = db.execute(
                "SELECT queue, ended_at, wrap_up_seconds, direction FROM segments WHERE item_id = ? AND terminal = 'answered'", (item_id,)
            ).fetchone()
            if row is None:
                return
            queue, counted_at, before_seconds, direction = row
            db.execute(
                "UPDATE segments SET wrap_up_seconds = ?1, disposition = coalesce(nullif(?2, ''), disposition),"
                " automatic = iif(?2 = '' AND disposition != '', automatic, ?3), notes = coalesce(nullif(?4, ''), notes)"
                " WHERE item_id = ?5",
                (wrap_up_seconds, storable(disposition), int(automatic), storable(notes[:NOTES_LIMIT]), item_id),
            )
            if not direction:
                intervals.add(db, queue, counted_at, of_wrap_up(wrap_up_seconds - (before_seconds or 0.0)))

        return self._database.submit(write, "a disposition")

    def disposed(self, item_id: str, disposition: str, notes: str = "") -> Ticket[None]:
        """The agent names, or corrects, what the talk was about; the wrap-up's time is told by ``wrapped_up``."""
        row = (storable(disposition), storable(notes[:NOTES_LIMIT]), storable(item_id))

        def write(db: sqlite_utils.Database) -> None:
            db.execute(
                "UPDATE segments SET disposition = ?, automatic = 0, notes = coalesce(nullif(?, ''), notes)"
                " WHERE item_id = ? AND terminal = 'answered'",
                row,
            )

        return self._database.submit(write, "a disposition")

    def noted(self, item_id: str, agent_id: str, notes: str) -> Ticket[bool]:
        """What the agent who has, or had, this talk writes about it; whoever gets the caller next reads it. False: not theirs."""
        row = (storable(notes[:NOTES_LIMIT]), storable(item_id), storable(agent_id))

        def write(db: sqlite_utils.Database) -> bool:
            done = db.execute("UPDATE segments SET notes = ? WHERE item_id = ? AND agent_id = ? AND terminal = 'answered'", row)
            return done.rowcount > 0

        return self._database.submit(write, "notes of a talk")

    def recording(self, item_id: str, path: str, duration_ms: int, problem: str = "") -> Ticket[None]:
        """The recording of the talk; ``problem``: a sentence where the file is not what it should be."""
        row = (storable(path), duration_ms, storable(problem), storable(item_id))

        def write(db: sqlite_utils.Database) -> None:
            db.execute("UPDATE segments SET recording_path = ?, recording_ms = ?, recording_problem = ? WHERE item_id = ?", row)

        return self._database.submit(write, "the recording of a talk")

    # -- questions -----------------------------------------------------------------------------------------------------

    def get(self, item_id: str) -> Segment | None:
        found = self._select("WHERE item_id = ?", storable(item_id))
        return found[0] if found else None

    def waiting(self) -> list[Segment]:
        """Those that wait, callbacks too, in the order of their coming."""
        return self._select("WHERE ended_at IS NULL AND direction = '' ORDER BY queued_at, item_id")

    def being_dialled(self) -> list[Segment]:
        """Agents' own calls that nobody has answered yet."""
        return self._select("WHERE ended_at IS NULL AND direction != '' ORDER BY queued_at, item_id")

    def talking(self) -> list[Segment]:
        """Those who were connected with an agent and whose talk is not over."""
        return self._select("WHERE terminal = 'answered' AND talk_ended_at IS NULL ORDER BY ended_at, item_id")

    def unjudged(self, since: float) -> list[Segment]:
        """Of the talks connected since then that are over: those whose recording nobody has looked at."""
        rest = (
            "WHERE ended_at >= ? AND talk_ended_at IS NOT NULL AND recording_path != '' AND recording_ms = 0"
            " AND recording_problem = '' ORDER BY ended_at, item_id"
        )
        return self._select(rest, since)

    def last_agent(self, number: str) -> str | None:
        """Who talked to this number last; None for nobody, and for callers who hide their number."""
        if not number:
            return None
        rest = "FROM segments WHERE number = ? AND terminal = 'answered' ORDER BY ended_at DESC LIMIT 1"
        row = self._database.read(lambda db: db.execute(f"SELECT agent_id {rest}", (storable(number),)).fetchone())
        return row[0] if row else None

    def last_of_agent(self, agent_id: str) -> Segment | None:
        """The talk this agent had last, or has: the one a disposition is for."""
        rest = "WHERE agent_id = ? AND terminal = 'answered' ORDER BY ended_at DESC, item_id LIMIT 1"
        found = self._select(rest, storable(agent_id))
        return found[0] if found else None

    def of_agent(self, agent_id: str, since: float, limit: int = LIST_LIMIT) -> list[Segment]:
        """The talks this agent had from ``since`` on, the newest first."""
        rest = "WHERE agent_id = ? AND terminal = 'answered' AND ended_at >= ? ORDER BY ended_at DESC, item_id LIMIT ?"
        return self._select(rest, storable(agent_id), since, limit)

    def recent(self, number: str, limit: int = LIST_LIMIT) -> list[Segment]:
        """Of one number, the newest first."""
        return self._select("WHERE number = ? ORDER BY queued_at DESC, item_id LIMIT ?", storable(number), limit)

    def of_contact(self, contact_id: str) -> list[Segment]:
        """In the order of their beginning. ``rowid`` is that order, whatever age a segment has inherited."""
        return self._select("WHERE contact_id = ? ORDER BY rowid", storable(contact_id))

    def of_call(self, call_id: str, limit: int = LIST_LIMIT) -> list[Segment]:
        """Of one call, in the order of their beginning."""
        return self._select("WHERE call_id = ? ORDER BY rowid LIMIT ?", storable(call_id), limit)

    def between(self, a: float, b: float, limit: int = LIST_LIMIT) -> list[Segment]:
        """Those that ended in [a, b), in the order of their ends."""
        return self._select("WHERE ended_at >= ? AND ended_at < ? ORDER BY ended_at, item_id LIMIT ?", a, b, limit)

    def _select(self, rest: str, *parameters: Any) -> list[Segment]:
        return self._database.read(
            lambda db: [_segment(row) for row in db.execute(f"SELECT {_NAMES} FROM segments {rest}", parameters)]
        )


def rings_of(text: str) -> tuple[Ring, ...]:
    """What ``rings_text`` made."""
    return tuple(Ring(after, tuple((skill, level) for skill, level in needs)) for after, needs in json.loads(text))


def rings_text(rings: Iterable[Ring]) -> str:
    """As a column keeps them."""
    return storable(json.dumps([[ring.after_seconds, ring.needs] for ring in rings], separators=(",", ":")))


def _segment(row: Sequence[Any]) -> Segment:
    values = dict(zip((each.name for each in fields(Segment)), row, strict=True))
    values["rings"] = rings_of(values["rings"])
    values["excluded"] = tuple(json.loads(values["excluded"]))
    values["virtual"], values["automatic"] = bool(values["virtual"]), bool(values["automatic"])
    return Segment(**values)


def _service_level_seconds(db: sqlite_utils.Database, queue: str) -> float:
    """Of the queue as it is now; of a queue that is gone, the usual."""
    path = "$.service_level_seconds"
    row = db.execute("SELECT json_extract(record, ?) FROM site WHERE part = 'queues' AND name = ?", (path, queue)).fetchone()
    return QueueRules(queue).service_level_seconds if row is None or row[0] is None else float(row[0])
