"""The tables, as steps from an empty file to today's. A step that has been released is never edited: add another.

To add one, write a function in the module of its subject and append it to STEPS: its name is what a database remembers,
its place in STEPS is when it runs. Refuses a database that a newer version of the engine has been at. Times are UTC
seconds, ids are UUIDs. ``fence`` says under which lease a row was written; on a single machine it is always FENCE.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from ..errors import UnknownDatabase
from . import call_centre, calls, pages
from .fence import FENCE

STEPS = (
    calls.calls_and_their_trace,
    calls.messages_and_recordings,
    calls.blacklist_and_overrides,
    calls.flow_versions_counters_and_alarms,
    calls.publications,
    call_centre.the_site_and_its_audit_trail,
    call_centre.contacts_segments_and_attempts,
    call_centre.agent_states_and_orders,
    call_centre.callbacks_and_marks,
    pages.users_of_the_pages,
    call_centre.wishes_of_agents,
    calls.publications_by_whom_and_steps_by_flow,
    pages.customers,
    pages.limits_of_the_wallboard_alarms_by_hour_and_marks_of_recordings,
    call_centre.calls_that_agents_make,
    calls.sentences_of_alarms_with_their_parts,
    pages.announcements,
    call_centre.offers_in_the_order_of_their_time,
)

migrations = Migrations("ivrengine")
for step in STEPS:
    migrations(name=step.__name__)(step)


def migrate(db: Database) -> None:
    """Apply every step that is missing, all or none. Raises UnknownDatabase for a file of a newer version."""
    refuse_newer(db)
    if not migrations.pending(db):
        return
    db.execute("BEGIN IMMEDIATE")  # the command line and the engine may both be the first to open a new file
    try:
        refuse_newer(db)
        migrations.apply(db)
    except BaseException:
        db.rollback()
        raise
    db.commit()


def refuse_newer(db: Database) -> None:
    """Raises UnknownDatabase for a file that has steps which this version doesn't know. Changes nothing."""
    known = {step.name for step in migrations.pending(Database(memory=True))}
    unknown = [step.name for step in migrations.applied(db) if step.name not in known]
    if unknown:
        raise UnknownDatabase(
            f"the database was made by a newer version of the engine (its step {unknown[-1]!r} is unknown here); "
            "upgrade the engine or restore a backup"
        )


__all__ = ["FENCE", "STEPS", "migrate", "migrations"]
