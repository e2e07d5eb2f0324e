"""One offer of a callback: the agent's phone and the customer's number are rung one after the other and connected.

    agent first:    agent rings -> agent answers, hears "a callback" -> customer rings -> customer answers -> connected
    customer first: customer rings -> customer answers, hears music -> agent rings -> agent answers -> connected

Either way the agent belongs to this offer from its beginning on, so no customer is ever rung for whom nobody is there. To the
dispatcher a customer-first offer counts as answered while the customer is rung. A customer who is not reached costs the agent nothing; an
agent who does not answer costs the customer only where they had been rung before: then they are told goodbye and tried again.

A number on the list that is a phone of the house is rung there. The agent's side is an AgentLeg like any other;
the customer's is a leg beside it, which plays the caller's part.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ivrengine.acd.decisions import Offer
from ivrengine.acd.happenings import OfferFailure
from ivrengine.acd.rules import QueueRules
from ivrengine.domain.legs import LegEvent, LegFailure
from ivrengine.errors import IvrEngineError

from .agent_leg import AgentLeg, LegOutcomes, LegPlan
from .dialled_customers import DialledCustomers
from .side_legs import SideLegs, Wishes

LONGEST_RING_SECONDS = 35.0  # of the customer, within which an agent off the hook waits for them
NOT_REACHED: dict[LegFailure, str] = {"hung_up": "no_answer", "withdrawn": "no_answer"}

log = logging.getLogger(__name__)


class Keeper(Protocol):
    """Who keeps the callback: runtime.callbacks."""

    def offer_over(self, errand: Any, leg: CallbackLeg) -> None: ...

    def talking(self, errand: Any, agent_id: str) -> None: ...

    def not_reached(self, errand: Any, why: str) -> None: ...

    def talk_over(self, item_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class CallbackParts:
    """What every such offer needs. ``plan``: what the agent's phone shows and says. ``welcome``: what a customer hears who waits for
    the agent, as paths; it may go on for ever."""

    legs: Any
    sides: SideLegs
    outcomes: LegOutcomes
    plan: Callable[[Offer, Any], LegPlan]
    welcome: Callable[[], Sequence[str]]
    alarm: Callable[[str, str], None]
    agent_leg: Callable[..., AgentLeg] = AgentLeg
    customers: DialledCustomers | None = None  # who looks after the customer from the connection on; else their leg ends with the agent's


class CallbackLeg:
    """An offer's leg for the director, and the outcomes of the AgentLeg inside: what it tells passes through here."""

    def __init__(self, offer: Offer, errand: Any, rules: QueueRules, keeper: Keeper, parts: CallbackParts) -> None:
        self.offer = offer
        self._errand = errand
        self._rules = rules
        self._keeper = keeper
        self._parts = parts
        self._on = parts.outcomes
        self._customer = ""  # the leg, once it is dialled
        self._customer_there = False
        self._customer_first = rules.callback_first == "customer"
        self._state: Literal["NEW", "RINGING_CUSTOMER", "WITH_AGENT", "TALKING", "OVER"] = "NEW"
        self._agent = parts.agent_leg(offer, "", parts.legs, parts.plan(offer, errand), self, alarm=parts.alarm)
        self._agent_started = False
        self.leg_id = self._agent.leg_id

    @property
    def caller(self) -> str:
        """The channel that the agent is connected with."""
        return self._customer

    @property
    def rings(self) -> bool:
        return self._agent.rings

    # -- what the director says (director.OfferLeg) --------------------------------------------------------------------

    def start(self) -> None:
        if not self._customer_first:
            self._start_agent()
            return
        self._state = "RINGING_CUSTOMER"
        self._on.rang(self.offer.attempt_id)
        self._on.answered(self.offer.attempt_id)
        if self._state == "RINGING_CUSTOMER":
            self._ring_customer()

    def cancel(self, why: OfferFailure = "withdrawn") -> None:
        """The offer is called off: the race is lost, the callback was cancelled, or the customer could not be reached."""
        if self._agent_started:
            self._agent.cancel(why)
        else:
            self._end_without_agent(why)

    def caller_ready(self) -> None:
        """Nobody is asked: the customer is ready when they answer."""

    def caller_gone(self) -> None:
        self.cancel("caller_gone")

    def leg_event(self, event: LegEvent) -> None:
        if self._agent_started:
            self._agent.leg_event(event)

    # -- what the agent's leg tells (agent_leg.LegOutcomes) ------------------------------------------------------------

    def rang(self, attempt_id: str) -> None:
        if not self._customer_first:
            self._on.rang(attempt_id)

    def answered(self, attempt_id: str) -> None:
        if self._customer_first:
            return
        self._on.answered(attempt_id)
        if self._state == "WITH_AGENT":  # else another agent was faster, and this one is called off
            self._ring_customer()

    def bridging(self, attempt_id: str) -> None:
        self._parts.legs.stop_playing(self._customer)
        self._on.bridging(attempt_id)

    def bridged(self, attempt_id: str) -> None:
        self._state = "TALKING"
        if self._parts.customers is not None:
            self._parts.customers.came(self._customer, self._errand.callback.number, self._errand.callback.name)
        self._keeper.talking(self._errand, self.offer.agent_id)
        self._on.bridged(attempt_id)

    def failed(self, attempt_id: str, why: OfferFailure) -> None:
        rung = self._customer_there
        self._over()
        if rung and why != "caller_gone":
            # Whom we rang and could not connect is not rung again at once.
            self._keeper.not_reached(self._errand, "agent_lost")
        self._on.failed(attempt_id, why)

    def talk_ended(self, attempt_id: str, talk_ms: int) -> None:
        self._over(kills=self._parts.customers is None)
        self._keeper.talk_over(self.offer.item_id)
        self._on.talk_ended(attempt_id, talk_ms)

    # -- the two sides -------------------------------------------------------------------------------------------------

    def _start_agent(self) -> None:
        self._state = "WITH_AGENT"
        self._agent_started = True
        self._agent.start()

    def _ring_customer(self) -> None:
        wishes = Wishes(answered=self._customer_answers, gone=self._customer_gone)
        callback = self._errand.callback
        ring_seconds = min(self._rules.callback_ring_seconds, LONGEST_RING_SECONDS)
        try:
            kind: Literal["extension", "outside"] = "extension" if self._parts.legs.reachable(callback.number) else "outside"
            self._customer = self._parts.sides.dial(
                kind, callback.number, ring_seconds, wishes, purpose="callback", tags={"item_of": self.offer.item_id}
            )
        except IvrEngineError as error:
            log.warning("a customer can't be rung: %s", error)
            self._not_reached("failed")

    def _customer_answers(self, leg_id: str) -> None:
        if self._state == "OVER":
            self._parts.sides.kill(leg_id)
            return
        self._customer_there = True
        self._agent.caller = leg_id
        if self._customer_first:
            paths = self._parts.welcome()
            if paths:
                self._parts.legs.play(leg_id, f"{self.offer.attempt_id}/customer", paths)
            self._start_agent()
        self._agent.caller_ready()

    def _customer_gone(self, leg_id: str, why: LegFailure) -> None:
        if self._state in ("OVER", "TALKING"):
            if self._parts.customers is not None:
                self._parts.customers.gone(leg_id)
            self._agent.cancel("caller_gone")  # a talk ends as a talk; a leg that is gone stays gone
        elif self._customer_there:
            self._customer_there = False
            self._not_reached("hung_up")
        else:
            self._not_reached(NOT_REACHED.get(why, why))

    def _not_reached(self, why: str) -> None:
        """Tell the keeper, which ends the item; the dispatcher calls this offer off by that."""
        self._keeper.not_reached(self._errand, why)
        self.cancel("caller_gone")

    def _end_without_agent(self, why: OfferFailure) -> None:
        """No leg of the agent's was ever dialled, so that the offer is over at once."""
        if self._state == "OVER":
            return
        self._over()
        self._on.failed(self.offer.attempt_id, why)

    def _over(self, *, kills: bool = True) -> None:
        self._state = "OVER"
        self._keeper.offer_over(self._errand, self)
        if self._customer and kills:
            self._parts.sides.kill(self._customer)
