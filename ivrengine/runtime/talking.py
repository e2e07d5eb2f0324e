"""Live talks: what happens on the agents' legs, and what agents and supervisors do with a caller they have.

A talk lives from the moment that caller and agent hear each other until the agent's leg is certainly gone. The caller's step goes
on then, unless the caller was passed on; one who is passed on to a queue enters it only when the old leg is gone, so that nobody
is ever connected twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

from ivrengine.acd.decisions import ItemEnded, Offer
from ivrengine.acd.dispatcher import Dispatcher
from ivrengine.acd.happenings import OfferFailure, Queued, TalkChanged, TalkEnded
from ivrengine.domain.commands import RaiseAlarm
from ivrengine.domain.events import CallEvent, QueueEnded, QueueEvent, Requeued, TalkBegan, TalkPaused
from ivrengine.domain.legs import LegBridged, LegEvent, LegGone, LegHeld, LegReferred, LegState, LegUnbridged

from .call_recordings import CallRecordings
from .dispatching import Dispatching
from .greenlets import Crew
from .queue_records import AfterTalk, QueueRecords
from .talks import Talk, Talks
from .waiting import Waiting, WaitingRoom

PASSED_ON_SECONDS = 30.0  # so long one who is passed on to an agent waits for that agent alone

log = logging.getLogger(__name__)


class OfferLeg(Protocol):
    """One offer under way: runtime.agent_leg.AgentLeg, or what callbacks put in its place. ``caller``: whom it is connected with,
    ``rings``: whether the agent's phone does, and has not been answered."""

    leg_id: str
    caller: str

    @property
    def rings(self) -> bool: ...

    def start(self) -> Any: ...

    def cancel(self, why: OfferFailure = "withdrawn") -> None: ...

    def caller_ready(self) -> None: ...

    def caller_gone(self) -> None: ...

    def leg_event(self, event: LegEvent) -> None: ...


class TalkLegs(Protocol):
    """What it needs of ``esl.legs.Legs``."""

    def kill(self, leg_id: str) -> None: ...

    def unbridge(self, leg_id: str) -> None: ...

    def bridge(self, call_id: str, leg_id: str) -> bool: ...


class Talking(Dispatching):
    """``post`` gives a call's session an event; ``with_somebody(call_id, on)`` tells it that the caller is about to be connected, or
    alone again. The ``on_*`` members and ``hands_over`` are set by those who want to know; they must not wait."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        legs: TalkLegs,
        records: QueueRecords,
        recordings: CallRecordings,
        crew: Crew,
        clock: Callable[[], float],
        post: Callable[[str, CallEvent], None],
        with_somebody: Callable[[str, bool], None],
        alarm: Callable[[RaiseAlarm], None],
    ) -> None:
        super().__init__(dispatcher, crew, clock, alarm)
        self.legs = legs
        self.records = records
        self.recordings = recordings
        self.room = WaitingRoom()
        self.talks = Talks()
        self.offers: dict[str, tuple[Offer, OfferLeg]] = {}  # attempt id -> what is under way, talks included
        self.after: dict[str, AfterTalk] = {}  # agent id -> the talk whose wrap-up is under way
        self.on_resynchronised: Callable[[list[LegState]], None] = lambda legs: None
        self.on_talk_event: list[Callable[[Talk, LegEvent], None]] = []
        self.on_talk_ended: list[Callable[[Talk], None]] = []
        self.hands_over: Callable[[Talk], bool] = lambda talk: False  # whether somebody else has this caller, or will
        self._post = post
        self._with_somebody = with_somebody
        self._attempts: dict[str, str] = {}  # leg id -> attempt id
        self._owners: dict[str, Callable[[LegEvent], None]] = {}  # leg id -> who dialled it beside the offers
        self._joined: dict[str, str] = {}  # leg id -> the call it is connected with

    # -- who talks -----------------------------------------------------------------------------------------------------

    def talk_of(self, agent_id: str) -> Talk | None:
        return self.talks.of_agent(agent_id)

    def talk_of_leg(self, leg_id: str) -> Talk | None:
        return self.talks.of_leg(leg_id)

    def ringing_leg(self, agent_id: str) -> str:
        """The leg by which the agent's phone rings now, for a caller or for a call of their own; "" for none."""
        ringing = (leg for offer, leg in self.offers.values() if offer.agent_id == agent_id)
        return next((leg.leg_id for leg in ringing if leg.rings), "")

    def item_of_call(self, call_id: str) -> str:
        """The item by which the call waits, or by which it was connected and still talks; "" for neither."""
        return next((waiting.item_id for waiting in self.room.of_call(call_id) if not waiting.over), "")

    def tell(self, call_id: str, event: CallEvent) -> None:
        """Give a call's session an event; one of a waiting is kept, for a step that asks again after a restart."""
        if isinstance(event, QueueEvent):
            waiting = self.room.of_token(event.token)
            if waiting is not None:
                waiting.event = event
                if isinstance(event, QueueEnded):
                    self.room.end(waiting)
        self._post(call_id, event)

    # -- what legs tell (esl.leg_book.LegsListener) --------------------------------------------------------------------

    def leg_event(self, leg_id: str, event: LegEvent) -> None:
        self._watch_callers(leg_id, event)
        owner = self._owners.get(leg_id)
        if owner is not None:
            owner(event)
        attempt_id = self._attempts.get(leg_id)
        if attempt_id is None:
            return
        self.offers[attempt_id][1].leg_event(event)
        talk = self.talks.of_attempt(attempt_id)
        if talk is not None:
            self._talk_event(talk, event)

    def legs_resynchronised(self, legs: list[LegState]) -> None:
        self.on_resynchronised(legs)

    def own_leg(self, leg_id: str, on: Callable[[LegEvent], None]) -> None:
        """Have what happens on a leg told, beside or without an offer."""
        self._owners[leg_id] = on

    def disown_leg(self, leg_id: str) -> None:
        self._owners.pop(leg_id, None)

    def joined(self, leg_id: str, call_id: str) -> None:
        """An earlier process has connected this caller."""
        self._joined[leg_id] = call_id
        self._with_somebody(call_id, True)

    def is_known(self, leg_id: str) -> bool:
        """Whether anybody looks after this leg."""
        return leg_id in self._attempts or leg_id in self._owners

    def recording_stopped(self, path: str, cause: str) -> None:
        self.recordings.stopped(path, cause)

    def _watch_callers(self, leg_id: str, event: LegEvent) -> None:
        """The dead-man's switch must not cut in while a caller talks, to whomever."""
        if isinstance(event, LegBridged):
            self._joined[leg_id] = event.other
            self._with_somebody(event.other, True)
        elif isinstance(event, LegUnbridged | LegGone) and leg_id in self._joined:
            call_id = self._joined.pop(leg_id)
            if call_id not in self._joined.values():
                self._with_somebody(call_id, False)

    def _talk_event(self, talk: Talk, event: LegEvent) -> None:
        match event:
            case LegHeld(held) if talk.work in ("TALKING", "HOLD"):
                self.change_work(talk, "HOLD" if held else "TALKING")
            case LegBridged(other) if other == talk.call_id:
                talk.caller_there = True
            case LegUnbridged(other) if other == talk.call_id:
                self._alone(talk)
            case LegReferred("attended", _, with_channel):
                talk.caller_there = False  # they talk to somebody else already
                self._joined[with_channel] = talk.call_id
            case LegReferred("ringing"):
                talk.caller_there = False  # the switch itself plays them music
        for hook in self.on_talk_event:
            hook(talk, event)

    # -- what is done with a caller; these may wait for the switch -----------------------------------------------------

    def change_work(self, talk: Talk, work: Literal["TALKING", "HOLD", "CONSULT", "CONFERENCE"]) -> None:
        """What the agent does with the caller now."""
        if not talk.over and talk.work != work:
            talk.change_work(work, self.now())
            self.feed(TalkChanged(talk.attempt_id, work))

    def release_leg(self, talk: Talk) -> None:
        """Part caller and agent: both are parked. The caller's music begins when the switch says so, not before."""
        self.legs.unbridge(talk.leg_id)

    def rejoin(self, talk: Talk) -> None:
        """Caller and agent are connected again. TalkBegan comes first: music that is cut by the connection would begin anew."""
        if talk.over:
            return
        self._with_somebody(talk.call_id, True)
        if talk.token:
            self.tell(talk.call_id, TalkBegan(talk.token, talk.agent_id))
        if self.legs.bridge(talk.call_id, talk.leg_id):
            self.change_work(talk, "TALKING")
        else:
            self._with_somebody(talk.call_id, False)
            talk.caller_there = True
            self._alone(talk)

    def end_talk(self, talk: Talk) -> None:
        """Take the agent's leg down; the caller's flow goes on."""
        if not talk.over:
            self.legs.kill(talk.leg_id)

    def requeue(
        self, talk: Talk, queue: str, *, excluded: Sequence[str] = (), sticky_agent: str = "", keeps_age: bool = False
    ) -> str:
        """Pass the caller on to a queue: a new item, and segment, under the same token. Gives the item's id, "" where that can't be.

        ``keeps_age``: ahead of all who came after them. The row is there before the agent's leg is taken down: whenever we die, the
        caller waits or talks.
        """
        before = self.room.of_token(talk.token)
        if before is None or talk.next_queue is not None:
            return ""
        before.passed_on += 1
        now = self.now()
        queued = Queued(
            f"{talk.token}+{before.passed_on}", queue, now, boost_seconds=max(0.0, now - before.queued_at) if keeps_age else 0.0,
            sticky_agent=sticky_agent,
            sticky_seconds=PASSED_ON_SECONDS if sticky_agent else 0.0, excluded=tuple(excluded),
        )  # fmt: skip
        after = Waiting(
            queued.item_id, before.call_id, before.token, queue, now, before.number, before.name, passed_on=before.passed_on
        )  # fmt: skip
        self.records.queued(after, queued)
        talk.passed_on, talk.next_queue = True, queued
        if talk.over:
            self._enter_next_queue(talk, before, queued)
        else:
            self.legs.kill(talk.leg_id)
        return queued.item_id

    def _enter_next_queue(self, talk: Talk, before: Waiting, queued: Queued) -> None:
        if self.room.of_token(talk.token) is not before:
            self._never_queued(queued)
            return
        self.room.end(before)
        after = Waiting(
            queued.item_id, before.call_id, before.token, queued.queue, queued.queued_at, before.number, before.name,
            in_line=True, passed_on=before.passed_on,
        )  # fmt: skip
        self.room.add(after)
        self.tell(after.call_id, Requeued(after.token, queued.queue))
        self.feed(queued)

    def _never_queued(self, queued: Queued) -> None:
        """The caller has hung up before the old leg was gone: the segment that was begun ends."""
        waited = self.now() - queued.queued_at
        self.records.item_ended(ItemEnded(queued.item_id, queued.queue, "abandoned", waited))

    def _alone(self, talk: Talk) -> None:
        if talk.caller_there:
            talk.caller_there = False
            waiting = self.room.of_token(talk.token)
            if waiting is not None and not waiting.over and talk.next_queue is None:
                self.tell(talk.call_id, TalkPaused(talk.token))

    # -- the end of a talk ---------------------------------------------------------------------------------------------

    def talk_ended(self, attempt_id: str, talk_ms: int) -> None:
        """The agent's leg is gone (agent_leg.LegOutcomes)."""
        self._forget(attempt_id)
        talk = self.talks.remove(attempt_id)
        if talk is None:  # called off in the very moment of connection
            self.records.offer_ended(attempt_id, "withdrawn")
            self.feed(TalkEnded(attempt_id))
            return
        self.recordings.end(talk)
        stays = talk.passed_on or self.hands_over(talk)
        self.after[talk.agent_id] = self.records.talked(talk, self.now())
        self.feed(TalkEnded(attempt_id))
        if stays:
            self._alone(talk)
        for hook in self.on_talk_ended:
            hook(talk)
        waiting = self.room.item(talk.item_id)
        if talk.next_queue is not None:
            if waiting is None:
                self._never_queued(talk.next_queue)
            else:
                self._enter_next_queue(talk, waiting, talk.next_queue)
        elif waiting is not None and not stays:
            self.tell(waiting.call_id, QueueEnded(waiting.token, "answered", talk.agent_id, talk_ms))

    def _forget(self, attempt_id: str) -> None:
        known = self.offers.pop(attempt_id, None)
        if known is not None:
            self._attempts.pop(known[1].leg_id, None)
