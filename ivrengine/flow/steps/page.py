"""Pages of information, each followed by "again, next, or to a person".

```yaml
milk:
  page:
    pages: [milk_kinds, [milk_prices, {money: price}], milk_delivery]   # each page a prompt, or a list of them
    offer: [again_next_person]      # heard after every page
    again: {key: 1, label: Again}
    next: {key: 2, label: Next page}
    person: {key: 0, label: To a person, go: operator}    # may be left out
    done: main                      # "next" on the last page
    no_input: {say: [goodbye], go: bye}     # done, when left out; so is no_match
    tries: 2
    first_digit: 5s                 # counted from the end of the page
```

Keys work while a page plays. The flow's own keys (`keys:`) work too, except those that the page uses itself. A retry plays
only the offer. The trace tells how many pages were heard.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from ivrengine.domain.audio import Audio
from ivrengine.domain.events import CallEvent

from ..choosing import Choices, attempt_failed, begin_attempts
from ..context import StepContext
from ..flowset import Flow
from ..keyfields import Key, all_different
from ..leaving import act, leave
from ..listening import Heard, Timing, heard, listen
from ..step import WAIT, Go, Result, Step, step
from ..types import Exit, KeyAction, Prompts, Seconds, StepRef, StepSpec


class PageKey(StepSpec):
    key: Key
    label: str = Field(min_length=1, max_length=80)


class PersonKey(StepSpec):
    key: Key = "0"
    label: str = Field(default="To a person", min_length=1, max_length=80)
    go: StepRef


def _pages(value: Any) -> Any:
    return [value] if isinstance(value, (str, dict)) else value


class PageSpec(StepSpec):
    pages: Annotated[tuple[Prompts, ...], BeforeValidator(_pages), Field(min_length=1, max_length=100)]
    offer: Prompts = ()
    again: PageKey = PageKey(key="1", label="Again")
    next: PageKey = PageKey(key="2", label="Next")
    person: PersonKey | None = None
    done: StepRef
    no_input: Exit | None = None
    no_match: Exit | None = None
    tries: int = Field(default=2, ge=1, le=10)
    first_digit: Seconds = Field(default=5.0, gt=0, le=60)

    @model_validator(mode="after")
    def _keys_differ(self) -> PageSpec:
        all_different({"again": self.again.key, "next": self.next.key, "person": self.person.key if self.person else None})
        return self


@step("page", PageSpec)
class Page(Step):
    waits_for_caller = True

    def prepare(self, spec: PageSpec, flow: Flow) -> Choices:
        own: dict[str, PageKey | PersonKey] = {spec.again.key: spec.again, spec.next.key: spec.next}
        if spec.person:
            own[spec.person.key] = spec.person
        return Choices(own, flow, Timing(first_digit_seconds=spec.first_digit))

    def enter(self, context: StepContext) -> Result:
        return self._turn_to(context, 0)

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        result = heard(context, event, context.prepared, context.prepared.timing)
        return WAIT if result is None else self._decide(context, result)

    def resume(self, context: StepContext) -> Result:
        return self._turn_to(context, context.state.get("page", 0), keep_counters="attempt" in context.state)

    def _turn_to(self, context: StepContext, page: int, *, keep_counters: bool = False) -> Result:
        context.state["page"] = page
        if not keep_counters:
            begin_attempts(context)
        spec: PageSpec = context.spec
        return self._listen(context, context.audio((*spec.pages[page], *spec.offer)))

    def _listen(self, context: StepContext, items: tuple[Audio, ...]) -> Result:
        result = listen(context, items, context.prepared, context.prepared.timing)
        return WAIT if result is None else self._decide(context, result)

    def _decide(self, context: StepContext, result: Heard) -> Result:
        spec: PageSpec = context.spec
        if result.outcome != "entry":
            return self._failed(context, "no_input" if result.outcome == "no_input" else "no_match", result.entry)
        page, key = context.state["page"], result.entry
        choice: PageKey | PersonKey | KeyAction = context.prepared.chosen(key)
        heard_so_far = f"page {page + 1} of {len(spec.pages)}"
        if isinstance(choice, PersonKey):
            return Go(choice.go, "person", choice.label, key, heard_so_far)
        if isinstance(choice, KeyAction):
            return act(context, key, choice)
        if choice is spec.again:
            return self._turn_to(context, page)
        if page + 1 < len(spec.pages):
            return self._turn_to(context, page + 1)
        return Go(spec.done, "done", choice.label, key, heard_so_far)

    def _failed(self, context: StepContext, outcome: Literal["no_input", "no_match"], entry: str) -> Result:
        spec: PageSpec = context.spec
        if attempt_failed(context, outcome, spec.tries):
            exit = spec.no_input if outcome == "no_input" else spec.no_match
            heard_so_far = f"page {context.state['page'] + 1} of {len(spec.pages)}"
            return leave(context, exit or Exit(go=spec.done), outcome, key=entry, detail=heard_so_far)
        return self._listen(context, context.audio(spec.offer))
