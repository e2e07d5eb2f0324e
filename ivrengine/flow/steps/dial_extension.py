"""Ring a phone of the house and connect the caller to it.

```yaml
operator:
  dial_extension:
    extension: "8001"          # or an expression: extension
    prompt: [connecting]       # heard before it rings; no key cuts it
    ring: 30s
    answered: thanks           # after the conversation, while the caller is still there
    no_answer: {say: [nobody_there], go: message}
    busy: message
    failed: message            # also where busy, no_answer, rejected and unregistered lead that are not given
```

An expression must make two to eight digits; anything else is `failed`, and nobody is rung.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ivrengine.domain.events import CallEvent, PromptEnded

from ..context import StepContext
from ..dialling import AnyExtension, destination, dial_over, ring
from ..leaving import leave
from ..step import WAIT, Result, Step, step
from ..types import Exit, ExtensionNumber, Prompts, Seconds, StepSpec


class DialExtensionSpec(StepSpec):
    extension: AnyExtension
    prompt: Prompts = ()
    ring: Seconds = Field(default=30.0, ge=1, le=300)
    answered: Exit
    busy: Exit | None = None
    no_answer: Exit | None = None
    rejected: Exit | None = None
    unregistered: Exit | None = None
    failed: Exit


@step("dial_extension", DialExtensionSpec)
class DialExtension(Step):
    waits_for_caller = True

    def enter(self, context: StepContext) -> Result:
        items = context.audio(context.spec.prompt)
        if items:
            context.play(items)
            return WAIT
        return self._ring(context)

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        if isinstance(event, PromptEnded) and context.prompt_over(event):
            return self._ring(context)
        ended = dial_over(context, event)
        if ended is None:
            return WAIT
        return self._leave(context, ended.outcome, ended.cause)

    def _ring(self, context: StepContext) -> Result:
        spec: DialExtensionSpec = context.spec
        number = destination(context, spec.extension, ExtensionNumber)
        if number is None:
            return self._leave(context, "failed", "what was to be dialled is not an extension")
        ring(context, "extension", number, spec.ring)
        return WAIT

    def _leave(self, context: StepContext, outcome: str, detail: str) -> Result:
        exit: Any = getattr(context.spec, outcome) or context.spec.failed
        return leave(context, exit, outcome, detail=detail)
