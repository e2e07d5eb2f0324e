"""Walks a run through its flow: one event in, commands out. No clock, no socket, no waiting.

``start``, ``advance`` and ``expire`` change the run in place and return what the world must do. Whatever goes wrong inside
a step sends the caller to the flow's fallback and raises an alarm; if that fails too, the call is handed to the switch's own
fallback, so that nobody ever hears mere silence.
"""

from __future__ import annotations

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import Command, HandOver, LogStep, RaiseAlarm, StopPlaying
from ivrengine.domain.events import (
    AgentFound,
    AgentLost,
    Answered,
    CallerHungUp,
    CallEvent,
    DigitPressed,
    PromptEnded,
    QueueEnded,
    QueueEvent,
    Requeued,
    RunResumed,
    TalkPaused,
    TimerExpired,
)
from ivrengine.domain.sentence import Sentence

from .context import StepContext
from .flowset import Flow, FlowSource
from .leaving import LEAVING, act, continue_leaving
from .limits import LONGEST_SENTENCE, EdgeFailed, FlowLoops, Limits
from .run import Frame, Run
from .step import WAIT, End, EnterFlow, Go, GoBack, Result, Return, Wait
from .types import KEYS, KeyAction
from .waiting import WAITING, depth_of, give_up, place_is_taken, waiting_token
from .world import World

_WAITS_ON = AgentLost | Requeued | TalkPaused  # told again to one who hears something meanwhile, they mean: nothing has changed


class Interpreter:
    """One for all calls: it holds no call's state. ``flows`` gives published flows by name and version."""

    def __init__(self, flows: FlowSource, world: World, limits: Limits = Limits()) -> None:
        self.flows = flows
        self.world = world
        self.limits = limits

    # -- entries -------------------------------------------------------------------------------------------------------

    def new_run(self, flow: Flow, call: CallInfo) -> Run:
        return Run(call=call, frames=[Frame(flow.name, flow.version, flow.start)], language=flow.languages[0])

    def start(self, run: Run, now: float) -> list[Command]:
        """Enter the first step of a new run."""
        commands: list[Command] = []
        self._enter(run, run.frame.step, now, commands)
        return commands

    def advance(self, run: Run, event: CallEvent, now: float) -> list[Command]:
        """Feed one event. A finished run ignores all events."""
        commands: list[Command] = []
        if run.finished:
            return commands
        if isinstance(event, CallerHungUp):
            self._hang_up(run, event, now, commands)
            return commands
        if isinstance(event, Answered):
            run.answered = True
            return commands
        if isinstance(event, DigitPressed):
            if event.digit not in KEYS or len(run.digits) >= self.limits.type_ahead:
                return commands
            run.digits += event.digit
            run.steps_without_input = 0
        if isinstance(event, PromptEnded) and event.token != run.frames[-1].state.get("playing"):
            return commands  # the end of a prompt that was cut: nobody waits for it
        if isinstance(event, QueueEvent) and not self._bring_back(run, event, now, commands):
            return commands
        try:
            context = self._context(run, now, commands)
            result = self._deliver(context, event)
        except Exception as error:  # whatever a step does wrong must not cost the caller the call
            self._fall_back(run, error, now, commands)
            return commands
        self._follow(run, result, now, commands)
        return commands

    def expire(self, run: Run, now: float) -> list[Command]:
        """Fire every timer that is due, the earliest first."""
        commands: list[Command] = []
        while not run.finished and run.timers:
            name = min(run.timers, key=run.timers.__getitem__)
            if run.timers[name] > now:
                break
            del run.timers[name]
            commands += self.advance(run, TimerExpired(name), now)
        return commands

    def _deliver(self, context: StepContext, event: CallEvent) -> Result:
        if isinstance(event, RunResumed):
            return self._resume(context)
        if LEAVING in context.state:
            return continue_leaving(context, event)
        if isinstance(event, DigitPressed) and (action := self._flow_key(context)):
            return act(context, *action)
        return context.compiled.implementation.handle(context, event)

    def _bring_back(self, run: Run, event: QueueEvent, now: float, commands: list[Command]) -> bool:
        """Make the step that waits in the queue the present one: what it had the caller hear meanwhile is cut off.

        False when nobody waits for the event, or it changes nothing for a caller who is not in that step.
        """
        depth = depth_of(run, event.token)
        elsewhere = depth is not None and depth < len(run.frames) - 1
        if depth is None or (elsewhere and isinstance(event, _WAITS_ON)):
            return False
        if elsewhere and isinstance(event, QueueEnded) and event.outcome == "callback_requested":
            place_is_taken(run, event.token)  # by the callback that is being agreed there: its own answer follows
            return False
        if elsewhere:
            self._abandon(run, now, commands)
            detail = "an agent is there" if isinstance(event, AgentFound) else "the waiting is over"
            self._log_quietly(run, now, commands, "interrupted", detail)
            self._drop_frames_above(run, depth, commands)
            run.frame.entered_at = now
            run.digits = ""
        return True

    def fail(self, run: Run, now: float, code: str, sentence: str) -> list[Command]:
        """The world could not do what the step needs: on to the flow's fallback, as after a fault inside the step.

        Where the flow was about to end with that, the switch's own fallback helps a caller who is still there.
        """
        commands: list[Command] = []
        if not run.finished:
            self._fall_back(run, EdgeFailed(sentence), now, commands, code)
            return commands
        commands.append(RaiseAlarm(code, sentence[:LONGEST_SENTENCE], f"{run.frame.flow}:{run.frame.step}"))
        if not run.hung_up:
            commands.append(HandOver("fallback", code))
        return commands

    def abandon(self, run: Run, now: float, reason: str) -> list[Command]:
        """Let go of a call from outside the flow: keep what its step holds, and give it to the switch's fallback."""
        commands: list[Command] = []
        if not run.finished:
            self._abandon(run, now, commands)
            self._log_quietly(run, now, commands, "abandoned", reason)
            give_up(run.frames, "flow_out", commands)
            commands.append(HandOver("fallback", reason))
            run.finished = True
        return commands

    # -- moving through steps ------------------------------------------------------------------------------------------

    def _context(self, run: Run, now: float, commands: list[Command], depth: int = -1) -> StepContext:
        frame = run.frames[depth]
        flow = self.flows.get(frame.flow, frame.version)
        return StepContext(run, frame, flow, flow.steps[frame.step], self.world, now, commands)

    def _enter(self, run: Run, name: str, now: float, commands: list[Command]) -> None:
        """Enter step ``name`` of the present frame and follow until something waits or the run is over."""
        try:
            result = self._enter_step(run, name, now, commands)
        except Exception as error:
            self._fall_back(run, error, now, commands)
            return
        self._follow(run, result, now, commands)

    def _enter_step(self, run: Run, name: str, now: float, commands: list[Command]) -> Result:
        run.steps_without_input += 1
        if run.steps_without_input > self.limits.steps_without_input:
            raise FlowLoops(Sentence("more than %(most)s steps without any key from the caller", most=self.limits.steps_without_input))
        frame = run.frames[-1]
        give_up([frame], "flow_out", commands)
        frame.step, frame.state, frame.entered_at = name, {}, now
        context = self._context(run, now, commands)
        if run.digits and (action := self._flow_key(context)):
            return act(context, *action)
        return context.compiled.implementation.enter(context)

    def _follow(self, run: Run, result: Result, now: float, commands: list[Command]) -> None:
        """Carry out what a step returned, and what the next ones return, until one waits."""
        try:
            while not isinstance(result, Wait):
                result = self._leave(run, result, now, commands)
                if run.finished:
                    return
        except Exception as error:
            self._fall_back(run, error, now, commands)
            return
        if run.failed_entries and run.failed_entries > self._context(run, now, commands).flow.max_failed_entries:
            error = FlowLoops("too many wrong or missing entries on this call")
            run.failed_entries = 0
            self._fall_back(run, error, now, commands)

    def _leave(self, run: Run, result: Result, now: float, commands: list[Command]) -> Result:
        frame = run.frames[-1]
        match result:
            case Go(target, outcome, label, key, detail):
                self._log(run, now, commands, outcome, label, key, detail)
                return self._enter_step(run, target, now, commands)
            case GoBack(outcome, label, key):
                self._log(run, now, commands, outcome, label, key)
                return self._go_back(run, now, commands)
            case EnterFlow(name, version, label, key):
                if len(run.frames) >= self.limits.sub_flow_depth:
                    raise FlowLoops(Sentence("sub-flows more than %(most)s deep", most=self.limits.sub_flow_depth))
                flow = self.flows.get(name, version)
                self._log(run, now, commands, "entered", label, key, flow.name)
                run.frames.append(Frame(flow.name, flow.version, flow.start))
                return self._enter_step(run, flow.start, now, commands)
            case Return(label):
                self._log(run, now, commands, "return", label)
                if len(run.frames) == 1:
                    raise ValueError("return outside a sub-flow")
                return self._come_back(run, label, now, commands)
            case End(outcome, label, key):
                self._log(run, now, commands, outcome, label, key)
                give_up(run.frames, "flow_out", commands)
                run.finished = True
                return WAIT
        raise TypeError(f"{frame.flow}:{frame.step} returned {result!r}")

    def _come_back(self, run: Run, label: str, now: float, commands: list[Command]) -> Result:
        """Out of the present flow, to the step that entered it."""
        self._drop_frames_above(run, len(run.frames) - 2, commands)
        run.frame.entered_at = now
        context = self._context(run, now, commands)
        return context.compiled.implementation.returned(context, label)

    def _drop_frames_above(self, run: Run, depth: int, commands: list[Command]) -> None:
        give_up(run.frames[depth + 1 :], "flow_out", commands)
        del run.frames[depth + 1 :]

    def _go_back(self, run: Run, now: float, commands: list[Command]) -> Result:
        """The last menu before this step; out of a sub-flow that has none, the last one of the flow that entered it.

        Who hears something while waiting in a queue goes back to waiting.
        """
        while True:
            frame = run.frames[-1]
            while frame.menus and frame.menus[-1] == frame.step:
                frame.menus.pop()
            if frame.menus or len(run.frames) == 1:
                break
            if WAITING in run.frames[-2].state:
                return self._come_back(run, "back", now, commands)
            self._drop_frames_above(run, len(run.frames) - 2, commands)
        target = frame.menus.pop() if frame.menus else frame.step
        return self._enter_step(run, target, now, commands)

    def _log(self, run: Run, now: float, commands: list[Command], outcome: str, label: str = "", key: str = "", detail: str = "") -> None:
        """Close the present step: cut what plays, drop its timers, write its trace row."""
        frame = run.frames[-1]
        if frame.state.pop("playing", None):
            commands.append(StopPlaying())
        run.timers.clear()
        flow = self.flows.get(frame.flow, frame.version)
        if label:
            run.variables["last_label"] = label
        if key:
            run.variables["last_key"] = key
        commands.append(
            LogStep(
                run.trace_length,
                frame.flow,
                frame.version,
                frame.step,
                flow.steps[frame.step].verb,
                frame.entered_at,
                now,
                outcome,
                label,
                key,
                detail,
            )
        )
        run.trace_length += 1

    # -- keys of the flow itself ---------------------------------------------------------------------------------------

    def _flow_key(self, context: StepContext) -> tuple[str, KeyAction] | None:
        """The flow's own key at the head of the buffer, where the present step leaves such keys to the flow."""
        run = context.run
        if not run.digits or not context.flow.keys:
            return None
        key = run.digits[0]
        action = context.flow.keys.get(key)
        if action is None or action.go == context.frame.step:
            return None
        if not context.compiled.implementation.flow_key_works(context, key):
            return None
        run.digits = run.digits[1:]
        return key, action

    # -- ends and faults -----------------------------------------------------------------------------------------------

    def _resume(self, context: StepContext) -> Result:
        """Back after a restart of the engine; the first secret that is lost sends the caller to the step that asks for it.

        A place in a queue, or a talk, is worth more than a secret: who has one keeps it.
        """
        run = context.run
        run.timers.clear()
        lost = next((place for name, place in run.secret_steps.items() if name not in run.secrets), context.place)
        if lost != context.place and not waiting_token(run):
            flow_name, step_name = lost.split(":")
            for depth in range(len(run.frames) - 1, -1, -1):
                if run.frames[depth].flow == flow_name:
                    return self._ask_again(run, depth, step_name, context.now, context.commands)
        for depth, frame in enumerate(run.frames[:-1]):
            if WAITING in frame.state:
                below = self._context(run, context.now, context.commands, depth)
                below.compiled.implementation.resume_waiting(below)
        if LEAVING in context.state:
            return continue_leaving(context, None)
        return context.compiled.implementation.resume(context)

    def _ask_again(self, run: Run, depth: int, step_name: str, now: float, commands: list[Command]) -> Result:
        """Go back to the step that collects a lost secret, out of any sub-flow entered since."""
        self._abandon(run, now, commands)
        detail = "the engine was restarted and secrets are not saved"
        self._log(run, now, commands, "asked_again", detail=detail)
        self._drop_frames_above(run, depth, commands)
        return self._enter_step(run, step_name, now, commands)

    def _hang_up(self, run: Run, event: CallerHungUp, now: float, commands: list[Command]) -> None:
        """The caller is gone: close the step, unwind, run on_hangup of each flow on the stack, innermost first."""
        if run.hung_up:
            return
        run.hung_up = True
        run.digits = ""
        try:
            context = self._context(run, now, commands)
            context.frame.state.pop("playing", None)
            context.compiled.implementation.abandoned(context)
        except Exception as error:
            commands.append(self._alarm(run, "hangup_failed", error))
        give_up(run.frames, "abandoned", commands)
        self._log_quietly(run, now, commands, "hangup", event.cause)
        while run.frames:
            try:
                self._clean_up(run, now, commands)
            except Exception as error:
                commands.append(self._alarm(run, "on_hangup_failed", error))
            if len(run.frames) == 1:
                break
            run.frames.pop()
        run.finished = True
        run.timers.clear()

    def _clean_up(self, run: Run, now: float, commands: list[Command]) -> None:
        frame = run.frames[-1]
        name = self.flows.get(frame.flow, frame.version).on_hangup
        for _ in range(self.limits.hangup_steps):
            if name is None:
                return
            frame.step, frame.state, frame.entered_at = name, {}, now
            context = self._context(run, now, commands)
            if not context.compiled.implementation.runs_after_hangup:
                return
            result = context.compiled.implementation.enter(context)
            name = None
            if isinstance(result, Go):
                self._log(run, now, commands, result.outcome, result.label)
                name = result.target
            elif isinstance(result, End):
                self._log(run, now, commands, result.outcome, result.label)
        if name is not None:
            raise FlowLoops(Sentence("more than %(most)s steps after the caller hung up", most=self.limits.hangup_steps))

    def _fall_back(self, run: Run, error: Exception, now: float, commands: list[Command], code: str = "") -> None:
        """Something failed: alarm, then the nearest flow's fallback step; the second time, the switch's own fallback."""
        code = code or ("flow_loops" if isinstance(error, FlowLoops) else "step_failed")
        commands.append(self._alarm(run, code, error))
        self._abandon(run, now, commands)
        self._log_quietly(run, now, commands, "failed", str(error)[:LONGEST_SENTENCE])
        run.steps_without_input = 0
        run.digits = ""
        target = None
        if not run.fallen_back:
            run.fallen_back = True
            target = self._unwind_to_fallback(run, commands)
        if target is None:
            give_up(run.frames, "flow_out", commands)
            commands.append(HandOver("fallback", code))
            run.finished = True
            return
        self._enter(run, target, now, commands)

    def _abandon(self, run: Run, now: float, commands: list[Command]) -> None:
        """Let the present step keep what must not be lost, such as a message that was being reviewed."""
        if not run.frame.state:
            return
        try:
            context = self._context(run, now, commands)
            context.compiled.implementation.abandoned(context)
        except Exception as error:
            commands.append(self._alarm(run, "step_failed", error))

    def _unwind_to_fallback(self, run: Run, commands: list[Command]) -> str | None:
        for depth in range(len(run.frames) - 1, -1, -1):
            frame = run.frames[depth]
            try:
                fallback = self.flows.get(frame.flow, frame.version).fallback
            except KeyError:
                continue
            if fallback:
                self._drop_frames_above(run, depth, commands)
                return fallback
        return None

    def _log_quietly(self, run: Run, now: float, commands: list[Command], outcome: str, detail: str) -> None:
        try:
            self._log(run, now, commands, outcome, detail=detail)
        except KeyError:  # the flow itself is gone: there is no step to close
            run.timers.clear()

    def _alarm(self, run: Run, code: str, error: Exception) -> RaiseAlarm:
        sentence = (
            str(error)
            if isinstance(error, FlowLoops | EdgeFailed)
            else Sentence("%(name)s: %(error)s", name=type(error).__name__, error=error)
        )
        return RaiseAlarm(code, sentence[:LONGEST_SENTENCE], f"{run.frame.flow}:{run.frame.step}")
