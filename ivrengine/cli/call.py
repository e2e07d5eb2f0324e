"""``ivrengine call``: walk a flow in the terminal as a caller would.

Without ``--live`` there is no switch and no waiting: the flow runs under a virtual clock and prints what the caller hears. With
``--live`` a simulated caller dials the engine that runs on the embedded switch (``ivrengine demo``).
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import click
import gevent
from gevent.os import tp_read

from ivrengine.config import Settings
from ivrengine.domain.caller import CallInfo
from ivrengine.esl.errors import EslError
from ivrengine.esl.switch import ChannelState, Switch
from ivrengine.flow.rehearsed_queue import Scene
from ivrengine.prompts.catalogue import Catalogue

from .keys import Act, BadKeys, parse_keys
from .live import DEMO_FILE, NoLiveCall, place_call, sim
from .records import moment, shown, zone_of
from .virtual_call import VirtualCall

LOOK_SECONDS = 0.2  # how often a live call is asked what it has heard
CONNECT_SECONDS = 5.0


@click.command()
@click.argument("number")
@click.option("--from", "caller", default="13900000000", show_default=True, help="The caller's number.")
@click.option("--name", default="", help="The caller's name.")
@click.option("--keys", help='What the caller does: "1 w2s 2#"; !1 presses into the prompt, say:FILE speaks, hangup hangs up.')
@click.option("--phone", default="", help="Call from this phone of the house, as its feature codes need: 8001.")
@click.option(
    "--agent-after", type=click.FloatRange(0, 86400), default=20.0, show_default=True, metavar="SECONDS",
    help="In a queue: an agent is found after so long.",
)
@click.option(
    "--talk", type=click.FloatRange(0, 86400), default=30.0, show_default=True, metavar="SECONDS",
    help="In a queue: so long the agent talks before hanging up.",
)
@click.option("--no-agents", is_flag=True, help="In a queue: no agent is logged in.")
@click.option("--at", help="When the call comes in, as 2026-10-01T21:30 in the site's zone.  [now]")
@click.option("--json", "as_json", is_flag=True, help="Print the transcript as JSON.")
@click.option("--live", is_flag=True, help="Call the engine that runs on the embedded switch.")
@click.pass_obj
def call(
    settings: Settings,
    number: str,
    caller: str,
    name: str,
    keys: str | None,
    phone: str,
    agent_after: float,
    talk: float,
    no_agents: bool,
    at: str | None,
    as_json: bool,
    live: bool,
) -> None:
    """Call NUMBER and print what the caller hears. Without --keys you are asked for them.

    Under the virtual clock nobody is logged in anywhere: in a queue one caller is ahead, an agent is found after --agent-after, talks
    for --talk and hangs up; callbacks are accepted, and the agents' desk agrees to everything.
    """
    if live:
        if at or phone or no_agents:
            raise click.UsageError("--at, --phone and --no-agents go with calls under the virtual clock, not with --live")
        if as_json and keys is None:
            raise click.UsageError("--json needs --keys")
        LiveCall(settings, number, caller, name, as_json).run(keys)
        return
    try:
        acts = parse_keys(keys) if keys is not None else None
    except BadKeys as error:
        raise click.UsageError(str(error)) from error
    start_at = moment(at, zone_of(settings), time.time()) if at else time.time()
    scene = Scene(wait_seconds=agent_after, talk_seconds=talk, ahead=1)
    if no_agents:
        scene = Scene(wait_seconds=0.0, outcome="refused_empty", agents=0)
    trial = VirtualCall(settings, number, caller, name, start_at, scene, phone)
    if as_json:
        trial.follow(acts or [], lambda item: None)
        click.echo(json.dumps(trial.records(), ensure_ascii=False, indent=1))
    elif acts is not None:
        trial.follow(acts, trial.show)
    else:
        trial.converse()


# -- on the embedded switch --------------------------------------------------------------------------------------------


class _NoCalls:
    """This process takes no calls; it only talks to the switch."""

    def call_offered(self, call: CallInfo, channel: ChannelState) -> None: ...
    def call_event(self, call_id: str, event: object) -> None: ...
    def switch_connected(self, core_uuid: str, channels: list[ChannelState]) -> None: ...
    def switch_lost(self, reason: str) -> None: ...


# what a line typed during a call is to the switch; there is no prompt to wait for, the caller has heard it
_ORDERS = {"press": "press", "press_at_once": "press", "speak": "speak", "hangup": "hangup"}


class LiveCall:
    """A simulated caller on the embedded switch that the demo has started."""

    def __init__(self, settings: Settings, number: str, caller: str, name: str, as_json: bool) -> None:
        self._settings = settings
        self._number, self._caller, self._name = number, caller, name
        self._as_json = as_json
        self._catalogue = Catalogue(settings.prompts)
        self._shown = 0
        self._speaking = False  # the last line may be continued
        self._call_id = ""
        self._interrupted = False

    def run(self, keys: str | None) -> None:
        switch = self._connect()
        before = signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            self._call_id = place_call(switch, self._number, self._caller, keys or "", self._name)
            if keys is None:
                click.echo('Type keys and Enter, as in "1" or "w2s 2#"; an empty line hangs up.')
                reader = gevent.spawn(self._read_keys, switch)
            self._watch(switch)
            if keys is None:
                reader.kill(block=False)
        except EslError as error:
            raise NoLiveCall(f"the call is lost: {error}") from error
        finally:
            switch.stop()
            signal.signal(signal.SIGINT, before)

    def _on_interrupt(self, *_: object) -> None:
        """Ctrl-C hangs up; the call's end then ends the command."""
        self._interrupted = True

    def _connect(self) -> Switch:
        path = self._settings.data / DEMO_FILE
        try:
            where = json.loads(path.read_text(encoding="utf-8"))
            host, port, password = where["host"], where["port"], where["password"]
        except FileNotFoundError:
            raise NoLiveCall(f"no demo is running (there is no {path}); start ./scripts/demo first") from None
        except PermissionError:
            raise NoLiveCall(f"{path} can't be read: the demo is another user's; call it as that user") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NoLiveCall(f"{path} can't be understood ({error}); start ./scripts/demo again") from None
        # A shard of its own, which no call has: the demo's calls are none of this process's business.
        switch = Switch(host, port, password, _NoCalls(), "call-command")
        switch.start()
        if not switch.wait_connected(CONNECT_SECONDS):
            switch.stop()
            raise NoLiveCall(f"the demo's switch does not answer: {switch.last_error}; start ./scripts/demo again")
        return switch

    def _read_keys(self, switch: Switch) -> None:
        """Read lines without stopping the rest of the process."""
        while True:
            line = tp_read(sys.stdin.fileno(), 200).decode("utf-8", "replace").strip()
            try:
                for act in parse_keys(line) if line else [Act("hangup")]:
                    if act.kind == "wait":
                        gevent.sleep(act.seconds)
                    else:
                        sim(switch, f"{_ORDERS[act.kind]} {self._call_id} {act.value}".rstrip())
            except (BadKeys, NoLiveCall) as error:
                click.echo(str(error))
            if not line:
                return

    def _watch(self, switch: Switch) -> None:
        """Print what is heard until the call is over."""
        over = False
        while not over:
            gevent.sleep(LOOK_SECONDS)
            if self._interrupted:
                self._interrupted = False
                with contextlib.suppress(NoLiveCall):  # it may have ended in this instant
                    sim(switch, f"hangup {self._call_id}")
            over = switch.api(f"uuid_exists {self._call_id}").strip() != "true"
            heard = json.loads(sim(switch, f"heard {self._call_id}"))
            if not self._as_json:
                for row in heard[self._shown :]:
                    self._tell(row)
                self._shown = len(heard)
        if self._as_json:
            click.echo(json.dumps([{**row, "text": self._text(row["path"])} for row in heard], ensure_ascii=False, indent=1))
        elif heard:
            click.echo("\nthe call is over" if self._speaking else "the call is over")
        else:
            click.echo(f"the call is over, and nothing was heard: does a flow have the number {self._number}?")

    def _tell(self, row: dict[str, Any]) -> None:
        """One line for what is heard; the single words of numbers and dates go on one line."""
        if row["path"].startswith("silence_stream:"):
            return
        text = shown(self._text(row["path"]))
        if not self._speaking or not self._is_word(row["path"]):
            click.echo("\n" if self._speaking else "", nl=False)
            click.echo(f"{row['at_ms'] / 1000:7.1f} s  hears    {text}", nl=False)
        else:
            click.echo(f" {text}", nl=False)
        self._speaking = self._is_word(row["path"])
        if not self._speaking:
            click.echo()

    def _is_word(self, path: str) -> bool:
        """Whether this is a word of a spoken value rather than a prompt."""
        return Path(path).is_relative_to(self._settings.prompts) and Path(path).parent.name == "speech"

    def _text(self, path: str) -> str:
        """The words of a prompt's file; the path of anything else that is no tone."""
        if path.startswith("tone_stream:"):
            return "(beep tone)"
        if path.startswith("local_stream:"):
            return "(music)"
        try:
            language, _, name = str(Path(path).relative_to(self._settings.prompts).with_suffix("")).partition("/")
        except ValueError:
            return path
        return self._catalogue.text(name, language) or path
