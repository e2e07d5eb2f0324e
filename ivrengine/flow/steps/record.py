"""Record the caller under a name, for the house's own use: a statement, an order, a spelled name.

```yaml
take_statement:
  record:
    name: statement            # how the recording is called beside the call
    prompt: [say_your_name]    # heard first, then a beep
    longest: 60s
    silence: 3s                # this long without speech ends it; so does the key #
    shortest: 1500ms           # less is thrown away
    variable: statement        # holds the file's path on the way to `next`
    next: thanks
    too_short: {say: [nothing_heard], go: take_statement}
    failed: operator           # where too_short leads that is not given
```

A caller who hangs up has said what there was to say: it is kept when it is long enough. Keys pressed meanwhile are forgotten.
"""

from __future__ import annotations

from ivrengine.domain.audio import Tone
from ivrengine.domain.commands import DropRecording, KeepRecording
from ivrengine.domain.events import CallEvent, PromptEnded

from ..context import StepContext
from ..leaving import leave
from ..recording import RecordingLimits, await_hang_up, hang_up_never_came, long_enough, recording_over, start_recording
from ..step import WAIT, ExitPath, Go, Result, Step, step
from ..types import BoxName, Exit, Prompts, StepRef, VariableName, walk


class RecordSpec(RecordingLimits):
    name: BoxName
    prompt: Prompts = ()
    variable: VariableName | None = None
    next: StepRef
    too_short: Exit | None = None
    failed: Exit


@step("record", RecordSpec)
class Record(Step):
    waits_for_caller = True

    def exits(self, spec: RecordSpec) -> list[ExitPath]:
        def sets(path: tuple[str | int, ...]) -> frozenset[str]:
            return frozenset({str(spec.variable)}) if path == ("next",) and spec.variable else frozenset()

        return [ExitPath(value, path, sets(path)) for path, value in walk(spec) if isinstance(value, StepRef)]

    def enter(self, context: StepContext) -> Result:
        context.flush_digits()
        context.play((*context.audio(context.spec.prompt), Tone("beep")))
        return WAIT

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        spec: RecordSpec = context.spec
        if isinstance(event, PromptEnded) and context.prompt_over(event):
            start_recording(context, spec.name, spec)
            return WAIT
        if hang_up_never_came(event):
            return self._go_on(context)
        ended = recording_over(context, event)
        if ended is None:
            return WAIT
        if ended.outcome == "failed":
            return leave(context, spec.failed, "failed", detail=ended.reason)
        if long_enough(ended, spec):
            context.emit(KeepRecording(spec.name, ended.path, ended.duration_ms))
            context.state["kept"] = True
            if spec.variable:
                context.set_variable(spec.variable, ended.path)
        else:
            context.emit(DropRecording(ended.path))
        if ended.ended_by == "hangup":
            await_hang_up(context)
            return WAIT
        return self._go_on(context)

    def _go_on(self, context: StepContext) -> Result:
        spec: RecordSpec = context.spec
        if context.state.get("kept"):
            return Go(spec.next, "recorded")
        return leave(context, spec.too_short or spec.failed, "too_short")
