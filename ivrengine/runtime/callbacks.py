"""Callbacks: customers who have hung up, or never waited, and keep a place in line all the same.

Each is a row, and while its time has come also an item of the dispatcher, virtual, with the place it has in line. When its turn
comes, agent and customer are rung one after the other (``callback_leg.py``). A customer who is busy or does not answer is tried again
after a pause, a limited number of times. Only numbers that calls may go to are ever dialled; each number waits once per queue.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ivrengine.acd.decisions import Decision, ItemEnded, Offer
from ivrengine.acd.happenings import Happening, Left, Queued
from ivrengine.acd.rules import QueueRules
from ivrengine.domain.caller import CallInfo, clean_name
from ivrengine.domain.commands import RequestCallback
from ivrengine.domain.events import CallbackDecided, CallEvent
from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError
from ivrengine.flow.types import OutsideNumber
from ivrengine.log import note
from ivrengine.storage.callbacks import Callback, Requested, Source
from ivrengine.storage.errors import NoSuchRecord, StorageError
from ivrengine.storage.store import Store

from .callback_leg import CallbackLeg
from .greenlets import Crew
from .outcome import Outcome, Who, done, refused
from .past_offers import excluded_until
from .waiting import Waiting, WaitingRoom

LOOK_SECONDS = 1.0  # between two looks at which callbacks are due
LOST_BOOST_SECONDS = 3600.0  # head start of a customer whom we have lost
GAVE_UP = ("abandoned", "short_abandon")
TO_LEAVE_A_MESSAGE = "voicemail"
MESSAGE_CALLS_LIMIT = 2000  # calls that have left a queue for a message and are not over

log = logging.getLogger(__name__)


class Line(Protocol):
    """The director, as far as callbacks need it."""

    dispatcher: Any
    room: WaitingRoom

    def feed(self, happening: Happening) -> list[Decision]: ...

    def leave(self, call_id: str, token: str, outcome: Any) -> None: ...


@dataclass(slots=True, eq=False)
class Errand:
    """A callback whose time has come. ``leg``: the offer under way that rings the customer, or talks with them.

    ``item_id``: the callback's id at first, and with ``+<try>`` after a try that failed, because an item ends only once.
    """

    callback: Callback
    item_id: str
    leg: CallbackLeg | None = field(default=None)
    talked: bool = False


class Callbacks:
    """``make_leg`` rings agent and customer for an offer; ``may_dial`` is the allow-list of numbers."""

    def __init__(
        self,
        line: Line,
        store: Store,
        rules: Callable[[str], QueueRules | None],
        may_dial: Callable[[str], bool],
        make_leg: Callable[[Offer, Errand, QueueRules, Callbacks], CallbackLeg],
        post: Callable[[str, CallEvent], None],
        crew: Crew,
        clock: Callable[[], float],
    ) -> None:
        self._line = line
        self._store = store
        self._rules = rules
        self._may_dial = may_dial
        self._make_leg = make_leg
        self._post = post
        self._crew = crew
        self._clock = clock
        self._errands: dict[str, Errand] = {}  # by item
        self._for_message: dict[str, Waiting] = {}  # by call: who left a queue to leave a message there
        self._failing = False

    # -- asking --------------------------------------------------------------------------------------------------------

    def request(self, call: CallInfo, command: RequestCallback) -> None:
        """A caller asks in a flow; never waits, the answer comes as CallbackDecided."""
        self._crew.spawn(self._request, call, command)

    def _request(self, call: CallInfo, command: RequestCallback) -> None:
        outcome: str = "failed"
        try:
            place = self._line.room.of_token(command.place) if command.place else None
            queued_at, boost_seconds = self._clock(), command.boost_seconds
            if place is not None:
                queued_at, boost_seconds = place.queued_at, self._boost_of(place.item_id, boost_seconds)
            outcome = self._ask(
                command.queue, command.number, call.name, "flow", queued_at, boost_seconds, call_id=call.call_id,
                rings=command.rings, not_before=command.not_before, not_after=command.not_after,
            )  # fmt: skip
            if outcome == "accepted" and place is not None and not place.over:
                self._line.leave(call.call_id, command.place, "callback_requested")
        except IvrEngineError as error:
            log.error("a callback could not be kept: %s", error)
        finally:
            self._post(call.call_id, CallbackDecided(command.token, outcome))  # type: ignore[arg-type]

    def _ask(
        self, queue: str, number: str, name: str, source: Source, queued_at: float, boost_seconds: float, **more: Any
    ) -> Requested | str:
        """``accepted``, ``duplicate``, ``full``, or ``not_allowed``. Returns when it is durable."""
        if self._rules(queue) is None or not OutsideNumber.pattern.match(number) or not self._may_dial(number):
            return "not_allowed"
        ticket = self._store.callbacks.request(
            str(uuid.uuid4()), queue, number, self._clock(), queued_at=queued_at, boost_seconds=boost_seconds,
            name=clean_name(name), source=source, contact_id=more.get("call_id", ""), **more,
        )  # fmt: skip
        outcome = ticket.wait()
        if outcome == "accepted":
            note(log, "a callback is kept", queue=queue, number=number, source=source)
        return outcome

    def _boost_of(self, item_id: str, otherwise: float) -> float:
        return next((item.boost_seconds for item in self._line.dispatcher.items() if item.item_id == item_id), otherwise)

    def do(self, verb: str, arguments: dict[str, str], who: Who) -> Outcome:
        """What the command line orders."""
        if verb == "add":
            return self.add(arguments.get("queue", ""), arguments.get("number", ""), arguments.get("name", ""), who)
        if verb == "cancel":
            return self.cancel(arguments.get("callback", ""), who)
        return refused(Sentence("callbacks can't %(verb)r", verb=verb[:40]))

    def add(self, queue: str, number: str, name: str, who: Who) -> Outcome:
        """A person of the house wants somebody called back."""
        outcome = self._ask(queue, number, name, "supervisor", self._clock(), 0.0)
        self._store.audit.add(who.name, "add_callback", f"queue {queue[:40]}", "", outcome, self._clock())
        sentences = {
            "duplicate": Sentence("this number waits to be called back from that queue already"),
            "full": Sentence("as many callbacks as that queue may have wait already"),
            "not_allowed": Sentence(
                "there is no queue %(queue)r, or calls may not go to this number (engine.outside_numbers)", queue=queue[:40]
            ),
        }
        return (
            done(Sentence("it will be called back when its turn comes."))
            if outcome == "accepted"
            else refused(sentences[outcome], code=outcome)
        )

    def cancel(self, callback_id: str, who: Who) -> Outcome:
        """``callback_id`` may be cut short. A talk that is under way goes on."""
        try:
            whole = self._store.callbacks.cancel(callback_id, who.name, self._clock()).wait()
        except NoSuchRecord as error:
            return refused(str(error))
        self._take_out(whole, "flow_out")
        return done(Sentence("Nobody is called back for it."))

    def reached(self, queue: str, number: str, agent_id: str) -> None:
        """An agent has called this customer by themselves: nobody else does it again. One that is being rung for it is left alone."""
        try:
            for each in self._store.callbacks.open():
                if (each.queue, each.number) == (queue, number) and self._take_out(each.callback_id, "flow_out"):
                    self._store.callbacks.done(each.callback_id, "talked", self._clock(), agent_id)
        except StorageError as error:
            log.error("whether a customer waits to be called back is not known: %s", error)

    # -- where callbacks come from besides ------------------------------------------------------------------------------

    def item_ended(self, ended: ItemEnded, waiting: Waiting | None) -> None:
        """A waiting is over; must not wait. A callback's own item ends its errand; a caller's may begin one."""
        if waiting is None:
            self._errand_ended(ended)
            return
        rules = self._rules(ended.queue)
        if rules is None:
            return
        if ended.terminal in GAVE_UP and rules.callback_from_abandoned:
            self._crew.spawn(self._ask_quietly, ended.queue, waiting.number, waiting, "abandoned", 0.0)
        elif ended.terminal == TO_LEAVE_A_MESSAGE and rules.callback_from_messages and len(self._for_message) < MESSAGE_CALLS_LIMIT:
            self._for_message[waiting.call_id] = waiting

    def call_over(self, call_id: str) -> None:
        """A call has ended: whoever has left a message instead of waiting is called back, on the number they said."""
        waiting = self._for_message.pop(call_id, None)
        if waiting is not None:
            self._crew.spawn(self._ask_for_message, waiting)

    def lost(self, waiting: Waiting) -> None:
        """A caller whom we have lost (the switch died): called back before the others. Only spawns."""
        self._crew.spawn(self._ask_quietly, waiting.queue, waiting.number, waiting, "lost", LOST_BOOST_SECONDS)

    def _ask_for_message(self, waiting: Waiting) -> None:
        try:
            messages = self._store.messages.of_call(waiting.call_id)
        except StorageError as error:
            log.error("whether a caller has left a message is not known: %s", error)
            return
        if messages:
            self._ask_quietly(waiting.queue, messages[-1].callback_number or waiting.number, waiting, "message", 0.0)

    def _ask_quietly(self, queue: str, number: str, waiting: Waiting, source: Source, boost_seconds: float) -> None:
        try:
            outcome = self._ask(queue, number, waiting.name, source, waiting.queued_at, boost_seconds, call_id=waiting.call_id)
        except StorageError as error:
            log.error("a callback could not be kept: %s", error)
            return
        if outcome != "accepted":
            note(log, "somebody is not called back", number=number, queue=queue, outcome=outcome, source=source)

    # -- the line ------------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Put into the line what is due, and end what is too late; called LOOK_SECONDS apart, waits for the database."""
        try:
            self._look(self._clock())
            self._failing = False
        except StorageError as error:
            if not self._failing:
                log.error("callbacks can't be read: %s", error)
            self._failing = True

    def _look(self, now: float) -> None:
        for callback in self._store.callbacks.too_late(now):
            if not self._take_out(callback.callback_id, "timeout"):
                continue  # they talk, or are being rung
            self._store.callbacks.done(callback.callback_id, "expired", now)
        in_line = {errand.callback.callback_id for errand in self._errands.values()}
        for callback in self._store.callbacks.due(now):
            if callback.callback_id not in in_line and self._rules(callback.queue) is not None:
                self._enter(callback)

    def _enter(self, callback: Callback) -> None:
        item_id = f"{callback.callback_id}+{callback.attempts}" if callback.attempts else callback.callback_id
        self._errands[item_id] = Errand(callback, item_id)
        self._store.segments.begin(
            item_id, callback.contact_id or callback.callback_id, callback.call_id, "", callback.queue, callback.number,
            callback.queued_at, callback.rings, callback.boost_seconds, virtual=True,
        )  # fmt: skip
        tried, rules = self._store.attempts.of_item(item_id), self._rules(callback.queue)
        queued = Queued(
            item_id, callback.queue, callback.queued_at, callback.rings, callback.boost_seconds, virtual=True, attempts_before=len(tried),
            excluded_until=excluded_until(tried, rules.exclusion_seconds if rules else 0.0, self._clock()),
        )  # fmt: skip
        self._line.feed(queued)

    def _take_out(self, callback_id: str, terminal: Any) -> bool:
        """Out of the line, unless it is being made; True where nothing of it is left."""
        errand = next((each for each in self._errands.values() if each.callback.callback_id == callback_id), None)
        if errand is None:
            return True
        if errand.leg is not None:
            return False
        self._line.feed(Left(errand.item_id, terminal))
        return True

    def number_of(self, item_id: str) -> str:
        """Whom the item is for; "" where it is none of ours."""
        errand = self._errands.get(item_id)
        return errand.callback.number if errand is not None else ""

    # -- one offer -----------------------------------------------------------------------------------------------------

    def offer_leg(self, offer: Offer) -> CallbackLeg:
        """What rings for an offer of a callback. Raises LookupError where there is none of that name (any more)."""
        errand, rules = self._errands.get(offer.item_id), self._rules(offer.queue)
        if errand is None or rules is None:
            raise LookupError(f"there is no callback {offer.item_id}")
        errand.leg = leg = self._make_leg(offer, errand, rules, self)
        return leg

    def offer_over(self, errand: Errand, leg: CallbackLeg) -> None:
        """The offer has come to nothing; the callback waits on where it was."""
        if errand.leg is leg:
            errand.leg = None

    def talking(self, errand: Errand, agent_id: str) -> None:
        """Agent and customer hear each other: the callback is made, also for an engine that comes after this one."""
        errand.talked = True
        self._store.callbacks.done(errand.callback.callback_id, "talked", self._clock(), agent_id).hurry()

    def not_reached(self, errand: Errand, why: str) -> None:
        """The customer is busy, does not answer...: again later, or never."""
        rules = self._rules(errand.callback.queue)
        tries = errand.callback.attempts + 1
        now = self._clock()
        # Written before the item ends, so that no look puts it into the line again meanwhile.
        pause_seconds = rules.callback_pause_seconds if rules is not None else 0.0
        self._store.callbacks.tried(errand.callback.callback_id, why, now + max(LOOK_SECONDS, pause_seconds))
        if rules is None or tries >= rules.callback_tries:
            self._store.callbacks.done(errand.callback.callback_id, why, now)
            note(log, "a customer was not reached and is not tried again", number=errand.callback.number, tries=tries)
        self._line.feed(Left(errand.item_id, "flow_out"))

    def _errand_ended(self, ended: ItemEnded) -> None:
        errand = self._errands.get(ended.item_id)
        if errand is None:
            return
        if ended.terminal == "answered":
            return  # until the talk is over the customer's leg is ours
        self._crew.spawn(self._forget_when_kept, errand)
        if ended.terminal == "failed":  # its queue is gone
            self._store.callbacks.done(errand.callback.callback_id, "failed", self._clock())

    def _forget_when_kept(self, errand: Errand) -> None:
        """Only after the database knows what became of it may a look find it due again."""
        self._store.database.write(lambda db: None, "the end of a callback's turn")
        self._errands.pop(errand.item_id, None)

    def talk_over(self, item_id: str) -> None:
        self._errands.pop(item_id, None)
