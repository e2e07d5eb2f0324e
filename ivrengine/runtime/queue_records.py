"""Writes down what happens in queues and to agents, ahead of what outlives this process.

Rows are handed to the database's group commit and not waited for; those that a restart needs to find a caller's place or an
agent's leg are hurried. Nothing here raises into the director: what can't be written is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ivrengine.acd.decisions import AgentChanged, ItemEnded, Offer, WrapUpEnded
from ivrengine.acd.happenings import Queued
from ivrengine.acd.views import AgentView
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import KeepMark
from ivrengine.storage.database import Ticket
from ivrengine.storage.errors import StorageError
from ivrengine.storage.segments import Direction
from ivrengine.storage.store import Store

from .clock import EvenClock
from .talks import Talk
from .waiting import Waiting

UNLIMITED = 4102444800.0  # 2100-01-01: a wrap-up that only a disposition ends

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AfterTalk:
    """A talk whose wrap-up is under way. ``handled_seconds``: talk and hold. ``own``: a call that the agent has made."""

    item_id: str
    queue: str
    attempt_id: str
    since: float
    handled_seconds: float
    own: bool = False


class QueueRecords:
    """Times are given by the director's clock and written as the wall's."""

    def __init__(self, store: Store, clock: EvenClock) -> None:
        self._store = store
        self._clock = clock

    # -- waiting -------------------------------------------------------------------------------------------------------

    def contact_began(self, call: CallInfo) -> None:
        self._write(self._store.contacts.begin, call.call_id, call.number, call.name, self._clock.wall(self._clock()))

    def queued(self, waiting: Waiting, queued: Queued) -> None:
        self._hurry(
            self._store.segments.begin, queued.item_id, waiting.call_id, waiting.call_id, waiting.token, queued.queue, waiting.number,
            self._clock.wall(queued.queued_at), queued.rings, queued.boost_seconds, queued.sticky_agent, queued.sticky_seconds,
            queued.max_wait_seconds, queued.virtual, queued.excluded,
        )  # fmt: skip

    def moved(self, item_id: str, queue: str, boost_seconds: float) -> None:
        self._hurry(self._store.segments.moved, item_id, queue, boost_seconds)

    def item_ended(self, ended: ItemEnded) -> None:
        now = self._clock.wall(self._clock())
        write = self._store.segments.ended
        self._hurry(write, ended.item_id, ended.terminal, now, ended.wait_seconds, ended.agent_id, ended.attempt_id)

    def mark(self, call: CallInfo, mark: KeepMark) -> None:
        self._write(self._store.marks.keep, mark, call.call_id, self._clock.wall(self._clock()))

    # -- offers --------------------------------------------------------------------------------------------------------

    def offered(self, offer: Offer, leg_id: str) -> None:
        now = self._clock.wall(self._clock())
        self._hurry(self._store.attempts.begin, offer.attempt_id, offer.item_id, offer.agent_id, offer.phone, leg_id, now)

    def own_call_began(self, offer: Offer, number: str, name: str, direction: Direction, now: float) -> None:
        """An agent calls somebody: a contact, and a segment, of its own."""
        at = self._clock.wall(now)
        self._write(self._store.contacts.begin, offer.item_id, number, name, at)
        self._hurry(
            self._store.segments.begin, offer.item_id, offer.item_id, "", "", offer.queue, number, at, virtual=True, direction=direction
        )

    def rang(self, attempt_id: str) -> None:
        self._write(self._store.attempts.rang, attempt_id, self._clock.wall(self._clock()))

    def answered(self, attempt_id: str) -> None:
        self._write(self._store.attempts.answered, attempt_id, self._clock.wall(self._clock()))

    def bridged(self, attempt_id: str) -> None:
        self._hurry(self._store.attempts.bridged, attempt_id, self._clock.wall(self._clock()))

    def offer_ended(self, attempt_id: str, outcome: str) -> None:
        self._hurry(self._store.attempts.ended, attempt_id, outcome, self._clock.wall(self._clock()))

    # -- talks and wrap-up ---------------------------------------------------------------------------------------------

    def talked(self, talk: Talk, now: float) -> AfterTalk:
        """The agent's leg is gone. Gives what ``wrapped_up`` wants to know later."""
        talk.change_work("OVER", now)
        talk_seconds = max(0.0, now - talk.since - talk.hold_seconds)
        self._hurry(self._store.segments.talked, talk.item_id, talk_seconds, talk.hold_seconds, self._clock.wall(now))
        self.offer_ended(talk.attempt_id, "talked")
        return AfterTalk(talk.item_id, talk.queue, talk.attempt_id, now, talk_seconds + talk.hold_seconds, talk.own)

    def wrapped_up(self, after: AfterTalk, ended: WrapUpEnded, now: float) -> None:
        seconds = max(0.0, now - after.since)
        self._write(self._store.segments.wrapped_up, after.item_id, seconds, ended.disposition, ended.automatic)

    # -- agents --------------------------------------------------------------------------------------------------------

    def agent_changed(self, changed: AgentChanged, agent: AgentView | None) -> None:
        """``agent``: as they are after the change; None for one who is gone from the site."""
        wall = self._clock.wall
        known: dict[str, Any] = {}
        if agent is not None and changed.intent != "LOGGED_OUT":
            known = {"idle_since": wall(agent.idle_since), "calls": agent.calls, "talk_seconds": agent.talk_seconds}
            if changed.work == "WRAP_UP":
                until = wall(agent.wrap_up_until) if agent.wrap_up_until else UNLIMITED
                known |= {"wrap_up_until": until, "wrap_up_queue": agent.queue}
        write = self._write if changed.attempt_id else self._hurry  # what an agent was told by speech must not be lost
        write(
            self._store.agent_states.log, changed.agent_id, changed.intent, changed.work, changed.reason, wall(changed.since),
            changed.attempt_id, agent.phone if known and agent is not None else "", changed.epoch, **known,
        )  # fmt: skip

    def wished(self, agent_id: str, intent: str, reason: str) -> None:
        self._hurry(self._store.agent_states.wish, agent_id, intent, reason)

    # -- how -----------------------------------------------------------------------------------------------------------

    def _hurry(self, write: Callable[..., Ticket[Any]], *args: Any, **named: Any) -> None:
        ticket = self._write(write, *args, **named)
        if ticket is not None:
            ticket.hurry()

    def _write(self, write: Callable[..., Ticket[Any]], *args: Any, **named: Any) -> Ticket[Any] | None:
        try:
            return write(*args, **named)
        except StorageError as error:
            log.error("not written down: %s", error)
            return None
