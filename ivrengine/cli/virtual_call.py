"""A call without a switch: the flow runs under a virtual clock and prints what the caller hears."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from ivrengine.config import Settings
from ivrengine.domain import commands as do
from ivrengine.domain.audio import Audio
from ivrengine.domain.caller import CallInfo, clean_name, clean_number
from ivrengine.errors import IvrEngineError
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
from .records import shown


class CallFailed(IvrEngineError):
    """The call can't be made."""


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
        case do.TurnedAway(queue=queue, outcome=outcome):
            return f"keeps the caller out of the queue {queue} ({outcome})"
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
