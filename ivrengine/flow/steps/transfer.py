"""Send the caller on: to an outside number, or to an extension of the switch's own dialplan.

```yaml
to_branch_office:
  transfer:
    number: "02988881234"      # or an expression; it must be on the list of permitted outside numbers
    screening: [you_leave_us]  # must be heard; no key cuts it
    ring: 30s
    after: thanks              # after the conversation; the call ends, when left out
    failed: {say: [not_reached], go: main}

to_switch:
  transfer:
    extension: "5000"          # handed over for good: this flow does not see the caller again
    failed: main               # when an expression makes no extension
```

A number that is not on the list is never dialled: the caller goes to `failed`, with the outcome `not_allowed`.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from ivrengine.domain.commands import HandOver, Hangup
from ivrengine.domain.events import CallEvent, PromptEnded
from ivrengine.domain.sentence import Sentence

from ..context import StepContext
from ..dialling import AnyExtension, AnyOutsideNumber, destination, dial_over, ring
from ..keyfields import refusal
from ..leaving import leave
from ..step import WAIT, End, Go, Result, Step, step
from ..types import Exit, ExtensionNumber, OutsideNumber, Prompts, Seconds, StepRef, StepSpec


class TransferSpec(StepSpec):
    number: AnyOutsideNumber | None = None
    extension: AnyExtension | None = None
    screening: Prompts = ()
    ring: Seconds = Field(default=30.0, ge=1, le=300)
    after: StepRef | None = None
    failed: Exit

    @model_validator(mode="after")
    def _one_of_two(self) -> TransferSpec:
        if (self.number is None) == (self.extension is None):
            raise refusal(Sentence("give either number: (outside) or extension: (of the switch)"))
        if self.extension is not None and self.after is not None:
            raise refusal(Sentence('"after" can\'t be kept with an extension: the caller is handed over for good'))
        return self


@step("transfer", TransferSpec)
class Transfer(Step):
    waits_for_caller = True
    ends_flow = True

    def enter(self, context: StepContext) -> Result:
        context.flush_digits()
        items = context.audio(context.spec.screening)
        if items:
            context.play(items)
            return WAIT
        return self._send(context)

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        if isinstance(event, PromptEnded) and context.prompt_over(event):
            return self._send(context)
        ended = dial_over(context, event)
        if ended is None:
            return WAIT
        if ended.outcome != "answered":
            return leave(context, context.spec.failed, ended.outcome, detail=ended.cause)
        if context.spec.after is not None:
            return Go(context.spec.after, "answered")
        context.emit(Hangup())
        return End("answered")

    def _send(self, context: StepContext) -> Result:
        spec: TransferSpec = context.spec
        if spec.number is None:
            extension = destination(context, spec.extension, ExtensionNumber)
            if extension is None:
                return leave(context, spec.failed, "failed", detail="what was to be dialled is not an extension")
            context.emit(HandOver(extension, "transfer"))
            return End("handed_over")
        number = destination(context, spec.number, OutsideNumber)
        if number is None:
            return leave(context, spec.failed, "failed", detail="what was to be dialled is not a telephone number")
        if not context.world.may_transfer_to(number):
            if isinstance(spec.number, OutsideNumber):
                context.alarm("transfer_refused", Sentence("the flow's outside number is not on the list of permitted numbers"))
            return leave(context, spec.failed, "not_allowed", detail="the number is not on the list of permitted numbers")
        ring(context, "outside", number, spec.ring)
        return WAIT
