"""Reads and walks the case files of this directory: what a case may hold is told in README.md."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ivrengine.domain import commands as do
from ivrengine.domain.audio import Music, Prompt, RecordedFile, Silence, Speech, Tone
from ivrengine.domain.blacklist import Blacklist, BlacklistEntry
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.events import DeskAnswered
from ivrengine.flow.compile import compile_flow
from ivrengine.flow.flowset import FlowSet
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.rehearsal import CommandItem, HeardItem, Phone, Rehearsal
from ivrengine.flow.rehearsed_queue import RehearsedQueues, Scene
from ivrengine.flow.run import Run
from ivrengine.flow.world import World

HERE = Path(__file__).parent
CASE_KEYS = {
    "name", "rule", "flow", "also", "caller", "hours", "blacklist", "lists", "outside_numbers", "phones", "broken_prompts",
    "queues", "desk", "variables", "script", "then", "expect",
}  # fmt: skip
EXPECT_KEYS = {
    "heard", "trace", "left_at", "ended", "variables", "unset", "commands", "never", "alarms", "seconds", "waiting_in",
    "language", "nowhere", "secrets",
}  # fmt: skip


class FixedHours:
    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = labels

    def label(self, calendar: str, now: float) -> str:
        return self.labels[calendar]


@dataclass
class Case:
    file: str
    data: dict[str, Any]
    flow: str
    also: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.file}: {self.data['name']}"


def load_cases() -> list[Case]:
    cases = []
    for path in sorted(HERE.glob("*.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for data in document["cases"]:
            unknown = set(data) - CASE_KEYS | set(data.get("expect", {})) - EXPECT_KEYS
            assert not unknown, f"{path.name}: {data['name']}: unknown keys {unknown}"
            cases.append(
                Case(path.stem, data, data.get("flow", document.get("flow")), data.get("also", document.get("also", [])))
            )
    return cases


class SavingRehearsal(Rehearsal):
    """Saves and loads the run after every event, as if each were followed by a crash at a moment when nothing is lost."""

    __slots__ = ()

    def _perform(self, commands: Any) -> None:
        super()._perform(commands)
        run = self.run
        if run.finished:
            return
        loaded = Run.from_record(json.loads(json.dumps(run.to_record())))
        loaded.secrets, loaded.digits = run.secrets, run.digits  # these two are lost on purpose; here they are not the matter
        self.run = loaded


class Unsound(AssertionError):
    pass


def rehearsal_of(case: Case, kind: type[Rehearsal] = Rehearsal) -> Rehearsal:
    data = case.data
    flows = []
    for number, text in enumerate([case.flow, *case.also]):
        compiled = compile_flow(text, f"{case.file}-{number}.yml")
        if compiled.flow is None:
            raise Unsound("\n".join(map(str, compiled.findings)))
        flows.append(compiled.flow)
    entries = [
        BlacklistEntry(**entry) if isinstance(entry, dict) else BlacklistEntry(entry) for entry in data.get("blacklist", [])
    ]
    scenes = {name: Scene(**{key: _tuples(value) for key, value in scene.items()}) for name, scene in data.get("queues", {}).items()}
    world = World(
        hours=FixedHours(data.get("hours", {})),
        queues=RehearsedQueues(scenes),
        blacklist=Blacklist(entries),
        lists={name: frozenset(numbers) for name, numbers in data.get("lists", {}).items()},
        outside_numbers=tuple(data.get("outside_numbers", ())),
    )
    caller = {"number": "13800138000", "name": "", "phone": "", **data.get("caller", {})}
    interpreter = Interpreter(FlowSet(flows), world)
    dialled = caller.get("dialled", "02988880001")
    run = interpreter.new_run(flows[0], CallInfo("call-1", dialled, caller["number"], caller["name"], 0.0, caller["phone"]))
    run.variables.update(data.get("variables", {}))
    phones = {number: Phone(**phone) for number, phone in data.get("phones", {}).items()}
    answers = data.get("desk", {})

    def desk(command: do.AskDesk) -> DeskAnswered:
        outcome, *say = answers.get(command.verb, ["done"])
        return DeskAnswered(command.token, outcome, tuple(Prompt(name, command.language) for name in say))

    return kind(interpreter, run, phones=phones, broken_prompts=data.get("broken_prompts", ()), desk=desk)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def walk(case: Case, rehearsal: Rehearsal, *, stop_at: float | None = None) -> bool:
    """Play the script; False when ``stop_at`` (seconds) came first: the clock then stands there."""
    rehearsal.begin()
    for line in case.data.get("script", []):
        verb, _, argument = str(line).partition(" ")
        if stop_at is not None and verb in ("wait", "speak") and rehearsal.now + float(argument) >= stop_at:
            rest = stop_at - rehearsal.now
            rehearsal.wait(rest) if verb == "wait" else rehearsal.speak_for(rest)
            return False
        match verb:
            case "press":
                rehearsal.press(argument)
            case "wait":
                rehearsal.wait(float(argument))
            case "speak":
                rehearsal.speak_for(float(argument))
            case "hang":
                rehearsal.hang_up()
            case "restart":
                rehearsal.restart_engine(float(argument or 0))
            case _:
                raise ValueError(f"unknown line of a script: {line}")
    if stop_at is not None and stop_at >= rehearsal.now:
        rehearsal.wait(stop_at - rehearsal.now)
        return False
    if case.data.get("then") != "stay":
        rehearsal.run_to_end()
    return True


def spoken(item: Any) -> str:
    match item:
        case Prompt(name):
            return name
        case Speech(kind, value):
            return f"{kind}:{value}"
        case Tone(name):
            return name
        case Silence(milliseconds):
            return f"silence {milliseconds}"
        case RecordedFile():
            return "the recording"
        case Music():
            return "music"
    raise TypeError(item)


def heard(rehearsal: Rehearsal) -> list[str]:
    return [
        spoken(entry.item) + (" (cut)" if entry.cut else "") + (" (failed)" if entry.failed else "")
        for entry in rehearsal.transcript
        if isinstance(entry, HeardItem) and entry.at <= rehearsal.now
    ]


def rows(rehearsal: Rehearsal) -> list[do.LogStep]:
    return [command for command in rehearsal.commands if isinstance(command, do.LogStep)]


def trace(rehearsal: Rehearsal) -> list[str]:
    return [
        f"{row.step} {row.outcome}" + (f" [{row.label}]" if row.label else "") + (f" key {row.key}" if row.key else "")
        for row in rows(rehearsal)
    ]


def alarms(rehearsal: Rehearsal) -> list[str]:
    return [command.code for command in rehearsal.commands if isinstance(command, do.RaiseAlarm)]


def matches(command: do.Command, wanted: Any) -> bool:
    """``KeepMessage``, or ``{KeepMessage: {box: complaints}}``: the type's name and some of its fields."""
    name, fields = next(iter(wanted.items())) if isinstance(wanted, dict) else (wanted, {})
    return type(command).__name__ == name and all(_tuples(value) == getattr(command, key) for key, value in (fields or {}).items())


def check(case: Case, rehearsal: Rehearsal) -> None:
    expect = case.data["expect"]
    run = rehearsal.run
    if "heard" in expect:
        assert heard(rehearsal) == expect["heard"]
    if "trace" in expect:
        assert trace(rehearsal) == expect["trace"]
    for step, seconds in expect.get("left_at", {}).items():
        assert next(round(row.left_at, 3) for row in rows(rehearsal) if row.step == step) == seconds, f"{step} was left"
    if "ended" in expect:
        assert rehearsal.ended == expect["ended"]
    for name, value in expect.get("variables", {}).items():
        assert run.variables.get(name) == value, name
    for name in expect.get("unset", []):
        assert name not in run.variables and name not in run.secrets
    for name, value in expect.get("secrets", {}).items():
        assert run.secrets.get(name) == value, name
    wanted = list(expect.get("commands", []))
    for command in rehearsal.commands:
        if wanted and matches(command, wanted[0]):
            wanted.pop(0)
    assert not wanted, f"not asked for, or not in this order: {wanted}"
    for name in expect.get("never", []):
        assert not [command for command in rehearsal.commands if matches(command, name)], name
    assert alarms(rehearsal) == expect.get("alarms", [])
    if "seconds" in expect:
        assert round(rehearsal.now, 3) == expect["seconds"]
    if "waiting_in" in expect:
        assert not run.finished and run.frame.step == expect["waiting_in"]
    if "language" in expect:
        assert run.language == expect["language"]
    for text in expect.get("nowhere", []):
        everything = [repr(rehearsal.commands), repr(rehearsal.transcript), json.dumps(run.to_record()), repr(run.digits)]
        assert not [where for where in everything if text in where], f"{text} shows"


def moments(rehearsal: Rehearsal) -> list[float]:
    """When something happened on a call, and shortly after each."""
    times = {entry.at for entry in rehearsal.transcript if isinstance(entry, (HeardItem, CommandItem))}
    return sorted({round(time + late, 3) for time in times for late in (0.0, 0.3)})
