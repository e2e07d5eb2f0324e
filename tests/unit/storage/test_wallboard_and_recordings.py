"""Limits of the wallboard, alarms by the hour and acknowledged, recordings that are looked for, marks of quality, own phones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ivrengine.domain.commands import RaiseAlarm
from ivrengine.storage.board_limits import BoardLimit
from ivrengine.storage.store import Store
from ivrengine.storage.talk_recordings import Wanted


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "a.db") as store:
        yield store


def talk(store: Store, item_id: str, at: float, *, number: str = "13800138000", agent: str = "101", queue: str = "news",
         disposition: str = "", seconds: float = 10.0) -> None:  # fmt: skip
    store.segments.begin(item_id, item_id, item_id, item_id, queue, number, at - 5)
    store.segments.ended(item_id, "answered", at, 5.0, agent, f"{item_id}/1")
    store.segments.recording(item_id, f"/recordings/{item_id}.wav", int(seconds * 1000))
    store.segments.talked(item_id, seconds, 0.0, at + seconds)
    store.segments.wrapped_up(item_id, 1.0, disposition).wait()


def test_limits_of_a_queue_are_replaced_together_and_the_change_is_on_record(store: Store) -> None:
    store.board_limits.replace("news", [BoardLimit("news", "waiting", 3, 6, True)], "user li", 1.0).wait()
    store.board_limits.replace("", [BoardLimit("", "ready", 2, None, False)], "user li", 2.0).wait()
    store.board_limits.replace("news", [BoardLimit("news", "ready", None, 0, False)], "user wu", 3.0).wait()
    assert store.board_limits.all() == [BoardLimit("", "ready", 2, None, False), BoardLimit("news", "ready", None, 0, False)]
    rows = store.audit.recent(target="wallboard news")
    assert [(row.who, row.verb) for row in rows] == [("user wu", "set_limits"), ("user li", "set_limits")]
    assert '"warn": 3' in rows[0].before and "waiting" not in rows[0].after
    store.board_limits.replace("news", [BoardLimit("news", "ready", None, 0, False)], "user wu", 4.0).wait()
    assert len(store.audit.recent(target="wallboard news")) == 2  # nothing was changed


def test_an_alarm_is_open_again_when_it_is_raised_again(store: Store) -> None:
    for at in (3600.0, 3700.0, 7300.0):
        store.alarms.raise_(RaiseAlarm("trunk", f"at {at}", "gateway 1"), at)
    store.alarms.raise_(RaiseAlarm("trunk", "elsewhere", "gateway 2"), 7200.0).wait()
    assert store.alarms.hours("trunk", "gateway 1") == [(7200, 1), (3600, 2)]
    assert store.alarms.acknowledge("trunk", "gateway 1", "user li", 8000.0).wait() is True
    assert store.alarms.acknowledge("trunk", "gateway 1", "user wu", 8001.0).wait() is False  # somebody has
    assert store.alarms.acknowledge("trunk", "nowhere", "user wu", 8001.0).wait() is False
    seen = store.alarms.acknowledged()
    assert list(seen) == [("trunk", "gateway 1")] and seen["trunk", "gateway 1"].count == store.alarms.get("trunk", "gateway 1").count
    store.alarms.raise_(RaiseAlarm("trunk", "again", "gateway 1"), 9000.0).wait()
    assert store.alarms.acknowledged()["trunk", "gateway 1"].count < store.alarms.get("trunk", "gateway 1").count
    assert store.alarms.acknowledge("trunk", "gateway 1", "user wu", 9001.0).wait() is True
    assert [each.who for each in store.alarms.acknowledgements("trunk", "gateway 1")] == ["user wu", "user li"]
    assert store.alarms.acknowledged()["trunk", "gateway 1"].who == "user wu"
    assert [row.target for row in store.audit.recent(who="user li")] == ["trunk gateway 1"]


def test_recordings_are_found_by_everything_that_is_known_of_the_talk(store: Store) -> None:
    talk(store, "a", 100.0)
    talk(store, "b", 200.0, number="13911112222", agent="102", seconds=60.0)
    talk(store, "c", 300.0, queue="sales", disposition="7")
    store.segments.begin("d", "d", "d", "d", "news", "13800138000", 390.0)
    store.segments.ended("d", "abandoned", 400.0, 10.0).wait()  # nobody spoke, nothing was recorded

    def found(**wanted: object) -> str:
        return "".join(each.item_id for each in store.talk_recordings.search(Wanted(**wanted)))  # type: ignore[arg-type]

    assert found() == "cba"
    assert found(number="138") == "ca" and found(number="13800138000") == "ca" and found(number="%") == ""
    assert found(agent_id="102") == "b" and found(queue="sales") == "c" and found(disposition="7") == "c"
    assert found(since=200.0) == "cb" and found(until=200.0) == "a" and found(since=150.0, until=250.0) == "b"
    assert found(least_seconds=30.0) == "b" and found(most_seconds=30.0) == "ca"
    assert found(number="138", queue="news") == "a"


def test_pages_of_recordings_follow_each_other_without_a_gap(store: Store) -> None:
    for number in range(5):
        talk(store, f"i{number}", 100.0 if number < 3 else 200.0)
    seen, before = [], None
    while page := store.talk_recordings.search(Wanted(), limit=2, before=before):
        seen += [each.item_id for each in page]
        before = (page[-1].ended_at, page[-1].item_id)
    assert seen == ["i4", "i3", "i2", "i1", "i0"]


def test_marks_are_added_and_the_newest_counts(store: Store) -> None:
    talk(store, "a", 100.0)
    store.talk_recordings.mark("a", "user li", 2, "too fast", 1.0)
    store.talk_recordings.mark("a", "user wu", 4, "", 2.0).wait()
    marks = [(each.who, each.mark, each.comment) for each in store.talk_recordings.marks("a")]
    assert marks == [("user wu", 4, ""), ("user li", 2, "too fast")]
    assert store.talk_recordings.newest_marks(["a", "b"]) == {"a": 4} and store.talk_recordings.newest_marks([]) == {}
    assert store.talk_recordings.get("a").number == "13800138000" and store.talk_recordings.get("b") is None


def test_a_phone_is_kept_for_each_user(store: Store) -> None:
    assert store.own_phones.of("li") == ""
    store.own_phones.set("li", "8009").wait()
    store.own_phones.set("li", "8008").wait()
    assert (store.own_phones.of("li"), store.own_phones.of("wu")) == ("8008", "")
