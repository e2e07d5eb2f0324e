"""Puts together what agents and supervisors do: desk, codes during talks, transfers, supervising, callbacks, orders; and ties it to
the director. Holds no rules of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import Any

from ivrengine.acd.decisions import Offer
from ivrengine.acd.rules import QueueRules
from ivrengine.domain.audio import Music, Prompt
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import RaiseAlarm
from ivrengine.esl.switch import Switch
from ivrengine.flow.world import World
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.voice import Voice
from ivrengine.storage.store import Store

from .agent_leg import LegPlan
from .call_centre import CallCentre
from .callback_leg import CallbackLeg, CallbackParts
from .callbacks import LOOK_SECONDS as CALLBACKS_LOOK_SECONDS
from .callbacks import Callbacks, Errand
from .desk import LOGGED_OUT, Desk
from .desk_messages import DeskMessages
from .desk_words import DeskWords
from .destinations import Destinations
from .dialled_customers import DialledCustomers
from .greenlets import Crew
from .orders import LOOK_SECONDS as ORDERS_LOOK_SECONDS
from .orders import OrderTaker
from .outcome import Outcome, Who
from .own_calls import OwnCalls
from .own_calls import Parts as OwnParts
from .phone_takes import SWEEP_SECONDS, PhoneTakes
from .prompt_work import PromptWork
from .reception import Reception
from .side_legs import SideLegs
from .soft_phone import SoftPhone
from .supervisor import Supervisor
from .talk_codes import TalkCodes
from .transfers import Transfers
from .waiting import Waiting

PHONE_VERBS = frozenset({"call", "answer", "mute", "unmute", "hold", "unhold", "hang_up"})  # that the command line orders for an agent
WAITING_SHOWN_LIMIT = 1000  # callers in one answer to the command line


class Workplace:
    def __init__(
        self,
        call_centre: CallCentre,
        reception: Reception,
        switch: Switch,
        store: Store,
        world: World,
        catalogue: Catalogue,
        voice: Voice,
        crew: Crew,
        alarm: Callable[[RaiseAlarm], None],
        zone: tzinfo,
        languages: Sequence[str],
        prompt_work: PromptWork,
        takes: Path,
        outbound_number: str = "",
    ) -> None:
        director, clock = call_centre.director, call_centre.clock
        self._call_centre = call_centre
        self._director = director
        self._reception = reception
        self._voice = voice
        self._crew = crew
        self._clock = clock
        self._language = language = languages[0]
        legs, dispatcher = switch.legs, director.dispatcher

        def site() -> Any:
            return director.site.site

        words = DeskWords(catalogue.has, language)
        sides = SideLegs(legs, director, director.phones, crew)
        messages = DeskMessages(store, words, clock, zone)
        self.desk = Desk(director, store, site, words, messages, reception.call_event, crew, clock)
        destinations = Destinations(site, dispatcher.agents, world.may_transfer_to, legs.reachable)
        self.transfers = Transfers(
            director, legs, sides, destinations, store, self._call_info,
            lambda leg_id: switch.set_variable(leg_id, "park_after_bridge", "true"), alarm, crew, clock,
        )  # fmt: skip
        self.codes = TalkCodes(self.transfers, director.recordings, director.feed, legs, voice, words, store, crew, clock)
        self.supervisor = Supervisor(director, self.desk, legs, sides, store, site, switch.hang_up, crew, clock)
        self.phone_takes = PhoneTakes(legs, sides, voice, prompt_work, store, takes, languages, crew, clock)
        self.customers = DialledCustomers(director, legs, self.transfers, lambda: self._paths(Music()), crew)
        own_parts = OwnParts(
            director, legs, sides, self.customers, lambda code, sentence: alarm(RaiseAlarm(code, sentence)),
            lambda *whom: self.callbacks.reached(*whom),
        )  # fmt: skip
        self.own_calls = OwnCalls(own_parts, destinations, store, site, outbound_number)
        self.soft_phone = SoftPhone(director, legs, director.recordings, self.desk, self.transfers, self.own_calls, store, clock)
        self._parts = CallbackParts(
            legs, sides, director, self._plan, lambda: self._paths(Prompt("callback/customer_hears", language), Music()),
            lambda code, sentence: alarm(RaiseAlarm(code, sentence)), customers=self.customers,
        )  # fmt: skip
        self.callbacks = Callbacks(
            director, store, director.site.queue, world.may_transfer_to, self._callback_leg, reception.call_event, crew, clock
        )
        self.orders = OrderTaker(
            store,
            {
                "agents": self._order_of_agent, "supervise": self.supervisor.do, "callbacks": self.callbacks.do,
                "prompts": self.phone_takes.do,
            },
            {"agents.states": self._states, "queues.waiting": self.waiting, "prompts.recording": self.phone_takes.one},
            self._is_open,
            clock,
        )
        director.hands_over = self.transfers.hands_over
        director.on_talk_event += [self.codes.talk_event, self.customers.talk_event]
        director.on_talk_ended += [self.transfers.talk_over, self.codes.talk_over, self.supervisor.talk_over, self.customers.talk_over]
        director.on_call_ended += [self.transfers.call_over, self.callbacks.call_over]
        director.on_item_ended.append(self.callbacks.item_ended)
        director.callback_leg = self.callbacks.offer_leg
        call_centre.recovery.lost = self.callbacks.lost
        call_centre.recovery.dialled_found = self.customers.adopt
        call_centre.desk, call_centre.callbacks = self.desk.ask, self.callbacks.request

    def start(self) -> None:
        """Take orders from now on, and make callbacks as soon as the queues are as an earlier process left them."""
        self.orders.start()
        self._crew.repeat(self.phone_takes.sweep, SWEEP_SECONDS)
        self._crew.repeat(self.orders.look, ORDERS_LOOK_SECONDS)
        self._crew.repeat(self._look_for_callbacks, CALLBACKS_LOOK_SECONDS)

    def _is_open(self) -> bool:
        return self._call_centre.recovery.done

    def _look_for_callbacks(self) -> None:
        if self._is_open():
            self.callbacks.look()

    # -- what the command line asks ------------------------------------------------------------------------------------

    def _order_of_agent(self, verb: str, arguments: Mapping[str, str], who: Who) -> Outcome:
        if verb in PHONE_VERBS:
            return self.soft_phone.order(verb, arguments.get("agent", ""), arguments, who)
        return self.desk.do(verb, arguments.get("agent", ""), arguments, who)

    def _states(self, arguments: Mapping[str, str]) -> list[dict[str, Any]]:
        rows = []
        for view in self._director.dispatcher.agents():
            agent = self._director.site.agent(view.agent_id)
            if view.intent == LOGGED_OUT or agent is None:
                continue
            idle = view.reason or view.intent.replace("_", " ").lower()
            state = idle if view.work == "IDLE" else f"{view.work.replace('_', ' ').lower()} ({idle})"
            rows.append(
                {
                    "agent": view.agent_id, "name": agent.rules.name, "phone": view.phone, "reachable": view.reachable,
                    "state": state, "intent": view.intent, "work": view.work, "reason": view.reason, "queue": view.queue,
                    "since": view.since, "calls": view.calls, "asks": view.break_asked,
                }
            )  # fmt: skip
        return rows

    def waiting(self, arguments: Mapping[str, str]) -> list[dict[str, Any]]:
        rows, places = [], {}
        for item in self._director.dispatcher.items(arguments.get("queue") or None)[:WAITING_SHOWN_LIMIT]:
            places[item.queue] = places.get(item.queue, 0) + 1
            waiting = self._director.room.item(item.item_id)
            rows.append(
                {
                    "item": item.item_id, "queue": item.queue, "position": places[item.queue], "queued_at": item.queued_at,
                    "boost_seconds": item.boost_seconds, "state": "callback" if item.virtual else item.state.lower(),
                    "number": waiting.number if waiting is not None else self.callbacks.number_of(item.item_id),
                    "ringing": list(item.agents),
                }
            )  # fmt: skip
        return rows

    # -- small pieces --------------------------------------------------------------------------------------------------

    def _call_info(self, call_id: str) -> CallInfo | None:
        session = self._reception.sessions.get(call_id)
        return session.call if session is not None else self.customers.info(call_id)

    def _callback_leg(self, offer: Offer, errand: Errand, rules: QueueRules, keeper: Callbacks) -> CallbackLeg:
        return CallbackLeg(offer, errand, rules, keeper, self._parts)

    def _plan(self, offer: Offer, errand: Errand) -> LegPlan:
        """As for a caller who waits; the agent hears besides that it is a callback."""
        callback, rules = errand.callback, self._director.site.queue(offer.queue)
        waiting = Waiting(offer.item_id, "", "", offer.queue, callback.queued_at, callback.number, callback.name)
        plan = self._call_centre.plan(offer, rules or QueueRules(offer.queue), waiting)
        return replace(plan, whisper=(*plan.whisper, *self._paths(Prompt("callback/agent_hears", self._language))))

    def _paths(self, *items: Any) -> tuple[str, ...]:
        return tuple(self._voice.render(items).paths)
