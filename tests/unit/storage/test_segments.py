"""Waiting, talking and what was counted of it."""

from __future__ import annotations

import dataclasses

import pytest

from ivrengine.acd.figures import Counters
from ivrengine.acd.rules import QueueRules
from ivrengine.domain.needs import Ring
from ivrengine.storage.database import Ticket
from ivrengine.storage.intervals import BUCKET_SECONDS, bucket_of
from ivrengine.storage.store import Store

RINGS = (Ring(0.0, (("english", 5), ("mandarin", 1))), Ring(20.0, (("english", 2),)), Ring(40.0))


def begin(store: Store, item_id: str, queued_at: float = 1000.0, **others: object) -> None:
    keep(store, item_id, queued_at, **others).wait()


def keep(store: Store, item_id: str, queued_at: float = 1000.0, **others: object) -> Ticket[None]:
    values = {"contact_id": item_id, "call_id": item_id, "token": item_id, "queue": "delivery", "number": "13800138000"}
    return store.segments.begin(item_id, **{**values, **others}, queued_at=queued_at)  # type: ignore[arg-type]


def test_who_waits_is_found_again_with_everything_that_makes_their_place(store: Store) -> None:
    begin(
        store, "b", 1001.0, rings=RINGS, boost_seconds=30.0, sticky_agent="1001", sticky_seconds=15.0, max_wait_seconds=300.0,
        virtual=True, excluded=("1002", "1003"),
    )  # fmt: skip
    begin(store, "a", 1000.0)
    first, second = store.segments.waiting()
    assert (first.item_id, first.queued_at, first.rings, first.virtual) == ("a", 1000.0, (Ring(0.0),), False)
    assert (second.rings, second.boost_seconds, second.sticky_agent, second.sticky_seconds) == (RINGS, 30.0, "1001", 15.0)
    assert (second.max_wait_seconds, second.virtual, second.excluded) == (300.0, True, ("1002", "1003"))


def test_a_move_and_a_head_start_outlive_the_engine_and_leave_the_age(store: Store) -> None:
    begin(store, "a")
    store.segments.moved("a", "circulation", 60.0).wait()
    [found] = store.segments.waiting()
    assert (found.queue, found.boost_seconds, found.queued_at) == ("circulation", 60.0, 1000.0)


def test_writes_that_are_repeated_change_nothing(store: Store) -> None:
    def once() -> None:
        begin(store, "a", number="13800138000")
        store.segments.ended("a", "answered", 1010.0, 10.0, "1001", "a/1")
        store.segments.talked("a", 60.0, 5.0, 1075.0)
        store.segments.wrapped_up("a", 20.0, "11").wait()

    once()
    row, counted = store.segments.get("a"), store.intervals.read("", 0.0, 1e9)
    once()
    store.segments.ended("a", "abandoned", 1020.0, 20.0)
    store.segments.talked("a", 99.0, 0.0, 1099.0)
    store.segments.moved("a", "circulation", 1.0).wait()
    begin(store, "a", 7.0, queue="property")
    assert (store.segments.get("a"), store.intervals.read("", 0.0, 1e9)) == (row, counted)
    assert counted == Counters(
        answered=1, answered_wait_seconds=10.0, answered_within=1, handled=1, talk_seconds=60.0, hold_seconds=5.0,
        wrap_up_seconds=20.0,
    )  # fmt: skip


def test_who_talks_is_known_until_the_talk_is_over(store: Store) -> None:
    begin(store, "a")
    begin(store, "b")
    store.segments.ended("a", "answered", 1010.0, 10.0, "1001", "a/1")
    store.segments.ended("b", "abandoned", 1011.0, 11.0).wait()
    assert store.segments.waiting() == []
    [talk] = store.segments.talking()
    assert (talk.item_id, talk.agent_id, talk.attempt_id, talk.ended_at) == ("a", "1001", "a/1", 1010.0)
    store.segments.talked("b", 1.0, 0.0, 1012.0)
    store.segments.talked("a", 60.0, 0.0, 1070.0).wait()
    assert store.segments.talking() == []
    assert store.intervals.read("", 0.0, 1e9).handled == 1


def test_a_waiting_counts_in_the_quarter_hour_of_its_end_also_with_what_ends_later(store: Store) -> None:
    end = 4 * BUCKET_SECONDS - 1.0
    begin(store, "a", end - 30.0)
    store.segments.ended("a", "answered", end, 30.0, "1001", "a/1")
    store.segments.talked("a", 600.0, 0.0, end + 600.0)
    store.segments.wrapped_up("a", 60.0, "11").wait()
    [interval] = store.intervals.between(0.0, 1e9)
    assert (interval.queue, interval.bucket) == ("delivery", 3 * BUCKET_SECONDS)
    assert (interval.counters.talk_seconds, interval.counters.wrap_up_seconds) == (600.0, 60.0)
    assert store.intervals.read("delivery", 4 * BUCKET_SECONDS, 1e9) == Counters()
    assert bucket_of(-1.0) == -BUCKET_SECONDS


def test_the_service_level_is_that_of_the_queue_at_the_end_of_the_waiting(store: Store) -> None:
    store.site.save(QueueRules("delivery", service_level_seconds=8.0), "li", 1.0).wait()
    begin(store, "a")
    store.segments.ended("a", "answered", 1010.0, 10.0, "1001", "a/1").wait()
    assert store.intervals.read("delivery", 0.0, 1e9).answered_within == 0
    store.site.save(QueueRules("delivery", service_level_seconds=30.0), "li", 2.0).wait()
    begin(store, "b")
    store.segments.ended("b", "answered", 1010.0, 10.0, "1001", "b/1").wait()
    assert store.intervals.read("delivery", 0.0, 1e9).answered_within == 1
    assert store.intervals.disagreements() == []


def test_counters_and_rows_agree_and_it_is_noticed_when_they_don_t(store: Store) -> None:
    terminals = [
        "answered", "abandoned", "short_abandon", "timeout", "no_agent", "exit_key", "voicemail", "callback_requested",
        "refused_full", "refused_empty", "flow_out", "failed",
    ]  # fmt: skip
    for number in range(120):
        item_id, at = f"i{number}", number * 100.1
        keep(store, item_id, at, queue=("delivery", "circulation")[number % 2])
        store.segments.ended(item_id, terminals[number % 12], at + number, float(number), "1001", "x")  # type: ignore[arg-type]
        store.segments.talked(item_id, 0.1 * number, 0.3, at + 2000.0)
        for seconds in (10.0, 7.7):
            written = store.segments.wrapped_up(item_id, seconds, "11")
    written.wait()
    assert store.intervals.read("", -1e9, 1e9).answered == 10
    assert sum(each.counters.wrap_up_seconds for each in store.intervals.between(0.0, 1e9)) == pytest.approx(77.0)
    assert store.intervals.disagreements() == []
    assert store.intervals.disagreements(900.0, 1800.0) == []
    store.database.write(lambda db: db.execute("UPDATE intervals SET abandoned = abandoned + 1 WHERE bucket = 900") and None)
    wrong = store.intervals.disagreements()
    assert wrong and {each.bucket for each in wrong} == {900}
    assert wrong[0].stored.abandoned == wrong[0].counted.abandoned + 1
    assert store.intervals.disagreements(1800.0) == []


def test_the_columns_of_intervals_are_the_counters(store: Store) -> None:
    columns = store.database.read(lambda db: [column.name for column in db.table("intervals").columns])
    assert set(columns) == {"queue", "bucket", *(each.name for each in dataclasses.fields(Counters))}


def test_the_last_agent_of_a_number_is_who_talked_to_it_last(store: Store) -> None:
    for item_id, end, agent_id in (("a", 10.0, "1001"), ("b", 30.0, "1002"), ("c", 20.0, "1003")):
        begin(store, item_id)
        store.segments.ended(item_id, "answered", end, 1.0, agent_id, "x").wait()
    begin(store, "d", number="")
    store.segments.ended("d", "answered", 40.0, 1.0, "1004", "x").wait()
    begin(store, "e")
    store.segments.ended("e", "timeout", 50.0, 1.0).wait()
    assert store.segments.last_agent("13800138000") == "1002"
    assert store.segments.last_agent("13900139000") is None
    assert store.segments.last_agent("") is None
    last = store.segments.last_of_agent("1002")
    assert last is not None and last.item_id == "b"
    assert store.segments.last_of_agent("1009") is None


def test_a_disposition_given_later_is_the_agent_s_and_counts_no_time(store: Store) -> None:
    begin(store, "a")
    store.segments.ended("a", "answered", 1010.0, 10.0, "1001", "a/1")
    store.segments.talked("a", 60.0, 0.0, 1070.0)
    store.segments.wrapped_up("a", 30.0, "", automatic=True)
    store.segments.disposed("a", "12", "called twice\nabout it").wait()
    found = store.segments.get("a")
    assert found is not None
    assert (found.disposition, found.automatic, found.notes, found.wrap_up_seconds) == ("12", False, "called twice\nabout it", 30.0)
    assert store.intervals.disagreements() == []


def test_a_wrap_up_that_ends_by_itself_takes_back_no_disposition(store: Store) -> None:
    begin(store, "a")
    store.segments.ended("a", "answered", 1010.0, 10.0, "1001", "a/1")
    store.segments.disposed("a", "12", "about it")
    store.segments.wrapped_up("a", 30.0, "", automatic=True).wait()
    found = store.segments.get("a")
    assert found is not None
    assert (found.disposition, found.automatic, found.notes, found.wrap_up_seconds) == ("12", False, "about it", 30.0)
    store.segments.disposed("a", "14")
    store.segments.wrapped_up("a", 31.0, "13").wait()
    found = store.segments.get("a")
    assert found is not None and (found.disposition, found.notes, found.wrap_up_seconds) == ("13", "about it", 31.0)


def test_segments_of_a_contact_keep_the_order_of_their_beginning(store: Store) -> None:
    store.contacts.begin("a", "13800138000", "Li; DROP TABLE\x00", 1.0)
    store.contacts.begin("a", "other", "other", 2.0).wait()
    assert store.contacts.get("a").number == "13800138000"
    assert store.contacts.of_number("13800138000")[0].name == "Li; DROP TABLE\ufffd"
    begin(store, "a", 1000.0)
    begin(store, "a+1", 900.0, contact_id="a")
    store.segments.recording("a+1", "/r/a+1.wav", 61_000, "one side is silent").wait()
    segments = store.segments.of_contact("a")
    assert [each.item_id for each in segments] == ["a", "a+1"]
    assert (segments[1].recording_path, segments[1].recording_ms, segments[1].recording_problem) == (
        "/r/a+1.wav", 61_000, "one side is silent",
    )  # fmt: skip
    assert [each.item_id for each in store.segments.recent("13800138000")] == ["a", "a+1"]
    assert len(store.segments.recent("13800138000", limit=1)) == 1
    store.segments.ended("a", "timeout", 1100.0, 100.0).wait()
    assert [each.item_id for each in store.segments.between(1100.0, 1101.0)] == ["a"]


def test_what_is_open_is_found_by_an_index(store: Store) -> None:
    questions = {
        "segments_waiting": "SELECT item_id FROM segments WHERE ended_at IS NULL ORDER BY queued_at",
        "segments_talking": "SELECT item_id FROM segments WHERE terminal = 'answered' AND talk_ended_at IS NULL ORDER BY ended_at",
        "segments_ended": "SELECT item_id FROM segments WHERE ended_at >= 1 AND ended_at < 2 ORDER BY ended_at",
        "attempts_live": "SELECT attempt_id FROM attempts WHERE ended_at IS NULL ORDER BY offered_at",
        "orders_open": "SELECT 1 FROM orders WHERE done_at IS NULL AND claimed_at IS NULL LIMIT 1",
    }
    for index, question in questions.items():
        plan = store.database.read(lambda db, q=question: [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {q}")])
        assert any(index in step for step in plan), plan


def test_recordings_that_nobody_has_looked_at_are_found(store: Store) -> None:
    for item_id in ("judged", "lost", "open", "old", "unjudged"):
        begin(store, item_id)
        store.segments.ended(item_id, "answered", 10.0 if item_id == "old" else 1010.0, 10.0, "1001", f"{item_id}/1")
        store.segments.recording(item_id, f"/talks/{item_id}.wav", 0)
        if item_id != "open":
            store.segments.talked(item_id, 60.0, 0.0, 1070.0)
    store.segments.recording("judged", "/talks/judged.wav", 60_000)
    store.segments.recording("lost", "/talks/lost.wav", 0, "the file holds no sound").wait()
    assert [segment.item_id for segment in store.segments.unjudged(1000.0)] == ["unjudged"]
