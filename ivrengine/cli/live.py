"""Calls on the embedded switch from the command line: placing them, and telling what happens in plain lines."""

from __future__ import annotations

import json
from typing import Any

import click

from ivrengine.app import Engine
from ivrengine.domain.caller import mask_number
from ivrengine.errors import IvrEngineError
from ivrengine.esl.errors import EslError
from ivrengine.esl.switch import Switch
from ivrengine.runtime.news import CallBegun, CallEnded, CallerHears, Item, KeyPressed, StepLeft

from .keys import BadKeys, parse_keys, to_script
from .records import shown

DEMO_FILE = "demo.json"


class NoLiveCall(IvrEngineError):
    """The call could not be placed."""


def sim(switch: Switch, order: str, *, timeout: float = 10.0) -> str:
    """Ask the embedded switch's simulated people for something; ``order`` as its package docstring says."""
    try:
        return switch.api(f"sim {order}", timeout)
    except EslError as error:
        hint = "; calls can be placed on the embedded switch only" if "not found" in str(error) else ""
        raise NoLiveCall(f"the switch refuses: {str(error).removeprefix('-ERR ')}{hint}") from error


def place_call(switch: Switch, number: str, caller: str, keys: str, name: str = "") -> str:
    """A simulated caller dials ``number``; gives the call's id. Raises NoLiveCall."""
    try:
        script: list[dict[str, Any]] = list(to_script(parse_keys(keys)))
    except BadKeys as error:
        raise NoLiveCall(str(error)) from error
    order = json.dumps({"number": number, "from": caller, "name": name, "script": script})
    return sim(switch, f"call {order}").removeprefix("+OK").strip()


class Teller:
    """Prints the news of all calls, one line each."""

    def __init__(self, engine: Engine) -> None:
        self._clock = engine.clock
        self._began: dict[str, float] = {}

    def tell(self, item: Item) -> None:
        match item:
            case CallBegun(call, flow):
                self._began[call.call_id] = self._clock()
                self._line(call.call_id, f"{shown(mask_number(call.number))} calls {call.dialled}: flow {flow}", "green")
            case CallerHears(call_id, texts):
                for text in texts:
                    self._line(call_id, f'hears    "{text}"', None)
            case KeyPressed(call_id, key):
                self._line(call_id, f"presses  {key}", "yellow")
            case StepLeft(call_id, step):
                label = f" ({step.label})" if step.label else ""
                self._line(call_id, f"step     {step.step}: {step.outcome}{label}", "blue")
            case CallEnded(call_id, outcome, cause):
                self._line(call_id, f"ended    {outcome} {cause}".rstrip(), "green")
                self._began.pop(call_id, None)

    def _line(self, call_id: str, text: str, colour: str | None) -> None:
        seconds = self._clock() - self._began.get(call_id, self._clock())
        click.echo(f"{call_id[:6]} {seconds:6.1f} s  " + click.style(text, fg=colour))
