from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import gevent
import pytest
import sqlite_utils
from gevent.monkey import get_original

from ivrengine.storage import database as database_module
from ivrengine.storage.database import Database
from ivrengine.storage.errors import NotKept, StorageClosed, StorageError, StorageOverloaded, StorageTimeout
from ivrengine.storage.store import Store

# Native, also when the suite runs monkey-patched: what waits here waits in a thread of the pool.
NativeLock = get_original("_thread", "allocate_lock")


def put(key: str, text: str = ""):
    def write(db: sqlite_utils.Database) -> str:
        db.execute("INSERT INTO flow_versions (version, text, kept_at) VALUES (?, ?, 0)", (key, text))
        return key

    return write


def keys(database: Database) -> list[str]:
    return database.read(lambda db: [row[0] for row in db.execute("SELECT version FROM flow_versions ORDER BY version")])


def test_a_write_returns_its_value_and_can_be_read(store: Store) -> None:
    assert store.database.write(put("a")) == "a"
    assert keys(store.database) == ["a"]


def test_it_is_durable_by_its_settings(store: Store) -> None:
    def pragmas(db: sqlite_utils.Database) -> tuple[str, int]:
        return db.execute("PRAGMA journal_mode").fetchone()[0], db.execute("PRAGMA synchronous").fetchone()[0]

    assert store.database.write(pragmas) == ("wal", 2)  # FULL: the log is synced at every commit


def test_many_writes_share_one_transaction_in_their_order(store: Store) -> None:
    commits: list[int] = []

    def counting(key: str):
        def write(db: sqlite_utils.Database) -> int:
            put(key)(db)
            commits.append(db.conn.total_changes)
            # data_version of another connection moves at every commit: none may happen between the writes of a batch
            with sqlite3.connect(store.database.path) as other:
                return other.execute("SELECT count(*) FROM flow_versions").fetchone()[0]

        return write

    tickets = [store.database.submit(counting(f"{n:03}")) for n in range(100)]
    assert [ticket.wait() for ticket in tickets] == [0] * 100
    assert commits == sorted(commits)
    assert len(keys(store.database)) == 100


def test_who_waits_or_hurries_is_not_kept_waiting_for_company(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "GATHER_SECONDS", 3600.0)
    before = store.database.submit(put("before"))
    assert store.database.write(put("waited for")) == "waited for"
    assert before.done
    hurried = store.database.submit(put("hurried"))
    hurried.hurry()
    with gevent.Timeout(20):
        while not hurried.done:
            gevent.sleep(0.005)
    monkeypatch.setattr(database_module, "BATCH_LIMIT", 3)
    with gevent.Timeout(20):
        tickets = [store.database.submit(put(f"many-{number}")) for number in range(3)]
        while not all(ticket.done for ticket in tickets):
            gevent.sleep(0.005)


def test_more_than_one_batch_is_kept_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BATCH_LIMIT", 7)
    tickets = [store.database.submit(put(f"{n:03}")) for n in range(50)]
    assert [ticket.wait() for ticket in tickets] == keys(store.database)


def test_one_bad_write_fails_alone(store: Store) -> None:
    def half(db: sqlite_utils.Database) -> None:
        put("half")(db)
        raise ValueError("the caller's own error")

    tickets = [
        store.database.submit(put("a")),
        store.database.submit(half),
        store.database.submit(put("a")),
        store.database.submit(put("b")),
    ]
    assert tickets[0].wait() == "a"
    with pytest.raises(ValueError, match="own error"):
        tickets[1].wait()
    with pytest.raises(NotKept, match="UNIQUE"):
        tickets[2].wait()
    assert tickets[3].wait() == "b"
    assert keys(store.database) == ["a", "b"]


def test_a_lost_transaction_fails_every_write_of_its_batch_and_nothing_is_half_kept(store: Store) -> None:
    def losing(db: sqlite_utils.Database) -> None:
        db.conn.execute("ROLLBACK")  # as SQLite itself does when the disk is full
        raise sqlite3.OperationalError("database or disk is full")

    tickets = [store.database.submit(put("a")), store.database.submit(losing), store.database.submit(put("b"))]
    for ticket in tickets:
        with pytest.raises(NotKept, match="disk is full"):
            ticket.wait()
    assert keys(store.database) == []
    assert store.database.write(put("c")) == "c"


def test_a_failure_that_nobody_waits_for_is_logged_without_its_text(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def failing(db: sqlite_utils.Database) -> None:
        raise ValueError("13800138000")

    ticket = store.database.submit(failing, "a step of the trace")
    store.database.write(put("a"))
    assert ticket.done
    assert "has not kept a step of the trace: ValueError" in caplog.text
    assert "13800138000" not in caplog.text


def test_overload_is_refused_with_a_sentence_and_what_was_accepted_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "QUEUE_LIMIT", 3)
    tickets = [store.database.submit(put(key)) for key in "abc"]
    assert store.database.waiting == 3
    with pytest.raises(StorageOverloaded, match="3 writes are waiting .* a message was refused and not kept"):
        store.database.submit(put("d"), "a message")
    assert [ticket.wait() for ticket in tickets] == ["a", "b", "c"]
    assert keys(store.database) == ["a", "b", "c"]


def test_a_reader_sees_committed_rows_and_is_not_blocked_by_the_writer(store: Store) -> None:
    store.database.write(put("before"))
    gate, inside = NativeLock(), NativeLock()
    gate.acquire()
    inside.acquire()

    def slow(db: sqlite_utils.Database) -> None:
        put("during")(db)
        inside.release()
        gate.acquire()

    ticket = store.database.submit(slow)
    gevent.get_hub().threadpool.apply(inside.acquire)
    assert keys(store.database) == ["before"]
    assert not ticket.done
    gate.release()
    ticket.wait()
    assert keys(store.database) == ["before", "during"]


def test_the_hub_goes_on_while_the_writer_works(store: Store) -> None:
    gate = NativeLock()
    gate.acquire()
    ticket = store.database.submit(lambda db: gate.acquire())
    ticks = []

    def tick() -> None:
        for number in range(20):
            gevent.sleep(0.002)
            ticks.append(number)
        gate.release()  # only a hub that runs gets here

    gevent.spawn(tick)
    ticket.wait()
    assert len(ticks) == 20


def test_a_read_can_not_write(store: Store) -> None:
    with pytest.raises(StorageError, match="readonly"):
        store.database.read(put("a"))
    assert keys(store.database) == []


def test_a_read_sees_one_state_however_long_it_takes(store: Store) -> None:
    first = NativeLock()
    first.acquire()
    gate = NativeLock()
    gate.acquire()

    def count_twice(db: sqlite_utils.Database) -> tuple[int, int]:
        before = db.execute("SELECT count(*) FROM flow_versions").fetchone()[0]
        first.release()
        gate.acquire()
        return before, db.execute("SELECT count(*) FROM flow_versions").fetchone()[0]

    reading = gevent.spawn(store.database.read, count_twice)
    gevent.get_hub().threadpool.apply(first.acquire)
    store.database.write(put("a"))
    gate.release()
    assert reading.get() == (0, 0)


def test_a_read_without_end_is_cut_off_and_its_reader_lives_on(store: Store) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    for _ in range(database_module.READER_COUNT + 1):
        with pytest.raises(StorageTimeout, match=r"not answered within 0\.02 s"):
            store.database.read(lambda db: db.execute(endless).fetchone(), timeout_seconds=0.02)
    assert keys(store.database) == []


def test_a_killed_reader_gives_its_connection_back(store: Store) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    for _ in range(database_module.READER_COUNT + 1):
        reading = gevent.spawn(store.database.read, lambda db: db.execute(endless).fetchone())
        gevent.sleep(0.01)
        reading.kill()
    assert keys(store.database) == []


def test_too_many_questions_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "READ_QUEUE_LIMIT", 2)
    gate = NativeLock()
    gate.acquire()

    def hold(db: sqlite_utils.Database) -> None:
        gate.acquire()
        gate.release()

    readers = [gevent.spawn(store.database.read, hold) for _ in range(2)]
    gevent.sleep(0)
    with pytest.raises(StorageOverloaded, match="2 questions are waiting"):
        keys(store.database)
    gate.release()
    gevent.joinall(readers, raise_error=True)
    assert keys(store.database) == []


def test_a_wait_that_is_too_long_says_that_the_outcome_is_not_known(store: Store) -> None:
    gate = NativeLock()
    gate.acquire()
    ticket = store.database.submit(lambda db: gate.acquire() and "late", "a message")
    with pytest.raises(StorageTimeout, match=r"not kept a message within 0\.02 s; whether it will is not known"):
        ticket.wait(timeout_seconds=0.02)
    gate.release()
    assert ticket.wait() == "late"


def test_a_time_out_of_the_caller_stays_the_callers(store: Store) -> None:
    gate = NativeLock()
    gate.acquire()
    ticket = store.database.submit(lambda db: gate.acquire())
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.02):
        ticket.wait()
    gate.release()
    ticket.wait()


def test_closing_keeps_what_was_submitted_and_refuses_more(tmp_path: Path) -> None:
    path = tmp_path / "ivrengine.db"
    database = Database(path)
    with database:
        tickets = [database.submit(put(f"{n:04}")) for n in range(2000)]
    assert all(ticket.done for ticket in tickets)
    with pytest.raises(StorageClosed, match="is not open"):
        database.submit(put("late"))
    with pytest.raises(StorageClosed):
        keys(database)
    with database:
        assert len(keys(database)) == 2000


def test_a_database_of_one_thread_is_refused_in_another(store: Store) -> None:
    def elsewhere() -> str:
        with pytest.raises(RuntimeError, match="another thread"):
            store.database.submit(put("a"))
        return "refused"

    assert gevent.get_hub().threadpool.apply(elsewhere) == "refused"


def test_files_and_directories_are_for_our_own_eyes(tmp_path: Path) -> None:
    path = tmp_path / "site" / "data" / "ivrengine.db"
    mask = os.umask(0)
    try:
        with Database(path) as database:
            database.write(put("a"))
            files = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    finally:
        os.umask(mask)
    assert set(files) == {"ivrengine.db", "ivrengine.db-wal", "ivrengine.db-shm"}
    assert set(files.values()) == {0o600}
    assert {stat.S_IMODE(directory.stat().st_mode) for directory in (path.parent, path.parent.parent)} == {0o700}


def test_what_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "ivrengine.db"
    path.write_text("certainly no database, but long enough to have a header " * 10)
    with pytest.raises(StorageError, match=r"ivrengine\.db can't be opened: file is not a database"):
        Database(path).open()


def test_odd_characters_in_the_path_are_part_of_the_path(tmp_path: Path) -> None:
    path = tmp_path / "a b?mode=memory#%41" / "x.db"
    with Database(path) as database:
        database.write(put("a"))
        assert keys(database) == ["a"]
    assert path.exists()


def test_another_process_may_write_at_the_same_time(store: Store) -> None:
    code = (
        "import sys; from ivrengine.storage.store import Store\n"
        "from ivrengine.domain.blacklist import BlacklistEntry\n"
        "with Store(sys.argv[1]) as store:\n"
        "    for n in range(100, 120): store.blacklist.add(BlacklistEntry(str(n)), 'other', 1.0).wait()\n"
    )
    before = store.blacklist.revision()
    process = subprocess.Popen([sys.executable, "-c", code, str(store.database.path)])
    mine = 0
    while process.poll() is None:
        store.database.write(put(f"mine {mine}"))
        mine += 1
    assert process.returncode == 0
    assert len(store.blacklist.entries()) == 20
    assert len(keys(store.database)) == mine
    assert store.blacklist.revision() == before + 20


def test_it_works_in_a_plain_process_without_monkey_patching(tmp_path: Path) -> None:
    code = (
        "import sys; from ivrengine.storage.store import Store\n"
        "from gevent import monkey; assert not monkey.is_anything_patched()\n"
        "with Store(sys.argv[1]) as store:\n"
        "    print(store.counters.add('n', 2, 1.0).wait(), store.counters.value('n'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.db")], capture_output=True, text=True, check=True)
    assert done.stdout == "2 2\n"
