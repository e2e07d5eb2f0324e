"""The tables, as steps from an empty file to today's. A step that has been released is never edited: add another.

Refuses a database that a newer version of the engine has been at. Times are UTC seconds, ids are UUIDs. ``fence`` says
under which lease a row was written; on a single machine it is always FENCE.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from .errors import UnknownDatabase

FENCE = 1

migrations = Migrations("ivrengine")


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


@migrations()
def calls_and_their_trace(db: Database) -> None:
    db.table("calls").create(
        {
            "call_id": str,
            "dialled": str,
            "number": str,
            "name": str,
            "started_at": float,
            "answered_at": float,
            "ended_at": float,
            "ended_by": str,
            "cause": str,
            "flow": str,
            "flow_version": str,
            "outcome": str,
            "fence": int,
        },
        pk="call_id",
        not_null={"dialled", "number", "name", "started_at", "ended_by", "cause", "flow", "flow_version", "outcome", "fence"},
        defaults={"ended_by": "", "cause": "", "outcome": "", "fence": FENCE},
    )
    db.table("calls").create_index(["started_at"])
    db.table("calls").create_index(["number", "started_at"])
    db.table("steps").create(
        {
            "call_id": str,
            "sequence": int,
            "flow": str,
            "version": str,
            "step": str,
            "verb": str,
            "entered_at": float,
            "left_at": float,
            "outcome": str,
            "label": str,
            "key": str,
            "detail": str,
            "fence": int,
        },
        pk=("call_id", "sequence"),
        not_null={"flow", "version", "step", "verb", "entered_at", "left_at", "outcome", "label", "key", "detail", "fence"},
        defaults={"fence": FENCE},
    )
    db.table("runs").create(
        {"call_id": str, "record": str, "saved_at": float, "fence": int},
        pk="call_id",
        not_null={"record", "saved_at", "fence"},
        defaults={"fence": FENCE},
    )


@migrations()
def messages_and_recordings(db: Database) -> None:
    db.table("messages").create(
        {
            "message_id": str,
            "call_id": str,
            "box": str,
            "path": str,
            "duration_ms": int,
            "number": str,
            "name": str,
            "callback_number": str,
            "urgent": int,
            "created_at": float,
            "heard_at": float,
            "deleted_at": float,
            "fence": int,
        },
        pk="message_id",
        not_null={"call_id", "box", "path", "duration_ms", "number", "name", "callback_number", "urgent", "created_at", "fence"},
        defaults={"fence": FENCE},
    )
    db.table("messages").create_index(["path"], unique=True)
    db.table("messages").create_index(["box", "created_at"])
    db.table("recordings").create(
        {"recording_id": str, "call_id": str, "name": str, "path": str, "duration_ms": int, "created_at": float, "fence": int},
        pk="recording_id",
        not_null={"call_id", "name", "path", "duration_ms", "created_at", "fence"},
        defaults={"fence": FENCE},
    )
    db.table("recordings").create_index(["path"], unique=True)
    db.table("recordings").create_index(["call_id"])


@migrations()
def blacklist_and_overrides(db: Database) -> None:
    db.table("blacklist").create(
        {
            "pattern": str,
            "reason": str,
            "expires_at": float,
            "hits": int,
            "last_hit_at": float,
            "created_by": str,
            "created_at": float,
        },
        pk="pattern",
        not_null={"reason", "hits", "created_by", "created_at"},
        defaults={"hits": 0},
    )
    db.table("overrides").create(
        {
            "override_id": str,
            "calendar": str,
            "state": str,
            "lasts": str,
            "until": float,
            "set_by": str,
            "set_at": float,
            "ended_by": str,
            "ended_at": float,
        },
        pk="override_id",
        not_null={"calendar", "state", "lasts", "set_by", "set_at", "ended_by"},
        defaults={"ended_by": ""},
    )
    db.table("overrides").create_index(["calendar", "set_at"])
    db.table("revisions").create({"kind": str, "value": int}, pk="kind", not_null={"value"})


@migrations()
def flow_versions_counters_and_alarms(db: Database) -> None:
    db.table("flow_versions").create({"version": str, "text": str, "kept_at": float}, pk="version", not_null={"text", "kept_at"})
    db.table("counters").create({"name": str, "value": int, "changed_at": float}, pk="name", not_null={"value", "changed_at"})
    db.table("alarms").create(
        {"code": str, "place": str, "sentence": str, "first_at": float, "last_at": float, "count": int},
        pk=("code", "place"),
        not_null={"sentence", "first_at", "last_at", "count"},
    )


@migrations()
def publications(db: Database) -> None:
    db.table("publications").create(
        {"publication_id": int, "version": str, "published_at": float},
        pk="publication_id",
        not_null={"version", "published_at"},
    )


@migrations()
def the_site_and_its_audit_trail(db: Database) -> None:
    db.table("site").create(
        {"part": str, "name": str, "place": int, "record": str, "changed_at": float},
        pk=("part", "name"),
        not_null={"place", "record", "changed_at"},
    )
    db.table("pins").create({"agent_id": str, "pin_hash": str, "changed_at": float}, pk="agent_id", not_null={"pin_hash", "changed_at"})
    db.table("pin_tries").create({"agent_id": str, "at": float}, not_null={"agent_id", "at"})
    db.table("pin_tries").create_index(["agent_id"])
    db.table("audit").create(
        {"audit_id": int, "at": float, "who": str, "verb": str, "target": str, "before": str, "after": str},
        pk="audit_id",
        not_null={"at", "who", "verb", "target", "before", "after"},
    )


@migrations()
def contacts_segments_and_attempts(db: Database) -> None:
    db.table("contacts").create(
        {"contact_id": str, "number": str, "name": str, "began_at": float, "fence": int},
        pk="contact_id",
        not_null={"number", "name", "began_at", "fence"},
        defaults={"fence": FENCE},
    )
    db.table("contacts").create_index(["number", "began_at"])
    texts = {"contact_id", "call_id", "token", "queue", "number"}
    later = {"terminal", "agent_id", "attempt_id", "disposition", "notes", "recording_path", "recording_problem"}
    db.table("segments").create(
        {
            "item_id": str,
            "contact_id": str,
            "call_id": str,
            "token": str,
            "queue": str,
            "number": str,
            "queued_at": float,
            "rings": str,
            "boost_seconds": float,
            "sticky_agent": str,
            "sticky_seconds": float,
            "max_wait_seconds": float,
            "virtual": int,
            "excluded": str,
            "terminal": str,
            "ended_at": float,
            "wait_seconds": float,
            "service_level_seconds": float,
            "agent_id": str,
            "attempt_id": str,
            "talk_ended_at": float,
            "talk_seconds": float,
            "hold_seconds": float,
            "wrap_up_seconds": float,
            "disposition": str,
            "automatic": int,
            "notes": str,
            "recording_path": str,
            "recording_ms": int,
            "recording_problem": str,
            "fence": int,
        },
        pk="item_id",
        not_null=texts
        | later
        | {"queued_at", "rings", "boost_seconds", "sticky_agent", "sticky_seconds", "max_wait_seconds", "virtual", "excluded"}
        | {"automatic", "recording_ms", "fence"},
        defaults={**dict.fromkeys(sorted(later), ""), "automatic": 0, "recording_ms": 0, "fence": FENCE},
    )
    # The few that are open are looked for among all that ever were.
    db.execute("CREATE INDEX segments_waiting ON segments (queued_at) WHERE ended_at IS NULL")
    db.execute("CREATE INDEX segments_talking ON segments (ended_at) WHERE terminal = 'answered' AND talk_ended_at IS NULL")
    db.execute("CREATE INDEX segments_ended ON segments (ended_at) WHERE ended_at IS NOT NULL")
    db.table("segments").create_index(["number", "ended_at"])
    db.table("segments").create_index(["agent_id", "ended_at"])
    db.table("segments").create_index(["contact_id"])
    db.table("segments").create_index(["call_id"])
    db.table("attempts").create(
        {
            "attempt_id": str,
            "leg_id": str,
            "item_id": str,
            "agent_id": str,
            "phone": str,
            "offered_at": float,
            "rang_at": float,
            "answered_at": float,
            "bridged_at": float,
            "ended_at": float,
            "outcome": str,
            "fence": int,
        },
        pk=("attempt_id", "leg_id"),
        not_null={"item_id", "agent_id", "phone", "offered_at", "outcome", "fence"},
        defaults={"outcome": "", "fence": FENCE},
    )
    db.execute("CREATE INDEX attempts_live ON attempts (offered_at) WHERE ended_at IS NULL")
    db.table("attempts").create_index(["item_id"])
    db.table("attempts").create_index(["agent_id", "offered_at"])
    counts = ("answered", "abandoned", "short_abandon", "timeout", "no_agent", "exit_key", "voicemail", "callback_requested",
              "flow_out", "failed", "refused_full", "refused_empty", "answered_within", "abandoned_within", "handled")  # fmt: skip
    sums = ("answered_wait_seconds", "abandoned_wait_seconds", "talk_seconds", "hold_seconds", "wrap_up_seconds")
    db.table("intervals").create(
        {"queue": str, "bucket": int, **dict.fromkeys(counts, int), **dict.fromkeys(sums, float)},
        pk=("queue", "bucket"),
        not_null={*counts, *sums},
        defaults=dict.fromkeys((*counts, *sums), 0),
    )
    db.table("intervals").create_index(["bucket"])


@migrations()
def agent_states_and_orders(db: Database) -> None:
    state = {
        "agent_id": str,
        "intent": str,
        "work": str,
        "reason": str,
        "since": float,
        "attempt_id": str,
        "phone": str,
        "epoch": int,
        "idle_since": float,
        "calls": int,
        "talk_seconds": float,
        "wrap_up_until": float,
        "wrap_up_queue": str,
        "fence": int,
    }
    given = set(state) - {"agent_id"}
    db.table("agent_states").create(
        {"state_id": int, **state}, pk="state_id", not_null={"agent_id", *given}, defaults={"fence": FENCE}
    )
    # A state that is logged again is the same row.
    db.table("agent_states").create_index(["agent_id", "since", "epoch", "intent", "work", "reason", "attempt_id"], unique=True)
    db.table("agent_states").create_index(["since"])
    db.table("seats").create(state, pk="agent_id", not_null=given, defaults={"fence": FENCE})
    db.table("orders").create(
        {
            "order_id": str,
            "verb": str,
            "arguments": str,
            "asked_by": str,
            "asked_at": float,
            "claimed_at": float,
            "done_at": float,
            "ok": int,
            "sentence": str,
            "answer": str,
        },
        pk="order_id",
        not_null={"verb", "arguments", "asked_by", "asked_at", "sentence", "answer"},
        defaults={"sentence": "", "answer": ""},
    )
    db.execute("CREATE INDEX orders_open ON orders (asked_at) WHERE done_at IS NULL")


@migrations()
def callbacks_and_marks(db: Database) -> None:
    callback = {
        "callback_id": str,
        "queue": str,
        "number": str,
        "name": str,
        "contact_id": str,
        "call_id": str,
        "source": str,
        "requested_at": float,
        "queued_at": float,
        "rings": str,
        "boost_seconds": float,
        "not_before": float,
        "not_after": float,
        "next_at": float,
        "attempts": int,
        "outcome": str,
        "ended_at": float,
        "agent_id": str,
        "fence": int,
    }
    db.table("callbacks").create(
        callback,
        pk="callback_id",
        not_null=set(callback) - {"callback_id", "ended_at"},
        defaults={"next_at": 0.0, "attempts": 0, "outcome": "", "agent_id": "", "fence": FENCE},
    )
    db.execute("CREATE UNIQUE INDEX callbacks_open ON callbacks (queue, number) WHERE ended_at IS NULL")
    db.table("callbacks").create_index(["requested_at"])
    mark = {
        "call_id": str,
        "item_id": str,
        "queue": str,
        "agent_id": str,
        "survey": str,
        "question": str,
        "mark": str,
        "label": str,
        "comment_path": str,
        "at": float,
        "fence": int,
    }
    keys = ("call_id", "item_id", "survey", "question")
    db.table("marks").create(mark, pk=keys, not_null=set(mark) - set(keys), defaults={"fence": FENCE})
    db.table("marks").create_index(["at"])


@migrations()
def users_of_the_pages(db: Database) -> None:
    user = {
        "name": str,
        "role": str,
        "agent_id": str,
        "password_hash": str,
        "must_change": int,
        "disabled": int,
        "language": str,
        "theme": str,
        "created_at": float,
        "created_by": str,
        "seen_at": float,
    }
    db.table("users").create(
        user,
        pk="name",
        not_null=set(user) - {"name", "seen_at"},
        defaults={"agent_id": "", "must_change": 1, "disabled": 0, "language": "", "theme": ""},
    )
    session = {"session_key": str, "name": str, "began_at": float, "seen_at": float, "address": str, "browser": str}
    db.table("web_sessions").create(session, pk="session_key", not_null=set(session) - {"session_key"})
    db.table("web_sessions").create_index(["name"])
    log_in = {"log_in_id": int, "at": float, "name": str, "result": str, "address": str, "browser": str}
    db.table("log_ins").create(log_in, pk="log_in_id", not_null=set(log_in) - {"log_in_id"})
    db.table("log_ins").create_index(["at"])
    db.table("log_in_tries").create({"name": str, "at": float}, not_null={"name", "at"})
    db.table("log_in_tries").create_index(["name"])
    db.table("web_keys").create({"name": str, "value": str}, pk="name", not_null={"value"})


@migrations()
def wishes_of_agents(db: Database) -> None:
    db.table("wishes").create({"agent_id": str, "intent": str, "reason": str}, pk="agent_id", not_null={"intent", "reason"})


@migrations()
def publications_by_whom_and_steps_by_flow(db: Database) -> None:
    publications = db.table("publications")
    publications.add_column("author", str, not_null_default="")
    publications.add_column("comment", str, not_null_default="")
    db.table("steps").create_index(["flow", "entered_at"])


@migrations()
def customers(db: Database) -> None:
    customer = {
        "customer_id": str,
        "name": str,
        "level": str,
        "notes": str,
        "created_at": float,
        "created_by": str,
        "changed_at": float,
        "changed_by": str,
    }
    db.table("customers").create(customer, pk="customer_id", not_null=set(customer) - {"customer_id"})
    db.table("customers").create_index(["name"])
    number = {"number": str, "customer_id": str, "place": int}
    db.table("customer_numbers").create(number, pk=("number", "customer_id"), not_null={"place"})
    db.table("customer_numbers").create_index(["customer_id", "place"])
    db.table("contact_customers").create({"contact_id": str, "customer_id": str}, pk="contact_id", not_null={"customer_id"})


@migrations()
def limits_of_the_wallboard_alarms_by_hour_and_marks_of_recordings(db: Database) -> None:
    limit = {"queue": str, "figure": str, "warn": float, "alarm": float, "sound": int}
    db.table("board_limits").create(limit, pk=("queue", "figure"), not_null={"sound"})
    db.table("own_phones").create({"name": str, "phone": str}, pk="name", not_null={"phone"})
    db.table("alarm_hours").create({"code": str, "place": str, "hour": int, "count": int}, pk=("code", "place", "hour"), not_null={"count"})
    acknowledgement = {"acknowledgement_id": int, "code": str, "place": str, "at": float, "who": str, "count": int}
    db.table("alarm_acknowledgements").create(
        acknowledgement, pk="acknowledgement_id", not_null=set(acknowledgement) - {"acknowledgement_id"}
    )
    db.table("alarm_acknowledgements").create_index(["code", "place", "count"])
    mark = {"mark_id": int, "item_id": str, "at": float, "who": str, "mark": int, "comment": str}
    db.table("recording_marks").create(mark, pk="mark_id", not_null=set(mark) - {"mark_id"})
    db.table("recording_marks").create_index(["item_id"])
    db.execute("CREATE INDEX segments_recorded ON segments (ended_at) WHERE recording_path != ''")
