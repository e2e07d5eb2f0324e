"""A simulated phone of the house in somebody's hand: it rings in the page, is answered or rejected there, hears, presses, speaks, dials.

The switch knows that it is in hand, so that nobody's script answers it meanwhile; it is given back when the page is left.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ivrengine.domain.sentence import Sentence
from ivrengine.esl.errors import EslError

from ..context import Web
from .try_out_stage import Stage, TooMuch

LINES_LIMIT = 4  # calls at one phone that the page follows


class PhoneInHand(Stage):
    """``name`` is the extension. ``calls``: what is up at it, as the switch's ``sim line`` tells."""

    kind = "phone"

    def __init__(self, web: Web, name: str, owner: str, spoken: Path) -> None:
        super().__init__(web, name, owner, spoken)
        self.calls: list[dict[str, Any]] = []
        self._heard: dict[str, int] = {}  # channel -> rows that were told
        self._overheard: dict[str, int] = {}
        self._sounding: dict[str, bool] = {}

    def take(self) -> None:
        """Raises EslError."""
        self._sim("phone " + json.dumps({"extension": self.name, "behaviour": "by_hand"}))
        self.look()
        self.start()

    # -- what the person does

    def answer(self) -> None:
        self._sim(f"answer {self._call(rung=True, answered=False)}")

    def reject(self) -> None:
        self._sim(f"reject {self._call(rung=True, answered=False)}")

    def press(self, keys: str) -> None:
        self._sim(f"press {self._call()} {keys}")
        self.tell("key", key=keys)

    def speak(self, data: bytes, *, goes_on: bool = False) -> None:
        call = self._call()
        path, seconds = self.keep_speech(data)
        self._sim(f"speak {call} {path}")
        if not goes_on:
            self.tell("says", seconds=round(seconds, 1))

    def hang_up(self) -> None:
        self._sim(f"hangup {self._call()}")

    def dial(self, number: str) -> None:
        if self.calls:
            raise TooMuch(Sentence("the phone is busy"))
        self._sim("dial " + json.dumps({"extension": self.name, "number": number}))
        self.tell("dials", number=number)

    def _call(self, **wanted: bool) -> str:
        """The call that is meant: the one that talks, else the first. Raises TooMuch where there is none."""
        self.calls = self._line()
        calls = [call for call in self.calls if all(call[key] == value for key, value in wanted.items())]
        if not calls:
            raise TooMuch(Sentence("there is no such call at this phone"))
        return str(min(calls, key=lambda call: not call["talking"])["uuid"])

    # -- looking

    def look(self) -> None:
        if not self._engine.switch.connected:
            return
        self.calls = self._line()
        known = {call["uuid"] for call in self.calls}
        for uuid in [uuid for uuid in self._heard if uuid not in known]:
            self.tell("silence")
            self.tell("gone")
            for book in (self._heard, self._overheard, self._sounding):
                book.pop(uuid, None)
        for call in self.calls[:LINES_LIMIT]:
            if call["uuid"] not in self._heard:
                self._heard[call["uuid"]] = 0
                self.tell("rings" if call["rung"] else "calls", number=call["number"], name=call["name"])
            if call["answered"]:
                self._listen(call["uuid"])
        self.show(self._shown())

    def _listen(self, uuid: str) -> None:
        rows = self._rows(f"heard {uuid}")
        fresh = rows[self._heard[uuid] :]
        if self._sounding.get(uuid) and rows and rows[self._heard[uuid] - 1]["outcome"] == "stopped":
            self.tell("silence")
        if fresh:
            self._heard[uuid] = len(rows)
            self.tell("hears", texts=self._texts(fresh), parts=[self.sounds.part(row["path"]) for row in fresh])
        self._sounding[uuid] = bool(rows) and rows[-1]["outcome"] == "playing"
        told = self._rows(f"overheard {uuid}")
        if told[self._overheard.get(uuid, 0) :]:
            self.tell("told", parts=[self.sounds.part(row["path"]) for row in told[self._overheard.get(uuid, 0) :]])
            self._overheard[uuid] = len(told)

    def _texts(self, rows: list[dict[str, Any]]) -> list[str]:
        """The words of prompts; what is no prompt has none."""
        prompts = self._engine.settings.prompts
        texts = []
        for row in rows:
            path = Path(row["path"])
            if path.is_absolute() and path.is_relative_to(prompts):
                language, _, name = str(path.relative_to(prompts).with_suffix("")).partition("/")
                texts.append(self._engine.catalogue.text(name, language) or f"[{name}]")
        return texts

    def _shown(self) -> dict[str, Any]:
        agent = self._agent()
        return {
            "up": not self.over,
            "calls": [{key: call[key] for key in ("rung", "answered", "talking", "number", "name")} for call in self.calls],
            "agent": agent and {key: getattr(agent, key) for key in ("agent_id", "intent", "work", "queue", "reason")},
        }

    def _agent(self) -> Any:
        agent_id = self._engine.workplace.desk.agent_at(self.name)
        return self._engine.call_centre.director.dispatcher.agent(agent_id) if agent_id else None

    # -- giving back

    def leave(self) -> None:
        """Hang up and let the phone be the switch's again."""
        if self.over:
            return
        try:
            for call in self._line():
                self._engine.switch.api(f"sim hangup {call['uuid']}")
            self._sim("phone " + json.dumps({"extension": self.name, "release": True}))
        except EslError:
            pass  # the link is down: so is the switch that knew of it
        self.end("given_back", "")

    def ended(self) -> None:
        self.show({**self._state, "up": False, "calls": []})

    def _line(self) -> list[dict[str, Any]]:
        return self._rows(f"line {self.name}")

    def _rows(self, order: str) -> list[dict[str, Any]]:
        return json.loads(self._sim(order))

    def _sim(self, order: str) -> str:
        return self._engine.switch.api(f"sim {order}")
