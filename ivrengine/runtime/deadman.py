"""The dead-man's switch: every call under our control carries a timer on the switch that sends it to the fallback.

As long as the engine lives it moves the timers on; when it dies and no other process adopts the call in time, the caller
hears the fallback's apology instead of silence. A call that talks to a person carries none until the talk is over.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ivrengine.esl.errors import EslError, SwitchTimeout, SwitchUnavailable
from ivrengine.esl.switch import Switch
from ivrengine.log import note

from .reception import Reception

LOOK_SECONDS = 1.0  # between two looks at whose timer has to be moved on: spreads the work of many calls

log = logging.getLogger(__name__)


class DeadMan:
    """``seconds`` after the engine's death an orphaned call goes to the fallback."""

    def __init__(self, switch: Switch, reception: Reception, seconds: float) -> None:
        self._switch = switch
        self._reception = reception
        self._every_seconds = seconds / 4  # so that two lost turns in a row do no harm
        self._armed: dict[str, float] = {}  # call id -> when its timer was set, by a clock that nobody sets

    def arm(self, call_id: str) -> None:
        """The call has just become ours."""
        self._set(self._switch.arm, call_id)

    def parted(self, call_id: str) -> None:
        """The caller's talk, for which the timer was deleted, is over."""
        self._armed.pop(call_id, None)
        self.arm(call_id)

    def move_on(self) -> None:
        """Set anew every timer whose turn it is; called LOOK_SECONDS apart."""
        sessions = self._reception.sessions
        self._armed = {call_id: at for call_id, at in self._armed.items() if call_id in sessions}
        due = time.monotonic() - self._every_seconds
        for session in list(sessions.values()):
            if session.with_somebody or session.run.finished or self._armed.get(session.call_id, due) > due:
                continue
            if not self._set(self._switch.rearm, session.call_id):
                return  # the link is down or stalls: the next turn tries again

    def _set(self, setting: Callable[[str], None], call_id: str) -> bool:
        try:
            setting(call_id)
        except (SwitchUnavailable, SwitchTimeout):
            return False
        except EslError as error:
            note(log, "a dead-man's switch could not be set", level=logging.WARNING, call_id=call_id, error=error)
        self._armed[call_id] = time.monotonic()
        return True
