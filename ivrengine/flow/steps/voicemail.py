"""Take a message into a box: prompt, beep, recording, and where it is wanted a review and a number to call back.

```yaml
message:
  voicemail:
    box: complaints
    prompt: [leave_a_message]      # then a beep; the key # cuts straight to the beep
    longest: 300s
    silence: 3s                    # this long without speech ends the message; so does #
    shortest: 1500ms               # less is thrown away
    too_short: [nothing_heard]     # said before another attempt
    tries: 3
    review:                        # left out: the message is kept as it is
      prompt: [review_menu]
      listen: 1
      save: 2
      again: 3                     # throws the message away and records another
    callback_number:               # left out: the caller's number is taken as shown
      before: [we_call_you_on]
      after: [press_1_or_2]
      keep: 1
      change: 2
      prompt: [enter_your_number]
      digits: 3-20
    saved: [message_saved]         # said once the message is safe
    urgent: false
    next: goodbye
    no_message: main               # too short every time; next, when left out
    failed: {say: [sorry], go: operator}   # the switch could not record; no_message, when left out
```

Where a step before has asked for the number, it is given as an expression, and the caller is not asked again:

```yaml
short_message:
  voicemail: {box: complaints, number: callback, next: goodbye}
```

Nothing said is lost: a caller who hangs up, presses a key of the flow's, or keeps silent in the review has left the message
as it is, if it is long enough. The flow's own keys work before the beep and in the review, except those that the step uses.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from ivrengine.domain.audio import Audio, RecordedFile, Speech, Tone
from ivrengine.domain.caller import clean_number
from ivrengine.domain.commands import DropRecording, KeepMessage
from ivrengine.domain.events import CallEvent, DigitPressed, PromptEnded, RecordingEnded
from ivrengine.domain.sentence import Sentence

from ..choosing import Choices, attempt_failed, begin_attempts
from ..context import StepContext
from ..entries import EntryJudge
from ..expressions import Expression, ExpressionError
from ..flowset import Flow
from ..keyfields import DigitCount, Key, Span, all_different, refusal
from ..leaving import act, leave
from ..listening import Heard, Timing, heard, listen
from ..recording import (
    FINISH_KEY,
    RecordingLimits,
    await_hang_up,
    hang_up_never_came,
    long_enough,
    recording_over,
    start_recording,
)
from ..step import WAIT, Result, Step, step
from ..types import BoxName, Exit, KeyAction, Prompts, Seconds, StepRef, StepSpec

MOST_RECORDINGS = 20  # of one caller in one visit to this step; the last is kept


class Review(StepSpec):
    prompt: Prompts
    listen: Key = "1"
    save: Key = "2"
    again: Key = "3"
    tries: int = Field(default=3, ge=1, le=10)
    first_digit: Seconds = Field(default=5.0, gt=0, le=60)

    @model_validator(mode="after")
    def _keys_differ(self) -> Review:
        all_different({"listen": self.listen, "save": self.save, "again": self.again})
        return self


class CallbackNumber(StepSpec):
    before: Prompts = ()
    after: Prompts = ()
    keep: Key = "1"
    change: Key = "2"
    prompt: Prompts
    digits: DigitCount = Span(3, 20)
    tries: int = Field(default=3, ge=1, le=10)
    first_digit: Seconds = Field(default=5.0, gt=0, le=60)
    between_digits: Seconds = Field(default=2.0, gt=0, le=30)

    @model_validator(mode="after")
    def _keys_differ(self) -> CallbackNumber:
        all_different({"keep": self.keep, "change": self.change})
        return self


class VoicemailSpec(RecordingLimits):
    box: BoxName
    prompt: Prompts = ()
    too_short: Prompts = ()
    tries: int = Field(default=3, ge=1, le=10)
    review: Review | None = None
    callback_number: CallbackNumber | None = None
    number: Expression | None = None
    saved: Prompts = ()
    urgent: bool = False
    next: StepRef
    no_message: Exit | None = None
    failed: Exit | None = None

    @model_validator(mode="after")
    def _one_number(self) -> VoicemailSpec:
        if self.number is not None and self.callback_number is not None:
            raise refusal(Sentence("give either callback_number: (the caller is asked here) or number: (an expression)"))
        return self


class Prepared:
    """Judges of the step's three questions, and its branches with their defaults."""

    __slots__ = ("review", "number", "new_number", "new_number_timing", "saved", "no_message", "failed")

    def __init__(self, spec: VoicemailSpec, flow: Flow) -> None:
        review = spec.review
        keys = {review.listen: "listen", review.save: "save", review.again: "again"} if review else {}
        self.review = Choices(keys, flow, Timing(first_digit_seconds=review.first_digit if review else 5.0))
        ask = spec.callback_number
        keys = {ask.keep: "keep", ask.change: "change"} if ask else {}
        self.number = Choices(keys, flow, Timing(first_digit_seconds=ask.first_digit if ask else 5.0))
        self.new_number = EntryJudge(ask.digits if ask else Span(3, 20), (), FINISH_KEY, empty_allowed=False)
        self.new_number_timing = Timing(ask.first_digit, ask.between_digits) if ask else Timing()
        self.saved = Exit(say=spec.saved, go=spec.next)
        self.no_message = spec.no_message or Exit(go=spec.next)
        self.failed = spec.failed or self.no_message


@step("voicemail", VoicemailSpec)
class Voicemail(Step):
    """State: ``stage`` (intro, recording, review, number, new_number), ``message`` [path, ms] while one is held, counters."""

    waits_for_caller = True
    flow_keys = True

    def prepare(self, spec: VoicemailSpec, flow: Flow) -> Prepared:
        return Prepared(spec, flow)

    def flow_key_works(self, context: StepContext, key: str) -> bool:
        # In the review and at the number they are choices of the step, which keeps the message first.
        return context.state.get("stage", "intro") == "intro" and key != FINISH_KEY

    def enter(self, context: StepContext) -> Result:
        context.flush_digits()
        context.state.update(short=0, recordings=0)
        return self._introduce(context, context.spec.prompt)

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        match context.state["stage"]:
            case "intro":
                return self._before_beep(context, event)
            case "recording":
                if hang_up_never_came(event):
                    return self._go_on(context)
                ended = recording_over(context, event)
                return WAIT if ended is None else self._recorded(context, ended)
            case "review":
                result = heard(context, event, context.prepared.review, context.prepared.review.timing)
                return WAIT if result is None else self._reviewed(context, result)
            case "number":
                result = heard(context, event, context.prepared.number, context.prepared.number.timing)
                return WAIT if result is None else self._number_chosen(context, result)
            case _:
                result = heard(context, event, context.prepared.new_number, context.prepared.new_number_timing)
                return WAIT if result is None else self._number_entered(context, result)

    def resume(self, context: StepContext) -> Result:
        match context.state.get("stage"):
            case "review":
                return self._review(context)
            case "number":
                return self._offer_number(context)
            case "new_number":
                return self._ask_number(context)
            case "recording" if "message" in context.state:
                return self._go_on(context)
            case "intro" | "recording":
                return self._introduce(context, context.spec.prompt)
            case _:
                return self.enter(context)

    def abandoned(self, context: StepContext) -> None:
        self._keep(context)

    # -- recording -----------------------------------------------------------------------------------------------------

    def _introduce(self, context: StepContext, prompt: Prompts) -> Result:
        context.state["stage"] = "intro"
        context.state.pop("cut", None)
        context.play((*context.audio(prompt), Tone("beep")))
        return WAIT

    def _before_beep(self, context: StepContext, event: CallEvent) -> Result:
        if isinstance(event, DigitPressed) and FINISH_KEY in context.take_digits() and not context.state.get("cut"):
            context.state["cut"] = True
            context.stop_playing()
            context.play((Tone("beep"),))
        if isinstance(event, PromptEnded) and context.prompt_over(event):
            context.state.pop("cut", None)
            context.state["stage"] = "recording"
            context.state["recordings"] += 1
            start_recording(context, "message", context.spec)
        return WAIT

    def _recorded(self, context: StepContext, ended: RecordingEnded) -> Result:
        spec: VoicemailSpec = context.spec
        if ended.outcome == "failed":
            return leave(context, context.prepared.failed, "failed", detail=ended.reason)
        if long_enough(ended, spec):
            context.state["message"] = [ended.path, ended.duration_ms]
        else:
            context.emit(DropRecording(ended.path))
        if ended.ended_by == "hangup":
            await_hang_up(context)  # which keeps the message
            return WAIT
        return self._go_on(context)

    def _go_on(self, context: StepContext) -> Result:
        """After a recording: on with the message, or another attempt when there is none."""
        if "message" not in context.state:
            return self._too_short(context)
        if context.spec.review and context.state["recordings"] < MOST_RECORDINGS:
            begin_attempts(context)
            return self._review(context)
        return self._number_wanted(context)

    def _too_short(self, context: StepContext) -> Result:
        context.state["short"] += 1
        if context.state["short"] >= context.spec.tries:
            return leave(context, context.prepared.no_message, "no_message")
        return self._introduce(context, context.spec.too_short or context.spec.prompt)

    # -- review --------------------------------------------------------------------------------------------------------

    def _review(self, context: StepContext, before: tuple[Audio, ...] = ()) -> Result:
        context.state["stage"] = "review"
        items = (*before, *context.audio(context.spec.review.prompt))
        result = listen(context, items, context.prepared.review, context.prepared.review.timing)
        return WAIT if result is None else self._reviewed(context, result)

    def _reviewed(self, context: StepContext, result: Heard) -> Result:
        if result.outcome != "entry":
            outcome = "no_input" if result.outcome == "no_input" else "no_match"
            if attempt_failed(context, outcome, context.spec.review.tries):
                return self._save(context)
            return self._review(context)
        choice: str | KeyAction = context.prepared.review.chosen(result.entry)
        if isinstance(choice, KeyAction):
            self._keep(context)
            return act(context, result.entry, choice)
        path = context.state["message"][0]
        if choice == "listen":
            return self._review(context, (RecordedFile(path),))
        if choice == "again":
            del context.state["message"]
            context.emit(DropRecording(path))
            return self._introduce(context, ())
        return self._number_wanted(context)

    # -- the number to call back ---------------------------------------------------------------------------------------

    def _number_wanted(self, context: StepContext) -> Result:
        if context.spec.callback_number is None:
            return self._save(context)
        begin_attempts(context)
        return self._offer_number(context) if context.run.call.number else self._ask_number(context)

    def _offer_number(self, context: StepContext) -> Result:
        context.state["stage"] = "number"
        ask: CallbackNumber = context.spec.callback_number
        spoken = Speech("phone", context.run.call.number, context.run.language)
        items = (*context.audio(ask.before), spoken, *context.audio(ask.after))
        result = listen(context, items, context.prepared.number, context.prepared.number.timing)
        return WAIT if result is None else self._number_chosen(context, result)

    def _number_chosen(self, context: StepContext, result: Heard) -> Result:
        if result.outcome != "entry":
            outcome = "no_input" if result.outcome == "no_input" else "no_match"
            if attempt_failed(context, outcome, context.spec.callback_number.tries):
                return self._save(context)
            return self._offer_number(context)
        choice: str | KeyAction = context.prepared.number.chosen(result.entry)
        if isinstance(choice, KeyAction):
            self._keep(context)
            return act(context, result.entry, choice)
        if choice == "keep":
            context.state["callback"] = context.run.call.number
            return self._save(context)
        begin_attempts(context)
        return self._ask_number(context)

    def _ask_number(self, context: StepContext) -> Result:
        context.state["stage"] = "new_number"
        items = context.audio(context.spec.callback_number.prompt)
        result = listen(context, items, context.prepared.new_number, context.prepared.new_number_timing)
        return WAIT if result is None else self._number_entered(context, result)

    def _number_entered(self, context: StepContext, result: Heard) -> Result:
        judge: EntryJudge = context.prepared.new_number
        number = judge.without_terminator(result.entry)
        if result.outcome == "entry" and judge.fits(number):
            context.state["callback"] = number
            return self._save(context)
        outcome = "no_input" if result.outcome == "no_input" else "no_match"
        if attempt_failed(context, outcome, context.spec.callback_number.tries):
            return self._save(context)
        return self._ask_number(context)

    # -- keeping -------------------------------------------------------------------------------------------------------

    def _save(self, context: StepContext) -> Result:
        self._keep(context)
        return leave(context, context.prepared.saved, "saved")

    def _keep(self, context: StepContext) -> None:
        """Store the message that is held, if any; afterwards none is held."""
        message = context.state.pop("message", None)
        if message is not None:
            path, duration_ms = message
            number = context.state.get("callback", "") or self._known_number(context)
            context.emit(KeepMessage(context.spec.box, path, duration_ms, number, context.spec.urgent))

    def _known_number(self, context: StepContext) -> str:
        """What ``number`` makes; nothing when it tells of a secret or can't be worked out: the message counts more than that."""
        if context.spec.number is None or context.reads_secret(context.spec.number):
            return ""
        try:
            return clean_number(str(context.evaluate(context.spec.number)))
        except ExpressionError as error:
            context.alarm("expression_failed", str(error))
            return ""
