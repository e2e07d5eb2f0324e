"""Streams of live pages: what is told, what is missed, who is too slow, and when they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from ivrengine.storage.errors import StorageOverloaded
from webadmin import live
from webadmin.live import Hub, Told


def events(response: Any, count: int) -> list[tuple[str, Any, str]]:
    """The next events of a stream: name, data, id."""
    found = []
    stream: Iterator[bytes] = response.response
    while len(found) < count:
        block = next(stream).decode()
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line)
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"]), fields.get("id", "")))
    return found


def test_a_stream_begins_with_the_state_and_goes_on_with_its_topics() -> None:
    hub = Hub()
    stream = hub.subscribe(["board", "calls"], snapshot=lambda: {"waiting": 2})
    assert events(stream, 1)[0][:2] == ("snapshot", {"waiting": 2})
    hub.publish("board", {"waiting": 3})
    hub.publish("elsewhere", 1)
    hub.publish("calls", "a\nevent: forged\n\ndata: x \u2028")
    assert [event[:2] for event in events(stream, 2)] == [("board", {"waiting": 3}), ("calls", "a\nevent: forged\n\ndata: x \u2028")]
    assert hub.watched("board") and not hub.watched("elsewhere")


def test_who_comes_back_gets_what_was_missed_and_nothing_twice() -> None:
    hub = Hub()
    stream = hub.subscribe(["board"])
    events(stream, 1)
    hub.publish("board", 1)
    last = events(stream, 1)[0][2]
    stream.response.close()
    hub.publish("board", 2)
    hub.publish("other", 2)
    hub.publish("board", 3)
    again = hub.subscribe(["board"], last_event_id=last)
    assert [event[1] for event in events(again, 2)] == [2, 3]
    newest = hub.subscribe(["board"], last_event_id=f"{last.partition('-')[0]}-4", beat_seconds=0.01)
    assert events(newest, 1)[0][0] == "beat"


@pytest.mark.parametrize("last", ["", "nobody-1", "-", "1", "{name}-", "{name}-x", "{name}-99", "{name}-" + "9" * 500, "{name}-\u0661"])
def test_who_was_last_here_nobody_knows_when_gets_the_state(last: str) -> None:
    hub = Hub()
    hub.publish("board", 1)
    stream = hub.subscribe(["board"], snapshot=lambda: "state", last_event_id=last.format(name=hub._name))
    assert events(stream, 1)[0][:2] == ("snapshot", "state")


def test_who_was_away_for_too_long_gets_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HISTORY_LIMIT", 3)
    hub = Hub()
    for count in range(5):
        hub.publish("board", count)
    assert events(hub.subscribe(["board"], snapshot=lambda: "state", last_event_id=f"{hub._name}-1"), 1)[0][0] == "snapshot"
    assert [event[1] for event in events(hub.subscribe(["board"], last_event_id=f"{hub._name}-2"), 3)] == [2, 3, 4]


def test_who_reads_too_slowly_costs_nobody_anything_and_gets_the_state() -> None:
    hub = Hub()
    slow = hub.subscribe(["board"], snapshot=lambda: "state")
    events(slow, 1)
    for count in range(live.QUEUE_LIMIT * 3):
        hub.publish("board", count)
    client = next(iter(hub._clients))
    assert len(client.waiting) <= live.QUEUE_LIMIT
    assert events(slow, 1)[0][0] == "snapshot"
    hub.publish("board", "after")
    assert events(slow, 1)[0][1] == "after"


def test_what_happens_while_the_state_is_read_is_told_after_it() -> None:
    hub = Hub()

    def snapshot() -> str:
        hub.publish("board", "meanwhile")
        return "state"

    assert [event[1] for event in events(hub.subscribe(["board"], snapshot=snapshot), 2)] == ["state", "meanwhile"]


def test_a_quiet_stream_beats_until_its_session_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "ASK_SECONDS", 0.0)
    answers = iter([True, True, False])
    stream = Hub().subscribe(["board"], beat_seconds=0.01, still_there=lambda: next(answers))
    assert [event[0] for event in events(stream, 4)] == ["snapshot", "beat", "beat", "signed_out"]
    with pytest.raises(StopIteration):
        next(stream.response)


def test_a_busy_stream_ends_with_its_session_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "ASK_SECONDS", 0.05)
    hub = Hub()
    stream = hub.subscribe(["board"], beat_seconds=0.05, still_there=lambda: False)

    def talk() -> None:
        while hub.clients:
            hub.publish("board", "still here")
            gevent.sleep(0.01)

    talker = gevent.spawn(talk)
    names = {event[0] for event in events(stream, 2)}
    with gevent.Timeout(5):
        while "signed_out" not in names:
            names |= {event[0] for event in events(stream, 1)}
    stream.response.close()
    talker.join(5)


def test_who_hangs_up_is_forgotten_and_streams_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CLIENTS_LIMIT", 1)
    hub = Hub()
    stream = hub.subscribe(["board"])
    events(stream, 1)
    assert hub.clients == 1 and hub.subscribe(["board"]).status_code == 503
    stream.response.close()
    assert hub.clients == 0 and hub.subscribe(["board"]).status_code == 200


def test_how_often_a_stream_beats_is_not_how_often_the_database_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(live.random, "uniform", lambda least, most: least)
    stream = Hub().subscribe(["board"], beat_seconds=0.005, still_there=lambda: asked.append(True) or True)
    assert [event[0] for event in events(stream, 5)] == ["snapshot", *["beat"] * 4]
    assert not asked
    stream.response.close()


def test_what_is_json_already_is_sent_as_it_is() -> None:
    told = Told.of({"waiting": 2, "name": "\n\nevent: forged\u2028"})
    assert json.loads(told.having(at=1.5)) == {"at": 1.5, "waiting": 2, "name": "\n\nevent: forged\u2028"}
    assert json.loads(Told.of({}).having(at=1.5)) == {"at": 1.5} and told.having() == told
    hub = Hub()
    stream = hub.subscribe(["board"], snapshot=lambda: told)
    assert events(stream, 1)[0][1] == json.loads(told)
    hub.publish("board", told.having(at=2))
    assert events(stream, 1)[0][1]["at"] == 2
    stream.response.close()


def test_a_busy_database_ends_no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "ASK_SECONDS", 0.0)
    answers = iter([StorageOverloaded("busy"), True, False])

    def still_there() -> bool:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    stream = Hub().subscribe(["board"], beat_seconds=0.01, still_there=still_there)
    assert [event[0] for event in events(stream, 4)] == ["snapshot", "beat", "beat", "signed_out"]
