"""The feed keeps what it knew when the database can't be read, and tells of it once."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

from ivrengine.domain.commands import RaiseAlarm
from ivrengine.flow.calendars import HoursBook
from ivrengine.flow.world import World
from ivrengine.runtime.clock import WatchedClock
from ivrengine.runtime.world_feed import WorldFeed
from ivrengine.storage.errors import StorageError
from ivrengine.storage.overrides import Override

CALENDAR = """
office:
  zone: Asia/Shanghai
  holidays: CN
  weekly: {mon-fri: {open: "09:00-17:00"}}
"""


class Kind:
    """A store's module with a revision, and whatever it gives."""

    def __init__(self, **gives: Any) -> None:
        self.broken = False
        self.value = 1
        for name, what in gives.items():
            setattr(self, name, lambda *_, what=what: what)

    def revision(self) -> int:
        if self.broken:
            raise StorageError("disk I/O error")
        return self.value


def feed_of(moment: float, overrides: dict[str, Override] | None = None) -> tuple[WorldFeed, Any, World, list[RaiseAlarm]]:
    store = SimpleNamespace(blacklist=Kind(snapshot={"known": 1}), overrides=Kind(in_force=overrides or {}))
    world = World(hours=HoursBook({}))
    alarms: list[RaiseAlarm] = []
    return WorldFeed(store, world, lambda: moment, alarms.append), store, world, alarms


def test_what_was_known_stays_and_one_alarm_tells() -> None:
    feed, store, world, alarms = feed_of(0.0)
    feed.look()
    store.blacklist.broken = True
    for _ in range(3):
        feed.look()
    assert world.blacklist == {"known": 1}
    assert [alarm.code for alarm in alarms] == ["world_unreadable"]
    store.blacklist.broken = False
    feed.look()
    store.blacklist.broken = True
    feed.look()
    assert [alarm.code for alarm in alarms] == ["world_unreadable"] * 2


def test_overrides_survive_calendars_that_are_loaded_while_the_database_can_not_be_read() -> None:
    closed = Override("1", "office", "closed", "permanent", None, "me", 0.0, "", None)
    feed, store, world, _ = feed_of(1_790_000_000.0, {"office": closed})
    feed.use_calendars(HoursBook.from_text(CALENDAR))
    store.blacklist.broken = store.overrides.broken = True
    feed.use_calendars(HoursBook.from_text(CALENDAR))
    assert world.hours.label("office", 1_790_000_000.0) == "closed"


def test_a_year_whose_holidays_are_not_known_is_an_alarm_once() -> None:
    far = datetime.datetime(2190, 5, 1, tzinfo=datetime.UTC).timestamp()
    feed, _, _, alarms = feed_of(far)
    feed.use_calendars(HoursBook.from_text(CALENDAR))
    told = len(alarms)
    assert {(alarm.code, alarm.place) for alarm in alarms} == {("calendar_year", "calendar office")}
    feed.check_calendars()
    feed.use_calendars(HoursBook.from_text(CALENDAR))
    assert len(alarms) == told


def test_the_clock_tells_of_a_jump_before_it_answers() -> None:
    now = {"wall": 1000.0, "steady": 50.0}
    clock = WatchedClock(lambda: now["wall"], lambda: now["steady"])
    jumps: list[float] = []
    clock.on_jump = jumps.append
    now["wall"] += 30.0
    now["steady"] += 29.5  # a slow machine is no jump
    assert clock() == 1030.0
    now["wall"] += 3600.0
    assert clock() == 4630.0
    now["wall"] -= 7200.0
    assert clock() == -2570.0
    assert [round(jump) for jump in jumps] == [3600, -7200]
