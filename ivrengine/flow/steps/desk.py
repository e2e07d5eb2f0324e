"""What agents do at their phones: log in and out, ready, break, status, disposition, more wrap-up, pick up, messages.

```yaml
log_in:
  desk:
    verb: log_in
    ask:                          # keyed in, in this order; a secret is the last
      - {name: agent, prompt: [desk/enter_agent], digits: 1-10}
      - {name: pin, prompt: [desk/enter_pin], digits: 4-12, secret: true}
    wrong_entry: [entry/wrong]
    tries: 3
    done: goodbye
    outcomes: {locked: goodbye, refused: log_in}   # what else the desk may say
    refused: goodbye              # any other outcome
    no_input: goodbye             # nothing, or nothing usable, was keyed; refused, when left out
    outside: {say: [desk/no_house_phone], go: goodbye}   # the call is not from a phone of the house
short_break:
  desk: {verb: break, given: {reason: 'right(dialled, 1)'}, done: goodbye, refused: goodbye, outside: goodbye}
```

| verb | arguments |
|---|---|
| `log_in` | `agent`, `pin` |
| `log_out`, `ready`, `status`, `more_wrap_up` | |
| `break` | `reason`: its name, or which one of the site's list it is, from 1 |
| `disposition` | `code` |
| `pick_up` | `agent` at whom it rings; may be left out: who has waited longest |
| `voicemail` | `box`; may be left out: all boxes |

What the desk answers is heard first, then the branch is taken; a key cuts it and is kept for the next step. A secret goes straight
to the desk: no log, no record and no variable of the flow ever holds it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ivrengine.domain.commands import AskDesk, CollectSecret
from ivrengine.domain.events import CallEvent, DeskAnswered, DigitPressed, PromptEnded, SecretCollected, TimerExpired
from ivrengine.domain.sentence import Sentence

from ..choosing import attempt_failed, begin_attempts
from ..context import StepContext
from ..entries import EntryJudge
from ..expressions import Expression, ExpressionError
from ..flowset import Flow
from ..keyfields import DigitCount, refusal
from ..leaving import leave
from ..listening import Heard, Timing, heard, listen
from ..step import WAIT, Result, Step, step
from ..types import Exit, Prompts, Seconds, StepSpec

Verb = Literal["log_in", "log_out", "ready", "break", "status", "disposition", "more_wrap_up", "pick_up", "voicemail"]
Argument = Literal["agent", "pin", "reason", "code", "box"]
NEEDED = {"log_in": {"agent", "pin"}, "break": {"reason"}, "disposition": {"code"}}
OPTIONAL = {"pick_up": {"agent"}, "voicemail": {"box"}}
COLLECTING = "collecting"  # key of the step's state: the token of the CollectSecret under way
ASKING = "asking"  # and of the AskDesk
ANSWER, ANSWER_SECONDS = "answer", 20.0  # timer: for the desk to answer; checking a PIN takes its time on purpose
TERMINATOR = "#"
LONGEST_ARGUMENT = 64  # characters


class Asked(StepSpec):
    name: Argument
    prompt: Prompts
    digits: DigitCount
    secret: bool = False


class DeskSpec(StepSpec):
    verb: Verb
    ask: tuple[Asked, ...] = Field(default=(), max_length=5)
    given: dict[Argument, Expression] = Field(default={}, max_length=5)
    wrong_entry: Prompts = ()
    tries: int = Field(default=3, ge=1, le=10)
    first_digit: Seconds = Field(default=8.0, gt=0, le=60)
    between_digits: Seconds = Field(default=4.0, gt=0, le=30)
    done: Exit
    outcomes: dict[str, Exit] = {}
    refused: Exit
    no_input: Exit | None = None
    outside: Exit

    @model_validator(mode="after")
    def _arguments(self) -> DeskSpec:
        names = [*(asked.name for asked in self.ask), *self.given]
        needed = NEEDED.get(self.verb, set())
        known = needed | OPTIONAL.get(self.verb, set())
        for name in names:
            if name not in known:
                raise refusal(
                    Sentence('"%(verb)s" has no argument "%(name)s"', verb=self.verb, name=name),
                    Sentence("it has %(known)s", known=tuple(sorted(known)) or Sentence("none")),
                )
            if names.count(name) > 1:
                raise refusal(Sentence('"%(name)s" is given twice', name=name))
        missing = sorted(needed - set(names))
        if missing:
            raise refusal(Sentence('"%(verb)s" needs "%(name)s": ask for it, or give it', verb=self.verb, name=missing[0]))
        if "pin" in self.given or any((asked.name == "pin") != asked.secret for asked in self.ask):
            raise refusal(Sentence("the pin is asked for with secret: true, and nothing else is secret"))
        if any(asked.secret for asked in self.ask[:-1]):
            raise refusal(Sentence("the secret is asked for last, so that it goes straight to the desk"))
        return self


class Question:
    """How one entry is judged."""

    __slots__ = ("judge", "timing")

    def __init__(self, asked: Asked, spec: DeskSpec) -> None:
        self.judge = EntryJudge(asked.digits, (), TERMINATOR, empty_allowed=False)
        self.timing = Timing(spec.first_digit, spec.between_digits)


@step("desk", DeskSpec)
class Desk(Step):
    """State: ``entered`` (names and what was keyed, never a secret), ``answered`` (the desk's outcome, while its answer is heard)."""

    waits_for_caller = True

    def prepare(self, spec: DeskSpec, flow: Flow) -> tuple[Question, ...]:
        return tuple(Question(asked, spec) for asked in spec.ask)

    def enter(self, context: StepContext) -> Result:
        if not context.run.call.phone:
            return leave(context, context.spec.outside, "outside")
        context.state["entered"] = []
        begin_attempts(context)
        return self._go_on(context)

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        state = context.state
        if "answered" in state:
            return self._answer_heard(context, event)
        if ASKING in state:
            return self._answered(context, event)
        if COLLECTING in state:
            return self._secret(context, event)
        question: Question = context.prepared[len(state["entered"])]
        result = heard(context, event, question.judge, question.timing)
        return WAIT if result is None else self._keyed(context, result)

    def resume(self, context: StepContext) -> Result:
        if "answered" in context.state:
            return self._leave(context, context.state["answered"])
        return super().resume(context)

    # -- what is keyed -------------------------------------------------------------------------------------------------

    def _go_on(self, context: StepContext, before: Prompts = ()) -> Result:
        """Ask for what is still missing, then ask the desk."""
        spec: DeskSpec = context.spec
        number = len(context.state["entered"])
        if number == len(spec.ask):
            return self._ask_desk(context)
        asked, question = spec.ask[number], context.prepared[number]
        items = context.audio((*before, *asked.prompt))
        if asked.secret:
            return self._collect(context, items, question)
        result = listen(context, items, question.judge, question.timing)
        return WAIT if result is None else self._keyed(context, result)

    def _keyed(self, context: StepContext, result: Heard) -> Result:
        number = len(context.state["entered"])
        judge: EntryJudge = context.prepared[number].judge
        entry = judge.without_terminator(result.entry)
        if result.outcome != "entry" or not judge.fits(entry):
            return self._failed(context, "no_input" if result.outcome == "no_input" else "no_match")
        context.state["entered"].append([context.spec.ask[number].name, entry])
        begin_attempts(context)
        return self._go_on(context)

    def _failed(self, context: StepContext, outcome: Literal["no_input", "no_match"]) -> Result:
        spec: DeskSpec = context.spec
        if attempt_failed(context, outcome, spec.tries):
            return leave(context, spec.no_input or spec.refused, outcome)
        return self._go_on(context, spec.wrong_entry if outcome == "no_match" else ())

    def _collect(self, context: StepContext, items: tuple, question: Question) -> Result:
        context.flush_digits()  # keys that were pressed as plain events can't be part of a secret
        context.answer()
        token = context.new_token()
        context.state[COLLECTING] = token
        timing, most = question.timing, question.judge.most
        context.emit(
            CollectSecret(token, items, 1, most, timing.first_digit_seconds, timing.between_digits_seconds, TERMINATOR)
        )  # fmt: skip
        return WAIT

    def _secret(self, context: StepContext, event: CallEvent) -> Result:
        if isinstance(event, DigitPressed):
            context.flush_digits()
        if not isinstance(event, SecretCollected) or event.token != context.state[COLLECTING]:
            return WAIT
        del context.state[COLLECTING]
        if event.outcome == "failed":
            context.alarm("prompt_failed", Sentence("the switch could not ask for a secret entry"))
        if event.outcome != "entered":
            return self._failed(context, "no_input")
        asked, question = context.spec.ask[-1], context.prepared[-1]
        if not question.judge.fits(event.digits):
            return self._failed(context, "no_match")
        return self._ask_desk(context, ((asked.name, event.digits),))

    # -- the desk ------------------------------------------------------------------------------------------------------

    def _ask_desk(self, context: StepContext, secret: tuple[tuple[str, str], ...] = ()) -> Result:
        spec: DeskSpec = context.spec
        try:
            given = [(name, str(context.evaluate(value))[:LONGEST_ARGUMENT]) for name, value in spec.given.items()]
        except ExpressionError as error:
            context.alarm("expression_failed", str(error))
            return leave(context, spec.refused, "failed")
        context.answer()
        entered = [(name, value) for name, value in context.state["entered"]]
        token = context.new_token()
        context.state[ASKING] = token
        context.start_timer(ANSWER, ANSWER_SECONDS)
        context.emit(AskDesk(token, spec.verb, (*entered, *given, *secret), context.run.language))
        return WAIT

    def _answered(self, context: StepContext, event: CallEvent) -> Result:
        if isinstance(event, TimerExpired) and event.name == ANSWER:
            context.alarm("desk_silent", Sentence("the desk did not answer to %(verb)s", verb=context.spec.verb))
            return leave(context, context.spec.refused, "failed")
        if not isinstance(event, DeskAnswered) or event.token != context.state[ASKING]:
            return WAIT
        context.cancel_timer(ANSWER)
        if not event.say:
            return self._leave(context, event.outcome)
        context.flush_digits()
        context.state["answered"] = event.outcome
        context.play(event.say)
        return WAIT

    def _answer_heard(self, context: StepContext, event: CallEvent) -> Result:
        over = isinstance(event, PromptEnded) and context.prompt_over(event)
        return self._leave(context, context.state["answered"]) if over or isinstance(event, DigitPressed) else WAIT

    def _leave(self, context: StepContext, outcome: str) -> Result:
        spec: DeskSpec = context.spec
        exit = spec.done if outcome == "done" else spec.outcomes.get(outcome, spec.refused)
        return leave(context, exit, outcome)
