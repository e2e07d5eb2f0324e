"""Wait in a queue for an agent, and talk.

```yaml
person:
  queue:
    queue: circulation
    needs: {complaints: 3, english: '1 if language == "en-US" else 0'}   # skill: least level 1-10; 0 is no need
    relax:                           # from then on exactly these needs hold; they can only become less
      - {after: 20s, needs: {complaints: 1}}
    priority: '60 if level == "gold" else 0'    # a head start: seconds, or a duration such as 60s
    sticky: {agent: last, wait: 15s}   # the one who served this caller last is asked alone for so long
    max_wait: 10m                    # then timeout; the queue's own limit, when left out
    max_waiting: 20                  # with so many waiting already: refused_full
    max_expected: 15m                # with a longer expected wait: too_long
    welcome: [queue/welcome]
    music: [music/waltz]             # again and again; the switch's hold music, when left out
    announce:
      first: 15s
      every: 40s                     # music in between
      position: [queue/you_are, {number: position}, queue/in_line]
      next_in_line: [queue/you_are_next]        # instead, for the first one
      expected: [queue/wait, {number: wait_least}, queue/to, {number: wait_most}, queue/minutes]
      expected_soon: [queue/soon]    # instead, where the wait may be under a minute
      messages: [queue/patience, [queue/website]]   # each a prompt or a list of them; one each time, in turn
      offer: [queue/offer]           # what the keys mean
    choices:                         # keys that work while the caller waits
      1: {label: Message, go: message, leaves_as: voicemail}
      2: {label: Opening hours, do: inform, flow: opening_hours}
      3: {label: Call back, do: inform, flow: call_me}
      4: {label: Wait, do: wait}
    announce_recording: [queue/recorded]        # where the talk is recorded and the queue wants it told
    announce_agent: [queue/agent, {digits: agent}]   # then the agent's own greeting, where there is one
    answered: survey                 # after the talk; the call ends, when left out
    refused_empty: operator
    callback_requested: thanks       # a callback has taken the place; the call ends, when left out
    failed: {say: [sorry], go: message}   # where the branches lead that are not given
```

Branches: `answered`, `timeout`, `no_agent`, `refused_full`, `refused_empty`, `too_long`, `callback_requested`, `failed`.

`do: inform` walks through another flow and comes back to the same place in line; the moment an agent is found, that flow is cut.
``refused_empty`` and ``no_agent`` are said of the caller's own needs: nobody is logged in (any more) who could serve them, fully relaxed.
Who is kept out by ``max_waiting`` counts as refused in reports, who is by ``max_expected`` as offered and sent elsewhere.
The place and the expected wait are announced only where something honest can be said, and the expected wait never grows. Keys
typed ahead are forgotten on entry, keys pressed once an agent has been found are ignored. The flow's own keys don't work here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from ivrengine.domain.audio import Audio, Music, RecordedFile
from ivrengine.domain.commands import Enqueue, Hangup, LeaveQueue, ReadyToTalk, TurnedAway
from ivrengine.domain.events import (
    AgentFound,
    AgentLost,
    CallEvent,
    DigitPressed,
    PromptEnded,
    QueueEnded,
    Requeued,
    TalkBegan,
    TalkPaused,
    TimerExpired,
)
from ivrengine.domain.sentence import Sentence

from ..context import StepContext
from ..expressions import Expression, ExpressionError
from ..keyfields import Key, refusal
from ..leaving import leave
from ..needing import NeedingSpec, head_start_seconds, rings
from ..step import WAIT, End, EnterFlow, Go, Result, Step, step
from ..types import Exit, FlowRef, Prompts, QueueRef, Seconds, StepRef, StepSpec
from ..waiting import ASKED, WAITING, as_command, as_record

ANNOUNCE, MUSIC, ATTACH = "announce", "music", "attach"  # timers
SHORTEST_MUSIC_SECONDS = 1.0  # what ends sooner is no music, and must not be begun again at once
MUSIC_PAUSE_SECONDS = 5.0
MUSIC_TRIES = 3  # then the caller waits without music, and hears the announcements
ATTACH_SECONDS = 10.0  # after a restart, for the call centre to tell what became of an agent who had been found
OWN_NAMES = frozenset({"position", "wait_least", "wait_most", "agent"})
AGENT_NUMBER_LIMIT = 20  # digits of "the same agent" that an expression makes


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, (str, dict)) else value


class Announce(StepSpec):
    first: Seconds = Field(default=15.0, ge=1, le=3600)
    every: Seconds = Field(default=40.0, ge=5, le=3600)
    position: Prompts = ()
    next_in_line: Prompts = ()
    expected: Prompts = ()
    expected_soon: Prompts = ()
    messages: Annotated[tuple[Prompts, ...], BeforeValidator(_one_or_many), Field(max_length=50)] = ()
    offer: Prompts = ()


class WaitingChoice(StepSpec):
    label: str = Field(min_length=1, max_length=80)
    go: StepRef | None = None
    leaves_as: Literal["exit_key", "voicemail", "callback_requested"] = "exit_key"
    do: Literal["inform", "wait"] | None = None
    flow: FlowRef | None = None
    version: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None

    @model_validator(mode="after")
    def _one_of_three(self) -> WaitingChoice:
        if (self.go is None) == (self.do is None):
            raise refusal(Sentence("give either go: (a step) or do: (inform or wait)"))
        if (self.do == "inform") != (self.flow is not None):
            raise refusal(Sentence("do: inform needs flow: (which one is heard), and nothing else has one"))
        return self


def _sticky_agent(value: Any) -> Any:
    if value == "last" or isinstance(value, Expression):
        return value
    try:
        return Expression(str(value))
    except ExpressionError as error:
        raise refusal(Sentence("neither last nor an expression that makes an agent's number: %(error)s", error=error)) from None


class Sticky(StepSpec):
    agent: Annotated[Literal["last"] | Expression, PlainValidator(_sticky_agent)] = "last"
    wait: Seconds = Field(default=15.0, gt=0, le=3600)


class QueueSpec(NeedingSpec):
    queue: QueueRef
    sticky: Sticky | None = None
    max_wait: Seconds | None = Field(default=None, ge=1)
    max_waiting: int | None = Field(default=None, ge=1, le=100_000)
    max_expected: Seconds | None = Field(default=None, ge=1)
    welcome: Prompts = ()
    music: Prompts = ()
    announce: Announce | None = None
    choices: dict[Key, WaitingChoice] = {}
    announce_recording: Prompts = ()
    announce_agent: Prompts = ()
    answered: Exit | None = None
    timeout: Exit | None = None
    no_agent: Exit | None = None
    refused_full: Exit | None = None
    refused_empty: Exit | None = None
    too_long: Exit | None = None
    callback_requested: Exit | None = None
    failed: Exit


@step("queue", QueueSpec)
class Queue(Step):
    """State: ``waiting`` (the token), ``asked``, and ``phase``:

    saying, music (waiting) - found, ready (an agent has been found) - talking, paused. ``said``: the last band of minutes.
    """

    waits_for_caller = True

    def own_names(self, spec: QueueSpec) -> frozenset[str]:
        return OWN_NAMES

    def may_end(self, spec: QueueSpec) -> bool:
        return spec.answered is None

    def enter(self, context: StepContext) -> Result:
        context.flush_digits()
        spec: QueueSpec = context.spec
        facts = context.world.queues.facts(spec.queue)
        if facts is not None and spec.max_waiting is not None and facts.waiting >= spec.max_waiting:
            context.emit(TurnedAway(context.new_token(), str(spec.queue), "refused_full"))
            return self._leave(context, "refused_full", f"{facts.waiting} are waiting")
        expected = facts.expected_wait_seconds if facts is not None else None
        if expected is not None and spec.max_expected is not None and expected > spec.max_expected:
            context.emit(TurnedAway(context.new_token(), str(spec.queue), "flow_out"))
            return self._leave(context, "too_long", f"the expected wait is {expected:.0f} s")
        context.answer()
        command = self._wanted(context)
        context.state.update({WAITING: command.token, ASKED: as_record(command)})
        context.emit(command)
        items = context.audio(spec.welcome)
        return self._say(context, items) if items else self._music(context)

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        match event:
            case DigitPressed():
                return self._keys(context)
            case PromptEnded():
                return self._sound_over(context) if context.prompt_over(event) else WAIT
            case TimerExpired("announce"):
                return self._announce(context)
            case TimerExpired("music"):
                return self._music(context)
            case TimerExpired("attach"):
                return self._wait_on(context)
            case AgentFound():
                return self._found(context, event)
            case AgentLost():
                return WAIT if self._waits(context) else self._wait_on(context)
            case TalkBegan():
                return self._quiet(context, "talking")
            case TalkPaused():
                return self._pause(context)
            case Requeued():
                context.state.pop("said", None)
                return self._wait_on(context)
            case QueueEnded():
                return self._ended(context, event)
        return WAIT

    def resume(self, context: StepContext) -> Result:
        state = context.state
        if WAITING not in state:
            return super().resume(context)
        state.pop("playing", None)
        self.resume_waiting(context)
        if self._waits(context):
            return self._music(context)
        if state["phase"] in ("found", "ready"):  # whether that agent is still there, an event will tell
            context.start_timer(ATTACH, ATTACH_SECONDS)
        return WAIT

    def resume_waiting(self, context: StepContext) -> None:
        context.emit(as_command(context.state[ASKED]))

    def returned(self, context: StepContext, label: str) -> Result:
        if WAITING not in context.state:  # a callback has taken the place
            return self._leave(context, "callback_requested", label)
        return self._music(context)

    # -- asking --------------------------------------------------------------------------------------------------------

    def _wanted(self, context: StepContext) -> Enqueue:
        spec: QueueSpec = context.spec
        sticky = spec.sticky
        return Enqueue(
            context.new_token(), str(spec.queue), rings(context, spec), head_start_seconds(context, spec),
            self._sticky_agent(context, sticky) if sticky else "", sticky.wait if sticky else 0.0, spec.max_wait or 0.0,
        )  # fmt: skip

    def _sticky_agent(self, context: StepContext, sticky: Sticky) -> str:
        if not isinstance(sticky.agent, Expression):
            return sticky.agent
        try:
            agent = str(context.evaluate(sticky.agent))
        except ExpressionError as error:
            context.alarm("expression_failed", str(error))
            return ""
        return agent if agent.isdigit() and len(agent) <= AGENT_NUMBER_LIMIT else ""

    # -- waiting -------------------------------------------------------------------------------------------------------

    def _waits(self, context: StepContext) -> bool:
        return context.state.get("phase") in ("saying", "music")

    def _say(self, context: StepContext, items: tuple[Audio, ...]) -> Result:
        context.stop_playing()
        context.cancel_timer(MUSIC)
        context.state["phase"] = "saying"
        context.play(items)
        return WAIT

    def _music(self, context: StepContext) -> Result:
        """Music, until something is to be announced."""
        announce: Announce | None = context.spec.announce
        if announce is not None and ANNOUNCE not in context.run.timers:
            context.start_timer(ANNOUNCE, announce.every if context.state.get("announced") else announce.first)
        context.state["phase"] = "music"
        return self._play_music(context)

    def _play_music(self, context: StepContext) -> Result:
        state = context.state
        context.stop_playing()
        if state.get("music_failed", 0) < MUSIC_TRIES:
            state["music_at"] = context.now
            context.play(context.audio(context.spec.music) or (Music(),))
        return WAIT

    def _sound_over(self, context: StepContext) -> Result:
        state = context.state
        match state["phase"]:
            case "saying":
                return self._music(context)
            case "found":
                return self._ready(context)
            case "music" | "paused":
                failed = context.failed_prompt is not None
                state["music_failed"] = state.get("music_failed", 0) + 1 if failed else 0
                if failed or context.now - state["music_at"] < SHORTEST_MUSIC_SECONDS:
                    context.start_timer(MUSIC, MUSIC_PAUSE_SECONDS)
                    return WAIT
                return self._play_music(context)
        return WAIT

    def _wait_on(self, context: StepContext) -> Result:
        """Back in line, after an agent had been found or had talked."""
        context.run.timers.clear()
        context.flush_digits()
        return self._music(context)

    # -- announcements -------------------------------------------------------------------------------------------------

    def _announce(self, context: StepContext) -> Result:
        if not self._waits(context):
            return WAIT
        context.state["announced"] = True
        items = self._announcement(context)
        if items:
            return self._say(context, items)
        context.start_timer(ANNOUNCE, context.spec.announce.every)
        return WAIT

    def _announcement(self, context: StepContext) -> tuple[Audio, ...]:
        wanted: Announce = context.spec.announce
        items = self._place(context, wanted)
        if wanted.messages:
            number = context.state.get("message", 0) % len(wanted.messages)
            context.state["message"] = number + 1
            items += context.audio(wanted.messages[number], names=_names())
        return items + context.audio(wanted.offer, names=_names())

    def _place(self, context: StepContext, wanted: Announce) -> tuple[Audio, ...]:
        place = context.world.queues.place(context.state[WAITING], context.now)
        if place is None:
            return ()
        next_in_line = place.position == 1 and wanted.next_in_line
        items = context.audio(next_in_line or wanted.position, names=_names(position=place.position))
        band, said = place.wait_minutes, context.state.get("said")
        if band is None or (said is not None and band[1] > said[1]):
            return items  # unsure, or more than what was promised before
        context.state["said"] = list(band)
        soon = band[0] == 0 and wanted.expected_soon
        return items + context.audio(soon or wanted.expected, names=_names(wait_least=band[0], wait_most=band[1]))

    # -- keys ----------------------------------------------------------------------------------------------------------

    def _keys(self, context: StepContext) -> Result:
        keys = context.take_digits()
        if not self._waits(context):
            return WAIT
        for index, key in enumerate(keys):
            choice: WaitingChoice | None = context.spec.choices.get(key)
            if choice is not None:
                context.put_back(keys[index + 1 :])
                return self._choose(context, key, choice)
        return WAIT

    def _choose(self, context: StepContext, key: str, choice: WaitingChoice) -> Result:
        if choice.do == "wait":
            return self._music(context) if context.state["phase"] == "saying" else WAIT
        if choice.flow is not None:
            return EnterFlow(str(choice.flow), choice.version, choice.label, key)
        if choice.leaves_as == "callback_requested":
            context.run.place_kept = context.state[ASKED]
        context.emit(LeaveQueue(context.state.pop(WAITING), choice.leaves_as))
        return Go(str(choice.go), choice.leaves_as, choice.label, key)

    # -- the agent -----------------------------------------------------------------------------------------------------

    def _quiet(self, context: StepContext, phase: str) -> Result:
        """Nothing plays, no timer runs, and no key means anything."""
        context.flush_digits()
        context.stop_playing()
        context.run.timers.clear()
        context.state["phase"] = phase
        return WAIT

    def _found(self, context: StepContext, event: AgentFound) -> Result:
        self._quiet(context, "found")
        spec: QueueSpec = context.spec
        names = _names(agent=event.agent)
        items = context.audio(spec.announce_recording, names=names) if event.announce_recording else ()
        items += context.audio(spec.announce_agent, names=names)
        items += (RecordedFile(event.greeting),) if event.greeting else ()
        if not items:
            return self._ready(context)
        context.play(items)
        return WAIT

    def _ready(self, context: StepContext) -> Result:
        context.state["phase"] = "ready"
        context.emit(ReadyToTalk(context.state[WAITING]))
        return WAIT

    def _pause(self, context: StepContext) -> Result:
        self._quiet(context, "paused")
        return self._play_music(context)

    # -- the end -------------------------------------------------------------------------------------------------------

    def _ended(self, context: StepContext, event: QueueEnded) -> Result:
        self._quiet(context, "over")
        del context.state[WAITING]
        return self._leave(context, event.outcome, event.detail)

    def _leave(self, context: StepContext, outcome: str, detail: str) -> Result:
        spec: QueueSpec = context.spec
        exits = {
            "answered": spec.answered, "timeout": spec.timeout, "no_agent": spec.no_agent, "refused_full": spec.refused_full,
            "refused_empty": spec.refused_empty, "too_long": spec.too_long, "callback_requested": spec.callback_requested,
        }  # fmt: skip
        exit = exits.get(outcome)
        if exit is None and outcome in ("answered", "callback_requested"):
            context.stop_playing()
            context.emit(Hangup())
            return End(outcome)
        return leave(context, exit or spec.failed, outcome, detail=detail)


def _names(**known: Any) -> dict[str, Any]:
    """All of the step's own names; what is not known now has no sound."""
    return dict.fromkeys(OWN_NAMES, "") | known
