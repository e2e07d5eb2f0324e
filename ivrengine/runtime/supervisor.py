"""What a supervisor does: listen, whisper, barge in, take over, disconnect, force a state, decide about breaks, and move, raise or
hand out waiting callers.

Each verb answers with an Outcome and writes its row of the audit trail, also when it is refused. The command line may do
everything; an agent only where the site says that they are a supervisor. Listening rings the supervisor's own phone first, and
ends with the talk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from ivrengine.acd.decisions import Decision, Refused
from ivrengine.acd.happenings import Assigned, BreakDecided, Happening, Moved, Raised
from ivrengine.domain.legs import LegFailure
from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError
from ivrengine.site.records import Site
from ivrengine.storage.store import Store

from .desk import Desk
from .greenlets import Crew
from .outcome import Outcome, Who, done, refused
from .side_legs import SideLegs, Wishes
from .talks import Talk

RING_SECONDS = 30.0  # the supervisor's phone
LISTENERS_LIMIT = 5  # on one talk
RAISE_LIMIT_SECONDS = 86_400.0

log = logging.getLogger(__name__)


class TalkKeeper(Protocol):
    """The director, as far as supervisors need it."""

    dispatcher: Any

    def feed(self, happening: Happening) -> list[Decision]: ...

    def requeue(self, talk: Talk, queue: str, *, excluded: Sequence[str] = (), sticky_agent: str = "") -> str: ...


class Supervisor:
    """``hang_up`` ends a call at the switch."""

    def __init__(
        self,
        director: TalkKeeper,
        desk: Desk,
        legs: Any,
        sides: SideLegs,
        store: Store,
        site: Callable[[], Site],
        hang_up: Callable[[str], None],
        crew: Crew,
        clock: Callable[[], float],
    ) -> None:
        self._director = director
        self._desk = desk
        self._legs = legs
        self._sides = sides
        self._store = store
        self._site = site
        self._hang_up = hang_up
        self._clock = clock
        self._crew = crew
        self._listening: dict[str, set[str]] = {}  # attempt of the talk -> the supervisors' legs
        self._taking_over: dict[str, Assigned] = {}  # attempt of the talk -> who gets its caller

    def do(self, verb: str, arguments: Mapping[str, str], who: Who) -> Outcome:
        """A verb by its name."""
        target = arguments.get("agent") or arguments.get("item", "")
        if not self.may(who):
            self._audit(who, verb, target, "", "refused: not a supervisor")
            return refused(Sentence("%(name)s is not a supervisor", name=who.name), code="not_allowed")
        outcome = self._perform(verb, arguments, who)
        self._audit(who, verb, target, "", {**arguments, "done": outcome.ok, "said": outcome.sentence})
        return outcome

    def may(self, who: Who) -> bool:
        agent = self._site().agent(who.agent_id)
        return who.is_console or (agent is not None and agent.supervisor)

    def _perform(self, verb: str, arguments: Mapping[str, str], who: Who) -> Outcome:
        agent_id, item_id = arguments.get("agent", ""), arguments.get("item", "")
        match verb:
            case "listen" | "whisper" | "barge":
                return self.listen(agent_id, arguments.get("phone", ""), verb)
            case "take_over":
                return self.take_over(agent_id, arguments.get("by", "") or who.agent_id)
            case "disconnect":
                return self.disconnect(agent_id)
            case "force_ready":
                return self._desk.ready(agent_id, who)
            case "force_break":
                return self._desk.take_break(agent_id, arguments.get("reason", ""), who)
            case "force_log_out":
                return self._desk.log_out(agent_id, who)
            case "allow_break" | "refuse_break":
                return self.decide_break(agent_id, allowed=verb == "allow_break")
            case "move":
                return self.move(item_id, arguments.get("queue", ""))
            case "raise":
                return self.raise_caller(item_id, _seconds(arguments.get("seconds", "")))
            case "pick_up":
                return self.pick_up(item_id, agent_id or who.agent_id)
        return refused(Sentence("supervisors can't %(verb)r", verb=verb[:40]))

    # -- live talks ----------------------------------------------------------------------------------------------------

    def listen(self, agent_id: str, phone: str, mode: Literal["listen", "whisper", "barge"]) -> Outcome:
        """Ring ``phone``; whoever answers it hears the agent's talk, is heard by the agent (whisper), or by both (barge)."""
        talk = self._director.talk_of(agent_id)
        if talk is None:
            return refused(Sentence("%(agent)s is on no call", agent=agent_id))
        if not phone.isascii() or not phone.isdigit():
            return refused(Sentence("the supervisor's phone is missing: it is digits only"))
        if phone == talk.phone:
            return refused(Sentence("this is the agent's own phone"))
        listeners = self._listening.setdefault(talk.attempt_id, set())
        if len(listeners) >= LISTENERS_LIMIT:
            return refused(Sentence("%(most)s listen to this talk already", most=LISTENERS_LIMIT))
        wishes = Wishes(answered=lambda leg_id: self._eavesdrop(talk, leg_id, mode), gone=lambda leg_id, why: self._left(talk, leg_id, why))
        try:
            leg_id = self._sides.dial(
                "extension", phone, RING_SECONDS, wishes, purpose="supervise", display_name=f"{mode} {agent_id}", display_number=agent_id
            )
        except IvrEngineError as error:
            self._forget_if_alone(talk)
            return refused(str(error))
        listeners.add(leg_id)
        return done(Sentence("Phone %(phone)s rings; it hears the talk of %(agent)s when it is answered.", phone=phone, agent=agent_id))

    def _eavesdrop(self, talk: Talk, leg_id: str, mode: Literal["listen", "whisper", "barge"]) -> None:
        if talk.over:
            self._sides.kill(leg_id)
        else:
            self._legs.eavesdrop(leg_id, talk.leg_id, mode)

    def _left(self, talk: Talk, leg_id: str, why: LegFailure) -> None:
        self._listening.get(talk.attempt_id, set()).discard(leg_id)
        self._forget_if_alone(talk)

    def _forget_if_alone(self, talk: Talk) -> None:
        if not self._listening.get(talk.attempt_id):
            self._listening.pop(talk.attempt_id, None)

    def talk_over(self, talk: Talk) -> None:
        """Nobody listens to a talk that has ended; a caller who was taken over goes to who took them. Must not wait."""
        for leg_id in self._listening.pop(talk.attempt_id, ()):
            self._crew.spawn(self._sides.kill, leg_id)
        assigned = self._taking_over.pop(talk.attempt_id, None)
        if assigned is not None:
            self._crew.spawn(self._director.feed, assigned)  # the item enters its queue right after this

    def take_over(self, agent_id: str, by: str) -> Outcome:
        """The caller leaves the agent for ``by``, whose phone rings for them before anybody else's."""
        talk, taker = self._director.talk_of(agent_id), self._director.dispatcher.agent(by)
        if talk is None:
            return refused(Sentence("%(agent)s is on no call", agent=agent_id))
        if by == agent_id:
            return refused(Sentence("%(agent)s has the caller already", agent=agent_id))
        if taker is None or taker.intent == "LOGGED_OUT":
            return refused(Sentence("%(by)r is not logged in", by=by[:40]))
        if taker.work not in ("IDLE", "WRAP_UP"):
            return refused(Sentence("%(by)s is busy", by=by))
        item_id = self._director.requeue(talk, talk.queue, excluded=(agent_id,), sticky_agent=by)
        if not item_id:
            return refused(Sentence("the caller is on the way to somebody else already"))
        self._taking_over[talk.attempt_id] = Assigned(item_id, by)
        return done(Sentence("The caller of %(agent)s comes to %(by)s.", agent=agent_id, by=by))

    def disconnect(self, agent_id: str) -> Outcome:
        """The caller is hung up on; the agent is free by that."""
        talk = self._director.talk_of(agent_id)
        if talk is None:
            return refused(Sentence("%(agent)s is on no call", agent=agent_id))
        self._hang_up(talk.call_id)
        return done(Sentence("The call of %(agent)s is ended.", agent=agent_id))

    # -- agents --------------------------------------------------------------------------------------------------------

    def decide_break(self, agent_id: str, *, allowed: bool) -> Outcome:
        view = self._director.dispatcher.agent(agent_id)
        if view is None or not view.break_asked:
            return refused(Sentence("%(agent)r has asked for no break", agent=agent_id[:40]))
        reason = view.break_asked
        failure = self._refusal(self._director.feed(BreakDecided(agent_id, allowed)))
        return failure or done(
            Sentence("The break %(reason)r of %(agent)s is allowed.", reason=reason, agent=agent_id)
            if allowed
            else Sentence("The break %(reason)r of %(agent)s is refused.", reason=reason, agent=agent_id)
        )

    # -- waiting callers -----------------------------------------------------------------------------------------------

    def move(self, item_id: str, queue: str) -> Outcome:
        item = self._item(item_id)
        if isinstance(item, Outcome):
            return item
        if self._site().queue(queue) is None:
            return refused(Sentence("there is no queue %(queue)r", queue=queue[:40]))
        if item.queue == queue:
            return refused(Sentence("the caller waits in %(queue)s already", queue=queue))
        failure = self._refusal(self._director.feed(Moved(item.item_id, queue)))
        return failure or done(Sentence("The caller waits in %(queue)s now, as long as before.", queue=queue))

    def raise_caller(self, item_id: str, seconds: float) -> Outcome:
        item = self._item(item_id)
        if isinstance(item, Outcome):
            return item
        if not 0 < seconds <= RAISE_LIMIT_SECONDS:
            return refused(Sentence("a head start is 1 to %(most)g seconds", most=RAISE_LIMIT_SECONDS))
        failure = self._refusal(self._director.feed(Raised(item.item_id, seconds)))
        place = self._director.dispatcher.position(item.item_id)
        return failure or done(
            Sentence("The caller counts as %(seconds)g s longer in line; place %(place)s now.", seconds=seconds, place=place)
        )

    def pick_up(self, item_id: str, agent_id: str) -> Outcome:
        item, view = self._item(item_id), self._director.dispatcher.agent(agent_id)
        if isinstance(item, Outcome):
            return item
        if view is None or view.intent == "LOGGED_OUT":
            return refused(Sentence("%(agent)r is not logged in", agent=agent_id[:40]))
        return self._assign(item.item_id, agent_id, Sentence("The caller comes to %(agent)s.", agent=agent_id))

    def _assign(self, item_id: str, agent_id: str, sentence: str) -> Outcome:
        return self._refusal(self._director.feed(Assigned(item_id, agent_id))) or done(sentence)

    def _item(self, item_id: str) -> Any:
        """The waiting caller by their item's id, or by its beginning where that names only one."""
        items = self._director.dispatcher.items()
        found = [item for item in items if item.item_id == item_id]
        found = found or [item for item in items if item_id and item.item_id.startswith(item_id)]
        if len(found) == 1:
            return found[0]
        return refused(
            Sentence("more than one waiting caller is named so")
            if found
            else Sentence("nobody who waits is named %(item)r", item=item_id[:40])
        )

    @staticmethod
    def _refusal(decisions: list[Decision]) -> Outcome | None:
        said = next((decision for decision in decisions if isinstance(decision, Refused)), None)
        return None if said is None else refused(said.sentence)

    def _audit(self, who: Who, verb: str, target: str, before: str, after: str | Mapping[str, Any]) -> None:
        self._store.audit.add(who.name, f"supervise {verb[:40]}", target[:80], before, after, self._clock())


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0
