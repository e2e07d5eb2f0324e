"""One SQLite file: one writer with group commit, a few readers, none of them on the hub's thread.

Writes are functions that get a ``sqlite_utils.Database``. They are collected for a moment, and while those before them are
being synced to the disk, and run together in one transaction in the order of their submission; one that fails is rolled
back alone.
A ticket is honoured only after the commit has reached the disk (WAL, synchronous=FULL): what was acknowledged survives
kill -9 and loss of power. Works under gevent's monkey-patching and without it.

Refuses to queue without bound, to wait without end, and to be used from a thread other than its own.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote

import gevent
import sqlite_utils
from gevent.event import AsyncResult, Event
from gevent.queue import Empty, SimpleQueue

from .errors import NotKept, StorageClosed, StorageError, StorageOverloaded, StorageTimeout, UnknownDatabase
from .migrations import migrate
from .native import outcome, unpack

GATHER_SECONDS = 0.05  # a commit costs fifteen times what a row costs: what comes within this time shares one
HURRY_SECONDS = 0.01  # the same, once somebody waits for a write or asked to hurry
QUEUE_LIMIT = 20_000  # writes waiting for the disk; a call makes about twenty in its life
BATCH_LIMIT = 500  # writes in one transaction: bounds what a failed commit takes with it
READER_COUNT = 4  # fewer than the hub's ten native threads, so that reports never keep the writer out
READ_QUEUE_LIMIT = 1000  # reads waiting for a reader: all open pages come at once when the engine was started
WAIT_SECONDS = 30.0  # for one write to be durable, or one read to be answered
BUSY_SECONDS = 10.0  # for another process (the command line beside the engine) to finish its own write
CLOSE_SECONDS = 60.0  # for everything submitted to reach the disk when the engine stops

T = TypeVar("T")
log = logging.getLogger(__name__)


class Ticket(Generic[T]):
    """A write that will be durable when ``wait`` returns."""

    __slots__ = ("_hurry", "_purpose", "_result", "_waited_for", "_write")

    def __init__(self, write: Callable[[sqlite_utils.Database], T], purpose: str, hurry: Event) -> None:
        self._write = write
        self._purpose = purpose
        self._hurry = hurry
        self._result: AsyncResult[T] = AsyncResult()
        self._waited_for = False

    @property
    def done(self) -> bool:
        """True when the write is durable or has failed."""
        return self._result.ready()

    def hurry(self) -> None:
        """Have it committed within HURRY_SECONDS, for nobody to wait for."""
        self._hurry.set()

    def wait(self, timeout_seconds: float = WAIT_SECONDS) -> T:
        """What the write returned, once it can no longer be lost. Raises what it raised, NotKept or StorageTimeout."""
        self._waited_for = True
        self._hurry.set()
        self._result.wait(timeout=timeout_seconds)
        if not self._result.ready():
            raise StorageTimeout(
                f"the database has not kept {self._purpose} within {timeout_seconds:g} s; whether it will is not known"
            )
        return self._result.get_nowait()

    def _settle(self, value: T | None, error: Exception | None) -> None:
        if error is None:
            self._result.set(value)
            return
        self._result.set_exception(error)
        if not self._waited_for:
            # Only the kind of error: its sentence may quote a telephone number.
            log.error("the database has not kept %s: %s", self._purpose, type(error).__name__)


class Database:
    """The database in the file ``path``. Open it in the thread (and hub) that will use it."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._hub: Any = None
        self._writer: Any = None
        self._pending: deque[Ticket[Any]] = deque()
        self._committer: gevent.Greenlet | None = None
        self._hurry = Event()  # somebody waits, or much is waiting
        self._idle_readers: SimpleQueue[sqlite_utils.Database] = SimpleQueue()
        self._reading = 0
        self._open = False

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def waiting(self) -> int:
        """Writes that are queued and not yet being committed."""
        return len(self._pending)

    def open(self) -> None:
        """Make the file if there is none (mode 0600), bring its tables up to date. Raises StorageError."""
        if self._open:
            return
        self._hub = gevent.get_hub()
        try:
            self._writer, readers = unpack(self._hub.threadpool.apply(outcome, (_connect, self.path)))
        except (OSError, sqlite3.Error) as error:
            sentence = error.strerror if isinstance(error, OSError) else str(error)
            raise StorageError(f"the database {self.path} can't be opened: {sentence}") from error
        except UnknownDatabase as error:
            raise UnknownDatabase(f"{self.path}: {error}") from error
        for reader in readers:
            self._idle_readers.put(reader)
        self._open = True

    def close(self) -> None:
        """Commit what was submitted, then let go of the file. Nothing can be submitted any more.

        Raises StorageTimeout when the disk has not taken everything after CLOSE_SECONDS.
        """
        if not self._open:
            return
        self._check_thread()
        self._open = False
        self._hurry.set()
        committer = self._committer
        if committer is not None:
            committer.join(timeout=CLOSE_SECONDS)
            if not committer.ready():
                raise StorageTimeout(
                    f"{len(self._pending)} writes did not reach {self.path} within {CLOSE_SECONDS:g} s of closing"
                )
        try:
            connections = [self._idle_readers.get(timeout=CLOSE_SECONDS).conn for _ in range(READER_COUNT)]
        except Empty:
            raise StorageTimeout(f"a question to {self.path} did not end within {CLOSE_SECONDS:g} s of closing") from None
        self._hub.threadpool.apply(_disconnect, ([*connections, self._writer.conn],))

    def submit(self, write: Callable[[sqlite_utils.Database], T], purpose: str = "a record") -> Ticket[T]:
        """Queue ``write`` and return at once. ``purpose`` names it in errors and logs ("a step of the trace").

        ``write`` runs in a native thread inside a transaction: it neither commits nor touches anything of gevent.
        Raises StorageOverloaded when QUEUE_LIMIT writes wait already.
        """
        self._check_open()
        if len(self._pending) >= QUEUE_LIMIT:
            raise StorageOverloaded(
                f"{QUEUE_LIMIT} writes are waiting for the disk of {self.path} already; {purpose} was refused and not kept"
            )
        ticket: Ticket[T] = Ticket(write, purpose, self._hurry)
        self._pending.append(ticket)
        if len(self._pending) >= BATCH_LIMIT:
            self._hurry.set()
        if self._committer is None:
            self._committer = gevent.spawn(self._commit_pending)
        return ticket

    def write(self, write: Callable[[sqlite_utils.Database], T], purpose: str = "a record") -> T:
        """Submit and wait until it is durable."""
        return self.submit(write, purpose).wait()

    def read(self, read: Callable[[sqlite_utils.Database], T], timeout_seconds: float = WAIT_SECONDS) -> T:
        """What ``read`` makes of one consistent state of everything that was waited for; it can't write.

        Raises StorageOverloaded when READ_QUEUE_LIMIT reads wait already, StorageTimeout after ``timeout_seconds``.
        """
        self._check_open()
        if self._reading >= READ_QUEUE_LIMIT:
            raise StorageOverloaded(
                f"{READ_QUEUE_LIMIT} questions are waiting for the database {self.path} already; this one was refused"
            )
        self._reading += 1
        try:
            return self._read(read, timeout_seconds)
        finally:
            self._reading -= 1

    def _read(self, read: Callable[[sqlite_utils.Database], T], timeout_seconds: float) -> T:
        too_late = StorageTimeout(f"the database {self.path} has not answered within {timeout_seconds:g} s")
        try:
            reader = self._idle_readers.get(timeout=timeout_seconds)
        except Empty:
            raise too_late from None
        try:
            job = self._hub.threadpool.spawn(outcome, _read_consistently, reader, read)
        except BaseException:
            self._idle_readers.put(reader)
            raise
        # The reader comes back when its thread is done with it, whatever becomes of the greenlet that asked.
        job.rawlink(lambda _: self._idle_readers.put(reader))
        try:
            job.wait(timeout=timeout_seconds)
        finally:
            if not job.ready():
                reader.conn.interrupt()
        if not job.ready():
            raise too_late
        try:
            return unpack(job.get_nowait())
        except sqlite3.Error as error:
            raise StorageError(f"the database {self.path} can't be read: {error}") from error

    def _commit_pending(self) -> None:
        try:
            while self._pending:
                if self._hurry.wait(GATHER_SECONDS) and len(self._pending) < BATCH_LIMIT and self._open:
                    gevent.sleep(HURRY_SECONDS)
                self._hurry.clear()
                batch = [self._pending.popleft() for _ in range(min(BATCH_LIMIT, len(self._pending)))]
                outcomes, error = self._hub.threadpool.spawn(outcome, _commit, self._writer, batch).get()
                if error is not None:
                    failure = NotKept(f"the database {self.path} could not commit, so nothing of this was kept: {error}")
                    failure.__cause__ = error
                    outcomes = [(None, failure)] * len(batch)
                for ticket, (value, error) in zip(batch, outcomes, strict=True):
                    ticket._settle(value, error)
        finally:
            self._committer = None

    def _check_open(self) -> None:
        if not self._open:
            raise StorageClosed(f"the database {self.path} is not open")
        self._check_thread()

    def _check_thread(self) -> None:
        if gevent.get_hub() is not self._hub:
            raise RuntimeError("the database is used from another thread than the one that opened it")


def make_private_directory(path: Path) -> None:
    """Make ``path`` and what is missing above it, for our own eyes only (0700). What exists keeps its mode."""
    missing = []
    while not path.exists():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        directory.mkdir(mode=0o700, exist_ok=True)


# What follows runs in native threads: nothing of gevent, one connection in one thread at a time.


def _connect(path: Path) -> tuple[sqlite_utils.Database, list[sqlite_utils.Database]]:
    make_private_directory(path.parent)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its -wal and -shm the same mode
    connections: list[sqlite3.Connection] = []
    try:
        writer = _connection(path, connections, mode="rw")
        _use_write_ahead_log(writer, path)
        writer.execute("PRAGMA synchronous=FULL")
        write_db = sqlite_utils.Database(writer, execute_plugins=False)
        migrate(write_db)
        readers = []
        for _ in range(READER_COUNT):
            reader = _connection(path, connections, mode="ro")
            reader.execute("PRAGMA query_only=ON")
            readers.append(sqlite_utils.Database(reader, execute_plugins=False))
    except BaseException:
        _disconnect(connections)
        raise
    return write_db, readers


def _use_write_ahead_log(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
        return
    # For this switch alone SQLite doesn't wait for other processes, so those that meet a new file take turns.
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        os.close(directory)


def _connection(path: Path, connections: list[sqlite3.Connection], mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)
    connections.append(connection)
    return connection


def _disconnect(connections: list[sqlite3.Connection]) -> None:
    for connection in connections:
        connection.close()


def _commit(db: sqlite_utils.Database, batch: list[Ticket[Any]]) -> list[tuple[Any, Exception | None]]:
    """Run the batch in one transaction. Raises when the transaction as a whole is lost."""
    connection = db.conn
    outcomes: list[tuple[Any, Exception | None]] = []
    # IMMEDIATE: a transaction that begins by reading could not become a writing one after another process has written.
    connection.execute("BEGIN IMMEDIATE")
    try:
        for ticket in batch:
            connection.execute("SAVEPOINT one")
            try:
                outcomes.append((ticket._write(db), None))
            except Exception as error:
                if not connection.in_transaction:  # a full disk makes SQLite roll back everything
                    raise
                connection.execute("ROLLBACK TO one")
                outcomes.append((None, _in_our_words(error, ticket)))
            connection.execute("RELEASE one")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return outcomes


def _in_our_words(error: Exception, ticket: Ticket[Any]) -> Exception:
    if not isinstance(error, sqlite3.Error):
        return error
    failure = NotKept(f"the database refused {ticket._purpose}: {error}")
    failure.__cause__ = error
    return failure


def _read_consistently(reader: sqlite_utils.Database, read: Callable[[sqlite_utils.Database], T]) -> T:
    reader.conn.execute("BEGIN")  # several questions of one read see the same state
    try:
        return read(reader)
    finally:
        if reader.conn.in_transaction:
            reader.conn.execute("ROLLBACK")
