"""Walk through another flow and come back.

```yaml
ask_address:
  sub_flow:
    flow: address
    version: 3f2a90c1d4e5b678      # stay with this version; the published one, when left out
    returns: {given: thanks, refused: operator}   # what its `return` steps say
    otherwise: main                # any other label
```

Variables are shared: what the other flow sets is seen here, and the other way round. The caller's language stays as it is.
Its prompts, keys and branches are its own; so are its fallback and on_hangup. Sub-flows may be ten deep.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..context import StepContext
from ..step import EnterFlow, Go, Result, Step, step
from ..types import FlowRef, StepRef, StepSpec


class SubFlowSpec(StepSpec):
    flow: FlowRef
    version: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None
    returns: dict[str, StepRef] = {}
    otherwise: StepRef


@step("sub_flow", SubFlowSpec)
class SubFlow(Step):
    def enter(self, context: StepContext) -> Result:
        return EnterFlow(context.spec.flow, context.spec.version)

    def returned(self, context: StepContext, label: str) -> Result:
        spec: SubFlowSpec = context.spec
        return Go(spec.returns.get(label, spec.otherwise), "returned", label)
