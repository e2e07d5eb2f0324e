"""The bar of an agent's telephone on the screen: what is done reaches the agent's own talk, and no other; and the seats left for breaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from paper_floor import Floor, make_desk, opened, settle

from ivrengine.domain.caller import CallInfo
from ivrengine.runtime import soft_phone
from ivrengine.runtime.breaks import away_by_team, seats
from ivrengine.runtime.destinations import Destinations
from ivrengine.runtime.outcome import Outcome, Who
from ivrengine.runtime.side_legs import SideLegs
from ivrengine.runtime.soft_phone import SoftPhone
from ivrengine.runtime.transfers import Transfers

ADMIN = Who("root")
LI, WANG = Who("user li", "101"), Who("user wang", "102")


class NoOwnCalls:
    def of_agent(self, agent_id) -> None:
        return None


class House(Floor):
    """Li, 101, sits at 8001 and is ready, Wang, 102, sits at 8002."""

    def __init__(self, store) -> None:
        super().__init__(store)
        self.masked: list[bool] = []
        self.recorded = True
        calls: dict[str, CallInfo] = {}
        sides = SideLegs(self.legs, self, self, self.crew)
        destinations = Destinations(lambda: self.site, self.dispatcher.agents, lambda number: False, self.legs.reachable)
        self.desk = make_desk(self)
        self.transfers = Transfers(
            self, self.legs, sides, destinations, store, calls.get, lambda leg: None, lambda alarm: None, self.crew, self.clock
        )
        self.bar = SoftPhone(self, self.legs, self, self.desk, self.transfers, NoOwnCalls(), store, self.clock)
        self.ringing = ""
        self.told_to_answer: list[str] = []
        self.legs.tell_to_answer = self.tell_to_answer
        self.legs.mute = lambda leg_id, on: self.legs.asked.append(("mute", leg_id, on)) or self.legs.bridges
        for agent_id, phone in (("101", "8001"), ("102", "8002")):
            self.desk.log_in(agent_id, phone, ADMIN)

    def ringing_leg(self, agent_id: str) -> str:
        return self.ringing if agent_id == "101" else ""

    def tell_to_answer(self, leg_id: str) -> str:
        self.told_to_answer.append(leg_id)
        return "Deaf Phone 1"

    def mask(self, talk, on: bool) -> bool:
        self.masked.append(on)
        return self.recorded

    def end_talk(self, talk) -> None:
        self.legs.asked.append(("end", talk.leg_id))

    def talk(self):
        self.desk.ready("101", ADMIN)
        talk = self.connect("101") if self.wait_in() else None
        self.store.segments.begin(talk.item_id, talk.call_id, talk.call_id, talk.token, "sales", "100200", 1.0)
        self.store.segments.ended(talk.item_id, "answered", 5.0, 4.0, "101", talk.attempt_id).wait()
        self.legs.asked.clear()
        return talk

    def do(self, verb: str, who: Who = LI, **arguments: str) -> Outcome:
        return self.bar.do(verb, arguments, who)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened(tmp_path) as store:
        yield House(store)


def test_the_caller_is_held_with_music_and_taken_back(house: House) -> None:
    talk = house.talk()
    assert house.do("hold").ok and talk.work == "HOLD" and house.legs.asked == [("release", talk.leg_id)]
    assert not house.do("hold").ok
    assert house.do("unhold").ok and house.legs.asked[-1] == ("rejoin", talk.leg_id)
    settle(house.store)
    assert [row.verb for row in house.store.audit.recent(who="user li")][:2] == ["unhold", "hold"]


def test_a_call_that_the_phone_itself_holds_is_taken_back_there(house: House) -> None:
    house.talk().work = "HOLD"
    outcome = house.do("unhold")
    assert (outcome.ok, outcome.code, house.legs.asked) == (False, "held_by_phone", [])


def test_the_recording_is_paused_and_goes_on(house: House) -> None:
    house.talk()
    assert house.do("pause_recording").ok and house.do("resume_recording").ok and house.masked == [True, False]
    house.recorded = False
    assert not house.do("pause_recording").ok


def test_who_is_muted_is_said_to_be_until_they_are_heard_again(house: House) -> None:
    talk = house.talk()
    assert house.do("mute").ok and talk.muted and house.legs.asked == [("mute", talk.leg_id, True)]
    assert house.do("unmute").ok and not talk.muted
    house.legs.bridges = False
    assert not house.do("mute").ok and not talk.muted, "what the switch has not done is not said to be"
    settle(house.store)
    assert [row.verb for row in house.store.audit.recent(who="user li")][:2] == ["unmute", "mute"]


def test_a_phone_that_answers_when_told_to(house: House) -> None:
    house.ringing = "leg-1"
    gevent.spawn_later(0.05, setattr, house, "ringing", "")
    assert house.do("answer").ok and house.told_to_answer == ["leg-1"] and not house.bar.is_deaf("8001")
    settle(house.store)
    assert [(row.verb, row.after) for row in house.store.audit.recent(who="user li")][:1] == [("answer", "Deaf Phone 1")]


def test_a_phone_that_can_not_be_told_is_named_and_remembered(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soft_phone, "ANSWER_SECONDS", 0.1)
    house.ringing = "leg-1"
    outcome = house.do("answer")
    assert (outcome.ok, outcome.code) == (False, "deaf") and "Deaf Phone 1" in outcome.sentence
    assert house.bar.is_deaf("8001") and not house.bar.is_deaf("8002")
    house.ringing = ""
    assert house.do("answer").sentence == "your phone does not ring" and house.told_to_answer == ["leg-1"]


def test_hanging_up_ends_the_agents_own_side(house: House) -> None:
    talk = house.talk()
    assert house.do("hang_up").ok and house.legs.asked == [("end", talk.leg_id)]


@pytest.mark.parametrize(
    "verb", ["hold", "unhold", "transfer", "consult", "complete", "three_way", "take_back", "pause_recording", "mute", "unmute", "hang_up"]
)
def test_another_agents_talk_is_out_of_reach(house: House, verb: str) -> None:
    house.talk()
    outcome = house.do(verb, WANG, number="71")
    assert (outcome.ok, outcome.code) == (False, "nothing") and house.legs.asked == [] and house.requeued == []


def test_notes_are_kept_before_the_caller_goes_to_a_colleague(house: House) -> None:
    talk = house.talk()
    assert house.do("transfer", number="102", notes="wants a refund").ok
    assert house.store.segments.get(talk.item_id).notes == "wants a refund"
    assert house.requeued == [(talk.call_id, "sales", ("101",), "102")]


def test_who_is_asked_is_brought_the_caller(house: House) -> None:
    talk = house.talk()
    assert house.do("consult", number="8002").ok
    assert house.transfers.brought_to("8002") is talk and house.transfers.consultation_of(talk).state == "RINGING"
    assert house.transfers.brought_to("8001") is None and house.transfers.brought_to("") is None
    assert house.do("take_back").ok
    assert house.transfers.brought_to("8002") is None and house.transfers.consultation_of(talk) is None


def test_a_phone_is_not_taken_away_from_who_sits_there(house: House) -> None:
    outcome = house.do("log_in", WANG, phone="8001")
    assert (outcome.ok, outcome.code) == (False, "taken") and house.desk.agent_at("8001") == "101"
    assert house.do("log_in", WANG, phone="8009").ok and house.desk.agent_at("8009") == "102"
    assert not house.do("log_in", WANG, phone="8009;x").ok


def test_a_disposition_is_for_the_call_that_the_page_shows(house: House) -> None:
    talk = house.talk()
    assert house.do("disposition", item="another", code="1").code == "nothing"
    assert house.do("disposition", WANG, item=talk.item_id, code="1").code == "nothing"
    assert house.do("disposition", item=talk.item_id, code="1", notes="sold").ok
    assert house.store.segments.get(talk.item_id).notes == "sold"
    assert not house.bar.note(talk.item_id, "mine", WANG).ok and house.bar.note(talk.item_id, "more", LI).ok


def test_what_is_no_verb_is_refused(house: House) -> None:
    house.talk()
    assert not house.do("reboot").ok


def test_seats_left_are_those_that_the_dispatcher_gives(house: House) -> None:
    def left(agent_id: str) -> int | None:
        away = away_by_team(house.site, house.dispatcher.agents())
        return seats(house.site.teams, away, house.site.agent(agent_id).rules.team, agent_id).left

    assert (left("101"), left("103")) == (1, None)
    assert house.do("break", reason="tea").ok
    assert (left("101"), left("102")) == (1, 0)
    assert not house.do("break", WANG, reason="tea").ok
    assert house.do("ready").ok and left("102") == 1
