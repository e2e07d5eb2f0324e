"""What the digits mean that an agent keys to pass a caller on: a queue, a colleague, a phone of the house, an outside number.

Looked up in this order: the number of a queue, the number of an agent who is logged in, a phone where an agent is logged in, a
phone of the house, an outside number that the allow-list has. Refuses everything else: digits are data, never a dial string.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ivrengine.domain.sentence import Sentence
from ivrengine.flow.types import ExtensionNumber
from ivrengine.site.records import Site

Kind = Literal["queue", "agent", "extension", "outside"]


@dataclass(frozen=True, slots=True)
class Destination:
    """``value``: the queue's name, the agent's number, or what is dialled. ``title``: for a person who reads."""

    kind: Kind
    value: str
    title: str


class Destinations:
    """``may_dial``: the allow-list of outside numbers. ``agents``: the dispatcher's views. ``is_phone`` may ask the switch."""

    NOWHERE = "calls can't be transferred to this number"

    def __init__(
        self, site: Callable[[], Site], agents: Callable[[], list[Any]], may_dial: Callable[[str], bool], is_phone: Callable[[str], bool]
    ) -> None:
        self._site = site
        self._agents = agents
        self._may_dial = may_dial
        self._is_phone = is_phone

    def find(self, digits: str) -> Destination | str:
        """Where to, or a sentence that says why not."""
        if not digits.lstrip("+").isdigit() or not digits.isascii():
            return Sentence("a number is made of digits")
        site = self._site()
        queue = next((each for each in site.queues if each.number and each.number == digits), None)
        if queue is not None:
            return Destination("queue", queue.name, queue.title or queue.name)
        logged_in = [view for view in self._agents() if view.intent != "LOGGED_OUT"]
        for view in logged_in:
            if digits in (view.agent_id, view.phone):
                agent = site.agent(view.agent_id)
                return Destination("agent", view.agent_id, agent.rules.name if agent and agent.rules.name else f"agent {view.agent_id}")
        if site.agent(digits) is not None:
            return Sentence("agent %(digits)s is not logged in", digits=digits)
        if ExtensionNumber.pattern.match(digits) and self._is_phone(digits):
            return Destination("extension", digits, f"phone {digits}")
        if self._may_dial(digits):
            return Destination("outside", digits, "an outside number")
        return Sentence("calls can't be transferred to this number")

    def phone_of(self, destination: Destination) -> str:
        """What is dialled to reach it; a queue has no phone."""
        if destination.kind != "agent":
            return destination.value
        return next((view.phone for view in self._agents() if view.agent_id == destination.value), "")
