"""Promise to call the caller back, once the number is agreed.

```yaml
call_me:
  callback:
    queue: circulation           # the one that the caller waits in, or has just left, when left out
    before: [callback/we_call]   # then the caller's number is spoken
    after: [callback/use_it]
    keep: 1
    change: 2
    prompt: [callback/enter]     # heard at once where the caller has no number, or one that may not be called
    digits: 7-12
    wrong_number: [callback/wrong]     # not so many digits, or a number that is not permitted
    tries: 3
    after_at_least: 30m          # not earlier than this from now; at once, when left out
    within: 4h                   # not later than this from now; whenever, when left out
    calendar: office             # only while this calendar is open: the next such time, when it is not
    accepted: {say: [callback/accepted], go: goodbye}
    duplicate: {say: [callback/already], go: goodbye}   # this number waits in that queue already
    not_allowed: message         # every number was refused
    full: message
    no_input: message            # nothing, or nothing usable, was keyed
    failed: {say: [sorry], go: message}    # where the branches lead that are not given
```

Only numbers on the list of permitted outside numbers are called, the caller's own included. A caller who waits in a queue (the
step is in a flow that the queue's `do: inform` has entered), or has left it as `callback_requested`, keeps the place in line; the
needs are then those of that queue step. Otherwise `needs`, `relax` and `priority` say who calls back. While the number is asked
for, a waiting caller may still be given to an agent. The flow's own keys work, except those that the step uses.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from ivrengine.domain.audio import Speech
from ivrengine.domain.commands import RequestCallback
from ivrengine.domain.events import CallbackDecided, CallEvent, TimerExpired
from ivrengine.domain.sentence import Sentence

from ..choosing import Choices, attempt_failed, begin_attempts
from ..context import StepContext
from ..entries import EntryJudge
from ..flowset import Flow
from ..hours import OPEN
from ..keyfields import DigitCount, Key, Span, all_different, refusal
from ..leaving import act, leave
from ..listening import Heard, Timing, heard, listen
from ..needing import NeedingSpec, head_start_seconds, rings
from ..step import WAIT, Result, Step, step
from ..types import CalendarRef, Exit, KeyAction, OutsideNumber, Prompts, QueueRef, Seconds
from ..waiting import place_is_taken, place_of

DECIDE = "decide"  # timer
DECIDE_SECONDS = 10.0  # for the call centre to accept or refuse
REQUEST = "request"  # key of the step's state: the token of the RequestCallback that is under way
CALENDAR_STEP_SECONDS = 900.0  # how finely a calendar is searched for its next opening
CALENDAR_SEARCH_STEPS = 4 * 24 * 14  # two weeks of it


class CallbackSpec(NeedingSpec):
    queue: QueueRef | None = None
    before: Prompts = ()
    after: Prompts = ()
    keep: Key = "1"
    change: Key = "2"
    prompt: Prompts
    digits: DigitCount = Span(3, 20)
    wrong_number: Prompts = ()
    tries: int = Field(default=3, ge=1, le=10)
    first_digit: Seconds = Field(default=8.0, gt=0, le=60)
    between_digits: Seconds = Field(default=4.0, gt=0, le=30)
    after_at_least: Seconds = 0.0
    within: Seconds | None = Field(default=None, ge=60)
    calendar: CalendarRef | None = None
    accepted: Exit
    duplicate: Exit | None = None
    not_allowed: Exit | None = None
    full: Exit | None = None
    no_input: Exit | None = None
    failed: Exit

    @model_validator(mode="after")
    def _fits_together(self) -> CallbackSpec:
        all_different({"keep": self.keep, "change": self.change})
        if self.within is not None and self.within <= self.after_at_least:
            raise refusal(Sentence('"within" must be longer than "after_at_least"'))
        return self


class Prepared:
    """Judges of the step's two questions."""

    __slots__ = ("number", "new_number", "new_number_timing")

    def __init__(self, spec: CallbackSpec, flow: Flow) -> None:
        self.number = Choices({spec.keep: "keep", spec.change: "change"}, flow, Timing(first_digit_seconds=spec.first_digit))
        self.new_number = EntryJudge(spec.digits, (), "#", empty_allowed=False)
        self.new_number_timing = Timing(spec.first_digit, spec.between_digits)


@step("callback", CallbackSpec)
class Callback(Step):
    """State: ``stage`` (number, new_number, deciding) and the counters of attempts."""

    waits_for_caller = True
    flow_keys = True

    def prepare(self, spec: CallbackSpec, flow: Flow) -> Prepared:
        return Prepared(spec, flow)

    def flow_key_works(self, context: StepContext, key: str) -> bool:
        state = context.state  # at the caller's number they are choices of the step
        return state.get("stage") == "new_number" and not state.get("entry") and not key.isdigit() and key != "#"

    def enter(self, context: StepContext) -> Result:
        begin_attempts(context)
        if _may_be_called(context, context.run.call.number):
            return self._offer_number(context)
        return self._ask_number(context)

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        match context.state["stage"]:
            case "number":
                result = heard(context, event, context.prepared.number, context.prepared.number.timing)
                return WAIT if result is None else self._number_chosen(context, result)
            case "new_number":
                result = heard(context, event, context.prepared.new_number, context.prepared.new_number_timing)
                return WAIT if result is None else self._number_entered(context, result)
            case _:
                return self._decided(context, event)

    # -- the number ----------------------------------------------------------------------------------------------------

    def _offer_number(self, context: StepContext) -> Result:
        context.state["stage"] = "number"
        spec: CallbackSpec = context.spec
        spoken = Speech("phone", context.run.call.number, context.run.language)
        items = (*context.audio(spec.before), spoken, *context.audio(spec.after))
        result = listen(context, items, context.prepared.number, context.prepared.number.timing)
        return WAIT if result is None else self._number_chosen(context, result)

    def _number_chosen(self, context: StepContext, result: Heard) -> Result:
        if result.outcome != "entry":
            outcome = "no_input" if result.outcome == "no_input" else "no_match"
            if attempt_failed(context, outcome, context.spec.tries):
                return self._leave(context, "no_input")
            return self._offer_number(context)
        choice: str | KeyAction = context.prepared.number.chosen(result.entry)
        if isinstance(choice, KeyAction):
            return act(context, result.entry, choice)
        if choice == "keep":
            return self._request(context, context.run.call.number)
        begin_attempts(context)
        return self._ask_number(context)

    def _ask_number(self, context: StepContext, before: Prompts = ()) -> Result:
        context.state["stage"] = "new_number"
        items = context.audio((*before, *context.spec.prompt))
        result = listen(context, items, context.prepared.new_number, context.prepared.new_number_timing)
        return WAIT if result is None else self._number_entered(context, result)

    def _number_entered(self, context: StepContext, result: Heard) -> Result:
        judge: EntryJudge = context.prepared.new_number
        number = judge.without_terminator(result.entry)
        fits = result.outcome == "entry" and judge.fits(number)
        if fits and _may_be_called(context, number):
            return self._request(context, number)
        outcome = "no_input" if result.outcome == "no_input" else "no_match"
        if attempt_failed(context, outcome, context.spec.tries):
            return self._leave(context, "not_allowed" if fits else "no_input")
        return self._ask_number(context, () if outcome == "no_input" else context.spec.wrong_number)

    # -- the request ---------------------------------------------------------------------------------------------------

    def _request(self, context: StepContext, number: str) -> Result:
        spec: CallbackSpec = context.spec
        place = place_of(context.run)
        if place is not None and spec.queue is not None and place.queue != spec.queue:
            place = None  # a place in another queue
        queue = place.queue if place else spec.queue
        if queue is None:
            context.alarm("no_queue", Sentence("a callback names no queue, and the caller waits in none"))
            return self._leave(context, "failed")
        earliest, latest = self._window(context)
        token = context.new_token()
        context.state.update({"stage": "deciding", REQUEST: token, "place": place.token if place else ""})
        context.flush_digits()
        context.start_timer(DECIDE, DECIDE_SECONDS)
        context.emit(
            RequestCallback(
                token, str(queue), number, place.token if place else "", place.rings if place else rings(context, spec),
                place.boost_seconds if place else head_start_seconds(context, spec), earliest, latest,
            )
        )  # fmt: skip
        return WAIT

    def _window(self, context: StepContext) -> tuple[float, float]:
        """UTC seconds between which the caller wants to be called; 0 for no bound."""
        spec: CallbackSpec = context.spec
        earliest = context.now + spec.after_at_least
        latest = context.now + spec.within if spec.within is not None else 0.0
        if spec.calendar is None:
            return (earliest if spec.after_at_least else 0.0), latest
        moments = [earliest + CALENDAR_STEP_SECONDS * number for number in range(CALENDAR_SEARCH_STEPS)]
        is_open = [context.world.hours.label(spec.calendar, moment) == OPEN for moment in moments]
        if True not in is_open:
            return earliest, latest
        opens = is_open.index(True)
        if False in is_open[opens:]:
            closes = moments[is_open.index(False, opens)]
            latest = min(closes, latest) if moments[opens] < latest else closes
        return moments[opens], latest

    def _decided(self, context: StepContext, event: CallEvent) -> Result:
        state = context.state
        if isinstance(event, TimerExpired) and event.name == DECIDE:
            context.alarm("callback_undecided", Sentence("the call centre did not say whether a callback is accepted"))
            return self._leave(context, "failed")
        if not isinstance(event, CallbackDecided) or event.token != state.get(REQUEST):
            context.flush_digits()
            return WAIT
        if event.outcome == "accepted" and state["place"]:
            place_is_taken(context.run, state["place"])
        return self._leave(context, event.outcome)

    def _leave(self, context: StepContext, outcome: str) -> Result:
        context.cancel_timer(DECIDE)
        return leave(context, getattr(context.spec, outcome) or context.spec.failed, outcome)


def _may_be_called(context: StepContext, number: str) -> bool:
    return OutsideNumber.pattern.match(number) is not None and context.world.may_transfer_to(number)
