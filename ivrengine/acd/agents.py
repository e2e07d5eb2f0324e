"""What agents do at their desks: log in and out, ready, breaks, and their phones' own calls."""

from __future__ import annotations

from ivrengine.domain.sentence import Sentence

from .floor import Floor
from .happenings import BecameNotReady, BecameReady, BreakAsked, BreakDecided, LoggedIn, LoggedOut, PhoneBusy, PhoneFree, PhoneReachable
from .limits import SHORT_BREAK_SECONDS
from .model import Agent

NO_CALL_OF_OURS = frozenset({"IDLE", "EXTERNAL"})
NO_BREAKS = frozenset({"", "no_answer"})  # reasons of not being ready that are no break


# -- at a phone --------------------------------------------------------------------------------------------------------


def logged_in(floor: Floor, told: LoggedIn, now: float) -> None:
    agent = floor.agents.get(told.agent_id)
    if agent is None or agent.retired:
        floor.refuse(told.agent_id, "unknown_agent", Sentence("There is no such agent."))
        return
    if agent.logged_in and agent.phone == told.phone:
        return
    at_the_phone = floor.phones.get(told.phone, agent)
    if agent.work not in NO_CALL_OF_OURS or at_the_phone.work not in NO_CALL_OF_OURS:
        floor.refuse(told.agent_id, "busy", Sentence("The agent or the phone is in the middle of a call."))
        return
    for leaver in (agent, at_the_phone):
        if leaver.logged_in:
            _leave_phone(floor, leaver, now)
    floor.sit_down(agent, told.phone, "log_in", now)
    agent.idle_since = now
    floor.note(agent, now)


def _leave_phone(floor: Floor, agent: Agent, now: float) -> None:
    """Log out somebody who has no call of ours."""
    agent.pending = None
    if agent.work == "EXTERNAL":
        agent.channels.clear()
        agent.pending = ("LOGGED_OUT", "")
        floor.rest(agent, "phone_free", now)
    else:
        floor.wish(agent, "LOGGED_OUT", "", now)


def logged_out(floor: Floor, told: LoggedOut, now: float) -> None:
    agent = floor.agents.get(told.agent_id)
    if agent is not None and agent.logged_in:
        agent.break_asked = ""
        floor.wish(agent, "LOGGED_OUT", "", now)


def phone_busy(floor: Floor, told: PhoneBusy, now: float) -> None:
    agent = floor.agents.get(told.agent_id)
    if agent is None or not agent.logged_in or told.channel_id in agent.channels:
        return
    agent.channels.add(told.channel_id)
    if floor.work(agent, "phone_busy", now):
        agent.external_since = now
        floor.timers.stop(agent.alarm)
        floor.settle(agent, now)


def phone_free(floor: Floor, told: PhoneFree, now: float) -> None:
    agent = floor.agents.get(told.agent_id)
    if agent is None or told.channel_id not in agent.channels:
        return
    agent.channels.discard(told.channel_id)
    if agent.work == "EXTERNAL" and not agent.channels:
        if now - agent.external_since > SHORT_BREAK_SECONDS:
            agent.idle_since = now
        floor.rest(agent, "phone_free", now)


def phone_reachable(floor: Floor, told: PhoneReachable, now: float) -> None:
    agent = floor.agents.get(told.agent_id)
    if agent is None or not agent.logged_in or agent.reachable == told.reachable:
        return
    agent.reachable = told.reachable
    floor.settle(agent, now)


# -- ready and not -----------------------------------------------------------------------------------------------------


def became_ready(floor: Floor, told: BecameReady, now: float) -> None:
    agent = _at_a_phone(floor, told.agent_id)
    if agent is not None:
        agent.break_asked = ""
        floor.wish(agent, "READY", "", now)


def became_not_ready(floor: Floor, told: BecameNotReady, now: float) -> None:
    agent = _at_a_phone(floor, told.agent_id)
    if agent is None:
        return
    rules = floor.reasons.get(told.reason)
    if rules is not None and rules.approval and agent.reason != told.reason:
        agent.break_asked = told.reason
        floor.refuse(agent.agent_id, "awaits_approval", Sentence("A supervisor must agree to this break first; it has been asked for."))
        return
    _go_on_break(floor, agent, told.reason, now)


def break_asked(floor: Floor, told: BreakAsked, now: float) -> None:
    agent = _at_a_phone(floor, told.agent_id)
    if agent is None or agent.reason == told.reason:
        return
    rules = floor.reasons.get(told.reason)
    if rules is not None and rules.approval:
        agent.break_asked = told.reason
    else:
        _go_on_break(floor, agent, told.reason, now)


def break_decided(floor: Floor, told: BreakDecided, now: float) -> None:
    agent = floor.agents.get(told.agent_id)
    if agent is None or agent.retired or not agent.break_asked:
        return
    reason, agent.break_asked = agent.break_asked, ""
    if told.allowed:
        _go_on_break(floor, agent, reason, now)
    else:
        floor.refuse(agent.agent_id, "break_refused", Sentence("The supervisor has not agreed to this break."))


def _go_on_break(floor: Floor, agent: Agent, reason: str, now: float) -> None:
    team = floor.teams.get(agent.rules.team)
    if reason not in NO_BREAKS and team is not None and team.most_away:
        away = sum(_is_away(other) for other in floor.agents.values() if other is not agent and other.rules.team == team.name)
        if away >= team.most_away:
            floor.refuse(
                agent.agent_id,
                "team_cap",
                Sentence("As many of the team as may be away at once (%(most_away)s) are away.", most_away=team.most_away),
            )
            return
    agent.break_asked = ""
    floor.wish(agent, "NOT_READY", reason, now)


def _is_away(agent: Agent) -> bool:
    """On a break, or going on one that was granted as soon as the present call is over."""
    here = agent.intent == "NOT_READY" and agent.reason not in NO_BREAKS
    going = agent.pending is not None and agent.pending[0] == "NOT_READY" and agent.pending[1] not in NO_BREAKS
    return here or going


def _at_a_phone(floor: Floor, agent_id: str) -> Agent | None:
    agent = floor.agents.get(agent_id)
    if agent is not None and agent.logged_in and not agent.retired:  # who is gone from the site only finishes the call
        return agent
    floor.refuse(agent_id, "logged_out", Sentence("Nobody is logged in under this number."))
    return None


# -- time --------------------------------------------------------------------------------------------------------------


def break_due(floor: Floor, agent: Agent, now: float) -> None:
    sentence = Sentence(
        "Agent %(agent)s has been on the break %(reason)r longer than it may last.", agent=agent.agent_id, reason=agent.reason
    )
    floor.warn("break_too_long", sentence, agent.agent_id)
