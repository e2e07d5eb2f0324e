"""Orders of the command line: done once, answered with a sentence, refused while nothing is known."""

from __future__ import annotations

from pathlib import Path

import pytest
from paper_floor import settle

from ivrengine.errors import IvrEngineError
from ivrengine.runtime.orders import OrderTaker
from ivrengine.runtime.outcome import Outcome, Who, done, refused
from ivrengine.storage.store import Store


class House:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.did: list[tuple] = []
        self.open = True
        self.taker = OrderTaker(
            store, {"agents": self._perform}, {"agents.states": lambda arguments: [{"agent": "101"}]}, lambda: self.open, lambda: 100.0
        )

    def _perform(self, verb, arguments, who) -> Outcome:
        self.did.append((verb, dict(arguments), who))
        if verb == "fail":
            raise IvrEngineError("the switch is away")
        if verb == "crash":
            raise RuntimeError("a bug")
        return done("all went well") if verb == "ready" else refused("that can't be")

    def order(self, verb: str, **arguments):
        order_id = self.store.orders.place(verb, arguments, "anna", 100.0).wait()
        self.taker.look()
        settle(self.store)
        return self.store.orders.get(order_id)


@pytest.fixture
def house(tmp_path: Path):
    with Store(tmp_path / "test.db") as store:
        yield House(store)


def test_an_order_is_done_once_under_the_name_of_who_placed_it(house) -> None:
    order = house.order("agents.ready", agent="101")
    assert (order.ok, order.sentence) == (True, "all went well")
    house.taker.look()
    assert house.did == [("ready", {"agent": "101"}, Who("anna"))]


@pytest.mark.parametrize(
    ("verb", "sentence"),
    [
        ("agents.sleep", "that can't be"), ("agents.fail", "the switch is away"), ("agents.crash", "its log says how"),
        ("nobody.ready", "does not know the order"), ("", "does not know the order"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told_and_costs_no_other_order(house, verb, sentence) -> None:
    order = house.order(verb)
    assert order.ok is False and sentence in order.sentence
    assert house.order("agents.ready").ok


def test_a_question_is_answered_with_data(house) -> None:
    order = house.order("agents.states")
    assert (order.ok, order.answer) == (True, [{"agent": "101"}])


def test_before_the_queues_are_known_every_order_is_refused(house) -> None:
    house.open = False
    order = house.order("agents.ready")
    assert order.ok is False and "has not reached the switch" in order.sentence
    assert house.did == []


def test_an_order_that_a_dead_engine_had_taken_is_not_done_again(house) -> None:
    order_id = house.store.orders.place("agents.ready", {}, "anna", 100.0).wait()
    house.store.orders.next_open(100.0)  # and then it died
    house.taker.start()
    house.taker.look()
    settle(house.store)
    order = house.store.orders.get(order_id)
    assert order.ok is False and "restarted" in order.sentence
    assert house.did == []


def test_arguments_are_cut_to_what_anything_may_be(house) -> None:
    house.order("agents.ready", agent="1" * 5000)
    ((_, arguments, _),) = house.did
    assert len(arguments["agent"]) == 200
