"""Whatever a flow says and whatever happens on the call, the interpreter never raises, never hangs and loses nothing."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivrengine.domain import commands as do
from ivrengine.domain import events as ev
from ivrengine.domain.audio import Prompt
from ivrengine.domain.blacklist import Blacklist, BlacklistEntry
from ivrengine.domain.caller import CallInfo
from ivrengine.flow.compile import compile_flow
from ivrengine.flow.flowset import Flow, FlowSet
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.limits import Limits
from ivrengine.flow.run import Run
from ivrengine.flow.waiting import WAITING
from ivrengine.flow.world import QueueFacts, QueuePlace, World

NAMES = [f"s{number}" for number in range(7)]
OUTSTANDING = ("playing", "recording", "collecting", "dialling", "waiting")
MOST_COMMANDS = 8 * Limits().steps_without_input * Limits().sub_flow_depth
LARGEST_RECORD = 64 * 1024

target = st.sampled_from(NAMES)
prompt = st.sampled_from(["welcome", "news/today", {"number": "count"}, {"digits": "entry"}, {"phone": "caller"}])
prompts = st.lists(prompt, max_size=2)
exit_ = st.one_of(target, st.builds(lambda go, say: {"go": go, "say": say}, target, prompts))
key = st.sampled_from("0123456789*#")
expression = st.sampled_from(
    [
        "count > 2",
        "number(entry) + 1",
        "entry + entry",
        "caller_name",
        "missing",
        '"%9999d" % 1',
        "count * 1000000",
        "length(pin)",
    ]
)
action = st.one_of(
    st.builds(lambda go: {"label": "Choice", "go": go}, target),
    st.builds(lambda what: {"label": "Choice", "do": what}, st.sampled_from(["repeat", "back", "hangup"])),
)


def _fields(**fields: Any) -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries(
        {name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in fields.items()}
    )


def _three_keys(keys: list[str]) -> dict:
    return {"prompt": "review", "listen": keys[0], "save": keys[1], "again": keys[2]}


STEPS = st.one_of(
    _fields(play=_fields(prompt=prompts, must_hear=st.booleans(), next=target)),
    _fields(say=_fields(number=expression, next=target)),
    _fields(answer=_fields(pause=st.sampled_from(["0s", "1s"]), next=target)),
    _fields(
        menu=_fields(
            prompt=prompts,
            greeting=prompts,
            choices=st.dictionaries(st.text("0123456789*#", min_size=1, max_size=3), action, min_size=1, max_size=4),
            barge_in=st.sampled_from(["matching", "any", "none"]),
            tries=st.integers(1, 3),
            no_input=exit_,
            no_match=exit_,
        )
    ),
    _fields(
        collect=_fields(
            variable=st.sampled_from(["entry", "count"]),
            prompt=prompts,
            digits=st.sampled_from(["0-3", "2", "1-20"]),
            terminator=st.sampled_from(["#", "*", "none"]),
            barge_in=st.sampled_from(["matching", "any", "none"]),
            confirm=_fields(before=prompts),
            next=target,
            no_input=exit_,
            no_match=exit_,
        )
    ),
    _fields(
        collect=_fields(variable="pin", secret="true", prompt=prompts, digits="9", next=target, no_input=exit_, no_match=exit_)
    ),
    _fields(page=_fields(pages=st.lists(prompts, min_size=1, max_size=3), offer=prompts, done=target)),
    _fields(branch=_fields(cases=st.lists(_fields(when=expression, go=target), min_size=1, max_size=3), otherwise=target)),
    _fields(set=_fields(values=st.dictionaries(st.sampled_from(["count", "entry", "x"]), expression, min_size=1), next=target)),
    _fields(by_hours=_fields(calendar=st.sampled_from(["office", "unknown"]), closed=target, open=target)),
    _fields(
        by_caller=_fields(rules=st.lists(_fields(list=st.sampled_from(["vip", "gone"]), go=target), min_size=1), otherwise=target)
    ),
    _fields(blacklist=_fields(blocked=target, allowed=target)),
    _fields(counter=_fields(counter="turns", next=target)),
    _fields(language=_fields(variable=expression, next=target)),
    _fields(sub_flow=_fields(flow=st.sampled_from(["one", "two", "nowhere"]), returns=_fields(done=target), otherwise=target)),
    _fields(**{"return": _fields(label=st.sampled_from(["done", "other"]))}),
    _fields(
        voicemail=st.one_of(
            _fields(box="box", prompt=prompts, next=target, failed=exit_),
            _fields(
                box="box",
                prompt=prompts,
                review=st.lists(key, min_size=3, max_size=3, unique=True).map(_three_keys),
                callback_number=_fields(prompt=prompts),
                saved=prompts,
                next=target,
            ),
        )
    ),
    _fields(record=_fields(name="statement", variable="entry", next=target, failed=exit_)),
    _fields(
        dial_extension=_fields(
            extension=st.sampled_from(["8001", "entry", "missing"]), prompt=prompts, answered=exit_, failed=exit_
        )
    ),
    _fields(transfer=_fields(number=st.sampled_from(["0298888", "0109999", "entry"]), screening=prompts, failed=exit_)),
    _fields(transfer=_fields(extension=st.sampled_from(["5000", "entry"]), failed=exit_)),
    _fields(
        queue=_fields(
            queue="one",
            needs=st.sampled_from([{}, {"english": "3"}, {"english": "count", "mandarin": "2"}]),
            priority=st.sampled_from(["5s", "count", "missing"]),
            sticky=st.sampled_from([{"agent": "last"}, {"agent": "entry"}]),
            max_waiting=st.integers(1, 9),
            welcome=prompts,
            music=prompts,
            announce=_fields(
                first="1s",
                every="5s",
                position=st.just([{"number": "position"}]),
                expected=st.just(["wait", {"number": "wait_most"}]),
                messages=st.lists(prompts, max_size=2),
                offer=prompts,
            ),
            choices=st.dictionaries(key, st.one_of(
                st.builds(lambda go, how: {"label": "Leave", "go": go, "leaves_as": how}, target,
                          st.sampled_from(["exit_key", "voicemail", "callback_requested"])),
                st.builds(lambda flow: {"label": "Hear", "do": "inform", "flow": flow}, st.sampled_from(["one", "two", "nowhere"])),
                st.just({"label": "Wait", "do": "wait"}),
            ), max_size=4),
            announce_agent=st.just(["agent", {"digits": "agent"}]),
            answered=exit_,
            failed=exit_,
        )
    ),
    _fields(queue=_fields(queue="two", failed=exit_)),
    _fields(callback=_fields(queue="one", prompt=prompts, digits="3-12", tries=st.integers(1, 2), accepted=exit_, failed=exit_)),
    _fields(callback=_fields(prompt=prompts, calendar=st.sampled_from(["office", "unknown"]), accepted=exit_, failed=exit_)),
    _fields(
        survey=_fields(
            survey="service",
            questions=st.lists(_fields(question="q", prompt=prompts, answers=st.dictionaries(key, st.just("good"), min_size=1)),
                               min_size=1, max_size=2),
            comment=_fields(prompt=prompts),
            next=target,
        )
    ),
    _fields(
        desk=_fields(
            verb="log_in",
            ask=st.just([{"name": "agent", "prompt": "a", "digits": "2-4"},
                         {"name": "pin", "prompt": "p", "digits": "1-9", "secret": "true"}]),
            done=exit_,
            refused=exit_,
            outside=exit_,
        )
    ),
    _fields(desk=_fields(verb="break", given=_fields(reason=expression), done=exit_, refused=exit_, outside=exit_)),
    _fields(hangup=_fields(prompt=prompts)),
)  # fmt: skip


@st.composite
def flow_texts(draw: st.DrawFn, name: str) -> str:
    flow: dict[str, Any] = {
        "flow": name,
        "languages": ["zh-CN", "en-US"],
        "start": draw(target),
        "steps": {step: draw(STEPS) for step in NAMES},
        "keys": draw(st.dictionaries(key, action, max_size=2)),
        "max_failed_entries": draw(st.sampled_from([1, 20])),
    }
    for optional in ("fallback", "on_hangup"):
        if draw(st.booleans()):
            flow[optional] = draw(target)
    return json.dumps(flow, indent=1)


def compiled(text: str) -> Flow:
    result = compile_flow(text, "random.yml")
    assert result.flow is not None, "\n".join([text, *map(str, result.findings)])
    return result.flow


class SomeQueues:
    def facts(self, queue: str) -> QueueFacts | None:
        return QueueFacts(waiting=3) if queue == "one" else None

    def place(self, token: str, now: float) -> QueuePlace | None:
        minute = int(now) % 3
        return None if not minute else QueuePlace(minute, 1.0, (minute, minute + 3) if int(now) % 2 else None)


class SometimesOpen:
    def label(self, calendar: str, now: float) -> str:
        return {"office": "open" if int(now) % 2 else "holiday"}[calendar]


WORLD = World(
    SometimesOpen(),
    SomeQueues(),
    blacklist=Blacklist([BlacklistEntry("138*")]),
    lists={"vip": frozenset({"139*", "+8613700137000"})},
    outside_numbers=("0298888", "139*"),
)
CALLERS = st.builds(
    lambda number, name, phone: CallInfo("call-1", "400", number, name, 0.0, phone),
    st.sampled_from(["", "13800138000", "+8613912345678", "${uuid}\n'"]),
    st.sampled_from(["", "Ann\nBob", "${system(rm)}", "x" * 10_000, "\u2028'\"^^,|", "名" * 3000]),
    st.sampled_from(["", "8001"]),
)


@st.composite
def happenings(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """What happens next: ``end`` ends whatever is outstanding, in one of its ways; ``stale`` tells of something long over."""
    kinds = ["end"] * 6 + ["press"] * 5 + ["time"] * 3 + ["stale", "resume", "hang_up"]
    return [(draw(st.sampled_from(kinds)), draw(st.integers(0, 9999))) for _ in range(draw(st.integers(0, 40)))]


def ends_of(token: str, pick: int, command: do.Command) -> ev.CallEvent:
    """One way in which a command may end."""
    match command:
        case do.Record(name=name):
            by = ("silence", "key", "limit", "hangup", "")[pick % 5]
            if not by:
                return ev.RecordingEnded(token, "failed", reason="disc full")
            return ev.RecordingEnded(token, "recorded", f"{name}.wav", (0, 1000, 4600, 90_000)[pick // 5 % 4], by)
        case do.CollectSecret():
            outcome = ("entered", "no_input", "failed")[pick % 3]
            return ev.SecretCollected(
                token, outcome, ("918273645", "7", "918273645918273645")[pick // 3 % 3] if outcome == "entered" else ""
            )
        case do.Dial():
            return ev.DialEnded(token, ("answered", "busy", "no_answer", "rejected", "unregistered", "failed")[pick % 6])
        case do.Answer():
            return ev.Answered(token)
        case do.Enqueue() | do.ReadyToTalk():
            events = (
                ev.AgentFound(token, "1001"), ev.AgentFound(token, "1001", "", "g.wav", True), ev.TalkBegan(token, "1001"),
                ev.AgentLost(token), ev.TalkPaused(token), ev.Requeued(token, "two"), ev.QueueEnded(token, "answered", "1001"),
                ev.QueueEnded(token, "timeout"), ev.QueueEnded(token, "callback_requested"),
            )  # fmt: skip
            return events[pick % len(events)]
        case do.LeaveQueue(outcome=outcome):
            return ev.QueueEnded(token, outcome)
        case do.RequestCallback():
            return ev.CallbackDecided(token, ("accepted", "duplicate", "not_allowed", "full", "failed")[pick % 5])
        case do.AskDesk():
            return ev.DeskAnswered(token, ("done", "refused", "locked")[pick % 3], (Prompt("state", "zh-CN"),) * (pick // 3 % 2))
        case _:
            return ev.PromptEnded(token, ("played", "played", "stopped", "failed")[pick % 4], "lost")


class Call:
    """One call, walked twice: as it is, and saved and loaded after every event. Both must ask for the same."""

    def __init__(self, interpreter: Interpreter, flow: Flow, call: CallInfo) -> None:
        self.interpreter = interpreter
        self.run, self.twin = interpreter.new_run(flow, call), interpreter.new_run(flow, call)
        self.now = 0.0
        self.commands: list[do.Command] = []
        self.open: dict[str, do.Command] = {}
        self.recorded: list[str] = []
        self.event: ev.CallEvent | None = None
        self.waiting: set[str] = set()  # tokens of Enqueue by which the run waits
        self.take(interpreter.start(self.run, 0.0), interpreter.start(self.twin, 0.0))

    def happen(self, kind: str, pick: int) -> None:
        match kind:
            case "press":
                self.feed(ev.DigitPressed("0123456789*#A"[pick % 13]))
            case "time":
                deadline = self.run.next_deadline()
                self.now = max(self.now + 0.5, deadline or 0.0)
                self.take(self.interpreter.expire(self.run, self.now), self.interpreter.expire(self.twin, self.now))
            case "end" if self.open:
                token = list(self.open)[pick % len(self.open)]
                command = self.open.pop(token)
                event = ends_of(token, pick, command)
                if isinstance(event, ev.QueueEvent) and not isinstance(event, ev.QueueEnded):
                    self.open[token] = command  # the waiting goes on
                wanted = not self.run.finished and self.run.frame.state.get("recording") == token
                if wanted and isinstance(event, ev.RecordingEnded) and event.outcome == "recorded":
                    self.recorded.append(event.path)
                self.feed(event)
                if isinstance(event, ev.RecordingEnded) and event.ended_by == "hangup":
                    self.feed(ev.CallerHungUp())
            case "stale":
                token = f"call-1:{pick % 5}"
                if token not in self.open:
                    self.feed(ends_of(token, pick, self.commands[pick % len(self.commands)]))
            case "resume":
                if pick % 2:
                    self.run.secrets, self.twin.secrets = {}, {}
                self.run.digits = self.twin.digits = ""
                self.open.clear()
                self.feed(ev.RunResumed())
            case "hang_up":
                self.feed(ev.CallerHungUp())

    def feed(self, event: ev.CallEvent) -> None:
        self.event = event
        self.take(self.interpreter.advance(self.run, event, self.now), self.interpreter.advance(self.twin, event, self.now))

    def take(self, commands: list[do.Command], same: list[do.Command]) -> None:
        assert commands == same, "saved and loaded, the call goes another way"
        self.commands += commands
        for command in commands:
            if token := getattr(command, "token", ""):
                self.open[token] = command
        self.check(commands)
        loaded = Run.from_record(json.loads(json.dumps(self.twin.to_record())))
        if not self.twin.finished:
            loaded.secrets, loaded.digits = dict(self.twin.secrets), self.twin.digits
            self.twin = loaded

    def check(self, commands: list[do.Command]) -> None:
        run = self.run
        self.check_waiting(commands)
        assert len(commands) <= MOST_COMMANDS
        assert all(command.items for command in commands if isinstance(command, do.Play))
        assert len(run.frames) <= Limits().sub_flow_depth
        assert len(run.digits) <= Limits().type_ahead
        assert run.steps_without_input <= Limits().steps_without_input + 1
        record = json.dumps(run.to_record())
        assert len(record) <= LARGEST_RECORD
        assert "918273645" not in record + repr(commands), "a secret shows"
        if run.finished:
            assert not run.timers
        else:
            assert run.timers or any(name in run.frame.state for name in OUTSTANDING), "nothing will ever happen"
        if run.hung_up:
            after = commands[[type(c).__name__ == "LogStep" for c in commands].index(True) :] if commands else []
            assert not [c for c in after if isinstance(c, (do.Play, do.Record, do.Dial, do.CollectSecret))]

    def check_waiting(self, commands: list[do.Command]) -> None:
        """Each waiting ends once: the queue is told, or has told it itself, or a callback has its place."""
        began = {command.token for command in commands if isinstance(command, do.Enqueue)}
        left = [command.token for command in commands if isinstance(command, do.LeaveQueue)]
        now = {frame.state[WAITING] for frame in self.run.frames if WAITING in frame.state}
        known = self.waiting | began
        assert now <= known and len(set(left)) == len(left) and set(left) <= known - now
        ended = {self.event.token} if isinstance(self.event, ev.QueueEnded) else set()
        taken = known if isinstance(self.event, ev.CallbackDecided) and self.event.outcome == "accepted" else set()
        for token in known - now - set(left):
            assert token in ended or token in taken, "a waiting is forgotten"
        assert not ended & set(left), "a waiting that is over is left once more"
        assert not (self.run.finished and now)
        self.waiting = now

    def finish(self) -> None:
        self.feed(ev.CallerHungUp())
        assert self.run.finished
        assert not self.interpreter.advance(self.run, ev.DigitPressed("1"), self.now)
        rows = [command.sequence for command in self.commands if isinstance(command, do.LogStep)]
        assert rows == list(range(len(rows)))
        settled = Counter(
            command.path for command in self.commands if isinstance(command, (do.KeepMessage, do.KeepRecording, do.DropRecording))
        ) + Counter(command.comment_path for command in self.commands if isinstance(command, do.KeepMark) and command.comment_path)
        assert settled == Counter(self.recorded), "each recording is kept or dropped, once"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(one=flow_texts("one"), two=flow_texts("two"), call=CALLERS, what=happenings())
def test_any_flow_on_any_call(one: str, two: str, call: CallInfo, what: list[tuple[str, Any]]) -> None:
    first, second = compiled(one), compiled(two)
    walked = Call(Interpreter(FlowSet([first, second]), WORLD), first, call)
    for kind, pick in what:
        walked.happen(kind, pick)
    walked.finish()
