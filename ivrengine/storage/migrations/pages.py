"""Users of the pages and what is kept for the pages: sessions, customers, the wallboard's limits, marks of recordings,
announcements.

One function a step, in the order of STEPS.
"""

from __future__ import annotations

from sqlite_utils import Database


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


def announcements(db: Database) -> None:
    announcement = {
        "announcement_id": int,
        "title": str,
        "text": str,
        "begins_at": float,
        "ends_at": float,
        "teams": str,
        "queues": str,
        "important": int,
        "version": int,
        "text_version": int,
        "created_at": float,
        "created_by": str,
        "changed_at": float,
        "changed_by": str,
    }
    db.table("announcements").create(announcement, pk="announcement_id", not_null=set(announcement) - {"announcement_id", "ends_at"})
    db.table("announcements").create_index(["ends_at"])
    read = {"announcement_id": int, "agent_id": str, "text_version": int, "read_at": float}
    db.table("announcement_reads").create(read, pk=("announcement_id", "agent_id", "text_version"), not_null={"read_at"})
