"""Offer choices by key.

```yaml
main:
  menu:
    greeting: [welcome]            # heard once per call
    prompt: [main_menu]            # repeats play only this
    prompt_retry: [main_short]     # from the second attempt on; or {2: [main_short], 3: [last_chance]}
    choices:
      1: {label: New subscription, go: sales}
      2: {label: Complaint, go: complaints}
      9: {label: Repeat, do: repeat}
    extensions: {allow: "8xxx", deny: "89xx", go: dial}   # the number keyed is in the variable `extension`
    wrong_key: [not_a_choice]      # said before a further attempt
    no_input: {say: [no_key], go: operator}
    no_match: {say: [bad_key], go: operator}
    tries: 3
    first_digit: 5s                # counted from the end of the prompt
    between_digits: 2s
    barge_in: matching             # or any, or none
```

A choice is one key or several (`12`). The flow's own keys (`keys:`) are choices of every menu that doesn't use them itself.
`*` and `#` must stand in quotes. no_input and no_match are counted separately and anew on each entry; when one reaches
`tries`, its branch is taken.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from ivrengine.domain.events import CallEvent
from ivrengine.domain.sentence import Sentence

from ..choosing import Choices, attempt_failed, begin_attempts
from ..context import StepContext
from ..flowset import Flow
from ..keyfields import KeyPatterns, PromptsByAttempt, prompt_for, refusal
from ..keymatch import is_pattern
from ..leaving import act, leave
from ..listening import Heard, Timing, heard, listen
from ..step import WAIT, ExitPath, Go, Result, Step, step
from ..types import Exit, KeyAction, Prompts, Seconds, StepRef, StepSpec, walk


class Extensions(StepSpec):
    """Numbers that a caller may key in directly."""

    allow: KeyPatterns
    deny: KeyPatterns = ()
    label: str = "Extension"
    go: StepRef


class MenuSpec(StepSpec):
    greeting: Prompts = ()
    prompt: Prompts
    prompt_retry: PromptsByAttempt = {}
    choices: dict[str, KeyAction] = Field(min_length=1)
    extensions: Extensions | None = None
    wrong_key: Prompts = ()
    no_input: Exit
    no_match: Exit
    tries: int = Field(default=3, ge=1, le=10)
    first_digit: Seconds = Field(default=5.0, gt=0, le=60)
    between_digits: Seconds = Field(default=2.0, gt=0, le=30)
    barge_in: Literal["matching", "any", "none"] = "matching"

    @field_validator("choices")
    @classmethod
    def _keys(cls, choices: dict[str, KeyAction]) -> dict[str, KeyAction]:
        for key in choices:
            if not is_pattern(key) or "x" in key:
                raise refusal(
                    Sentence('"%(key)s" can\'t be pressed', key=key[:60]), Sentence('a choice is made of the keys 0-9, "*" and "#"')
                )
        return choices


@step("menu", MenuSpec)
class Menu(Step):
    waits_for_caller = True

    def prepare(self, spec: MenuSpec, flow: Flow) -> Choices:
        allow = [(pattern, spec.extensions) for pattern in spec.extensions.allow] if spec.extensions else []
        deny = spec.extensions.deny if spec.extensions else ()
        return Choices(spec.choices, flow, Timing(spec.first_digit, spec.between_digits, spec.barge_in), allow, deny)

    def exits(self, spec: MenuSpec) -> list[ExitPath]:
        def sets(path: tuple[str | int, ...]) -> frozenset[str]:
            return frozenset({"extension"}) if path[0] == "extensions" else frozenset()

        return [ExitPath(value, path, sets(path)) for path, value in walk(spec) if isinstance(value, StepRef)]

    def enter(self, context: StepContext) -> Result:
        frame = context.frame
        if frame.step in frame.menus:
            del frame.menus[frame.menus.index(frame.step) :]
        frame.menus.append(frame.step)
        begin_attempts(context)
        greeting: Prompts = ()
        if frame.step not in frame.greeted:
            frame.greeted.append(frame.step)
            greeting = context.spec.greeting
        return self._listen(context, greeting)

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        result = heard(context, event, context.prepared, context.prepared.timing)
        return WAIT if result is None else self._decide(context, result)

    def resume(self, context: StepContext) -> Result:
        if "attempt" not in context.state:
            return self.enter(context)
        return self._listen(context)

    def _listen(self, context: StepContext, before: Prompts = ()) -> Result:
        spec: MenuSpec = context.spec
        items = context.audio((*before, *prompt_for(context.state["attempt"], spec.prompt, spec.prompt_retry)))
        result = listen(context, items, context.prepared, context.prepared.timing)
        return WAIT if result is None else self._decide(context, result)

    def _decide(self, context: StepContext, result: Heard) -> Result:
        if result.outcome == "entry":
            choice = context.prepared.chosen(result.entry)
            if isinstance(choice, Extensions):
                context.set_variable("extension", result.entry)
                return Go(choice.go, "extension", choice.label, result.entry)
            if choice.do == "repeat":
                context.state["attempt"] = 1
                return self._listen(context)
            return act(context, result.entry, choice)
        return self._failed(context, "no_input" if result.outcome == "no_input" else "no_match", result.entry)

    def _failed(self, context: StepContext, outcome: Literal["no_input", "no_match"], entry: str) -> Result:
        spec: MenuSpec = context.spec
        if attempt_failed(context, outcome, spec.tries):
            return leave(context, spec.no_input if outcome == "no_input" else spec.no_match, outcome, key=entry)
        return self._listen(context, spec.wrong_key if outcome == "no_match" else ())
