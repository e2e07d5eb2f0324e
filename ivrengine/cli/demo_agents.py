"""Simulated agents for the demo: they sit at phones of the embedded switch, answer, talk, wrap up and take breaks.

Everything they do goes through the same desk as the doings of people. They are no test of anything and need no PIN: whoever runs the
demo owns the site. An agent whose phone a person has taken in hand, in the page, is that person's until the phone is given back.
"""

from __future__ import annotations

import json
import logging
import random
from typing import Any

from ivrengine.app import Engine
from ivrengine.errors import IvrEngineError
from ivrengine.runtime.outcome import Who
from ivrengine.site.records import Agent

PHONES = tuple(str(number) for number in range(8001, 8010))  # those of the embedded switch
LOOK_SECONDS = 1.0
ANSWER_SECONDS = (1.0, 4.0)
TALK_SECONDS = (8.0, 30.0)
GREETING_AFTER_SECONDS = 0.7
WRAP_UP_SECONDS = 4.0
BREAK_SECONDS = 30.0
BREAK_CHANCE = 1 / 180  # of an idle agent, at each look

DEMO = Who("demo", at_phone=True)

log = logging.getLogger(__name__)


class DemoAgents:
    """``dice`` decides how long they talk and when they want a break."""

    def __init__(self, engine: Engine, dice: random.Random) -> None:
        self._engine = engine
        self._desk = engine.workplace.desk
        self._dice = dice
        self._keys: dict[str, str] = {}  # agent -> the key that their queues want after answering
        self._fresh: set[str] = set()  # agents whose phone knows how it will take the next call

    def seat(self) -> int:
        """Log in as many agents as there are phones, and make them ready; how many that are."""
        site = self._engine.call_centre.director.site.site
        agents = [agent for agent in site.agents if agent.rules.queues]
        seated = 0
        for agent, phone in zip(agents, PHONES, strict=False):
            self._keys[agent.agent_id] = self._accept_key(agent)
            self._set_phone(agent.agent_id, phone)
            seated += self._desk.log_in(agent.agent_id, phone, DEMO).ok and self._desk.ready(agent.agent_id, DEMO).ok
        return seated

    def start(self) -> None:
        self._engine.crew.repeat(self.look, LOOK_SECONDS)

    def look(self) -> None:
        """One second of their day."""
        director = self._engine.call_centre.director
        now = director.now()
        in_hand = self._phones_in_hand()
        for agent_id in self._keys:
            view = director.dispatcher.agent(agent_id)
            if view is None or view.intent == "LOGGED_OUT":
                continue
            if view.phone in in_hand:
                self._fresh.discard(agent_id)
                continue
            since = now - view.since
            if view.work == "WRAP_UP" and since >= WRAP_UP_SECONDS:
                self._finish(agent_id, view.queue)
            elif view.work == "IDLE":
                self._rest(agent_id, view, since)
            else:
                self._fresh.discard(agent_id)

    def _rest(self, agent_id: str, view: Any, since: float) -> None:
        if agent_id not in self._fresh:
            self._set_phone(agent_id, view.phone)
        if view.intent == "NOT_READY":
            if since >= BREAK_SECONDS or view.reason == "no_answer":
                self._desk.ready(agent_id, DEMO)
        elif not view.break_asked and self._dice.random() < BREAK_CHANCE:
            reasons = [each.reason for each in self._engine.call_centre.director.site.site.reasons if not each.approval]
            if reasons:
                self._desk.take_break(agent_id, self._dice.choice(reasons), DEMO)

    def _finish(self, agent_id: str, queue: str) -> None:
        codes = [each.code for each in self._engine.call_centre.director.site.site.dispositions_of(queue)]
        if codes:
            self._desk.disposition(agent_id, self._dice.choice(codes), DEMO)
        else:
            self._desk.ready(agent_id, DEMO)

    def _phones_in_hand(self) -> set[str]:
        try:
            return set(json.loads(self._engine.switch.api("sim by_hand")))
        except IvrEngineError:
            return set()  # the link is down, and nobody does anything

    def _accept_key(self, agent: Agent) -> str:
        queues = (self._engine.call_centre.director.site.queue(name) for name in agent.rules.queues)
        return next((queue.accept_key for queue in queues if queue is not None and queue.accept_key), "")

    def _greeting(self, agent_id: str) -> str:
        """The sound file with which the agent answers: the greeting of the line of their first queue; "" where there is none."""
        agent = self._engine.call_centre.director.site.site.agent(agent_id)
        queue = next(iter(agent.rules.queues), "") if agent else ""
        settings = self._engine.settings
        file = settings.prompts / settings.languages[0] / "line" / f"{queue}.wav"
        return str(file.resolve()) if queue and file.is_file() else ""

    def _set_phone(self, agent_id: str, phone: str) -> None:
        key = self._keys[agent_id]
        script: list[dict[str, Any]] = [{"wait": 1.0}, {"press": key}] if key else []
        greeting = self._greeting(agent_id)
        if greeting:
            script += [{"until_talking": True}, {"wait": GREETING_AFTER_SECONDS}, {"speak": greeting}]
        behaviour = {
            "extension": phone,
            "behaviour": "answer",
            "after": round(self._dice.uniform(*ANSWER_SECONDS), 1),
            "talk": round(self._dice.uniform(*TALK_SECONDS), 1),
            "script": script,
        }
        try:
            self._engine.switch.api(f"sim phone {json.dumps(behaviour)}")
            self._fresh.add(agent_id)
        except IvrEngineError as error:
            log.warning("a simulated phone keeps its ways: %s", error)
