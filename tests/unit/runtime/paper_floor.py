"""A call centre of paper for the verbs of agents and supervisors: the real dispatcher and database, and a switch that only notes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent

from ivrengine.acd.decisions import Decision
from ivrengine.acd.dispatcher import Dispatcher
from ivrengine.acd.happenings import Happening, OfferAnswered, OfferBridged, OfferBridging, OfferRinging, Opened, Queued
from ivrengine.acd.rules import AgentRules, BreakReason, Membership, QueueRules, Team
from ivrengine.domain.audio import Prompt, Speech
from ivrengine.domain.legs import LegEvent
from ivrengine.runtime.desk import Desk
from ivrengine.runtime.desk_messages import DeskMessages
from ivrengine.runtime.desk_words import DeskWords
from ivrengine.runtime.greenlets import Crew
from ivrengine.runtime.outcome import Outcome
from ivrengine.runtime.talks import Talk
from ivrengine.site.records import Agent, Disposition, Site
from ivrengine.storage.store import Store

QUEUES = (QueueRules("sales", "Sales", number="71"), QueueRules("support", "Support", disposition_required=True))
REASONS = (BreakReason("tea"), BreakReason("lunch", "Lunch", approval=True))
SITE = Site(
    teams=(Team("day", most_away=1),),
    reasons=REASONS,
    dispositions=(Disposition("1", "Bought"), Disposition("2", "Complaint", ("support",))),
    queues=QUEUES,
    agents=(
        Agent(AgentRules("101", "Li", "day", queues={"sales": Membership(), "support": Membership()})),
        Agent(AgentRules("102", "Wang", "day", queues={"sales": Membership()})),
        Agent(AgentRules("103", "Zhao", queues={"support": Membership()}), extension="8003", supervisor=True),
    ),
)


class PaperLegs:
    """What is asked of the switch. ``bridges``: whether it connects when asked to."""

    def __init__(self) -> None:
        self.asked: list[tuple] = []
        self.dialled: dict[str, str] = {}  # number -> leg id, the newest
        self.bridges = True
        self.registered = {"8001", "8002", "8003", "8009"}

    def originate(self, leg_id, kind, number, ring_seconds, **options) -> None:
        self.dialled[number] = leg_id
        self.asked.append(("originate", kind, number))

    def reachable(self, extension) -> bool:
        return extension in self.registered

    def kill(self, leg_id) -> None:
        self.asked.append(("kill", leg_id))

    def __getattr__(self, name):
        if name not in ("play", "record", "stop_playing", "unbridge", "bridge", "bridge_legs", "eavesdrop", "three_way"):
            raise AttributeError(name)

        def ask(*what) -> bool:
            self.asked.append((name, *what))
            return self.bridges

        return ask


class Floor:
    """The director's part, without offers: happenings go straight to the dispatcher, legs are told by the test."""

    def __init__(self, store: Store, site: Site = SITE) -> None:
        self.now = 1000.0
        self.store = store
        self.site = site
        self.crew = Crew()
        self.dispatcher = Dispatcher()
        self.decisions: list[Decision] = []
        self.talks: dict[str, Talk] = {}  # by agent
        self.legs = PaperLegs()
        self.told: list[tuple] = []
        self.owners: dict = {}
        self.busy_phones: dict[str, str] = {}
        self.requeued: list[tuple] = []
        self._items = itertools.count(1)
        self.feed(site.happening())
        self.feed(Opened())

    def clock(self) -> float:
        return self.now

    def feed(self, happening: Happening) -> list[Decision]:
        decisions = self.dispatcher.feed(happening, self.now)
        self.decisions += decisions
        return decisions

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.decisions += self.dispatcher.expire(self.now)

    # -- what the director does for others -----------------------------------------------------------------------------

    def own_leg(self, leg_id, on) -> None:
        self.owners[leg_id] = on

    def disown_leg(self, leg_id) -> None:
        self.owners.pop(leg_id, None)

    def leg(self, number: str, *events: LegEvent) -> str:
        """Things happen on the leg that was dialled to ``number`` last."""
        leg_id = self.legs.dialled[number]
        for event in events:
            self.owners[leg_id](event)
        return leg_id

    def busy(self, phone, call_id, channel_id) -> None:
        self.busy_phones[call_id] = phone

    def free(self, call_id, channel_id="") -> None:
        self.busy_phones.pop(call_id, None)

    def talk_of(self, agent_id: str) -> Talk | None:
        return self.talks.get(agent_id)

    def tell(self, call_id, event) -> None:
        self.told.append((call_id, event))

    def release_leg(self, talk: Talk) -> None:
        talk.caller_there = False
        self.legs.asked.append(("release", talk.leg_id))

    def rejoin(self, talk: Talk) -> None:
        talk.caller_there = True
        self.legs.asked.append(("rejoin", talk.leg_id))

    def change_work(self, talk: Talk, work: str) -> None:
        talk.work = work

    def requeue(self, talk: Talk, queue: str, *, excluded=(), sticky_agent="", keeps_age=False) -> str:
        self.requeued.append((talk.call_id, queue, tuple(excluded), sticky_agent))
        talk.passed_on = True
        return f"{talk.token}+1"

    # -- people --------------------------------------------------------------------------------------------------------

    def wait_in(self, queue: str = "sales", **more) -> str:
        item_id = f"call-{next(self._items)}:1"
        self.feed(Queued(item_id, queue, self.now, **more))
        return item_id

    def connect(self, agent_id: str) -> Talk:
        """The agent takes the call that rings at them."""
        view = self.dispatcher.agent(agent_id)
        for happening in (OfferRinging, OfferAnswered, OfferBridging, OfferBridged):
            self.feed(happening(view.attempt_id))
        call_id = view.item_id.split(":")[0]
        talk = Talk(view.attempt_id, view.item_id, call_id, view.item_id, agent_id, view.queue, f"leg-{agent_id}", self.now, view.phone)
        self.talks[agent_id] = talk
        return talk


def make_desk(floor: Floor, prompts: frozenset[str] = frozenset(), answer=lambda call_id, event: None) -> Desk:
    words = DeskWords(lambda name, language: name in prompts, "en-US")
    messages = DeskMessages(floor.store, words, floor.clock)
    return Desk(floor, floor.store, lambda: floor.site, words, messages, answer, floor.crew, floor.clock)


def heard(outcome: Outcome) -> list[str]:
    """Prompts by name, values as they are."""
    return [item.name if isinstance(item, Prompt) else item.value if isinstance(item, Speech) else str(item) for item in outcome.say]


@contextmanager
def opened(directory: Path, site: Site = SITE) -> Iterator[Store]:
    with Store(directory / "test.db") as store:
        store.site.replace(site, "test", 1.0).wait()
        yield store


def settle(store: Store) -> None:
    """Until everything that was begun has been written down, and who waited for that has gone on."""
    for _ in range(3):
        gevent.sleep(0)
        store.database.write(lambda db: None, "a pause")
    gevent.sleep(0)
