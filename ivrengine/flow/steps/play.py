"""Play prompts, then go on.

```yaml
welcome:
  play:
    prompt: [welcome, {number: waiting}]
    must_hear: true        # no key cuts it, and keys pressed meanwhile are forgotten
    next: main
```

Without `must_hear` any key cuts the prompt and is kept for the next step; a caller who has typed ahead does not hear it at
all. The flow's own keys (`keys:`) work while it plays.
"""

from __future__ import annotations

from ivrengine.domain.events import CallEvent, DigitPressed, PromptEnded

from ..context import StepContext
from ..step import WAIT, Go, Result, Step, step
from ..types import Prompts, StepRef, StepSpec


class PlaySpec(StepSpec):
    prompt: Prompts
    must_hear: bool = False
    next: StepRef


@step("play", PlaySpec)
class Play(Step):
    flow_keys = True

    def enter(self, context: StepContext) -> Result:
        if context.spec.must_hear:
            context.flush_digits()
        elif context.run.digits:
            return Go(context.spec.next, "skipped")
        context.play(context.audio(context.spec.prompt))
        return WAIT

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        spec: PlaySpec = context.spec
        if isinstance(event, DigitPressed):
            return WAIT if spec.must_hear else Go(spec.next, "skipped")
        if isinstance(event, PromptEnded) and context.prompt_over(event):
            if spec.must_hear:
                context.flush_digits()
            return Go(spec.next, "played" if event.outcome != "failed" else "failed", detail=event.reason)
        return WAIT
