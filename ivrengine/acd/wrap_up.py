"""Wrap-up: the agent's time after a talk. It ends by the disposition (or "done") once the least time is over, or with the most time.

A queue may require a disposition, notes, or both: "done" is refused while something is missing. Notes can't be written at a desk phone, so
whoever says at a phone that they are done (with the disposition's code, where one is required) owes none: a phone-only agent would
otherwise never get another call. A queue whose most time is 0 has no wrap-up beyond its least time, unless it requires something: then
there is no limit.
"""

from __future__ import annotations

from math import inf

from ivrengine.domain.sentence import Sentence

from .decisions import WrapUpEnded
from .floor import Floor
from .happenings import NotesKept, WrapUpDone, WrapUpExtended
from .limits import LONGEST_WRAP_UP_SECONDS
from .model import Agent, Attempt, WrapUp
from .transitions import IN_TALK


def begin_wrap_up(floor: Floor, agent: Agent, attempt: Attempt, now: float) -> None:
    rules = attempt.queue.rules
    least = now + rules.wrap_up_least_seconds
    most = max(least, now + rules.wrap_up_most_seconds)
    if not rules.wrap_up_most_seconds and (rules.disposition_required or rules.notes_required):
        most = inf
    wrap_up = agent.wrap_up = WrapUp(
        rules.name, attempt.attempt_id, rules.disposition_required, rules.notes_required, now, least, most,
        disposition=agent.early_disposition, noted=agent.early_noted,
    )  # fmt: skip
    wrap_up.done = bool(agent.early_disposition) and not wrap_up.missing()
    floor.work(agent, "talk_ended", now)
    _go_on(floor, agent, now)


def wrap_up_done(floor: Floor, told: WrapUpDone, now: float) -> None:
    agent = floor.agents.get(told.agent_id)
    if agent is None:
        return
    if agent.work in IN_TALK:
        agent.early_disposition = told.disposition or agent.early_disposition
        agent.early_noted |= told.by_phone
        return
    wrap_up = agent.wrap_up
    if wrap_up is None:
        return
    wrap_up.disposition = told.disposition or wrap_up.disposition
    wrap_up.noted |= told.by_phone
    missing = wrap_up.missing()
    if missing == "disposition":
        floor.refuse(agent.agent_id, "disposition_required", Sentence("This queue wants to know what the call was about."))
        return
    if missing:
        floor.refuse(agent.agent_id, "notes_required", Sentence("This queue wants notes of the call."))
        return
    wrap_up.done = True
    _go_on(floor, agent, now)


def notes_kept(floor: Floor, told: NotesKept, now: float) -> None:
    agent = floor.agents.get(told.agent_id)
    if agent is None:
        return
    if agent.work in IN_TALK:
        agent.early_noted = told.some
    elif agent.wrap_up is not None:
        agent.wrap_up.noted = told.some
        if agent.wrap_up.missing():  # the notes were emptied again
            agent.wrap_up.done = False
            _go_on(floor, agent, now)


def wrap_up_extended(floor: Floor, told: WrapUpExtended, now: float) -> None:
    agent = floor.agents.get(told.agent_id)
    if agent is None or agent.wrap_up is None or told.seconds <= 0 or agent.wrap_up.most_until == inf:
        return
    wrap_up = agent.wrap_up
    longest = wrap_up.began_at + LONGEST_WRAP_UP_SECONDS
    if wrap_up.most_until >= longest:
        floor.refuse(agent.agent_id, "wrap_up_limit", Sentence("The wrap-up can't be extended any further."))
        return
    wrap_up.most_until = min(wrap_up.most_until + told.seconds, longest)
    _go_on(floor, agent, now)


def wrap_up_due(floor: Floor, agent: Agent, now: float) -> None:
    _go_on(floor, agent, now)


def _go_on(floor: Floor, agent: Agent, now: float) -> None:
    """End it if it is over; else wait for the next time at which it may be."""
    wrap_up = agent.wrap_up
    assert wrap_up is not None
    until = wrap_up.least_until if wrap_up.done else wrap_up.most_until
    if until > now:
        floor.timers.set(agent.alarm, until)
        return
    automatic = wrap_up.required and not wrap_up.disposition
    floor.decisions.append(WrapUpEnded(agent.agent_id, wrap_up.attempt_id, wrap_up.disposition, automatic))
    agent.idle_since = now
    floor.rest(agent, "wrap_up_over", now)
