"""The agents' desk: logging in and out, ready, breaks, status, disposition, more wrap-up, pick-up, messages.

Each verb is a function that answers with an Outcome and writes its row of the audit trail, so that phones, command line and
pages do the same. A phone of the house asks through ``ask`` and hears the state that its wish has led to. Refuses calls whose
phone has not proved itself, and verbs of a phone at which nobody is logged in.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ivrengine.acd.decisions import Decision, Refused
from ivrengine.acd.happenings import (
    Assigned,
    BecameReady,
    BreakAsked,
    BreakDecided,
    Happening,
    LoggedIn,
    LoggedOut,
    NotesKept,
    WrapUpDone,
    WrapUpExtended,
)
from ivrengine.acd.rules import BreakReason, QueueRules
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import AskDesk
from ivrengine.domain.events import CallEvent, DeskAnswered
from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError
from ivrengine.site.records import Agent, Site
from ivrengine.storage.segments import Segment
from ivrengine.storage.store import Store

from .desk_messages import DeskMessages
from .desk_words import DeskWords, with_state
from .greenlets import Crew
from .outcome import Outcome, Who, done, refused

EXTRA_WRAP_UP_SECONDS = 30.0  # that one wish for more wrap-up gives
ASKED_AT_ONCE_LIMIT = 200  # questions of phones that are being answered; one more is refused
BUSY_WITH_A_CALL = frozenset({"RINGING", "ANSWERED", "BRIDGING", "TALKING", "HOLD", "CONSULT", "CONFERENCE"})
# A disposition that is given in the talk already counts for the wrap-up that follows.
AFTER_WHICH_IT_ENDS = frozenset({"TALKING", "HOLD", "CONSULT", "CONFERENCE", "WRAP_UP"})
LOGGED_OUT = "LOGGED_OUT"
# What a phone hears for the dispatcher's refusals.
REFUSED_PROMPTS = {
    "team_cap": "desk/break_full", "busy": "desk/talking", "disposition_required": "desk/wrap_up", "logged_out": "desk/not_logged_in",
}  # fmt: skip

log = logging.getLogger(__name__)


class Matching(Protocol):
    """The director, as far as agents' verbs need it."""

    dispatcher: Any

    def feed(self, happening: Happening) -> list[Decision]: ...


class Desk:
    """``answer`` posts to a call's session. ``site`` gives what is in force now."""

    def __init__(
        self,
        director: Matching,
        store: Store,
        site: Callable[[], Site],
        words: DeskWords,
        messages: DeskMessages,
        answer: Callable[[str, CallEvent], None],
        crew: Crew,
        clock: Callable[[], float],
    ) -> None:
        self._director = director
        self._store = store
        self._site = site
        self._words = words
        self._messages = messages
        self._answer = answer
        self._crew = crew
        self._clock = clock
        self._asking = 0

    # -- phones --------------------------------------------------------------------------------------------------------

    def ask(self, call: CallInfo, command: AskDesk) -> None:
        """Answer a phone; never waits, the answer comes as DeskAnswered."""
        if self._asking >= ASKED_AT_ONCE_LIMIT:
            say = (self._words.prompt("desk/failed", command.language),)
            self._answer(call.call_id, DeskAnswered(command.token, "refused", say))
            return
        self._asking += 1
        self._crew.spawn(self._ask, call, command)

    def _ask(self, call: CallInfo, command: AskDesk) -> None:
        outcome = refused("", self._words.prompt("desk/failed", command.language))
        try:
            outcome = self.answer_phone(call, command)
        except IvrEngineError as error:
            log.error("the desk could not do %s: %s", command.verb, error)
        finally:
            self._asking -= 1
            self._answer(call.call_id, DeskAnswered(command.token, outcome.code, outcome.say))

    def answer_phone(self, call: CallInfo, command: AskDesk) -> Outcome:
        """What the phone hears. Waits for the database."""
        language, arguments = command.language, dict(command.arguments)
        if not call.phone:
            return refused(Sentence("the call is not from a phone of the house"), self._words.prompt("desk/no_house_phone", language))
        if command.verb == "log_in":
            return self._log_in_with_pin(call, arguments, language)
        agent_id = self.agent_at(call.phone)
        if not agent_id:
            prompt = self._words.prompt("desk/not_logged_in", language)
            return refused(Sentence("nobody is logged in at this phone"), prompt, code="not_logged_in")
        who = Who(f"agent {agent_id}", agent_id, language, at_phone=True)
        return self.do(command.verb, agent_id, arguments, who)

    def do(self, verb: str, agent_id: str, arguments: Mapping[str, str], who: Who) -> Outcome:
        """A verb for an agent who is known, by its name."""
        match verb:
            case "log_in":
                return self.log_in(agent_id, arguments.get("phone", ""), who)
            case "log_out":
                return self.log_out(agent_id, who)
            case "ready":
                return self.ready(agent_id, who)
            case "break":
                return self.take_break(agent_id, arguments.get("reason", ""), who)
            case "status":
                return self.status(agent_id, who)
            case "disposition":
                return self.disposition(agent_id, arguments.get("code", ""), who)
            case "more_wrap_up":
                return self.more_wrap_up(agent_id, who)
            case "pick_up":
                return self.pick_up(agent_id, arguments.get("agent", ""), who)
            case "voicemail":
                return self._messages.next(arguments.get("box", ""), who)
        return refused(Sentence("the desk does not know %(verb)r", verb=verb[:40]), self._words.prompt("desk/not_possible", who.language))

    def agent_at(self, phone: str) -> str:
        """The agent who is logged in at a phone; "" for nobody."""
        views = self._director.dispatcher.agents()
        return next((view.agent_id for view in views if view.phone == phone and view.intent != LOGGED_OUT), "") if phone else ""

    def phone_of(self, agent_id: str) -> str:
        """Where the agent is logged in; "" for nowhere."""
        view = self._view(agent_id)
        return view.phone if view is not None and view.intent != LOGGED_OUT else ""

    # -- logging in and out --------------------------------------------------------------------------------------------

    def _log_in_with_pin(self, call: CallInfo, arguments: Mapping[str, str], language: str) -> Outcome:
        agent_id = arguments.get("agent", "")
        verdict = self._store.site.check_pin(agent_id, arguments.get("pin", ""), self._clock())
        if verdict == "locked":
            self._audit(Who(f"phone {call.phone}"), "log_in_refused", agent_id, "", "locked out")
            return refused(Sentence("too many wrong PINs"), self._words.prompt("desk/locked", language), code="locked")
        if verdict != "ok":
            return refused(Sentence("the number or the PIN is wrong"), self._words.prompt("desk/wrong_pin", language))
        return self.log_in(agent_id, call.phone, Who(f"agent {agent_id}", agent_id, language))

    def log_in(self, agent_id: str, phone: str, who: Who) -> Outcome:
        """Log an agent in at ``phone``, without a PIN: whoever calls this has checked it, or may do so."""
        agent = self._site().agent(agent_id)
        if agent is None:
            return self._no_agent(agent_id, who)
        phone = phone or agent.extension
        if not phone.isascii() or not phone.isdigit():
            return refused(
                Sentence("the phone's number is missing: it is digits only"), self._words.prompt("desk/not_possible", who.language)
            )
        before = self._view(agent_id)
        moved = before is not None and before.intent != LOGGED_OUT and before.phone != phone
        if moved and before.work in BUSY_WITH_A_CALL:
            sentence = Sentence("%(agent)s is on a call at phone %(phone)s", agent=agent_id, phone=before.phone)
            return refused(sentence, self._words.prompt("desk/talking", who.language), code="busy")
        former = self.agent_at(phone)
        failure = self._refusal(self._director.feed(LoggedIn(agent_id, phone)), agent_id, who)
        if failure is not None:
            return failure
        if former and former != agent_id:
            self._audit(who, "log_out", former, phone, "another agent logged in at the phone")
        self._audit(who, "log_in", agent_id, before.phone if moved else "", phone)
        sentence = Sentence("%(agent)s is logged in at %(phone)s.", agent=agent_id, phone=phone)
        say = [self._words.prompt("desk/moved_here" if moved else "desk/logged_in", who.language)]
        if moved:
            sentence = Sentence(
                "%(agent)s was logged in at %(before)s and is now at %(phone)s.", agent=agent_id, before=before.phone, phone=phone
            )
        if former and former != agent_id:
            sentence = Sentence("%(before)s %(agent)s, who was at this phone, is logged out.", before=sentence, agent=former)
            say.append(self._words.prompt("desk/former_out", who.language))
        return self._with_state(done(sentence, *say), agent, who)

    def log_out(self, agent_id: str, who: Who) -> Outcome:
        return self._change(agent_id, "log_out", LoggedOut(agent_id), who)

    # -- ready and breaks ----------------------------------------------------------------------------------------------

    def ready(self, agent_id: str, who: Who) -> Outcome:
        """Also the end of the wrap-up, where the queue needs no disposition and no notes (any more)."""
        view = self._view(agent_id)
        if view is not None and view.work == "WRAP_UP":
            failure = self._done_with(agent_id, "", self._store.segments.last_of_agent(agent_id), who)
            if failure is not None:
                return failure
        return self._change(agent_id, "ready", BecameReady(agent_id), who)

    def take_break(self, agent_id: str, reason: str, who: Who) -> Outcome:
        """``reason``: its name, or which of the site's reasons it is, counted from 1 (as keyed at a phone)."""
        found = self._reason(reason)
        if found is None:
            known = tuple(each.reason for each in self._site().reasons)
            prompt = self._words.prompt("desk/no_such_reason", who.language)
            return refused(
                Sentence("there is no break reason %(reason)r; known are %(known)s", reason=reason[:40], known=known or Sentence("none")),
                prompt,
            )
        outcome = self._change(agent_id, "break", BreakAsked(agent_id, found.reason), who, found.reason)
        if outcome.ok and found.approval and who.agent_id != agent_id:  # who sends somebody on a break has agreed to it
            return self._change(agent_id, "allow_break", BreakDecided(agent_id, True), who, found.reason)
        return outcome

    def status(self, agent_id: str, who: Who) -> Outcome:
        agent = self._site().agent(agent_id)
        return (
            self._no_agent(agent_id, who) if agent is None else self._with_state(done(Sentence("%(agent)s:", agent=agent_id)), agent, who)
        )

    # -- after a call --------------------------------------------------------------------------------------------------

    def disposition(self, agent_id: str, code: str, who: Who) -> Outcome:
        """What the last call was about: during the wrap-up it can end it, later it is put right in the records."""
        view = self._view(agent_id)
        if self._site().agent(agent_id) is None or view is None:
            return self._no_agent(agent_id, who)
        last = self._store.segments.last_of_agent(agent_id)
        if last is None:
            return refused(
                Sentence("there is no call to note it for"), self._words.prompt("desk/no_last_call", who.language), code="nothing"
            )
        known = {each.code: each for each in self._site().dispositions_of(last.queue)}
        if code not in known:
            prompt = self._words.prompt("desk/no_such_disposition", who.language)
            return refused(
                Sentence(
                    "%(code)r is no disposition of %(queue)s; known are %(known)s",
                    code=code[:40],
                    queue=last.queue,
                    known=tuple(known) or Sentence("none"),
                ),
                prompt,
            )
        if view.work in AFTER_WHICH_IT_ENDS:
            failure = self._done_with(agent_id, code, last, who)
        else:
            failure = None
            self._store.segments.disposed(last.item_id, code)
        self._audit(who, "disposition", agent_id, last.disposition, code)
        if failure is not None:  # the code is kept, and something else is missing
            return failure
        title = known[code].title or code
        return done(
            Sentence("%(title)r is noted for the last call.", title=title), self._words.prompt("desk/disposition_kept", who.language)
        )

    def notes_kept(self, agent_id: str, item_id: str, some: bool) -> None:
        """The notes of one of the agent's talks are on record, or emptied; those of the last one count for its wrap-up."""
        last = self._store.segments.last_of_agent(agent_id)
        if last is not None and last.item_id == item_id:
            self._director.feed(NotesKept(agent_id, some))

    def _done_with(self, agent_id: str, code: str, last: Segment | None, who: Who) -> Outcome | None:
        """The agent has said it all, as far as they are concerned; the refusal, where the queue wants more. Records say what is noted."""
        self._director.feed(NotesKept(agent_id, last is not None and bool(last.notes.strip())))
        return self._refusal(self._director.feed(WrapUpDone(agent_id, code, who.at_phone)), agent_id, who)

    def more_wrap_up(self, agent_id: str, who: Who) -> Outcome:
        view = self._view(agent_id)
        if view is None or view.work != "WRAP_UP":
            return refused(
                Sentence("%(agent)s is not wrapping up a call", agent=agent_id),
                self._words.prompt("desk/no_wrap_up", who.language),
                code="nothing",
            )
        failure = self._refusal(self._director.feed(WrapUpExtended(agent_id, EXTRA_WRAP_UP_SECONDS)), agent_id, who)
        if failure is not None:
            return failure
        self._audit(who, "more_wrap_up", agent_id, "", f"{EXTRA_WRAP_UP_SECONDS:g} s")
        say = (self._words.prompt("desk/more_time", who.language), self._words.number(int(EXTRA_WRAP_UP_SECONDS), who.language))
        return done(Sentence("%(agent)s has %(seconds)g s more.", agent=agent_id, seconds=EXTRA_WRAP_UP_SECONDS), *say)

    # -- picking up ----------------------------------------------------------------------------------------------------

    def pick_up(self, agent_id: str, ringing_at: str, who: Who) -> Outcome:
        """Take what rings at a colleague (``ringing_at``), or else who has waited longest in the agent's own queues.

        It rings as soon as the agent's phone is free: whoever asks at the phone hangs up first.
        """
        found = self._to_assign(agent_id, ringing_at, who)
        if isinstance(found, Outcome):
            return found
        failure = self._refusal(self._director.feed(found), agent_id, who)
        if failure is not None:
            return failure
        self._audit(who, "pick_up", agent_id, ringing_at, found.item_id)
        return done(Sentence("the call comes to %(agent)s.", agent=agent_id), self._words.prompt("desk/pick_up_now", who.language))

    def _to_assign(self, agent_id: str, ringing_at: str, who: Who) -> Assigned | Outcome:
        agent = self._site().agent(agent_id)
        if agent is None:
            return self._no_agent(agent_id, who)
        dispatcher = self._director.dispatcher
        items = [item for name in agent.rules.queues for item in dispatcher.items(name)]
        items = [item for item in items if item.state in ("QUEUED", "RESERVED", "OFFERING") and not item.virtual]
        if ringing_at:
            items = [item for item in items if ringing_at in item.agents]
        if not items:
            return refused(
                Sentence("there is no call to pick up"), self._words.prompt("desk/nothing_to_pick_up", who.language), code="nothing"
            )
        return Assigned(min(items, key=lambda item: (item.queued_at, item.item_id)).item_id, agent_id)

    # -- shared --------------------------------------------------------------------------------------------------------

    def _change(self, agent_id: str, verb: str, happening: Happening, who: Who, detail: str = "") -> Outcome:
        """Feed a change of the agent's own state and tell what it has come to."""
        agent, view = self._site().agent(agent_id), self._view(agent_id)
        if agent is None or view is None:
            return self._no_agent(agent_id, who)
        if view.intent == LOGGED_OUT:
            prompt = self._words.prompt("desk/not_logged_in", who.language)
            return refused(Sentence("%(agent)s is not logged in", agent=agent_id), prompt, code="not_logged_in")
        before = f"{view.intent} {view.reason}".strip()
        failure = self._refusal(self._director.feed(happening), agent_id, who)
        if failure is not None:
            return failure
        self._audit(who, verb, agent_id, before, detail)
        after = self._view(agent_id)
        on_this_call = who.agent_id == agent_id and after is not None and after.work == "EXTERNAL"
        waits = after is not None and bool(after.break_asked or (after.pending_intent and not on_this_call))
        return self._with_state(done(Sentence("%(agent)s:", agent=agent_id), code="pending" if waits else "done"), agent, who)

    def _with_state(self, outcome: Outcome, agent: Agent, who: Who) -> Outcome:
        view = self._view(agent.agent_id)
        if view is None:
            return outcome
        site = self._site()
        queues = [queue for queue in map(site.queue, agent.rules.queues) if queue is not None]
        on_this_call = who.agent_id == agent.agent_id
        waiting = self.waiting_in(queues)
        sentence, say = self._words.state(view, queues, site.reasons, waiting, who.language, on_this_call=on_this_call)
        return with_state(outcome, sentence, say)

    def waiting_in(self, queues: list[QueueRules]) -> int:
        """How many wait in these queues whom nobody talks to yet."""
        dispatcher = self._director.dispatcher
        return sum(item.state != "TALKING" for queue in queues for item in dispatcher.items(queue.name))

    def _view(self, agent_id: str) -> Any:
        return self._director.dispatcher.agent(agent_id)

    def _reason(self, text: str) -> BreakReason | None:
        reasons = self._site().reasons
        if text.isascii() and text.isdigit() and 0 < int(text) <= len(reasons):
            return reasons[int(text) - 1]
        return next((each for each in reasons if each.reason == text), None)

    def _no_agent(self, agent_id: str, who: Who) -> Outcome:
        return refused(Sentence("there is no agent %(agent)r", agent=agent_id[:40]), self._words.prompt("desk/not_possible", who.language))

    def _refusal(self, decisions: list[Decision], agent_id: str, who: Who) -> Outcome | None:
        """What the dispatcher has refused, or None."""
        for decision in decisions:
            if isinstance(decision, Refused) and decision.agent_id == agent_id:
                name = REFUSED_PROMPTS.get(decision.code, "desk/not_possible")
                return refused(decision.sentence, self._words.prompt(name, who.language))
        return None

    def _audit(self, who: Who, verb: str, agent_id: str, before: str, after: str) -> None:
        self._store.audit.add(who.name, verb, f"agent {agent_id[:40]}", before, after, self._clock())
