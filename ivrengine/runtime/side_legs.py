"""Legs beside the offers: a colleague who is consulted, an outside number, a supervisor's phone, a customer called back.

Each is dialled for one purpose and reports to whoever wanted it: answered, and gone, once each. What they do then may wait, so it
happens in a greenlet of its own, in order per leg. Refuses to dial when SIDE_LEGS_LIMIT are up.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import gevent
from gevent.queue import Queue

from ivrengine.domain.legs import LegAnswered, LegBridged, LegEvent, LegFailure, LegGone
from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError
from ivrengine.esl.errors import EslError
from ivrengine.esl.legs import LEFT_PARKED_SECONDS

from .greenlets import Crew

SIDE_LEGS_LIMIT = 500

log = logging.getLogger(__name__)


class TooManyLegs(IvrEngineError):
    """As many legs as allowed are up beside the offers."""


class NotDialled(IvrEngineError):
    """The switch could not be told to ring anybody."""


class LegOwners(Protocol):
    """Who is told what happens on which leg: the director."""

    def own_leg(self, leg_id: str, on: Callable[[LegEvent], None]) -> None: ...

    def disown_leg(self, leg_id: str) -> None: ...


class BusyPhones(Protocol):
    """Phones at which agents may sit."""

    def busy(self, phone: str, call_id: str, channel_id: str) -> None: ...

    def free(self, call_id: str, channel_id: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be done as it happens. ``bridged`` gets the other channel's id, ``happened`` what has no wish of its own."""

    answered: Callable[[str], None]
    gone: Callable[[str, LegFailure], None]
    bridged: Callable[[str, str], None] = lambda leg_id, other: None
    happened: Callable[[str, LegEvent], None] = lambda leg_id, event: None


class SideLegs:
    """``phones``: where phones of the house that are rung count as busy, so that their agents get no offer meanwhile."""

    def __init__(self, legs: Any, owners: LegOwners, phones: BusyPhones, crew: Crew) -> None:
        self._legs = legs
        self._owners = owners
        self._phones = phones
        self._crew = crew
        self._inboxes: dict[str, Queue[LegEvent]] = {}

    def dial(
        self,
        kind: Literal["extension", "outside"],
        number: str,
        ring_seconds: float,
        wishes: Wishes,
        *,
        purpose: str,
        display_name: str = "",
        display_number: str = "",
        tags: dict[str, str] | None = None,
        park_seconds: float = LEFT_PARKED_SECONDS,
    ) -> str:
        """Ring ``number``; gives the leg's id. Raises TooManyLegs, or NotDialled where nothing was sent. ``park_seconds``: after so long
        the switch hangs up a leg that nobody has connected."""
        if len(self._inboxes) >= SIDE_LEGS_LIMIT:
            raise TooManyLegs(Sentence("%(most)s legs are up beside the agents'; nobody else is rung now", most=SIDE_LEGS_LIMIT))
        leg_id = str(uuid.uuid4())
        self.follow(leg_id, wishes)
        if kind == "extension":
            self._phones.busy(number, leg_id, leg_id)
        try:
            self._legs.originate(
                leg_id, kind, number, ring_seconds, display_name=display_name, display_number=display_number,
                tags={"purpose": purpose, **(tags or {})}, park_seconds=park_seconds,
            )  # fmt: skip
        except EslError as error:
            self._inboxes[leg_id].put(LegGone("failed", str(error)))
            raise NotDialled(str(error)) from error
        return leg_id

    def follow(self, leg_id: str, wishes: Wishes) -> None:
        """Have what happens on a leg told from now on; it may be one that was there before."""
        inbox: Queue[LegEvent] = Queue()
        self._inboxes[leg_id] = inbox
        self._owners.own_leg(leg_id, inbox.put_nowait)
        self._crew.spawn(self._follow, leg_id, inbox, wishes)

    def is_up(self, leg_id: str) -> bool:
        return leg_id in self._inboxes

    def kill(self, leg_id: str) -> None:
        """Take a leg down, whatever it does; harmless when it is gone. Its end is told as ever."""
        if leg_id not in self._inboxes:
            return
        try:
            self._legs.kill(leg_id)
        except EslError as error:
            log.warning("a leg can't be told to end now, so it ends when the link is back: %s", error)

    def _follow(self, leg_id: str, inbox: Queue[LegEvent], wishes: Wishes) -> None:
        try:
            while True:
                event = inbox.get()
                match event:
                    case LegAnswered():
                        self._guarded(wishes.answered, leg_id)
                    case LegBridged(other):
                        self._guarded(wishes.bridged, leg_id, other)
                    case LegGone(why):
                        self._forget(leg_id)
                        self._guarded(wishes.gone, leg_id, why)
                        return
                    case _:
                        self._guarded(wishes.happened, leg_id, event)
        except gevent.GreenletExit:
            self._forget(leg_id)
            raise

    def _guarded(self, wish: Callable[..., None], *args: Any) -> None:
        """What the switch refuses costs the leg, never the one who follows it."""
        try:
            wish(*args)
        except IvrEngineError as error:
            log.warning("a leg could not be used: %s", error)
            self.kill(args[0])

    def _forget(self, leg_id: str) -> None:
        self._inboxes.pop(leg_id, None)
        self._owners.disown_leg(leg_id)
        self._phones.free(leg_id)
