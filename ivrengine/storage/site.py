"""Queues, skills, agents, teams, break reasons and dispositions, as they are edited while the engine runs.

Every change moves ``revision``, so that a running engine notices what the command line did, and writes its row of the audit
trail in the same transaction. PINs are checked by ``Pins``; here their hashes are only carried.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlite_utils

from ivrengine.domain.sentence import Sentence
from ivrengine.site.records import (
    NOUNS,
    PARTS,
    Agent,
    Part,
    Record,
    Site,
    a_noun,
    from_dict,
    holders,
    name_of,
    part_of,
    to_dict,
    version_of,
)

from . import audit
from .database import Database, Ticket
from .errors import NoSuchRecord, SiteChanged, StaleRecord, StillNeeded
from .pin_checks import PinChecks, PinVerdict
from .rows import bump, revision, storable

KIND = "site"
HOLDERS_SHOWN = 10  # records in one sentence

log = logging.getLogger(__name__)


class Sites:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._pins = PinChecks(database)
        self._kept: tuple[int, Site] | None = None

    def load(self) -> Site:
        """The site as it is now; an empty one where nothing was ever imported. Made anew only after a change: pages ask every second."""

        def read(db: sqlite_utils.Database) -> Site:
            now, kept = revision(db, KIND), self._kept
            if kept is None or kept[0] != now:
                kept = self._kept = (now, read_site(db))
            return kept[1]

        return self._database.read(read)

    def revision(self) -> int:
        """Another number whenever ``load`` would give another site."""
        return self._database.read(lambda db: revision(db, KIND))

    def save(self, record: Record, who: str, at: float, *, base: str | None = None) -> Ticket[None]:
        """Add a queue, an agent..., or change the one of that name. An agent who is there already keeps the PIN: see ``set_pin``.

        ``base``: the ``version_of`` the record that was looked at, "" for one that must be new. Waiting raises StaleRecord when
        another one stands there by now, which is looked up in the transaction that would have written.
        """

        def write(db: sqlite_utils.Database) -> None:
            _need_base(db, part_of(record), name_of(record), base)
            known = isinstance(record, Agent) and _is_kept(db, "agents", record.agent_id)
            save_record(db, replace(record, pin_hash="") if known else record, who, at)  # type: ignore[arg-type]

        return self._database.submit(write, a_noun(part_of(record)))

    def remove(self, part: Part, name: str, who: str, at: float, *, base: str | None = None) -> Ticket[None]:
        """Waiting raises NoSuchRecord when there is none of that name, StillNeeded when another record names it, StaleRecord when it is
        not the one of ``base`` any more (as in ``save``)."""

        def write(db: sqlite_utils.Database) -> None:
            needing = holders(read_site(db), part, name)
            if needing:
                raise StillNeeded(
                    Sentence(
                        "the %(part)s %(name)r is still named by %(needing)s",
                        part=NOUNS[part],
                        name=storable(name)[:40],
                        needing=tuple(needing[:HOLDERS_SHOWN]),
                    )
                )
            if _is_kept(db, part, name):
                _need_base(db, part, name, base)
            remove_record(db, part, name, who, at)

        return self._database.submit(write, f"the removal of {a_noun(part)}")

    def replace(self, site: Site, who: str, at: float, *, expected_revision: int | None = None) -> Ticket[None]:
        """``site`` instead of what there is, all or nothing. Agents whose ``pin_hash`` is "" keep the PIN they have.

        Waiting raises SiteChanged when the site is another one than at ``expected_revision``.
        """

        def write(db: sqlite_utils.Database) -> None:
            if expected_revision not in (None, revision(db, KIND)):
                raise SiteChanged(Sentence("somebody else has changed the site meanwhile; look at it and try again"))
            before = read_site(db)
            for part in PARTS:
                wanted = {name_of(record): record for record in getattr(site, part)}
                for record in getattr(before, part):
                    if name_of(record) not in wanted:
                        remove_record(db, part, name_of(record), who, at)
                for record in wanted.values():
                    save_record(db, record, who, at)
                _keep_order(db, part, list(wanted), who, at)

        return self._database.submit(write, "the site")

    # -- PINs ----------------------------------------------------------------------------------------------------------

    def set_pin(self, agent_id: str, pin: str, who: str, at: float) -> None:
        """Give an agent another PIN, or with "" none; waits until it is kept. Ends a lock-out. Raises BadPin or NoSuchRecord."""
        pin_hash = self._pins.hash(pin) if pin else ""

        def write(db: sqlite_utils.Database) -> None:
            if not _is_kept(db, "agents", agent_id):
                raise NoSuchRecord(Sentence("there is no agent %(agent)r", agent=storable(agent_id)[:40]))
            keep_pin_hash(db, agent_id, pin_hash, at)
            audit.insert(db, audit.audit_row(who, "set_pin" if pin_hash else "remove_pin", f"agent {agent_id}", None, None, at))
            bump(db, KIND)

        self._database.write(write, "a PIN")

    def check_pin(self, agent_id: str, pin: str, at: float) -> PinVerdict:
        """``ok``, ``wrong``, ``locked`` (too many wrong ones lately) or ``unknown`` (no such agent, or one without a PIN).

        Takes as long whatever the answer, and waits; a try is durable before the PIN is looked at.
        """
        return self._pins.check(agent_id, pin, at)

    def unlock_pin(self, agent_id: str, who: str, at: float) -> Ticket[None]:
        """Forget the wrong PINs given for an agent."""

        def write(db: sqlite_utils.Database) -> None:
            db.execute("DELETE FROM pin_tries WHERE agent_id = ?", (storable(agent_id),))
            audit.insert(db, audit.audit_row(who, "unlock_pin", f"agent {agent_id}", None, None, at))

        return self._database.submit(write, "the end of a lock-out")

    def hash_pin(self, pin: str) -> str:
        """What is kept of a PIN. Raises BadPin."""
        return self._pins.hash(pin)

    def with_pins(self, site: Site, pins: Mapping[str, str]) -> Site:
        """``site`` with the hashes of ``pins`` (agent -> PIN); who has that PIN already keeps its hash. Raises BadPin.

        Waits a twentieth of a second for each.
        """
        kept = {agent.agent_id: agent.pin_hash for agent in self.load().agents}
        hashes = {}
        for agent_id, pin in pins.items():
            had = kept.get(agent_id, "")
            hashes[agent_id] = had if had and self.fits(pin, had) else self.hash_pin(pin)
        agents = (replace(agent, pin_hash=hashes.get(agent.agent_id, agent.pin_hash)) for agent in site.agents)
        return replace(site, agents=tuple(agents))

    def fits(self, pin: str, pin_hash: str) -> bool:
        """Whether ``pin_hash`` was made of ``pin``; counts as no try. For an import by somebody who knows both."""
        return self._pins.fits(pin, pin_hash)


def read_site(db: sqlite_utils.Database) -> Site:
    """The site in one consistent state. A record that can't be read is left out and logged: the others are needed."""
    hashes = dict(db.execute("SELECT agent_id, pin_hash FROM pins"))
    parts: dict[str, list[Any]] = {part: [] for part in PARTS}
    for part, name, text in db.execute("SELECT part, name, record FROM site ORDER BY part, place, name"):
        if part not in parts:
            continue
        try:
            parts[part].append(from_dict(part, json.loads(text), hashes.get(name, "")))
        except (ValueError, TypeError, AttributeError) as error:
            log.error("the %s %s can't be read: %s", part, name, error)
    return Site(**{part: tuple(records) for part, records in parts.items()})


def _is_kept(db: sqlite_utils.Database, part: Part, name: str) -> bool:
    return db.execute("SELECT 1 FROM site WHERE part = ? AND name = ?", (part, storable(name))).fetchone() is not None


def _need_base(db: sqlite_utils.Database, part: Part, name: str, base: str | None) -> None:
    """Within a write: raise StaleRecord unless what stands there is what ``base`` names; None asks for nothing."""
    if base is None:
        return
    row = db.execute("SELECT record FROM site WHERE part = ? AND name = ?", (part, storable(name))).fetchone()
    stands = from_dict(part, json.loads(row[0])) if row else None
    if base != (version_of(stands) if stands is not None else ""):
        raise StaleRecord(stands)


def save_record(db: sqlite_utils.Database, record: Record, who: str, at: float) -> None:
    """Within a write: keep the record, with its row of the audit trail. What is kept already changes nothing."""
    part, name = part_of(record), storable(name_of(record))
    values = to_dict(record)
    text = storable(json.dumps(values, ensure_ascii=False))
    row = db.execute("SELECT record FROM site WHERE part = ? AND name = ?", (part, name)).fetchone()
    before = row[0] if row else ""
    changed = before != text
    if changed:
        db.execute(
            "INSERT INTO site (part, name, place, record, changed_at)"
            " VALUES (?1, ?2, (SELECT coalesce(max(place) + 1, 0) FROM site WHERE part = ?1), ?3, ?4)"
            " ON CONFLICT (part, name) DO UPDATE SET record = excluded.record, changed_at = excluded.changed_at",
            (part, name, text, at),
        )
    if isinstance(record, Agent) and record.pin_hash:
        changed = keep_pin_hash(db, name, record.pin_hash, at) or changed
    if changed:
        target = f"{NOUNS[part]} {name}"
        audit.insert(db, audit.audit_row(who, "change" if before else "add", target, before, text, at))
        bump(db, KIND)


def remove_record(db: sqlite_utils.Database, part: Part, name: str, who: str, at: float) -> None:
    """Within a write: take the record away, with its row of the audit trail. Raises NoSuchRecord."""
    row = db.execute("SELECT record FROM site WHERE part = ? AND name = ?", (part, storable(name))).fetchone()
    if row is None:
        raise NoSuchRecord(Sentence("there is no %(part)s %(name)r", part=NOUNS[part], name=storable(name)[:40]))
    db.execute("DELETE FROM site WHERE part = ? AND name = ?", (part, storable(name)))
    if part == "agents":
        keep_pin_hash(db, name, "", at)
    audit.insert(db, audit.audit_row(who, "remove", f"{NOUNS[part]} {name}", row[0], None, at))
    bump(db, KIND)


def _keep_order(db: sqlite_utils.Database, part: Part, names: list[str], who: str, at: float) -> None:
    """The order is part of what a site says: agents key break reasons by it."""
    stands = [name for (name,) in db.execute("SELECT name FROM site WHERE part = ? ORDER BY place, name", (part,))]
    if stands == names:
        return
    for place, name in enumerate(names):
        db.execute("UPDATE site SET place = ? WHERE part = ? AND name = ?", (place, part, name))
    audit.insert(db, audit.audit_row(who, "order", f"{NOUNS[part]}s", " ".join(stands), " ".join(names), at))
    bump(db, KIND)


def keep_pin_hash(db: sqlite_utils.Database, agent_id: str, pin_hash: str, at: float) -> bool:
    """Within a write: another hash, or with "" none; True when it is another one. Who has a new PIN begins without wrong tries."""
    row = db.execute("SELECT pin_hash FROM pins WHERE agent_id = ?", (storable(agent_id),)).fetchone()
    if (row[0] if row else "") == pin_hash:
        return False
    db.execute("DELETE FROM pin_tries WHERE agent_id = ?", (storable(agent_id),))
    db.execute("DELETE FROM pins WHERE agent_id = ?", (storable(agent_id),))
    if pin_hash:
        db.execute("INSERT INTO pins (agent_id, pin_hash, changed_at) VALUES (?, ?, ?)", (storable(agent_id), storable(pin_hash), at))
    return True
