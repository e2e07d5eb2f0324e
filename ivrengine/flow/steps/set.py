"""Set variables from expressions, one after the other.

```yaml
reckon:
  set:
    values:
      total: "number(copies) * 2"
      greeting: '"good day"'      # text stands in quotes of its own
    next: tell
```

A value is a text, a number, true, false or none. What is worked out from a secret is itself a secret: kept in memory only.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from ivrengine.domain.sentence import Sentence

from ..context import BUILT_IN_VARIABLES, StepContext
from ..expressions import Expression
from ..keyfields import refusal
from ..step import ExitPath, Go, Result, Step, step
from ..types import StepRef, StepSpec, VariableName


class SetSpec(StepSpec):
    values: dict[VariableName, Expression] = Field(min_length=1, max_length=50)
    next: StepRef

    @field_validator("values")
    @classmethod
    def _own_names(cls, values: dict[VariableName, Expression]) -> dict[VariableName, Expression]:
        for name in values:
            if name in BUILT_IN_VARIABLES:
                raise refusal(Sentence('"%(name)s" is set by the engine', name=name), Sentence("choose another name"))
        return values


@step("set", SetSpec)
class Set(Step):
    runs_after_hangup = True

    def exits(self, spec: SetSpec) -> list[ExitPath]:
        return [ExitPath(spec.next, ("next",), frozenset(str(name) for name in spec.values))]

    def enter(self, context: StepContext) -> Result:
        for name, expression in context.spec.values.items():
            value = context.evaluate(expression)
            if context.reads_secret(expression):
                context.set_secret(name, value)
            else:
                context.set_variable(name, value)
        return Go(context.spec.next, "set")
