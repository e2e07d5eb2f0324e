"""Whatever order rows come in and however often they are repeated, the counters are those of the rows, and nothing counts twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivrengine.acd.happenings import Terminal
from ivrengine.storage.database import Ticket
from ivrengine.storage.store import Store

ITEMS = 3
seconds = st.integers(0, 5000).map(lambda tenths: tenths / 10)
writes = st.one_of(
    st.tuples(st.just("begin"), st.sampled_from(["delivery", "circulation"]), seconds),
    st.tuples(st.just("moved"), st.sampled_from(["delivery", "circulation"]), seconds),
    st.tuples(st.just("ended"), st.sampled_from(["answered", "answered", *get_args(Terminal)]), seconds, seconds),
    st.tuples(st.just("talked"), seconds, seconds, seconds),
    st.tuples(st.just("wrapped_up"), seconds, st.sampled_from(["", "11"])),
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, list[int]]]:
    with Store(Path(tmp_path_factory.mktemp("rows")) / "x.db") as store:
        yield store, [0]


def write(store: Store, item_id: str, name: str, *values: object) -> Ticket[None]:
    if name == "begin":
        queue, at = values
        return store.segments.begin(item_id, item_id, item_id, item_id, str(queue), "138", at)  # type: ignore[arg-type]
    if name == "ended":
        terminal, at, wait = values
        return store.segments.ended(item_id, terminal, at, wait, "1001", item_id)  # type: ignore[arg-type]
    return getattr(store.segments, name)(item_id, *values)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, ITEMS - 1), writes), max_size=25), st.data())
def test_counters_are_those_of_the_rows(kept: tuple[Store, list[int]], told: list[tuple[int, tuple]], data: st.DataObject) -> None:
    store, count = kept
    count[0] += 1
    ticket = None
    for item, (name, *values) in told:
        # A repeated write is what an engine does that was killed before it knew.
        for _ in range(data.draw(st.integers(1, 2))):
            ticket = write(store, f"{count[0]}-{item}", name, *values)
    if ticket is not None:
        ticket.wait()
    assert store.intervals.disagreements() == []
    counters, segments = store.intervals.read("", -1e9, 1e9), store.segments.between(-1e9, 1e9, limit=100_000)
    ended = sum(getattr(counters, terminal) for terminal in get_args(Terminal))
    assert ended == len(segments)
    assert counters.handled == sum(segment.talk_ended_at is not None for segment in segments) <= counters.answered
