"""Alarms fall due in order, whatever was moved, stopped or looked at meanwhile, and dead entries don't pile up."""

from __future__ import annotations

from random import Random

from ivrengine.acd.timers import DEAD_ALLOWED, NEVER, Timers


def due(timers: Timers, now: float) -> list[str]:
    found = []
    while (alarm := timers.take_due(now)) is not None:
        found.append(alarm.kind)
    return found


def test_alarms_fall_due_in_order_and_once():
    timers = Timers()
    a, b, c = (timers.new(name, None) for name in "abc")
    timers.set(a, 30.0)
    timers.set(b, 10.0)
    timers.set(c, 20.0)
    assert timers.next_deadline() == 10.0
    assert due(timers, 25.0) == ["b", "c"]
    assert due(timers, 25.0) == []
    assert due(timers, 30.0) == ["a"]
    assert (timers.next_deadline(), timers.living) == (None, 0)


def test_moved_earlier_moved_later_and_stopped():
    timers = Timers()
    a, b, c = (timers.new(name, None) for name in "abc")
    for alarm in (a, b, c):
        timers.set(alarm, 10.0)
    timers.set(a, 5.0)
    timers.set(b, 20.0)
    timers.stop(c)
    timers.stop(c)
    assert timers.next_deadline() == 5.0
    assert due(timers, 15.0) == ["a"]
    assert timers.next_deadline() == 20.0
    timers.set(b, NEVER)
    assert timers.next_deadline() is None
    timers.set(c, 7.0)
    assert due(timers, 100.0) == ["c"]


def test_at_the_same_instant_by_age_of_the_alarm():
    timers = Timers()
    a, b = timers.new("a", None), timers.new("b", None)
    timers.set(b, 10.0)
    timers.set(a, 3.0)
    timers.set(a, 10.0)
    assert due(timers, 10.0) == ["a", "b"]


def test_one_that_was_moved_later_does_not_fall_due_before_others():
    timers = Timers()
    a, b = timers.new("a", None), timers.new("b", None)
    timers.set(a, 3.0)
    timers.set(a, 10.0)  # its old entry comes up at 3
    timers.set(b, 5.0)
    assert due(timers, 20.0) == ["b", "a"]


def test_the_dead_are_buried():
    timers = Timers()
    kept = timers.new("kept", None)
    timers.set(kept, 1e9)
    for number in range(50_000):
        alarm = timers.new("x", None)
        timers.set(alarm, 1e6 - number)
        timers.stop(alarm)
    assert len(timers._heap) <= 2 * timers.living + DEAD_ALLOWED + 1
    assert due(timers, 2e9) == ["kept"]


def test_like_a_plain_dictionary_of_deadlines():
    dice = Random(4)
    timers, plain = Timers(), {}
    alarms = [timers.new(str(number), None) for number in range(40)]
    now = 0.0
    for _ in range(20_000):
        alarm = dice.choice(alarms)
        roll = dice.random()
        if roll < 0.6:
            plain[alarm] = now + dice.randint(0, 50)
            timers.set(alarm, plain[alarm])
        elif roll < 0.8:
            plain.pop(alarm, None)
            timers.stop(alarm)
        elif roll < 0.9:
            assert timers.next_deadline() == min(plain.values(), default=None)
        else:
            now += dice.randint(0, 10)
            expected = sorted((at, each.number) for each, at in plain.items() if at <= now)
            assert due(timers, now) == [str(number) for _, number in expected]
            plain = {each: at for each, at in plain.items() if at > now}
        assert timers.living == len(plain)
