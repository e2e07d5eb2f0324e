"""One offer: an agent's phone is rung, told who calls, asked to accept, connected with the caller, and watched until it is gone.

    DIALLING -> ANSWERED (whisper, accept key) -> WAITING (for the caller) -> BRIDGING -> TALKING -> gone

Each AgentLeg is one greenlet that takes what happens, in order, from an inbox; whoever calls in only enqueues. The offer may be
called off at any moment: ``_off`` is looked at again before each step that can't be taken back. The outcome (``failed`` or
``talk_ended``) is told exactly once, and only when the leg is certainly gone, because the agent is free then and may be rung again. Where
the switch never says so, the leg is declared gone after LAST_RESORT_SECONDS, with an alarm.

What it does not do: it never touches the caller's channel beyond asking for the bridge, decides nothing about agents or queues, and
in a talk leaves holding, consulting and recording to others.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import gevent
from gevent.queue import Empty, Queue

from ivrengine.acd.decisions import Offer
from ivrengine.acd.happenings import OfferFailure
from ivrengine.domain.legs import (
    LegAnswered,
    LegBridged,
    LegDigit,
    LegEvent,
    LegFailure,
    LegGone,
    LegPlayed,
    LegRinging,
    LegUnbridged,
)
from ivrengine.domain.sentence import Sentence
from ivrengine.esl.errors import EslError
from ivrengine.log import note

BRIDGE_CONFIRM_SECONDS = 2.0  # from asking for the bridge until the switch must have told it
CALLER_READY_SECONDS = 40.0  # an agent waits so long, off the hook, for the caller to have heard the announcement
WHISPER_SECONDS = 30.0  # a whisper whose end is not told within so long is cut
PARK_GRACE_SECONDS = 5.0  # beyond all of these the switch hangs up a phone by itself: then the engine has died
LAST_RESORT_SECONDS = 30.0  # beyond its own limits the switch's edge tells every end; later than this it never will
INBOX_LIMIT = 1000  # things not looked at yet; keys that come then are dropped

State = Literal["DIALLING", "ANSWERED", "WAITING", "BRIDGING", "TALKING", "GONE"]

log = logging.getLogger(__name__)

_FAILURES: dict[LegFailure, OfferFailure] = {
    "no_answer": "no_answer",
    "rejected": "rejected",
    "busy": "busy",
    "unregistered": "unregistered",
    "failed": "failed",
    "hung_up": "rejected",  # off the hook and on again before a word was said
    "withdrawn": "withdrawn",
}


@dataclass(frozen=True, slots=True)
class LegPlan:
    """How to ring the agent and what to tell them. ``accept_key`` "" connects without asking. ``tags``: kept at the switch, so that an
    engine that comes after us knows whose leg this is."""

    display_name: str = ""
    display_number: str = ""
    whisper: Sequence[str] = ()
    accept_key: str = ""
    accept_seconds: float = 10.0
    tags: dict[str, str] = field(default_factory=dict)
    kind: Literal["extension", "outside"] = "extension"
    auto_answer: bool = False


class LegOutcomes(Protocol):
    """Whom an AgentLeg tells. Each at most once per attempt; must not wait."""

    def rang(self, attempt_id: str) -> None: ...

    def answered(self, attempt_id: str) -> None: ...

    def bridging(self, attempt_id: str) -> None: ...

    def bridged(self, attempt_id: str) -> None: ...

    def failed(self, attempt_id: str, why: OfferFailure) -> None: ...

    def talk_ended(self, attempt_id: str, talk_ms: int) -> None: ...


class SwitchLegs(Protocol):
    """What it needs of ``esl.legs.Legs``."""

    def originate(
        self, leg_id: str, kind: Literal["extension", "outside"], number: str, ring_seconds: float, *,
        display_name: str = "", display_number: str = "", tags: dict[str, str] | None = None, park_seconds: float = 60.0,
        auto_answer: bool = False,
    ) -> None: ...  # fmt: skip

    def kill(self, leg_id: str) -> None: ...

    def play(self, leg_id: str, token: str, paths: Sequence[str]) -> None: ...

    def stop_playing(self, leg_id: str) -> None: ...

    def bridge(self, call_id: str, leg_id: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class _CallerReady:
    pass


@dataclass(frozen=True, slots=True)
class _Off:
    why: OfferFailure


_Happened = LegEvent | _CallerReady | _Off


class AgentLeg:
    """``caller``: the call, or the leg of a customer called back, that it will be connected with. ``leg_event`` must be told what
    the switch's edge tells of ``leg_id``."""

    def __init__(
        self,
        offer: Offer,
        caller: str,
        legs: SwitchLegs,
        plan: LegPlan,
        on: LegOutcomes,
        *,
        alarm: Callable[[str, str], None] = lambda code, sentence: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.offer = offer
        self.caller = caller
        self.leg_id = str(uuid.uuid4())
        self.state: State = "DIALLING"
        self.connected_with = ""
        self._legs = legs
        self._plan = plan
        self._on = on
        self._alarm = alarm
        self._clock = clock
        self._inbox: Queue[_Happened] = Queue()
        self._off: OfferFailure | None = None  # called off, and why
        self._killing = False
        self._whispering = False
        self._caller_ready = False
        self._rang = False
        self._talking_since = 0.0
        self._deadline = float("inf")
        self._greenlet: gevent.Greenlet | None = None

    @property
    def rings(self) -> bool:
        return self.state == "DIALLING" and self._rang

    # -- what others tell; none of these waits

    def start(self) -> gevent.Greenlet:
        """Begins to ring; gives the greenlet, for whoever links greenlets."""
        self._greenlet = gevent.spawn(self._live, self._dial)
        return self._greenlet

    def adopt(self, leg_id: str, talked_seconds: float) -> gevent.Greenlet:
        """Instead of ``start``: watch over a talk that an earlier process connected."""
        self.leg_id, self.state, self.connected_with = leg_id, "TALKING", self.caller
        self._talking_since = self._clock() - talked_seconds
        self._greenlet = gevent.spawn(self._live, lambda: None)
        return self._greenlet

    def leg_event(self, event: LegEvent) -> None:
        if isinstance(event, LegDigit) and self.state != "ANSWERED":
            return  # nobody asked for keys
        self._tell(event)

    def caller_ready(self) -> None:
        """The caller has heard what there was to hear: connect as soon as the agent has accepted."""
        self._tell(_CallerReady())

    def caller_gone(self) -> None:
        self.cancel("caller_gone")

    def cancel(self, why: OfferFailure = "withdrawn") -> None:
        """Take the leg down. Before the talk this ends as ``failed(why)``; a talk ends as a talk."""
        if self._off is None or why == "caller_gone":  # that the caller has gone explains every other failure
            self._off = why
        self._tell(_Off(why))

    def _tell(self, happened: _Happened) -> None:
        # Only keys come in any number.
        if not isinstance(happened, LegDigit) or self._inbox.qsize() < INBOX_LIMIT:
            self._inbox.put_nowait(happened)

    # -- the greenlet

    def _live(self, begin: Callable[[], None]) -> None:
        try:
            begin()
        except EslError as error:
            self._nothing_sent(error)
        while self.state != "GONE":
            left = self._deadline - self._clock()
            try:
                happened = self._inbox.get(timeout=None if left == float("inf") else max(0.0, left))
            except Empty:
                self._guarded(self.overdue)
                continue
            self._guarded(lambda happened=happened: self.handle(happened))

    def _guarded(self, step: Callable[[], None]) -> None:
        """A step that the switch refuses, or can't be told, costs the offer and never the greenlet."""
        try:
            step()
        except EslError as error:
            note(log, "an offer fails at the switch", level=logging.WARNING, attempt=self.offer.attempt_id, error=error)
            self._give_up("failed")

    def _dial(self) -> None:
        if self._off is not None:
            self._gone(LegGone("withdrawn"))
            return
        self._deadline = self._clock() + self.offer.ring_seconds + LAST_RESORT_SECONDS
        self._legs.originate(
            self.leg_id, self._plan.kind, self.offer.phone, self.offer.ring_seconds,
            display_name=self._plan.display_name, display_number=self._plan.display_number, tags=self._plan.tags,
            park_seconds=WHISPER_SECONDS + self._plan.accept_seconds + CALLER_READY_SECONDS + PARK_GRACE_SECONDS,
            auto_answer=self._plan.auto_answer,
        )  # fmt: skip

    def _nothing_sent(self, error: EslError) -> None:
        note(log, "a phone can't be rung", level=logging.WARNING, attempt=self.offer.attempt_id, error=error)
        self._gone(LegGone("failed", str(error)))

    def handle(self, happened: _Happened) -> None:
        """One thing that happened."""
        match happened:
            case LegGone():
                self._gone(happened)
            case _Off():
                self._called_off()
            case LegRinging() if self.state == "DIALLING" and not self._rang:
                self._rang = True
                self._on.rang(self.offer.attempt_id)
            case LegAnswered() if self.state == "DIALLING":
                self._answered()
            case LegPlayed() if self.state == "ANSWERED":
                self._whispered()
            case LegDigit(digit) if self.state == "ANSWERED":
                self._pressed(digit)
            case _CallerReady():
                self._caller_ready = True
                if self.state == "WAITING":
                    self._bridge()
            case LegBridged(other):
                self._bridged(other)
            case LegUnbridged():
                self.connected_with = ""

    def overdue(self) -> None:
        """The deadline of what is going on has passed."""
        attempt_id = self.offer.attempt_id
        if self._killing or self.state == "DIALLING":
            sentence = Sentence("the switch never said that an agent's leg is gone; it is taken for gone")
            note(log, sentence, level=logging.ERROR, attempt=attempt_id, leg=self.leg_id)
            self._alarm("leg_never_ended", sentence)
            self._gone(LegGone("hung_up" if self.state == "TALKING" else "failed", "NEVER_ENDED"))
        elif self.state == "ANSWERED" and self._whispering:
            self._legs.stop_playing(self.leg_id)
            self._whispered()
        elif self.state == "ANSWERED":
            self._give_up("no_answer")  # off the hook, but nobody said yes
        elif self.state == "WAITING":
            note(log, "a caller was never ready for the agent", level=logging.WARNING, attempt=attempt_id)
            self._give_up("failed")
        elif self.state == "BRIDGING":
            note(log, "a bridge was not confirmed in time", level=logging.WARNING, attempt=attempt_id, leg=self.leg_id)
            self._give_up("failed")

    # -- the steps

    def _answered(self) -> None:
        if self._off is not None:
            self._called_off()
            return
        self.state = "ANSWERED"
        self._on.answered(self.offer.attempt_id)
        if self._plan.whisper:
            self._whispering = True
            self._deadline = self._clock() + WHISPER_SECONDS
            self._legs.play(self.leg_id, f"{self.offer.attempt_id}/whisper", self._plan.whisper)
        else:
            self._whispered()

    def _whispered(self) -> None:
        self._whispering = False
        if self._off is not None:
            return
        if self._plan.accept_key:
            self._deadline = self._clock() + self._plan.accept_seconds
        else:
            self._accepted()

    def _pressed(self, digit: str) -> None:
        if self._off is None and self._plan.accept_key and digit == self._plan.accept_key:
            if self._whispering:
                self._legs.stop_playing(self.leg_id)
            self._accepted()

    def _accepted(self) -> None:
        self.state = "WAITING"
        self._deadline = self._clock() + CALLER_READY_SECONDS
        if self._caller_ready:
            self._bridge()

    def _bridge(self) -> None:
        if self._off is not None:
            return
        self.state = "BRIDGING"
        self._deadline = self._clock() + BRIDGE_CONFIRM_SECONDS
        self._on.bridging(self.offer.attempt_id)
        if self._off is None and not self._legs.bridge(self.caller, self.leg_id):
            self._give_up("failed")

    def _bridged(self, other: str) -> None:
        self.connected_with = other
        if self.state == "BRIDGING" and self._off is None and other == self.caller:
            self.state = "TALKING"
            self._deadline = float("inf")
            self._talking_since = self._clock()
            self._on.bridged(self.offer.attempt_id)

    def _give_up(self, why: OfferFailure) -> None:
        if self._off is None:
            self._off = why
        self._called_off()

    def _called_off(self) -> None:
        """Kill the leg; once is enough, the switch's edge insists. A leg that talks to somebody else by now is left to them."""
        if self._killing or (self.state == "TALKING" and self._off == "caller_gone" and self.connected_with not in ("", self.caller)):
            return
        self._killing = True
        self._deadline = self._clock() + LAST_RESORT_SECONDS
        try:
            self._legs.kill(self.leg_id)
        except EslError as error:
            note(log, "an agent's leg can't be told to end now", level=logging.WARNING, leg=self.leg_id, error=error)

    def _gone(self, gone: LegGone) -> None:
        if self.state == "GONE":
            return
        talked, self.state = self.state == "TALKING", "GONE"
        if talked:
            self._on.talk_ended(self.offer.attempt_id, round((self._clock() - self._talking_since) * 1000))
        else:
            self._on.failed(self.offer.attempt_id, self._off or _FAILURES[gone.why])
