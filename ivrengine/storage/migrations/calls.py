"""Calls and their trace, messages, recordings, the blacklist, overrides, versions of flows, alarms.

One function a step, in the order of STEPS.
"""

from __future__ import annotations

from sqlite_utils import Database

from .fence import FENCE


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


def flow_versions_counters_and_alarms(db: Database) -> None:
    db.table("flow_versions").create({"version": str, "text": str, "kept_at": float}, pk="version", not_null={"text", "kept_at"})
    db.table("counters").create({"name": str, "value": int, "changed_at": float}, pk="name", not_null={"value", "changed_at"})
    db.table("alarms").create(
        {"code": str, "place": str, "sentence": str, "first_at": float, "last_at": float, "count": int},
        pk=("code", "place"),
        not_null={"sentence", "first_at", "last_at", "count"},
    )


def publications(db: Database) -> None:
    db.table("publications").create(
        {"publication_id": int, "version": str, "published_at": float},
        pk="publication_id",
        not_null={"version", "published_at"},
    )


def publications_by_whom_and_steps_by_flow(db: Database) -> None:
    publications = db.table("publications")
    publications.add_column("author", str, not_null_default="")
    publications.add_column("comment", str, not_null_default="")
    db.table("steps").create_index(["flow", "entered_at"])


def sentences_of_alarms_with_their_parts(db: Database) -> None:
    db.table("alarms").add_column("sentence_parts", str, not_null_default="")
