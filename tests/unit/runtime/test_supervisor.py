"""Supervisors' verbs: who may, whose phone rings, what becomes of agents and callers, and the row of each."""

from __future__ import annotations

from pathlib import Path

import gevent
import pytest
from paper_floor import Floor, make_desk, opened, settle

from ivrengine.acd.happenings import Queued, TalkEnded
from ivrengine.domain.legs import LegAnswered, LegGone
from ivrengine.runtime.outcome import Who
from ivrengine.runtime.side_legs import SideLegs
from ivrengine.runtime.supervisor import LISTENERS_LIMIT, Supervisor

CONSOLE = Who("root")
BOSS = Who("agent 103", "103")
OTHER = Who("agent 102", "102")


class House(Floor):
    """101 talks; 103 is the supervisor."""

    def __init__(self, store) -> None:
        super().__init__(store)
        self.hung_up: list[str] = []
        self.desk = make_desk(self)
        for agent_id, phone in (("101", "8001"), ("102", "8002"), ("103", "8003")):
            self.desk.log_in(agent_id, phone, CONSOLE)
        self.desk.ready("101", CONSOLE)
        self.wait_in()
        self.talk = self.connect("101")
        sides = SideLegs(self.legs, self, self, self.crew)
        self.supervisor = Supervisor(
            self, self.desk, self.legs, sides, store, lambda: self.site, self.hung_up.append, self.crew, self.clock
        )

    def do(self, verb: str, who: Who = CONSOLE, **arguments: str):
        outcome = self.supervisor.do(verb, arguments, who)
        gevent.sleep(0.01)
        return outcome

    def happens(self, number: str, *events) -> str:
        leg_id = self.leg(number, *events)
        gevent.sleep(0.01)
        return leg_id


@pytest.fixture
def house(tmp_path: Path):
    with opened(tmp_path) as store:
        yield House(store)


@pytest.mark.parametrize("mode", ["listen", "whisper", "barge"])
def test_the_supervisors_phone_rings_first_and_then_hears(house, mode) -> None:
    assert house.do(mode, BOSS, agent="101", phone="8009").ok
    assert ("originate", "extension", "8009") in house.legs.asked
    leg_id = house.happens("8009", LegAnswered())
    assert house.legs.asked[-1] == ("eavesdrop", leg_id, house.talk.leg_id, mode)


def test_listening_ends_with_the_talk(house) -> None:
    house.do("listen", agent="101", phone="8009")
    leg_id = house.happens("8009", LegAnswered())
    house.talk.over = True
    house.supervisor.talk_over(house.talk)
    gevent.sleep(0.01)
    assert ("kill", leg_id) in house.legs.asked
    house.happens("8009", LegGone("hung_up"))


def test_who_answers_after_the_talk_hears_nothing(house) -> None:
    house.do("listen", agent="101", phone="8009")
    house.talk.over = True
    leg_id = house.happens("8009", LegAnswered())
    assert ("kill", leg_id) in house.legs.asked
    assert not [what for what in house.legs.asked if what[0] == "eavesdrop"]


def test_only_so_many_listen_to_one_talk(house) -> None:
    for number in range(LISTENERS_LIMIT):
        assert house.do("listen", agent="101", phone=f"81{number:02}").ok
    assert not house.do("listen", agent="101", phone="8199").ok
    house.happens("8100", LegGone("no_answer"))
    assert house.do("listen", agent="101", phone="8199").ok


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("listen", {"agent": "101", "phone": "8009"}), ("take_over", {"agent": "101", "by": "102"}),
        ("disconnect", {"agent": "101"}), ("force_log_out", {"agent": "101"}), ("allow_break", {"agent": "101"}),
        ("move", {"item": "x", "queue": "support"}), ("raise", {"item": "x", "seconds": "60"}), ("pick_up", {"item": "x"}),
    ],
)  # fmt: skip
def test_who_is_no_supervisor_may_nothing_and_it_is_written_down(house, verb, arguments) -> None:
    outcome = house.do(verb, OTHER, **arguments)
    assert (outcome.ok, outcome.code) == (False, "not_allowed")
    assert house.legs.asked == [] and house.hung_up == [] and house.requeued == []
    settle(house.store)
    assert house.store.audit.recent(who="agent 102")[0].after == "refused: not a supervisor"


def test_an_unknown_agent_is_no_supervisor(house) -> None:
    assert not house.do("disconnect", Who("agent 999", "999"), agent="101").ok


def test_disconnecting_ends_the_callers_call(house) -> None:
    assert house.do("disconnect", BOSS, agent="101").ok
    assert house.hung_up == [house.talk.call_id]


def test_taking_over_gives_the_caller_to_the_taker_when_the_old_leg_is_gone(house) -> None:
    house.desk.ready("103", CONSOLE)
    assert house.do("take_over", BOSS, agent="101").ok
    assert house.requeued == [(house.talk.call_id, "sales", ("101",), "103")]
    house.feed(TalkEnded(house.talk.attempt_id))
    house.supervisor.talk_over(house.talk)
    house.feed(Queued(f"{house.talk.token}+1", "sales", house.now))  # as the director does right after its hooks
    gevent.sleep(0.01)
    assert house.dispatcher.agent("103").item_id == f"{house.talk.token}+1"


@pytest.mark.parametrize("by", ["101", "999", "", "102x"])
def test_nobody_takes_over_who_can_not(house, by) -> None:
    assert not house.do("take_over", CONSOLE, agent="101", by=by).ok
    assert house.requeued == []


def test_states_are_forced(house) -> None:
    assert house.do("force_ready", agent="102").ok
    assert house.dispatcher.agent("102").intent == "READY"
    assert house.do("force_break", agent="102", reason="lunch").ok, "whose word it needs has given it"
    assert house.dispatcher.agent("102").reason == "lunch"
    assert house.do("force_log_out", agent="102").ok
    assert house.dispatcher.agent("102").intent == "LOGGED_OUT"


def test_breaks_are_allowed_and_refused(house) -> None:
    own = Who("agent 102", "102")
    assert not house.do("allow_break", BOSS, agent="102").ok, "nobody has asked"
    house.desk.take_break("102", "lunch", own)
    house.do("refuse_break", BOSS, agent="102")
    assert house.dispatcher.agent("102").break_asked == ""
    assert house.dispatcher.agent("102").reason == ""
    house.desk.take_break("102", "lunch", own)
    assert house.do("allow_break", BOSS, agent="102").ok
    assert house.dispatcher.agent("102").reason == "lunch"


def test_waiting_callers_are_moved_raised_and_handed_out(house) -> None:
    first, second = house.wait_in(), house.wait_in()
    assert house.do("raise", item=second, seconds="60").ok
    assert [item.item_id for item in house.dispatcher.items("sales")] == [second, first]
    assert house.do("move", item=first, queue="support").ok
    assert [item.item_id for item in house.dispatcher.items("support")] == [first]
    house.desk.ready("102", CONSOLE)
    assert house.dispatcher.agent("102").item_id == second
    assert house.do("pick_up", item=first, agent="103").ok
    house.desk.ready("103", CONSOLE)
    assert house.dispatcher.agent("103").item_id == first


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("move", {"item": "nobody", "queue": "support"}), ("move", {"item": "", "queue": "support"}),
        ("move", {"item": "call-2", "queue": "nowhere"}), ("raise", {"item": "call-2", "seconds": "-5"}),
        ("raise", {"item": "call-2", "seconds": "1e9"}), ("pick_up", {"item": "call-2", "agent": "999"}),
        ("listen", {"agent": "102", "phone": "8009"}), ("listen", {"agent": "101", "phone": "8001"}),
        ("listen", {"agent": "101", "phone": "x"}), ("disconnect", {"agent": "102"}), ("fly", {}),
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused_with_a_sentence(house, verb, arguments) -> None:
    house.wait_in()
    before = house.dispatcher.snapshot()
    outcome = house.do(verb, CONSOLE, **arguments)
    assert not outcome.ok and outcome.sentence
    assert house.dispatcher.snapshot() == before


def test_every_verb_leaves_one_row_with_what_was_said(house) -> None:
    house.do("disconnect", BOSS, agent="101")
    settle(house.store)
    rows = house.store.audit.recent(who="agent 103")
    assert [(row.verb, row.target) for row in rows] == [("supervise disconnect", "101")]
    assert "is ended" in rows[0].after
