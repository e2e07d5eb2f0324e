"""Change the language of what the caller hears from here on.

```yaml
in_english:
  language: {to: en-US, next: main}

as_before:
  language:
    variable: chosen_language    # an expression, e.g. a variable that holds "en-US"
    next: main
    unknown: ask_language        # where a language leads that the flow doesn't have; next, when left out
```

The language must be one of the flow's `languages`; any other leaves the caller's language as it was.
"""

from __future__ import annotations

from pydantic import model_validator

from ivrengine.domain.sentence import Sentence

from ..context import StepContext
from ..expressions import Expression, ExpressionError
from ..flowset import Flow
from ..keyfields import refusal
from ..step import Go, Result, Step, step
from ..types import StepRef, StepSpec


class LanguageSpec(StepSpec):
    to: str | None = None
    variable: Expression | None = None
    next: StepRef
    unknown: StepRef | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> LanguageSpec:
        if (self.to is None) == (self.variable is None):
            raise refusal(Sentence("give either to: (a language) or variable: (an expression)"))
        return self


@step("language", LanguageSpec)
class Language(Step):
    def prepare(self, spec: LanguageSpec, flow: Flow) -> None:
        if spec.to is not None and spec.to not in flow.languages:
            raise ValueError(
                Sentence('the flow has no language "%(language)s"; it has %(known)s', language=spec.to[:60], known=tuple(flow.languages))
            )

    def enter(self, context: StepContext) -> Result:
        spec: LanguageSpec = context.spec
        wanted = spec.to
        if spec.variable is not None:
            try:
                wanted = str(context.evaluate(spec.variable))
            except ExpressionError as error:
                context.alarm("expression_failed", str(error))
        if wanted in context.flow.languages:
            context.run.language = wanted
            return Go(spec.next, "changed", detail=wanted)
        return Go(spec.unknown or spec.next, "unknown")
