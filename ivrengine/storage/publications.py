"""Which set of flows is in force, and which were before: a version of ``flow_versions``, who published it, when and why.

Rows are added and never changed; each leaves its row in the audit trail. Refuses a publication on top of one that its author hasn't seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlite_utils

from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError

from . import audit
from .database import Database, Ticket
from .errors import NoSuchRecord
from .rows import LIST_LIMIT, select, storable

COMMENT_LIMIT = 500  # characters
ANY = -1  # whatever is in force now


class Overtaken(IvrEngineError):
    """Somebody else has published since the author looked."""


@dataclass(frozen=True, slots=True)
class Publication:
    """``author`` and ``comment`` are "" for what was published before they were kept. ``published_at`` in UTC seconds."""

    publication_id: int
    version: str
    published_at: float
    author: str
    comment: str


class Publications:
    def __init__(self, database: Database) -> None:
        self._database = database

    def publish(self, version: str, at: float, author: str, comment: str = "", after: int = ANY) -> Ticket[Publication]:
        """The set ``version`` is in force from ``at`` on. Publishing what is in force already changes nothing.

        ``after``: the id of the publication that must be in force until now (0: none may be). Raises Overtaken, from the ticket.
        """
        version, author, comment = storable(version), storable(author), storable(comment[:COMMENT_LIMIT])

        def write(db: sqlite_utils.Database) -> Publication:
            now = _current(db)
            if after != ANY and after != (now.publication_id if now else 0):
                raise Overtaken(_overtaken(now))
            if now is not None and now.version == version:
                return now
            row = (version, at, author, comment)
            db.execute("INSERT INTO publications (version, published_at, author, comment) VALUES (?, ?, ?, ?)", row)
            before = now.version if now else ""
            state = {"version": version, "comment": comment}
            audit.insert(db, audit.audit_row(author, "publish_flows", "flows", {"version": before} if before else "", state, at))
            made = _current(db)
            assert made is not None
            return made

        return self._database.submit(write, "a publication")

    def current(self) -> Publication | None:
        """The one in force, None before the first publication."""
        return self._database.read(_current)

    def get(self, publication_id: int) -> Publication:
        """Raises NoSuchRecord."""
        if abs(publication_id) < 2**63:
            query = "FROM publications WHERE publication_id = ?"
            found = self._database.read(lambda db: select(db, Publication, query, [publication_id]))
            if found:
                return found[0]
        raise NoSuchRecord(Sentence("there is no publication %(id)s", id=publication_id))

    def recent(self, limit: int = LIST_LIMIT) -> list[Publication]:
        """The newest first."""
        return self._database.read(lambda db: select(db, Publication, "FROM publications ORDER BY publication_id DESC LIMIT ?", [limit]))


def _current(db: sqlite_utils.Database) -> Publication | None:
    found = select(db, Publication, "FROM publications ORDER BY publication_id DESC LIMIT 1")
    return found[0] if found else None


def _overtaken(now: Publication | None) -> str:
    if now is None:
        return Sentence("nothing is published any more; look again at what would change")
    if not now.author:
        return Sentence("publication %(id)s came between; look again at what would change, then publish", id=now.publication_id)
    return Sentence(
        "publication %(id)s by %(author)s came between; look again at what would change, then publish",
        id=now.publication_id, author=now.author,
    )  # fmt: skip
