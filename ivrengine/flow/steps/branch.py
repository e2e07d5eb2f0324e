"""Decide by expressions: the first that is true.

```yaml
how_much:
  branch:
    cases:
      - {when: "balance > 1000", label: Rich, go: vip}
      - {when: 'language == "en-US"', go: english}
    otherwise: main
```

An expression that can't be worked out (text where a number is needed, say) counts as not true and raises an alarm.
"""

from __future__ import annotations

from pydantic import Field

from ..context import StepContext
from ..expressions import Expression, ExpressionError
from ..step import Go, Result, Step, step
from ..types import StepRef, StepSpec


class Case(StepSpec):
    when: Expression
    label: str = Field(default="", max_length=80)
    go: StepRef


class BranchSpec(StepSpec):
    cases: tuple[Case, ...] = Field(min_length=1, max_length=50)
    otherwise: StepRef


@step("branch", BranchSpec)
class Branch(Step):
    runs_after_hangup = True

    def enter(self, context: StepContext) -> Result:
        for number, case in enumerate(context.spec.cases, start=1):
            try:
                true = bool(context.evaluate(case.when))
            except ExpressionError as error:
                context.alarm("expression_failed", str(error))
                continue
            if true:
                return Go(case.go, f"case_{number}", case.label)
        return Go(context.spec.otherwise, "otherwise")
