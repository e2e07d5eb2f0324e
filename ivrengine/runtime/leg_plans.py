"""What an agent's phone shows and what the agent hears before the caller: which queue, how long they have waited, who they are.

The customer's number and name are strangers' text: the edge that dials makes them harmless.
"""

from __future__ import annotations

from ivrengine.acd.decisions import Offer
from ivrengine.acd.rules import QueueRules
from ivrengine.domain.audio import Audio, Prompt, Speech
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.voice import Voice

from .agent_leg import LegPlan
from .waiting import Waiting

SPOKEN_DIGITS = 4  # of the customer's number, the last ones: nobody listens to eleven


class LegPlans:
    """``language``: in which agents are spoken to."""

    def __init__(self, catalogue: Catalogue, voice: Voice, language: str) -> None:
        self._catalogue = catalogue
        self._voice = voice
        self._language = language

    def of(self, offer: Offer, rules: QueueRules, waiting: Waiting, now: float) -> LegPlan:
        waited = max(0, round(now - waiting.queued_at))
        shown = [rules.title or rules.name, f"{waited // 60}:{waited % 60:02d}", waiting.name]
        return LegPlan(
            display_name=" ".join(part for part in shown if part),
            display_number=waiting.number,
            whisper=self.whisper(rules, waiting.number) if rules.whisper else (),
            accept_key=rules.accept_key,
            accept_seconds=rules.accept_seconds,
            tags=tags_of(offer, waiting.call_id, waiting.token),
        )

    def whisper(self, rules: QueueRules, number: str) -> tuple[str, ...]:
        """The queue's name, where the site has recorded one (``queue/<name>``), and the end of the customer's number."""
        items: list[Audio] = []
        name = f"queue/{rules.name}"
        if self._catalogue.has(name, self._language):
            items.append(Prompt(name, self._language))
        digits = "".join(sign for sign in number if sign.isascii() and sign.isdigit())[-SPOKEN_DIGITS:]
        if digits and self._voice.speech_problem("digits", self._language) is None:
            items.append(Speech("digits", digits, self._language))
        return tuple(self._voice.render(items).paths) if items else ()


def tags_of(offer: Offer, call_id: str, token: str) -> dict[str, str]:
    """What the switch keeps of an offer on its leg, for the engine that comes after this one."""
    return {
        "attempt": offer.attempt_id,
        "item": offer.item_id,
        "agent": offer.agent_id,
        "queue": offer.queue,
        "call": call_id,
        "token": token,
    }
