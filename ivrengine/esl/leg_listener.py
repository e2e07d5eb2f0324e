"""Whom the edge tells what happens on legs."""

from __future__ import annotations

import logging
from typing import Protocol

from ivrengine.domain.legs import LegEvent, LegState

log = logging.getLogger(__name__)


class LegsListener(Protocol):
    """What the runtime offers for legs. Called where nothing may wait: these methods only enqueue."""

    def leg_event(self, leg_id: str, event: LegEvent) -> None:
        """Something happened on a leg."""

    def legs_resynchronised(self, legs: list[LegState]) -> None:
        """The link is up (again) and these legs are there, dialled by this process or an earlier one. Their events follow."""

    def recording_stopped(self, path: str, cause: str) -> None:
        """A recording that ``start_recording`` began is over; ``cause`` is the switch's word, "" where it gave none."""


class NobodyListens:
    """Until somebody does."""

    def leg_event(self, leg_id: str, event: LegEvent) -> None:
        log.debug("nobody listens to %s of leg %s", event, leg_id)

    def legs_resynchronised(self, legs: list[LegState]) -> None:
        pass

    def recording_stopped(self, path: str, cause: str) -> None:
        pass
