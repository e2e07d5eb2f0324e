"""Announcements: for whom, from when to when, who has read them; no change is lost, every one has its row."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ivrengine.storage.announcements import (
    AUDIENCE_LIMIT,
    OPEN_LIMIT,
    TEXT_LIMIT,
    TITLE_LIMIT,
    BadAnnouncement,
    Notice,
    checked,
)
from ivrengine.storage.errors import NoSuchRecord, StaleRecord
from ivrengine.storage.store import Store

NEWS = Notice("New price list", "Valid from Monday", 100.0)


def test_for_whom_and_when() -> None:
    assert NEWS.concerns("", []) and NEWS.concerns("day", ["sales"])
    some = replace(NEWS, teams=("day",), queues=("sales",))
    assert some.concerns("day", []) and some.concerns("", ["other", "sales"]) and not some.concerns("night", ["other"])
    until = replace(NEWS, ends_at=200.0)
    assert [until.in_force(at) for at in (99.0, 100.0, 199.0, 200.0)] == [False, True, True, False]
    assert not until.over(199.0) and until.over(200.0) and not NEWS.over(1e9)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": " \n "}, "title"), ({"title": "x" * (TITLE_LIMIT + 1)}, "title"), ({"text": "x" * (TEXT_LIMIT + 1)}, "text"),
        ({"ends_at": 100.0}, "until"), ({"teams": ("gone",)}, "teams"), ({"queues": ("gone",)}, "queues"),
        ({"queues": ("sales",) * (AUDIENCE_LIMIT + 1)}, "queues"),
    ],
)  # fmt: skip
def test_what_can_not_be_announced_is_told_at_its_field(changes: dict, field: str) -> None:
    with pytest.raises(BadAnnouncement) as told:
        checked(replace(NEWS, **changes), ["day"], ["sales"])
    assert told.value.field == field and str(told.value)


def test_texts_are_cleaned() -> None:
    kept = checked(Notice(" Two \n lines ", "\n first  \nsecond\x00\n", 1.0, teams=("b", "a", "b")), ["a", "b"], [])
    assert (kept.title, kept.text, kept.teams) == ("Two lines", "first\nsecond\ufffd", ("a", "b"))


def test_it_is_kept_changed_and_ended_with_a_row_for_each(store: Store) -> None:
    kept = store.announcements
    number = kept.add(NEWS, "user boss", 100.0).wait()
    assert kept.get(number).notice == NEWS and kept.get(number).created_by == "user boss"
    kept.change(number, replace(NEWS, important=True), 1, "user admin", 110.0).wait()
    kept.change(number, replace(NEWS, important=True), 2, "user admin", 111.0).wait()  # nothing is different: no row, no new version
    assert kept.get(number).version == 2 and [each.announcement_id for each in kept.open(120.0)] == [number]
    assert kept.end(number, "user boss", 130.0).wait() and not kept.end(number, "user boss", 131.0).wait()
    assert kept.open(130.0) == [] and [each.announcement_id for each in kept.all()] == [number]
    rows = store.audit.recent(target=f"announcement {number}")
    assert [(row.verb, row.who) for row in rows] == [
        ("end_announcement", "user boss"), ("change_announcement", "user admin"), ("add_announcement", "user boss")
    ]  # fmt: skip
    assert json.loads(rows[1].before)["important"] is False and json.loads(rows[1].after)["important"] is True
    assert rows[2].before == "" and json.loads(rows[2].after)["title"] == "New price list"


def test_a_change_on_top_of_somebody_elses_is_refused_with_what_stands(store: Store) -> None:
    kept = store.announcements
    number = kept.add(NEWS, "a", 1.0).wait()
    kept.change(number, replace(NEWS, text="theirs"), 1, "b", 2.0).wait()
    with pytest.raises(StaleRecord) as told:
        kept.change(number, replace(NEWS, text="mine"), 1, "c", 3.0).wait()
    assert told.value.stands.notice.text == "theirs" and kept.get(number).notice.text == "theirs"
    for missing in (lambda: kept.get(99), lambda: kept.change(99, NEWS, 1, "a", 1.0).wait(), lambda: kept.end(99, "a", 1.0).wait()):
        with pytest.raises(NoSuchRecord):
            missing()


def test_one_that_is_ended_before_it_began_was_never_in_force(store: Store) -> None:
    number = store.announcements.add(replace(NEWS, begins_at=500.0), "a", 1.0).wait()
    store.announcements.end(number, "a", 10.0).wait()
    notice = store.announcements.get(number).notice
    assert notice.over(10.0) and not any(notice.in_force(at) for at in (9.0, 10.0, 500.0))


def test_what_was_read_is_to_be_read_again_when_its_words_change(store: Store) -> None:
    kept = store.announcements
    number = kept.add(NEWS, "a", 1.0).wait()
    before = kept.revision()
    kept.mark_read(number, "1001", 5.0).wait()
    kept.mark_read(number, "1001", 6.0).wait()
    assert kept.reads([number, 99]) == {number: {"1001": 5.0}, 99: {}} and kept.revision() == before + 1
    kept.change(number, replace(NEWS, important=True), 1, "a", 7.0).wait()
    assert kept.reads([number])[number] == {"1001": 5.0}
    kept.change(number, replace(NEWS, text="other words"), 2, "a", 8.0).wait()
    assert kept.reads([number])[number] == {}
    with pytest.raises(NoSuchRecord):
        kept.mark_read(99, "1001", 5.0).wait()


def test_there_is_a_limit_and_ended_ones_do_not_count(store: Store) -> None:
    kept = store.announcements
    for _ in range(OPEN_LIMIT):
        last = kept.add(NEWS, "a", 1.0)
    last.wait()
    with pytest.raises(BadAnnouncement):
        kept.add(NEWS, "a", 2.0).wait()
    kept.end(1, "a", 3.0).wait()
    kept.add(NEWS, "a", 4.0).wait()
