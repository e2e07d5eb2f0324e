"""The site and its audit trail, who waits, offers, agents and their states, orders, callbacks, callers' marks.

One function a step, in the order of STEPS.
"""

from __future__ import annotations

from sqlite_utils import Database

from .fence import FENCE


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


def wishes_of_agents(db: Database) -> None:
    db.table("wishes").create({"agent_id": str, "intent": str, "reason": str}, pk="agent_id", not_null={"intent", "reason"})


def offers_in_the_order_of_their_time(db: Database) -> None:
    """For lists of a period: the offers of all agents, of which only some are read."""
    db.table("attempts").create_index(["offered_at"])


def calls_that_agents_make(db: Database) -> None:
    """A segment may be a call of an agent's own: ``out``side, or ``internal``; "" for one that waits in a queue."""
    db.execute("ALTER TABLE segments ADD COLUMN direction TEXT NOT NULL DEFAULT ''")
