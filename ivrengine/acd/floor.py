"""The floor of the call centre: everything that is live, and the few moves that all rules are made of.

A move keeps the whole consistent: lanes, lines, timers, epochs and decisions. Rules about callers, offers and agents stand in their own
modules and move things only by these. Every move ends with the floor at rest: no idle agent beside a call for them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from math import inf

from . import audiences
from .chance import Chance
from .decisions import AgentChanged, CancelOffer, Decision, ItemEnded, ItemRequeued, Offer, Refused, Warned
from .happenings import Terminal
from .lanes import Lanes
from .limits import ENDED_REMEMBERED, LAST_RESORT_SECONDS, RESERVE_SECONDS, SHORT_BREAK_SECONDS
from .model import Agent, Attempt, Item, Queue
from .rules import BreakReason, Team
from .timers import Timers
from .transitions import AGENT_INTENT, AGENT_WORK, ITEM_STATE, Intent


class Floor:
    def __init__(self, seed: int) -> None:
        self.queues: dict[str, Queue] = {}
        self.agents: dict[str, Agent] = {}
        self.items: dict[str, Item] = {}
        self.attempts: dict[str, Attempt] = {}
        self.phones: dict[str, Agent] = {}  # who is logged in where
        self.teams: dict[str, Team] = {}
        self.reasons: dict[str, BreakReason] = {}
        self.ended: dict[str, None] = {}  # ids of the last items that are over
        self.lanes = Lanes()
        self.timers = Timers()
        self.opened = False
        self.turn = 0  # offers made, for taking turns
        self.chance = Chance(seed)
        self.decisions: list[Decision] = []

    # -- items ---------------------------------------------------------------------------------------------------------

    def enter(self, item: Item, now: float) -> None:
        """A new waiting begins."""
        self.items[item.item_id] = item
        self.join_line(item, now)
        item.state = ITEM_STATE[item.state]["queued"]
        self.wait(item, now)

    def join_line(self, item: Item, now: float) -> None:
        queue = item.queue
        insort(queue.line, item.place)
        queue.living += not item.virtual
        item.entered_at = now
        audiences.joined(self, item)
        self.set_limit(item)

    def set_limit(self, item: Item) -> None:
        """The queue's longest wait is for people on the line, not for callbacks."""
        longest = item.max_wait_seconds or (0.0 if item.virtual else item.queue.rules.max_wait_seconds)
        item.limit_at = item.queued_at + longest if longest else inf
        self.timers.set(item.alarm, min(item.limit_at, item.assigned_until) if item.assigned_to else item.limit_at)

    def leave_line(self, item: Item) -> None:
        """Out of its queue and of whatever it waits in."""
        self.unplace(item)
        line = item.queue.line
        del line[bisect_left(line, item.place)]
        item.queue.living -= not item.virtual
        audiences.left(self, item)
        self.timers.stop(item.alarm)

    def wait(self, item: Item, now: float) -> None:
        """A QUEUED item looks for an agent, and can be found by one from now on."""
        self.place(item, now)
        self.match(item, now)

    def place(self, item: Item, now: float) -> None:
        """Into the lane of its ring, or of the one agent it asks for; an alarm moves it on."""
        if item.assigned_to is not None:
            item.assigned_to.assigned.append(item)
            self.timers.set(item.alarm, min(item.assigned_until, item.limit_at))
            return
        due = item.limit_at
        for ring in item.rings[item.ring + 1 :]:
            at = item.queued_at + ring.after_seconds
            if at > now:
                due = min(due, at)
                break
            item.ring += 1
            item.needs += (ring.needs,)
        only = self._sticky_agent(item, now) if item.sticky_agent else ""
        if only:
            due = min(due, item.sticky_until)
        self.lanes.join(item, only)
        self.timers.set(item.alarm, due)
        if not item.audience.logged_in:  # type: ignore[union-attr]
            audiences.watch(self, item)

    def _sticky_agent(self, item: Item, now: float) -> str:
        """Whom the item waits for alone; "" when it is time for everybody, or the agent could not serve it."""
        agent = self.agents.get(item.sticky_agent)
        if agent is None or not agent.logged_in or agent.retired or item.sticky_until <= now or agent.agent_id in item.excluded:
            return ""
        return agent.agent_id if self.lanes.may_serve(agent, item) else ""

    def unplace(self, item: Item) -> None:
        """Not to be found by anybody."""
        if item.assigned_to is not None:
            if item in item.assigned_to.assigned:
                item.assigned_to.assigned.remove(item)
        elif item.lane is not None:
            self.lanes.leave(item)

    def match(self, item: Item, now: float) -> None:
        """Offer a waiting item to idle agents, if there are any for it."""
        if not self.opened:
            return
        if item.assigned_to is not None:
            self.settle(item.assigned_to, now)
            return
        agents = self.lanes.agents_for(item, self.chance.below)
        if agents:
            self.offer(item, agents, now)

    def take_back(self, item: Item, now: float) -> None:
        """Out of the hands of agents who have not answered yet, and out of its lane: a QUEUED item that nobody finds."""
        attempts = list(item.attempts.values())
        for attempt in attempts:
            self.cancel(attempt, "withdrawn", now)
        if attempts:
            item.state = ITEM_STATE[item.state]["requeued"]
            self.decisions.append(ItemRequeued(item.item_id, attempts[-1].attempt_id))
        self.unplace(item)

    def requeue(self, item: Item, attempt: Attempt, now: float) -> None:
        """The attempt has lost its item; unless others still ring, the item waits again with its age."""
        item.attempts.pop(attempt.attempt_id, None)
        if item.winner is attempt:
            item.winner = None
        state = ITEM_STATE[item.state].get("requeued")
        if state is None or item.attempts:
            return
        if item.overdue:
            self.end(item, "timeout", now)
            return
        item.state = state
        self.decisions.append(ItemRequeued(item.item_id, attempt.attempt_id))
        self.wait(item, now)

    def end(self, item: Item, terminal: Terminal, now: float, winner: Attempt | None = None) -> None:
        """The item's one terminal. Offers that still run are cancelled."""
        self.leave_line(item)
        for agent_id in list(item.excluded):
            self.include(item, agent_id)
        item.assigned_to = None
        item.state = ITEM_STATE[item.state]["bridged" if winner else "ended"]
        attempt_id, agent_id = (winner.attempt_id, winner.agent.agent_id) if winner else ("", "")
        waited = max(0.0, now - item.queued_at)
        self.decisions.append(ItemEnded(item.item_id, item.queue.rules.name, terminal, waited, attempt_id, agent_id))
        if winner is None:
            for attempt in list(item.attempts.values()):
                self.cancel(attempt, "caller_gone", now)
            self.forget(item)

    def forget(self, item: Item) -> None:
        """The item is over. Its references in circles are cut, so that it goes at once and never waits for the garbage collector."""
        del self.items[item.item_id]
        self.remember(item.item_id)
        item.winner = item.alarm.owner = None
        item.attempts.clear()
        del item.place

    def remember(self, item_id: str) -> None:
        """That there was such an item, so that it can't come a second time."""
        self.ended[item_id] = None
        if len(self.ended) > ENDED_REMEMBERED:
            del self.ended[next(iter(self.ended))]

    def exclude(self, item: Item, agent_id: str, until: float) -> None:
        """Not to be offered to this agent before ``until`` (infinity: ever)."""
        item.excluded[agent_id] = until
        if agent_id in self.agents:
            self.agents[agent_id].excluded_from.add(item.item_id)
        if until != inf:
            alarm = item.exclusion_alarms.get(agent_id)
            if alarm is None:
                alarm = item.exclusion_alarms[agent_id] = self.timers.new("exclusion", (item, agent_id))
            self.timers.set(alarm, until)

    def include(self, item: Item, agent_id: str) -> None:
        item.excluded.pop(agent_id, None)
        alarm = item.exclusion_alarms.pop(agent_id, None)
        if alarm is not None:
            self.timers.stop(alarm)
        if agent_id in self.agents:
            self.agents[agent_id].excluded_from.discard(item.item_id)

    # -- offers --------------------------------------------------------------------------------------------------------

    def offer(self, item: Item, agents: list[Agent], now: float) -> None:
        self.unplace(item)
        self.timers.set(item.alarm, item.limit_at)
        item.assigned_to = None
        item.state = ITEM_STATE[item.state]["reserved"]
        queue = item.queue.rules
        for agent in agents:
            item.attempt_count += 1
            attempt_id = f"{item.item_id}/{item.attempt_count}"
            attempt = Attempt(attempt_id, item, agent, item.queue, now)
            self.attempts[attempt_id] = item.attempts[attempt_id] = agent.attempt = attempt
            self.turn += 1
            agent.turns[queue.name] = self.turn
            if agent.available:
                agent.available = False
                agent.stint += 1
            self.work(agent, "reserved", now)
            self.timers.set(agent.alarm, now + RESERVE_SECONDS)
            self.decisions.append(
                Offer(attempt_id, item.item_id, agent.agent_id, agent.phone, queue.name, agent.epoch, queue.ring_seconds)
            )

    def cancel(self, attempt: Attempt, why: str, now: float, fault: str = "") -> None:
        """Have the leg taken down. The agent stays as they are until it is gone; so does an item that may be connected any moment."""
        if attempt.cancelled:
            return
        attempt.cancelled = True
        attempt.fault = fault
        attempt.holds_item = attempt.item.state == "BRIDGING"
        if not attempt.holds_item:
            attempt.item.attempts.pop(attempt.attempt_id, None)
        self.timers.set(attempt.agent.alarm, now + LAST_RESORT_SECONDS)
        self.decisions.append(CancelOffer(attempt.attempt_id, why))

    # -- agents --------------------------------------------------------------------------------------------------------

    def work(self, agent: Agent, event: str, now: float) -> bool:
        """Follow the table; False, and nothing changed, where it has no row."""
        work = AGENT_WORK[agent.work].get(event)
        if work is None:
            return False
        agent.work = work
        self.note(agent, now)
        return True

    def note(self, agent: Agent, now: float) -> None:
        """The agent has changed."""
        agent.epoch += 1
        agent.since = now
        attempt = agent.attempt
        attempt_id = attempt.attempt_id if attempt is not None else ""
        self.decisions.append(AgentChanged(agent.agent_id, agent.intent, agent.work, agent.reason, now, agent.epoch, attempt_id))

    def rest(self, agent: Agent, event: str, now: float) -> None:
        """Work is over (``event`` of the table leads to IDLE): what the agent wished meanwhile comes true, then the next call."""
        agent.work = AGENT_WORK[agent.work][event]
        agent.attempt = None
        agent.wrap_up = None
        agent.early_disposition = ""
        agent.early_noted = False
        if agent.pending is not None:
            (intent, reason), agent.pending = agent.pending, None
            self._intend(agent, intent, reason, now)
        if agent.channels and agent.logged_in:
            agent.work = AGENT_WORK["IDLE"]["phone_busy"]
            agent.external_since = now
        self.note(agent, now)
        self.timers.set(agent.alarm, agent.cool_until if agent.cool_until > now else inf)
        if agent.retired and agent.work == "IDLE" and not agent.logged_in:
            self.dismiss(agent)
            return
        self.settle(agent, now)

    def wish(self, agent: Agent, intent: Intent, reason: str, now: float) -> None:
        """The agent wants to be this, as soon as work is IDLE."""
        if agent.work != "IDLE":
            agent.pending = None if (agent.intent, agent.reason) == (intent, reason) else (intent, reason)
            return
        if (agent.intent, agent.reason) != (intent, reason):
            self._intend(agent, intent, reason, now)
            self.note(agent, now)
        self.settle(agent, now)

    def _intend(self, agent: Agent, intent: Intent, reason: str, now: float) -> None:
        event = {"READY": "ready", "NOT_READY": "not_ready", "LOGGED_OUT": "log_out"}[intent]
        new = AGENT_INTENT[agent.intent].get(event)
        if new is None:
            return
        was, since = agent.reason, agent.intent_since
        agent.intent, agent.reason, agent.intent_since = new, reason, now
        rules = self.reasons.get(reason)
        limit = rules.longest_seconds if rules is not None and new == "NOT_READY" else 0.0
        self.timers.set(agent.break_alarm, now + limit if limit else inf)
        if new == "READY":
            agent.missed = 0
            if not was or now - since > SHORT_BREAK_SECONDS:
                agent.idle_since = now
        elif new == "LOGGED_OUT":
            agent.break_asked = ""
            agent.cool_until = 0.0
            agent.channels.clear()
            self.stand_up(agent, now)

    def sit_down(self, agent: Agent, phone: str, event: str, now: float) -> None:
        """Somebody who was logged out is at this phone from now on."""
        agent.intent = AGENT_INTENT[agent.intent][event]
        agent.reason = ""
        agent.intent_since = now
        agent.phone = phone
        agent.reachable = True
        agent.missed = agent.calls = 0
        agent.talk_seconds = 0.0
        self.phones[phone] = agent
        for name in agent.rules.queues:
            queue = self.queues.get(name)
            if queue is not None:
                queue.logged_in += 1
                audiences.sat_down(self, queue, agent)

    def stand_up(self, agent: Agent, now: float) -> None:
        """Logged out: nothing waits for this agent any more."""
        self.phones.pop(agent.phone, None)
        for name in agent.rules.queues:
            queue = self.queues.get(name)
            if queue is not None:
                queue.logged_in -= 1
                audiences.stood_up(self, queue, agent, now)
        for item in agent.assigned + self.lanes.private_items(agent):
            self.unplace(item)
            item.assigned_to = None
            self.wait(item, now)

    def dismiss(self, agent: Agent) -> None:
        """An agent who is gone from the site and has nothing left to do."""
        self.timers.stop(agent.alarm)
        self.timers.stop(agent.break_alarm)
        del self.agents[agent.agent_id]

    def settle(self, agent: Agent, now: float) -> None:
        """After anything that may make the agent free or not: take the next item, or be found by it."""
        if not self.opened:
            return
        if agent.assigned and self.can_ring(agent):
            self.offer(agent.assigned[0], [agent], now)
        elif agent.intent == "READY" and agent.work == "IDLE" and agent.reachable and agent.cool_until <= now:
            if not agent.available:
                item = self.lanes.item_for(agent)
                if item is not None:
                    self.offer(item, [agent], now)
                else:
                    agent.available = True
                    self.lanes.add_idle(agent)
        elif agent.available:
            agent.available = False
            agent.stint += 1

    def can_ring(self, agent: Agent) -> bool:
        return agent.work == "IDLE" and agent.intent != "LOGGED_OUT" and agent.reachable

    def match_all(self, now: float) -> None:
        """After a change of everything: each waiting item in its turn, the oldest of all queues first, takes whoever is free.

        The lanes are new and know of nobody who is idle.
        """
        if not self.opened:
            return
        for agent in self.agents.values():
            if agent.assigned:
                self.settle(agent, now)
            if self.can_ring(agent) and agent.intent == "READY" and agent.cool_until <= now:
                agent.available = True
                self.lanes.add_idle(agent)
        if not any(agent.available for agent in self.agents.values()):
            return
        waiting = [place[3] for queue in self.queues.values() for place in queue.line if place[3].lane is not None]
        waiting.sort(key=lambda item: (item.key - item.queue.rules.weight_seconds, item.virtual, item.item_id))
        for item in waiting:
            self.match(item, now)

    # -- the rest ------------------------------------------------------------------------------------------------------

    def refuse(self, agent_id: str, code: str, sentence: str) -> None:
        self.decisions.append(Refused(agent_id, code, sentence))

    def warn(self, code: str, sentence: str, agent_id: str = "", item_id: str = "") -> None:
        self.decisions.append(Warned(code, sentence, agent_id, item_id))
