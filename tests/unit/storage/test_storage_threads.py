"""What fails in a native thread is told once, by who asked: gevent's own stack on standard error would be noise."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ivrengine.storage.errors import NoSuchRecord, NotKept, StorageError, UnknownDatabase
from ivrengine.storage.store import Store


def test_a_record_that_is_not_there(tmp_path: Path, capfd) -> None:
    with Store(tmp_path / "a.db") as store, pytest.raises(NoSuchRecord):
        store.calls.get("zzz")
    assert capfd.readouterr().err == ""


def test_a_database_that_cannot_be_opened(tmp_path: Path, capfd) -> None:
    (tmp_path / "a.db").mkdir()
    with pytest.raises(StorageError, match="a.db can't be opened: Is a directory"):
        Store(tmp_path / "a.db").open()
    (tmp_path / "b.db").write_bytes(b"no database at all, but long enough to be taken for one" * 40)
    with pytest.raises(StorageError, match="b.db can't be opened: file is not a database"):
        Store(tmp_path / "b.db").open()
    assert capfd.readouterr().err == ""


def test_a_database_of_a_newer_version_is_named(tmp_path: Path, capfd) -> None:
    path = tmp_path / "a.db"
    Store(path).open()
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('ivrengine', 'from_the_future', '2030-01-01')"
        )
    with pytest.raises(UnknownDatabase, match="a.db: the database was made by a newer version"):
        Store(path).open()
    assert capfd.readouterr().err == ""


def test_a_message_whose_file_cannot_be_removed(tmp_path: Path, capfd) -> None:
    from ivrengine.storage.messages import remove_file

    with pytest.raises(StorageError, match="can't be removed: Is a directory"):
        remove_file(str(tmp_path))
    assert capfd.readouterr().err == ""


def test_a_commit_that_is_lost_as_a_whole(tmp_path: Path, capfd) -> None:
    with Store(tmp_path / "a.db") as store:
        ticket = store.calls._database.submit(lambda db: db.conn.execute("ROLLBACK") and db.conn.execute("nonsense"), "a test")
        with pytest.raises(NotKept):
            ticket.wait()
    assert "Traceback" not in capfd.readouterr().err
