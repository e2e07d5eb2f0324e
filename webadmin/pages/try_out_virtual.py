"""A tried call without a switch: the same flow under a clock that begins at the chosen instant and runs as fast as the one on the wall.

For sites on a real FreeSWITCH, where no simulated caller can dial. Nobody is rung and nothing is kept: in a queue an agent is found after
a while, talks and hangs up; the desk agrees to everything; a message that is left is not in any voicemail box.
"""

from __future__ import annotations

import time
from pathlib import Path

from ivrengine.domain import commands as do
from ivrengine.domain.audio import Audio
from ivrengine.domain.caller import CallInfo
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.rehearsal import CommandItem, HeardItem, KeyItem, Phone, Rehearsal, RehearsalError
from ivrengine.flow.rehearsed_queue import RehearsedQueues, Scene
from ivrengine.flow.world import World

from ..context import Web
from .try_out_trial import HIDDEN, Trial, Wish

SCENE = Scene(wait_seconds=20.0, talk_seconds=30.0, ahead=1)
ANSWERS = Phone("answered", 4.0, 20.0)


class AnyPhone(dict[str, Phone]):
    """Whatever is dialled answers."""

    def get(self, key: str, default: object = None) -> Phone:
        return ANSWERS


class VirtualTrial(Trial):
    def __init__(self, web: Web, name: str, owner: str, spoken: Path, wish: Wish) -> None:
        super().__init__(web, name, owner, spoken, wish)
        self._voice = web.engine.voice
        shared = wish.world
        world = World(shared.hours, RehearsedQueues(usual=SCENE), shared.blacklist, shared.lists, shared.outside_numbers)
        start_at = wish.at if wish.at is not None else web.now()
        interpreter = Interpreter(wish.flows, world)
        run = interpreter.new_run(wish.flow, CallInfo(name, wish.number, wish.caller, wish.name, start_at))
        run.language = wish.language if wish.language in wish.flow.languages else run.language
        self._rehearsal = Rehearsal(interpreter, run, durations=self._duration_ms, start_at=start_at, phones=AnyPhone())
        self._started = time.monotonic()
        self._start_at = start_at
        self._told: dict[int, object] = {}  # by identity; kept, so that no other item gets the same
        self._speaks_until = 0.0  # of time.monotonic()
        self._talking = False

    def place(self) -> None:
        self.tell("begun", flow=self.wish.flow.name)
        self._started = time.monotonic()
        self._rehearsal.begin()
        self._follow()
        self.start()

    def _duration_ms(self, item: Audio) -> int:
        return self._voice.render([item]).duration_ms

    # -- what the person does

    def press(self, keys: str) -> None:
        self._catch_up()
        if not self.over:
            cut_before = self._playing()
            self._rehearsal.press(keys)
            self._follow(cut_before)

    def speak(self, data: bytes, *, goes_on: bool = False) -> None:
        _, seconds = self.keep_speech(data)
        self._catch_up()
        if self.over:
            return
        if not goes_on:
            self.tell("says", seconds=round(seconds, 1))
        self._speaks_until = max(self._speaks_until, time.monotonic()) + seconds

    def hang_up(self) -> None:
        if not self.over:
            self._catch_up()
            self._rehearsal.hang_up()
            self._follow()

    # -- time

    def look(self) -> None:
        self._catch_up()

    def _catch_up(self) -> None:
        behind = self._start_at + (time.monotonic() - self._started) - self._rehearsal.now
        if behind > 0 and not self.over:
            try:
                cut_before = self._playing()
                pass_time = self._rehearsal.speak_for if time.monotonic() < self._speaks_until else self._rehearsal.wait
                pass_time(behind)
                self._follow(cut_before)
            except RehearsalError:
                self.end("failed", "")

    def _playing(self) -> list[HeardItem]:
        return [item for item in self._rehearsal.transcript[-20:] if isinstance(item, HeardItem) and not item.cut]

    def _follow(self, before: list[HeardItem] | None = None) -> None:
        """Tell what has happened since; ``before``: what was being heard or would have been."""
        transcript = self._rehearsal.transcript
        present = {id(item) for item in transcript}
        if before and any(item.cut or id(item) not in present for item in before):
            self.tell("silence")
        batch: list[Audio] = []
        for item in transcript:
            if id(item) in self._told:
                continue
            self._told[id(item)] = item
            if isinstance(item, HeardItem):
                batch.append(item.item)
                continue
            self._play(batch)
            batch = []
            if isinstance(item, KeyItem):
                self.tell("key", key=HIDDEN[0] if self._secret else item.key)
            else:
                self._command(item)
        self._play(batch)
        run = self._rehearsal.run
        if run.finished or self._rehearsal.ended:
            self.end(self._rehearsal.ended or "completed", "")
            return
        self.show(self._run_state(run, talking="?" if self._talking else "", waiting="", recording=self._rehearsal.is_recording))

    def _play(self, items: list[Audio]) -> None:
        if items:
            rendered = self._voice.render(items)
            self._hears(rendered.texts, rendered.paths)

    def _command(self, item: CommandItem) -> None:
        match item.command:
            case do.LogStep() as step:
                self._secret = self._talking = False
                self._left(step)
            case do.CollectSecret():
                self._secret = True
            case do.ReadyToTalk():
                self._talking = True
            case do.Dial(number=number):
                self.tell("note", about="rings", value=number)
            case do.Enqueue(queue=queue):
                self.tell("note", about="queue", value=queue)
            case do.KeepMessage(box=box):
                self.tell("note", about="message", value=box)
            case do.RaiseAlarm(sentence=sentence):
                self.tell("note", about="alarm", value=self.in_words(sentence))
