"""Calls that agents make, with the real director and dispatcher and a switch of paper: who is offered what meanwhile, and every way out."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from test_director import CALL, Bench, Paper

from ivrengine.acd.happenings import LoggedOut, PhoneBusy, PhoneReachable
from ivrengine.acd.rules import AgentRules, Membership, QueueRules
from ivrengine.domain.legs import LegAnswered, LegBridged, LegGone, LegRinging, LegUnbridged
from ivrengine.runtime.destinations import Destinations
from ivrengine.runtime.dialled_customers import DialledCustomers
from ivrengine.runtime.outcome import Outcome, Who
from ivrengine.runtime.own_calls import OwnCalls, Parts
from ivrengine.runtime.side_legs import SideLegs
from ivrengine.site.records import Agent, Site

LI = Who("user li", "101")
OUTSIDE = "02112345678"


class Office:
    """101 and 102 at 8101 and 8102, in the queues news and sport. ``wrap_up``: the rules of news."""

    def __init__(self, **rules: Any) -> None:
        self.bench = Bench(2, **rules)
        self.director, self.legs = self.bench.director, self.bench.legs
        self.legs.originate = lambda leg_id, kind, number, ring_seconds, **options: self.legs.lines.append(
            ("originate", leg_id, kind, number, options)
        )
        self.store = Paper()
        self.store.audit = Paper()  # type: ignore[attr-defined]
        self.handed_over = False
        crew = self.director.crew
        sides = SideLegs(self.legs, self.director, self.director.phones, crew)
        self.customers = DialledCustomers(self.director, self.legs, self, lambda: ["music"], crew)
        queues = (QueueRules("news", number="71", outbound_number="+8621", **{"when_empty": "wait", **rules}), QueueRules("sport"))
        seats = {"news": Membership(), "sport": Membership()}
        people = tuple(Agent(AgentRules(number, f"Agent {number}", queues=seats)) for number in ("101", "102"))
        self.site = Site(queues=queues, agents=people)
        self.bench.site.use(self.site)
        destinations = Destinations(
            lambda: self.site, self.director.dispatcher.agents, lambda number: number.startswith("021"), lambda phone: phone == "8109"
        )
        parts = Parts(self.director, self.legs, sides, self.customers, lambda code, sentence: None, lambda *whom: self.reached.append(whom))
        self.reached: list[tuple[str, str, str]] = []
        self.calls = OwnCalls(parts, destinations, self.store, lambda: self.site, "02100")  # type: ignore[arg-type]
        self.director.on_talk_event.append(self.customers.talk_event)
        self.director.on_talk_ended.append(self.customers.talk_over)

    def has(self, call_id: str) -> bool:
        return self.handed_over

    def call(self, number: str = OUTSIDE, queue: str = "") -> Outcome:
        outcome = self.calls.call("101", number, queue, LI)
        gevent.sleep(0)
        return outcome

    @property
    def mine(self) -> str:
        return self.calls.of_agent("101").leg_id  # type: ignore[union-attr]

    @property
    def other(self) -> str:
        return self.calls.of_agent("101").caller  # type: ignore[union-attr]

    def tell(self, leg_id: str, *events: Any) -> None:
        for event in events:
            self.director.leg_event(leg_id, event)
            gevent.sleep(0)
        gevent.sleep(0)

    def connect(self, number: str = OUTSIDE) -> tuple[str, str]:
        """Everybody answers; gives the agent's leg and the other's."""
        assert self.call(number).ok
        mine = self.mine
        self.tell(mine, LegRinging(), LegAnswered())
        other = self.other
        self.tell(other, LegRinging(), LegAnswered())
        assert self.legs.of("bridge") == [(other, mine)]
        self.tell(mine, LegBridged(other))
        self.tell(other, LegBridged(mine))
        return mine, other

    def killed(self) -> list[str]:
        return [leg_id for (leg_id,) in self.legs.of("kill")]


@pytest.fixture
def office() -> Office:
    return Office()


def dialled(office: Office) -> list[tuple[str, str]]:
    return [(kind, number) for _, kind, number, _ in office.legs.of("originate")]


def test_from_the_click_on_nothing_is_offered(office: Office) -> None:
    office.bench.ready("101")
    office.director.feed(LoggedOut("102"))
    assert office.call().ok
    assert office.bench.works() == "EXTERNAL"
    office.bench.enqueue(CALL)
    assert office.bench.offered == []
    office.calls.cancel("101", LI)
    office.tell(office.mine, LegGone("withdrawn"))
    assert office.calls.of_agent("101") is None and len(office.bench.offered) == 1


def test_the_agent_talks_and_both_sides_are_on_record(office: Office) -> None:
    mine, other = office.connect()
    assert dialled(office) == [("extension", "8101"), ("outside", OUTSIDE)]
    assert office.legs.of("originate")[1][3]["display_number"] == "+8621", "the queue's number is shown, not the phone's"
    assert office.bench.works() == "TALKING" and office.director.talk_of("101").own
    names = [line[0] for line in office.bench.records.lines]
    assert names.index("own_call_began") < names.index("offered") < names.index("item_ended") < names.index("bridged")
    assert office.bench.records.of("item_ended")[0][0].terminal == "answered"
    assert len(office.bench.recordings.of("begin")) == 1 and office.reached == [("news", OUTSIDE, "101")]
    office.tell(mine, LegGone("hung_up"))
    assert office.bench.works() == "WRAP_UP" and office.killed() == [other]
    office.tell(other, LegGone("withdrawn"))
    assert not office.customers.is_there(other)


def test_who_is_called_hangs_up(office: Office) -> None:
    mine, other = office.connect()
    office.tell(other, LegGone("hung_up"))
    assert mine in office.killed()
    office.tell(mine, LegGone("hung_up"))
    assert office.bench.works() == "WRAP_UP" and office.calls.of_agent("101") is None


def test_a_colleague_is_neither_recorded_nor_wrapped_up(office: Office) -> None:
    mine, _ = office.connect("102")
    assert office.bench.works("102") == "EXTERNAL", "the colleague is offered nothing either"
    assert office.bench.recordings.of("begin") == [] and office.reached == []
    office.tell(mine, LegGone("hung_up"))
    assert office.bench.works() == "IDLE"


@pytest.mark.parametrize(
    ("why", "told"), [("busy", "busy"), ("rejected", "rejected"), ("no_answer", "no_answer"), ("hung_up", "no_answer")]
)
def test_who_is_not_reached_frees_the_agent_who_is_told_why(office: Office, why: Any, told: str) -> None:
    office.call()
    mine = office.mine
    office.tell(mine, LegAnswered())
    office.tell(office.other, LegGone(why))
    assert office.killed() == [mine]
    office.tell(mine, LegGone("withdrawn"))
    assert office.bench.works() == "IDLE" and office.calls.not_reached("101").why == told
    assert office.bench.records.of("item_ended")[0][0].terminal == ("timeout" if told == "no_answer" else "failed")


def test_a_phone_that_nobody_lifts_calls_nobody(office: Office) -> None:
    office.call()
    office.tell(office.mine, LegRinging(), LegGone("no_answer"))
    assert dialled(office) == [("extension", "8101")] and office.calls.not_reached("101").why == "phone"
    assert office.bench.works() == "IDLE"


def test_both_hang_up_at_once(office: Office) -> None:
    office.call()
    mine = office.mine
    office.tell(mine, LegAnswered())
    other = office.other
    office.tell(other, LegAnswered())
    office.director.leg_event(other, LegGone("hung_up"))
    office.director.leg_event(mine, LegGone("hung_up"))
    for _ in range(5):
        gevent.sleep(0)
    assert office.bench.works() == "IDLE" and office.calls.of_agent("101") is None and not office.customers.is_there(other)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("101", "this is your own number"), ("8101", "this is your own number"), ("71", "a queue can't be called, only passed on to"),
        ("0311", "calls to this number are not allowed; the operator allows them in outside_numbers"), ("", "a number is made of digits"),
        ("021;drop", "a number is made of digits"), ("${x}", "a number is made of digits"),
    ],
)  # fmt: skip
def test_what_can_not_be_called(office: Office, number: str, sentence: str) -> None:
    outcome = office.call(number)
    assert (outcome.ok, outcome.sentence) == (False, sentence)
    assert office.bench.works() == "IDLE" and office.legs.of("originate") == []


def test_numbers_may_be_written_as_people_write_them(office: Office) -> None:
    assert office.call("(021) 1234-5678").ok
    office.tell(office.mine, LegAnswered())
    assert dialled(office)[-1] == ("outside", OUTSIDE)


def test_an_agent_who_can_not_call_is_told_why(office: Office) -> None:
    office.director.feed(PhoneReachable("101", False))
    assert "not registered" in office.call().sentence
    office.director.feed(PhoneReachable("101", True))
    office.director.feed(PhoneBusy("101", "own"))
    assert office.call().sentence == "your phone is in use"
    assert office.calls.call("102", OUTSIDE, "weather", LI).sentence == "this is no queue of yours"
    office.director.feed(LoggedOut("102"))
    assert office.calls.call("102", OUTSIDE, "", LI).code == "not_logged_in"


def test_a_colleague_in_a_call_is_not_rung(office: Office) -> None:
    office.bench.ready("102")
    office.bench.enqueue()
    office.bench.connect()
    assert (outcome := office.call("102")).code == "colleague_busy" and outcome.sentence == "Agent 102 is on a call"


def wrapping_up(office: Office) -> None:
    office.bench.ready("101")
    office.bench.enqueue()
    office.bench.end(office.bench.connect())
    assert office.bench.works() == "WRAP_UP"


def test_who_calls_is_done_with_the_call_before_and_gets_no_other(office: Office) -> None:
    wrapping_up(office)
    office.director.feed(LoggedOut("102"))
    office.bench.enqueue(type(CALL)("call-2", "100", "13900139000"))
    offered = len(office.bench.offered)
    assert office.call().ok and office.bench.works() == "EXTERNAL" and len(office.bench.offered) == offered


def test_a_disposition_that_is_required_comes_first() -> None:
    office = Office(disposition_required=True, wrap_up_most_seconds=30.0)
    wrapping_up(office)
    assert office.call().code == "wrap_up"
    assert office.bench.works() == "WRAP_UP" and office.legs.of("originate") == []
    assert office.director.phones.busy_with("8101") == set()


def test_on_hold_the_other_side_hears_music(office: Office) -> None:
    mine, other = office.connect()
    office.legs.lines.clear()
    office.tell(mine, LegUnbridged(other))
    assert [(leg_id, paths) for leg_id, _, paths in office.legs.of("play")] == [(other, ["music"])]


def test_who_was_handed_over_stays_until_nobody_has_them(office: Office) -> None:
    mine, other = office.connect()
    office.handed_over = True
    office.tell(mine, LegGone("hung_up"))
    assert other not in office.killed()
    office.handed_over = False
    gevent.sleep(0.6)
    assert other in office.killed()
