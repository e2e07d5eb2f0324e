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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import gevent
from gevent.os import tp_read

from ivrengine.config import Settings
from ivrengine.domain import commands as do
from ivrengine.domain.audio import Audio
from ivrengine.domain.caller import CallInfo, clean_name, clean_number
from ivrengine.errors import IvrEngineError
from ivrengine.esl.errors import EslError
from ivrengine.esl.switch import ChannelState, Switch
from ivrengine.flow.calendars import HoursBook, Override
from ivrengine.flow.finding import errors
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.rehearsal import CommandItem, HeardItem, KeyItem, Rehearsal, TranscriptItem
from ivrengine.flow.rehearsed_queue import RehearsedQueues, Scene
from ivrengine.flow.world import World
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.voice import Voice
from ivrengine.prompts.wav import BadWav, read_wav
from ivrengine.runtime.site_files import check_site, read_site
from ivrengine.storage.store import Store

from .keys import Act, BadKeys, parse_keys
from .live import DEMO_FILE, NoLiveCall, place_call, sim
from .records import moment, shown, zone_of

LOOK_SECONDS = 0.2  # how often a live call is asked what it has heard
CONNECT_SECONDS = 5.0


class CallFailed(IvrEngineError):
    """The call can't be made."""


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


# -- under the virtual clock -------------------------------------------------------------------------------------------


class VirtualCall:
    """One call without a switch, which meets ``scene`` in every queue. Raises CallFailed when the flows have errors or no flow has
    the number."""

    def __init__(
        self, settings: Settings, number: str, caller: str, name: str, start_at: float, scene: Scene, phone: str = ""
    ) -> None:
        catalogue = Catalogue(settings.prompts)
        self._voice = Voice(catalogue, settings.languages[0], settings.languages[1:])
        site = read_site(settings.flows)
        checked = check_site(site, catalogue, self._voice, settings.engine.outside_numbers, start_at)
        if errors(checked.findings):
            raise CallFailed("\n".join(["the flows have errors:", *map(str, errors(checked.findings))]))
        flow = checked.flows.for_number(clean_number(number))
        if flow is None:
            known = ", ".join(sorted(n for f in checked.flows.flows.values() for n in f.numbers))
            raise CallFailed(f"no flow has the number {number}; there are {known or 'none'}")
        world = _world(settings, HoursBook.from_text(site.calendars_text), start_at)
        world.lists = site.lists
        world.queues = RehearsedQueues(usual=scene)
        interpreter = Interpreter(checked.flows, world)
        info = CallInfo("virtual", clean_number(number), clean_number(caller), clean_name(name), start_at, clean_number(phone))
        run = interpreter.new_run(flow, info)
        self._start_at = start_at
        self.rehearsal = Rehearsal(interpreter, run, durations=self._duration_ms, start_at=start_at)
        self._told: set[int] = set()

    def _duration_ms(self, item: Audio) -> int:
        return self._voice.render([item]).duration_ms

    def follow(self, acts: list[Act], show: Callable[[TranscriptItem], None]) -> None:
        """Do what ``acts`` say, then wait until the call has ended or only the caller could move it on."""
        self.rehearsal.begin()
        for act in acts:
            self._do(act)
        self._wait_to_the_end()
        self._tell(show)

    def converse(self) -> None:
        """Ask at the terminal what the caller does."""
        click.echo('Keys as in "1 w2s 2#"; Enter waits for what happens next; hangup or Ctrl-D ends the call.')
        self.rehearsal.begin()
        while not self.rehearsal.run.finished:
            self._end_prompt()
            self._tell(self.show)
            if self.rehearsal.run.finished:
                return
            try:
                acts = parse_keys(click.prompt("keys", default="", show_default=False))
            except BadKeys as error:
                click.echo(str(error))
                continue
            except click.Abort:
                click.echo()
                acts = [Act("hangup")]
            for act in acts:
                self._do(act)
            upcoming = self.rehearsal.next_moment()
            if not acts and upcoming is not None:
                self.rehearsal.wait(max(0.0, upcoming - self.rehearsal.now))
        self._tell(self.show)

    def _do(self, act: Act) -> None:
        match act.kind:
            case "press":
                self._end_prompt()
                self.rehearsal.press(act.value)
            case "press_at_once":
                self.rehearsal.press(act.value)
            case "wait":
                self.rehearsal.wait(act.seconds)
            case "speak":
                while not self.rehearsal.is_recording and self._next():
                    pass
                self.rehearsal.speak_for(_sound_seconds(act.value))
            case "hangup":
                self.rehearsal.hang_up()

    def _next(self) -> bool:
        """Go to the next thing that happens by itself; False when there is none."""
        upcoming = self.rehearsal.next_moment()
        if upcoming is None:
            return False
        self.rehearsal.wait(max(0.0, upcoming - self.rehearsal.now))
        return True

    def _end_prompt(self) -> None:
        while self.rehearsal.hearing and self._next():
            pass

    def _wait_to_the_end(self) -> None:
        while not self.rehearsal.run.finished and self._next():
            pass

    # -- telling

    def _tell(self, show: Callable[[TranscriptItem], None]) -> None:
        for item in self.rehearsal.transcript:
            if id(item) not in self._told:  # not by position: what a key has cut disappears from the transcript
                self._told.add(id(item))
                show(item)

    def show(self, item: TranscriptItem) -> None:
        for record in self._describe(item):
            extra = f" ({record['label']})" if record.get("label") else ""
            click.echo(f"{record['at']:7.1f} s  {record['what']:8} {shown(record['text'])}{extra}")

    def records(self) -> list[dict[str, Any]]:
        return [record for item in self.rehearsal.transcript for record in self._describe(item)]

    def _describe(self, item: TranscriptItem) -> Iterator[dict[str, Any]]:
        at = round(item.at - self._start_at, 3)
        match item:
            case HeardItem(_, audio, duration_ms, cut, failed):
                rendered = self._voice.render([audio])
                text = " ".join(rendered.texts) + (" ..." if cut else "")
                if text:
                    yield {"at": at, "what": "hears", "text": text, "duration_ms": duration_ms, "cut": cut, "failed": failed}
                for problem in rendered.problems:
                    yield {"at": at, "what": "alarm", "text": problem}
            case KeyItem(_, key):
                yield {"at": at, "what": "presses", "text": key}
            case CommandItem(_, do.LogStep() as step):
                text = f"{step.flow}:{step.step} {step.outcome}"
                yield {"at": at, "what": "step", "text": text, "label": step.label, "step": step.step, "outcome": step.outcome}
            case CommandItem(_, command):
                if text := _plainly(command):
                    yield {"at": at, "what": "engine", "text": text}


def _plainly(command: do.Command) -> str:
    """What the engine does, for a reader; "" for what shows elsewhere."""
    match command:
        case do.Answer():
            return "answers"
        case do.Record():
            return "records"
        case do.KeepMessage(box, _, duration_ms):
            return f"keeps a message of {duration_ms / 1000:.1f} s in the box {box}"
        case do.Dial(_, kind, number, _):
            return f"rings {'extension' if kind == 'extension' else 'the outside number'} {number}"
        case do.Enqueue(queue=queue):
            return f"puts the caller into the queue {queue}"
        case do.ReadyToTalk():
            return "connects the caller with the agent"
        case do.LeaveQueue(outcome=outcome):
            return f"takes the caller out of the queue ({outcome})"
        case do.RequestCallback(queue=queue, number=number):
            return f"notes that {number} is to be called back from the queue {queue}"
        case do.KeepMark(question=question, mark=mark, label=label):
            return f"keeps the mark {mark} ({label}) for {question}" if mark else f"keeps a spoken {question}"
        case do.AskDesk(verb=verb):
            return f"asks the desk: {verb}"
        case do.HandOver(destination):
            return f"hands the call over to {destination}"
        case do.Hangup(cause):
            return f"hangs up ({cause})"
        case do.CountRefusal(entry):
            return f"refuses the caller by the blacklist's entry {entry}"
        case do.RaiseAlarm(code, sentence):
            return f"raises the alarm {code}: {sentence}"
    return ""


def _world(settings: Settings, book: HoursBook, now: float) -> World:
    """Hours, and what the database knows of overrides and nuisance callers, where there is one."""
    world = World(hours=book, outside_numbers=tuple(settings.engine.outside_numbers))
    if settings.database.exists():
        with Store(settings.database) as store:
            world.blacklist = store.blacklist.snapshot()
            in_force = store.overrides.in_force(now)
            book.overrides = {name: Override(name, o.state, o.until, o.set_at) for name, o in in_force.items()}
    return world


def _sound_seconds(path: str) -> float:
    try:
        return read_wav(Path(path)).duration_ms / 1000
    except (OSError, BadWav) as error:
        raise CallFailed(f"{path} can't be spoken: {error}") from error


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
