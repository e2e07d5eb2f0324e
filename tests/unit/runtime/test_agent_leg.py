"""An offer's life against a switch of paper: every race that the guards are there for, with a clock that the test moves."""

from __future__ import annotations

import gevent
import pytest

from ivrengine.acd.decisions import Offer
from ivrengine.domain.legs import LegAnswered, LegBridged, LegDigit, LegGone, LegPlayed, LegRinging, LegUnbridged
from ivrengine.esl.errors import SwitchUnavailable
from ivrengine.runtime import agent_leg
from ivrengine.runtime.agent_leg import AgentLeg, LegPlan

OFFER = Offer("i1/1", "i1", "1001", "8001", "sales", 3, 20.0)


class PaperLegs:
    """Writes down what it is asked to do."""

    def __init__(self) -> None:
        self.asked: list[tuple] = []
        self.bridges = True
        self.down = False

    def _ask(self, *what) -> None:
        if self.down:
            raise SwitchUnavailable
        self.asked.append(what)

    def originate(self, leg_id, kind, number, ring_seconds, **options) -> None:
        self._ask("originate", kind, number, ring_seconds)

    def kill(self, leg_id) -> None:
        self._ask("kill")

    def play(self, leg_id, token, paths) -> None:
        self._ask("play", tuple(paths))

    def stop_playing(self, leg_id) -> None:
        self._ask("stop_playing")

    def bridge(self, call_id, leg_id) -> bool:
        self._ask("bridge", call_id)
        return self.bridges


class Told(list):
    """LegOutcomes that keeps what it is told; ``when`` may act on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.when: dict = {}

    def __getattr__(self, name):
        if name not in ("rang", "answered", "bridging", "bridged", "failed", "talk_ended"):
            raise AttributeError(name)

        def tell(attempt_id, *more):
            assert attempt_id == OFFER.attempt_id
            self.append((name, *more) if more else name)
            self.when.get(name, lambda: None)()

        return tell


class World:
    def __init__(self, **plan) -> None:
        self.now = 1000.0
        self.legs = PaperLegs()
        self.told = Told()
        self.alarms: list[str] = []
        self.leg = AgentLeg(
            OFFER, "call", self.legs, LegPlan(**plan), self.told, clock=lambda: self.now,
            alarm=lambda code, sentence: self.alarms.append(code),
        )  # fmt: skip
        self.leg.start()
        self.settle()

    def settle(self) -> None:
        gevent.sleep(0)
        gevent.sleep(0)

    def happens(self, *events) -> World:
        for event in events:
            self.leg.leg_event(event)
        self.settle()
        return self

    def later(self, seconds: float) -> World:
        """Time passes, and the leg looks at its clock."""
        self.now += seconds
        if self.leg._deadline <= self.now:
            self.leg._guarded(self.leg.overdue)
        self.settle()
        return self

    def ready(self) -> World:
        self.leg.caller_ready()
        self.settle()
        return self

    def cancel(self, why="withdrawn") -> World:
        self.leg.cancel(why)
        self.settle()
        return self

    def talking(self) -> World:
        self.happens(LegRinging(), LegAnswered())
        return self.ready().happens(LegBridged("call"))

    @property
    def did(self) -> list[str]:
        return [what[0] for what in self.legs.asked]


def test_the_plain_way():
    world = World().talking()
    world.later(7.5).happens(LegGone("hung_up"))
    assert world.told == ["rang", "answered", "bridging", "bridged", ("talk_ended", 7500)]
    assert world.legs.asked == [("originate", "extension", "8001", 20.0), ("bridge", "call")]


def test_the_whisper_comes_first_and_the_caller_may_be_ready_meanwhile():
    world = World(whisper=["w.wav"]).happens(LegAnswered()).ready()
    assert world.did == ["originate", "play"]
    world.happens(LegPlayed("i1/1/whisper", "played"))
    assert world.did == ["originate", "play", "bridge"]


def test_the_accept_key_is_waited_for_and_cuts_the_whisper():
    world = World(whisper=["w.wav"], accept_key="1").ready().happens(LegAnswered(), LegDigit("5"))
    assert world.did == ["originate", "play"]
    world.happens(LegDigit("1"))
    assert world.did == ["originate", "play", "stop_playing", "bridge"]
    world.happens(LegPlayed("i1/1/whisper", "stopped"), LegDigit("1"))
    assert world.did.count("bridge") == 1


def test_nobody_presses_the_accept_key():
    world = World(accept_key="1", accept_seconds=10).happens(LegAnswered()).ready().later(10)
    assert world.did == ["originate", "kill"]
    assert world.told == ["answered"]
    assert world.happens(LegGone("hung_up")).told == ["answered", ("failed", "no_answer")]


@pytest.mark.parametrize("why", ["no_answer", "rejected", "busy", "unregistered", "failed"])
def test_a_phone_that_is_never_answered(why):
    assert World().happens(LegGone(why)).told == [("failed", why)]


@pytest.mark.parametrize("before", [[], [LegRinging()], [LegRinging(), LegAnswered()]])
def test_an_offer_called_off_ends_only_when_the_leg_is_gone(before):
    world = World().happens(*before).cancel("caller_gone")
    assert world.did[-1] == "kill"
    assert ("failed", "caller_gone") not in world.told
    world.happens(LegGone("withdrawn"))
    assert world.told[-1] == ("failed", "caller_gone")


def test_called_off_before_it_was_dialled_dials_nothing():
    world = World.__new__(World)
    world.now, world.legs, world.told = 0.0, PaperLegs(), Told()
    leg = AgentLeg(OFFER, "call", world.legs, LegPlan(), world.told, clock=lambda: 0.0)
    leg.cancel()
    leg.start().join(timeout=2)
    assert world.legs.asked == []
    assert world.told == [("failed", "withdrawn")]


def test_an_answer_that_comes_after_the_offer_was_called_off_is_not_told():
    world = World().cancel().happens(LegRinging(), LegAnswered(), LegGone("withdrawn"))
    assert "answered" not in world.told
    assert world.told[-1] == ("failed", "withdrawn")


def test_called_off_by_its_own_telling():
    """Ring-all: the dispatcher cancels this offer while it is told that the bridge is being asked for."""
    world = World()
    world.told.when["bridging"] = world.leg.cancel
    world.happens(LegAnswered()).ready()
    assert "bridge" not in world.did
    assert world.did[-1] == "kill"


def test_the_caller_dies_while_the_bridge_is_made():
    world = World().happens(LegAnswered()).ready()
    world.leg.caller_gone()
    world.settle()
    assert world.did[-1] == "kill"
    assert world.happens(LegGone("hung_up")).told[-1] == ("failed", "caller_gone")


def test_the_agent_hangs_up_while_the_bridge_is_made():
    world = World().happens(LegAnswered()).ready().happens(LegGone("hung_up"))
    assert world.told == ["answered", "bridging", ("failed", "rejected")]


def test_a_bridge_that_is_refused_because_the_caller_has_gone_costs_the_agent_nothing():
    world = World()
    world.legs.bridges = False
    world.happens(LegAnswered()).ready()
    world.leg.caller_gone()
    assert world.happens(LegGone("hung_up")).told[-1] == ("failed", "caller_gone")


def test_a_bridge_that_is_never_confirmed():
    world = World().happens(LegAnswered()).ready().later(agent_leg.BRIDGE_CONFIRM_SECONDS)
    assert world.did[-1] == "kill"
    assert world.happens(LegGone("hung_up")).told[-1] == ("failed", "failed")


def test_a_bridge_that_is_confirmed_after_it_was_given_up_is_no_talk():
    world = World().happens(LegAnswered()).ready().later(agent_leg.BRIDGE_CONFIRM_SECONDS)
    assert world.happens(LegBridged("call"), LegGone("hung_up")).told[-1] == ("failed", "failed")
    assert "bridged" not in world.told


def test_a_bridge_that_the_switch_refuses():
    world = World()
    world.legs.bridges = False
    world.happens(LegAnswered()).ready()
    assert world.did == ["originate", "bridge", "kill"]
    assert world.happens(LegGone("hung_up")).told[-1] == ("failed", "failed")


def test_a_caller_who_is_never_ready():
    world = World().happens(LegAnswered()).later(agent_leg.CALLER_READY_SECONDS)
    assert world.did[-1] == "kill"
    assert world.happens(LegGone("hung_up")).told[-1] == ("failed", "failed")


def test_a_whisper_that_never_ends_is_cut():
    world = World(whisper=["w.wav"]).happens(LegAnswered()).ready().later(agent_leg.WHISPER_SECONDS)
    assert world.did == ["originate", "play", "stop_playing", "bridge"]


def test_a_leg_that_never_ends_is_declared_gone_with_an_alarm():
    world = World().cancel()
    world.later(agent_leg.LAST_RESORT_SECONDS)
    assert world.told == [("failed", "withdrawn")]
    assert world.alarms == ["leg_never_ended"]
    world.happens(LegGone("withdrawn"))
    assert world.told == [("failed", "withdrawn")]


def test_events_that_come_twice_are_told_once():
    world = World().happens(LegRinging(), LegRinging(), LegAnswered(), LegAnswered()).ready().ready()
    world.happens(LegBridged("call"), LegBridged("call"), LegGone("hung_up"), LegGone("hung_up"))
    assert world.told == ["rang", "answered", "bridging", "bridged", ("talk_ended", 0)]


def test_a_caller_who_hangs_up_during_a_consultation_leaves_the_agent_to_the_colleague():
    world = World().talking().happens(LegUnbridged("call"), LegBridged("colleague"))
    world.leg.caller_gone()
    world.settle()
    assert "kill" not in world.did
    assert world.happens(LegGone("hung_up")).told[-1] == ("talk_ended", 0)


def test_a_caller_who_hangs_up_while_on_hold_takes_the_leg_along():
    world = World().talking().happens(LegUnbridged("call"))
    world.leg.caller_gone()
    world.settle()
    assert world.did[-1] == "kill"


def test_a_switch_that_is_not_there():
    world = World.__new__(World)
    world.legs, world.told = PaperLegs(), Told()
    world.legs.down = True
    AgentLeg(OFFER, "call", world.legs, LegPlan(), world.told, clock=lambda: 0.0).start().join(timeout=2)
    assert world.told == [("failed", "failed")]


def test_a_switch_that_is_lost_before_the_bridge():
    world = World().happens(LegAnswered())
    world.legs.down = True
    world.ready()
    world.legs.down = False
    assert world.told == ["answered", "bridging"]
    assert world.happens(LegGone("failed")).told[-1] == ("failed", "failed")


def test_a_talk_found_after_a_restart():
    world = World.__new__(World)
    world.legs, world.told = PaperLegs(), Told()
    leg = AgentLeg(OFFER, "call", world.legs, LegPlan(), world.told, clock=lambda: 50.0)
    greenlet = leg.adopt("old-leg", 20.0)
    leg.leg_event(LegGone("hung_up"))
    greenlet.join(timeout=2)
    assert leg.leg_id == "old-leg"
    assert world.told == [("talk_ended", 20000)]


def test_a_phone_that_floods_keys_costs_nothing():
    world = World(accept_key="1").happens(LegAnswered())
    for _ in range(agent_leg.INBOX_LIMIT * 2):
        world.leg.leg_event(LegDigit("5"))
    world.settle()
    assert world.happens(LegGone("hung_up")).told[-1] == ("failed", "rejected")
