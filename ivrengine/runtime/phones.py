"""What the phones at which agents sit do besides our offers: calls of their own, and whether they are registered at all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ivrengine.acd.happenings import PhoneBusy, PhoneFree, PhoneReachable
from ivrengine.domain.caller import CallInfo
from ivrengine.esl.errors import EslError
from ivrengine.log import note

LOOK_SECONDS = 5.0  # between two looks at who is registered
LOOKS_LIMIT = 50  # phones asked for in one look; of more, each is looked at every few turns

log = logging.getLogger(__name__)


class Seated(Protocol):
    """An agent as the dispatcher sees them."""

    agent_id: str
    phone: str
    intent: str
    reachable: bool


class Phones:
    """``tell`` feeds the dispatcher; ``seated`` gives its agents; ``registered`` asks the switch, and waits."""

    def __init__(
        self,
        tell: Callable[[PhoneBusy | PhoneFree | PhoneReachable], Any],
        seated: Callable[[], Iterable[Seated]],
        registered: Callable[[str], bool],
    ) -> None:
        self._tell = tell
        self._seated = seated
        self._registered = registered
        self._channels: dict[str, dict[str, set[str]]] = {}  # phone -> call that keeps it busy -> channel ids
        self._agents: dict[str, str] = {}  # phone -> who sits there
        self._next = 0

    # -- calls of the phone's own

    def call_began(self, call: CallInfo) -> None:
        if call.phone:
            self.busy(call.phone, call.call_id, call.call_id)

    def busy(self, phone: str, call_id: str, channel_id: str) -> None:
        """``call_id``: whose end frees the phone."""
        self._channels.setdefault(phone, {}).setdefault(call_id, set()).add(channel_id)
        if phone in self._agents:
            self._tell(PhoneBusy(self._agents[phone], channel_id))

    def free(self, call_id: str, channel_id: str = "") -> None:
        """All that this call kept busy, or one channel of it."""
        for phone, calls in list(self._channels.items()):
            channels = calls.get(call_id)
            if channels is None:
                continue
            for gone in [channel for channel in channels if channel_id in ("", channel)]:
                channels.discard(gone)
                if phone in self._agents:
                    self._tell(PhoneFree(self._agents[phone], gone))
            if not channels:
                del calls[call_id]
            if not calls:
                del self._channels[phone]

    def free_others(self, call_id: str) -> None:
        """The phones that this call has rung are free; the one it came from is still busy with it."""
        for calls in list(self._channels.values()):
            for channel_id in calls.get(call_id, set()) - {call_id}:
                self.free(call_id, channel_id)

    def busy_with(self, phone: str) -> set[str]:
        return {channel for channels in self._channels.get(phone, {}).values() for channel in channels}

    # -- who sits where

    def seat(self, agent_id: str, phone: str) -> None:
        """The agent is at ``phone`` now; "" for nowhere."""
        if phone and self._agents.get(phone) == agent_id:
            return
        for other in [other for other, who in self._agents.items() if who == agent_id]:
            del self._agents[other]
        if phone:
            self._agents[phone] = agent_id
            for channel_id in self.busy_with(phone):
                self._tell(PhoneBusy(agent_id, channel_id))

    # -- registration

    def look(self) -> None:
        """Ask the switch which phones are registered. Waits; a switch that can't be asked changes nothing."""
        seated = sorted((view for view in self._seated() if view.intent != "LOGGED_OUT" and view.phone), key=lambda view: view.phone)
        if not seated:
            return
        first, self._next = self._next % len(seated), self._next + LOOKS_LIMIT
        for view in (seated * 2)[first : first + min(LOOKS_LIMIT, len(seated))]:
            try:
                reachable = self._registered(view.phone)
            except EslError as error:
                note(log, "whether phones are registered is not known", error=error)
                return
            if reachable != view.reachable:
                self._tell(PhoneReachable(view.agent_id, reachable))
