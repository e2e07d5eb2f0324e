"""Who is to be called back, and the marks that callers gave."""

from __future__ import annotations

import gevent
import pytest

from ivrengine.domain.commands import KeepMark
from ivrengine.domain.needs import Ring
from ivrengine.storage import callbacks as callbacks_module
from ivrengine.storage.errors import NoSuchRecord
from ivrengine.storage.store import Store

RINGS = (Ring(0.0, (("english", 5),)), Ring(30.0))


def ask(store: Store, callback_id: str, number: str = "13800138000", at: float = 100.0, queue: str = "delivery", **others: object) -> str:
    return store.callbacks.request(callback_id, queue, number, at, **others).wait()  # type: ignore[arg-type]


def test_one_number_waits_once_in_one_queue(store: Store) -> None:
    assert ask(store, "a") == "accepted"
    assert ask(store, "a") == "accepted"
    assert ask(store, "b") == "duplicate"
    assert ask(store, "c", queue="circulation") == "accepted"
    store.callbacks.done("a", "talked", 200.0, "1001").wait()
    assert ask(store, "d") == "accepted"
    assert [(each.callback_id, each.queue) for each in store.callbacks.open()] == [("c", "circulation"), ("d", "delivery")]


def test_of_many_requests_at_once_one_is_kept(store: Store) -> None:
    requests = [gevent.spawn(ask, store, f"c{number}") for number in range(20)]
    gevent.joinall(requests)
    assert sorted(request.get() for request in requests) == ["accepted"] + ["duplicate"] * 19


def test_a_queue_has_so_many_callbacks_at_most(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks_module, "OPEN_LIMIT", 2)
    assert [ask(store, f"c{number}", f"138{number}") for number in range(3)] == ["accepted", "accepted", "full"]


def test_a_callback_keeps_the_place_it_took_over(store: Store) -> None:
    ask(store, "late", "1", queued_at=90.0)
    ask(store, "early", "2", queued_at=50.0, rings=RINGS, boost_seconds=10.0, name="Li", contact_id="k", call_id="k", source="lost")
    ask(store, "raised", "3", boost_seconds=80.0)
    assert [each.callback_id for each in store.callbacks.open()] == ["raised", "early", "late"]
    early = store.callbacks.get("ear")
    assert (early.rings, early.queued_at, early.requested_at, early.name, early.source, early.contact_id) == (
        RINGS, 50.0, 100.0, "Li", "lost", "k",
    )  # fmt: skip


def test_due_is_what_may_be_called_now(store: Store) -> None:
    ask(store, "now", "1")
    ask(store, "later", "2", not_before=500.0)
    ask(store, "soon_over", "3", not_after=300.0)
    ask(store, "tried", "4")
    store.callbacks.tried("tried", "busy", 400.0).wait()
    due = {at: {each.callback_id for each in store.callbacks.due(at)} for at in (200.0, 400.0, 500.0)}
    assert due == {200.0: {"now", "soon_over"}, 400.0: {"now", "tried"}, 500.0: {"now", "tried", "later"}}
    assert [each.callback_id for each in store.callbacks.too_late(299.0)] == []
    assert [each.callback_id for each in store.callbacks.too_late(300.0)] == ["soon_over"]
    tried = store.callbacks.get("tried")
    assert (tried.attempts, tried.outcome, tried.next_at) == (1, "busy", 400.0)


def test_an_end_is_an_end(store: Store) -> None:
    ask(store, "a")
    store.callbacks.done("a", "talked", 200.0, "1001")
    store.callbacks.done("a", "expired", 300.0)
    store.callbacks.tried("a", "busy", 400.0).wait()
    ended = store.callbacks.get("a")
    assert (ended.outcome, ended.ended_at, ended.agent_id, ended.attempts) == ("talked", 200.0, "1001", 0)
    assert store.callbacks.due(1e9) == []
    assert store.callbacks.recent(100.0) == [ended]
    assert store.callbacks.recent(101.0) == []


def test_cancelling_by_a_short_id_is_audited(store: Store) -> None:
    ask(store, "0a1b2c3d-0001")
    assert store.callbacks.cancel("0a1b", "wang", 200.0).wait() == "0a1b2c3d-0001"
    assert store.callbacks.get("0a1b").outcome == "cancelled"
    [row] = store.audit.recent()
    assert (row.who, row.verb, row.target) == ("wang", "cancel_callback", "callback 0a1b2c3d-0001")
    with pytest.raises(NoSuchRecord, match="over already"):
        store.callbacks.cancel("0a1b", "wang", 300.0).wait()
    with pytest.raises(NoSuchRecord, match="no callback"):
        store.callbacks.cancel("ffff", "wang", 300.0).wait()


def test_a_mark_belongs_to_the_talk_that_was_last_on_the_call(store: Store) -> None:
    for item_id, end, agent_id in (("k", 110.0, "1001"), ("k+1", 120.0, "1002")):
        store.segments.begin(item_id, "k", "k", item_id, "delivery", "138", 100.0)
        store.segments.ended(item_id, "answered", end, 10.0, agent_id, "x")
    store.marks.keep(KeepMark("satisfaction", "friendly", "3"), "k", 130.0)
    store.marks.keep(KeepMark("satisfaction", "friendly", "5", "very"), "k", 131.0)
    store.marks.keep(KeepMark("satisfaction", "solved", "1", "yes", "/r/c.wav"), "k", 132.0)
    store.marks.keep(KeepMark("other", "x", "1"), "without-a-talk", 133.0).wait()
    first, second = store.marks.of_call("k")
    assert (first.item_id, first.agent_id, first.queue, first.mark, first.label) == ("k+1", "1002", "delivery", "5", "very")
    assert (second.question, second.comment_path) == ("solved", "/r/c.wav")
    assert store.marks.of_call("without-a-talk")[0].agent_id == ""
    assert [mark.survey for mark in store.marks.between(131.0, 140.0)] == ["satisfaction", "satisfaction", "other"]
    assert [mark.survey for mark in store.marks.between(131.0, 140.0, "other")] == ["other"]
