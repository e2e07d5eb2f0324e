"""Where the pure dispatcher meets the world: sessions and legs tell what happens, and what it decides becomes offers, events, rows.

Nothing in here waits, except what is said to in ``talking``. Each offer lives in an AgentLeg, a greenlet of its own; rows are
written by QueueRecords; who waits stands in ``room``, who talks in ``talks``. A caller's step is told by events under the token of its
Enqueue; the last of them is kept, for a step that asks again after a restart.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent

from ivrengine.acd.decisions import (
    AgentChanged,
    CancelOffer,
    Decision,
    ItemEnded,
    ItemRequeued,
    Offer,
    Refused,
    Warned,
    WrapUpEnded,
)
from ivrengine.acd.dispatcher import Dispatcher
from ivrengine.acd.happenings import (
    BecameNotReady,
    BecameReady,
    BreakAsked,
    BreakDecided,
    Happening,
    Left,
    LoggedOut,
    Moved,
    OfferAnswered,
    OfferBridged,
    OfferBridging,
    OfferFailed,
    OfferFailure,
    OfferRinging,
    Queued,
    Raised,
    Terminal,
    WrapUpExtended,
)
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import Enqueue, KeepMark, RaiseAlarm, TurnedAway
from ivrengine.domain.events import AgentFound, AgentLost, CallEvent, QueueEnded, TalkBegan
from ivrengine.log import note
from ivrengine.storage.errors import StorageError

from .board import Board
from .call_recordings import CallRecordings
from .greenlets import Crew
from .phones import Phones
from .queue_records import QueueRecords
from .site_rules import SiteRules
from .talking import OfferLeg, Talking, TalkLegs
from .talks import Talk
from .waiting import Waiting

LAST_AGENT = "last"  # a sticky agent by this name is whoever talked to the caller's number last
LAST_AGENT_SECONDS = 2.0  # for the database to say who that was; then anybody will do

WISHES = (BecameReady, BecameNotReady, LoggedOut, BreakAsked, BreakDecided)
BREAK_ASKED = "BREAK_ASKED"  # a wish that a supervisor has not answered yet

log = logging.getLogger(__name__)

MakeLeg = Callable[[Offer, Waiting, "Director"], OfferLeg]


class Director(Talking):
    """``make_leg`` dials for an offer; ``registered`` asks the switch for a phone (and waits), ``last_agent`` the database."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        legs: TalkLegs,
        make_leg: MakeLeg,
        site: SiteRules,
        records: QueueRecords,
        recordings: CallRecordings,
        last_agent: Callable[[str], str | None],
        registered: Callable[[str], bool],
        crew: Crew,
        clock: Callable[[], float],
        post: Callable[[str, CallEvent], None],
        with_somebody: Callable[[str, bool], None],
        alarm: Callable[[RaiseAlarm], None],
    ) -> None:
        super().__init__(dispatcher, legs, records, recordings, crew, clock, post, with_somebody, alarm)
        self.site = site
        self.board = Board(dispatcher, site, self.room, clock)
        self.phones = Phones(self.feed, dispatcher.agents, registered)
        self.on_item_ended: list[Callable[[ItemEnded, Waiting | None], None]] = []  # no Waiting: a callback's item
        self.on_call_ended: list[Callable[[str], None]] = []
        self.on_agent_changed: list[Callable[[str], None]] = []  # get the agent's number
        self.callback_leg: Callable[[Offer], OfferLeg] | None = None  # dials for an item behind which nobody waits on the line
        self._wishes: dict[str, tuple[str, str]] = {}  # agent id -> intent and reason that come true when work is over
        self._make_leg = make_leg
        self._last_agent = last_agent

    # -- performing ----------------------------------------------------------------------------------------------------

    def feed(self, happening: Happening) -> list[Decision]:
        decisions = super().feed(happening)
        if isinstance(happening, Moved | Raised):
            self._item_moved(happening.item_id)
        elif isinstance(happening, WISHES):
            self._wished(happening.agent_id)
            self._tell_of(happening.agent_id)
        elif isinstance(happening, WrapUpExtended):
            self._wrap_up_extended(happening.agent_id)
        return decisions

    def perform(self, decision: Decision) -> None:
        match decision:
            case Offer():
                self._offer(decision)
            case CancelOffer(attempt_id, why):
                if attempt_id in self.offers:
                    self.offers[attempt_id][1].cancel("caller_gone" if why == "caller_gone" else "withdrawn")
            case ItemEnded():
                self._item_ended(decision)
            case ItemRequeued(item_id, attempt_id):
                self._item_requeued(item_id, attempt_id)
            case AgentChanged():
                self._agent_changed(decision)
            case WrapUpEnded():
                self._wrap_up_ended(decision)
            case Warned(code, sentence, agent_id, item_id):
                self.alarm(RaiseAlarm(code, sentence, agent_id or item_id))
            case Refused():
                pass  # told to whoever asked

    def _offer(self, offer: Offer) -> None:
        waiting = self.room.item(offer.item_id)
        try:
            if waiting is not None:
                leg = self._make_leg(offer, waiting, self)
            elif self.callback_leg is not None:
                leg = self.callback_leg(offer)
            else:
                raise LookupError("nobody waits by this item")
        except Exception:
            self.feed(OfferFailed(offer.attempt_id, "failed"))
            raise
        self.attend(offer, leg)
        self.records.offered(offer, leg.leg_id)
        leg.start()

    def attend(self, offer: Offer, leg: OfferLeg) -> None:
        """Have what happens on the offer's leg told to it."""
        self.offers[offer.attempt_id] = offer, leg
        self._attempts[leg.leg_id] = offer.attempt_id

    def _item_ended(self, ended: ItemEnded) -> None:
        self.records.item_ended(ended)
        self.board.item_ended(ended, self.now())
        waiting = self.room.item(ended.item_id)
        if waiting is not None and ended.terminal != "answered":
            self.tell(waiting.call_id, QueueEnded(waiting.token, ended.terminal))
        for hook in self.on_item_ended:
            hook(ended, waiting)

    def _item_requeued(self, item_id: str, attempt_id: str) -> None:
        waiting = self.room.item(item_id)
        if waiting is not None and waiting.attempt_id == attempt_id and isinstance(waiting.event, AgentFound):
            waiting.attempt_id = ""
            self.tell(waiting.call_id, AgentLost(waiting.token))

    def _item_moved(self, item_id: str) -> None:
        view = self.dispatcher.item(item_id)
        if view is None:
            return
        waiting = self.room.item(item_id)
        if waiting is not None:
            waiting.queue = view.queue
        self.records.moved(item_id, view.queue, view.boost_seconds)

    def _agent_changed(self, changed: AgentChanged) -> None:
        view = self.dispatcher.agent(changed.agent_id)
        self.records.agent_changed(changed, view)
        if changed.agent_id in self._wishes:
            self._wished(changed.agent_id)
        self.phones.seat(changed.agent_id, view.phone if view is not None and changed.intent != "LOGGED_OUT" else "")
        self._tell_of(changed.agent_id)

    def tell_of(self, agent_id: str) -> None:
        """Something about the agent is different that the dispatcher knows nothing of."""
        self._tell_of(agent_id)

    def _tell_of(self, agent_id: str) -> None:
        for hook in self.on_agent_changed:
            hook(agent_id)

    def _wrap_up_extended(self, agent_id: str) -> None:
        view = self.dispatcher.agent(agent_id)
        if view is not None and view.work == "WRAP_UP":
            same = AgentChanged(agent_id, view.intent, view.work, view.reason, view.since, view.epoch, view.attempt_id)
            self.records.agent_changed(same, view)
            self._tell_of(agent_id)

    def _wished(self, agent_id: str) -> None:
        """An agent in a call was told "after this call": that must outlive this process."""
        view = self.dispatcher.agent(agent_id)
        wish = ("", "")
        if view is not None and view.break_asked:
            wish = (BREAK_ASKED, view.break_asked)
        elif view is not None:
            wish = (view.pending_intent, view.pending_reason)
        if wish != self._wishes.get(agent_id, ("", "")):
            self._wishes[agent_id] = wish
            if not wish[0]:
                del self._wishes[agent_id]
            self.records.wished(agent_id, *wish)

    def remember_wish(self, agent_id: str, intent: str, reason: str) -> None:
        """Of an earlier process: it comes true now, or when the call that goes on is over."""
        self._wishes[agent_id] = (intent, reason)
        match intent:
            case "READY":
                self.feed(BecameReady(agent_id))
            case "NOT_READY":
                self.feed(BecameNotReady(agent_id, reason))
                view = self.dispatcher.agent(agent_id)
                if view is not None and view.break_asked:
                    self.feed(BreakDecided(agent_id, True))  # it had been granted already
            case "LOGGED_OUT":
                self.feed(LoggedOut(agent_id))
            case "BREAK_ASKED":
                self.feed(BreakAsked(agent_id, reason))

    def _wrap_up_ended(self, ended: WrapUpEnded) -> None:
        after = self.after.pop(ended.agent_id, None)
        if after is not None:
            now = self.now()
            self.records.wrapped_up(after, ended, now)
            if not after.own:
                self.board.handled(after, now)

    # -- what sessions ask (surroundings.CallCentre) -------------------------------------------------------------------

    def enqueue(self, call: CallInfo, command: Enqueue) -> None:
        """A token that is known already is a step that asks again after a restart: it is told how things stand."""
        known = self.room.of_token(command.token)
        if known is not None:
            self._post(call.call_id, known.event or AgentLost(known.token))
            return
        if self.site.queue(command.queue) is None:
            self._post(call.call_id, QueueEnded(command.token, "failed", detail=f"there is no queue {command.queue}"))
            return
        waiting = Waiting(command.token, call.call_id, command.token, command.queue, self.now(), call.number, call.name)
        self.room.add(waiting)
        self.records.contact_began(call)
        if command.sticky_agent == LAST_AGENT:
            self.crew.spawn(self._queue_for_last_agent, waiting, command)
        else:
            self._queue(waiting, command, command.sticky_agent)

    def turned_away(self, call: CallInfo, command: TurnedAway) -> None:
        """The flow has not even asked: a waiting of no length, which is counted like any other. Nothing follows from it."""
        now = self.now()
        if self.site.queue(command.queue) is None:
            return
        self.records.contact_began(call)
        waiting = Waiting(command.token, call.call_id, command.token, command.queue, now, call.number, call.name)
        self.records.queued(waiting, Queued(command.token, command.queue, now))
        self.records.item_ended(ItemEnded(command.token, command.queue, command.outcome, 0.0))

    def _queue_for_last_agent(self, waiting: Waiting, command: Enqueue) -> None:
        agent_id = None
        try:
            with gevent.Timeout(LAST_AGENT_SECONDS, False):
                agent_id = self._last_agent(waiting.number)
        except StorageError as error:
            note(log, "who talked to a caller last is not known", level=logging.WARNING, call_id=waiting.call_id, error=error)
        if waiting.left or waiting.over:
            self.tell(waiting.call_id, QueueEnded(waiting.token, waiting.left or "abandoned"))
        else:
            self._queue(waiting, command, agent_id or "")

    def _queue(self, waiting: Waiting, command: Enqueue, sticky_agent: str) -> None:
        waiting.in_line = True
        queued = Queued(
            waiting.item_id, command.queue, waiting.queued_at, command.rings, command.boost_seconds, sticky_agent,
            command.sticky_seconds if sticky_agent else 0.0, command.max_wait_seconds,
        )  # fmt: skip
        self.records.queued(waiting, queued)
        self.feed(queued)

    def ready_to_talk(self, call_id: str, token: str) -> None:
        waiting = self.room.of_token(token)
        if waiting is not None and waiting.attempt_id in self.offers:
            self.offers[waiting.attempt_id][1].caller_ready()

    def leave(self, call_id: str, token: str, outcome: Terminal) -> None:
        """Before ReadyToTalk this always wins; who talks already leaves only by hanging up."""
        waiting = self.room.of_token(token)
        if waiting is None or waiting.over:
            self._post(call_id, QueueEnded(token, outcome))
        elif not waiting.in_line:
            waiting.left = outcome
        elif (talk := self.talks.of_call(call_id)) is None or talk.token != token:
            self.feed(Left(waiting.item_id, outcome))
        elif outcome == "abandoned":
            self._caller_gone(call_id)

    def keep_mark(self, call: CallInfo, command: KeepMark) -> None:
        self.records.mark(call, command)

    def call_began(self, call: CallInfo) -> None:
        self.phones.call_began(call)

    def call_ended(self, call_id: str) -> None:
        """However the call ended, nothing of it waits or is offered any more."""
        for waiting in self.room.of_call(call_id):
            if not waiting.over and waiting.in_line:
                self.feed(Left(waiting.item_id, "abandoned"))
        self._caller_gone(call_id)
        self.room.forget_call(call_id)
        self.phones.free(call_id)
        for hook in self.on_call_ended:
            hook(call_id)

    def extension_rung(self, call_id: str, extension: str) -> None:
        self.phones.busy(extension, call_id, f"{call_id}/{extension}")

    def extension_free(self, call_id: str) -> None:
        self.phones.free_others(call_id)

    def _caller_gone(self, call_id: str) -> None:
        for _, leg in list(self.offers.values()):
            if leg.caller == call_id:
                leg.caller_gone()

    # -- what offers tell (agent_leg.LegOutcomes) ----------------------------------------------------------------------

    def rang(self, attempt_id: str) -> None:
        self.records.rang(attempt_id)
        self.feed(OfferRinging(attempt_id))

    def answered(self, attempt_id: str) -> None:
        self.records.answered(attempt_id)
        decisions = self.feed(OfferAnswered(attempt_id))
        won = any(isinstance(each, AgentChanged) and each.attempt_id == attempt_id and each.work == "ANSWERED" for each in decisions)
        waiting = self._waiting_of(attempt_id)
        if not won or waiting is None:
            return  # the race is lost and the leg called off, or nobody waits on the line
        offer, _ = self.offers[attempt_id]
        waiting.attempt_id = attempt_id
        agent, rules = self.site.agent(offer.agent_id), self.site.queue(offer.queue)
        found = AgentFound(
            waiting.token,
            offer.agent_id,
            agent.rules.name if agent else "",
            agent.greeting_path if agent else "",
            announce_recording=bool(rules and rules.announce_recording and self.is_recorded(offer.queue, offer.agent_id)),
        )
        self.tell(waiting.call_id, found)

    def bridging(self, attempt_id: str) -> None:
        waiting = self._waiting_of(attempt_id)
        if waiting is not None:
            self._with_somebody(waiting.call_id, True)
        self.feed(OfferBridging(attempt_id))

    def bridged(self, attempt_id: str) -> None:
        decisions = self.feed(OfferBridged(attempt_id))
        if not any(isinstance(each, ItemEnded) and each.attempt_id == attempt_id for each in decisions):
            return  # called off in the last moment
        self.records.bridged(attempt_id)
        offer, leg = self.offers[attempt_id]
        waiting = self._waiting_of(attempt_id)
        token = waiting.token if waiting is not None else ""
        talk = Talk(
            attempt_id, offer.item_id, leg.caller, token, offer.agent_id, offer.queue, leg.leg_id, self.now(), offer.phone
        )  # fmt: skip
        self.talks.add(talk)
        if self.is_recorded(offer.queue, offer.agent_id):
            self.recordings.begin(talk)
        if waiting is not None:
            self.tell(waiting.call_id, TalkBegan(token, offer.agent_id))

    def failed(self, attempt_id: str, why: OfferFailure) -> None:
        waiting = self._waiting_of(attempt_id)
        self._forget(attempt_id)
        self.records.offer_ended(attempt_id, why)
        if waiting is not None and waiting.attempt_id == attempt_id:
            self._with_somebody(waiting.call_id, False)
        self.feed(OfferFailed(attempt_id, why))

    def _waiting_of(self, attempt_id: str) -> Waiting | None:
        known = self.offers.get(attempt_id)
        return self.room.item(known[0].item_id) if known else None

    def is_recorded(self, queue: str, agent_id: str) -> bool:
        """Whether talks of this agent with callers of this queue are recorded."""
        rules, agent = self.site.queue(queue), self.site.agent(agent_id)
        return (rules is None or rules.record) and (agent is None or agent.rules.record)
