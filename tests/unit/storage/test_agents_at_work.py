"""Attempts, agents' states and orders."""

from __future__ import annotations

import pytest

from ivrengine.storage import orders as orders_module
from ivrengine.storage.errors import NoSuchRecord, StorageOverloaded, StorageTimeout
from ivrengine.storage.store import Store

# -- attempts ------------------------------------------------------------------------------------------------------------


def test_an_attempt_is_live_until_its_leg_is_gone(store: Store) -> None:
    store.attempts.begin("a/1", "a", "1001", "8001", "leg-1", 10.0)
    store.attempts.rang("a/1", 11.0)
    store.attempts.rang("a/1", 99.0)
    store.attempts.answered("a/1", 12.0)
    store.attempts.bridged("a/1", 13.0).wait()
    [live] = store.attempts.live()
    assert (live.leg_id, live.rang_at, live.answered_at, live.bridged_at, live.ended_at) == ("leg-1", 11.0, 12.0, 13.0, None)
    store.attempts.ended("a/1", "talked", 20.0)
    store.attempts.ended("a/1", "failed", 30.0).wait()
    assert store.attempts.live() == []
    [ended] = store.attempts.of_item("a")
    assert (ended.outcome, ended.ended_at) == ("talked", 20.0)
    assert store.attempts.of_agent("1001", 10.0, 11.0) == [ended]
    assert store.attempts.of_agent("1001", 11.0, 99.0) == []


def test_an_attempt_of_the_same_name_after_a_restart_is_another_row(store: Store) -> None:
    store.attempts.begin("a/1", "a", "1001", "8001", "leg-1", 10.0)
    store.attempts.ended("a/1", "failed", 11.0)
    store.attempts.begin("a/1", "a", "1002", "8002", "leg-2", 20.0)
    store.attempts.begin("a/1", "a", "1002", "8002", "leg-2", 20.0)
    store.attempts.answered("a/1", 21.0).wait()
    assert [(each.leg_id, each.answered_at) for each in store.attempts.of_item("a")] == [("leg-1", None), ("leg-2", 21.0)]
    assert [each.leg_id for each in store.attempts.live()] == ["leg-2"]


# -- agents' states ------------------------------------------------------------------------------------------------------


def log(store: Store, work: str, since: float, epoch: int, agent_id: str = "1001", intent: str = "READY", phone: str = "8001") -> None:
    store.agent_states.log(
        agent_id, intent, work, "", since, "", phone, epoch,
        idle_since=since - 1.0, calls=epoch, talk_seconds=12.5, wrap_up_until=since + 30.0, wrap_up_queue="delivery",
    ).wait()  # fmt: skip


def test_agents_are_found_as_they_were_left(store: Store) -> None:
    log(store, "IDLE", 10.0, 1)
    log(store, "RESERVED", 11.0, 2)
    log(store, "RINGING", 11.0, 3)
    log(store, "IDLE", 10.0, 1, agent_id="1002", phone="8002")
    last = store.agent_states.last()
    assert {agent_id: state.work for agent_id, state in last.items()} == {"1001": "RINGING", "1002": "IDLE"}
    state = last["1001"]
    assert (state.idle_since, state.calls, state.talk_seconds, state.wrap_up_until, state.wrap_up_queue) == (
        10.0, 3, 12.5, 41.0, "delivery",
    )  # fmt: skip


def test_a_repeated_state_is_no_other_state(store: Store) -> None:
    for _ in range(2):
        log(store, "IDLE", 10.0, 1)
        log(store, "RESERVED", 11.0, 2)
    assert [state.work for state in store.agent_states.between(0.0, 99.0)] == ["IDLE", "RESERVED"]
    log(store, "IDLE", 10.0, 1)  # an engine that repeats itself from an earlier place
    assert store.agent_states.last()["1001"].work == "RESERVED"


def test_what_is_told_with_a_state_is_renewed_while_it_lasts(store: Store) -> None:
    def wrap_up(until: float) -> None:
        store.agent_states.log("1001", "READY", "WRAP_UP", "", 10.0, "a/1", "8001", 1, wrap_up_until=until).wait()

    wrap_up(40.0)
    wrap_up(70.0)
    assert store.agent_states.last()["1001"].wrap_up_until == 70.0
    assert len(store.agent_states.between(0.0, 99.0)) == 1
    log(store, "IDLE", 60.0, 2)
    wrap_up(99.0)
    assert store.agent_states.last()["1001"].work == "IDLE"


def test_who_sits_at_a_phone(store: Store) -> None:
    log(store, "IDLE", 10.0, 1)
    log(store, "IDLE", 20.0, 1, agent_id="1002")
    assert store.agent_states.at_phone("8001").agent_id == "1002"  # type: ignore[union-attr]
    log(store, "IDLE", 30.0, 2, agent_id="1002", intent="LOGGED_OUT", phone="8001")
    assert store.agent_states.at_phone("8001").agent_id == "1001"  # type: ignore[union-attr]
    assert store.agent_states.at_phone("8009") is None
    assert store.agent_states.at_phone("") is None


def test_states_of_a_span_begin_with_the_one_that_reaches_into_it(store: Store) -> None:
    for since, work in ((10.0, "IDLE"), (20.0, "RESERVED"), (20.0, "RINGING"), (30.0, "TALKING"), (40.0, "WRAP_UP")):
        log(store, work, since, int(since))
    log(store, "IDLE", 5.0, 1, agent_id="1002")
    found = [(state.agent_id, state.work) for state in store.agent_states.between(25.0, 40.0)]
    assert found == [("1001", "RINGING"), ("1001", "TALKING"), ("1002", "IDLE")]
    assert [state.work for state in store.agent_states.between(30.0, 99.0, "1001")] == ["RINGING", "TALKING", "WRAP_UP"]


# -- orders --------------------------------------------------------------------------------------------------------------


def test_an_order_is_done_once_and_its_sentence_comes_back(store: Store) -> None:
    assert store.orders.next_open(1.0) is None
    order_id = store.orders.place("ready", {"agent": "1001", "名": "李"}, "wang", 1.0).wait()
    taken = store.orders.next_open(2.0)
    assert taken is not None
    assert (taken.order_id, taken.verb, taken.arguments, taken.asked_by) == (order_id, "ready", {"agent": "1001", "名": "李"}, "wang")
    assert store.orders.next_open(2.0) is None
    store.orders.done(order_id, True, "agent 1001 is ready", 3.0, {"queues": 2})
    store.orders.done(order_id, False, "twice", 4.0).wait()
    done = store.orders.result(order_id)
    assert (done.ok, done.sentence, done.answer, done.done_at) == (True, "agent 1001 is ready", {"queues": 2}, 3.0)


def test_orders_are_taken_in_their_order_and_stale_ones_never(store: Store) -> None:
    late = store.orders.place("ready", {}, "wang", 1.0).wait()
    second = store.orders.place("ready", {}, "wang", 61.0).wait()
    first = store.orders.place("ready", {}, "wang", 60.5).wait()
    taken = [store.orders.next_open(61.5) for _ in range(3)]
    assert [order and order.order_id for order in taken] == [first, second, None]
    refused = store.orders.result(late)
    assert (refused.ok, refused.sentence) == (False, orders_module.STALE)


def test_an_order_that_an_engine_died_over_is_told_so_and_not_repeated(store: Store) -> None:
    order_id = store.orders.place("disconnect", {}, "wang", 1.0).wait()
    waiting = store.orders.place("ready", {}, "wang", 2.0).wait()
    assert store.orders.next_open(3.0) is not None
    assert store.orders.cut_off(4.0).wait() == 1
    assert store.orders.result(order_id).sentence == orders_module.CUT_OFF
    following = store.orders.next_open(5.0)
    assert following is not None and following.order_id == waiting


def test_who_asked_waits_no_longer_than_told(store: Store) -> None:
    order_id = store.orders.place("ready", {}, "wang", 1.0).wait()
    now = [0.0]
    with pytest.raises(StorageTimeout, match="is the engine up"):
        store.orders.result(order_id, 5.0, clock=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    assert 5.0 <= now[0] < 5.2
    store.orders.next_open(2.0)
    with pytest.raises(StorageTimeout, match="did not finish within 0 s"):
        store.orders.result(order_id, 0.0)
    with pytest.raises(NoSuchRecord):
        store.orders.result("nothing")


def test_an_order_is_withdrawn_unless_an_engine_has_it(store: Store) -> None:
    order_id = store.orders.place("ready", {}, "wang", 1.0).wait()
    assert store.orders.withdraw(order_id, 2.0).wait() is True
    assert store.orders.next_open(3.0) is None
    assert store.orders.get(order_id).ok is False
    taken = store.orders.place("ready", {}, "wang", 4.0).wait()
    store.orders.next_open(5.0)
    assert store.orders.withdraw(taken, 6.0).wait() is False
    assert store.orders.get(taken).done_at is None


def test_orders_are_bounded_and_old_ones_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders_module, "OPEN_LIMIT", 2)
    first = store.orders.place("ready", {}, "wang", 1.0).wait()
    store.orders.place("ready", {}, "wang", 1.0).wait()
    with pytest.raises(StorageOverloaded):
        store.orders.place("ready", {}, "wang", 2.0).wait()
    with pytest.raises(ValueError, match="at most"):
        store.orders.place("ready", {"x": "y" * orders_module.ARGUMENTS_LIMIT}, "wang", 2.0)
    store.orders.place("ready", {}, "wang", 2.0 + orders_module.KEPT_SECONDS).wait()
    with pytest.raises(NoSuchRecord):
        store.orders.get(first)


# -- audit ---------------------------------------------------------------------------------------------------------------


def test_the_audit_trail_tells_who_did_what_to_whom(store: Store) -> None:
    store.audit.add("wang", "force_break", "agent 1001", "READY", {"intent": "NOT_READY", "reason": "休息"}, 1.0)
    store.audit.add("li", "disconnect", "call \x00x", None, None, 2.0).wait()
    newest, oldest = store.audit.recent()
    assert (newest.who, newest.verb, newest.target, newest.before, newest.after) == ("li", "disconnect", "call \ufffdx", "", "")
    assert (oldest.before, oldest.after) == ("READY", '{"intent": "NOT_READY", "reason": "休息"}')
    assert store.audit.recent(target="agent 1001") == [oldest]
    assert store.audit.recent(since=1.5) == [newest]
    assert store.audit.recent(who="li", limit=1) == [newest]


def test_time_is_the_same_by_days_as_at_once_and_a_past_day_is_added_up_once(store: Store) -> None:
    days, hours = 5, 3600.0
    for n in range(int(days * 24 / 1.7)):
        intent, reason = (("READY", ""), ("NOT_READY", "tea"))[n % 2]
        store.agent_states.log(f"100{n % 3}", intent, "IDLE", reason, n * 1.7 * hours, "", "8001", 1)
    store.database.write(lambda db: None)
    a, b = 5.5 * hours, (days * 24 - 2.0) * hours
    at_once = store.agent_states._sums(a, b, "")
    by_days = store.agent_states.spent(a, b)
    assert {(each.agent_id, each.intent, each.work, each.reason): each.seconds for each in by_days} == pytest.approx(at_once)
    assert store.agent_states.spent(a, b, "1001") == [each for each in by_days if each.agent_id == "1001"]
    store.agent_states.log("1000", "LOGGED_OUT", "IDLE", "", b - 600.0, "", "", 1).wait()
    later = store.agent_states.spent(a, b)
    assert sum(each.seconds for each in later if each.intent == "LOGGED_OUT") == pytest.approx(600.0), "the last day is not over"
    asked: list[float] = []
    real = store.agent_states._sums
    store.agent_states._sums = lambda a, b, agent_id: asked.append(a) or real(a, b, agent_id)  # type: ignore[method-assign]
    store.agent_states.spent(a, b)
    assert asked == [a + (days - 1) * 24 * hours]
