"""Add to a counter of the admin's own, for statistics.

```yaml
count_sale:
  counter: {counter: sales_asked, add: 1, next: sales}
```

A counter only counts: flows can't read it. Numbers that a flow works with are variables (`set`).
"""

from __future__ import annotations

from pydantic import Field

from ivrengine.domain.commands import AddToCounter

from ..context import StepContext
from ..step import Go, Result, Step, step
from ..types import CounterName, StepRef, StepSpec


class CounterSpec(StepSpec):
    counter: CounterName
    add: int = Field(default=1, ge=-1_000_000, le=1_000_000)
    next: StepRef


@step("counter", CounterSpec)
class Counter(Step):
    runs_after_hangup = True

    def enter(self, context: StepContext) -> Result:
        context.emit(AddToCounter(context.spec.counter, context.spec.add))
        return Go(context.spec.next, "counted")
