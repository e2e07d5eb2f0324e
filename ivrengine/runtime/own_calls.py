"""Calls that agents make: outside, to whom the allow-list allows, and to colleagues.

    agent's phone rings -> agent answers, hears ringing -> the other side rings -> connected -> either hangs up -> wrap-up

From the click on the agent's phone counts as busy, so that nothing is offered to it; from the connection on the agent talks like
after an offer: the talk can be held, muted, recorded, passed on after asking, and a restart finds it. A call outside belongs to one of
the agent's queues, whose wrap-up, dispositions, recording and number it has; one to a colleague to none: it is neither recorded nor
wrapped up. Refuses numbers that nobody allowed, phones that are not registered, and agents who have a call.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ivrengine.acd.decisions import Decision, ItemEnded, Offer, Refused
from ivrengine.acd.happenings import Happening, OfferFailure, TalkFound, Terminal, WrapUpDone
from ivrengine.domain.legs import LegEvent, LegFailure
from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError
from ivrengine.site.records import Site
from ivrengine.storage.segments import Direction
from ivrengine.storage.store import Store

from .agent_leg import AgentLeg, LegPlan
from .destinations import Destination, Destinations
from .dialled_customers import DialledCustomers
from .greenlets import Crew
from .outcome import Outcome, Who, done, refused
from .side_legs import SideLegs, Wishes
from .talks import Talk

AGENT_RING_SECONDS = 25.0
OTHER_RING_SECONDS = 35.0  # less than an agent's leg waits, off the hook, for the other side
RINGING_TONE = "tone_stream://%(1000,4000,450);loops=-1"  # what the agent hears meanwhile
NOT_ALLOWED = Sentence("calls to this number are not allowed; the operator allows them in outside_numbers")
PHONE_IN_USE, HAVE_A_CALL = Sentence("your phone is in use"), Sentence("you have a call")
WHILE_BUSY = {"EXTERNAL": PHONE_IN_USE, **dict.fromkeys(("TALKING", "HOLD", "CONSULT", "CONFERENCE"), HAVE_A_CALL)}
COLLEAGUE_BUSY = frozenset({"RESERVED", "RINGING", "ANSWERED", "BRIDGING", "TALKING", "HOLD", "CONSULT", "CONFERENCE"})
_SEPARATORS = str.maketrans("", "", " -()./\u00a0")

State = Literal["PHONE", "OTHER", "TALKING", "OVER"]
# Why a call came to nothing, for whom it is told; the agent's own side first.
Why = Literal["", "phone", "cancelled", "no_answer", "busy", "rejected", "unregistered", "failed"]

log = logging.getLogger(__name__)


class Line(Protocol):
    """The director, as far as these calls need it."""

    dispatcher: Any
    records: Any
    recordings: Any
    phones: Any
    talks: Any
    crew: Crew

    def now(self) -> float: ...

    def feed(self, happening: Happening) -> list[Decision]: ...

    def attend(self, offer: Offer, leg: Any) -> None: ...

    def failed(self, attempt_id: str, why: OfferFailure) -> None: ...

    def talk_ended(self, attempt_id: str, talk_ms: int) -> None: ...

    def tell_of(self, agent_id: str) -> None: ...

    def is_recorded(self, queue: str, agent_id: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What every such call needs. ``reached``: told queue, number and agent when a customer talks; it may wait."""

    line: Line
    legs: Any
    sides: SideLegs
    customers: DialledCustomers
    alarm: Callable[[str, str], None]
    reached: Callable[[str, str, str], None]


class OwnCall:
    """One call: an offer's leg for the director, and the outcomes of the AgentLeg inside."""

    def __init__(
        self, offer: Offer, destination: Destination, dialled: str, shown: tuple[str, str], auto_answer: bool, parts: Parts,
        over: Callable[[OwnCall], None],
    ) -> None:  # fmt: skip
        self.offer = offer
        self.destination = destination
        self.dialled = dialled
        self.state: State = "PHONE"
        self.why: Why = ""
        self.talk: Talk | None = None
        self.began = parts.line.now()
        self._shown = shown
        self._parts = parts
        self._over = over
        self._other = ""
        tags = {"attempt": offer.attempt_id, "item": offer.item_id, "agent": offer.agent_id, "queue": offer.queue}
        plan = LegPlan(destination.title, dialled, tags=tags, auto_answer=auto_answer)
        self._agent = AgentLeg(offer, "", parts.legs, plan, self, alarm=parts.alarm)
        self.leg_id = self._agent.leg_id

    @property
    def direction(self) -> Direction:
        return "out" if self.destination.kind == "outside" else "internal"

    @property
    def caller(self) -> str:
        """The channel that the agent is connected with."""
        return self._other

    @property
    def rings(self) -> bool:
        return self._agent.rings

    # -- what the director says (talking.OfferLeg) ---------------------------------------------------------------------

    def start(self) -> None:
        self._agent.start()

    def cancel(self, why: OfferFailure = "withdrawn") -> None:
        if self.state in ("PHONE", "OTHER") and not self.why:
            self.why = "cancelled"
        self._agent.cancel(why)

    def caller_ready(self) -> None:
        """Nobody is asked: who answers is ready."""

    def caller_gone(self) -> None:
        self._agent.cancel("caller_gone")

    def leg_event(self, event: LegEvent) -> None:
        self._agent.leg_event(event)

    # -- what the agent's leg tells (agent_leg.LegOutcomes) ------------------------------------------------------------

    def rang(self, attempt_id: str) -> None:
        self._parts.line.records.rang(attempt_id)

    def answered(self, attempt_id: str) -> None:
        self._parts.line.records.answered(attempt_id)
        self.state = "OTHER"
        self._parts.line.tell_of(self.offer.agent_id)
        wishes = Wishes(answered=self._other_answers, gone=self._other_gone)
        name, number = self._shown
        try:
            self._other = self._parts.sides.dial(
                "outside" if self.direction == "out" else "extension", self.dialled, OTHER_RING_SECONDS, wishes, purpose="own_call",
                display_name=name, display_number=number, tags={"item_of": self.offer.item_id},
            )  # fmt: skip
            self._parts.legs.play(self.leg_id, f"{attempt_id}/ringing", (RINGING_TONE,))
        except IvrEngineError as error:
            log.warning("an agent's call can't be made: %s", error)
            self._not_reached("failed")

    def bridging(self, attempt_id: str) -> None:
        self._parts.legs.stop_playing(self.leg_id)

    def bridged(self, attempt_id: str) -> None:
        line, offer = self._parts.line, self.offer
        now = line.now()
        self.state = "TALKING"
        line.records.item_ended(
            ItemEnded(offer.item_id, offer.queue, "answered", max(0.0, now - self.began), attempt_id, offer.agent_id)
        )
        line.records.bridged(attempt_id)
        self.talk = Talk(
            attempt_id, offer.item_id, self._other, "", offer.agent_id, offer.queue, self.leg_id, now, offer.phone, own=True
        )  # fmt: skip
        line.talks.add(self.talk)
        line.feed(TalkFound(attempt_id, offer.item_id, offer.agent_id, offer.queue, now))
        if self.direction == "out":
            line.crew.spawn(self._parts.reached, offer.queue, self.dialled, offer.agent_id)
        if self.direction == "out" and line.is_recorded(offer.queue, offer.agent_id):
            line.recordings.begin(self.talk)

    def failed(self, attempt_id: str, why: OfferFailure) -> None:
        """Before anybody talked; the agent's leg is gone."""
        if not self.why:
            self.why = "phone" if self.state == "PHONE" else "cancelled"
        self._parts.sides.kill(self._other)
        terminal: Terminal = "abandoned" if self.why == "cancelled" else "timeout" if self.why == "no_answer" else "failed"
        waited = max(0.0, self._parts.line.now() - self.began)
        self._parts.line.records.item_ended(ItemEnded(self.offer.item_id, self.offer.queue, terminal, waited))
        self._parts.line.failed(attempt_id, why)
        self._end()

    def talk_ended(self, attempt_id: str, talk_ms: int) -> None:
        self._parts.line.talk_ended(attempt_id, talk_ms)
        self._end()

    def _end(self) -> None:
        self.state = "OVER"
        self._parts.line.phones.free(self.leg_id)
        self._over(self)

    # -- the other side ------------------------------------------------------------------------------------------------

    def _other_answers(self, leg_id: str) -> None:
        if self.state != "OTHER":
            self._parts.sides.kill(leg_id)
            return
        self._parts.customers.came(leg_id, self.dialled, "")
        self._agent.caller = leg_id
        self._agent.caller_ready()

    def _other_gone(self, leg_id: str, why: LegFailure) -> None:
        if self._parts.customers.is_there(leg_id):
            self._parts.customers.gone(leg_id)  # which ends what the agent has with them
        if self.state == "OTHER":
            self._not_reached("no_answer" if why in ("no_answer", "hung_up", "withdrawn") else why)

    def _not_reached(self, why: Why) -> None:
        if self.why:
            return  # it is being ended already
        self.why = why
        self._agent.cancel("caller_gone")


class OwnCalls:
    """``outbound_number``: shown outside where the queue has none of its own."""

    def __init__(
        self, parts: Parts, destinations: Destinations, store: Store, site: Callable[[], Site], outbound_number: str
    ) -> None:
        self._parts = parts
        self._line = parts.line
        self._destinations = destinations
        self._store = store
        self._site = site
        self._outbound_number = outbound_number
        self._calls: dict[str, OwnCall] = {}  # by agent
        self._last: dict[str, OwnCall] = {}  # by agent: the last one that came to nothing

    def of_agent(self, agent_id: str) -> OwnCall | None:
        """The one under way."""
        return self._calls.get(agent_id)

    def not_reached(self, agent_id: str) -> OwnCall | None:
        """The last call, where it came to nothing."""
        return self._last.get(agent_id)

    def call(self, agent_id: str, digits: str, queue: str, who: Who) -> Outcome:
        """Ring the agent's own phone, and when they answer it ``digits``. ``queue``: for which it is made, "" for the agent's first."""
        agent, view = self._site().agent(agent_id), self._line.dispatcher.agent(agent_id)
        if agent is None or view is None or view.intent == "LOGGED_OUT":
            return refused(Sentence("you are not logged in at a phone"), code="not_logged_in")
        found = self._destination(digits, view)
        if isinstance(found, Outcome):
            return found
        outside = found.kind == "outside"
        if queue and queue not in agent.rules.queues:
            return refused(Sentence("this is no queue of yours"), code="not_allowed")
        queue = (queue or next(iter(agent.rules.queues), "")) if outside else ""
        own = OwnCall(
            self._offer(agent_id, view.phone, queue), found, self._destinations.phone_of(found), self._shown(agent, view, queue, outside),
            agent.rules.auto_answer, self._parts, self._over,
        )  # fmt: skip
        # From the look at the agent until the phone counts as busy nothing may wait, or a call could be offered in between.
        view = self._line.dispatcher.agent(agent_id)
        problem = self._take_phone(agent_id, view, own)
        if problem is not None:
            return problem
        self._calls[agent_id] = own
        self._last.pop(agent_id, None)
        self._write(own)
        self._line.attend(own.offer, own)
        own.start()
        audited = {"to": found.kind, "value": found.value, "item": own.offer.item_id}
        self._store.audit.add(who.name, "call", f"agent {agent_id}", queue, audited, self._line.now())
        self._line.tell_of(agent_id)
        return done(Sentence("Your phone rings; then %(title)s is called.", title=found.title))

    def cancel(self, agent_id: str, who: Who) -> Outcome:
        """Before anybody talks."""
        own = self._calls.get(agent_id)
        if own is None:
            return refused(Sentence("you have no call"), code="nothing")
        own.cancel("withdrawn")
        self._store.audit.add(who.name, "hang_up", f"agent {agent_id}", own.offer.queue, {"item": own.offer.item_id}, self._line.now())
        return done(Sentence("You have hung up."))

    def _destination(self, digits: str, view: Any) -> Destination | Outcome:
        found = self._destinations.find(digits.translate(_SEPARATORS))
        if isinstance(found, str):
            return refused(NOT_ALLOWED if found == Destinations.NOWHERE else found, code="not_allowed")
        if found.kind == "queue":
            return refused(Sentence("a queue can't be called, only passed on to"), code="not_allowed")
        if view.agent_id == found.value or view.phone == self._destinations.phone_of(found):
            return refused(Sentence("this is your own number"), code="not_allowed")
        if found.kind == "agent" and self._line.dispatcher.agent(found.value).work in COLLEAGUE_BUSY:
            return refused(Sentence("%(title)s is on a call", title=found.title), code="colleague_busy")
        return found

    def _take_phone(self, agent_id: str, view: Any, own: OwnCall) -> Outcome | None:
        """From here on the agent is offered nothing; or why that can't be."""
        if view is None or view.work not in ("IDLE", "WRAP_UP"):
            return refused(WHILE_BUSY.get(view.work if view else "", Sentence("a call is coming to you")), code="busy")
        if not view.reachable:
            return refused(Sentence("your phone is not registered: it can't ring"), code="unreachable")
        self._line.phones.busy(view.phone, own.leg_id, own.leg_id)
        if view.work == "WRAP_UP":  # who calls is done with the call before
            refusal = next((each for each in self._line.feed(WrapUpDone(agent_id)) if isinstance(each, Refused)), None)
            still = self._line.dispatcher.agent(agent_id)
            if refusal is not None or still is None or still.work == "WRAP_UP":
                self._line.phones.free(own.leg_id)
                return refused(refusal.sentence if refusal else Sentence("the wrap-up of the call before is not over yet"), code="wrap_up")
        return None

    def _offer(self, agent_id: str, phone: str, queue: str) -> Offer:
        item_id = str(uuid.uuid4())
        return Offer(f"{item_id}/1", item_id, agent_id, phone, queue, 0, AGENT_RING_SECONDS)

    def _shown(self, agent: Any, view: Any, queue: str, outside: bool) -> tuple[str, str]:
        if not outside:
            return agent.rules.name or f"agent {agent.agent_id}", view.phone
        rules = self._site().queue(queue)
        return "", (rules.outbound_number if rules is not None else "") or self._outbound_number

    def _write(self, own: OwnCall) -> None:
        """Ahead, so that a restart knows whose leg it finds."""
        line, offer = self._line, own.offer
        name = own.destination.title if own.direction == "internal" else ""
        line.records.own_call_began(offer, own.dialled, name, own.direction, own.began)
        line.records.offered(offer, own.leg_id)

    def _over(self, own: OwnCall) -> None:
        agent_id = own.offer.agent_id
        if self._calls.get(agent_id) is own:
            del self._calls[agent_id]
            if own.why and own.why != "cancelled":
                self._last[agent_id] = own
        self._line.tell_of(agent_id)
