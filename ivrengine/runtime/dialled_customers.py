"""Customers whom the engine has dialled (called back, or called by an agent): what becomes of them while they talk, wait, are passed on.

No flow looks after them. On hold they hear music; when the agent has handed them over they stay until that talk, too, is over; when
nobody has them any more, or their phone is gone, the rest is taken down.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import gevent

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.legs import LegEvent, LegGone, LegUnbridged
from ivrengine.errors import IvrEngineError

from .greenlets import Crew
from .talks import Talk

LOOK_SECONDS = 0.5  # between two looks whether somebody still has one who was handed over

log = logging.getLogger(__name__)


class Line(Protocol):
    """The director."""

    def call_ended(self, call_id: str) -> None: ...

    def own_leg(self, leg_id: str, on: Callable[[LegEvent], None]) -> None: ...

    def disown_leg(self, leg_id: str) -> None: ...


class Hands(Protocol):
    """runtime.transfers."""

    def has(self, call_id: str) -> bool: ...


class DialledCustomers:
    """``music``: what one on hold hears, as paths; it goes on for ever."""

    def __init__(self, line: Line, legs: Any, hands: Hands, music: Callable[[], Sequence[str]], crew: Crew) -> None:
        self._line = line
        self._legs = legs
        self._hands = hands
        self._music = music
        self._crew = crew
        self._known: dict[str, CallInfo] = {}

    def info(self, leg_id: str) -> CallInfo | None:
        """Who it is, while they are there."""
        return self._known.get(leg_id)

    def is_there(self, leg_id: str) -> bool:
        return leg_id in self._known

    def came(self, leg_id: str, number: str, name: str) -> None:
        """They have answered."""
        self._known[leg_id] = CallInfo(leg_id, "", number, name)

    def adopt(self, leg_id: str, number: str) -> None:
        """One whom an earlier process has dialled; nobody else hears of this leg."""
        self.came(leg_id, number, "")
        self._line.own_leg(leg_id, lambda event: self.gone(leg_id) if isinstance(event, LegGone) else None)

    def gone(self, leg_id: str) -> None:
        """The leg is gone: so is everything that was for them. Must not wait."""
        if self._known.pop(leg_id, None) is not None:
            self._line.disown_leg(leg_id)
            self._line.call_ended(leg_id)

    def talk_event(self, talk: Talk, event: LegEvent) -> None:
        """Must not wait."""
        if isinstance(event, LegUnbridged) and event.other == talk.call_id and talk.call_id in self._known and not talk.over:
            self._crew.spawn(self._play_music, talk.call_id)

    def talk_over(self, talk: Talk) -> None:
        """The agent's leg is gone. Must not wait."""
        if talk.call_id in self._known:
            self._crew.spawn(self._until_left, talk.call_id)

    def _play_music(self, leg_id: str) -> None:
        paths = self._music()
        if paths:
            self._try(lambda: self._legs.play(leg_id, uuid.uuid4().hex, paths))

    def _until_left(self, leg_id: str) -> None:
        while leg_id in self._known and self._hands.has(leg_id):
            gevent.sleep(LOOK_SECONDS)
        if leg_id in self._known:
            self._try(lambda: self._legs.kill(leg_id))

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except IvrEngineError as error:
            log.warning("a customer who was dialled can't be looked after now: %s", error)
