"""Speak one value, in the words of the caller's language.

```yaml
tell_balance:
  say:
    money: balance          # or number, digits, count, date, time, datetime, phone: an expression
    before: [your_balance_is]
    after: [thank_you]
    language: en-US         # the caller's, when left out
    must_hear: false
    next: main
```

Exactly one kind is given. Any key cuts it and is kept for the next step, as in `play`; a value that is empty is not spoken.
A list of prompts and values mixed is a matter for `play`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import model_validator

from ivrengine.domain.audio import SPEECH_KINDS, Audio
from ivrengine.domain.sentence import Sentence

from ..context import StepContext
from ..expressions import Expression
from ..flowset import Flow
from ..keyfields import refusal
from ..step import step
from ..telling import TellingStep
from ..types import Prompts, SpeechItem, StepRef, StepSpec


class SaySpec(StepSpec):
    number: Expression | None = None
    digits: Expression | None = None
    money: Expression | None = None
    date: Expression | None = None
    time: Expression | None = None
    datetime: Expression | None = None
    phone: Expression | None = None
    count: Expression | None = None
    before: Prompts = ()
    after: Prompts = ()
    language: str | None = None
    must_hear: bool = False
    next: StepRef

    @model_validator(mode="after")
    def _one_kind(self) -> SaySpec:
        if sum(getattr(self, kind) is not None for kind in SPEECH_KINDS) != 1:
            raise refusal(Sentence("give exactly one of %(kinds)s", kinds=tuple(SPEECH_KINDS)))
        return self


@step("say", SaySpec)
class Say(TellingStep):
    def prepare(self, spec: SaySpec, flow: Flow) -> SpeechItem:
        kind = next(kind for kind in SPEECH_KINDS if getattr(spec, kind) is not None)
        return SpeechItem.model_construct(kind=kind, value=getattr(spec, kind))

    def items(self, context: StepContext) -> Sequence[Audio]:
        spec: SaySpec = context.spec
        return context.audio((*spec.before, context.prepared, *spec.after), spec.language)
