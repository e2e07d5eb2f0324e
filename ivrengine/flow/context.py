"""What a step sees of its call while it runs, and how it asks for things to be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ivrengine.domain.audio import Audio, Prompt, Speech, Tone
from ivrengine.domain.commands import Answer, Command, Play, RaiseAlarm, StopPlaying
from ivrengine.domain.sentence import Sentence

from .expressions import Expression, ExpressionError
from .flowset import CompiledStep, Flow
from .run import Frame, Run
from .types import PromptItem, SpeechItem
from .world import World

BUILT_IN_VARIABLES = ("caller", "caller_name", "dialled", "house_phone", "language", "last_label", "last_key")


class StepContext:
    """One step's view of one call at one instant. ``now`` is UTC seconds."""

    __slots__ = ("run", "frame", "flow", "compiled", "world", "now", "commands")

    def __init__(
        self, run: Run, frame: Frame, flow: Flow, compiled: CompiledStep, world: World, now: float, commands: list[Command]
    ) -> None:
        self.run = run
        self.frame = frame
        self.flow = flow
        self.compiled = compiled
        self.world = world
        self.now = now
        self.commands = commands

    @property
    def spec(self) -> Any:
        return self.compiled.spec

    @property
    def prepared(self) -> Any:
        return self.compiled.prepared

    @property
    def state(self) -> dict[str, Any]:
        """The step's own JSON-ready memory; empty on entry."""
        return self.frame.state

    @property
    def place(self) -> str:
        return f"{self.frame.flow}:{self.frame.step}"

    def emit(self, command: Command) -> None:
        self.commands.append(command)

    def new_token(self) -> str:
        self.run.tokens += 1
        return f"{self.run.call.call_id}:{self.run.tokens}"

    def alarm(self, code: str, sentence: str) -> None:
        self.emit(RaiseAlarm(code, sentence, self.place))

    # -- audio ---------------------------------------------------------------------------------------------------------

    def answer(self) -> None:
        """Answer the call unless that is done: the first sound answers by itself."""
        if not self.run.answered:
            self.run.answered = True
            self.emit(Answer(self.new_token()))

    def audio(self, items: Sequence[PromptItem], language: str | None = None, names: Mapping[str, Any] | None = None) -> tuple[Audio, ...]:
        """Prompt names and spoken values as audio, in the caller's language unless another is given.

        ``names``: what values may read besides the call's variables, the step's ``own_names``. A value that is empty (a number
        that the caller withholds, say) has no sound and is left out.
        """
        language = language or self.run.language
        audio: list[Audio] = []
        for item in items:
            if not isinstance(item, SpeechItem):
                audio.append(Prompt(str(item), language))
            elif value := self._spoken(item, names):
                audio.append(Speech(item.kind, value, language))
        return tuple(audio)

    def _spoken(self, item: SpeechItem, names: Mapping[str, Any] | None) -> str:
        value = self.evaluate(item.value, names)
        if isinstance(value, float):
            return f"{value:.6f}".rstrip("0").rstrip(".")
        return "" if value is None else str(value)

    def play(self, items: Sequence[Audio]) -> str:
        """Play; remembers the token as ``state["playing"]`` until ``prompt_over``. Answers the call first."""
        self.answer()
        token = self.new_token()
        self.frame.state["playing"] = token
        self.emit(Play(token, tuple(items)))
        return token

    def prompt_over(self, event: Any) -> bool:
        """True when ``event`` (a PromptEnded) ends what this step plays.

        A prompt that failed raises an alarm and is followed by the error tone, whose end then counts as the prompt's.
        """
        state = self.frame.state
        if event.token != state.get("playing"):
            return False
        del state["playing"]
        state.pop("failed_prompt", None)
        if "error_tone" in state:  # however the tone went, there is nothing simpler left to play
            state["failed_prompt"] = state.pop("error_tone")
            return True
        if event.outcome != "failed":
            return True
        reason = event.reason or "no reason told"
        self.alarm("prompt_failed", Sentence("a prompt could not be played: %(reason)s", reason=reason))
        self.play((Tone("error"),))
        state["error_tone"] = reason
        return False

    @property
    def failed_prompt(self) -> str | None:
        """Why the prompt that ended last could not be played; None when it was."""
        return self.frame.state.get("failed_prompt")

    def stop_playing(self) -> None:
        state = self.frame.state
        if state.pop("playing", None):
            state.pop("error_tone", None)
            self.emit(StopPlaying())

    # -- timers --------------------------------------------------------------------------------------------------------

    def start_timer(self, name: str, seconds: float) -> None:
        """One timer per name; starting it again moves it. Due as TimerExpired(name)."""
        self.run.timers[name] = self.now + seconds

    def cancel_timer(self, name: str) -> None:
        self.run.timers.pop(name, None)

    # -- digits --------------------------------------------------------------------------------------------------------

    def take_digits(self) -> str:
        """All digits pressed and not yet used. Give back what belongs to the next step with ``put_back``."""
        digits, self.run.digits = self.run.digits, ""
        return digits

    def put_back(self, digits: str) -> None:
        self.run.digits = digits + self.run.digits

    def flush_digits(self) -> None:
        self.run.digits = ""

    # -- variables -----------------------------------------------------------------------------------------------------

    def variables(self) -> dict[str, Any]:
        """All that expressions may read."""
        run = self.run
        return {
            "last_label": "",
            "last_key": "",
            **run.variables,
            **run.secrets,
            "caller": run.call.number,
            "caller_name": run.call.name,
            "dialled": run.call.dialled,
            "house_phone": run.call.phone,
            "language": run.language,
        }

    def evaluate(self, expression: Expression, names: Mapping[str, Any] | None = None) -> Any:
        """The expression's value. Raises ExpressionError, which tells nothing of a secret."""
        try:
            return expression.evaluate({**self.variables(), **(names or {})})
        except ExpressionError:
            if not self.reads_secret(expression):
                raise
        raise ExpressionError(Sentence("%(text)r can't be worked out", text=expression.text))

    def reads_secret(self, expression: Expression) -> bool:
        """True when the expression's value would tell of a secret."""
        return not self.run.secrets.keys().isdisjoint(expression.names)

    def set_variable(self, name: str, value: Any) -> None:
        self.run.variables[name] = value
        self.run.secrets.pop(name, None)
        self.run.secret_steps.pop(name, None)

    def set_secret(self, name: str, value: Any) -> None:
        """A secret lives in memory only; the record keeps which step can ask for it again."""
        self.run.variables.pop(name, None)
        self.run.secrets[name] = value
        self.run.secret_steps[name] = self.place
