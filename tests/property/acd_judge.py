"""A slow judge of the dispatcher, written from the rules and not from its code.

It hears what the dispatcher is told and what it decides, keeps the plainest possible books of its own (no lanes, no heaps: loops over
everything), and raises AssertionError when one of the eight invariants does not hold:

1. one live offer per agent, one winner per item           2. no idle agent who could serve beside a waiting caller
3. nobody is overtaken but by a head start                 4. a requeued item keeps its key, and rings only widen
5. every item is waiting or has exactly one terminal       6. nobody is offered against skill, exclusion, break or a phone in use
7. what is stale, doubled or unknown changes nothing (and replay gives the same: see acd_world)
8. the cost and the strategy's own measure decide who is asked

Where two things fall on the same instant the rules leave the order open, and so does the judge.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ivrengine.acd import decisions as de
from ivrengine.acd import happenings as ha
from ivrengine.acd.limits import ASSIGNED_SECONDS, FAILED_SECONDS, LAST_RESORT_SECONDS
from ivrengine.acd.rules import AgentRules, BreakReason, QueueRules, Team

INNOCENT = ("caller_gone", "withdrawn")  # failures that cost the agent nothing
NO_BREAKS = ("", "no_answer")  # reasons of not being ready that are no break
BEFORE_TALK = ("RESERVED", "RINGING", "ANSWERED", "BRIDGING")
IN_TALK = ("TALKING", "HOLD", "CONSULT", "CONFERENCE")
STAGES_BEFORE = {
    ha.OfferRinging: ("RESERVED",),
    ha.OfferAnswered: ("RESERVED", "RINGING"),
    ha.OfferBridging: ("ANSWERED",),
    ha.OfferBridged: ("BRIDGING",),
}
SLIGHT = 1e-6  # seconds
MOMENT = 1e-3


@dataclass
class Attempt:
    attempt_id: str
    item_id: str
    agent_id: str
    queue: str
    stage: str = "RESERVED"
    cancelled: bool = False
    cancelled_at: float = 0.0
    fault: str = ""  # for which it was cancelled
    over: bool = False


@dataclass
class Item:
    told: ha.Queued
    queue: str
    boost: float
    entered_at: float  # the queue where it is now
    sticky_until: float = 0.0
    terminal: str = ""
    assigned_to: str = ""
    assigned_until: float = 0.0
    nobody_since: float | None = None  # since when nobody who could ever serve it has been logged in
    kept_for_sticky: bool = True  # since it came to its queue, as far as that can be known from outside
    excluded: dict[str, tuple[float, float]] = field(default_factory=dict)  # agent -> certainly until, possibly until
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def key(self) -> float:
        return self.told.queued_at - self.boost

    def live(self) -> list[Attempt]:
        return [each for each in self.attempts if not each.over and not each.cancelled]

    def is_held(self) -> bool:
        """By an offer, or by one that was cancelled while it might be connected any moment."""
        return any(not each.over and (not each.cancelled or each.stage == "BRIDGING") for each in self.attempts)

    def ring_at(self, now: float) -> int:
        return max(n for n, ring in enumerate(self.told.rings) if n == 0 or ring.after_seconds + self.told.queued_at <= now)

    def needs_at(self, now: float) -> tuple[tuple[str, int], ...]:
        return self.told.rings[self.ring_at(now)].needs


@dataclass
class Agent:
    rules: AgentRules | None
    intent: str = "LOGGED_OUT"
    work: str = "IDLE"
    reason: str = ""
    epoch: int = -1
    phone: str = ""
    attempt: Attempt | None = None
    external: set[str] = field(default_factory=set)
    reachable: bool = True
    cool: tuple[float, float] = (0.0, 0.0)  # certainly until, possibly until
    misses: int = 0
    wanted: tuple[str, str] | None = None  # intent and reason, to come true when idle
    granted: set[str] = field(default_factory=set)  # breaks that a supervisor has allowed
    turns: dict[str, int] = field(default_factory=dict)
    talk_ended_at: float = 0.0
    wrap_up_until: float = 0.0
    wrap_up_queue: str = ""
    noted: bool = False  # notes of the talk are kept, or can't be asked for


@dataclass
class Before:
    """How things stood before a happening: views of agents, who was free, and to whom each waiting item was open."""

    views: dict[str, Any]
    free: set[str]
    open_to: dict[str, set[str]]


class Judge:
    def __init__(self) -> None:
        self.queues: dict[str, QueueRules] = {}
        self.once: dict[str, QueueRules] = {}  # with those that are gone from the site
        self.agents: dict[str, Agent] = {}
        self.teams: dict[str, Team] = {}
        self.reasons: dict[str, BreakReason] = {}
        self.items: dict[str, Item] = {}
        self.attempts: dict[str, Attempt] = {}
        self.opened = False
        self.sites = 0
        self.offers = 0

    # -- what is stale ---------------------------------------------------------------------------------------------------

    def is_stale(self, happening: ha.Happening) -> bool:
        """Told of something that is over or was never there, or out of its order: it must change nothing."""
        match happening:
            case ha.OfferRinging() | ha.OfferAnswered() | ha.OfferBridging() | ha.OfferBridged():
                attempt = self.attempts.get(happening.attempt_id)
                return attempt is None or attempt.over or attempt.cancelled or attempt.stage not in STAGES_BEFORE[type(happening)]
            case ha.OfferFailed():
                attempt = self.attempts.get(happening.attempt_id)
                return attempt is None or attempt.over or attempt.stage in IN_TALK
            case ha.TalkEnded():
                attempt = self.attempts.get(happening.attempt_id)
                return attempt is None or attempt.over
            case ha.TalkChanged():
                attempt = self.attempts.get(happening.attempt_id)
                return attempt is None or attempt.over or attempt.stage not in IN_TALK or attempt.stage == happening.work
            case ha.Queued():
                return happening.item_id in self.items
            case ha.Left() | ha.Raised() | ha.Moved() | ha.Assigned():
                return not self._waits(happening.item_id)
            case ha.PhoneBusy():
                agent = self.agents.get(happening.agent_id)
                return agent is None or agent.intent == "LOGGED_OUT" or happening.channel_id in agent.external
            case ha.PhoneFree():
                agent = self.agents.get(happening.agent_id)
                return agent is None or happening.channel_id not in agent.external
            case ha.Opened():
                return self.opened
        agent_id = getattr(happening, "agent_id", None)
        return agent_id is not None and agent_id not in self.agents

    # -- hearing ---------------------------------------------------------------------------------------------------------

    def before(self, views: dict[str, Any], now: float) -> Before:
        now -= MOMENT  # a cool-down that ends now has not ended before
        free = {agent_id for agent_id, agent in self.agents.items() if self._is_free(agent, now)}
        waiting = {item_id for item_id, item in self.items.items() if not item.terminal and not item.is_held() and not item.assigned_to}
        open_to = {item_id: {agent_id for agent_id in self.agents if self._is_open(item_id, agent_id, now)} for item_id in waiting}
        return Before(views, free, open_to)

    def hear(self, happening: ha.Happening | None, now: float, decisions: list[de.Decision], before: Before, strict: bool) -> None:
        """``strict``: no deadline had been missed, so that the order of choices can be judged."""
        live = {item_id for item_id, item in self.items.items() if not item.terminal}
        refused = any(isinstance(each, de.Refused) for each in decisions)
        stale = happening is not None and self.is_stale(happening)
        if happening is not None and not stale:
            self._apply(happening, now, refused)
        leaving = {each.agent_id for each in decisions if isinstance(each, de.AgentChanged) and each.intent == "LOGGED_OUT"}
        for item in self.items.values():
            item.kept_for_sticky &= item.told.sticky_agent not in leaving
        in_order = strict and self.opened and not isinstance(happening, ha.SiteSet | ha.Opened)
        for decision in decisions:
            self._decided(decision, happening, now, before, in_order)
        for item_id in live:
            item = self.items[item_id]
            still = [each for each in item.live() if each.stage not in IN_TALK]
            assert not (item.terminal and still), f"{item_id} is {item.terminal} and yet {still} ring"
        match happening:
            case ha.Left() if not stale:
                ended = self.items[happening.item_id].terminal
                assert ended == happening.terminal or (happening.terminal, ended) == ("abandoned", "short_abandon"), ended
            case ha.Queued() if not stale and strict:
                self._was_rightly_let_in(self.items[happening.item_id], before)

    def _apply(self, happening: ha.Happening, now: float, refused: bool) -> None:
        match happening:
            case ha.SiteSet():
                self._site_set(happening)
            case ha.Opened():
                self.opened = True
            case ha.Left():
                pass  # its terminal is among the decisions
            case ha.Queued():
                item = Item(happening, happening.queue, happening.boost_seconds, now, now + happening.sticky_seconds)
                item.excluded = {agent_id: (until, until) for agent_id, until in happening.excluded_until}
                item.excluded |= {agent_id: (float("inf"), float("inf")) for agent_id in happening.excluded}
                self.items[happening.item_id] = item
            case ha.Raised():
                item = self.items[happening.item_id]
                if not any(each.stage == "BRIDGING" for each in item.attempts if not each.over):
                    item.boost += happening.boost_seconds
            case ha.Moved():
                item = self.items[happening.item_id]
                if happening.queue in self.queues and not refused and not self._is_won(item) and item.queue != happening.queue:
                    item.queue, item.entered_at, item.assigned_to = happening.queue, now, ""
            case ha.Assigned():
                item = self.items[happening.item_id]
                rung = any(each.agent_id == happening.agent_id for each in item.live())
                if happening.agent_id in self.agents and not refused and not rung and not self._is_won(item):
                    if item.assigned_to != happening.agent_id:
                        item.assigned_until = now + ASSIGNED_SECONDS
                    item.assigned_to = happening.agent_id
                    item.excluded.pop(happening.agent_id, None)
            case ha.OfferRinging() | ha.OfferAnswered() | ha.OfferBridging() | ha.OfferBridged():
                self._progressed(happening)
            case ha.OfferFailed():
                self._leg_gone(self.attempts[happening.attempt_id], happening.why, now)
            case ha.TalkEnded():
                attempt = self.attempts[happening.attempt_id]
                if attempt.stage in IN_TALK:
                    self._talk_ended(attempt, now)
                else:
                    self._leg_gone(attempt, "withdrawn" if attempt.cancelled else "failed", now)
            case ha.TalkChanged():
                self.attempts[happening.attempt_id].stage = happening.work
            case ha.TalkFound():
                told = ha.Queued(happening.item_id, happening.queue, happening.since)
                item = self.items[happening.item_id] = Item(told, happening.queue, 0.0, now, terminal="answered")
                attempt = Attempt(happening.attempt_id, happening.item_id, happening.agent_id, happening.queue, "TALKING")
                item.attempts.append(attempt)
                self.attempts[happening.attempt_id] = self.agents[happening.agent_id].attempt = attempt
                self.agents[happening.agent_id].work = "TALKING"
            case _:
                self._agent_told(happening, refused)

    def _site_set(self, site: ha.SiteSet) -> None:
        self.sites += 1
        self.queues = {rules.name: rules for rules in site.queues}
        self.once |= self.queues
        self.teams = {team.name: team for team in site.teams}
        self.reasons = {each.reason: each for each in site.reasons}
        given = {rules.agent_id: rules for rules in site.agents}
        for agent_id, rules in given.items():
            self.agents.setdefault(agent_id, Agent(rules)).rules = rules
        for agent_id, agent in self.agents.items():
            if agent_id not in given:
                agent.rules, agent.wanted = None, ("LOGGED_OUT", "") if agent.intent != "LOGGED_OUT" else None

    def _agent_told(self, happening: Any, refused: bool) -> None:
        agent = self.agents[happening.agent_id]
        here = agent.intent != "LOGGED_OUT" and agent.rules is not None and not refused
        match happening:
            case ha.LoggedIn() if not refused and (agent.phone != happening.phone or not here):
                for other in self.agents.values():
                    if other.phone == happening.phone or other is agent:
                        other.external.clear()
                        other.wanted = None
                agent.phone, agent.reachable, agent.misses = happening.phone, True, 0
                agent.cool = (0.0, agent.cool[1])
            case ha.BecameReady() if here:
                self._wants(agent, "READY", "")
            case ha.BecameNotReady() if here:
                self._wants(agent, "NOT_READY", happening.reason)
            case ha.BreakDecided() if happening.allowed and here:
                agent.granted |= {each.reason for each in self.reasons.values() if each.approval}
                agent.wanted = None  # which break it was about only the dispatcher knows
            case ha.BreakAsked() if here:
                agent.wanted = None
            case ha.LoggedOut() if here:
                self._wants(agent, "LOGGED_OUT", "")
            case ha.AgentFound():
                agent.phone, agent.intent, agent.reason = happening.phone, happening.intent, happening.reason
                agent.granted.add(happening.reason)
                agent.cool, agent.misses = (happening.cool_until, happening.cool_until), happening.missed
                agent.wrap_up_until, agent.wrap_up_queue = happening.wrap_up_until, happening.wrap_up_queue
                if happening.wrap_up_until:
                    agent.work = "WRAP_UP"
            case ha.PhoneBusy():
                agent.external.add(happening.channel_id)
                if agent.work == "IDLE":
                    agent.work = "EXTERNAL"
            case ha.PhoneFree():
                agent.external.discard(happening.channel_id)
            case ha.PhoneReachable() if here:
                agent.reachable = happening.reachable
            case ha.NotesKept() if agent.work in (*IN_TALK, "WRAP_UP"):
                agent.noted = happening.some
            case ha.WrapUpDone() if happening.by_phone and agent.work in (*IN_TALK, "WRAP_UP"):
                agent.noted = True
            case ha.WrapUpExtended() if agent.work == "WRAP_UP" and not refused:
                agent.wrap_up_until += happening.seconds

    @staticmethod
    def _wants(agent: Agent, intent: str, reason: str) -> None:
        agent.wanted = None if (agent.intent, agent.reason) == (intent, reason) else (intent, reason)

    def _progressed(self, happening: Any) -> None:
        attempt = self.attempts[happening.attempt_id]
        item = self.items[attempt.item_id]
        match happening:
            case ha.OfferRinging():
                attempt.stage = "RINGING"
            case ha.OfferAnswered():
                rivals = [each for each in item.live() if each is not attempt and each.stage not in BEFORE_TALK[:2]]
                assert not rivals, f"{attempt} beside {rivals}"
                attempt.stage = "ANSWERED"
                self.agents[attempt.agent_id].misses = 0
            case ha.OfferBridging():
                attempt.stage = "BRIDGING"
            case ha.OfferBridged():
                assert item.live() == [attempt], f"two winners: {item.live()}"
                attempt.stage = "TALKING"
                self.agents[attempt.agent_id].noted = False

    def _leg_gone(self, attempt: Attempt, why: str, now: float) -> None:
        attempt.over = True
        agent, item = self.agents[attempt.agent_id], self.items[attempt.item_id]
        assert agent.attempt is attempt
        agent.attempt = None
        fault = attempt.fault if why in INNOCENT else why
        if not fault:
            return
        if fault == "no_answer":
            agent.misses += 1
        away = self.once[attempt.queue].exclusion_seconds
        surely = 0.0 if attempt.cancelled else now + away  # a cancelled one was charged then; who lost a race may be asked again
        item.excluded[attempt.agent_id] = _later(item.excluded.get(attempt.agent_id), (surely, now + away))
        rules = agent.rules or AgentRules(attempt.agent_id)
        cool = {
            "no_answer": rules.no_answer_seconds, "rejected": rules.rejected_seconds, "busy": rules.busy_seconds,
            "unregistered": rules.unregistered_seconds,
        }.get(fault, FAILED_SECONDS)  # fmt: skip
        agent.cool = _later(agent.cool, (now + cool, now + cool))

    def _talk_ended(self, attempt: Attempt, now: float) -> None:
        attempt.over = True
        agent, rules = self.agents[attempt.agent_id], self._rules_of(self.items[attempt.item_id])
        agent.attempt = None
        agent.talk_ended_at, agent.wrap_up_queue, agent.wrap_up_until = now, rules.name, now + rules.wrap_up_most_seconds

    # -- decisions -------------------------------------------------------------------------------------------------------

    def _decided(self, decision: de.Decision, happening: Any, now: float, before: Before, in_order: bool) -> None:
        match decision:
            case de.Offer():
                self._offered(decision, now, before, in_order)
            case de.CancelOffer():
                attempt = self.attempts[decision.attempt_id]
                assert not attempt.over and not attempt.cancelled and attempt.stage in BEFORE_TALK, f"cancelled in vain: {attempt}"
                attempt.cancelled, attempt.cancelled_at = True, now
                attempt.fault = decision.why if decision.why in ("no_answer", "failed") else ""
                if attempt.fault:
                    item = self.items[attempt.item_id]
                    until = now + self.once[attempt.queue].exclusion_seconds
                    surely = 0.0 if attempt.stage == "BRIDGING" else until  # this one is charged when the leg is gone
                    item.excluded[attempt.agent_id] = _later(item.excluded.get(attempt.agent_id), (surely, until))
            case de.ItemEnded():
                self._ended(decision, happening, now)
            case de.ItemRequeued():
                item = self.items[decision.item_id]
                assert not item.terminal, f"{decision.item_id} had ended as {item.terminal} and was requeued"
                assert self.attempts[decision.attempt_id].item_id == decision.item_id
                assert not item.live(), f"requeued while {item.live()}"
            case de.AgentChanged():
                self._agent_changed(decision, happening, now, before)
            case de.WrapUpEnded():
                self._wrapped_up(self.agents[decision.agent_id], decision, now)

    def _offered(self, offer: de.Offer, now: float, before: Before, in_order: bool) -> None:
        assert self.opened, "nothing is offered before Opened"
        assert offer.attempt_id not in self.attempts, f"{offer.attempt_id} is used twice"
        item, agent = self.items[offer.item_id], self.agents[offer.agent_id]
        rules, live = self._rules_of(item), item.live()
        assert not item.terminal, f"{offer.item_id} had ended as {item.terminal} and was offered"
        assert (offer.queue, offer.phone) == (item.queue, agent.phone)
        assert offer.epoch == agent.epoch, f"{offer} of {agent}"
        assert agent.attempt is None, f"{offer.agent_id} has {agent.attempt} and was offered {offer.item_id}"
        if live:
            assert rules.strategy == "ring_all" and not item.told.virtual, f"{offer.item_id} is offered twice: {live}"
            assert len(live) < max(1, rules.ring_all_limit), "more phones than the limit of ring-all"
            assert all(each.stage in BEFORE_TALK[:2] for each in live), "somebody had answered already"
        agent.work = "IDLE"  # before the RESERVED that was told just now
        assert self.may_be_offered(offer.item_id, offer.agent_id, now, surely=True), f"not allowed at {now}: {offer}\n{agent}\n{item}"
        if in_order and item.assigned_to != offer.agent_id:
            if offer.agent_id in before.free:
                self._the_right_agent(offer, now, before)
            else:
                self._nobody_is_passed_over(offer, now, before)
        agent.work = "RESERVED"
        attempt = Attempt(offer.attempt_id, offer.item_id, offer.agent_id, offer.queue)
        item.attempts.append(attempt)
        self.attempts[offer.attempt_id] = agent.attempt = attempt
        item.assigned_to = ""
        self.offers += 1
        agent.turns[item.queue] = self.offers

    def _ended(self, ended: de.ItemEnded, happening: Any, now: float) -> None:
        item = self.items[ended.item_id]
        rules = self._rules_of(item)
        assert not item.terminal, f"{ended.item_id} ends twice: {item.terminal}, {ended.terminal}"
        assert ended.queue == item.queue
        waited = max(0.0, now - item.told.queued_at)
        assert abs(ended.wait_seconds - waited) < SLIGHT, (ended, waited)
        item.terminal = ended.terminal
        match ended.terminal:
            case "answered":
                assert isinstance(happening, ha.OfferBridged), happening
                attempt = self.attempts[ended.attempt_id]
                assert (attempt.attempt_id, attempt.cancelled) == (happening.attempt_id, False)
                assert (attempt.item_id, attempt.agent_id) == (ended.item_id, ended.agent_id)
            case "short_abandon":
                assert waited <= rules.short_abandon_seconds
            case "abandoned":
                assert waited > rules.short_abandon_seconds or not rules.short_abandon_seconds
            case "timeout":
                limit = self._longest_wait(item)
                assert self.sites > 1 or 0 < limit <= waited + SLIGHT, f"timeout after {waited} of {limit}"
            case "no_agent":
                since = now - item.entered_at
                assert 0 < rules.no_agent_seconds <= since + SLIGHT, f"no_agent after {since} of {rules.no_agent_seconds}"
                assert not self.could_ever_serve(item), "no_agent though somebody is logged in who could serve it at last"

    def _was_rightly_let_in(self, item: Item, before: Before) -> None:
        """A call that comes to a full queue, or to one that nobody serves, is refused; and no other is."""
        rules = self.queues.get(item.queue)
        callers = [
            each for each in self.items.values()
            if each is not item and each.queue == item.queue and not each.told.virtual and not each.terminal
        ]  # fmt: skip
        full = rules is not None and 0 < rules.capacity <= len(callers)
        empty = rules is not None and rules.when_empty == "refuse" and not self.could_ever_serve(item)
        may_wait = item.told.virtual or not self.opened
        if empty and any(agent.rules is None and agent.intent != "LOGGED_OUT" for agent in self.agents.values()):
            return  # somebody who is gone from the site and still talks: whether that is nobody is left open
        right = "failed" if rules is None else "" if may_wait else "refused_full" if full else "refused_empty" if empty else ""
        assert item.terminal == right or (not right and item.terminal == "timeout"), f"{item.terminal!r} and not {right!r}: {item}"

    def _agent_changed(self, changed: de.AgentChanged, happening: Any, now: float, before: Before) -> None:
        agent = self.agents[changed.agent_id]
        assert changed.epoch > agent.epoch, "an agent's epoch only rises"
        assert changed.since <= now
        attempt = agent.attempt
        if attempt is not None and attempt.cancelled and changed.work not in BEFORE_TALK:
            assert now >= attempt.cancelled_at + LAST_RESORT_SECONDS - SLIGHT, f"freed while {attempt} may still ring"
            self._leg_gone(attempt, attempt.fault or "failed", now)
        was = agent.intent, agent.reason
        agent.epoch, agent.intent, agent.work, agent.reason = changed.epoch, changed.intent, changed.work, changed.reason
        if (agent.intent, agent.reason) == was:
            return
        if agent.intent == "LOGGED_OUT":
            agent.external.clear()
            agent.cool = (0.0, agent.cool[1])
        elif agent.intent == "READY":
            agent.misses = 0
        elif agent.reason == "no_answer" and agent.rules is not None and agent.wanted is None:
            assert agent.misses >= agent.rules.no_answer_limit > 0 or self.sites > 1, f"{changed} after {agent.misses} missed calls"
        elif agent.reason not in NO_BREAKS and not isinstance(happening, ha.AgentFound):
            self._break_is_allowed(agent)

    def _break_is_allowed(self, agent: Agent) -> None:
        reason = self.reasons.get(agent.reason)
        assert reason is None or not reason.approval or agent.reason in agent.granted, f"nobody allowed {agent.reason}"
        team = self.teams.get(agent.rules.team) if agent.rules is not None else None
        if team is not None and team.most_away and self.sites == 1:
            mates = [each for each in self.agents.values() if each.rules is not None and each.rules.team == team.name]
            away = [each for each in mates if each.intent == "NOT_READY" and each.reason not in NO_BREAKS]
            assert len(away) <= team.most_away, f"{len(away)} of {team} are away"

    def _wrapped_up(self, agent: Agent, ended: de.WrapUpEnded, now: float) -> None:
        rules = self.queues.get(agent.wrap_up_queue)
        if rules is None or self.sites > 1:
            return
        if ended.automatic:
            assert rules.disposition_required and not ended.disposition
            assert now >= agent.wrap_up_until - SLIGHT, "given up on the disposition too early"
        elif now < agent.wrap_up_until - SLIGHT:
            assert now >= agent.talk_ended_at + rules.wrap_up_least_seconds - SLIGHT, "wrap-up was shorter than the least time"
            assert ended.disposition or not rules.disposition_required, "ended without the disposition that is required"
            assert agent.noted or not rules.notes_required, "ended without the notes that are required"

    # -- the rules -------------------------------------------------------------------------------------------------------

    def logged_in(self, queue: str) -> list[str]:
        return [
            agent_id
            for agent_id, agent in self.agents.items()
            if agent.rules is not None and queue in agent.rules.queues and agent.intent != "LOGGED_OUT"
        ]

    def could_ever_serve(self, item: Item) -> list[str]:
        """Who is logged in and meets the item's needs when they are fully relaxed."""
        last = item.told.rings[-1].needs if item.told.rings else ()
        return [agent_id for agent_id in self.logged_in(item.queue) if _meets(self.agents[agent_id].rules, last)]

    def may_be_offered(self, item_id: str, agent_id: str, now: float, *, surely: bool = False) -> bool:
        """Whether the agent may be rung for the item now. ``surely``: counting only the hindrances that are certain."""
        item, agent = self.items[item_id], self.agents[agent_id]
        if item.assigned_to == agent_id:
            return agent.rules is not None and agent.intent != "LOGGED_OUT" and agent.work == "IDLE" and not agent.external
        return self._is_free(agent, now, surely=surely) and self._is_open(item_id, agent_id, now, surely=surely)

    @staticmethod
    def _is_free(agent: Agent, now: float, *, surely: bool = False) -> bool:
        ready = agent.intent == "READY" and agent.work == "IDLE" and agent.attempt is None and not agent.external
        cool_until = agent.cool[0 if surely else 1]
        return agent.rules is not None and ready and agent.reachable and now >= cool_until - SLIGHT

    def _is_open(self, item_id: str, agent_id: str, now: float, *, surely: bool = False) -> bool:
        """By membership, skill, exclusion and by whom the item asks for."""
        item, rules = self.items[item_id], self.agents[agent_id].rules
        if rules is None or item.queue not in rules.queues or not _meets(rules, item.needs_at(now)):
            return False
        if now < item.excluded.get(agent_id, (0.0, 0.0))[0 if surely else 1] - SLIGHT:
            return False
        sticky = item.told.sticky_agent
        if not sticky or sticky == agent_id or now >= item.sticky_until - SLIGHT or sticky not in self.agents:
            return True
        favourite = self.agents[sticky]
        kept = favourite.intent != "LOGGED_OUT" and self._is_open(item_id, sticky, now, surely=not surely)
        return not (kept and item.kept_for_sticky) if surely else not kept

    def _cost(self, item: Item, rules: AgentRules) -> tuple[int, int, int]:
        """Tier, penalty, and how far the agent's levels fall short of what was asked for first."""
        place = rules.queues[item.queue]
        short = sum(max(0, least - rules.skills.get(skill, 0)) for skill, least in item.told.rings[0].needs)
        return place.tier, place.penalty, short

    def _nobody_is_passed_over(self, offer: de.Offer, now: float, before: Before) -> None:
        """Somebody who became free takes the cheapest item, of the cheapest the oldest; queues by age count as cheapest."""
        mine, rules = self.items[offer.item_id], self.agents[offer.agent_id].rules
        if rules is None:
            return

        def age(item_id: str) -> tuple[float, str]:
            return self.items[item_id].key - self._rules_of(self.items[item_id]).weight_seconds, item_id

        def preference(item_id: str) -> tuple:
            by_age = self._rules_of(self.items[item_id]).order == "age"
            return (1, 0, 0) if by_age else self._cost(self.items[item_id], rules), age(item_id)

        for other_id, open_to in before.open_to.items():
            other = self.items[other_id]
            if other is mine or other.terminal or other.is_held() or other.assigned_to or offer.agent_id not in open_to:
                continue
            if not self._is_open(other_id, offer.agent_id, now):
                continue
            if other.told.virtual == mine.told.virtual:
                first, second = preference(offer.item_id), preference(other_id)
                assert first <= second, f"{offer.agent_id} took {first} before {second}\n{mine}\n{other}"
            elif mine.told.virtual:
                assert age(offer.item_id)[0] < age(other_id)[0], f"the callback {offer.item_id} jumped {other_id}"

    def _the_right_agent(self, offer: de.Offer, now: float, before: Before) -> None:
        """An item that found several idle agents asks the cheapest, of the cheapest the strategy's first, then by number."""
        item, chosen = self.items[offer.item_id], self.agents[offer.agent_id]
        strategy = self._rules_of(item).strategy

        def preference(agent_id: str, agent: Agent) -> tuple:
            view = before.views[agent_id]
            rank = {
                "longest_idle": view.idle_since, "ring_all": view.idle_since, "fewest_calls": view.calls,
                "least_talk": view.talk_seconds, "top_down": agent.rules.position, "round_robin": agent.turns.get(item.queue, 0),
                "best_skill": -sum(agent.rules.skills.get(skill, 0) for skill, _ in item.told.rings[0].needs),
            }.get(strategy, 0)  # fmt: skip
            return self._cost(item, agent.rules), rank, agent_id if strategy != "random" else ""

        for rival_id in before.free:
            rival = self.agents[rival_id]
            if rival is chosen or not self.may_be_offered(offer.item_id, rival_id, now):
                continue
            if self.may_be_offered(offer.item_id, rival_id, now - MOMENT):  # not only from this very instant on
                first, second = preference(offer.agent_id, chosen), preference(rival_id, rival)
                assert first <= second, f"{offer.item_id} asked {offer.agent_id} {first} before {rival_id} {second} by {strategy}"

    def _rules_of(self, item: Item) -> QueueRules:
        return self.once.get(item.queue, QueueRules(item.queue))

    def _longest_wait(self, item: Item) -> float:
        return item.told.max_wait_seconds or (0.0 if item.told.virtual else self._rules_of(item).max_wait_seconds)

    def _is_gone(self, agent_id: str) -> bool:
        return agent_id not in self.agents or self.agents[agent_id].intent == "LOGGED_OUT"

    def _waits(self, item_id: str) -> bool:
        return item_id in self.items and not self.items[item_id].terminal

    @staticmethod
    def _is_won(item: Item) -> bool:
        """Answered by an agent, though not connected yet, or just about to be taken back."""
        return item.is_held() and any(each.stage in BEFORE_TALK[2:] and not each.over for each in item.attempts)

    # -- after every step ------------------------------------------------------------------------------------------------

    def check(self, dispatcher: Any, now: float, strict: bool) -> None:
        agents = {view.agent_id: view for view in dispatcher.agents()}
        for agent_id, agent in self.agents.items():
            view = agents.get(agent_id)
            if view is None:
                assert agent.rules is None and agent.attempt is None, f"{agent_id} has been forgotten"
                agent.intent, agent.wanted, agent.work, agent.epoch = "LOGGED_OUT", None, "IDLE", -1
                agent.turns.clear()
            else:
                self._check_agent(agent_id, agent, view, now, strict)
        self._check_items(dispatcher, now, strict)
        for item_id, item in self.items.items():
            if item.assigned_to and (strict and now >= item.assigned_until or self._is_gone(item.assigned_to)):
                item.assigned_to = ""
            if item.told.sticky_agent and not item.terminal:
                favourite = self.agents.get(item.told.sticky_agent)
                here = favourite is not None and favourite.intent != "LOGGED_OUT"
                item.kept_for_sticky &= here and self._is_open(item_id, item.told.sticky_agent, now)
        if strict:
            deadline = dispatcher.next_deadline()
            assert deadline is None or deadline > now, f"{deadline} is over at {now}"
            self._check_work_is_conserved(now, {view.item_id: view for view in dispatcher.items()})

    def _check_agent(self, agent_id: str, agent: Agent, view: Any, now: float, strict: bool) -> None:
        assert (view.intent, view.work, view.reason) == (agent.intent, agent.work, agent.reason), f"not told: {view} {agent}"
        attempt = agent.attempt
        if view.work != "WRAP_UP":  # which is still about the talk before
            assert view.attempt_id == (attempt.attempt_id if attempt else ""), f"{view} {attempt}"
        if attempt is None:
            assert view.work in ("IDLE", "EXTERNAL", "WRAP_UP"), f"{agent_id} is {view.work} with nobody"
            assert view.work == "WRAP_UP" or (view.work == "EXTERNAL") == bool(agent.external), f"{view} {agent.external}"
        else:
            assert view.work == attempt.stage, f"{agent_id} is {view.work}, {attempt}"
        if agent.wanted == (view.intent, view.reason):
            agent.wanted = None
        assert agent.wanted is None or view.work != "IDLE", f"{agent_id} wanted to be {agent.wanted} and is {view}"
        if strict and view.work == "WRAP_UP" and self.sites == 1:
            assert now < agent.wrap_up_until + SLIGHT, f"{agent_id} wraps up for ever"

    def _check_items(self, dispatcher: Any, now: float, strict: bool) -> None:
        views = {view.item_id: view for view in dispatcher.items() if view.state != "TALKING"}
        live = {item_id for item_id, item in self.items.items() if not item.terminal}
        assert set(views) == live, f"lost {live - set(views)}, kept {set(views) - live}"
        for item_id, view in views.items():
            item = self.items[item_id]
            assert (view.queue, view.queued_at, view.boost_seconds) == (item.queue, item.told.queued_at, item.boost), f"{view} {item}"
            if all(each.over for each in item.attempts):
                assert view.state == "QUEUED", f"{view}: nobody is being rung"
            assert (view.state == "QUEUED") <= (not item.live()), f"{view} {item.live()}"
            limit = self._longest_wait(item)
            if strict and limit and view.state == "QUEUED" and self.sites == 1:
                assert now < item.told.queued_at + limit + SLIGHT, f"{view} waits beyond its limit"
            self._check_somebody_is_there(item, view, now, strict)
            if strict and view.state == "QUEUED" and not item.assigned_to:
                assert view.ring == item.ring_at(now), f"{view} is not in ring {item.ring_at(now)}"
        for queue in {item.queue for item in self.items.values()}:
            line = [view.item_id for view in dispatcher.items(queue) if view.state != "TALKING"]
            assert sorted(line) == sorted(item_id for item_id in live if self.items[item_id].queue == queue)
            assert [dispatcher.position(item_id) for item_id in line] == list(range(1, len(line) + 1))
            keys = [self.items[item_id].key for item_id in line]
            assert keys == sorted(keys), f"the line of {queue} is out of order: {keys}"
        for queue in self.queues:
            leaving = sum(agent.rules is None and agent.intent != "LOGGED_OUT" for agent in self.agents.values())
            surplus = dispatcher.eligible(queue) - len(self.logged_in(queue))
            assert 0 <= surplus <= leaving, f"{queue}: {surplus} too many of {self.logged_in(queue)}"

    def _check_somebody_is_there(self, item: Item, view: Any, now: float, strict: bool) -> None:
        """Nobody on the line waits longer than the queue wants for agents of whom none could ever serve them."""
        leaving = any(agent.rules is None and agent.intent != "LOGGED_OUT" for agent in self.agents.values())
        if item.told.virtual or leaving or self.could_ever_serve(item):
            item.nobody_since = None
            return
        item.nobody_since = now if item.nobody_since is None else item.nobody_since
        limit = self._rules_of(item).no_agent_seconds
        if strict and limit and view.state == "QUEUED" and not item.assigned_to and self.sites == 1:
            since = max(item.nobody_since, item.entered_at)
            assert now < since + limit + SLIGHT, f"{view} waits for nobody since {since}"

    def _check_work_is_conserved(self, now: float, views: dict[str, Any]) -> None:
        if not self.opened:
            return
        for item_id, view in views.items():
            if view.state == "QUEUED" and not self.items[item_id].assigned_to:
                idle = [agent_id for agent_id in self.agents if self.may_be_offered(item_id, agent_id, now)]
                assert not idle, f"{idle} idle beside {view} at {now}\n{self.items[item_id]}"


def _meets(rules: AgentRules, needs: tuple[tuple[str, int], ...]) -> bool:
    return all(rules.skills.get(skill, 0) >= level for skill, level in needs)


def _later(known: tuple[float, float] | None, also: tuple[float, float]) -> tuple[float, float]:
    return also if known is None else (max(known[0], also[0]), max(known[1], also[1]))
