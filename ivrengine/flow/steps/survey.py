"""Ask for marks by key, and for a word if the caller likes.

```yaml
rate:
  survey:
    survey: service
    questions:
      - question: friendly
        prompt: [survey/friendly]
        answers: {1: good, 2: fair, 3: poor}     # key: what it means in reports
      - question: solved
        prompt: [survey/solved]
        answers: {1: "yes", 2: "no"}
    wrong_key: [entry/wrong]
    tries: 2                   # then the survey ends; what was answered is kept
    first_digit: 6s
    comment:                   # left out: nothing is recorded
      prompt: [survey/comment] # then a beep
      longest: 60s
      silence: 3s
      shortest: 1500ms
    thanks: [survey/thanks]
    next: goodbye
```

Each answer is kept at once, so one who hangs up in the middle has answered as far as that. Keys work while a question is heard.
The flow's own keys work too, except those that are answers.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ivrengine.domain.audio import Tone
from ivrengine.domain.commands import DropRecording, KeepMark
from ivrengine.domain.events import CallEvent, PromptEnded

from ..choosing import Choices, attempt_failed, begin_attempts
from ..context import StepContext
from ..flowset import Flow
from ..keyfields import Key
from ..leaving import act, leave
from ..listening import Heard, Timing, heard, listen
from ..recording import RecordingLimits, await_hang_up, hang_up_never_came, long_enough, recording_over, start_recording
from ..step import WAIT, Result, Step, step
from ..types import CounterName, Exit, KeyAction, Prompts, Seconds, StepRef, StepSpec

COMMENT = "comment"  # what the spoken comment is called among the questions

Label = Annotated[str, Field(min_length=1, max_length=80)]


class Question(StepSpec):
    question: CounterName
    prompt: Prompts
    answers: dict[Key, Label] = Field(min_length=1)


class Comment(RecordingLimits):
    prompt: Prompts = ()
    longest: Seconds = Field(default=60.0, ge=1, le=3600)


class SurveySpec(StepSpec):
    survey: CounterName
    questions: tuple[Question, ...] = Field(min_length=1, max_length=20)
    wrong_key: Prompts = ()
    tries: int = Field(default=2, ge=1, le=10)
    first_digit: Seconds = Field(default=6.0, gt=0, le=60)
    comment: Comment | None = None
    thanks: Prompts = ()
    next: StepRef


@step("survey", SurveySpec)
class Survey(Step):
    """State: ``number`` of the question asked (from 0; their count stands for the comment), and the counters of attempts."""

    waits_for_caller = True

    def prepare(self, spec: SurveySpec, flow: Flow) -> tuple[Choices, ...]:
        timing = Timing(first_digit_seconds=spec.first_digit)
        return tuple(Choices(question.answers, flow, timing) for question in spec.questions)

    def enter(self, context: StepContext) -> Result:
        return self._turn_to(context, 0)

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        number = context.state["number"]
        if number == len(context.spec.questions):
            return self._comment(context, event)
        choices: Choices = context.prepared[number]
        result = heard(context, event, choices, choices.timing)
        return WAIT if result is None else self._answered(context, result)

    def resume(self, context: StepContext) -> Result:
        return self._turn_to(context, context.state.get("number", 0))

    def _turn_to(self, context: StepContext, number: int) -> Result:
        context.state["number"] = number
        spec: SurveySpec = context.spec
        if number < len(spec.questions):
            begin_attempts(context)
            return self._ask(context)
        if spec.comment is None or context.state.get("commented"):
            return self._leave(context, "answered")
        context.flush_digits()
        context.play((*context.audio(spec.comment.prompt), Tone("beep")))
        return WAIT

    # -- questions -----------------------------------------------------------------------------------------------------

    def _ask(self, context: StepContext, before: Prompts = ()) -> Result:
        number = context.state["number"]
        choices: Choices = context.prepared[number]
        result = listen(context, context.audio((*before, *context.spec.questions[number].prompt)), choices, choices.timing)
        return WAIT if result is None else self._answered(context, result)

    def _answered(self, context: StepContext, result: Heard) -> Result:
        spec: SurveySpec = context.spec
        number = context.state["number"]
        if result.outcome != "entry":
            outcome = "no_input" if result.outcome == "no_input" else "no_match"
            if attempt_failed(context, outcome, spec.tries):
                return self._leave(context, outcome)
            return self._ask(context, spec.wrong_key if outcome == "no_match" else ())
        choice: str | KeyAction = context.prepared[number].chosen(result.entry)
        if isinstance(choice, KeyAction):
            return act(context, result.entry, choice)
        context.emit(KeepMark(spec.survey, spec.questions[number].question, result.entry, choice))
        return self._turn_to(context, number + 1)

    # -- the comment ---------------------------------------------------------------------------------------------------

    def _comment(self, context: StepContext, event: CallEvent) -> Result:
        spec: SurveySpec = context.spec
        if isinstance(event, PromptEnded) and context.prompt_over(event):
            start_recording(context, "comment", spec.comment)
            return WAIT
        if hang_up_never_came(event):
            return self._leave(context, "answered")
        ended = recording_over(context, event)
        if ended is None:
            return WAIT
        context.state["commented"] = True
        if ended.outcome == "recorded" and long_enough(ended, spec.comment):
            context.emit(KeepMark(spec.survey, COMMENT, "", comment_path=ended.path))
        elif ended.outcome == "recorded":
            context.emit(DropRecording(ended.path))
        if ended.ended_by == "hangup":
            await_hang_up(context)
            return WAIT
        return self._leave(context, "answered")

    def _leave(self, context: StepContext, outcome: str) -> Result:
        """With thanks, but to one who said nothing at all."""
        spec: SurveySpec = context.spec
        thanks = spec.thanks if context.state["number"] or outcome == "answered" else ()
        return leave(context, Exit(say=thanks, go=spec.next), outcome, detail=self._how_far(context))

    def _how_far(self, context: StepContext) -> str:
        return f"{min(context.state['number'], len(context.spec.questions))} of {len(context.spec.questions)} answered"
