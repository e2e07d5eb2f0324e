"""A tried call on the embedded switch: a simulated caller dials, the engine takes the call like any other, the news tell of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ivrengine.domain.sentence import Sentence
from ivrengine.esl.errors import EslError
from ivrengine.runtime.arranged_call import Arrangement
from ivrengine.runtime.news import CallBegun, CallEnded, CallerHears, CallerHearsNoMore, Item, KeyPressed, StepLeft

from ..context import Web
from .try_out_stage import TooMuch
from .try_out_trial import HIDDEN, Trial, Wish

TAKEN_SECONDS = 8.0  # the engine takes a call at once, or not at all


class LiveTrial(Trial):
    def __init__(self, web: Web, name: str, owner: str, spoken: Path, wish: Wish) -> None:
        super().__init__(web, name, owner, spoken, wish)
        self._taken = False
        self._overheard = 0

    def place(self) -> None:
        """Dial. Raises EslError or TooMuch."""
        wish, switch = self.wish, self._engine.switch
        shift = 0.0 if wish.at is None else wish.at - self._web.now()
        arrangement = Arrangement(wish.flows, wish.world, wish.language, shift)
        order = {"number": wish.number, "from": wish.caller or "anonymous", "name": wish.name, "uuid": self.name}
        if wish.number.isalnum():
            switch.api(f"sim serve {wish.number}")
        if not self._engine.reception.arrange(self.name, arrangement):
            raise TooMuch(Sentence("too many calls are being placed"))
        try:
            switch.api(f"sim call {json.dumps(order)}")
        except EslError:
            self._engine.reception.unarrange(self.name)
            raise
        self.start()

    def on_news(self, item: Item) -> None:
        match item:
            case CallBegun(_, flow):
                self._taken = True
                self.tell("begun", flow=flow)
            case CallerHears(_, texts, paths, secret):
                self._secret = secret
                self._hears(list(texts), list(paths))
            case CallerHearsNoMore():
                self.tell("silence")
            case KeyPressed(_, key):
                if not self._secret:  # else it was pressed a moment too early to be one, and nobody knows that
                    self.tell("key", key=key)
            case StepLeft(_, step):
                self._secret = False
                self._left(step)
            case CallEnded(_, outcome, cause):
                self.look_at_run()
                self.end(outcome, cause)
                return
        self.look_at_run()

    # -- what the person does

    def press(self, keys: str) -> None:
        self._sim(f"press {self.name} {keys}")
        for _ in keys if self._secret else "":
            self.tell("key", key=HIDDEN[0])
        if self._secret:
            self.tell("silence")  # the switch itself cuts what it says before a secret

    def speak(self, data: bytes, *, goes_on: bool = False) -> None:
        path, seconds = self.keep_speech(data)
        self._sim(f"speak {self.name} {path}")
        if not goes_on:
            self.tell("says", seconds=round(seconds, 1))

    def hang_up(self) -> None:
        if not self.over:
            self._sim(f"hangup {self.name}", late=True)

    def ended(self) -> None:
        super().ended()
        self._engine.reception.unarrange(self.name)
        self._engine.crew.spawn(self._sim, f"hangup {self.name}", True)  # who was handed over hears the switch's own fallback

    def _sim(self, order: str, late: bool = False) -> str:
        try:
            return self._engine.switch.api(f"sim {order}")
        except EslError:
            if late:
                return ""  # it has ended in this instant
            raise

    # -- looking

    def look(self) -> None:
        if not self._taken and self._web.now() - self._began_at > TAKEN_SECONDS:
            self._sim(f"hangup {self.name}", late=True)
            self.end("not_taken", "")
            return
        self.look_at_run()
        session = self._engine.reception.sessions.get(self.name)
        if session is not None and session.with_somebody:
            rows = json.loads(self._sim(f"overheard {self.name}", late=True) or "[]")
            if rows[self._overheard :]:
                self.tell("told", parts=[self.sounds.part(row["path"]) for row in rows[self._overheard :]])
                self._overheard = len(rows)

    def look_at_run(self) -> None:
        session = self._engine.reception.sessions.get(self.name)
        if session is not None and session.run.frames:
            self.show(self._run_state(session.run, **self._company(session)))

    def _company(self, session: Any) -> dict[str, Any]:
        """Whom the caller waits for or talks with."""
        waiting = [each for each in self._engine.call_centre.director.room.of_call(self.name) if not each.over]
        agent = getattr(waiting[-1].event, "agent", "") if waiting and session.with_somebody else ""
        talking = agent or ("?" if session.with_somebody else "")
        return {"talking": talking, "waiting": waiting[-1].queue if waiting and not talking else ""}
