from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlite_utils

from ivrengine.storage.database import Database
from ivrengine.storage.errors import UnknownDatabase
from ivrengine.storage.migrations import FENCE, STEPS, migrate, migrations


def test_from_an_empty_file_to_all_tables_and_again_without_a_change(tmp_path: Path) -> None:
    db = sqlite_utils.Database(tmp_path / "x.db")
    migrate(db)
    assert set(db.table_names()) == {
        "_sqlite_migrations",
        "calls",
        "steps",
        "runs",
        "messages",
        "recordings",
        "blacklist",
        "overrides",
        "revisions",
        "flow_versions",
        "publications",
        "counters",
        "users",
        "web_sessions",
        "web_keys",
        "log_ins",
        "log_in_tries",
        "alarms",
        "announcements",
        "announcement_reads",
        "site",
        "pins",
        "pin_tries",
        "audit",
        "contacts",
        "segments",
        "intervals",
        "attempts",
        "agent_states",
        "seats",
        "orders",
        "wishes",
        "callbacks",
        "marks",
        "board_limits",
        "own_phones",
        "alarm_hours",
        "alarm_acknowledgements",
        "recording_marks",
        "customers",
        "customer_numbers",
        "contact_customers",
    }
    schema, applied = db.schema, migrations.applied(db)
    migrate(db)
    assert (db.schema, migrations.applied(db)) == (schema, applied)
    assert not db.conn.in_transaction


def test_rows_are_kept_when_it_is_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        with Database(tmp_path / "x.db") as database:
            database.write(lambda db: db.execute("INSERT OR IGNORE INTO counters (name, value, changed_at) VALUES ('a', 1, 1)"))
    with Database(tmp_path / "x.db") as database:
        assert database.read(lambda db: db.execute("SELECT count(*) FROM counters").fetchone()) == (1,)


def test_every_row_of_a_call_carries_the_fence(tmp_path: Path) -> None:
    db = sqlite_utils.Database(tmp_path / "x.db")
    migrate(db)
    for table in (
        "calls", "steps", "runs", "messages", "recordings", "contacts", "segments", "attempts", "agent_states", "seats",
        "callbacks", "marks",
    ):  # fmt: skip
        column = {column.name: column for column in db.table(table).columns}["fence"]
        assert column.notnull and str(column.default_value).strip("'") == str(FENCE)


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = sqlite_utils.Database(tmp_path / "x.db")

    def failing(db: sqlite_utils.Database) -> None:
        db.table("calls").drop()
        raise RuntimeError("in the middle")

    monkeypatch.setattr(migrations, "_migrations", list(migrations._migrations))
    migrations(name="failing")(failing)
    with pytest.raises(RuntimeError, match="in the middle"):
        migrate(db)
    assert not db.conn.in_transaction
    assert db.table_names() == []


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    Database(path).open()
    db = sqlite_utils.Database(path)
    db.table("_sqlite_migrations").insert({"migration_set": "ivrengine", "name": "from_the_future", "applied_at": ""})
    db.close()
    with pytest.raises(UnknownDatabase, match="newer version .*'from_the_future' is unknown here"):
        Database(path).open()


def test_processes_that_open_a_new_file_at_once_all_succeed(tmp_path: Path) -> None:
    code = (
        "import sys; from ivrengine.storage.store import Store\nwith Store(sys.argv[1]) as s: s.counters.add('n', 1, 1.0).wait()"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "data" / "x.db")]) for _ in range(4)]
    assert [child.wait() for child in children] == [0] * 4
    with Database(tmp_path / "data" / "x.db") as database:
        assert database.read(lambda db: db.execute("SELECT value FROM counters").fetchone()) == (4,)


def test_steps_that_databases_remember_keep_their_names_and_their_order() -> None:
    assert [step.__name__ for step in STEPS][:14] == [
        "calls_and_their_trace",
        "messages_and_recordings",
        "blacklist_and_overrides",
        "flow_versions_counters_and_alarms",
        "publications",
        "the_site_and_its_audit_trail",
        "contacts_segments_and_attempts",
        "agent_states_and_orders",
        "callbacks_and_marks",
        "users_of_the_pages",
        "wishes_of_agents",
        "publications_by_whom_and_steps_by_flow",
        "customers",
        "limits_of_the_wallboard_alarms_by_hour_and_marks_of_recordings",
    ]
