"""Customers, thinly: a name, a level, notes, and the telephone numbers they call from. Who it is stays with a contact through transfers.

A number may belong to several customers (a family, a switchboard): then a person chooses, once per contact. A leading ``+`` and what
is written for the eye make no difference to a number. Refuses customers without a name, and what can't be a number.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlite_utils

from ivrengine.domain.caller import NUMBER_LIMIT, clean_name
from ivrengine.domain.sentence import Sentence

from . import audit
from .database import Database, Ticket
from .errors import NoSuchRecord, StorageError
from .rows import LIST_LIMIT, by_short_id, select, storable

LEVEL_LIMIT = 20  # characters
NOTES_LIMIT = 4000
NUMBERS_LIMIT = 20  # of one customer
SAME_NUMBER_LIMIT = 20  # customers shown for one number

_PUNCTUATION = re.compile(r"[\s().\-\u2010-\u2015]+")
_NUMBER = re.compile(r"[0-9]{2,40}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class BadCustomer(StorageError):
    """What was given is no customer. ``field``: name, level, notes or numbers."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer. ``numbers`` as ``clean`` spells them, the first is the one to call. Times in UTC seconds."""

    customer_id: str
    name: str
    level: str
    notes: str
    numbers: tuple[str, ...]
    created_at: float
    created_by: str
    changed_at: float
    changed_by: str


@dataclass(frozen=True, slots=True)
class CustomerData:
    """What a person fills in, as it will be kept. Made by ``read_customer``."""

    name: str
    level: str
    notes: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    customer_id: str
    name: str
    level: str
    notes: str
    created_at: float
    created_by: str
    changed_at: float
    changed_by: str


def clean(number: str) -> str:
    """The one spelling of a number: digits. "" for what is none, such as a caller who hides theirs."""
    digits = _PUNCTUATION.sub("", number).removeprefix("+")
    return digits if _NUMBER.fullmatch(digits) else ""


def read_customer(name: str, level: str, notes: str, numbers: Iterable[str]) -> CustomerData:
    """What people and files give. Raises BadCustomer."""
    plain = clean_name(storable(name))
    if not plain:
        raise BadCustomer("name", Sentence("a customer needs a name"))
    kind = clean_name(storable(level))
    if len(kind) > LEVEL_LIMIT:
        raise BadCustomer("level", Sentence("a level has at most %(most)s characters", most=LEVEL_LIMIT))
    text = _CONTROL.sub(" ", storable(notes).replace("\r\n", "\n")).strip()
    if len(text) > NOTES_LIMIT:
        raise BadCustomer("notes", Sentence("notes have at most %(most)s characters", most=NOTES_LIMIT))
    known: dict[str, None] = {}
    for number in numbers:
        if not number.strip():
            continue
        digits = clean(number[: 2 * NUMBER_LIMIT])
        if not digits:
            raise BadCustomer("numbers", Sentence("%(number)r is no telephone number", number=number.strip()[:40]))
        known[digits] = None
    if len(known) > NUMBERS_LIMIT:
        raise BadCustomer("numbers", Sentence("a customer has at most %(most)s numbers", most=NUMBERS_LIMIT))
    return CustomerData(plain, kind, text, tuple(known))


class Customers:
    def __init__(self, database: Database) -> None:
        self._database = database

    # -- changing ------------------------------------------------------------------------------------------------------

    def add(self, data: CustomerData, who: str, at: float) -> Ticket[str]:
        """A new customer; the ticket gives its id."""
        customer_id = str(uuid.uuid4())

        def write(db: sqlite_utils.Database) -> str:
            insert(db, customer_id, data, who, at)
            audit.insert(db, audit.audit_row(who, "add_customer", f"customer {customer_id}", None, asdict(data), at))
            return customer_id

        return self._database.submit(write, "a customer")

    def add_all(self, customers: Sequence[CustomerData], who: str, at: float) -> Ticket[int]:
        """Many, all or none; one that is there already, with the same name and one of the numbers, gets level, notes and numbers anew.

        The ticket tells how many are new.
        """

        def write(db: sqlite_utils.Database) -> int:
            new = 0
            for data in customers:
                known = _same(db, data)
                if known:
                    update(db, known, data, who, at)
                else:
                    insert(db, str(uuid.uuid4()), data, who, at)
                    new += 1
            audit.insert(db, audit.audit_row(who, "import_customers", "customers", None, f"{len(customers)} customers, {new} new", at))
            return new

        return self._database.submit(write, "a list of customers")

    def change(self, customer_id: str, data: CustomerData, who: str, at: float) -> Ticket[None]:
        """Waiting raises NoSuchRecord. ``customer_id`` is the whole id."""

        def write(db: sqlite_utils.Database) -> None:
            before = _load(db, "WHERE customer_id = ?", [storable(customer_id)])
            if not before:
                raise NoSuchRecord(Sentence("there is no such customer"))
            update(db, customer_id, data, who, at)
            told = {"name": before[0].name, "level": before[0].level, "notes": before[0].notes, "numbers": before[0].numbers}
            audit.insert(db, audit.audit_row(who, "change_customer", f"customer {customer_id}", told, asdict(data), at))

        return self._database.submit(write, "a customer")

    def choose(self, contact_id: str, customer_id: str) -> Ticket[None]:
        """The caller of this contact is that customer; waiting raises NoSuchRecord. "" takes the choice back."""
        row = (storable(contact_id), storable(customer_id))

        def write(db: sqlite_utils.Database) -> None:
            if not row[1]:
                db.execute("DELETE FROM contact_customers WHERE contact_id = ?", row[:1])
                return
            if not db.execute("SELECT 1 FROM customers WHERE customer_id = ?", row[1:]).fetchone():
                raise NoSuchRecord(Sentence("there is no such customer"))
            db.execute("INSERT OR REPLACE INTO contact_customers (contact_id, customer_id) VALUES (?, ?)", row)

        return self._database.submit(write, "who a caller is")

    # -- questions -----------------------------------------------------------------------------------------------------

    def get(self, customer_id: str) -> Customer:
        """The one whose id is, or begins with, ``customer_id``. Raises NoSuchRecord or AmbiguousRecord."""

        def read(db: sqlite_utils.Database) -> Customer:
            whole = by_short_id(db, _Row, "customers", "customer_id", customer_id).customer_id
            return _load(db, "WHERE customer_id = ?", [whole])[0]

        return self._database.read(read)

    def of_number(self, number: str) -> list[Customer]:
        """Everybody who calls from this number, by name; nobody for a number that is hidden."""
        digits = clean(number)
        if not digits:
            return []
        rest = "WHERE customer_id IN (SELECT customer_id FROM customer_numbers WHERE number = ?) ORDER BY name, customer_id LIMIT ?"
        return self._database.read(lambda db: _load(db, rest, [digits, SAME_NUMBER_LIMIT]))

    def chosen(self, contact_id: str) -> Customer | None:
        """Whom somebody has said the caller of this contact to be."""
        rest = "WHERE customer_id = (SELECT customer_id FROM contact_customers WHERE contact_id = ?)"
        found = self._database.read(lambda db: _load(db, rest, [storable(contact_id)]))
        return found[0] if found else None

    def search(self, text: str = "", limit: int = LIST_LIMIT) -> list[Customer]:
        """Those whose name holds ``text``, or one of whose numbers begins with it; by name."""
        digits = clean(text)
        rest = (
            "WHERE ?1 = '' OR instr(lower(name), lower(?1)) OR (?2 != '' AND customer_id IN"
            " (SELECT customer_id FROM customer_numbers WHERE number BETWEEN ?2 AND ?2 || ':')) ORDER BY name, customer_id LIMIT ?3"
        )
        return self._database.read(lambda db: _load(db, rest, [storable(text.strip()), digits, limit]))


def insert(db: sqlite_utils.Database, customer_id: str, data: CustomerData, who: str, at: float) -> None:
    row = (customer_id, data.name, data.level, data.notes, at, storable(who), at, storable(who))
    db.execute(
        "INSERT INTO customers (customer_id, name, level, notes, created_at, created_by, changed_at, changed_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    _number(db, customer_id, data.numbers)


def update(db: sqlite_utils.Database, customer_id: str, data: CustomerData, who: str, at: float) -> None:
    row = (data.name, data.level, data.notes, at, storable(who), customer_id)
    db.execute("UPDATE customers SET name = ?, level = ?, notes = ?, changed_at = ?, changed_by = ? WHERE customer_id = ?", row)
    db.execute("DELETE FROM customer_numbers WHERE customer_id = ?", (customer_id,))
    _number(db, customer_id, data.numbers)


def _number(db: sqlite_utils.Database, customer_id: str, numbers: Sequence[str]) -> None:
    rows = [(number, customer_id, place) for place, number in enumerate(numbers)]
    db.conn.executemany("INSERT INTO customer_numbers (number, customer_id, place) VALUES (?, ?, ?)", rows)


def _same(db: sqlite_utils.Database, data: CustomerData) -> str:
    for number in data.numbers:
        row = db.execute(
            "SELECT customer_id FROM customers JOIN customer_numbers USING (customer_id) WHERE number = ? AND name = ? LIMIT 1",
            (number, data.name),
        ).fetchone()
        if row:
            return row[0]
    return ""


def _load(db: sqlite_utils.Database, rest: str, parameters: Sequence[Any]) -> list[Customer]:
    rows = select(db, _Row, f"FROM customers {rest}", parameters)
    found = []
    for row in rows:
        numbers = db.execute("SELECT number FROM customer_numbers WHERE customer_id = ? ORDER BY place", (row.customer_id,)).fetchall()
        found.append(Customer(numbers=tuple(number for (number,) in numbers), **asdict(row)))
    return found
