"""Compares what the engine believes of queues, offers and talks with what the switch holds, again and again, and mends what differs.

Nothing here is expected to be found: every guard elsewhere makes sure of that. A difference counts only when two looks in a row have
seen it (what is just happening looks like one); it is mended then, and told as a fault with what was done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass

from ivrengine.acd.happenings import Left, OfferFailed, TalkEnded
from ivrengine.domain.commands import RaiseAlarm
from ivrengine.domain.legs import LegState
from ivrengine.domain.sentence import Sentence
from ivrengine.esl.errors import EslError
from ivrengine.esl.legs import Legs
from ivrengine.log import note

from .director import Director
from .queue_recovery import QueueRecovery

LOOK_SECONDS = 10.0
MENDED_LIMIT = 100  # differences mended in one look; the others' turn comes with the next

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Difference:
    """``what`` names it, so that the next look knows it again; ``mend`` may wait for the switch."""

    what: str
    mend: Callable[[], object]


class Reconciler:
    """``sessions``: the calls that have one."""

    def __init__(self, director: Director, recovery: QueueRecovery, legs: Legs, sessions: Container[str]) -> None:
        self._director = director
        self._recovery = recovery
        self._legs = legs
        self._sessions = sessions
        self._suspected: set[str] = set()
        director.on_resynchronised = self.resynchronised

    def resynchronised(self, legs: list[LegState]) -> None:
        """The link is up (again): the first time everything is rebuilt, later only compared. Never waits."""
        if not self._recovery.done:
            self._recovery.rebuild(legs)
            return
        for leg in legs:
            if not self._director.is_known(leg.leg_id):
                self._director.crew.spawn(
                    self._mend, Difference(Sentence("nobody knows leg %(leg_id)s", leg_id=leg.leg_id), self._kill(leg.leg_id))
                )

    def look(self) -> None:
        """Compare; called LOOK_SECONDS apart, and waits for the switch."""
        if not self._recovery.done:
            return
        try:
            legs = {leg.leg_id: leg for leg in self._legs.states()}
        except EslError as error:
            note(log, "legs can't be compared now", error=error)
            return
        found = list(self._differences(legs))
        seen = {difference.what for difference in found}
        certain = [difference for difference in found if difference.what in self._suspected]
        self._suspected = seen - {difference.what for difference in certain}
        for difference in certain[:MENDED_LIMIT]:
            self._mend(difference)

    def _mend(self, difference: Difference) -> None:
        self._director.alarm(RaiseAlarm("reconciled", Sentence("%(what)s; mended", what=difference.what)))
        try:
            difference.mend()
        except EslError as error:
            note(log, "a difference could not be mended now", level=logging.WARNING, what=difference.what, error=error)

    def _differences(self, legs: Mapping[str, LegState]) -> Iterator[Difference]:
        yield from self._legs_nobody_knows(legs)
        yield from self._offers_without_leg(legs)
        yield from self._agents_without_offer()
        yield from self._items_without_caller()
        yield from self._talks_apart(legs)

    def _legs_nobody_knows(self, legs: Mapping[str, LegState]) -> Iterator[Difference]:
        for leg_id in legs:
            if not self._director.is_known(leg_id) and leg_id not in self._legs:
                yield Difference(Sentence("nobody knows leg %(leg_id)s", leg_id=leg_id), self._kill(leg_id))

    def _offers_without_leg(self, legs: Mapping[str, LegState]) -> Iterator[Difference]:
        """The edge has missed a leg's end. Killing it makes the edge find that out."""
        for attempt_id, (_, leg) in self._director.offers.items():
            if leg.leg_id not in legs and self._director.talks.of_attempt(attempt_id) is not None:
                yield Difference(Sentence("the leg of talk %(attempt_id)s is gone", attempt_id=attempt_id), self._kill(leg.leg_id))

    def _agents_without_offer(self) -> Iterator[Difference]:
        director = self._director
        for view in director.dispatcher.agents():
            if view.attempt_id and view.attempt_id not in director.offers:
                yield Difference(
                    Sentence(
                        "agent %(agent_id)s is held by attempt %(attempt_id)s, which is over",
                        agent_id=view.agent_id,
                        attempt_id=view.attempt_id,
                    ),
                    self._free(view.attempt_id),
                )

    def _items_without_caller(self) -> Iterator[Difference]:
        director = self._director
        for waiting in director.room:
            if waiting.call_id not in self._sessions:
                yield Difference(
                    Sentence("item %(item_id)s waits without a caller", item_id=waiting.item_id), self._end_call(waiting.call_id)
                )
        for item_id in director.dispatcher.callers():
            if director.room.item(item_id) is None:
                yield Difference(Sentence("item %(item_id)s waits and nobody knows for whom", item_id=item_id), self._end_item(item_id))

    def _talks_apart(self, legs: Mapping[str, LegState]) -> Iterator[Difference]:
        """Caller and agent are both there and do not hear each other, though nobody has parted them."""
        director = self._director
        for talk in director.talks:
            leg = legs.get(talk.leg_id)
            if leg is None or talk.passed_on or talk.work != "TALKING" or director.hands_over(talk):  # on hold they are apart
                continue
            if talk.token and talk.call_id not in self._sessions:
                yield Difference(Sentence("talk %(attempt_id)s has lost its caller", attempt_id=talk.attempt_id), self._kill(talk.leg_id))
            elif not leg.bridged_to and not talk.caller_there:
                yield Difference(
                    Sentence("caller and agent of talk %(attempt_id)s were parted", attempt_id=talk.attempt_id),
                    lambda talk=talk: director.rejoin(talk),
                )

    # -- mending -------------------------------------------------------------------------------------------------------

    def _kill(self, leg_id: str) -> Callable[[], object]:
        return lambda: self._legs.kill(leg_id)

    def _free(self, attempt_id: str) -> Callable[[], object]:
        def free() -> None:
            self._director.feed(OfferFailed(attempt_id, "failed"))
            self._director.feed(TalkEnded(attempt_id))

        return free

    def _end_call(self, call_id: str) -> Callable[[], object]:
        return lambda: self._director.call_ended(call_id)

    def _end_item(self, item_id: str) -> Callable[[], object]:
        return lambda: self._director.feed(Left(item_id, "failed"))
