"""Steps that only tell the caller something and go on: keys cut them and are kept for the step that follows."""

from __future__ import annotations

from collections.abc import Sequence

from ivrengine.domain.audio import Audio
from ivrengine.domain.events import CallEvent, DigitPressed, PromptEnded

from .context import StepContext
from .step import WAIT, Go, Result, Step


class TellingStep(Step):
    """Base of ``play`` and ``say``; the spec has ``must_hear`` and ``next``."""

    flow_keys = True

    def items(self, context: StepContext) -> Sequence[Audio]:
        raise NotImplementedError(f"{type(self).__name__}.items")

    def flow_key_works(self, context: StepContext, key: str) -> bool:
        return not context.spec.must_hear

    def enter(self, context: StepContext) -> Result:
        if context.spec.must_hear:
            context.flush_digits()
        elif context.run.digits:
            return Go(context.spec.next, "skipped")
        items = self.items(context)
        if not items:
            return Go(context.spec.next, "nothing_to_say")
        context.play(items)
        return WAIT

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        spec = context.spec
        if isinstance(event, DigitPressed):
            return WAIT if spec.must_hear else Go(spec.next, "skipped")
        if isinstance(event, PromptEnded) and context.prompt_over(event):
            if spec.must_hear:
                context.flush_digits()
            reason = context.failed_prompt
            return Go(spec.next, "played" if reason is None else "failed", detail=reason or "")
        return WAIT
