"""How an agent's state is said: one English sentence for those who read, prompts in the agent's language for those who hear.

The names of queues and break reasons are spoken where the site has recorded them (``queue/<name>``, ``break/<reason>``); else
the number of queues stands for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Protocol

from ivrengine.acd.rules import BreakReason, QueueRules
from ivrengine.domain.audio import Audio, Prompt, Speech
from ivrengine.domain.sentence import Sentence, joined

from .outcome import Outcome

NAMED_LIMIT = 4  # more queues than this are counted, not named: nobody listens that long
NO_ANSWER = "no_answer"  # the reason of an agent who has missed calls

# What an agent's work is called, by the dispatcher's word for it.
AT_WORK = {
    "RESERVED": "desk/talking", "RINGING": "desk/talking", "ANSWERED": "desk/talking", "BRIDGING": "desk/talking",
    "TALKING": "desk/talking", "HOLD": "desk/talking", "CONSULT": "desk/talking", "CONFERENCE": "desk/talking",
    "WRAP_UP": "desk/wrap_up", "EXTERNAL": "desk/other_call",
}  # fmt: skip
WORK_TEXT = {
    "desk/talking": Sentence("now on a call"), "desk/wrap_up": Sentence("now wrapping up the last call"),
    "desk/other_call": Sentence("now using the phone"),
}  # fmt: skip


class Standing(Protocol):
    """The dispatcher's view of an agent, as far as it is spoken of."""

    intent: str
    work: str
    reason: str
    pending_intent: str
    pending_reason: str
    reachable: bool
    break_asked: str


class DeskWords:
    def __init__(self, has_prompt: Callable[[str, str], bool], default_language: str) -> None:
        self._has_prompt = has_prompt
        self._default_language = default_language

    def prompt(self, name: str, language: str) -> Prompt:
        return Prompt(name, language or self._default_language)

    def number(self, value: int, language: str) -> Speech:
        return Speech("number", str(value), language or self._default_language)

    def phone(self, number: str, language: str) -> Speech:
        return Speech("phone", number, language or self._default_language)

    def moment(self, text: str, language: str) -> Speech:
        """``text`` as in 2026-10-01 21:30."""
        return Speech("datetime", text, language or self._default_language)

    def state(
        self,
        standing: Standing,
        queues: Sequence[QueueRules],
        reasons: Sequence[BreakReason],
        waiting: int,
        language: str,
        *,
        on_this_call: bool = False,
    ) -> tuple[str, tuple[Audio, ...]]:
        """Where the agent stands and how many wait for them. ``on_this_call``: the phone is in use only for asking."""
        intent, reason = standing.intent, standing.reason
        applied = on_this_call and standing.work == "EXTERNAL" and bool(standing.pending_intent)
        if applied:
            intent, reason = standing.pending_intent, standing.pending_reason
        text, say = self._intent(intent, reason, queues, reasons, language)
        work = AT_WORK.get(standing.work, "")
        if work and not (on_this_call and standing.work == "EXTERNAL"):
            text.append(WORK_TEXT[work])
            say.append(self.prompt(work, language))
        if standing.break_asked:
            text.append(Sentence("the break %(reason)r waits for a supervisor", reason=standing.break_asked))
            say.append(self.prompt("desk/break_pending", language))
        elif standing.pending_intent and not applied:
            text.append(Sentence("%(state)s after this call", state=_plain(standing.pending_intent)))
            say.append(self.prompt("desk/after_call", language))
        if not standing.reachable:
            text.append(Sentence("the phone is not registered"))
            say.append(self.prompt("desk/unreachable", language))
        if intent != "LOGGED_OUT":
            text.append(Sentence("%(count)s waiting", count=waiting) if waiting else Sentence("nobody waiting"))
            say += self.waiting(waiting, language)
        return joined(text), tuple(say)

    def waiting(self, count: int, language: str) -> list[Audio]:
        if not count:
            return [self.prompt("desk/nobody_waiting", language)]
        return [self.number(count, language), self.prompt("desk/waiting", language)]

    def _intent(
        self, intent: str, reason: str, queues: Sequence[QueueRules], reasons: Sequence[BreakReason], language: str
    ) -> tuple[list[str], list[Audio]]:
        if intent == "LOGGED_OUT":
            return [Sentence("Logged out")], [self.prompt("desk/logged_out", language)]
        if intent == "READY":
            names = [queue.title or queue.name for queue in queues]
            if 0 < len(names) <= NAMED_LIMIT:
                named_queues = reduce(lambda one, other: Sentence("%(one)s and %(other)s", one=one, other=other), names)
                text = Sentence("Ready in %(queues)s", queues=named_queues)
            else:
                text = Sentence("Ready in %(count)s queues", count=len(names))
            return [text], [self.prompt("desk/ready_in", language), *self._queues(queues, language)]
        if reason == NO_ANSWER:
            return [Sentence("Not ready, as a call was not answered")], [self.prompt("desk/missed_call", language)]
        if not reason:
            return [Sentence("Not ready")], [self.prompt("desk/not_ready", language)]
        title = next((each.title for each in reasons if each.reason == reason), "") or reason
        name = f"break/{reason}"
        named = [self.prompt(name, language)] if self._has(name, language) else []
        return [Sentence("On a break: %(title)s", title=title)], [self.prompt("desk/on_break", language), *named]

    def _queues(self, queues: Sequence[QueueRules], language: str) -> list[Audio]:
        names = [f"queue/{queue.name}" for queue in queues]
        if not names or len(names) > NAMED_LIMIT or not all(self._has(name, language) for name in names):
            return [self.number(len(names), language), self.prompt("desk/queues", language)]
        say: list[Audio] = [self.prompt(name, language) for name in names]
        return [*say[:-1], self.prompt("desk/and", language), say[-1]] if len(say) > 1 else say

    def _has(self, name: str, language: str) -> bool:
        return self._has_prompt(name, language or self._default_language)


def _plain(intent: str) -> str:
    return {"LOGGED_OUT": Sentence("logged out"), "READY": Sentence("ready"), "NOT_READY": Sentence("not ready")}.get(intent, intent)


def with_state(outcome: Outcome, sentence: str, say: tuple[Audio, ...]) -> Outcome:
    """``outcome`` followed by the state that it led to."""
    text = outcome.sentence
    if sentence:
        text = Sentence("%(before)s %(state)s.", before=text, state=sentence) if text else Sentence("%(state)s.", state=sentence)
    return Outcome(outcome.ok, outcome.code, text, (*outcome.say, *say))
