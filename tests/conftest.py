"""For all tests: a new database is a copy of one that was brought up to date once, for thousands of tests make one.

What the steps from an empty file to today's do is tested in unit/storage/test_migrations.py, and by every process that tests start.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from sqlite_utils import Database

from ivrengine.storage import database
from ivrengine.storage.migrations import migrate


@pytest.fixture(scope="session", autouse=True)
def copied_databases() -> Iterator[None]:
    made = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(Database(made))
    content = made.serialize()
    made.close()

    def copy(db: Database) -> None:
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
            migrate(db)
            return
        # Several threads may come at once, and a connection serves one at a time.
        source = sqlite3.connect(":memory:")
        source.deserialize(content)
        source.backup(db.conn)
        source.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "migrate", copy)
        yield
