"""Play prompts, then go on.

```yaml
welcome:
  play:
    prompt: [welcome, {number: waiting}]
    must_hear: true        # no key cuts it, and keys pressed meanwhile are forgotten
    next: main
```

Without `must_hear` any key cuts the prompt and is kept for the next step; a caller who has typed ahead does not hear it at
all. The flow's own keys (`keys:`) work while it plays, unless it must be heard.
"""

from __future__ import annotations

from collections.abc import Sequence

from ivrengine.domain.audio import Audio

from ..context import StepContext
from ..step import step
from ..telling import TellingStep
from ..types import Prompts, StepRef, StepSpec


class PlaySpec(StepSpec):
    prompt: Prompts
    must_hear: bool = False
    next: StepRef


@step("play", PlaySpec)
class Play(TellingStep):
    def items(self, context: StepContext) -> Sequence[Audio]:
        return context.audio(context.spec.prompt)
