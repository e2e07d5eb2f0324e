"""A call that is tried out: what the page is told of it. ``live`` and ``virtual`` are its two kinds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivrengine.domain.commands import LogStep
from ivrengine.flow.flowset import Flow
from ivrengine.flow.run import Run
from ivrengine.flow.world import World
from ivrengine.runtime.arranged_call import DialledFlows

from ..context import Web
from .try_out_stage import Stage

SHOWN_CHARACTERS = 200  # of a variable's value
HIDDEN = "••••"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to try. ``at``: the calendars' instant, UTC seconds; None for now. ``world`` goes with ``flows``."""

    number: str
    caller: str
    name: str
    flows: DialledFlows
    world: World
    flow: Flow
    language: str = ""
    at: float | None = None
    draft: bool = False


class Trial(Stage):
    """``name`` is the call's id."""

    kind = "trial"

    def __init__(self, web: Web, name: str, owner: str, spoken: Path, wish: Wish) -> None:
        super().__init__(web, name, owner, spoken)
        self.wish = wish
        self._secret = False  # what is keyed in now is a secret

    def press(self, keys: str) -> None:
        raise NotImplementedError

    def speak(self, data: bytes, *, goes_on: bool = False) -> None:
        """``goes_on``: a further piece of what is being said."""
        raise NotImplementedError

    def hang_up(self) -> None:
        raise NotImplementedError

    def leave(self) -> None:
        self.hang_up()
        self.end("left", "")

    def flow(self, name: str) -> Flow | None:
        """As it is walked now, or the newest."""
        version = self._state.get("version") if name == self._state.get("flow") else None
        try:
            return self.wish.flows.get(name, version)
        except KeyError:
            return None

    def ended(self) -> None:
        self.show({**self._state, "up": False, "talking": "", "waiting": "", "recording": False, "secret": False})

    def _hears(self, texts: list[str], paths: list[str]) -> None:
        texts = [text for text in texts if text]
        self.tell("hears", texts=texts, parts=[self.sounds.part(path) for path in paths])

    def _left(self, step: LogStep) -> None:
        self.tell("step", flow=step.flow, step=step.step, verb=step.verb, outcome=step.outcome, label=step.label)

    def _run_state(self, run: Run, **more: Any) -> dict[str, Any]:
        frame = run.frame
        known = {name: value for name, value in run.variables.items() if name not in run.secrets and name not in run.secret_steps}
        hidden = sorted({*run.secrets, *run.secret_steps})
        variables = [[name, _shown(value)] for name, value in sorted(known.items())]
        return {
            "up": True, "flow": frame.flow, "version": frame.version, "step": frame.step, "language": run.language, "secret": self._secret,
            "variables": variables + [[name, HIDDEN] for name in hidden], **more,
        }  # fmt: skip


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."
