"""The two ways to leave a step that many steps share: saying something first, and doing what a key means."""

from __future__ import annotations

from ivrengine.domain.commands import Hangup
from ivrengine.domain.events import CallEvent, PromptEnded

from .context import StepContext
from .step import WAIT, End, Go, GoBack, Result
from .types import Exit, KeyAction

LEAVING = "leaving"  # key of a step's state: [target, outcome, label, key, detail] while the exit prompt plays


def leave(context: StepContext, exit: Exit, outcome: str, label: str = "", key: str = "", detail: str = "") -> Result:
    """Go to the branch's step, after its ``say`` prompts where it has any. The interpreter ends the wait."""
    items = context.audio(exit.say)
    if not items:
        return Go(exit.go, outcome, label, key, detail)
    context.stop_playing()
    context.run.timers.clear()
    context.state[LEAVING] = [exit.go, outcome, label, key, detail]
    context.play(items)
    return WAIT


def continue_leaving(context: StepContext, event: CallEvent | None) -> Result:
    """While the exit prompt plays: wait for its end, then go. ``None`` (a restarted engine) goes at once."""
    if event is not None and not (isinstance(event, PromptEnded) and context.prompt_over(event)):
        return WAIT
    return Go(*context.state[LEAVING])


def act(context: StepContext, key: str, action: KeyAction) -> Result:
    """What a KeyAction means, in a menu's choices and among the flow's own keys; ``repeat`` enters the step anew."""
    context.stop_playing()
    if action.go is not None:
        return Go(action.go, "choice", action.label, key)
    if action.do == "back":
        return GoBack("back", action.label, key)
    if action.do == "hangup":
        context.emit(Hangup())
        return End("hangup", action.label, key)
    return Go(context.frame.step, "repeat", action.label, key)
