"""Leave a sub-flow with a label; the `sub_flow` step that entered it decides where the caller goes.

```yaml
done:
  return: {label: given}
```
"""

from __future__ import annotations

from pydantic import Field

from ..context import StepContext
from ..step import Result, Step, step
from ..step import Return as ReturnResult
from ..types import StepSpec


class ReturnSpec(StepSpec):
    label: str = Field(default="done", min_length=1, max_length=80)


@step("return", ReturnSpec)
class Return(Step):
    ends_flow = True

    def enter(self, context: StepContext) -> Result:
        return ReturnResult(context.spec.label)
