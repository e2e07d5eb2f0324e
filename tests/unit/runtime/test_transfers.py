"""Callers who are passed on: who is rung, who is connected with whom, and that nobody loses the caller on any way out."""

from __future__ import annotations

from pathlib import Path

import gevent
import pytest
from paper_floor import Floor, make_desk, opened, settle

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.events import QueueEnded, TalkBegan
from ivrengine.domain.legs import LegAnswered, LegBridged, LegGone, LegReferred
from ivrengine.runtime.destinations import Destinations
from ivrengine.runtime.outcome import Who
from ivrengine.runtime.side_legs import SideLegs
from ivrengine.runtime.transfers import Transfers

CONSOLE = Who("root")
AGENT = Who("agent 101", "101")


class House(Floor):
    """Agent 101 at 8001 talks with a caller; 102 sits at 8002; 8009 is a phone where nobody is logged in."""

    def __init__(self, store) -> None:
        super().__init__(store)
        self.calls: dict[str, CallInfo] = {}
        self.alarms: list = []
        self.kept: list[str] = []
        sides = SideLegs(self.legs, self, self, self.crew)
        destinations = Destinations(
            lambda: self.site, self.dispatcher.agents, lambda number: number.startswith("029"), self.legs.reachable
        )
        self.transfers = Transfers(
            self, self.legs, sides, destinations, store, self.calls.get, self.kept.append, self.alarms.append, self.crew, self.clock
        )
        desk = make_desk(self)
        for agent_id, phone in (("101", "8001"), ("102", "8002")):
            desk.log_in(agent_id, phone, CONSOLE)
        desk.ready("101", CONSOLE)
        item_id = self.wait_in()
        call_id = item_id.split(":")[0]
        self.calls[call_id] = CallInfo(call_id, "100", "13800138000", "Li Lei")
        self.talk = self.connect("101")
        self.legs.asked.clear()

    def happens(self, number: str, *events) -> str:
        leg_id = self.leg(number, *events)
        gevent.sleep(0.01)
        return leg_id

    def did(self, verb: str) -> list[tuple]:
        return [what for what in self.legs.asked if what[0] == verb]

    def end_of_leg(self) -> None:
        """What the director does when the agent's leg is gone."""
        self.talk.over = True
        self.stays = self.talk.passed_on or self.transfers.hands_over(self.talk)
        self.transfers.talk_over(self.talk)
        gevent.sleep(0.01)

    def consult(self, number: str = "8009") -> str:
        assert self.transfers.consult(self.talk, number, AGENT).ok
        colleague = self.happens(number, LegAnswered())
        return self.happens(number, LegBridged(self.talk.leg_id)) and colleague


@pytest.fixture
def house(tmp_path: Path):
    with opened(tmp_path) as store:
        yield House(store)


# -- blind -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "queue", "agent"), [("71", "sales", ""), ("102", "sales", "102"), ("8002", "sales", "102")]
)
def test_to_a_queue_or_an_agent_the_caller_waits_anew(house, number, queue, agent) -> None:
    assert house.transfers.blind(house.talk, number, AGENT).ok
    assert house.requeued == [(house.talk.call_id, queue, ("101",), agent)]


@pytest.mark.parametrize(
    "number", ["13900000000", "103", "101", "8888", "", "8009,8010", "029;x", "${x}", "sofia/x", "８００９", "\n8009"]
)
def test_nobody_is_passed_to_where_nobody_allowed(house, number) -> None:
    outcome = house.transfers.blind(house.talk, number, AGENT)
    assert (outcome.ok, outcome.code) == (False, "not_allowed")
    assert house.legs.asked == [] and house.requeued == []


def test_a_phone_is_rung_for_the_caller_and_the_agent_is_free(house) -> None:
    assert house.transfers.blind(house.talk, "8009", AGENT).ok
    assert house.did("originate") == [("originate", "extension", "8009")]
    assert house.did("release") and house.did("kill") == [("kill", house.talk.leg_id)]
    assert house.talk.passed_on
    colleague = house.happens("8009", LegAnswered())
    assert house.did("bridge") == [("bridge", house.talk.call_id, colleague)]
    assert isinstance(house.told[-1][1], TalkBegan)  # the music stops before they are connected
    house.happens("8009", LegBridged(house.talk.call_id))
    house.now += 12
    house.happens("8009", LegGone("hung_up"))
    call_id, ended = house.told[-1]
    assert (call_id, ended.outcome, ended.agent, ended.talk_ms) == (house.talk.call_id, "answered", "101", 12_000)


def test_an_outside_number_of_the_list_goes_over_the_trunk(house) -> None:
    assert house.transfers.blind(house.talk, "02988880001", AGENT).ok
    assert house.did("originate") == [("originate", "outside", "02988880001")]


@pytest.mark.parametrize("why", ["no_answer", "busy", "rejected", "unregistered", "failed"])
def test_who_is_not_taken_there_waits_again_first_for_whom_they_had(house, why) -> None:
    house.transfers.blind(house.talk, "8009", AGENT)
    house.end_of_leg()
    house.happens("8009", LegGone(why))
    assert house.requeued == [(house.talk.call_id, "sales", (), "101")]


def test_a_caller_who_hangs_up_on_the_way_stops_the_ringing(house) -> None:
    house.transfers.blind(house.talk, "8009", AGENT)
    del house.calls[house.talk.call_id]
    house.transfers.call_over(house.talk.call_id)
    gevent.sleep(0.01)
    assert ("kill", house.legs.dialled["8009"]) in house.legs.asked
    house.happens("8009", LegGone("withdrawn"))
    assert house.requeued == [] and house.told == []


def test_a_phone_that_is_rung_counts_as_busy_until_it_is_free(house) -> None:
    house.transfers.blind(house.talk, "8009", AGENT)
    assert list(house.busy_phones.values()) == ["8009"]
    house.happens("8009", LegGone("no_answer"))
    assert house.busy_phones == {}


# -- consulting ------------------------------------------------------------------------------------------------------------


def test_the_agent_consults_while_the_caller_hears_music(house) -> None:
    colleague = house.consult()
    assert house.did("release") and house.talk.work == "CONSULT"
    assert house.did("bridge_legs") == [("bridge_legs", house.talk.leg_id, colleague)]
    assert house.kept == [colleague]
    assert not house.transfers.consult(house.talk, "8009", AGENT).ok, "one at a time"
    assert not house.transfers.blind(house.talk, "71", AGENT).ok


def test_completing_connects_caller_and_colleague_and_frees_the_agent(house) -> None:
    colleague = house.consult()
    assert house.transfers.complete(house.talk, AGENT).ok
    assert house.did("bridge") == [("bridge", house.talk.call_id, colleague)]
    assert house.did("kill") == [("kill", house.talk.leg_id)]
    house.end_of_leg()
    assert house.stays
    house.happens("8009", LegBridged(house.talk.call_id))
    house.happens("8009", LegGone("hung_up"))
    assert isinstance(house.told[-1][1], QueueEnded)
    assert house.requeued == []


def test_hanging_up_while_a_colleague_is_there_hands_the_caller_over(house) -> None:
    colleague = house.consult()
    house.end_of_leg()
    assert house.stays
    assert house.did("bridge") == [("bridge", house.talk.call_id, colleague)]


def test_hanging_up_while_it_rings_ends_the_talk_for_the_caller_too(house) -> None:
    house.transfers.consult(house.talk, "8009", AGENT)
    house.end_of_leg()
    assert ("kill", house.legs.dialled["8009"]) in house.legs.asked
    assert isinstance(house.told[-1][1], QueueEnded)


def test_a_colleague_who_does_not_answer_gives_the_caller_back(house) -> None:
    house.transfers.consult(house.talk, "8009", AGENT)
    house.happens("8009", LegGone("no_answer"))
    assert house.did("rejoin") == [("rejoin", house.talk.leg_id)]
    assert not house.transfers.hands_over(house.talk)
    assert house.transfers.consult(house.talk, "8009", AGENT).ok, "and another may be asked"


def test_taking_back_parts_the_two_before_the_caller_is_there_again(house) -> None:
    colleague = house.consult()
    gevent.spawn_later(0.05, house.transfers.leg_parted, house.talk)
    assert house.transfers.take_back(house.talk, AGENT).ok
    verbs = [what[0] for what in house.legs.asked]
    assert verbs.index("unbridge") < verbs.index("kill") < verbs.index("rejoin")
    assert ("kill", colleague) in house.legs.asked
    house.happens("8009", LegGone("hung_up"))
    assert len(house.did("rejoin")) == 1


def test_three_at_once_and_back(house) -> None:
    colleague = house.consult()
    gevent.spawn_later(0.02, house.transfers.leg_parted, house.talk)
    assert house.transfers.three_way(house.talk, AGENT).ok
    assert house.did("three_way") == [("three_way", colleague, house.talk.leg_id)]
    assert house.talk.work == "CONFERENCE"
    assert house.transfers.take_back(house.talk, AGENT).ok
    assert house.talk.work == "TALKING"
    assert ("kill", colleague) in house.legs.asked


def test_an_agent_who_leaves_the_three_leaves_the_other_two_together(house) -> None:
    colleague = house.consult()
    house.transfers.leg_parted(house.talk)
    house.transfers.three_way(house.talk, AGENT)
    assert house.transfers.complete(house.talk, AGENT).ok
    assert house.did("bridge") == [], "while the agent's leg has the caller, nobody else can be connected with them"
    house.end_of_leg()
    assert house.did("bridge") == [("bridge", house.talk.call_id, colleague)]


def test_a_caller_who_hangs_up_while_the_agent_consults_ends_both_legs(house) -> None:
    colleague = house.consult()
    del house.calls[house.talk.call_id]
    house.transfers.call_over(house.talk.call_id)
    gevent.sleep(0.01)
    assert {("kill", colleague), ("kill", house.talk.leg_id)} <= set(house.legs.asked)


@pytest.mark.parametrize("verb", ["complete", "take_back", "three_way"])
def test_without_consulting_there_is_nothing_to_complete(house, verb) -> None:
    assert not getattr(house.transfers, verb)(house.talk, AGENT).ok
    assert house.legs.asked == []


# -- SIP REFER -------------------------------------------------------------------------------------------------------------


def test_a_blind_refer_does_what_the_code_does(house) -> None:
    house.transfers.referred(house.talk, LegReferred("blind", target="71"))
    assert house.talk.passed_on
    assert house.requeued == [(house.talk.call_id, "sales", ("101",), "")]


def test_a_blind_refer_to_nowhere_loses_nobody(house) -> None:
    house.transfers.referred(house.talk, LegReferred("blind", target="13900000000"))
    assert house.requeued == [(house.talk.call_id, "sales", (), "101")]
    assert [alarm.code for alarm in house.alarms] == ["transfer_refused"]


def test_an_attended_refer_frees_the_agent_and_ends_with_the_colleague(house) -> None:
    house.transfers.referred(house.talk, LegReferred("attended", with_channel="foreign"))
    assert house.talk.passed_on
    house.end_of_leg()
    assert not [event for _, event in house.told if isinstance(event, QueueEnded)]
    house.owners["foreign"](LegGone("hung_up"))
    gevent.sleep(0.01)
    assert isinstance(house.told[-1][1], QueueEnded)


def test_a_refer_to_a_call_that_rings_ends_with_the_colleague_who_answers(house) -> None:
    house.transfers.referred(house.talk, LegReferred("ringing", with_channel="foreign"))
    house.end_of_leg()
    house.owners["foreign"](LegBridged(house.talk.call_id))
    gevent.sleep(0.01)
    house.now += 7
    house.owners["foreign"](LegGone("hung_up"))
    gevent.sleep(0.01)
    call_id, ended = house.told[-1]
    assert (call_id, ended.outcome, ended.talk_ms, house.requeued) == (house.talk.call_id, "answered", 7000, [])


def test_a_refer_to_a_call_that_nobody_answers_brings_the_caller_back(house) -> None:
    house.transfers.referred(house.talk, LegReferred("ringing", with_channel="foreign"))
    house.end_of_leg()
    house.owners["foreign"](LegGone("no_answer"))
    gevent.sleep(0.01)
    assert house.requeued == [(house.talk.call_id, "sales", (), "101")]
    assert not [event for _, event in house.told if isinstance(event, QueueEnded)]


# -- codes and trail ---------------------------------------------------------------------------------------------------------


def test_each_verb_leaves_its_row(house, tmp_path) -> None:
    house.consult()
    house.transfers.complete(house.talk, AGENT)
    settle(house.store)
    rows = [(row.who, row.verb, row.target) for row in reversed(house.store.audit.recent(who="agent 101"))]
    assert rows == [("agent 101", "consult", "agent 101"), ("agent 101", "complete", "agent 101")]


