"""A small call centre around the dispatcher, for tests: it tells happenings, keeps the log, and lets the judge look after each.

It plays what the edges do: time goes on deadline by deadline (or late), legs go through their stages, and an engine may die and
come back, either by replaying the log or by telling a new dispatcher what the rows say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from types import SimpleNamespace
from typing import Any

from acd_judge import BEFORE_TALK, IN_TALK, Attempt, Before, Judge

from ivrengine.acd import decisions as de
from ivrengine.acd import happenings as ha
from ivrengine.acd.dispatcher import Dispatcher

START = 1_800_000_000.0
MOST_EXPIRIES = 200  # one after the other while time goes on; more is a dispatcher that turns in circles
AGENT_FIELDS = (
    "agent_id", "phone", "intent", "work", "reason", "pending_intent", "since", "idle_since", "attempt_id", "epoch", "calls",
    "talk_seconds", "reachable", "break_asked",
)  # fmt: skip
ITEM_FIELDS = ("item_id", "queue", "queued_at", "boost_seconds", "ring", "state", "virtual")


def agents_seen(dispatcher: Dispatcher) -> dict[str, Any]:
    return {view.agent_id: SimpleNamespace(**{name: getattr(view, name) for name in AGENT_FIELDS}) for view in dispatcher.agents()}


def everything_seen(dispatcher: Dispatcher) -> tuple:
    """All that can be asked of the dispatcher, to compare."""
    return (
        [tuple(getattr(view, name) for name in AGENT_FIELDS) for view in dispatcher.agents()],
        [(*(getattr(view, name) for name in ITEM_FIELDS), tuple(sorted(view.excluded))) for view in dispatcher.items()],
        dispatcher.next_deadline(),
    )


class World:
    def __init__(self, site: ha.SiteSet, seed: int = 0) -> None:
        self.seed = seed
        self.dispatcher = Dispatcher(seed)
        self.judge = Judge()
        self.now = START
        self.log: list[tuple[ha.Happening | None, float, list[de.Decision]]] = []
        self.steps = 0
        self.items_told = 0
        self.tell(site)

    # -- telling -------------------------------------------------------------------------------------------------------

    def tell(self, happening: ha.Happening) -> list[de.Decision]:
        """Feed it, judge what comes of it."""
        strict = self._on_time()
        before = self.judge.before(agents_seen(self.dispatcher), self.now)
        stale = strict and self.judge.is_stale(happening)
        seen = everything_seen(self.dispatcher) if stale else None
        decisions = self.dispatcher.feed(happening, self.now)
        self._heard(happening, decisions, before, strict)
        if strict and not self._on_time():  # what was told is over already, such as a wait of long ago
            self._expire(strict=True)
        if stale:
            assert all(isinstance(each, de.Refused) for each in decisions), f"stale, and yet: {happening} {decisions}"
            assert everything_seen(self.dispatcher) == seen, f"stale, and yet something changed: {happening}"
        return decisions

    def tell_twice(self, happening: ha.Happening) -> None:
        """The second time it changes nothing, unless it adds up by its nature."""
        self.tell(happening)
        if isinstance(happening, ha.Raised | ha.WrapUpExtended | ha.WrapUpDone) or not self._on_time():
            return
        seen = everything_seen(self.dispatcher)
        decisions = self.tell(happening)
        assert all(isinstance(each, de.Refused) for each in decisions), f"told twice: {happening} {decisions}"
        assert everything_seen(self.dispatcher) == seen, f"told twice: {happening}"

    def advance(self, seconds: float) -> None:
        """Time goes on, and each deadline is kept to the instant."""
        until = self.now + seconds
        for _ in range(MOST_EXPIRIES):
            deadline = self.dispatcher.next_deadline()
            if deadline is None or deadline > until:
                break
            on_time = deadline >= self.now
            self.now = max(self.now, deadline)
            self._expire(strict=on_time)
        else:
            raise AssertionError(f"{MOST_EXPIRIES} deadlines within {seconds} s")
        self.now = until

    def jump(self, seconds: float) -> None:
        """The engine slept through its deadlines."""
        self.now += seconds

    def catch_up(self) -> None:
        self._expire(strict=False)
        self.judge.check(self.dispatcher, self.now, strict=True)

    def _expire(self, strict: bool) -> None:
        before = self.judge.before(agents_seen(self.dispatcher), self.now)
        self._heard(None, self.dispatcher.expire(self.now), before, strict)

    def _heard(self, happening: ha.Happening | None, decisions: list[de.Decision], before: Before, strict: bool) -> None:
        self.steps += 1
        self.log.append((happening, self.now, decisions))
        self.judge.hear(happening, self.now, decisions, before, strict)
        self.judge.check(self.dispatcher, self.now, strict and self._on_time())

    def _on_time(self) -> bool:
        deadline = self.dispatcher.next_deadline()
        return deadline is None or deadline > self.now

    # -- what there is to tell about -----------------------------------------------------------------------------------

    def queue(self, queue: str, *, waited: float = 0.0, **wishes: Any) -> str:
        """A caller (or a callback) comes to a queue, with ``waited`` seconds of waiting behind it."""
        self.items_told += 1
        item_id = f"i{self.items_told}"
        self.tell(ha.Queued(item_id, queue, self.now - waited, **wishes))
        return item_id

    def attempts(self, *, live: bool = True) -> list[Attempt]:
        """Offers and talks whose leg is still there, or those whose leg is gone."""
        return [each for each in self.judge.attempts.values() if each.over != live]

    def waiting(self) -> list[str]:
        return [item_id for item_id, item in self.judge.items.items() if not item.terminal]

    def wrapping_up(self) -> list[str]:
        return [agent_id for agent_id, agent in self.judge.agents.items() if agent.work == "WRAP_UP"]

    def next_stage(self, attempt: Attempt) -> None:
        """The agent's leg goes on as legs do."""
        if attempt.cancelled:
            self.tell(ha.OfferFailed(attempt.attempt_id, "withdrawn"))
        elif attempt.stage in IN_TALK:
            self.tell(ha.TalkEnded(attempt.attempt_id))
        else:
            told = (ha.OfferRinging, ha.OfferAnswered, ha.OfferBridging, ha.OfferBridged)[BEFORE_TALK.index(attempt.stage)]
            self.tell(told(attempt.attempt_id))

    def fail(self, attempt: Attempt, why: ha.OfferFailure) -> None:
        if attempt.stage in IN_TALK:
            self.tell(ha.TalkEnded(attempt.attempt_id))
        else:
            self.tell(ha.OfferFailed(attempt.attempt_id, why))

    # -- the engine dies and comes back ----------------------------------------------------------------------------------

    def replay(self) -> None:
        """A new dispatcher that is told the log decides the same and is in the same state; it goes on in place of the old one."""
        other = Dispatcher(self.seed)
        for happening, at, decisions in self.log:
            again = other.expire(at) if happening is None else other.feed(happening, at)
            assert again == decisions, f"replay of {happening} at {at}: {again} instead of {decisions}"
        assert everything_seen(other) == everything_seen(self.dispatcher)
        self.dispatcher = other

    def restart(self, site: ha.SiteSet, order: Random, away_seconds: float = 0.0) -> None:
        """A new dispatcher that is told what the rows say: who waits since when, who talks with whom, how the agents were."""
        old, was = self.judge, agents_seen(self.dispatcher)
        lines = {queue: [view.item_id for view in self.dispatcher.items(queue) if view.state != "TALKING"] for queue in old.queues}
        self.now += away_seconds
        self.dispatcher, self.judge, self.log = Dispatcher(self.seed), Judge(), []
        self.judge.attempts |= {each.attempt_id: each for each in old.attempts.values() if each.stage not in IN_TALK}
        for each in self.judge.attempts.values():
            each.over = True
        self.judge.items |= {item_id: item for item_id, item in old.items.items() if item.terminal}
        self.tell(site)
        found = list(self._rows(old, was))
        order.shuffle(found)
        for group in ((ha.AgentFound,), (ha.PhoneBusy, ha.PhoneReachable, ha.TalkFound, ha.Queued)):
            for happening in found:
                if isinstance(happening, group):
                    self.tell(happening)
        for queue, line in lines.items():
            still = [view.item_id for view in self.dispatcher.items(queue) if view.state != "TALKING"]
            expected = [item_id for item_id in line if not self.judge.items[item_id].terminal]  # some have waited too long meanwhile
            assert still == expected, f"the line of {queue} was {line} and is {still} after a restart"
        self.tell(ha.Opened())

    def _rows(self, old: Judge, was: dict[str, Any]) -> Iterable[ha.Happening]:
        for agent_id, agent in old.agents.items():
            if agent.intent == "LOGGED_OUT" or agent.rules is None:
                continue
            in_wrap_up = agent.work == "WRAP_UP" and agent.wrap_up_until > self.now
            view = was[agent_id]
            yield ha.AgentFound(
                agent_id, agent.phone, agent.intent, agent.reason, view.since, view.idle_since, view.calls, view.talk_seconds,
                agent.wrap_up_until if in_wrap_up else 0.0, agent.wrap_up_queue if in_wrap_up else "", agent.cool[0], agent.misses,
            )  # fmt: skip
            for channel in sorted(agent.external):
                yield ha.PhoneBusy(agent_id, channel)
            if not agent.reachable:
                yield ha.PhoneReachable(agent_id, False)
        for each in old.attempts.values():
            if not each.over and each.stage in IN_TALK and old.agents[each.agent_id].rules is not None:
                yield ha.TalkFound(each.attempt_id, each.item_id, each.agent_id, old.items[each.item_id].queue, self.now)
        for item in old.items.values():
            if not item.terminal:
                already = item.told.attempts_before + len(item.attempts)
                until = {agent_id: surely for agent_id, (surely, _) in item.excluded.items() if self.now < surely < float("inf")}
                yield replace(
                    item.told, queue=item.queue, boost_seconds=item.boost, attempts_before=already, excluded_until=tuple(until.items())
                )
