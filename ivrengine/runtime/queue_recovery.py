"""After a restart: queues, talks and agents as an earlier process left them, from its rows and from what the switch still holds.

``load`` reads the rows before the link is up; ``rebuild`` runs once, when the switch's channels are known, and never waits. What it does:

- agents are where they were, and matched only after ``Opened``, when also the calls picked up have said what they still want;
- who has refused or missed a call is not asked again before the time, by that caller or, during the pause after it, by any;
- a caller and an agent who still hear each other go on, and so does their recording;
- a caller who was waiting, and is there, has the place they had; one whose agent had not been connected yet waits again;
- an agent who was consulting somebody has the caller back;
- any other leg is killed, and its phone counts as busy until it is gone;
- a row without its caller ends as ``failed``, and the customer is offered a callback before the others.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ivrengine.acd.decisions import ItemEnded, Offer, WrapUpEnded
from ivrengine.acd.happenings import AgentFound, Left, Opened, Queued, TalkFound
from ivrengine.domain.commands import RaiseAlarm
from ivrengine.domain.events import AgentLost, QueueEnded, TalkBegan
from ivrengine.domain.legs import LegEvent, LegGone, LegState
from ivrengine.domain.sentence import Sentence
from ivrengine.esl.errors import EslError
from ivrengine.esl.switch import ChannelState
from ivrengine.log import note
from ivrengine.storage.agent_states import AgentState
from ivrengine.storage.attempts import Attempt
from ivrengine.storage.segments import Segment
from ivrengine.storage.store import Store

from . import past_offers
from .agent_leg import AgentLeg
from .director import Director
from .queue_records import AfterTalk
from .talks import Talk
from .waiting import Waiting

UNJUDGED_SECONDS = 86400.0  # recordings of talks up to so old are looked at if the earlier process did not come to it

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Rows:
    """What an earlier process had written. ``tried``: item id -> offers made of it. ``lately``: agent id -> offers since
    the log-in, the newest first, and since when the agent is ready. ``over``: token -> the ended segment that its
    call's saved place still waits by. ``wrapping``: agent id -> the talk whose wrap-up was under way."""

    agents: dict[str, AgentState] = field(default_factory=dict)
    waiting: list[Segment] = field(default_factory=list)
    dialled: list[Segment] = field(default_factory=list)  # agents' own calls, not answered yet
    talking: list[Segment] = field(default_factory=list)
    attempts: dict[str, Attempt] = field(default_factory=dict)  # by leg
    tried: dict[str, list[Attempt]] = field(default_factory=dict)
    lately: dict[str, tuple[list[Attempt], float]] = field(default_factory=dict)
    over: dict[str, Segment] = field(default_factory=dict)
    wrapping: dict[str, Segment] = field(default_factory=dict)
    wishes: dict[str, tuple[str, str]] = field(default_factory=dict)
    unjudged: list[Segment] = field(default_factory=list)


class QueueRecovery:
    """``alive``: the callers' channels that the switch holds, by call id. ``adopt_leg`` makes the AgentLeg of a talk that goes on.
    ``lost``: told of a caller whom we have lost."""

    def __init__(
        self,
        director: Director,
        store: Store,
        alive: Callable[[], Mapping[str, ChannelState]],
        adopt_leg: Callable[[Offer, str, Director], AgentLeg],
        clock: Callable[[], float],
    ) -> None:
        self.on_done: Callable[[], None] = lambda: None
        self.lost: Callable[[Waiting], None] = lambda waiting: None
        self.dialled_found: Callable[[str, str], None] = lambda leg_id, number: None  # a customer on a leg of ours talks to an agent
        self._director = director
        self._store = store
        self._alive = alive
        self._adopt_leg = adopt_leg
        self._now = clock
        self._rows = Rows()
        self.done = False

    def load(self, waiting_tokens: Iterable[tuple[str, str]]) -> None:
        """Read the rows; ``waiting_tokens``: call id and token of every saved call that waits in a queue. Raises StorageError."""
        rows = self._rows
        rows.agents = self._store.agent_states.last()
        rows.wishes = self._store.agent_states.wishes()
        rows.unjudged = self._store.segments.unjudged(self._now() - UNJUDGED_SECONDS)
        rows.waiting = [segment for segment in self._store.segments.waiting() if not segment.virtual]
        rows.dialled = self._store.segments.being_dialled()
        rows.talking = self._store.segments.talking()
        rows.attempts = {attempt.leg_id: attempt for attempt in self._store.attempts.live()}
        rows.tried = {segment.item_id: self._store.attempts.of_item(segment.item_id) for segment in rows.waiting}
        for state in rows.agents.values():
            logged_out, not_ready = self._store.agent_states.last_left(state.agent_id)
            rows.lately[state.agent_id] = self._store.attempts.lately(state.agent_id, logged_out, past_offers.LATELY_LIMIT), not_ready
            if state.work == "WRAP_UP" and (last := self._store.segments.last_of_agent(state.agent_id)) is not None:
                rows.wrapping[state.agent_id] = last
        open_tokens = {segment.token for segment in (*rows.waiting, *rows.talking)}
        for call_id, token in waiting_tokens:
            ended = [each for each in self._store.segments.of_contact(call_id) if each.token == token and token not in open_tokens]
            if ended:
                rows.over[token] = ended[-1]

    def rebuild(self, legs: list[LegState]) -> None:
        """Everything that can be found again is found; then matching begins."""
        rows, self._rows = self._rows, Rows()
        alive = self._alive()
        self._guarded(self._find_missed_talks, rows, legs, alive)
        talks = self._talks_that_go_on(rows, legs, alive)
        attempts = {attempt_id for _, attempt_id, _, _ in talks}
        items = {segment.item_id for segment, _, _, _ in talks}
        going_on = {leg.leg_id for _, _, leg, _ in talks}
        partners = {caller for _, _, _, caller in talks}
        for state in rows.agents.values():
            self._guarded(self._find_agent, state, rows, attempts)
        for segment, attempt_id, leg, caller in talks:
            self._guarded(self._go_on, rows, segment, attempt_id, leg, caller)
        for agent_id, wish in rows.wishes.items():
            self._guarded(self._director.remember_wish, agent_id, *wish)
        for leg in legs:
            if leg.leg_id not in going_on and leg.leg_id not in partners:
                self._guarded(self._end_leg, leg, rows.attempts.get(leg.leg_id), rows, alive)
        for segment in rows.talking:
            if segment.item_id not in items:
                self._guarded(self._end_talk, segment, alive)
        for segment in rows.dialled:
            if segment.item_id not in items:
                waited = max(0.0, self._now() - segment.queued_at)
                self._director.records.item_ended(ItemEnded(segment.item_id, segment.queue, "failed", waited))
        for leg_id, attempt in rows.attempts.items():
            if leg_id not in going_on:
                self._director.records.offer_ended(attempt.attempt_id, "withdrawn")
        for segment in rows.waiting:
            if segment.item_id not in items:
                self._guarded(self._wait_on, segment, rows, alive)
        for segment in rows.unjudged:
            self._director.crew.spawn(self._director.recordings.judge, segment.item_id, segment.recording_path)
        for token, segment in rows.over.items():
            self._guarded(self._remember_end, token, segment)
        self.done = True
        self.on_done()
        self._director.feed(Opened())
        note(
            log, "queues and agents are as they were", waiting=len(self._director.room), talks=len(self._director.talks),
            agents=sum(view.intent != "LOGGED_OUT" for view in self._director.dispatcher.agents()),
        )  # fmt: skip

    def _guarded(self, work: Callable[..., None], *args: Any) -> None:
        """What can't be found again must not cost the others."""
        try:
            work(*args)
        except Exception as error:
            log.exception("something of an earlier process could not be picked up")
            self._director.alarm(
                RaiseAlarm(
                    "recovery_failed",
                    Sentence("%(name)s: %(name_2)s: %(error)s", name=work.__name__, name_2=type(error).__name__, error=error),
                )
            )

    # -- talks ---------------------------------------------------------------------------------------------------------

    def _find_missed_talks(self, rows: Rows, legs: list[LegState], alive: Mapping[str, ChannelState]) -> None:
        """A talk that began just before the earlier process died, and ended before this one came up: only the caller's channel
        knows of it. Who has talked does not wait again."""
        there = {leg.leg_id for leg in legs}
        for segment in list(rows.waiting):
            channel = alive.get(segment.call_id)
            attempt = rows.attempts.get(channel.last_bridged_to) if channel is not None else None
            if attempt is None or attempt.item_id != segment.item_id or attempt.leg_id in there:
                continue
            began = attempt.answered_at or attempt.offered_at
            ended = ItemEnded(
                segment.item_id, segment.queue, "answered", max(0.0, began - segment.queued_at), attempt.attempt_id, attempt.agent_id
            )  # fmt: skip
            self._director.records.item_ended(ended)
            self._director.records.bridged(attempt.attempt_id)
            rows.waiting.remove(segment)
            known = {"terminal": "answered", "ended_at": began, "agent_id": attempt.agent_id, "attempt_id": attempt.attempt_id}
            rows.talking.append(replace(segment, **known))

    def _talks_that_go_on(
        self, rows: Rows, legs: list[LegState], alive: Mapping[str, ChannelState]
    ) -> list[tuple[Segment, str, LegState, str]]:
        """Segment, attempt, agent's leg, and the channel of the caller (or of the customer called back)."""
        segments = {segment.item_id: segment for segment in (*rows.waiting, *rows.dialled, *rows.talking)}
        passed_on = {segment.token for segment in rows.waiting} & {segment.token for segment in rows.talking}
        others = {leg.leg_id: leg for leg in legs if "attempt" not in leg.tags}
        found = []
        for leg in legs:
            segment, attempt_id = segments.get(leg.tags.get("item", "")), leg.tags.get("attempt", "")
            if segment is None or not leg.answered or (segment.token and segment.token in passed_on):
                continue
            if segment.virtual:
                on_hold = (other for other in others.values() if other.answered and other.tags.get("item_of") == segment.item_id)
                customer = others.get(leg.bridged_to) or (next(on_hold, None) if segment.terminal == "answered" else None)
                if customer is not None:
                    found.append((segment, attempt_id, leg, customer.leg_id))
            elif segment.call_id in alive:
                consulting = segment.terminal == "answered" and segment.attempt_id == attempt_id
                if leg.bridged_to == segment.call_id or consulting:
                    found.append((segment, attempt_id, leg, segment.call_id))
        return found

    def _go_on(self, rows: Rows, segment: Segment, attempt_id: str, leg: LegState, caller: str) -> None:
        director, now = self._director, self._now()
        agent_id, queue = leg.tags.get("agent", segment.agent_id), leg.tags.get("queue", segment.queue)
        attempt, state = rows.attempts.get(leg.leg_id), rows.agents.get(agent_id)
        phone = attempt.phone if attempt is not None else state.phone if state is not None else ""
        if segment.terminal != "answered":
            waited = max(0.0, now - segment.queued_at)
            director.records.item_ended(ItemEnded(segment.item_id, queue, "answered", waited, attempt_id, agent_id))
            director.records.bridged(attempt_id)
        since = now if segment.ended_at is None else segment.ended_at
        offer = Offer(attempt_id, segment.item_id, agent_id, phone, queue, 0, 0.0)
        adopted = self._adopt_leg(offer, caller, director)
        adopted.adopt(leg.leg_id, max(0.0, now - since))
        director.attend(offer, adopted)
        director.feed(TalkFound(attempt_id, segment.item_id, agent_id, queue, since))
        there = leg.bridged_to == caller
        talk = Talk(
            attempt_id, segment.item_id, caller, segment.token, agent_id, queue, leg.leg_id, since, phone, caller_there=there,
            own=bool(segment.direction), muted=leg.tags.get("muted") == "true",
        )  # fmt: skip
        director.talks.add(talk)
        if there:
            director.joined(leg.leg_id, caller)
        path = segment.recording_path or director.recordings.path_of(segment.item_id)
        if os.path.exists(path):  # its row may have been lost with the process
            director.recordings.go_on(talk, path)
        elif segment.direction != "internal" and director.is_recorded(queue, agent_id):
            director.recordings.begin(talk)
        if segment.virtual:
            self.dialled_found(caller, segment.number)
            if not there:
                director.crew.spawn(director.rejoin, talk)
            return
        waiting = _waiting_of(segment, in_line=True)
        waiting.attempt_id, waiting.event = attempt_id, TalkBegan(segment.token, agent_id)
        director.room.add(waiting)
        if not there:
            director.crew.spawn(director.rejoin, talk)

    def _end_talk(self, segment: Segment, alive: Mapping[str, ChannelState]) -> None:
        """It ended while nobody of us looked."""
        director, now = self._director, self._now()
        talk = Talk(
            segment.attempt_id, segment.item_id, segment.call_id, segment.token, segment.agent_id, segment.queue, "",
            now if segment.ended_at is None else segment.ended_at, own=bool(segment.direction),
        )  # fmt: skip
        after = director.records.talked(talk, now)
        view = director.dispatcher.agent(segment.agent_id)
        if view is not None and view.work == "WRAP_UP":
            director.after[segment.agent_id] = after
        recorded = segment.direction != "internal" and director.is_recorded(segment.queue, segment.agent_id)
        if not segment.recording_ms and recorded:
            path = segment.recording_path or director.recordings.path_of(segment.item_id)
            director.crew.spawn(director.recordings.judge, segment.item_id, path)
        if segment.call_id in alive and segment.token:
            director.room.add(_waiting_of(segment))
            talk_ms = round(after.handled_seconds * 1000)
            director.tell(segment.call_id, QueueEnded(segment.token, "answered", segment.agent_id, talk_ms))

    # -- agents --------------------------------------------------------------------------------------------------------

    def _find_agent(self, state: AgentState, rows: Rows, talks: Container[str]) -> None:
        director, now, agent_id = self._director, self._now(), state.agent_id
        agent = director.site.agent(agent_id)
        if state.intent not in ("READY", "NOT_READY") or agent is None:
            return
        lately, not_ready = rows.lately.get(agent_id, ([], 0.0))
        until, queue = (state.wrap_up_until, state.wrap_up_queue) if state.work == "WRAP_UP" else (0.0, "")
        talked = (each for each in rows.talking if each.agent_id == agent_id and each.attempt_id == state.attempt_id)
        ended = next((each for each in talked if each.attempt_id not in talks), None)
        if ended is not None and (rules := director.site.queue(ended.queue)) is not None:
            until, queue = now + max(rules.wrap_up_least_seconds, rules.wrap_up_most_seconds), ended.queue
        director.feed(
            AgentFound(
                agent_id,
                state.phone,
                "READY" if state.intent == "READY" else "NOT_READY",
                state.reason,
                state.since,
                state.idle_since or state.since,
                state.calls,
                state.talk_seconds,
                until,
                queue,
                past_offers.cool_until(lately, agent.rules),
                past_offers.missed(lately, not_ready),
            )  # fmt: skip
        )
        last = rows.wrapping.get(agent_id)
        if ended is None and last is not None:
            handled = (last.talk_seconds or 0.0) + (last.hold_seconds or 0.0)
            after = AfterTalk(last.item_id, last.queue, last.attempt_id, last.talk_ended_at or now, handled, bool(last.direction))
            if until > now:
                director.after[agent_id] = after
            else:
                rules = director.site.queue(last.queue)
                automatic = rules is not None and rules.disposition_required and not last.disposition
                director.records.wrapped_up(after, WrapUpEnded(agent_id, last.attempt_id, last.disposition, automatic), until)

    # -- legs and offers -----------------------------------------------------------------------------------------------

    def _end_leg(self, leg: LegState, attempt: Attempt | None, rows: Rows, alive: Mapping[str, ChannelState]) -> None:
        """A leg of an offer that is over, or of one that never got so far. Its phone is busy until it is gone."""
        director, leg_id = self._director, leg.leg_id
        if leg.bridged_to in alive:
            director.joined(leg_id, leg.bridged_to)
            if "attempt" not in leg.tags and self._goes_on_elsewhere(leg, rows):
                return
        if attempt is not None:
            director.phones.busy(attempt.phone, leg_id, leg_id)

        def on(event: LegEvent) -> None:
            if isinstance(event, LegGone):
                director.disown_leg(leg_id)
                director.phones.free(leg_id)

        director.own_leg(leg_id, on)
        note(log, "a leg of an earlier process is taken down", leg=leg_id, attempt=leg.tags.get("attempt", ""))
        director.crew.spawn(self._kill, leg_id)

    def _goes_on_elsewhere(self, leg: LegState, rows: Rows) -> bool:
        """A caller who was passed on talks to somebody who is no agent; their step goes on when that leg is gone."""
        director, call_id = self._director, leg.bridged_to
        segment = next((each for each in (*rows.over.values(), *rows.talking) if each.call_id == call_id and each.token), None)
        if segment is None:
            return False
        waiting = _waiting_of(segment, in_line=True)
        waiting.event = TalkBegan(segment.token, segment.agent_id)
        director.room.add(waiting)
        rows.talking = [each for each in rows.talking if each is not segment]

        def on(event: LegEvent) -> None:
            if isinstance(event, LegGone):
                director.disown_leg(leg.leg_id)
                director.tell(call_id, QueueEnded(segment.token, "answered", segment.agent_id))

        director.own_leg(leg.leg_id, on)
        return True

    def _kill(self, leg_id: str) -> None:
        try:
            self._director.legs.kill(leg_id)
        except EslError as error:
            note(log, "a leg can't be taken down now", level=logging.WARNING, leg=leg_id, error=error)

    # -- waiting -------------------------------------------------------------------------------------------------------

    def _wait_on(self, segment: Segment, rows: Rows, alive: Mapping[str, ChannelState]) -> None:
        director, now = self._director, self._now()
        if segment.call_id not in alive:
            waited = max(0.0, now - segment.queued_at)
            director.records.item_ended(ItemEnded(segment.item_id, segment.queue, "failed", waited))
            self.lost(_waiting_of(segment))
            return
        tried, rules = rows.tried.get(segment.item_id, []), director.site.queue(segment.queue)
        waiting = _waiting_of(segment, in_line=True)
        waiting.event = AgentLost(segment.token)
        director.room.add(waiting)
        director.feed(
            Queued(
                segment.item_id,
                segment.queue,
                segment.queued_at,
                segment.rings,
                segment.boost_seconds,
                segment.sticky_agent,
                max(0.0, segment.queued_at + segment.sticky_seconds - now),
                segment.max_wait_seconds,
                False,
                segment.excluded,
                len(tried),
                past_offers.excluded_until(tried, rules.exclusion_seconds if rules else 0.0, now),
            )  # fmt: skip
        )

    def _remember_end(self, token: str, segment: Segment) -> None:
        """For a step that has not heard yet how its waiting ended."""
        if self._director.room.of_token(token) is None:
            self._director.room.add(_waiting_of(segment))
            talk_ms = round(((segment.talk_seconds or 0.0) + (segment.hold_seconds or 0.0)) * 1000)
            self._director.tell(segment.call_id, QueueEnded(token, segment.terminal, segment.agent_id, talk_ms))

    # -- a restart of the switch ---------------------------------------------------------------------------------------

    def switch_restarted(self) -> None:
        """All channels are gone: nobody waits any more, by no fault of theirs."""
        director = self._director
        for waiting in director.room:
            if waiting.in_line and director.dispatcher.position(waiting.item_id) is not None:
                director.feed(Left(waiting.item_id, "failed"))
                self.lost(waiting)


def _waiting_of(segment: Segment, *, in_line: bool = False) -> Waiting:
    _, _, passed_on = segment.item_id.rpartition("+")
    return Waiting(
        segment.item_id, segment.call_id, segment.token, segment.queue, segment.queued_at, segment.number, in_line=in_line,
        passed_on=int(passed_on) if passed_on.isdigit() else 0,
    )  # fmt: skip
