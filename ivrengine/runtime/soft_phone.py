"""The bar of a telephone that an agent has on the screen while the sound stays on the phone: every verb by its name.

What desk and transfers have is theirs; here is what only a screen asks for: hold, pause of the recording, hanging up, notes that go
with the caller. An agent reaches their own talk and no other. Refuses to take a phone away from a colleague who sits at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import gevent

from ivrengine.domain.sentence import Sentence
from ivrengine.storage.store import Store

from .desk import Desk
from .outcome import Outcome, Who, done, refused
from .talks import Talk
from .transfers import NOT_NOW, PARTED_LOOK_SECONDS, PARTED_SECONDS, Transfers

NO_CALL = Sentence("you have no call")
NOT_YOURS = Sentence("this is not a call of yours")


class Talkers(Protocol):
    """The director, as far as the bar needs it. These may wait for the switch."""

    def talk_of(self, agent_id: str) -> Talk | None: ...

    def release_leg(self, talk: Talk) -> None: ...

    def rejoin(self, talk: Talk) -> None: ...

    def change_work(self, talk: Talk, work: Any) -> None: ...

    def end_talk(self, talk: Talk) -> None: ...


class Masks(Protocol):
    """runtime.call_recordings."""

    def mask(self, talk: Talk, on: bool) -> bool: ...


class SoftPhone:
    def __init__(self, talkers: Talkers, recordings: Masks, desk: Desk, transfers: Transfers, store: Store, clock: Any) -> None:
        self._talkers = talkers
        self._recordings = recordings
        self._desk = desk
        self._transfers = transfers
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
        talk = self._talkers.talk_of(agent_id)
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
            case "hang_up":
                return self.hang_up(talk, who)
        return refused(Sentence("there is no verb %(verb)r", verb=verb[:40]))

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
        return done(Sentence("Kept."))

    def _audit(self, who: Who, verb: str, talk: Talk) -> None:
        self._store.audit.add(who.name, verb, f"agent {talk.agent_id}", talk.queue, {"call": talk.call_id}, self._clock())
