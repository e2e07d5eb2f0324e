"""Turn away callers whom the blacklist refuses.

```yaml
screen:
  blacklist: {blocked: reject, allowed: greet}
```

Nothing is played and the call is not answered: a `hangup` step with `cause: rejected` after `blocked` costs the caller nothing.
Each refusal is counted at the entry that refused.
"""

from __future__ import annotations

from ivrengine.domain.commands import CountRefusal

from ..context import StepContext
from ..step import Go, Result, Step, step
from ..types import StepRef, StepSpec


class BlacklistSpec(StepSpec):
    blocked: StepRef
    allowed: StepRef


@step("blacklist", BlacklistSpec)
class Blacklist(Step):
    def enter(self, context: StepContext) -> Result:
        entry = context.world.blacklist.match(context.run.call.number, context.now)
        if entry is None:
            return Go(context.spec.allowed, "allowed")
        context.emit(CountRefusal(entry.pattern))
        return Go(context.spec.blocked, "blocked", detail=entry.reason)
