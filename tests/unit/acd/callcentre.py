"""A small call centre for tests of the dispatcher: short words for what is told, and a virtual clock that keeps every deadline."""

from __future__ import annotations

from typing import Any

from ivrengine.acd import decisions as de
from ivrengine.acd import happenings as ha
from ivrengine.acd.dispatcher import Dispatcher
from ivrengine.acd.rules import AgentRules, Membership, QueueRules

START = 1000.0
STAGES = (ha.OfferRinging, ha.OfferAnswered, ha.OfferBridging, ha.OfferBridged)


def queue(name: str = "q", **rules: Any) -> QueueRules:
    return QueueRules(name, **rules)


def agent(agent_id: str, *queues: str, tier: int = 1, penalty: int = 0, **rules: Any) -> AgentRules:
    return AgentRules(agent_id, queues={name: Membership(tier, penalty) for name in queues or ("q",)}, **rules)


class CallCentre:
    """Agents are logged in at phone 8<id> and ready, one second apart, unless ``ready`` is False."""

    def __init__(self, *site: Any, ready: bool = True, opened: bool = True, seed: int = 0) -> None:
        queues = tuple(each for each in site if isinstance(each, QueueRules)) or (queue(),)
        agents = tuple(each for each in site if isinstance(each, AgentRules))
        rest = [each for each in site if not isinstance(each, QueueRules | AgentRules)]
        self.teams = tuple(each for each in rest if hasattr(each, "most_away"))
        self.reasons = tuple(each for each in rest if hasattr(each, "approval"))
        self.queues, self.agents = queues, agents
        self.dispatcher = Dispatcher(seed)
        self.now = START
        self.log: list[tuple[ha.Happening | None, float]] = []
        self.told: list[de.Decision] = []  # all decisions so far
        self.site(queues, agents)
        if opened:
            self.tell(ha.Opened())
        if ready:
            for each in agents:
                self.log_in(each.agent_id)
                self.ready(each.agent_id)
                self.wait(1)

    def site(self, queues: Any, agents: Any) -> list[de.Decision]:
        self.queues, self.agents = tuple(queues), tuple(agents)
        return self.tell(ha.SiteSet(self.queues, self.agents, self.teams, self.reasons))

    def tell(self, happening: ha.Happening) -> list[de.Decision]:
        decisions = self.dispatcher.feed(happening, self.now)
        self.log.append((happening, self.now))
        self.told += decisions
        return decisions

    def wait(self, seconds: float) -> list[de.Decision]:
        """Time goes on; each deadline is kept."""
        until, decisions = self.now + seconds, []
        while (deadline := self.dispatcher.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            decisions += self._expire()
        self.now = until
        decisions += self._expire()
        self.told += decisions
        return decisions

    def _expire(self) -> list[de.Decision]:
        self.log.append((None, self.now))
        return self.dispatcher.expire(self.now)

    # -- short words ---------------------------------------------------------------------------------------------------

    def log_in(self, agent_id: str, phone: str = "") -> list[de.Decision]:
        return self.tell(ha.LoggedIn(agent_id, phone or f"8{agent_id}"))

    def ready(self, agent_id: str) -> list[de.Decision]:
        return self.tell(ha.BecameReady(agent_id))

    def away(self, agent_id: str, reason: str = "lunch") -> list[de.Decision]:
        return self.tell(ha.BecameNotReady(agent_id, reason))

    def call(self, item_id: str, name: str = "q", *, waited: float = 0.0, **wishes: Any) -> list[de.Decision]:
        return self.tell(ha.Queued(item_id, name, self.now - waited, **wishes))

    def go(self, attempt_id: str, work: str) -> list[de.Decision]:
        """The offer goes on as offers do, until the agent's work is this."""
        decisions = []
        for stage in STAGES[: ("RINGING", "ANSWERED", "BRIDGING", "TALKING").index(work) + 1]:
            decisions += self.tell(stage(attempt_id))
        return decisions

    def fail(self, attempt_id: str, why: ha.OfferFailure) -> list[de.Decision]:
        return self.tell(ha.OfferFailed(attempt_id, why))

    def serve(self, agent_id: str, talk: float = 10.0) -> None:
        """The agent takes the call that is offered, talks, and is done."""
        attempt_id = self.dispatcher.agent(agent_id).attempt_id
        self.go(attempt_id, "TALKING")
        self.wait(talk)
        self.tell(ha.TalkEnded(attempt_id))
        self.tell(ha.WrapUpDone(agent_id))

    # -- what can be seen ----------------------------------------------------------------------------------------------

    def work(self, agent_id: str) -> str:
        return self.dispatcher.agent(agent_id).work

    def intent(self, agent_id: str) -> str:
        return self.dispatcher.agent(agent_id).intent

    def state(self, item_id: str) -> str:
        item = self.dispatcher.item(item_id)
        return item.state if item else "ENDED"

    def line(self, name: str = "q") -> list[str]:
        return [item.item_id for item in self.dispatcher.items(name)]


def offers(decisions: list[de.Decision]) -> list[tuple[str, str]]:
    """(item, agent) of each offer."""
    return [(each.item_id, each.agent_id) for each in decisions if isinstance(each, de.Offer)]


def ends(decisions: list[de.Decision]) -> list[tuple[str, str]]:
    """(item, terminal) of each item's end."""
    return [(each.item_id, each.terminal) for each in decisions if isinstance(each, de.ItemEnded)]


def cancels(decisions: list[de.Decision]) -> list[tuple[str, str]]:
    return [(each.attempt_id, each.why) for each in decisions if isinstance(each, de.CancelOffer)]


def codes(decisions: list[de.Decision]) -> list[str]:
    """Of refusals and warnings."""
    return [each.code for each in decisions if isinstance(each, de.Refused | de.Warned)]
