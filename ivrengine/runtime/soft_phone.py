"""The bar of a telephone that an agent has on the screen while the sound stays on the phone: every verb by its name.

What desk, transfers and own calls have is theirs; here is what only a screen asks for: answering, hold, mute, pause of the recording,
hanging up, notes that go with the caller. An agent reaches their own talk and no other. Refuses to take a phone away from a colleague who
sits at it.

Answering: a phone that rings is told to (SIP NOTIFY, event "talk"). Whether it can do that, no phone says beforehand, and the switch
takes the command either way; so it is tried and looked at, and a phone that could not is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import gevent

from ivrengine.domain.sentence import Sentence
from ivrengine.storage.store import Store

from .desk import Desk
from .outcome import Outcome, Who, done, refused
from .own_calls import OwnCalls
from .talks import Talk
from .transfers import NOT_NOW, PARTED_LOOK_SECONDS, PARTED_SECONDS, Transfers

NO_CALL = Sentence("you have no call")
NOT_YOURS = Sentence("this is not a call of yours")
ANSWER_SECONDS = 2.0  # for a phone that was told to answer


class RingingLegs(Protocol):
    """What it needs of ``esl.legs.Legs``; these may wait for the switch."""

    def tell_to_answer(self, leg_id: str) -> str: ...

    def mute(self, leg_id: str, on: bool) -> bool: ...


class Talkers(Protocol):
    """The director, as far as the bar needs it. All but the first may wait for the switch."""

    def ringing_leg(self, agent_id: str) -> str: ...

    def talk_of(self, agent_id: str) -> Talk | None: ...

    def release_leg(self, talk: Talk) -> None: ...

    def rejoin(self, talk: Talk) -> None: ...

    def change_work(self, talk: Talk, work: Any) -> None: ...

    def end_talk(self, talk: Talk) -> None: ...


class Masks(Protocol):
    """runtime.call_recordings."""

    def mask(self, talk: Talk, on: bool) -> bool: ...


class SoftPhone:
    def __init__(
        self, talkers: Talkers, legs: RingingLegs, recordings: Masks, desk: Desk, transfers: Transfers, own_calls: OwnCalls, store: Store,
        clock: Any,
    ) -> None:  # fmt: skip
        self._talkers = talkers
        self._recordings = recordings
        self._desk = desk
        self._transfers = transfers
        self._legs = legs
        self.own_calls = own_calls
        self._deaf: dict[str, str] = {}  # phone that did not answer when it was told to -> what it calls itself
        self._store = store
        self._clock = clock

    def do(self, verb: str, arguments: Mapping[str, str], who: Who) -> Outcome:
        """``who`` is an agent who has proved it; may wait for switch and database."""
        agent_id = who.agent_id
        match verb:
            case "log_in":
                return self.log_in(arguments.get("phone", ""), who)
            case "pick_up":
                return self._desk.pick_up(agent_id, "", who)
            case "disposition":
                return self.disposition(arguments, who)
            case "log_out" | "ready" | "break" | "more_wrap_up":
                return self._desk.do(verb, agent_id, arguments, who)
            case "call":
                return self.own_calls.call(agent_id, arguments.get("number", ""), arguments.get("queue", ""), who)
            case "answer":
                return self.answer(who)
        talk = self._talkers.talk_of(agent_id)
        if verb == "hang_up" and talk is None and self.own_calls.of_agent(agent_id) is not None:
            return self.own_calls.cancel(agent_id, who)
        if talk is None or talk.over:
            return refused(NO_CALL, code="nothing")
        number = arguments.get("number", "").strip()
        if verb in ("transfer", "consult") and arguments.get("notes", "").strip():
            self._store.segments.noted(talk.item_id, agent_id, arguments["notes"]).wait()  # before anybody's phone rings
        match verb:
            case "hold":
                return self.hold(talk, who)
            case "unhold":
                return self.unhold(talk, who)
            case "transfer":
                return self._transfers.blind(talk, number, who)
            case "consult":
                return self._transfers.consult(talk, number, who)
            case "complete":
                return self._transfers.complete(talk, who)
            case "three_way":
                return self._transfers.three_way(talk, who)
            case "take_back":
                return self._transfers.take_back(talk, who)
            case "pause_recording" | "resume_recording":
                return self.pause(talk, verb == "pause_recording", who)
            case "mute" | "unmute":
                return self.mute(talk, verb == "mute", who)
            case "hang_up":
                return self.hang_up(talk, who)
        return refused(Sentence("there is no verb %(verb)r", verb=verb[:40]))

    def order(self, verb: str, agent_id: str, arguments: Mapping[str, str], who: Who) -> Outcome:
        """What the command line wants of an agent's telephone; the audit names who is at the command line."""
        return self.do(verb, arguments, Who(who.name, agent_id, who.language))

    def answer(self, who: Who) -> Outcome:
        """Tell the agent's phone, which rings, to answer; returns when it has, or when it seems that it can't."""
        leg_id = self._talkers.ringing_leg(who.agent_id)
        if not leg_id:
            return refused(Sentence("your phone does not ring"), code="nothing")
        phone, name = self._desk.phone_of(who.agent_id), self._legs.tell_to_answer(leg_id)
        for _ in range(round(ANSWER_SECONDS / PARTED_LOOK_SECONDS)):
            if self._talkers.ringing_leg(who.agent_id) != leg_id:
                self._deaf.pop(phone, None)
                self._store.audit.add(who.name, "answer", f"agent {who.agent_id}", "", name, self._clock())
                return done(Sentence("Your phone has answered."))
            gevent.sleep(PARTED_LOOK_SECONDS)
        self._deaf[phone] = name
        sentence = Sentence("this phone can't be answered from the screen (%(name)s); lift the receiver", name=name or "?")
        return refused(sentence, code="deaf")

    def is_deaf(self, phone: str) -> bool:
        """Whether this phone did not answer when it was told to the last time."""
        return phone in self._deaf

    def mute(self, talk: Talk, on: bool, who: Who) -> Outcome:
        """Neither the caller nor the recording hears the agent any more, or both do again."""
        if not self._legs.mute(talk.leg_id, on):
            return refused(NOT_NOW)
        talk.muted = on
        self._audit(who, "mute" if on else "unmute", talk)
        return done(Sentence("Nobody hears you.") if on else Sentence("You are heard again."))

    def log_in(self, phone: str, who: Who) -> Outcome:
        """At a phone where nobody else sits: who is there could not defend themselves against a click far away."""
        there = self._desk.agent_at(phone)
        if there and there != who.agent_id:
            return refused(Sentence("agent %(there)s is logged in at phone %(phone)s", there=there, phone=phone), code="taken")
        return self._desk.log_in(who.agent_id, phone, who)

    def disposition(self, arguments: Mapping[str, str], who: Who) -> Outcome:
        """For the agent's last talk, which the page must mean too: a click on an older page disposes of no other call."""
        last = self._store.segments.last_of_agent(who.agent_id)
        if last is None or last.item_id != arguments.get("item", ""):
            return refused(NOT_YOURS, code="nothing")
        if arguments.get("notes", "").strip():
            self._store.segments.noted(last.item_id, who.agent_id, arguments["notes"]).wait()
        return self._desk.disposition(who.agent_id, arguments.get("code", ""), who)

    def hold(self, talk: Talk, who: Who) -> Outcome:
        if talk.work != "TALKING":
            return refused(NOT_NOW)
        self._talkers.release_leg(talk)
        for _ in range(round(PARTED_SECONDS / PARTED_LOOK_SECONDS)):
            if not talk.caller_there:
                break
            gevent.sleep(PARTED_LOOK_SECONDS)
        if talk.over or talk.work != "TALKING":
            return refused(NOT_NOW)
        self._talkers.change_work(talk, "HOLD")
        self._audit(who, "hold", talk)
        return done(Sentence("The caller hears music."))

    def unhold(self, talk: Talk, who: Who) -> Outcome:
        if talk.work != "HOLD":
            return refused(NOT_NOW)
        if talk.caller_there:
            return refused(Sentence("the phone itself holds this call; take it back there"), code="held_by_phone")
        self._talkers.rejoin(talk)
        self._audit(who, "unhold", talk)
        return done(Sentence("Your caller is back."))

    def pause(self, talk: Talk, on: bool, who: Who) -> Outcome:
        if not self._recordings.mask(talk, on):
            return refused(Sentence("this talk is not recorded"))
        self._audit(who, "pause_recording" if on else "resume_recording", talk)
        return done(Sentence("the recording is paused") if on else Sentence("the recording goes on"))

    def hang_up(self, talk: Talk, who: Who) -> Outcome:
        """The agent's side; the caller's flow goes on, with the survey where there is one."""
        self._talkers.end_talk(talk)
        self._audit(who, "hang_up", talk)
        return done(Sentence("You have hung up."))

    def note(self, item_id: str, notes: str, who: Who) -> Outcome:
        """What the agent writes about a talk of theirs; may be written again and again."""
        if not self._store.segments.noted(item_id, who.agent_id, notes).wait():
            return refused(NOT_YOURS, code="nothing")
        self._desk.notes_kept(who.agent_id, item_id, bool(notes.strip()))
        return done(Sentence("Kept."))

    def _audit(self, who: Who, verb: str, talk: Talk) -> None:
        self._store.audit.add(who.name, verb, f"agent {talk.agent_id}", talk.queue, {"call": talk.call_id}, self._clock())
