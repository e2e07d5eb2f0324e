"""A call without a switch: performs a run's commands under a virtual clock and feeds back what a switch would tell.

Used wherever a flow is tried: ``ivrengine call``, flow tests, the browser, benches. It keeps FreeSWITCH's order of things
(a recording ends before the hang-up is told; the key that ends a recording is no key of the flow's), and nothing else of it:
no audio, no network. Time passes only by the calls below, so a rehearsal is exact and takes no time.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from ivrengine.domain import commands as do
from ivrengine.domain.audio import Audio, Music, Prompt, RecordedFile, Silence, Speech, Tone
from ivrengine.domain.events import (
    Answered,
    CallerHungUp,
    CallEvent,
    DeskAnswered,
    DialEnded,
    DigitPressed,
    PromptEnded,
    QueueEvent,
    RecordingEnded,
    RunResumed,
    SecretCollected,
)
from ivrengine.domain.sentence import Sentence

from .interpreter import Interpreter
from .rehearsed_queue import Planned, RehearsedQueues
from .run import Run

LONGEST_CALL_SECONDS = 24 * 3600.0
MOST_MOMENTS = 100_000  # things that may happen on one rehearsed call
HIDDEN_KEY = "*"


class RehearsalError(Exception):
    """The call did not come to rest within the limits of a rehearsal."""


@dataclass(frozen=True, slots=True)
class Phone:
    """How a dialled phone behaves: how long it rings before ``outcome``, and how long the talk is when it answers."""

    outcome: str = "answered"
    ring_seconds: float = 4.0
    talk_seconds: float = 30.0


@dataclass(slots=True)
class HeardItem:
    """One piece of audio that the caller heard, at ``at`` UTC seconds; ``cut`` when it was stopped before its end."""

    at: float
    item: Audio
    duration_ms: int
    cut: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True)
class KeyItem:
    """A key that the caller pressed; ``*`` for one of a secret."""

    at: float
    key: str


@dataclass(frozen=True, slots=True)
class CommandItem:
    """Anything else that the flow asked for: LogStep, Record, Dial, KeepMessage, Hangup..."""

    at: float
    command: do.Command


TranscriptItem = HeardItem | KeyItem | CommandItem


def usual_duration_ms(item: Audio) -> int:
    """How long a piece of audio lasts when nobody has measured it."""
    match item:
        case Silence(milliseconds):
            return milliseconds
        case Tone():
            return 500
        case Music():
            return round(LONGEST_CALL_SECONDS * 1000)
        case Speech(_, value):
            return 300 * max(1, len(value))
        case _:
            return 2000


def obliging_desk(command: do.AskDesk) -> DeskAnswered:
    return DeskAnswered(command.token, "done")


class Rehearsal:
    """One call. ``phones``: dialled number -> how it behaves; ``broken_prompts`` can't be played; ``desk`` answers phones of the
    house. Queues are those of the interpreter's world where they can be rehearsed; else an agent is found after a while.

    Keys, waiting and hanging up happen at ``now``; ``transcript`` tells what happened when.
    """

    __slots__ = (
        "interpreter", "run", "now", "transcript", "commands", "durations", "phones", "broken_prompts", "desk", "queues", "ended",
        "_agenda", "_order", "_moments", "_playing", "_recording", "_secret", "_dialling", "_recorded", "_last_heard",
    )  # fmt: skip

    def __init__(
        self,
        interpreter: Interpreter,
        run: Run,
        *,
        durations: Callable[[Audio], int] = usual_duration_ms,
        start_at: float = 0.0,
        phones: Mapping[str, Phone] | None = None,
        broken_prompts: Collection[str] = (),
        desk: Callable[[do.AskDesk], DeskAnswered] = obliging_desk,
    ) -> None:
        self.interpreter = interpreter
        self.run = run
        self.now = start_at
        self.durations = durations
        self.phones = phones or {}
        self.broken_prompts = broken_prompts
        self.desk = desk
        queues = interpreter.world.queues
        self.queues = queues if isinstance(queues, RehearsedQueues) else RehearsedQueues()
        self.transcript: list[TranscriptItem] = []
        self.commands: list[do.Command] = []
        self.ended = ""  # "", or how the call ended: hangup, caller_hung_up, handed_over
        self._agenda: list[tuple[float, int, CallEvent]] = []
        self._order = 0
        self._moments = 0
        self._playing: str | None = None
        self._recording: _Recording | None = None
        self._secret: _Secret | None = None
        self._dialling: str | None = None
        self._recorded: dict[str, int] = {}  # path -> ms
        self._last_heard: list[HeardItem] = []

    # -- what the caller does ------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The call comes in."""
        self._perform(self.interpreter.start(self.run, self.now))
        self._settle()

    def press(self, keys: str) -> None:
        """Press keys, all at this instant."""
        for key in keys:
            if self.run.finished:
                return
            hidden = self._secret is not None
            self.transcript.append(KeyItem(self.now, HIDDEN_KEY if hidden else key))
            if self._recording is not None and key in self._recording.command.finish_keys:
                self._end_recording("key")
            elif self._secret is not None:
                self._press_secret(self._secret, key)
            else:
                self._feed(DigitPressed(key))
            self._settle()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while not self.run.finished:
            moment = self._next_moment()
            if moment is None or moment > until:
                break
            self._go_to(moment)
        self.now = max(self.now, until) if not self.run.finished else self.now

    def speak_for(self, seconds: float) -> None:
        """Talk: while a recording runs, its silence begins anew afterwards."""
        until = self.now + seconds
        while not self.run.finished and self.now < until:
            recording = self._recording
            moment = self._next_moment()
            if recording is not None:
                recording.heard_until = until
                self._schedule_recording_end(recording)
                self.wait(min(until, recording.ends_at()) - self.now)
            elif moment is not None and moment <= until:
                self._go_to(moment)
            else:
                self.wait(until - self.now)

    def hang_up(self, cause: str = "NORMAL_CLEARING") -> None:
        """The caller hangs up. A recording that runs is told first, as the switch does."""
        if self.run.finished:
            return
        if self._recording is not None:
            self._end_recording("hangup")
        self._end("caller_hung_up")
        self._feed(CallerHungUp(cause))

    def restart_engine(self, down_seconds: float = 0.0) -> None:
        """Save the run, lose everything else, and load it ``down_seconds`` later; what the switch told meanwhile is lost.

        As in the real engine's recovery, a prompt that still plays is cut, and a recording, a dialling or an entry goes on.
        """
        record = json.dumps(self.run.to_record())
        until = self.now + down_seconds
        self.queues.engine_is_down(self.now, until)
        while self._agenda and self._agenda[0][0] <= until:
            moment, _, event = heapq.heappop(self._agenda)
            self.now = max(self.now, moment)
            self._switch_is_done_with(event)
        self.now = until
        self.run = Run.from_record(json.loads(record))
        self._playing = None
        self._cut()
        if self._recording or self._secret or self._dialling:
            self._expire()
        else:
            self._feed(RunResumed())
        self._settle()

    def run_to_end(self) -> None:
        """Do nothing more until the call is over."""
        self.wait(LONGEST_CALL_SECONDS)
        if not self.run.finished:
            raise RehearsalError(Sentence("the call is not over after %(hours).0f hours of waiting", hours=LONGEST_CALL_SECONDS / 3600))

    @property
    def hearing(self) -> bool:
        """Whether something plays at this moment that has an end; hold music has none."""
        return self._playing is not None and not any(isinstance(heard.item, Music) for heard in self._last_heard)

    @property
    def is_recording(self) -> bool:
        return self._recording is not None

    def next_moment(self) -> float | None:
        """UTC seconds when something will happen by itself; None when only the caller can move the call on."""
        return None if self.run.finished else self._next_moment()

    # -- time ----------------------------------------------------------------------------------------------------------

    def _next_moment(self) -> float | None:
        agenda = self._agenda
        while agenda and not self._still_wanted(agenda[0][2]):
            heapq.heappop(agenda)
        timers = self.run.timers
        if not timers:
            return agenda[0][0] if agenda else None
        due = min(timers.values())
        return min(due, agenda[0][0]) if agenda else due

    def _go_to(self, moment: float) -> None:
        self._moments += 1
        if self._moments > MOST_MOMENTS:
            raise RehearsalError(Sentence("more than %(most)s things happened on one call", most=MOST_MOMENTS))
        if moment > self.now:
            self.now = moment
        if self._agenda and self._agenda[0][0] <= self.now:
            event = heapq.heappop(self._agenda)[2]
            self._switch_is_done_with(event)
            self._feed(event)
        else:
            self._expire()

    def _expire(self) -> None:
        self._perform(self.interpreter.expire(self.run, self.now))

    def _settle(self) -> None:
        """Let everything happen that is due now."""
        while not self.run.finished:
            moment = self._next_moment()
            if moment is None or moment > self.now:
                return
            self._go_to(moment)

    def _plan(self, planned: Iterable[Planned]) -> None:
        for moment, event in planned:
            self._at(moment, event)

    def _at(self, moment: float, event: CallEvent) -> None:
        self._order += 1
        heapq.heappush(self._agenda, (moment, self._order, event))

    def _feed(self, event: CallEvent) -> None:
        self._perform(self.interpreter.advance(self.run, event, self.now))

    # -- the switch ----------------------------------------------------------------------------------------------------

    def _still_wanted(self, event: CallEvent) -> bool:
        """False for the planned end of something that has ended otherwise."""
        match event:
            case PromptEnded(token, "played" | "failed"):
                return token == self._playing
            case RecordingEnded(token):
                return self._recording is not None and self._recording.command.token == token and self._recording.planned is event
            case SecretCollected(token):
                return self._secret is not None and self._secret.command.token == token and self._secret.planned is event
            case DialEnded(token):
                return token == self._dialling
            case _ if isinstance(event, QueueEvent):
                return self.queues.expects(event)
        return True

    def _switch_is_done_with(self, event: CallEvent) -> None:
        match event:
            case PromptEnded(_, "played" | "failed"):
                self._playing = None
                self._last_heard = []
            case RecordingEnded():
                self._recording = None
            case SecretCollected():
                self._secret = None
            case DialEnded():
                self._dialling = None
            case _ if isinstance(event, QueueEvent):
                self._plan(self.queues.happened(event, self.now))

    def _perform(self, commands: Iterable[do.Command]) -> None:
        for command in commands:
            self.commands.append(command)
            match command:
                case do.Play():
                    self._play(command)
                case do.StopPlaying():
                    self._stop()
                    self.transcript.append(CommandItem(self.now, command))
                case do.Answer(token):
                    self._at(self.now, Answered(token))
                    self.transcript.append(CommandItem(self.now, command))
                case _:
                    self.transcript.append(CommandItem(self.now, command))
                    self._perform_other(command)

    def _perform_other(self, command: do.Command) -> None:
        match command:
            case do.Record():
                self._recording = _Recording(command, self.now, self.now)
                self._schedule_recording_end(self._recording)
            case do.CollectSecret():
                self._collect_secret(command)
            case do.Dial():
                self._dial(command)
            case do.Hangup():
                self._end("hangup")
            case do.HandOver():
                self._end("handed_over")
            case do.AskDesk():
                self._at(self.now, self.desk(command))
            case _:
                self._plan(self.queues.asked(command, self.now))

    def _end(self, how: str) -> None:
        self.ended = self.ended or how
        self._playing = self._recording = self._secret = self._dialling = None
        self._cut()

    def _play(self, command: do.Play) -> None:
        self._playing = command.token
        end, failed = self._sound(command.items)
        if failed:
            self._at(end, PromptEnded(command.token, "failed", "the file is not there"))
        else:
            self._at(end, PromptEnded(command.token, "played"))

    def _sound(self, items: Iterable[Audio]) -> tuple[float, bool]:
        """Put what is heard into the transcript; (when it ends, whether it fails there)."""
        at = self.now
        self._last_heard = []
        for item in items:
            if self.broken_prompts and isinstance(item, Prompt) and item.name in self.broken_prompts:
                self.transcript.append(HeardItem(at, item, 0, failed=True))
                return at, True
            duration_ms = self._recorded.get(item.path, 2000) if isinstance(item, RecordedFile) else self.durations(item)
            heard = HeardItem(at, item, duration_ms)
            self._last_heard.append(heard)
            self.transcript.append(heard)
            at += duration_ms / 1000
        return at, False

    def _stop(self) -> None:
        if self._playing is not None:
            self._at(self.now, PromptEnded(self._playing, "stopped"))
            self._playing = None
            self._cut()

    def _cut(self) -> None:
        """Take back what has not been heard yet."""
        for heard in self._last_heard:
            if heard.at >= self.now and heard.duration_ms:
                self.transcript.remove(heard)
            elif heard.at + heard.duration_ms / 1000 > self.now:
                heard.cut = True
                heard.duration_ms = round((self.now - heard.at) * 1000)
        self._last_heard = []

    # -- recordings ----------------------------------------------------------------------------------------------------

    def _schedule_recording_end(self, recording: _Recording) -> None:
        recording.planned = recording.end(recording.ends_at(), recording.ends_by())
        self._recorded[recording.planned.path] = recording.planned.duration_ms
        self._at(recording.ends_at(), recording.planned)

    def _end_recording(self, ended_by: str) -> None:
        recording = self._recording
        if recording is not None:
            event = recording.end(self.now, ended_by)
            self._recorded[event.path] = event.duration_ms
            self._recording = None
            self._feed(event)

    # -- secrets and phones --------------------------------------------------------------------------------------------

    def _collect_secret(self, command: do.CollectSecret) -> None:
        end, failed = self._sound(command.items)
        self._secret = _Secret(command)
        if failed:
            self._plan_secret(self._secret, end, SecretCollected(command.token, "failed"))
        else:
            self._plan_secret(self._secret, end + command.first_digit_seconds, SecretCollected(command.token, "no_input"))

    def _press_secret(self, secret: _Secret, key: str) -> None:
        self._cut()
        command = secret.command
        if command.terminator and key == command.terminator:
            end = self.now
        else:
            secret.digits += key
            end = self.now if len(secret.digits) >= command.most else self.now + command.between_digits_seconds
        outcome = "entered" if len(secret.digits) >= max(1, command.least) else "no_input"
        self._plan_secret(secret, end, SecretCollected(command.token, outcome, secret.digits if outcome == "entered" else ""))

    def _plan_secret(self, secret: _Secret, at: float, event: SecretCollected) -> None:
        secret.planned = event
        self._at(at, event)

    def _dial(self, command: do.Dial) -> None:
        self._dialling = command.token
        phone = self.phones.get(command.number, Phone("unregistered", 0.0, 0.0))
        if phone.outcome == "answered" and phone.ring_seconds <= command.ring_seconds:
            end = self.now + phone.ring_seconds + phone.talk_seconds
            self._at(end, DialEnded(command.token, "answered", "NORMAL_CLEARING", round(phone.talk_seconds * 1000)))
            return
        rings_out = phone.outcome in ("answered", "no_answer")
        outcome = "no_answer" if rings_out else phone.outcome
        end = self.now + (command.ring_seconds if rings_out else min(phone.ring_seconds, command.ring_seconds))
        self._at(end, DialEnded(command.token, outcome, outcome.upper()))  # type: ignore[arg-type]


@dataclass(slots=True)
class _Recording:
    command: do.Record
    began_at: float
    heard_until: float
    planned: RecordingEnded | None = None

    def ends_at(self) -> float:
        return min(self.began_at + self.command.max_seconds, self.heard_until + self.command.silence_seconds)

    def ends_by(self) -> str:
        silent = self.heard_until + self.command.silence_seconds < self.began_at + self.command.max_seconds
        return "silence" if silent else "limit"

    def end(self, at: float, ended_by: str) -> RecordingEnded:
        path = f"recordings/{self.command.name}.wav"
        duration_ms = round((at - self.began_at) * 1000)
        return RecordingEnded(self.command.token, "recorded", path, duration_ms, ended_by)  # type: ignore[arg-type]


@dataclass(slots=True)
class _Secret:
    command: do.CollectSecret
    digits: str = ""
    planned: SecretCollected | None = None
