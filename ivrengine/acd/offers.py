"""What becomes of an offer, from the first ring to the end of the talk, and what agents are charged with when it fails."""

from __future__ import annotations

from ivrengine.domain.sentence import Sentence

from .floor import Floor
from .happenings import OfferAnswered, OfferBridged, OfferBridging, OfferFailed, OfferRinging, TalkChanged, TalkEnded
from .limits import BRIDGE_SECONDS, CONNECT_SECONDS, FAILED_SECONDS, RING_GRACE_SECONDS
from .model import Agent, Attempt
from .rules import AgentRules
from .transitions import AGENT_WORK, IN_TALK, ITEM_STATE, OFFERED
from .wrap_up import begin_wrap_up

INNOCENT = frozenset({"", "caller_gone", "withdrawn"})  # cost the agent nothing


def _live(floor: Floor, attempt_id: str, event: str) -> Attempt | None:
    """The attempt, if it is not cancelled and its agent's work has a row for ``event``."""
    attempt = floor.attempts.get(attempt_id)
    if attempt is None or attempt.cancelled or event not in AGENT_WORK[attempt.agent.work]:
        return None
    return attempt


def ringing(floor: Floor, told: OfferRinging, now: float) -> None:
    attempt = _live(floor, told.attempt_id, "ringing")
    if attempt is None:
        return
    attempt.item.state = ITEM_STATE[attempt.item.state]["ringing"]
    floor.work(attempt.agent, "ringing", now)
    floor.timers.set(attempt.agent.alarm, now + attempt.queue.rules.ring_seconds + RING_GRACE_SECONDS)


def answered(floor: Floor, told: OfferAnswered, now: float) -> None:
    """The first of a ring-all wins."""
    attempt = _live(floor, told.attempt_id, "answered")
    if attempt is None:
        return
    item = attempt.item
    item.state = ITEM_STATE[item.state]["answered"]
    item.winner = attempt
    attempt.agent.missed = 0
    floor.work(attempt.agent, "answered", now)
    floor.timers.set(attempt.agent.alarm, now + attempt.queue.rules.accept_seconds + CONNECT_SECONDS)
    if len(item.attempts) > 1:
        for other in [other for other in item.attempts.values() if other is not attempt]:
            floor.cancel(other, "answered_elsewhere", now)


def bridging(floor: Floor, told: OfferBridging, now: float) -> None:
    attempt = _live(floor, told.attempt_id, "bridging")
    if attempt is None:
        return
    attempt.item.state = ITEM_STATE[attempt.item.state]["bridging"]
    floor.work(attempt.agent, "bridging", now)
    floor.timers.set(attempt.agent.alarm, now + BRIDGE_SECONDS)


def bridged(floor: Floor, told: OfferBridged, now: float) -> None:
    attempt = _live(floor, told.attempt_id, "bridged")
    if attempt is None:
        return
    agent = attempt.agent
    attempt.bridged_at = now
    agent.calls += 1
    floor.work(agent, "bridged", now)
    floor.timers.stop(agent.alarm)
    floor.end(attempt.item, "answered", now, winner=attempt)


def failed(floor: Floor, told: OfferFailed, now: float) -> None:
    attempt = floor.attempts.get(told.attempt_id)
    if attempt is not None and attempt.agent.work in OFFERED:
        _over(floor, attempt, told.why, now)


def talk_changed(floor: Floor, told: TalkChanged, now: float) -> None:
    attempt = _live(floor, told.attempt_id, told.work)
    if attempt is None or attempt.agent.work not in IN_TALK:
        return
    agent = attempt.agent
    floor.work(agent, told.work, now)
    longest = attempt.queue.rules.longest_hold_seconds
    if told.work == "HOLD" and longest:
        floor.timers.set(agent.alarm, now + longest)
    else:
        floor.timers.stop(agent.alarm)


def talk_ended(floor: Floor, told: TalkEnded, now: float) -> None:
    """The agent's leg is gone, which also settles an attempt whose connection was never told."""
    attempt = floor.attempts.get(told.attempt_id)
    if attempt is None:
        return
    agent = attempt.agent
    if agent.work not in IN_TALK:
        _over(floor, attempt, "withdrawn" if attempt.cancelled else "failed", now)
        return
    del floor.attempts[attempt.attempt_id]
    agent.talk_seconds += max(0.0, now - attempt.bridged_at)
    attempt.item.state = ITEM_STATE[attempt.item.state]["talk_ended"]
    floor.forget(attempt.item)
    begin_wrap_up(floor, agent, attempt, now)


def offer_due(floor: Floor, agent: Agent, now: float) -> None:
    """The edge has not told in time how far the offer has come."""
    attempt = agent.attempt
    assert attempt is not None
    if attempt.cancelled:
        sentence = Sentence("The leg to agent %(agent)s was cancelled and never reported gone: given up.", agent=agent.agent_id)
        floor.warn("offer_lost", sentence, agent.agent_id, attempt.item.item_id)
        _over(floor, attempt, attempt.fault or "failed", now)
        return
    fault = "no_answer" if agent.work == "RINGING" else "failed"
    floor.cancel(attempt, fault, now, fault)
    if not attempt.holds_item:
        _exclude(floor, attempt, now)
        floor.requeue(attempt.item, attempt, now)


def hold_due(floor: Floor, agent: Agent, now: float) -> None:
    assert agent.attempt is not None
    sentence = Sentence("Agent %(agent)s keeps a caller on hold longer than the queue's limit.", agent=agent.agent_id)
    floor.warn("hold_too_long", sentence, agent.agent_id, agent.attempt.item.item_id)


def _over(floor: Floor, attempt: Attempt, why: str, now: float) -> None:
    """The leg is gone. Charge the agent, free the item, free the agent, in this order: so the two don't meet again at once."""
    agent = attempt.agent
    del floor.attempts[attempt.attempt_id]
    fault = attempt.fault if why in INNOCENT else why
    if fault not in INNOCENT:
        _charge(floor, agent, fault, now)
    if not attempt.cancelled or attempt.holds_item:
        if fault not in INNOCENT:
            _exclude(floor, attempt, now)
        floor.requeue(attempt.item, attempt, now)
    floor.rest(agent, "offer_over", now)


def _exclude(floor: Floor, attempt: Attempt, now: float) -> None:
    """The item is not offered to this agent again, for the queue's time."""
    seconds = attempt.queue.rules.exclusion_seconds
    item, agent = attempt.item, attempt.agent
    if seconds and item.item_id in floor.items and item.excluded.get(agent.agent_id, 0.0) < now + seconds:
        floor.exclude(item, agent.agent_id, now + seconds)


def _charge(floor: Floor, agent: Agent, fault: str, now: float) -> None:
    """Cool-downs by cause; too many missed calls in a row and the agent is not ready any more, told on the next dial."""
    rules = agent.rules
    if fault == "no_answer":
        agent.missed += 1
        if rules.no_answer_limit and agent.missed >= rules.no_answer_limit:
            if agent.pending is None and agent.intent == "READY":
                agent.pending = ("NOT_READY", "no_answer")
            floor.warn(
                "missed_calls",
                Sentence("Agent %(agent)s missed %(count)s calls and is not ready now.", agent=agent.agent_id, count=agent.missed),
                agent.agent_id,
            )
    agent.cool_until = max(agent.cool_until, now + cool_down_seconds(rules, fault))


def cool_down_seconds(rules: AgentRules, fault: str) -> float:
    """How long an agent is offered nothing after an offer that ended so."""
    if fault in INNOCENT:
        return 0.0
    by_cause = {
        "no_answer": rules.no_answer_seconds,
        "rejected": rules.rejected_seconds,
        "busy": rules.busy_seconds,
        "unregistered": rules.unregistered_seconds,
    }
    return by_cause.get(fault, FAILED_SECONDS)
