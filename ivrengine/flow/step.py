"""What a step is, what it may answer, and the register of all verbs.

A step never says "continue": it returns WAIT, or where the caller goes and why. One step is one file in ``steps/``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ivrengine.domain.events import CallEvent

from .types import StepRef, StepSpec, walk

if TYPE_CHECKING:
    from .context import StepContext
    from .flowset import Flow


class Wait:
    """The step stays where it is until the next event."""

    __slots__ = ()


WAIT = Wait()


@dataclass(frozen=True, slots=True)
class Go:
    """Leave for ``target``. ``outcome`` names the branch; ``label`` the meaning of a choice; ``key`` what was pressed."""

    target: str
    outcome: str
    label: str = ""
    key: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class GoBack:
    """Leave for the menu one level up (or the same one again, at the top)."""

    outcome: str = "back"
    label: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class EnterFlow:
    """Push another flow; when it returns, this step's ``returned`` decides where the caller goes."""

    flow: str
    version: str | None = None
    label: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Return:
    """Leave this sub-flow with a label."""

    label: str


@dataclass(frozen=True, slots=True)
class End:
    """The flow has let go of the call: it hung up, or handed it over."""

    outcome: str
    label: str = ""
    key: str = ""


Result = Wait | Go | GoBack | EnterFlow | Return | End


@dataclass(frozen=True, slots=True)
class ExitPath:
    """For the linter: one way out of a step, and the variables that are certainly set on it."""

    target: str
    path: tuple[str | int, ...]
    sets: frozenset[str] = field(default_factory=frozenset)


class Step:
    """Base of all steps. Implementations keep no state of their own: it lives in ``context.state`` (JSON-ready)."""

    verb: ClassVar[str]
    Spec: ClassVar[type[StepSpec]]
    waits_for_caller: ClassVar[bool] = False  # breaks a cycle for the linter: caller input, or a wait of noticeable length
    ends_flow: ClassVar[bool] = False  # has no way out by design (hangup, transfer, return)
    runs_after_hangup: ClassVar[bool] = False  # may be used below on_hangup
    flow_keys: ClassVar[bool] = False  # the flow's own keys work here; see flow_key_works

    def prepare(self, spec: Any, flow: Flow) -> Any:
        """Work that can be done once at load; kept as ``context.prepared``. Raises ValueError for a spec that can't be right."""
        return None

    def exits(self, spec: Any) -> Iterable[ExitPath]:
        """Every way out. The default finds all step references in the spec; override to tell which variables are set."""
        return [ExitPath(value, path) for path, value in walk(spec) if isinstance(value, StepRef)]

    def may_end(self, spec: Any) -> bool:
        """For the linter: whether the call may end in this step."""
        return self.ends_flow

    def enter(self, context: StepContext) -> Result:
        raise NotImplementedError(f"{type(self).__name__}.enter")

    def handle(self, context: StepContext, event: CallEvent) -> Result:
        """An event while waiting here. Events of other tokens must be ignored by returning WAIT."""
        return WAIT

    def resume(self, context: StepContext) -> Result:
        """The engine was restarted while the call waited here. The default begins the step anew."""
        context.frame.state.clear()
        return self.enter(context)

    def resume_waiting(self, context: StepContext) -> None:
        """The engine was restarted while the call waited in a queue by this step, in another flow that this step had entered.

        Emit what keeps the place, never play.
        """

    def flow_key_works(self, context: StepContext, key: str) -> bool:
        """Whether the flow's own ``key`` acts at this instant; asked on entry too, for keys typed ahead."""
        return self.flow_keys

    def own_names(self, spec: Any) -> frozenset[str]:
        """For the linter: names that this step's expressions may read besides the call's variables."""
        return frozenset()

    def abandoned(self, context: StepContext) -> None:
        """The step is left while it waits, not by its own result: the caller hung up, or the interpreter moves the caller on.

        Keep what must be kept, emit commands, never play.
        """

    def returned(self, context: StepContext, label: str) -> Result:
        """A flow that this step entered has returned."""
        raise NotImplementedError(f"{type(self).__name__}.returned")


REGISTRY: dict[str, Step] = {}


def step(verb: str, spec: type[StepSpec]) -> Callable[[type[Step]], type[Step]]:
    """Register a Step class under its verb. Each verb exists once."""

    def register(cls: type[Step]) -> type[Step]:
        if verb in REGISTRY:
            raise ValueError(f"the step {verb!r} is registered twice")
        cls.verb = verb
        cls.Spec = spec
        REGISTRY[verb] = cls()
        return cls

    return register
