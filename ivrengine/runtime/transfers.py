"""Passing a live caller on: to a queue, an agent, a phone, an outside number; blind, or after consulting; and three at once.

The agent is always freed by the end of their own leg, never earlier; the caller stays in the flow's step, with music, until
somebody else speaks with them, and goes back to the queue when nobody does. What the caller has told the flow stays with the call:
another segment of the same contact. Refuses destinations that nobody allowed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import gevent

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import RaiseAlarm
from ivrengine.domain.events import CallEvent, QueueEnded, TalkBegan
from ivrengine.domain.legs import LegFailure, LegReferred
from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError
from ivrengine.storage.store import Store

from .destinations import Destination, Destinations
from .greenlets import Crew
from .outcome import Outcome, Who, done, refused
from .side_legs import SideLegs, Wishes
from .talks import Talk

RING_SECONDS = 30.0  # a colleague or an outside number
PARTED_SECONDS = 2.0  # for the switch to have parted, or connected, two whom it was told to
PARTED_LOOK_SECONDS = 0.02
NOT_NOW = Sentence("that is not possible now")

log = logging.getLogger(__name__)


class TalkControl(Protocol):
    """The director, as far as live talks are passed on. These may wait for the switch."""

    def requeue(
        self, talk: Talk, queue: str, *, excluded: Sequence[str] = (), sticky_agent: str = "", keeps_age: bool = False
    ) -> str: ...

    def release_leg(self, talk: Talk) -> None: ...

    def rejoin(self, talk: Talk) -> None: ...

    def change_work(self, talk: Talk, work: Any) -> None: ...

    def tell(self, call_id: str, event: CallEvent) -> None: ...


@dataclass(slots=True, eq=False)
class Consultation:
    """The agent speaks with ``leg_id`` while the caller waits."""

    talk: Talk
    destination: Destination
    leg_id: str = ""
    state: Literal["RINGING", "TALKING", "CONFERENCE", "OVER"] = "RINGING"
    together: bool = False  # agent and colleague are connected


@dataclass(slots=True, eq=False)
class Passing:
    """The caller is on the way to, or with, somebody who is no agent of ours in this talk."""

    talk: Talk
    destination: Destination
    leg_id: str = ""
    joined_at: float = 0.0


class Transfers:
    """``call_info`` knows who calls, None when the call is over. ``keep_parked(leg_id)``: the leg stays when the other side leaves."""

    def __init__(
        self,
        director: TalkControl,
        legs: Any,
        sides: SideLegs,
        destinations: Destinations,
        store: Store,
        call_info: Callable[[str], CallInfo | None],
        keep_parked: Callable[[str], None],
        alarm: Callable[[RaiseAlarm], None],
        crew: Crew,
        clock: Callable[[], float],
    ) -> None:
        self._director = director
        self._legs = legs
        self._sides = sides
        self._destinations = destinations
        self._store = store
        self._call_info = call_info
        self._keep_parked = keep_parked
        self._alarm = alarm
        self._crew = crew
        self._clock = clock
        self._consulting: dict[str, Consultation] = {}  # by the talk's attempt
        self._passing: dict[str, Passing] = {}  # by call

    # -- verbs ---------------------------------------------------------------------------------------------------------

    def blind(self, talk: Talk, number: str, who: Who) -> Outcome:
        """Pass the caller on at once; the agent is free as soon as their phone is."""
        found = self._destinations.find(number)
        if isinstance(found, str):
            return refused(found, code="not_allowed")
        if talk.over or talk.attempt_id in self._consulting:
            return refused(NOT_NOW)
        outcome = self._pass_on(talk, found)
        if outcome.ok:
            self._audit(who, "transfer", talk, found)
        return outcome

    def consult(self, talk: Talk, number: str, who: Who) -> Outcome:
        """Ring somebody for the agent; the caller hears music meanwhile."""
        found = self._destinations.find(number)
        if isinstance(found, str):
            return refused(found, code="not_allowed")
        if found.kind == "queue":
            return refused(Sentence("a queue can't be consulted, only passed on to"), code="not_allowed")
        if talk.over or talk.attempt_id in self._consulting:
            return refused(NOT_NOW)
        consultation = Consultation(talk, found)
        self._consulting[talk.attempt_id] = consultation
        wishes = Wishes(
            answered=lambda leg_id: self._consulted_answers(consultation),
            gone=lambda leg_id, why: self._consulted_gone(consultation, why),
            bridged=lambda leg_id, other: self._consulted_joined(consultation, other),
        )
        try:
            consultation.leg_id = self._dial(talk, found, wishes, "consult")
            self._director.release_leg(talk)
            self._director.change_work(talk, "CONSULT")
        except IvrEngineError as error:
            self._drop(consultation)
            return refused(str(error))
        self._audit(who, "consult", talk, found)
        return done(Sentence("%(title)s is being rung; the caller hears music.", title=found.title))

    def complete(self, talk: Talk, who: Who) -> Outcome:
        """After consulting: the caller is connected with whom the agent has asked, and the agent is free."""
        consultation = self._consulting.get(talk.attempt_id)
        if consultation is None or consultation.state not in ("TALKING", "CONFERENCE"):
            return refused(Sentence("nobody is being consulted"))
        if consultation.state == "TALKING":
            self._give_away(consultation)
        # In a three-way talk the caller is the agent's until that leg is gone; the colleague gets them then.
        self._free_agent(talk)
        self._audit(who, "complete", talk, consultation.destination)
        return done(Sentence("The caller speaks with %(title)s.", title=consultation.destination.title))

    def take_back(self, talk: Talk, who: Who) -> Outcome:
        """End the consulting, or the three-way talk; agent and caller are alone again."""
        consultation = self._consulting.get(talk.attempt_id)
        if consultation is None:
            return refused(Sentence("nobody is being consulted"))
        state = consultation.state
        if state == "TALKING":
            self._part(consultation)
        self._drop(consultation)
        self._sides.kill(consultation.leg_id)
        if state == "CONFERENCE":
            self._director.change_work(talk, "TALKING")
        else:
            self._rejoin(talk)
        self._audit(who, "take_back", talk, consultation.destination)
        return done(Sentence("Your caller is back."))

    def three_way(self, talk: Talk, who: Who) -> Outcome:
        """After consulting: caller, agent and the one asked hear each other."""
        consultation = self._consulting.get(talk.attempt_id)
        if consultation is None or consultation.state != "TALKING":
            return refused(Sentence("nobody is being consulted"))
        consultation.state = "CONFERENCE"
        self._part(consultation)
        self._rejoin(talk)
        self._until(lambda: talk.caller_there)
        self._legs.three_way(consultation.leg_id, talk.leg_id)
        self._director.change_work(talk, "CONFERENCE")
        self._audit(who, "three_way", talk, consultation.destination)
        return done(Sentence("All three are connected."))

    # -- who has whom --------------------------------------------------------------------------------------------------

    def consultation_of(self, talk: Talk) -> Consultation | None:
        return self._consulting.get(talk.attempt_id)

    def brought_to(self, phone: str) -> Talk | None:
        """The talk about whose caller somebody at this phone is being asked, or whose caller was given to them."""
        if not phone:
            return None
        for each in (*self._consulting.values(), *self._passing.values()):
            if each.leg_id and self._destinations.phone_of(each.destination) == phone:
                return each.talk
        return None

    # -- what the phone does by itself ---------------------------------------------------------------------------------

    def referred(self, talk: Talk, event: LegReferred) -> None:
        """The phone has transferred the caller by SIP REFER. Blind: the caller is parked already, and the agent's leg is ending;
        attended: the switch has connected the caller with a channel that is not ours; ringing: it will, when somebody answers there."""
        talk.passed_on = True
        who = Who(f"agent {talk.agent_id}", talk.agent_id)
        if event.kind != "blind":
            colleague = Destination("extension", "", "a colleague")
            passing = Passing(talk, colleague, event.with_channel, self._clock() if event.kind == "attended" else 0.0)
            self._passing[talk.call_id] = passing
            self._director.tell(talk.call_id, TalkBegan(talk.token, talk.agent_id))
            wishes = Wishes(
                answered=lambda leg_id: None,
                gone=lambda leg_id, why: self._passed_gone(passing, why),
                bridged=lambda leg_id, other: self._passed_joined(passing, other),
            )
            self._sides.follow(event.with_channel, wishes)
            self._audit(who, "transfer", talk, colleague)
            return
        found = self._destinations.find(event.target)
        outcome = refused(found) if isinstance(found, str) else self._pass_on(talk, found)
        if outcome.ok and isinstance(found, Destination):
            self._audit(who, "transfer", talk, found)
            return
        sentence = Sentence("a phone's transfer was refused, so the caller waits again: %(sentence)s", sentence=outcome.sentence)
        self._alarm(RaiseAlarm("transfer_refused", sentence, f"agent {talk.agent_id}"))
        self._back_to_queue(talk)

    # -- ends ----------------------------------------------------------------------------------------------------------

    def talk_over(self, talk: Talk) -> None:
        """The agent's leg is gone; must not wait. Who hung up while a colleague was with them has handed the caller over."""
        consultation = self._consulting.get(talk.attempt_id)
        if consultation is not None:
            self._crew.spawn(self._agent_left, consultation)

    def _agent_left(self, consultation: Consultation) -> None:
        talk = consultation.talk
        if self._consulting.get(talk.attempt_id) is not consultation:
            return
        if consultation.state in ("TALKING", "CONFERENCE") and self._call_info(talk.call_id) is not None:
            self._give_away(consultation)
            return
        self._drop(consultation)
        self._sides.kill(consultation.leg_id)
        if self._call_info(talk.call_id) is not None:
            self._director.tell(talk.call_id, QueueEnded(talk.token, "answered", talk.agent_id))

    def has(self, call_id: str) -> bool:
        """Whether the caller is on the way to somebody else, or with them, or an agent asks somebody about them."""
        return call_id in self._passing or any(each.talk.call_id == call_id for each in self._consulting.values())

    def hands_over(self, talk: Talk) -> bool:
        """Whether the caller stays in the step although the agent's leg is gone: somebody else has them, or may."""
        return talk.attempt_id in self._consulting

    def call_over(self, call_id: str) -> None:
        """The caller is gone: nobody needs to be rung for them any more. Must not wait."""
        passing = self._passing.pop(call_id, None)
        if passing is not None:
            self._crew.spawn(self._sides.kill, passing.leg_id)
        for consultation in [each for each in self._consulting.values() if each.talk.call_id == call_id]:
            self._drop(consultation)
            self._crew.spawn(self._sides.kill, consultation.leg_id)
            if not consultation.talk.over:
                self._crew.spawn(self._free_agent, consultation.talk)

    # -- passing on ----------------------------------------------------------------------------------------------------

    def _pass_on(self, talk: Talk, destination: Destination) -> Outcome:
        if not talk.token:  # nobody would look after them where nobody answers
            return refused(Sentence("a customer who was called is passed on by asking first"), code="ask_first")
        if destination.kind in ("queue", "agent"):
            return self._to_queue(talk, destination)
        passing = Passing(talk, destination)
        wishes = Wishes(
            answered=lambda leg_id: self._passed_answers(passing),
            gone=lambda leg_id, why: self._passed_gone(passing, why),
            bridged=lambda leg_id, other: self._passed_joined(passing, other),
        )
        try:
            passing.leg_id = self._dial(talk, destination, wishes, "transfer")
            self._passing[talk.call_id] = passing
            talk.passed_on = True
            self._director.release_leg(talk)
        except IvrEngineError as error:
            self._passing.pop(talk.call_id, None)
            talk.passed_on = False
            self._sides.kill(passing.leg_id)
            return refused(str(error))
        self._free_agent(talk)
        return done(Sentence("The caller goes to %(title)s.", title=destination.title))

    def _to_queue(self, talk: Talk, destination: Destination) -> Outcome:
        """An agent is asked for in the queue that the caller comes from, so that somebody else serves them when that one can't."""
        if destination.value == talk.agent_id:
            return refused(Sentence("this is your own number"), code="not_allowed")
        to_agent = destination.kind == "agent"
        queue, sticky_agent = (talk.queue, destination.value) if to_agent else (destination.value, "")
        if not self._director.requeue(talk, queue, excluded=(talk.agent_id,), sticky_agent=sticky_agent):
            return refused(NOT_NOW)
        return done(Sentence("The caller goes to %(title)s.", title=destination.title))

    def _dial(self, talk: Talk, destination: Destination, wishes: Wishes, purpose: str) -> str:
        kind: Literal["extension", "outside"] = "outside" if destination.kind == "outside" else "extension"
        number = self._destinations.phone_of(destination)
        call = self._call_info(talk.call_id)
        return self._sides.dial(
            kind, number, RING_SECONDS, wishes, purpose=purpose,
            display_name=call.name if call else "", display_number=call.number if call else "",
            tags={"call": talk.call_id, "attempt_of": talk.attempt_id},
        )  # fmt: skip

    def _passed_answers(self, passing: Passing) -> None:
        call_id = passing.talk.call_id
        if self._passing.get(call_id) is not passing or not self._connect(passing.talk, passing.leg_id):
            self._sides.kill(passing.leg_id)

    def _connect(self, talk: Talk, leg_id: str) -> bool:
        """The caller's music must have been stopped by then, or the step would begin it again in the middle of the talk."""
        self._director.tell(talk.call_id, TalkBegan(talk.token, talk.agent_id))
        return self._legs.bridge(talk.call_id, leg_id)

    def _rejoin(self, talk: Talk) -> None:
        self._director.tell(talk.call_id, TalkBegan(talk.token, talk.agent_id))
        self._director.rejoin(talk)

    def _passed_joined(self, passing: Passing, other: str) -> None:
        if other == passing.talk.call_id:
            passing.joined_at = passing.joined_at or self._clock()

    def _passed_gone(self, passing: Passing, why: LegFailure) -> None:
        if self._passing.get(passing.talk.call_id) is not passing:
            return
        del self._passing[passing.talk.call_id]
        if passing.joined_at:
            self._talked(passing)
        else:
            log.info("a transfer was not answered (%s); the caller waits again", why)
            self._back_to_queue(passing.talk)

    def _talked(self, passing: Passing) -> None:
        talk_ms = round(max(0.0, self._clock() - passing.joined_at) * 1000)
        detail = f"passed on to {passing.destination.title}"
        self._director.tell(passing.talk.call_id, QueueEnded(passing.talk.token, "answered", passing.talk.agent_id, talk_ms, detail))

    def _back_to_queue(self, talk: Talk) -> None:
        """Nobody has taken the caller: they wait again, as long as they have been here, and first of all for whom they had."""
        if self._call_info(talk.call_id) is not None:
            self._director.requeue(talk, talk.queue, sticky_agent=talk.agent_id, keeps_age=True)

    # -- consulting ----------------------------------------------------------------------------------------------------

    def _consulted_answers(self, consultation: Consultation) -> None:
        talk = consultation.talk
        if self._consulting.get(talk.attempt_id) is not consultation or talk.over:
            self._sides.kill(consultation.leg_id)
            return
        consultation.state = "TALKING"
        self._keep_parked(consultation.leg_id)  # bridge_legs does it for the agent's
        if not self._legs.bridge_legs(talk.leg_id, consultation.leg_id):
            self._sides.kill(consultation.leg_id)

    def _consulted_joined(self, consultation: Consultation, other: str) -> None:
        talk = consultation.talk
        passing = self._passing.get(talk.call_id)
        if passing is not None and passing.leg_id == consultation.leg_id:
            self._passed_joined(passing, other)
        else:
            consultation.together = consultation.together or other == talk.leg_id

    def leg_parted(self, talk: Talk) -> None:
        """The agent's leg is connected with nobody now."""
        consultation = self._consulting.get(talk.attempt_id)
        if consultation is not None:
            consultation.together = False

    def _part(self, consultation: Consultation) -> None:
        """Agent and colleague are parked, each on their own, when this returns."""
        self._legs.unbridge(consultation.talk.leg_id)
        self._until(lambda: not consultation.together)

    def _until(self, is_so: Callable[[], bool]) -> None:
        """At most PARTED_SECONDS: then what follows is tried all the same."""
        for _ in range(round(PARTED_SECONDS / PARTED_LOOK_SECONDS)):
            if is_so():
                return
            gevent.sleep(PARTED_LOOK_SECONDS)

    def _consulted_gone(self, consultation: Consultation, why: LegFailure) -> None:
        """Refused, or hung up: the agent has their caller back. Where the caller was given to them, that talk is over."""
        talk = consultation.talk
        passing = self._passing.get(talk.call_id)
        if passing is not None and passing.leg_id == consultation.leg_id:
            self._passed_gone(passing, why)
            return
        if self._consulting.get(talk.attempt_id) is not consultation:
            return
        conference = consultation.state == "CONFERENCE"
        self._drop(consultation)
        if talk.over:
            return
        if conference:
            self._director.change_work(talk, "TALKING")
        else:
            self._rejoin(talk)

    def _give_away(self, consultation: Consultation) -> None:
        """The caller is connected with whom the agent has consulted."""
        talk = consultation.talk
        self._drop(consultation)
        talk.passed_on = True
        self._passing[talk.call_id] = Passing(talk, consultation.destination, consultation.leg_id)
        if not self._connect(talk, consultation.leg_id):
            self._sides.kill(consultation.leg_id)

    def _drop(self, consultation: Consultation) -> None:
        consultation.state = "OVER"
        self._consulting.pop(consultation.talk.attempt_id, None)

    def _free_agent(self, talk: Talk) -> None:
        """By the end of their leg; the director is told of it like of any other."""
        self._legs.kill(talk.leg_id)

    def _audit(self, who: Who, verb: str, talk: Talk, destination: Destination) -> None:
        after = {"to": destination.kind, "value": destination.value, "call": talk.call_id}
        self._store.audit.add(who.name, verb, f"agent {talk.agent_id}", talk.queue, after, self._clock())
