"""Ask for digits: an order number, a date, a PIN.

```yaml
order_number:
  collect:
    variable: order
    prompt: [enter_order_number]
    prompt_retry: {2: [order_number_short]}
    digits: 6-8                    # or patterns: ["1xxxxxxxxxx", "0xxx"]
    terminator: "#"                # ends the entry at once; or none
    check:                         # in this order; each with what is said when it fails
      - {range: 100000-99999999, say: [no_such_order]}
      - {expression: 'left(order, 1) != "0"', say: [no_such_order]}
    wrong_entry: [not_understood]  # said before a further attempt where no check has said why
    confirm:                       # reads the entry back
      before: [you_entered]
      read_as: digits
      after: [press_1_if_right]
      right: 1
      wrong: 2
    empty: no_number               # the terminator alone; without this it is no_match, unless 0 digits are allowed
    next: look_up
    no_input: {say: [nothing_heard], go: operator}
    no_match: {say: [sorry], go: operator}
    tries: 3
    first_digit: 5s                # counted from the end of the prompt
    between_digits: 2s
    secret: false                  # true: the digits are never logged, stored, or read back
```

Too few digits when time runs out is no_match, not no_input. The flow's own keys work before the first digit, except digits
and the terminator. Digits typed ahead count, but never for a secret.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ivrengine.domain.audio import Speech
from ivrengine.domain.commands import CollectSecret
from ivrengine.domain.events import CallEvent, DigitPressed, SecretCollected
from ivrengine.domain.sentence import Sentence

from ..choosing import Choices, attempt_failed, begin_attempts
from ..context import BUILT_IN_VARIABLES, StepContext
from ..entries import EntryJudge
from ..entry_checks import EntryCheck
from ..flowset import Flow
from ..keyfields import DigitCount, Key, KeyPatterns, PromptsByAttempt, Terminator, all_different, prompt_for, refusal
from ..leaving import act, leave
from ..listening import Heard, Timing, heard, listen
from ..step import WAIT, ExitPath, Go, Result, Step, step
from ..types import Exit, KeyAction, Prompts, Seconds, StepRef, StepSpec, VariableName, walk

HIDDEN = "****"  # in place of a secret entry, whatever its length
COLLECTING = "collecting"  # key of the state: the token of the CollectSecret under way


class Confirm(StepSpec):
    before: Prompts = ()
    read_as: Literal["number", "digits", "money", "date", "time", "phone"] = "digits"
    after: Prompts = ()
    right: Key = "1"
    wrong: Key = "2"

    @model_validator(mode="after")
    def _keys_differ(self) -> Confirm:
        all_different({"right": self.right, "wrong": self.wrong})
        return self


class CollectSpec(StepSpec):
    variable: VariableName
    prompt: Prompts
    prompt_retry: PromptsByAttempt = {}
    digits: DigitCount | None = None
    patterns: KeyPatterns = ()
    terminator: Terminator = "#"
    check: tuple[EntryCheck, ...] = Field(default=(), max_length=20)
    wrong_entry: Prompts = ()
    confirm: Confirm | None = None
    empty: Exit | None = None
    next: StepRef
    no_input: Exit
    no_match: Exit
    tries: int = Field(default=3, ge=1, le=10)
    first_digit: Seconds = Field(default=5.0, gt=0, le=60)
    between_digits: Seconds = Field(default=2.0, gt=0, le=30)
    barge_in: Literal["matching", "any", "none"] = "matching"
    secret: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> CollectSpec:
        if (self.digits is None) == (not self.patterns):
            raise refusal(Sentence("give either digits: (how many) or patterns: (what an entry may look like)"))
        if self.terminator and any(self.terminator in pattern for pattern in self.patterns):
            raise refusal(
                Sentence("the key %(terminator)s ends an entry, so no pattern can have it", terminator=self.terminator),
                Sentence("set another terminator"),
            )
        if self.secret and self.confirm:
            raise refusal(Sentence("a secret is never read back"), Sentence("leave out confirm"))
        if self.empty and not self.terminator:
            raise refusal(Sentence('"empty" needs a terminator: without one an entry can\'t be empty'))
        if self.variable in BUILT_IN_VARIABLES:
            raise refusal(Sentence('"%(variable)s" is set by the engine', variable=self.variable), Sentence("choose another name"))
        return self


class Prepared:
    """What a collect step works with on every call."""

    __slots__ = ("judge", "timing", "confirm")

    def __init__(self, spec: CollectSpec, flow: Flow) -> None:
        empty_allowed = spec.empty is not None or (spec.digits is not None and spec.digits.least == 0)
        self.judge = EntryJudge(spec.digits, spec.patterns, spec.terminator, empty_allowed)
        self.timing = Timing(spec.first_digit, spec.between_digits, spec.barge_in)
        own = {spec.confirm.right: "right", spec.confirm.wrong: "wrong"} if spec.confirm else {}
        self.confirm = Choices(own, flow, Timing(first_digit_seconds=spec.first_digit))


@step("collect", CollectSpec)
class Collect(Step):
    waits_for_caller = True
    flow_keys = True

    def prepare(self, spec: CollectSpec, flow: Flow) -> Prepared:
        return Prepared(spec, flow)

    def exits(self, spec: CollectSpec) -> list[ExitPath]:
        def sets(path: tuple[str | int, ...]) -> frozenset[str]:
            return frozenset({str(spec.variable)}) if path == ("next",) else frozenset()

        return [ExitPath(value, path, sets(path)) for path, value in walk(spec) if isinstance(value, StepRef)]

    def own_names(self, spec: CollectSpec) -> frozenset[str]:
        return frozenset({str(spec.variable)})

    def flow_key_works(self, context: StepContext, key: str) -> bool:
        state, spec = context.state, context.spec
        if spec.secret or key.isdigit() or "value" in state or state.get("entry"):
            return False
        if spec.barge_in == "none" and state.get("phase") == "prompt":
            return False
        return not context.prepared.judge.can_begin_with(key)

    def enter(self, context: StepContext) -> Result:
        begin_attempts(context)
        return self._ask(context)

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        if context.spec.secret:
            return self._secret(context, event)
        if "value" in context.state:
            result = heard(context, event, context.prepared.confirm, context.prepared.confirm.timing)
            return WAIT if result is None else self._confirmed(context, result)
        result = heard(context, event, context.prepared.judge, context.prepared.timing)
        return WAIT if result is None else self._entered(context, result)

    def resume(self, context: StepContext) -> Result:
        if "attempt" not in context.state:
            return self.enter(context)
        return self._read_back(context) if "value" in context.state else self._ask(context)

    # -- the entry -----------------------------------------------------------------------------------------------------

    def _ask(self, context: StepContext, before: Prompts = ()) -> Result:
        spec: CollectSpec = context.spec
        items = context.audio((*before, *prompt_for(context.state["attempt"], spec.prompt, spec.prompt_retry)))
        if spec.secret:
            return self._ask_secret(context, items)
        result = listen(context, items, context.prepared.judge, context.prepared.timing)
        return WAIT if result is None else self._entered(context, result)

    def _entered(self, context: StepContext, result: Heard) -> Result:
        judge: EntryJudge = context.prepared.judge
        if result.outcome == "no_input":
            return self._failed(context, "no_input")
        entry = judge.without_terminator(result.entry)
        if result.outcome != "entry":
            return self._failed(context, "no_match", result.entry, context.spec.wrong_entry, result.outcome)
        if not entry and context.spec.empty:
            return leave(context, context.spec.empty, "empty")
        return self._judged(context, entry)

    def _judged(self, context: StepContext, entry: str) -> Result:
        """A complete entry: of the right length? does it pass the checks? is it to be read back?"""
        spec: CollectSpec = context.spec
        if not context.prepared.judge.fits(entry):
            short = "too_short" if len(entry) < context.prepared.judge.least else "no_match"
            return self._failed(context, "no_match", entry, spec.wrong_entry, short)
        for number, check in enumerate(spec.check, start=1):
            if not check.passes(context, spec.variable, entry):
                return self._failed(context, "no_match", entry, check.say, f"check {number} failed")
        if spec.confirm is None:
            return self._accept(context, entry)
        context.state["value"] = entry
        return self._read_back(context)

    def _accept(self, context: StepContext, entry: str) -> Result:
        spec: CollectSpec = context.spec
        if spec.secret:
            context.set_secret(spec.variable, entry)
            return Go(spec.next, "entered", key=HIDDEN)
        context.set_variable(spec.variable, entry)
        return Go(spec.next, "entered", key=entry)

    def _failed(
        self, context: StepContext, outcome: Literal["no_input", "no_match"], entry: str = "", say: Prompts = (), why: str = ""
    ) -> Result:
        spec: CollectSpec = context.spec
        if attempt_failed(context, outcome, spec.tries):
            key = HIDDEN if spec.secret and entry else entry
            return leave(context, spec.no_input if outcome == "no_input" else spec.no_match, outcome, key=key, detail=why)
        return self._ask(context, say)

    # -- reading back --------------------------------------------------------------------------------------------------

    def _read_back(self, context: StepContext) -> Result:
        confirm: Confirm = context.spec.confirm
        spoken = Speech(confirm.read_as, context.state["value"], context.run.language)
        items = [*context.audio(confirm.before), spoken, *context.audio(confirm.after)]
        result = listen(context, items, context.prepared.confirm, context.prepared.confirm.timing)
        return WAIT if result is None else self._confirmed(context, result)

    def _confirmed(self, context: StepContext, result: Heard) -> Result:
        spec: CollectSpec = context.spec
        if result.outcome != "entry":
            outcome: Literal["no_input", "no_match"] = "no_input" if result.outcome == "no_input" else "no_match"
            if attempt_failed(context, outcome, spec.tries):
                exit = spec.no_input if outcome == "no_input" else spec.no_match
                return leave(context, exit, outcome, key=result.entry, detail="not confirmed")
            return self._read_back(context)
        choice: str | KeyAction = context.prepared.confirm.chosen(result.entry)
        if isinstance(choice, KeyAction):
            return act(context, result.entry, choice)
        if choice == "right":
            return self._accept(context, context.state["value"])
        del context.state["value"]
        return self._ask(context)

    # -- secrets -------------------------------------------------------------------------------------------------------

    def _ask_secret(self, context: StepContext, items: tuple) -> Result:
        spec, judge = context.spec, context.prepared.judge
        context.flush_digits()  # keys that were pressed as plain events can't be part of a secret
        context.answer()
        token = context.new_token()
        context.state[COLLECTING] = token
        # The switch is content with one digit, so that too few are told from none.
        context.emit(CollectSecret(token, items, 1, judge.most, spec.first_digit, spec.between_digits, spec.terminator))
        return WAIT

    def _secret(self, context: StepContext, event: CallEvent) -> Result:
        if isinstance(event, DigitPressed):
            context.flush_digits()
            return WAIT
        if not isinstance(event, SecretCollected) or event.token != context.state.get(COLLECTING):
            return WAIT
        del context.state[COLLECTING]
        if event.outcome == "failed":
            context.alarm("prompt_failed", Sentence("the switch could not ask for a secret entry"))
        if event.outcome != "entered":
            return self._failed(context, "no_input")
        return self._judged(context, event.digits)
