"""The director against doubles of the switch, the database and the sessions: who is told what, in which order."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from ivrengine.acd.decisions import ItemEnded
from ivrengine.acd.dispatcher import Dispatcher
from ivrengine.acd.happenings import BecameNotReady, BecameReady, LoggedIn, Opened, WrapUpDone, WrapUpExtended
from ivrengine.acd.rules import AgentRules, Membership, QueueRules
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import Enqueue, TurnedAway
from ivrengine.domain.events import AgentFound, AgentLost, QueueEnded, Requeued, TalkBegan, TalkPaused
from ivrengine.domain.legs import LegBridged, LegGone, LegHeld, LegState, LegUnbridged
from ivrengine.runtime.director import Director
from ivrengine.runtime.greenlets import Crew
from ivrengine.runtime.queue_records import AfterTalk
from ivrengine.runtime.reconciler import Reconciler
from ivrengine.runtime.site_rules import SiteRules
from ivrengine.site.records import Agent, Site

CALL = CallInfo("call-1", "100", "13800138000", "Li")


class Paper:
    """Takes every call and writes it down."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.lines.append((name, *args))

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [line[1:] for line in self.lines if line[0] == name]


class Records(Paper):
    def talked(self, talk: Any, now: float) -> AfterTalk:
        talk.change_work("OVER", now)
        self.lines.append(("talked", talk.item_id, talk.hold_seconds))
        return AfterTalk(talk.item_id, talk.queue, talk.attempt_id, now, now - talk.since)


class Legs(Paper):
    bridges = True

    def bridge(self, call_id: str, leg_id: str) -> bool:
        self.lines.append(("bridge", call_id, leg_id))
        return self.bridges


class OfferLeg(Paper):
    """An offer's leg that does nothing by itself."""

    def __init__(self, offer: Any, caller: str) -> None:
        super().__init__()
        self.offer = offer
        self.caller = caller
        self.leg_id = f"leg of {offer.attempt_id}"


class Bench:
    def __init__(self, agents: int = 1, **rules: Any) -> None:
        self.now = 1000.0
        self.told: list[tuple[str, Any]] = []
        self.with_somebody: list[tuple[str, bool]] = []
        self.alarms: list[str] = []
        self.offered: list[OfferLeg] = []
        self.failing = False
        self.last_agent: str | None = None
        self.legs, self.records, self.recordings = Legs(), Records(), Paper()
        self.site = SiteRules(None, lambda told: self.director.feed(told), self._alarm)  # type: ignore[arg-type]
        self.director = Director(
            Dispatcher(), self.legs, self._make_leg, self.site, self.records, self.recordings, self._ask_database, lambda phone: True,
            Crew(), lambda: self.now, lambda call_id, event: self.told.append((call_id, event)),
            lambda call_id, on: self.with_somebody.append((call_id, on)), self._alarm,
        )  # type: ignore[arg-type] # fmt: skip
        queue = QueueRules("news", **{"when_empty": "wait", "wrap_up_most_seconds": 5.0, "short_abandon_seconds": 0.0, **rules})
        numbers = [str(101 + number) for number in range(agents)]
        seats = {"news": Membership(), "sport": Membership()}
        people = tuple(Agent(AgentRules(number, f"Agent {number}", queues=seats), greeting_path="/hello.wav") for number in numbers)
        self.site.use(Site(queues=(queue, QueueRules("sport", when_empty="wait")), agents=people))
        self.director.feed(Opened())
        for number in numbers:
            self.director.feed(LoggedIn(number, f"8{number}"))

    def _alarm(self, alarm: Any) -> None:
        self.alarms.append(alarm.code)

    def _ask_database(self, number: str) -> str | None:
        gevent.sleep(0)
        return self.last_agent

    def _make_leg(self, offer: Any, waiting: Any, director: Any) -> Any:
        if self.failing:
            raise RuntimeError("a bug")
        leg = OfferLeg(offer, waiting.call_id)
        self.offered.append(leg)
        return leg

    def ready(self, *agents: str) -> None:
        for agent_id in agents or ("101",):
            self.director.feed(BecameReady(agent_id))

    def enqueue(self, call: CallInfo = CALL, **wanted: Any) -> str:
        token = f"{call.call_id}:1"
        self.director.enqueue(call, Enqueue(token, **{"queue": "news", **wanted}))
        return token

    def answer(self, leg: OfferLeg | None = None) -> OfferLeg:
        leg = leg or self.offered[-1]
        self.director.rang(leg.offer.attempt_id)
        self.director.answered(leg.offer.attempt_id)
        return leg

    def connect(self, leg: OfferLeg | None = None) -> OfferLeg:
        leg = self.answer(leg)
        self.director.bridging(leg.offer.attempt_id)
        self.director.leg_event(leg.leg_id, LegBridged(leg.caller))
        self.director.bridged(leg.offer.attempt_id)
        return leg

    def end(self, leg: OfferLeg, talk_ms: int = 3000) -> None:
        self.director.leg_event(leg.leg_id, LegGone("hung_up"))
        self.director.talk_ended(leg.offer.attempt_id, talk_ms)

    def events(self, call_id: str = "call-1") -> list[Any]:
        return [event for told_to, event in self.told if told_to == call_id]

    def works(self, agent_id: str = "101") -> str:
        view = self.director.dispatcher.agent(agent_id)
        return view.work if view is not None else ""


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_from_enqueue_to_the_end_of_the_talk(bench: Bench) -> None:
    token = bench.enqueue()
    bench.ready()
    leg = bench.answer()
    assert bench.events() == [AgentFound(token, "101", "Agent 101", "/hello.wav")]
    bench.director.ready_to_talk("call-1", token)
    assert leg.of("caller_ready")
    bench.director.bridging(leg.offer.attempt_id)
    assert bench.with_somebody == [("call-1", True)], "the dead-man's switch is off before the bridge is asked for"
    bench.director.leg_event(leg.leg_id, LegBridged("call-1"))
    bench.director.bridged(leg.offer.attempt_id)
    assert bench.events()[-1] == TalkBegan(token, "101")
    assert [talk.agent_id for talk in bench.director.talks] == ["101"]
    assert len(bench.recordings.of("begin")) == 1
    bench.end(leg)
    assert bench.events()[-1] == QueueEnded(token, "answered", "101", 3000)
    assert bench.with_somebody[-1] == ("call-1", False)
    assert bench.works() == "WRAP_UP"
    assert not list(bench.director.room)
    assert not bench.director.offers


def test_rows_are_written_before_what_they_speak_of(bench: Bench) -> None:
    bench.ready()
    bench.enqueue()
    names = [line[0] for line in bench.records.lines]
    assert names.index("queued") < names.index("offered")
    assert bench.offered[0].lines[0][0] == "start"


def test_a_step_that_asks_again_is_told_how_things_stand(bench: Bench) -> None:
    token = bench.enqueue()
    bench.enqueue()
    assert bench.events() == [AgentLost(token)]
    bench.ready()
    leg = bench.connect()
    bench.enqueue()
    assert bench.events()[-1] == TalkBegan(token, "101")
    bench.end(leg)
    bench.enqueue()
    assert bench.events()[-2:] == [QueueEnded(token, "answered", "101", 3000)] * 2
    assert len(bench.records.of("queued")) == 1


def test_an_unknown_queue_ends_at_once(bench: Bench) -> None:
    token = bench.enqueue(queue="none")
    assert bench.events() == [QueueEnded(token, "failed", detail="there is no queue none")]


def test_a_key_before_the_talk_wins_over_the_agent(bench: Bench) -> None:
    bench.ready()
    token = bench.enqueue()
    leg = bench.answer()
    bench.director.leave("call-1", token, "exit_key")
    assert leg.of("cancel")
    assert bench.events()[-1] == QueueEnded(token, "exit_key")
    bench.director.failed(leg.offer.attempt_id, "withdrawn")
    assert bench.works() == "IDLE"


def test_a_key_in_the_talk_changes_nothing(bench: Bench) -> None:
    bench.ready()
    token = bench.enqueue()
    leg = bench.connect()
    bench.director.leave("call-1", token, "exit_key")
    assert not leg.of("caller_gone")
    assert bench.events()[-1] == TalkBegan(token, "101")


def test_leaving_what_is_over_is_answered(bench: Bench) -> None:
    bench.director.leave("call-1", "call-1:9", "exit_key")
    assert bench.events() == [QueueEnded("call-1:9", "exit_key")]


def test_an_agent_who_is_lost_again_leaves_the_caller_in_line(bench: Bench) -> None:
    bench.ready()
    token = bench.enqueue()
    leg = bench.answer()
    bench.director.failed(leg.offer.attempt_id, "rejected")
    assert bench.events()[-1] == AgentLost(token)
    assert bench.director.dispatcher.position(token) == 1
    assert bench.with_somebody[-1] == ("call-1", False)


def test_an_offer_that_fails_unanswered_is_not_told(bench: Bench) -> None:
    bench.ready()
    bench.enqueue()
    bench.director.failed(bench.offered[0].offer.attempt_id, "busy")
    assert bench.events() == []


def test_a_decision_that_can_not_be_performed_costs_no_other(bench: Bench) -> None:
    bench.failing = True
    bench.ready()
    token = bench.enqueue()
    assert bench.alarms == ["director_failed"]
    assert bench.works() == "IDLE"
    assert bench.director.dispatcher.position(token) == 1


def test_of_a_ring_all_only_the_winner_is_told() -> None:
    bench = Bench(3, strategy="ring_all")
    bench.ready("101", "102", "103")
    bench.enqueue()
    assert len(bench.offered) == 3
    bench.answer(bench.offered[1])
    bench.answer(bench.offered[2])
    assert [event.agent for event in bench.events()] == [bench.offered[1].offer.agent_id]
    assert bench.offered[0].of("cancel")
    assert bench.offered[2].of("cancel")


def test_the_last_agent_is_asked_first() -> None:
    bench = Bench(2)
    bench.ready("101", "102")
    bench.last_agent = "102"
    bench.enqueue(sticky_agent="last", sticky_seconds=10.0)
    assert not bench.offered
    gevent.sleep(0.01)
    assert [leg.offer.agent_id for leg in bench.offered] == ["102"]


def test_who_leaves_while_the_last_agent_is_looked_up_never_waits(bench: Bench) -> None:
    bench.ready()
    token = bench.enqueue(sticky_agent="last", sticky_seconds=10.0)
    bench.director.leave("call-1", token, "exit_key")
    gevent.sleep(0.01)
    assert bench.events() == [QueueEnded(token, "exit_key")]
    assert not bench.offered
    assert not bench.records.of("queued")


def test_a_caller_who_hangs_up_ends_waiting_offers_and_talks() -> None:
    bench = Bench(2)
    bench.ready("101")
    bench.enqueue()
    talking = bench.connect()
    other = CallInfo("call-2", "100", "139")
    bench.ready("102")
    bench.enqueue(other)
    ringing = bench.offered[-1]
    bench.director.call_ended("call-1")
    bench.director.call_ended("call-2")
    assert talking.of("caller_gone")
    assert ringing.of("cancel")
    bench.end(talking)
    assert bench.works("101") == "WRAP_UP"
    assert len(bench.director.room) == 0


def test_a_phone_on_hold_counts_as_hold(bench: Bench) -> None:
    bench.ready()
    bench.enqueue()
    leg = bench.connect()
    bench.director.leg_event(leg.leg_id, LegHeld(True))
    assert bench.works() == "HOLD"
    bench.now += 20.0
    bench.director.leg_event(leg.leg_id, LegHeld(False))
    assert bench.works() == "TALKING"
    bench.end(leg)
    assert bench.records.of("talked") == [("call-1:1", 20.0)]


def test_consulting_parts_and_joins_again(bench: Bench) -> None:
    bench.ready()
    token = bench.enqueue()
    leg = bench.connect()
    talk = bench.director.talk_of("101")
    assert talk is not None
    bench.director.release_leg(talk)
    assert bench.events()[-1] == TalkBegan(token, "101"), "music begins when they are parted, not before"
    bench.director.leg_event(leg.leg_id, LegUnbridged("call-1"))
    assert bench.events()[-1] == TalkPaused(token)
    assert bench.with_somebody[-1] == ("call-1", False)
    bench.director.rejoin(talk)
    assert bench.legs.of("bridge") == [("call-1", leg.leg_id)]
    assert bench.events()[-1] == TalkBegan(token, "101")
    bench.director.leg_event(leg.leg_id, LegBridged("call-1"))
    assert talk.caller_there


def test_a_bridge_that_is_refused_leaves_the_caller_with_music(bench: Bench) -> None:
    bench.ready()
    token = bench.enqueue()
    leg = bench.connect()
    bench.director.leg_event(leg.leg_id, LegUnbridged("call-1"))
    bench.legs.bridges = False
    talk = bench.director.talk_of("101")
    assert talk is not None
    bench.director.rejoin(talk)
    assert bench.events()[-1] == TalkPaused(token)


def test_a_caller_passed_on_to_a_queue_enters_it_when_the_old_leg_is_gone(bench: Bench) -> None:
    bench.ready()
    token = bench.enqueue()
    leg = bench.connect()
    talk = bench.director.talk_of("101")
    assert talk is not None
    item_id = bench.director.requeue(talk, "sport", excluded=("101",))
    assert item_id == f"{token}+1"
    assert bench.records.of("queued")[-1][1].item_id == item_id, "the row is there before the leg is taken down"
    assert bench.legs.of("kill") == [(leg.leg_id,)]
    assert bench.director.dispatcher.position(item_id) is None
    bench.end(leg)
    assert bench.events()[-1] == Requeued(token, "sport")
    assert bench.director.dispatcher.position(item_id) == 1
    assert bench.director.item_of_call("call-1") == item_id


def test_who_hangs_up_while_being_passed_on_is_abandoned_there(bench: Bench) -> None:
    bench.ready()
    bench.enqueue()
    leg = bench.connect()
    talk = bench.director.talk_of("101")
    assert talk is not None
    item_id = bench.director.requeue(talk, "sport")
    bench.director.call_ended("call-1")
    bench.end(leg)
    ended = [line[0] for line in bench.records.of("item_ended")]
    assert [(each.item_id, each.terminal) for each in ended if isinstance(each, ItemEnded)][-1] == (item_id, "abandoned")
    assert bench.director.dispatcher.position(item_id) is None


def test_timers_fire(bench: Bench) -> None:
    token = bench.enqueue(max_wait_seconds=30.0)
    bench.now += 31.0
    bench.director.expire()
    assert bench.events() == [QueueEnded(token, "timeout")]


def test_a_phone_busy_with_a_call_of_its_own_is_not_rung(bench: Bench) -> None:
    bench.ready()
    bench.director.call_began(CallInfo("own", "900", "8101", phone="8101"))
    assert bench.works() == "EXTERNAL"
    bench.enqueue()
    assert not bench.offered
    bench.director.call_ended("own")
    assert len(bench.offered) == 1


def test_who_sits_down_at_a_busy_phone_is_busy() -> None:
    bench = Bench(2)
    bench.director.call_began(CallInfo("own", "900", "8999", phone="8999"))
    bench.director.feed(LoggedIn("102", "8999"))
    assert bench.works("102") == "EXTERNAL"


# -- the reconciler ----------------------------------------------------------------------------------------------------


class SwitchLegs(Paper):
    def __init__(self) -> None:
        super().__init__()
        self.there: list[LegState] = []

    def __contains__(self, leg_id: str) -> bool:
        return False

    def states(self) -> list[LegState]:
        return self.there


class Done:
    done = True


def reconciler(bench: Bench, *sessions: str) -> tuple[Reconciler, SwitchLegs]:
    legs = SwitchLegs()
    return Reconciler(bench.director, Done(), legs, set(sessions)), legs  # type: ignore[arg-type]


def test_a_leg_that_nobody_knows_is_killed_at_the_second_look(bench: Bench) -> None:
    mender, legs = reconciler(bench)
    legs.there = [LegState("stray", True, "")]
    mender.look()
    assert not legs.of("kill")
    mender.look()
    assert legs.of("kill") == [("stray",)]
    assert bench.alarms == ["reconciled"]


def test_what_was_only_just_happening_is_left_alone(bench: Bench) -> None:
    mender, legs = reconciler(bench)
    legs.there = [LegState("new", True, "")]
    mender.look()
    legs.there = []
    mender.look()
    legs.there = [LegState("new", True, "")]
    mender.look()
    assert not legs.of("kill")


def test_an_item_without_a_caller_is_ended(bench: Bench) -> None:
    token = bench.enqueue()
    mender, _ = reconciler(bench)
    mender.look()
    mender.look()
    assert bench.director.dispatcher.position(token) is None


def test_an_agent_who_is_held_by_nothing_is_freed(bench: Bench) -> None:
    bench.ready()
    bench.enqueue()
    mender, _ = reconciler(bench, "call-1")
    bench.director.offers.clear()
    mender.look()
    mender.look()
    assert bench.works() == "IDLE"


def test_caller_and_agent_who_were_parted_are_joined(bench: Bench) -> None:
    bench.ready()
    bench.enqueue()
    leg = bench.connect()
    mender, legs = reconciler(bench, "call-1")
    legs.there = [LegState(leg.leg_id, True, "")]
    bench.director.leg_event(leg.leg_id, LegUnbridged("call-1"))
    mender.look()
    mender.look()
    assert bench.legs.of("bridge") == [("call-1", leg.leg_id)]


# -- what agents were told ---------------------------------------------------------------------------------------------


def test_a_wish_for_after_the_call_is_written_and_struck_out_when_it_comes_true(bench: Bench) -> None:
    bench.ready()
    bench.enqueue()
    leg = bench.connect()
    bench.director.feed(BecameNotReady("101", "lunch"))
    assert bench.records.of("wished") == [("101", "NOT_READY", "lunch")]
    bench.end(leg)
    bench.director.feed(WrapUpDone("101"))
    assert bench.records.of("wished")[-1] == ("101", "", "")
    view = bench.director.dispatcher.agent("101")
    assert view is not None
    assert (view.intent, view.reason) == ("NOT_READY", "lunch")


def test_a_wish_of_an_earlier_process_comes_true(bench: Bench) -> None:
    bench.ready()
    bench.director.remember_wish("101", "NOT_READY", "lunch")
    view = bench.director.dispatcher.agent("101")
    assert view is not None
    assert (view.intent, view.reason) == ("NOT_READY", "lunch")
    assert bench.records.of("wished") == [("101", "", "")]


def test_a_longer_wrap_up_is_written_down(bench: Bench) -> None:
    bench.ready()
    bench.enqueue()
    bench.end(bench.connect())
    before = len(bench.records.of("agent_changed"))
    bench.director.feed(WrapUpExtended("101", 30.0))
    (_, view) = bench.records.of("agent_changed")[before]
    assert view.wrap_up_until == bench.now + 35.0


@pytest.mark.parametrize("outcome", ["refused_full", "flow_out"])
def test_who_is_turned_away_by_the_flow_is_on_record_as_a_waiting_of_no_length(bench: Bench, outcome: Any) -> None:
    bench.director.turned_away(CALL, TurnedAway("call-1:7", "news", outcome))
    ((waiting, queued),) = bench.records.of("queued")
    ((ended,),) = bench.records.of("item_ended")
    assert (waiting.number, queued.item_id, queued.queue) == (CALL.number, "call-1:7", "news")
    assert (ended.item_id, ended.terminal, ended.wait_seconds) == ("call-1:7", outcome, 0.0)
    assert bench.director.dispatcher.items() == [] and bench.director.room.of_token("call-1:7") is None
    bench.director.turned_away(CALL, TurnedAway("call-1:8", "nowhere", outcome))
    assert len(bench.records.of("queued")) == 1
