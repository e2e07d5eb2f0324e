"""Answer the call now, instead of at the first sound.

```yaml
pick_up:
  answer:
    pause: 500ms       # silence before what follows; some telephone networks cut the first half second
    next: greet
```

Whatever plays, listens or records answers by itself; this step is for a call that is to be answered before anything is heard.
"""

from __future__ import annotations

from pydantic import Field

from ivrengine.domain.events import CallEvent, TimerExpired

from ..context import StepContext
from ..step import WAIT, Go, Result, Step, step
from ..types import Seconds, StepRef, StepSpec

PAUSE = "pause"


class AnswerSpec(StepSpec):
    pause: Seconds = Field(default=0.0, ge=0, le=10)
    next: StepRef


@step("answer", AnswerSpec)
class Answer(Step):
    def enter(self, context: StepContext) -> Result:
        context.answer()
        if context.spec.pause:
            context.start_timer(PAUSE, context.spec.pause)
            return WAIT
        return Go(context.spec.next, "answered")

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        if isinstance(event, TimerExpired) and event.name == PAUSE:
            return Go(context.spec.next, "answered")
        return WAIT
