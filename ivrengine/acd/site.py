"""How the site is set and set again, and how the floor is filled after a restart."""

from __future__ import annotations

from ivrengine.domain.needs import ANYBODY

from . import audiences
from .floor import Floor
from .happenings import AgentFound, Opened, SiteSet, TalkFound
from .lanes import Lanes
from .model import Agent, Attempt, Item, Queue, WrapUp
from .rules import QueueRules
from .transitions import AGENT_WORK


def site_set(floor: Floor, told: SiteSet, now: float) -> None:
    """Everything live goes on under the new rules; what is gone from the site takes no new calls."""
    opened, floor.opened = floor.opened, False  # nobody is matched by half of the new rules
    floor.teams = {team.name: team for team in told.teams}
    floor.reasons = {reason.reason: reason for reason in told.reasons}
    _set_queues(floor, told, now)
    _set_agents(floor, told, now)
    for queue in floor.queues.values():
        _count_logged_in(floor, queue, now)
    waiting = [place[3] for queue in floor.queues.values() for place in queue.line if place[3].lane is not None]
    floor.lanes = Lanes(floor.agents.values())
    for item in waiting:
        item.lane = None
        floor.place(item, now)
    floor.opened = opened
    floor.match_all(now)


def _count_logged_in(floor: Floor, queue: Queue, now: float) -> None:
    name = queue.rules.name
    queue.logged_in = sum(agent.logged_in and name in agent.rules.queues for agent in floor.agents.values())
    audiences.count_anew(floor, queue, floor.agents.values(), now)


def _set_queues(floor: Floor, told: SiteSet, now: float) -> None:
    names = {rules.name for rules in told.queues}
    for rules in told.queues:
        queue = floor.queues.get(rules.name)
        if queue is None:
            queue = floor.queues[rules.name] = Queue(rules)
        queue.rules, queue.retired = rules, False
        for place in queue.line:
            floor.set_limit(place[3])
    for queue in list(floor.queues.values()):
        if queue.rules.name not in names:
            queue.retired = True
            if not queue.line:
                audiences.give_up(floor, queue)
                del floor.queues[queue.rules.name]


def _set_agents(floor: Floor, told: SiteSet, now: float) -> None:
    names = {rules.agent_id for rules in told.agents}
    excluding = [item for item in floor.items.values() if item.excluded]
    for rules in told.agents:
        agent = floor.agents.get(rules.agent_id)
        if agent is None:
            agent = Agent(rules.agent_id, rules, floor.timers.new("agent", None), floor.timers.new("break", None))
            agent.alarm.owner = agent.break_alarm.owner = agent
            floor.agents[rules.agent_id] = agent
        agent.rules, agent.retired = rules, False
        agent.excluded_from = {item.item_id for item in excluding if agent.agent_id in item.excluded}
    for agent in list(floor.agents.values()):
        if agent.agent_id not in names:
            agent.retired = True
            floor.wish(agent, "LOGGED_OUT", "", now)
            if agent.work == "IDLE":
                floor.dismiss(agent)


def talk_found(floor: Floor, told: TalkFound, now: float) -> None:
    """The item only stands for the talk: it waits nowhere and was counted by the process that connected it."""
    agent, queue = floor.agents.get(told.agent_id), floor.queues.get(told.queue)
    if agent is None or told.attempt_id in floor.attempts or told.item_id in floor.items:
        return
    if queue is None:  # gone from the site meanwhile; the talk goes on, and the agent is not free
        rules = QueueRules(told.queue) if told.queue else QueueRules("", wrap_up_most_seconds=0.0)  # a call to a colleague has no queue
        queue = Queue(rules, retired=True)
    if "talk_found" not in AGENT_WORK[agent.work]:
        return
    item = Item(told.item_id, queue, told.since, ANYBODY, 0.0, "", 0.0, 0.0, False, told.since, state="TALKING")
    item.boost(0.0)
    item.alarm = floor.timers.new("item", item)
    floor.items[item.item_id] = item
    attempt = Attempt(told.attempt_id, item, agent, queue, told.since, bridged_at=told.since)
    floor.attempts[told.attempt_id] = agent.attempt = item.winner = attempt
    floor.timers.stop(agent.alarm)
    floor.work(agent, "talk_found", now)
    agent.since = told.since
    floor.settle(agent, now)


def agent_found(floor: Floor, told: AgentFound, now: float) -> None:
    agent = floor.agents.get(told.agent_id)
    if agent is None or agent.logged_in or agent.retired:
        return
    floor.sit_down(agent, told.phone, "found_ready" if told.intent == "READY" else "found_not_ready", told.since)
    agent.reason = told.reason
    agent.idle_since = told.idle_since
    agent.calls = told.calls
    agent.talk_seconds = told.talk_seconds
    agent.cool_until = told.cool_until
    agent.missed = told.missed
    rules = floor.reasons.get(told.reason)
    if rules is not None and rules.longest_seconds and told.intent == "NOT_READY":
        floor.timers.set(agent.break_alarm, told.since + rules.longest_seconds)
    queue = floor.queues.get(told.wrap_up_queue)
    if told.wrap_up_until > now and "wrap_up_found" in AGENT_WORK[agent.work]:
        asks = queue.rules if queue is not None else QueueRules(told.wrap_up_queue)
        agent.wrap_up = WrapUp(told.wrap_up_queue, "", asks.disposition_required, asks.notes_required, now, now, told.wrap_up_until)
        agent.work = AGENT_WORK[agent.work]["wrap_up_found"]
        floor.timers.set(agent.alarm, told.wrap_up_until)
    elif agent.cool_until > now:
        floor.timers.set(agent.alarm, agent.cool_until)
    floor.note(agent, now)
    agent.since = told.since
    floor.settle(agent, now)


def opened(floor: Floor, told: Opened, now: float) -> None:
    if not floor.opened:
        floor.opened = True
        floor.match_all(now)
