"""What a person should mend. The same alarm at the same place is one row with a count, however often it is raised; beside it stands
how often in which hour, and who has acknowledged it when."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import sqlite_utils

from ivrengine.domain.commands import RaiseAlarm
from ivrengine.domain.sentence import Sentence, packed, unpacked

from . import audit
from .database import Database, Ticket
from .rows import LIST_LIMIT, select, storable

HOUR_SECONDS = 3600
HOURS_LIMIT = 24 * 31  # of one alarm that are read


@dataclass(frozen=True, slots=True)
class Alarm:
    """``sentence`` is the latest one, in English, ``sentence_parts`` its template and values as JSON ("" where it has none); ``count``
    how often it was raised between ``first_at`` and ``last_at`` (UTC seconds)."""

    code: str
    place: str
    sentence: str
    first_at: float
    last_at: float
    count: int
    sentence_parts: str = ""

    @property
    def said(self) -> str:
        """The sentence, as it can be told in other languages too."""
        try:
            found = unpacked(json.loads(self.sentence_parts)) if self.sentence_parts else ""
        except (ValueError, TypeError, KeyError, RecursionError):  # of another version of the engine
            found = ""
        return found if isinstance(found, Sentence) else self.sentence


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """``count``: of the alarm then; a higher count now means that it was raised again since."""

    code: str
    place: str
    at: float
    who: str
    count: int


class Alarms:
    def __init__(self, database: Database) -> None:
        self._database = database

    def raise_(self, alarm: RaiseAlarm, at: float) -> Ticket[None]:
        """Keep one more occurrence of the alarm."""
        code, place = storable(alarm.code), storable(alarm.place)
        parts = json.dumps(packed(alarm.sentence)) if isinstance(alarm.sentence, Sentence) else ""
        row = (code, place, storable(alarm.sentence), at, at, parts)

        def write(db: sqlite_utils.Database) -> None:
            db.execute(
                "INSERT INTO alarms (code, place, sentence, first_at, last_at, count, sentence_parts) VALUES (?, ?, ?, ?, ?, 1, ?)"
                " ON CONFLICT (code, place) DO UPDATE"
                " SET sentence = excluded.sentence, sentence_parts = excluded.sentence_parts, last_at = excluded.last_at,"
                " count = count + 1",
                row,
            )
            db.execute(
                "INSERT INTO alarm_hours (code, place, hour, count) VALUES (?, ?, ?, 1)"
                " ON CONFLICT (code, place, hour) DO UPDATE SET count = count + 1",
                (code, place, math.floor(at / HOUR_SECONDS) * HOUR_SECONDS),
            )

        return self._database.submit(write, "an alarm")

    def acknowledge(self, code: str, place: str, who: str, at: float) -> Ticket[bool]:
        """Somebody has seen it; False where there is no such alarm, or it is acknowledged and was not raised again."""
        key = (storable(code), storable(place))

        def write(db: sqlite_utils.Database) -> bool:
            done = db.execute(
                "INSERT INTO alarm_acknowledgements (code, place, at, who, count) SELECT code, place, ?3, ?4, count FROM alarms"
                " WHERE code = ?1 AND place = ?2 AND NOT EXISTS (SELECT 1 FROM alarm_acknowledgements AS a"
                " WHERE a.code = ?1 AND a.place = ?2 AND a.count = alarms.count)",
                (*key, at, storable(who)),
            )
            if done.rowcount:
                audit.insert(db, audit.audit_row(who, "acknowledge_alarm", f"{key[0]} {key[1]}".strip(), "", "", at))
            return done.rowcount > 0

        return self._database.submit(write, "the acknowledgement of an alarm")

    def recent(self, since: float | None = None, limit: int = LIST_LIMIT) -> list[Alarm]:
        """Those raised at or after ``since``, the latest first."""
        rest = "FROM alarms WHERE last_at >= ? ORDER BY last_at DESC, code, place LIMIT ?"
        earliest = float("-inf") if since is None else since
        return self._database.read(lambda db: select(db, Alarm, rest, [earliest, limit]))

    def get(self, code: str, place: str) -> Alarm | None:
        rest = "FROM alarms WHERE code = ? AND place = ?"
        found = self._database.read(lambda db: select(db, Alarm, rest, [storable(code), storable(place)]))
        return found[0] if found else None

    def acknowledged(self) -> dict[tuple[str, str], Acknowledgement]:
        """The newest acknowledgement of each alarm that has one."""
        newest = "SELECT max(acknowledgement_id) FROM alarm_acknowledgements GROUP BY code, place"
        rest = f"FROM alarm_acknowledgements WHERE acknowledgement_id IN ({newest})"
        found = self._database.read(lambda db: select(db, Acknowledgement, rest))
        return {(each.code, each.place): each for each in found}

    def acknowledgements(self, code: str, place: str, limit: int = LIST_LIMIT) -> list[Acknowledgement]:
        """Of one alarm, the newest first."""
        rest = "FROM alarm_acknowledgements WHERE code = ? AND place = ? ORDER BY acknowledgement_id DESC LIMIT ?"
        return self._database.read(lambda db: select(db, Acknowledgement, rest, [storable(code), storable(place), limit]))

    def hours(self, code: str, place: str) -> list[tuple[float, int]]:
        """How often one alarm was raised: beginnings of hours (UTC seconds) and counts, for hours that have one, the newest first."""
        rest = f"FROM alarm_hours WHERE code = ? AND place = ? ORDER BY hour DESC LIMIT {HOURS_LIMIT}"
        row = (storable(code), storable(place))
        return self._database.read(lambda db: [tuple(each) for each in db.execute(f"SELECT hour, count {rest}", row)])

    def counts(self, code: str, since: float) -> dict[str, int]:
        """How often the alarm was raised at each place in the hours that began at or after ``since``."""
        rest = f"SELECT place, sum(count) FROM alarm_hours WHERE code = ? AND hour >= ? GROUP BY place LIMIT {LIST_LIMIT}"
        row = (storable(code), math.floor(since))
        return self._database.read(lambda db: dict(db.execute(rest, row).fetchall()))
