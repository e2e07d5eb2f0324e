"""End the call, after a last prompt where one is given.

```yaml
goodbye:
  hangup:
    prompt: [goodbye]
    cause: normal          # normal, busy or rejected; busy and rejected refuse a call that is not answered yet
```
"""

from __future__ import annotations

from typing import Literal

from ivrengine.domain.commands import Hangup as HangupCommand
from ivrengine.domain.events import CallEvent, PromptEnded

from ..context import StepContext
from ..step import WAIT, End, Result, Step, step
from ..types import Prompts, StepSpec

CAUSES = {"normal": "NORMAL_CLEARING", "busy": "USER_BUSY", "rejected": "CALL_REJECTED"}


class HangupSpec(StepSpec):
    prompt: Prompts = ()
    cause: Literal["normal", "busy", "rejected"] = "normal"


@step("hangup", HangupSpec)
class Hangup(Step):
    ends_flow = True
    runs_after_hangup = True

    def enter(self, context: StepContext) -> Result:
        items = () if context.run.hung_up else context.audio(context.spec.prompt)
        if items:
            context.play(items)
            return WAIT
        return self._end(context)

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        if isinstance(event, PromptEnded) and context.prompt_over(event):
            return self._end(context)
        return WAIT

    def _end(self, context: StepContext) -> Result:
        if not context.run.hung_up:
            context.emit(HangupCommand(CAUSES[context.spec.cause]))
        return End("ended")
