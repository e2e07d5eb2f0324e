"""Rehearsed calls to the flows that are shipped: who calls what, when, and what came of it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from ivrengine.domain.audio import Prompt, Speech
from ivrengine.domain.blacklist import Blacklist, BlacklistEntry
from ivrengine.domain.caller import CallInfo, clean_number
from ivrengine.domain.commands import AddToCounter, AskDesk, Command, Dial, KeepMessage, LogStep
from ivrengine.domain.events import DeskAnswered
from ivrengine.flow.calendars import HoursBook
from ivrengine.flow.compile import FlowSetResult, load_flows
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.rehearsal import HeardItem, Phone, Rehearsal, obliging_desk
from ivrengine.flow.rehearsed_queue import RehearsedQueues, Scene
from ivrengine.flow.world import Hours, World
from ivrengine.runtime.site_files import SiteFiles, read_site

ROOT = Path(__file__).parents[3]
ZONE = ZoneInfo("Asia/Shanghai")
CIRCULATION, DELIVERY, PROPERTY = "02988880001", "02988880002", "02988880003"
LINES = {CIRCULATION: "circulation", DELIVERY: "delivery", PROPERTY: "property"}
PERSONS = {CIRCULATION: "8001", DELIVERY: "8003", PROPERTY: "8002"}
CALLER = "13800138000"
NUISANCE = "02985550000"
VIP = "02986660000"
NOBODY_LOGGED_IN = Scene(wait_seconds=0.0, outcome="refused_empty")
PERMITTED = ("13*", "029*")
WORKING_HOURS = "2026-11-24T10:00"


@cache
def site() -> SiteFiles:
    return read_site(ROOT / "flows")


@cache
def loaded() -> FlowSetResult:
    return load_flows(site().texts)


def moment(text: str) -> float:
    """``2026-10-01T09:00`` in Xi'an, as UTC seconds."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


class HotlineCall(Rehearsal):
    """One call that has come in, with the questions that the tests ask about it. ``queue``: the scene in all queues."""

    def __init__(
        self,
        dialled: str,
        at: str = WORKING_HOURS,
        caller: str = CALLER,
        phones: Mapping[str, Phone] | None = None,
        hours: Hours | None = None,
        queue: Scene = NOBODY_LOGGED_IN,
        phone: str = "",
        desk: Callable[[AskDesk], DeskAnswered] = obliging_desk,
    ) -> None:
        flow = loaded().flows.for_number(dialled)
        assert flow is not None, dialled
        blacklist = Blacklist([BlacklistEntry(NUISANCE, "rings every night")])
        hours = hours or HoursBook.from_text(site().calendars_text)
        world = World(hours, RehearsedQueues({}, queue), blacklist, site().lists, PERMITTED)
        interpreter = Interpreter(loaded().flows, world)
        start_at = moment(at)
        run = interpreter.new_run(flow, CallInfo("call-1", dialled, clean_number(caller), "", start_at, phone))
        super().__init__(interpreter, run, start_at=start_at, phones=phones, desk=desk)
        self.begin()

    @property
    def place(self) -> str:
        """``flow:step`` where the caller is."""
        return f"{self.run.frame.flow}:{self.run.frame.step}"

    def listen_out(self) -> HotlineCall:
        """Let what plays come to its end, and what follows it, until the flow waits for the caller."""
        for _ in range(20):
            if self.run.finished or not self.hearing:
                break
            self.wait((self.next_moment() or self.now) - self.now)
        return self

    def go(self, keys: str) -> HotlineCall:
        """Press keys one by one, each after listening to the end."""
        for key in keys:
            self.listen_out()
            self.press(key)
        return self

    def prompts(self, language: str | None = None) -> list[str]:
        """Names of the recorded prompts that were heard, in their order."""
        items = [entry.item for entry in self.transcript if isinstance(entry, HeardItem)]
        return [item.name for item in items if isinstance(item, Prompt) and language in (None, item.language)]

    def spoken(self) -> list[tuple[str, str]]:
        items = [entry.item for entry in self.transcript if isinstance(entry, HeardItem)]
        return [(item.kind, item.value) for item in items if isinstance(item, Speech)]

    def of(self, kind: type[Command]) -> list[Command]:
        return [command for command in self.commands if isinstance(command, kind)]

    def labels(self) -> list[str]:
        return [row.label for row in self.of(LogStep) if row.label]

    def messages(self) -> list[KeepMessage]:
        return self.of(KeepMessage)

    def dialled(self) -> list[str]:
        return [command.number for command in self.of(Dial)]

    def counted(self) -> list[str]:
        return [command.counter for command in self.of(AddToCounter)]

    def wait_for_beep(self) -> HotlineCall:
        """Do nothing until a recording begins."""
        while not self.is_recording:
            moment = self.next_moment()
            assert moment is not None, f"nothing will be recorded in {self.place}"
            self.wait(moment - self.now)
        return self

    def speak_after_beep(self, seconds: float) -> HotlineCall:
        """Wait for the beep, speak, and press the key that ends a message."""
        self.wait_for_beep()
        self.speak_for(seconds)
        self.press("#")
        return self
