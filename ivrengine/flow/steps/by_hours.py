"""Go by the part of the week that a calendar says it is.

```yaml
greet:
  by_hours:
    calendar: office         # named in calendars.yml
    open: menu
    closed: after_hours
    holiday: holiday_message # any label of the calendar's, each with its step
    weekend: weekend_message
```

`closed` is also where a label without a step of its own leads, and where a calendar leads that can't be asked (with an alarm).
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, model_validator

from ivrengine.domain.sentence import Sentence

from ..context import StepContext
from ..keyfields import refusal
from ..step import Go, Result, Step, step
from ..types import CalendarRef, StepRef, StepSpec, VariableName


class ByHoursSpec(StepSpec):
    model_config = ConfigDict(extra="allow", frozen=True, arbitrary_types_allowed=True)
    __pydantic_extra__: dict[str, StepRef]
    calendar: CalendarRef
    closed: StepRef

    @model_validator(mode="before")
    @classmethod
    def _labels(cls, value: Any) -> Any:
        for label in value if isinstance(value, dict) else ():
            if not VariableName.pattern.match(str(label)):
                raise refusal(Sentence('"%(label)s" is not a label of a calendar (small letters, digits and _)', label=str(label)[:60]))
        return value


@step("by_hours", ByHoursSpec)
class ByHours(Step):
    runs_after_hangup = True

    def enter(self, context: StepContext) -> Result:
        spec: ByHoursSpec = context.spec
        try:
            label = context.world.hours.label(spec.calendar, context.now)
        except (KeyError, ValueError) as error:
            context.alarm(
                "calendar_failed", Sentence("the calendar %(calendar)s can't be asked: %(error)s", calendar=spec.calendar, error=error)
            )
            return Go(spec.closed, "closed", detail=f"the calendar {spec.calendar} can't be asked")
        if label == "closed":
            return Go(spec.closed, "closed")
        target = (spec.model_extra or {}).get(label)
        if target is None:
            return Go(spec.closed, "closed", detail=f"no step is given for {label}")
        return Go(target, label)
