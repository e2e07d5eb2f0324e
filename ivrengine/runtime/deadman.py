"""The dead-man's switch: every call under our control carries a timer on the switch that sends it to the fallback.

As long as the engine lives it moves the timers on; when it dies and no other process adopts the call in time, the caller
hears the fallback's apology instead of silence. Calls that talk to a person carry none.
"""

from __future__ import annotations

import logging

from ivrengine.esl.errors import EslError
from ivrengine.esl.switch import Switch
from ivrengine.log import note

from .reception import Reception

log = logging.getLogger(__name__)


class DeadMan:
    def __init__(self, switch: Switch, reception: Reception, seconds: float) -> None:
        self._switch = switch
        self._reception = reception
        self.seconds = seconds
        self.every_seconds = seconds / 4  # so that two lost turns in a row do no harm

    def move_on(self) -> None:
        """Set every timer anew."""
        for session in list(self._reception.sessions.values()):
            self.rearm(session.call_id)

    def rearm(self, call_id: str) -> None:
        session = self._reception.sessions.get(call_id)
        if session is None or session.dialling or session.run.finished:
            return
        try:
            self._switch.rearm(call_id, self.seconds, "fallback")
        except EslError as error:
            note(log, "a dead-man's switch could not be set", level=logging.DEBUG, call_id=call_id, error=error)
