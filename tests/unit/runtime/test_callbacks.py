"""Callbacks: who may be called back, where the place in line comes from, what every way of not reaching somebody leads to."""

from __future__ import annotations

from pathlib import Path

import pytest
from paper_floor import QUEUES, Floor, make_desk, opened, settle

from ivrengine.acd.decisions import ItemEnded, Offer
from ivrengine.acd.happenings import OfferAnswered, OfferBridged, OfferBridging, OfferFailed, OfferRinging, TalkEnded
from ivrengine.acd.rules import QueueRules
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import KeepMessage, RequestCallback
from ivrengine.domain.events import CallbackDecided
from ivrengine.domain.legs import LegAnswered, LegBridged, LegGone, LegRinging
from ivrengine.runtime.agent_leg import LegPlan
from ivrengine.runtime.callback_leg import CallbackLeg, CallbackParts
from ivrengine.runtime.callbacks import LOST_BOOST_SECONDS, Callbacks
from ivrengine.runtime.outcome import Who
from ivrengine.runtime.side_legs import SideLegs
from ivrengine.runtime.waiting import Waiting, WaitingRoom

CALL = CallInfo("call-9", "100", "13800138000", "Li Lei")
NUMBER = "13900139000"
CONSOLE = Who("root")
HAPPENINGS = {"rang": OfferRinging, "answered": OfferAnswered, "bridging": OfferBridging, "bridged": OfferBridged}


class House(Floor):
    """Agent 101 at 8001. Offers are carried out by CallbackLegs, and what these tell is fed to the dispatcher."""

    def __init__(self, store, **rules) -> None:
        super().__init__(store)
        self.room = WaitingRoom()
        self.left: list[tuple] = []
        self.offers: dict[str, CallbackLeg] = {}
        self.rules = {"sales": QueueRules("sales", **rules), "support": QUEUES[1]}
        sides = SideLegs(self.legs, self, self, self.crew)
        parts = CallbackParts(
            self.legs, sides, self, lambda offer, errand: LegPlan(), lambda: ["welcome.wav"], lambda code, sentence: None
        )
        self.callbacks = Callbacks(
            self, store, self.rules.get, lambda number: number.startswith("13"),
            lambda offer, errand, rules, keeper: CallbackLeg(offer, errand, rules, keeper, parts), self.posted, self.crew, self.clock,
        )  # fmt: skip
        self.decided: list = []
        desk = make_desk(self)
        desk.log_in("101", "8001", CONSOLE)
        self.ready = lambda: desk.ready("101", CONSOLE)

    def posted(self, call_id, event) -> None:
        self.told.append((call_id, event))

    def leave(self, call_id, token, outcome) -> None:
        self.left.append((call_id, token, outcome))

    # the director's part

    def feed(self, happening):
        decisions = super().feed(happening)
        for decision in decisions:
            match decision:
                case Offer():
                    leg = self.offers[decision.attempt_id] = self.callbacks.offer_leg(decision)
                    self.owners[leg.leg_id] = leg.leg_event
                    leg.start()
                case ItemEnded():
                    self.callbacks.item_ended(decision, self.room.item(decision.item_id))
                case _ if type(decision).__name__ == "CancelOffer":
                    self.offers[decision.attempt_id].cancel("caller_gone")
        return decisions

    def __getattr__(self, name):
        if name not in HAPPENINGS:
            raise AttributeError(name)
        return lambda attempt_id: self.feed(HAPPENINGS[name](attempt_id))

    def failed(self, attempt_id, why) -> None:
        self.feed(OfferFailed(attempt_id, why))

    def talk_ended(self, attempt_id, talk_ms) -> None:
        self.feed(TalkEnded(attempt_id))

    # the test's part

    def ask(self, number: str = NUMBER, queue: str = "sales", **more) -> str:
        self.callbacks.request(CALL, RequestCallback("t", queue, number, **more))
        settle(self.store)
        event = self.told[-1][1]
        assert isinstance(event, CallbackDecided) and event.token == "t"
        return event.outcome

    def look(self) -> None:
        self.callbacks.look()
        settle(self.store)

    def happens(self, number: str, *events) -> str:
        leg_id = self.leg(number, *events)
        settle(self.store)
        return leg_id

    def rung(self) -> list[str]:
        return [what[2] for what in self.legs.asked if what[0] == "originate"]

    def works(self) -> str:
        return self.dispatcher.agent("101").work

    def kept(self):
        settle(self.store)
        return self.store.callbacks.recent()[0]


@pytest.fixture
def store(tmp_path: Path):
    with opened(tmp_path) as store:
        yield store


@pytest.fixture
def house(store):
    return House(store)


# -- asking ----------------------------------------------------------------------------------------------------------------


def test_a_number_is_kept_once_for_each_queue(house) -> None:
    assert house.ask() == "accepted"
    assert house.ask() == "duplicate"
    assert house.ask(queue="support") == "accepted"


@pytest.mark.parametrize(
    "number", ["02988880001", "", "8001", "13;x", "13900139000\n1", "${number}", "13900139000,8001", "１３９", "13" * 30]
)
def test_no_number_is_kept_that_calls_may_not_go_to(house, number) -> None:
    assert house.ask(number) == "not_allowed"
    assert house.store.callbacks.open() == []


def test_a_queue_that_is_not_there_calls_nobody_back(house) -> None:
    assert house.ask(queue="nowhere") == "not_allowed"


def test_who_waits_hands_the_place_over_to_the_callback(house) -> None:
    waiting = Waiting("place", CALL.call_id, "place", "sales", 400.0)
    house.room.add(waiting)
    assert house.ask(place="place") == "accepted"
    assert house.kept().queued_at == 400.0
    assert house.left == [(CALL.call_id, "place", "callback_requested")]
    assert house.ask(place="place") == "duplicate"
    assert len(house.left) == 1, "who is not called back waits on"


def test_nobody_is_rung_outside_the_time_that_was_asked_for(house) -> None:
    house.ask(not_before=2000.0, not_after=3000.0)
    house.ready()
    house.look()
    assert house.rung() == []
    house.now = 2000.0
    house.look()
    assert house.rung() == ["8001"]


def test_what_is_too_late_expires(house) -> None:
    house.ask(not_after=1500.0)
    house.look()
    assert [item.virtual for item in house.dispatcher.items("sales")] == [True]
    house.now = 1500.0
    house.look()
    assert house.kept().outcome == "expired"
    assert house.dispatcher.items("sales") == []


def test_it_is_put_in_line_once_and_again_after_a_restart(house, store) -> None:
    house.ask()
    house.look()
    house.look()
    assert len(house.dispatcher.items("sales")) == 1
    again = House(store)
    again.look()
    assert len(again.dispatcher.items("sales")) == 1


# -- making it -------------------------------------------------------------------------------------------------------------


def test_agent_first(house) -> None:
    house.ask()
    house.ready()
    house.look()
    assert house.rung() == ["8001"]
    agent = house.happens("8001", LegRinging(), LegAnswered())
    assert house.rung() == ["8001", NUMBER], "the customer only when the agent is there"
    customer = house.happens(NUMBER, LegAnswered())
    assert ("bridge", customer, agent) in house.legs.asked
    house.happens("8001", LegBridged(customer))
    assert house.works() == "TALKING"
    assert (house.kept().outcome, house.kept().agent_id) == ("talked", "101")
    house.happens("8001", LegGone("hung_up"))
    assert ("kill", customer) in house.legs.asked, "who was called back is not left alone on the line"


def test_customer_first(store) -> None:
    house = House(store, callback_first="customer")
    house.ask()
    house.ready()
    house.look()
    assert house.rung() == [NUMBER]
    assert house.works() == "ANSWERED", "the agent belongs to it already"
    customer = house.happens(NUMBER, LegAnswered())
    assert house.rung() == [NUMBER, "8001"]
    assert [what for what in house.legs.asked if what[0] == "play"][0][1] == customer
    agent = house.happens("8001", LegRinging(), LegAnswered())
    house.happens("8001", LegBridged(customer))
    assert house.works() == "TALKING"
    verbs = [what[0] for what in house.legs.asked]
    assert verbs.index("stop_playing") < verbs.index("bridge")
    assert ("bridge", customer, agent) in house.legs.asked


@pytest.mark.parametrize("first", ["agent", "customer"])
@pytest.mark.parametrize("why", ["busy", "no_answer", "rejected", "failed"])
def test_who_is_not_reached_is_tried_again_after_a_pause_and_costs_the_agent_nothing(store, first, why) -> None:
    house = House(store, callback_first=first, callback_tries=2, callback_pause_seconds=600.0)
    house.ask()
    house.ready()
    for attempt in (1, 2):
        house.look()
        if first == "agent":
            house.happens("8001", LegRinging(), LegAnswered())
        house.happens(NUMBER, LegGone(why))
        if first == "agent":
            house.happens("8001", LegGone("hung_up"))
        assert house.works() == "IDLE"
        assert house.dispatcher.agent("101").intent == "READY"
        assert (house.kept().attempts, house.kept().outcome) == (attempt, why)
        house.look()
        assert house.dispatcher.items("sales") == [], "not before the pause is over"
        house.later(601.0)
    house.look()
    assert house.kept().ended_at is not None
    assert house.dispatcher.items("sales") == []
    assert house.rung().count(NUMBER) == 2


def test_an_agent_who_does_not_answer_leaves_the_callback_in_line(house) -> None:
    house.ask()
    house.ready()
    house.look()
    house.happens("8001", LegGone("no_answer"))
    assert NUMBER not in house.rung()
    assert len(house.dispatcher.items("sales")) == 1
    assert house.kept().attempts == 0


def test_an_agent_who_is_lost_while_the_customer_waits_means_another_try_later(store) -> None:
    house = House(store, callback_first="customer")
    house.ask()
    house.ready()
    house.look()
    customer = house.happens(NUMBER, LegAnswered())
    house.happens("8001", LegGone("no_answer"))
    assert ("kill", customer) in house.legs.asked
    assert (house.kept().attempts, house.kept().outcome) == (1, "agent_lost")
    assert house.dispatcher.items("sales") == []


def test_a_customer_who_hangs_up_before_the_agent_is_there_takes_the_ringing_along(store) -> None:
    house = House(store, callback_first="customer")
    house.ask()
    house.ready()
    house.look()
    house.happens(NUMBER, LegAnswered())
    house.happens(NUMBER, LegGone("hung_up"))
    assert ("kill", house.legs.dialled["8001"]) in house.legs.asked
    house.happens("8001", LegGone("withdrawn"))
    assert house.works() == "IDLE"
    assert house.kept().outcome == "hung_up"


def test_a_cancelled_callback_leaves_the_line(house) -> None:
    house.ask()
    house.look()
    assert house.callbacks.cancel(house.kept().callback_id[:8], CONSOLE).ok
    assert house.dispatcher.items("sales") == []
    assert not house.callbacks.cancel(house.kept().callback_id, CONSOLE).ok
    assert not house.callbacks.cancel("nothing", CONSOLE).ok


# -- where they come from --------------------------------------------------------------------------------------------------


def gave_up(house, terminal: str, number: str = "13800138000") -> None:
    house.room.add(Waiting("item", CALL.call_id, "item", "sales", 900.0, number, "Li Lei"))
    house.callbacks.item_ended(ItemEnded("item", "sales", terminal, 60.0), house.room.item("item"))
    settle(house.store)


@pytest.mark.parametrize("terminal", ["abandoned", "short_abandon"])
@pytest.mark.parametrize(("number", "kept"), [("13800138000", 1), ("02988880001", 0), ("", 0)])
def test_who_gave_up_is_called_back_where_the_queue_is_set_so_and_the_number_allows_it(store, terminal, number, kept) -> None:
    house = House(store, callback_from_abandoned=True)
    gave_up(house, terminal, number)
    assert [(each.source, each.queued_at) for each in store.callbacks.open()] == [("abandoned", 900.0)] * kept


def test_who_gave_up_is_not_called_back_by_itself(house) -> None:
    gave_up(house, "abandoned")
    assert house.store.callbacks.open() == []


def test_who_left_a_message_instead_is_called_back_on_the_number_they_said(store, tmp_path) -> None:
    house = House(store, callback_from_messages=True)
    gave_up(house, "voicemail")
    house.callbacks.call_over(CALL.call_id)
    settle(house.store)
    assert store.callbacks.open() == [], "no message, no callback"
    gave_up(house, "voicemail")
    store.messages.keep(KeepMessage("sales", str(tmp_path / "m.wav"), 1000, "13700137000"), CALL, 950.0).wait()
    house.callbacks.call_over(CALL.call_id)
    settle(house.store)
    assert [(each.number, each.source) for each in store.callbacks.open()] == [("13700137000", "message")]


def test_whom_we_have_lost_is_called_back_before_the_others(house) -> None:
    house.callbacks.lost(Waiting("item", "call-1", "item", "sales", 900.0, "13800138000"))
    settle(house.store)
    assert (house.kept().source, house.kept().boost_seconds) == ("lost", LOST_BOOST_SECONDS)
    house.look()
    house.wait_in("sales")
    assert [item.virtual for item in house.dispatcher.items("sales")] == [True, False]


def test_a_callback_waits_through_a_night_without_agents(store) -> None:
    house = House(store)
    house.ask()
    make_desk(house).log_out("101", CONSOLE)
    house.look()
    house.later(8 * 3600.0)
    house.look()
    assert [item.virtual for item in house.dispatcher.items("sales")] == [True]
    make_desk(house).log_in("101", "8001", CONSOLE)
    house.ready()
    settle(house.store)
    assert house.rung() == ["8001"]


def test_who_was_reached_by_an_agents_own_call_is_not_called_back_again(house: House) -> None:
    house.callbacks.add("sales", NUMBER, "", CONSOLE)
    house.callbacks.add("support", NUMBER, "", CONSOLE)
    house.callbacks.look()
    house.callbacks.reached("sales", NUMBER, "101")
    settle(house.store)
    assert [each.queue for each in house.store.callbacks.open()] == ["support"]
    assert [(each.queue, each.outcome, each.agent_id) for each in house.store.callbacks.recent() if each.outcome] == [
        ("sales", "talked", "101")
    ]
    house.ready()
    assert house.legs.asked == [], "the item is out of the line, too"
