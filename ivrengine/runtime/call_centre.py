"""The call centre of one engine: builds director, recovery and reconciler, and is the door by which sessions reach them.

What calls that are picked up after a restart ask before the queues are rebuilt is answered when they are: the places that an earlier
process gave come first. A part that is not there refuses by the event that the asker waits for, so that no caller waits for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from ivrengine.acd.decisions import Offer
from ivrengine.acd.dispatcher import Dispatcher
from ivrengine.acd.rules import QueueRules
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import AskDesk, Enqueue, KeepMark, RaiseAlarm, RequestCallback, TurnedAway
from ivrengine.domain.events import CallbackDecided, DeskAnswered
from ivrengine.esl.legs import Legs
from ivrengine.esl.switch import ChannelState
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.voice import Voice
from ivrengine.storage.store import Store

from .agent_leg import AgentLeg, LegPlan
from .call_recordings import CallRecordings
from .clock import EvenClock
from .deadman import DeadMan
from .director import Director
from .greenlets import Crew
from .leg_plans import LegPlans
from .phones import LOOK_SECONDS as PHONES_LOOK_SECONDS
from .queue_records import QueueRecords
from .queue_recovery import QueueRecovery
from .reception import Reception
from .reconciler import LOOK_SECONDS as RECONCILER_LOOK_SECONDS
from .reconciler import Reconciler
from .site_rules import LOOK_SECONDS as SITE_LOOK_SECONDS
from .site_rules import SiteRules
from .waiting import Waiting


class CallCentre:
    """Implements surroundings.CallCentre. ``alive``: the callers' channels when the link came up. ``callbacks`` and ``desk`` are set
    when those parts have been built; ``language`` is that of the agents."""

    def __init__(
        self,
        store: Store,
        legs: Legs,
        reception: Reception,
        deadman: DeadMan,
        catalogue: Catalogue,
        voice: Voice,
        language: str,
        recordings: Path,
        alive: Callable[[], Mapping[str, ChannelState]],
        crew: Crew,
        clock: Callable[[], float],
        alarm: Callable[[RaiseAlarm], None],
    ) -> None:
        self.callbacks: Callable[[CallInfo, RequestCallback], None] | None = None
        self.desk: Callable[[CallInfo, AskDesk], None] | None = None
        self.clock = EvenClock(clock)
        self.plans = LegPlans(catalogue, voice, language)
        self.recordings = CallRecordings(legs, store, recordings, crew, alarm)
        self.director = Director(
            Dispatcher(),
            legs,
            self._make_leg,
            SiteRules(store, lambda site: self.director.feed(site), alarm),
            QueueRecords(store, self.clock),
            self.recordings,
            store.segments.last_agent,
            legs.reachable,
            crew,
            self.clock,
            reception.call_event,
            self._with_somebody,
            alarm,
        )
        self.recovery = QueueRecovery(self.director, store, alive, self._adopt_leg, self.clock)
        self.reconciler = Reconciler(self.director, self.recovery, legs, reception.sessions)
        legs.listen(self.director)
        self._legs = legs
        self._reception = reception
        self._deadman = deadman
        self._crew = crew
        self._alarm = alarm
        self._too_early: list[Callable[[], None]] = []
        self.recovery.on_done = self._answer_the_early

    # -- starting and stopping -----------------------------------------------------------------------------------------

    def load(self, waiting_tokens: Iterable[tuple[str, str]]) -> None:
        """Before the link comes up: the site, and what an earlier process left. Raises StorageError."""
        self.director.site.load()
        self.recovery.load(waiting_tokens)

    def start(self) -> None:
        self.director.start()
        self._crew.repeat(self.director.site.look, SITE_LOOK_SECONDS)
        self._crew.repeat(self.director.phones.look, PHONES_LOOK_SECONDS)
        self._crew.repeat(self.reconciler.look, RECONCILER_LOOK_SECONDS)

    def stop(self) -> None:
        self.director.stop()

    # -- what the director needs ---------------------------------------------------------------------------------------

    def _make_leg(self, offer: Offer, waiting: Waiting, director: Director) -> AgentLeg:
        rules = director.site.queue(offer.queue)
        plan = LegPlan() if rules is None else self.plan(offer, rules, waiting)
        return AgentLeg(offer, waiting.call_id, self._legs, plan, director, alarm=self._leg_alarm)

    def plan(self, offer: Offer, rules: QueueRules, waiting: Waiting) -> LegPlan:
        """How the agent's phone is rung for an offer."""
        agent = self.director.site.agent(offer.agent_id)
        return replace(self.plans.of(offer, rules, waiting, self.clock()), auto_answer=agent is not None and agent.rules.auto_answer)

    def _adopt_leg(self, offer: Offer, caller: str, director: Director) -> AgentLeg:
        return AgentLeg(offer, caller, self._legs, LegPlan(), director, alarm=self._leg_alarm)

    def _leg_alarm(self, code: str, sentence: str) -> None:
        self._alarm(RaiseAlarm(code, sentence))

    def _with_somebody(self, call_id: str, on: bool) -> None:
        session = self._reception.sessions.get(call_id)
        if session is not None:
            session.talks(on)
            if not on:
                self._deadman.parted(call_id)

    # -- what sessions ask ---------------------------------------------------------------------------------------------

    def _when_rebuilt(self, work: Callable[[], None]) -> None:
        if self.recovery.done:
            work()
        else:
            self._too_early.append(work)

    def _answer_the_early(self) -> None:
        early, self._too_early = self._too_early, []
        for work in early:
            work()

    def enqueue(self, call: CallInfo, command: Enqueue) -> None:
        self._when_rebuilt(partial(self.director.enqueue, call, command))

    def ready_to_talk(self, call_id: str, token: str) -> None:
        self._when_rebuilt(partial(self.director.ready_to_talk, call_id, token))

    def leave(self, call_id: str, token: str, outcome: str) -> None:
        self._when_rebuilt(partial(self.director.leave, call_id, token, outcome))  # type: ignore[arg-type]

    def turned_away(self, call: CallInfo, command: TurnedAway) -> None:
        self.director.turned_away(call, command)

    def keep_mark(self, call: CallInfo, command: KeepMark) -> None:
        self.director.keep_mark(call, command)

    def call_began(self, call: CallInfo) -> None:
        self.director.call_began(call)

    def call_ended(self, call_id: str) -> None:
        self._when_rebuilt(partial(self.director.call_ended, call_id))

    def extension_rung(self, call_id: str, extension: str) -> None:
        self.director.extension_rung(call_id, extension)

    def extension_free(self, call_id: str) -> None:
        self.director.extension_free(call_id)

    def request_callback(self, call: CallInfo, command: RequestCallback) -> None:
        if self.callbacks is None:
            self._reception.call_event(call.call_id, CallbackDecided(command.token, "failed"))
        else:
            self._when_rebuilt(partial(self.callbacks, call, command))

    def ask_desk(self, call: CallInfo, command: AskDesk) -> None:
        if self.desk is None:
            self._reception.call_event(call.call_id, DeskAnswered(command.token, "failed"))
        else:
            self._when_rebuilt(partial(self.desk, call, command))
