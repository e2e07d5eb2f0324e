"""Announcements: notices of supervisors and admins to agents, for all or for some teams and queues, and who has read them.

A change names the version that it was made on top of; where another one stands there by now it is refused, in the transaction that would
have written. A title or text that was changed wants to be read again. Every change has its row of the audit trail, with before and after.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import sqlite_utils

from ivrengine.domain.sentence import Sentence

from . import audit
from .database import Database, Ticket
from .errors import NoSuchRecord, StaleRecord, StorageError
from .rows import LIST_LIMIT, bump, revision, storable

TITLE_LIMIT = 120
TEXT_LIMIT = 4000
AUDIENCE_LIMIT = 200  # teams, and queues, of one announcement
OPEN_LIMIT = 500  # announcements that are in force or will be
_KIND = "announcements"
_COLUMNS = (
    "announcement_id, title, text, begins_at, ends_at, teams, queues, important, version, text_version, created_at, created_by,"
    " changed_at, changed_by"
)


class BadAnnouncement(StorageError):
    """This can't be announced."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class Notice:
    """What is announced. Without ``teams`` and ``queues`` it is for all agents; times in UTC seconds, ``ends_at`` None for open end."""

    title: str
    text: str
    begins_at: float
    ends_at: float | None = None
    teams: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    important: bool = False

    def concerns(self, team: str, queues: Iterable[str]) -> bool:
        """Whether it is for an agent of ``team`` who serves ``queues``."""
        return not (self.teams or self.queues) or team in self.teams or any(name in self.queues for name in queues)

    def in_force(self, now: float) -> bool:
        return self.begins_at <= now and (self.ends_at is None or now < self.ends_at)

    def over(self, now: float) -> bool:
        return self.ends_at is not None and self.ends_at <= now


@dataclass(frozen=True, slots=True)
class Announcement:
    """A notice as it is kept. ``version`` changes with everything, ``text_version`` with what is to be read."""

    announcement_id: int
    notice: Notice
    version: int
    text_version: int
    created_at: float
    created_by: str
    changed_at: float
    changed_by: str


def checked(notice: Notice, teams: Iterable[str], queues: Iterable[str]) -> Notice:
    """The notice with its texts cleaned. ``teams`` and ``queues``: those that there are. Raises BadAnnouncement."""
    title, text = " ".join(notice.title.split()), "\n".join(line.rstrip() for line in notice.text.strip().splitlines())
    if not title:
        raise BadAnnouncement("title", Sentence("an announcement needs a title"))
    if len(title) > TITLE_LIMIT:
        raise BadAnnouncement("title", Sentence("a title has at most %(most)s characters", most=TITLE_LIMIT))
    if len(text) > TEXT_LIMIT:
        raise BadAnnouncement("text", Sentence("a text has at most %(most)s characters", most=TEXT_LIMIT))
    if notice.ends_at is not None and notice.ends_at <= notice.begins_at:
        raise BadAnnouncement("until", Sentence("the end must be after the beginning"))
    for field, given, known in (("teams", notice.teams, set(teams)), ("queues", notice.queues, set(queues))):
        unknown = [name for name in given if name not in known]
        if unknown:
            raise BadAnnouncement(field, Sentence("there is no %(name)r any more", name=unknown[0][:60]))
        if len(given) > AUDIENCE_LIMIT:
            raise BadAnnouncement(field, Sentence("these are more than %(most)s; announce it to all", most=AUDIENCE_LIMIT))
    return Notice(
        storable(title), storable(text), notice.begins_at, notice.ends_at, tuple(sorted(set(notice.teams))),
        tuple(sorted(set(notice.queues))), notice.important,
    )  # fmt: skip


class Announcements:
    def __init__(self, database: Database) -> None:
        self._database = database

    # -- writing -------------------------------------------------------------------------------------------------------

    def add(self, notice: Notice, who: str, at: float) -> Ticket[int]:
        """Its id. Waiting raises BadAnnouncement where OPEN_LIMIT are open already."""

        def write(db: sqlite_utils.Database) -> int:
            (count,) = db.execute("SELECT count(*) FROM announcements WHERE ends_at IS NULL OR ends_at > ?", (at,)).fetchone()
            if count >= OPEN_LIMIT:
                raise BadAnnouncement("title", Sentence("%(count)s announcements are open; end some of them first", count=count))
            done = db.execute(
                "INSERT INTO announcements (title, text, begins_at, ends_at, teams, queues, important, version, text_version, created_at,"
                " created_by, changed_at, changed_by) VALUES (?, ?, ?, ?, ?, ?, ?, 1, 1, ?, ?, ?, ?)",
                (*_row(notice), at, storable(who), at, storable(who)),
            )
            announcement_id = int(done.lastrowid or 0)
            _noted(db, who, "add_announcement", announcement_id, None, notice, at)
            return announcement_id

        return self._database.submit(write, "an announcement")

    def change(self, announcement_id: int, notice: Notice, base: int, who: str, at: float) -> Ticket[None]:
        """``base``: the version that was changed. Waiting raises NoSuchRecord or StaleRecord, with what stands there."""

        def write(db: sqlite_utils.Database) -> None:
            stands = _find(db, announcement_id)
            if stands.version != base:
                raise StaleRecord(stands)
            if stands.notice == notice:
                return
            _replace(db, stands, notice, who, at)
            _noted(db, who, "change_announcement", announcement_id, stands.notice, notice, at)

        return self._database.submit(write, "a change of an announcement")

    def end(self, announcement_id: int, who: str, at: float) -> Ticket[bool]:
        """It is over now; False where it was over before. Waiting raises NoSuchRecord."""

        def write(db: sqlite_utils.Database) -> bool:
            stands = _find(db, announcement_id)
            if stands.notice.over(at):
                return False
            ended = Notice(**{**_fields(stands.notice), "begins_at": min(stands.notice.begins_at, at), "ends_at": at})
            _replace(db, stands, ended, who, at)
            _noted(db, who, "end_announcement", announcement_id, stands.notice, ended, at)
            return True

        return self._database.submit(write, "the end of an announcement")

    def mark_read(self, announcement_id: int, agent_id: str, at: float) -> Ticket[None]:
        """An agent has read it as it stands now; only the first time counts. Waiting raises NoSuchRecord."""

        def write(db: sqlite_utils.Database) -> None:
            stands = _find(db, announcement_id)
            done = db.execute(
                "INSERT OR IGNORE INTO announcement_reads (announcement_id, agent_id, text_version, read_at) VALUES (?, ?, ?, ?)",
                (announcement_id, storable(agent_id), stands.text_version, at),
            )
            if done.rowcount:
                bump(db, _KIND)

        return self._database.submit(write, "that an announcement was read")

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, announcement_id: int) -> Announcement:
        """Raises NoSuchRecord."""
        return self._database.read(lambda db: _find(db, announcement_id))

    def all(self, limit: int = LIST_LIMIT) -> list[Announcement]:
        """Those that begin last, first."""
        rest = f"SELECT {_COLUMNS} FROM announcements ORDER BY begins_at DESC, announcement_id DESC LIMIT ?"
        return self._database.read(lambda db: [_made(row) for row in db.execute(rest, (limit,))])

    def open(self, now: float) -> list[Announcement]:
        """Those that are not over: important ones first, then the latest."""
        rest = (
            f"SELECT {_COLUMNS} FROM announcements WHERE ends_at IS NULL OR ends_at > ?"
            " ORDER BY important DESC, begins_at DESC, announcement_id DESC"
        )
        return self._database.read(lambda db: [_made(row) for row in db.execute(rest, (now,))])

    def reads(self, announcement_ids: Iterable[int]) -> dict[int, dict[str, float]]:
        """Of each, which agents have read it as it stands, and when."""
        found: dict[int, dict[str, float]] = {announcement_id: {} for announcement_id in announcement_ids}
        marks = ", ".join("?" * len(found))
        rest = (
            "SELECT r.announcement_id, r.agent_id, r.read_at FROM announcement_reads AS r JOIN announcements AS a"
            f" ON a.announcement_id = r.announcement_id AND a.text_version = r.text_version WHERE r.announcement_id IN ({marks})"
        )
        for announcement_id, agent_id, at in self._database.read(lambda db: list(db.execute(rest, tuple(found)))):
            found[announcement_id][agent_id] = at
        return found

    def revision(self) -> int:
        """Another number whenever an announcement is another one, or was read."""
        return self._database.read(lambda db: revision(db, _KIND))


def told(notice: Notice | None) -> dict[str, Any] | None:
    """As the audit trail shows it."""
    return None if notice is None else {**_fields(notice), "teams": list(notice.teams), "queues": list(notice.queues)}


def _fields(notice: Notice) -> dict[str, Any]:
    return asdict(notice)


def _noted(
    db: sqlite_utils.Database, who: str, verb: str, announcement_id: int, before: Notice | None, after: Notice, at: float
) -> None:
    bump(db, _KIND)
    audit.insert(db, audit.audit_row(who, verb, f"announcement {announcement_id}", told(before), told(after), at))


def _row(notice: Notice) -> tuple[Any, ...]:
    return (
        storable(notice.title), storable(notice.text), notice.begins_at, notice.ends_at, json.dumps(notice.teams),
        json.dumps(notice.queues), int(notice.important),
    )  # fmt: skip


def _replace(db: sqlite_utils.Database, stands: Announcement, notice: Notice, who: str, at: float) -> None:
    reworded = (stands.notice.title, stands.notice.text) != (notice.title, notice.text)
    db.execute(
        "UPDATE announcements SET title = ?, text = ?, begins_at = ?, ends_at = ?, teams = ?, queues = ?, important = ?,"
        " version = version + 1, text_version = text_version + ?, changed_at = ?, changed_by = ? WHERE announcement_id = ?",
        (*_row(notice), int(reworded), at, storable(who), stands.announcement_id),
    )


def _find(db: sqlite_utils.Database, announcement_id: int) -> Announcement:
    row = db.execute(f"SELECT {_COLUMNS} FROM announcements WHERE announcement_id = ?", (announcement_id,)).fetchone()
    if row is None:
        raise NoSuchRecord(Sentence("there is no announcement %(number)s", number=announcement_id))
    return _made(row)


def _made(row: tuple[Any, ...]) -> Announcement:
    announcement_id, title, text, begins_at, ends_at, teams, queues, important, *rest = row
    notice = Notice(title, text, begins_at, ends_at, tuple(json.loads(teams)), tuple(json.loads(queues)), bool(important))
    return Announcement(announcement_id, notice, *rest)
