"""A caller's waiting in a queue: its token lives in the frame whose step began it, and leaves it exactly once.

While a caller waits, that step may send them through another flow. So the frame that waits is not always the present one, and
it can die in many ways: by a hang-up, a fallback, the end of the flow. Whichever it is, the queue is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from ivrengine.domain.commands import Command, Enqueue, LeaveQueue
from ivrengine.domain.needs import Ring

from .run import Frame, Run

WAITING = "waiting"  # key of a step's state: the token of the Enqueue whose waiting, or talk, is under way
ASKED = "asked"  # key of the same state: what that Enqueue asked for, as_record


def depth_of(run: Run, token: str) -> int | None:
    """Which frame of the stack waits by this token; None when none does any more."""
    return next((depth for depth, frame in enumerate(run.frames) if frame.state.get(WAITING) == token), None)


def waiting_token(run: Run) -> str:
    """The token by which this caller waits at this moment; "" when they don't."""
    return next((frame.state[WAITING] for frame in reversed(run.frames) if WAITING in frame.state), "")


def give_up(frames: Iterable[Frame], outcome: Literal["abandoned", "flow_out"], commands: list[Command]) -> None:
    """These frames are about to die: leave the queues that they wait in."""
    for frame in frames:
        token = frame.state.pop(WAITING, None)
        if token is not None:
            commands.append(LeaveQueue(token, outcome))


def place_of(run: Run) -> Enqueue | None:
    """The waiting whose place in line a callback may take over: the present one, or one that was left for a callback."""
    for frame in reversed(run.frames):
        if WAITING in frame.state:
            return as_command(frame.state[ASKED])
    return as_command(run.place_kept) if run.place_kept else None


def place_is_taken(run: Run, token: str) -> None:
    """Somebody else (a callback) has the place of this waiting now: nobody waits by this token any more."""
    run.place_kept = {}
    depth = depth_of(run, token)
    if depth is not None:
        del run.frames[depth].state[WAITING]


# -- what was asked for, as it is saved with the call ------------------------------------------------------------------


def as_record(command: Enqueue) -> dict[str, Any]:
    """JSON-ready, so that the very same can be asked for again."""
    record = {name: getattr(command, name) for name in _PLAIN}
    return {**record, "rings": [[ring.after_seconds, [list(need) for need in ring.needs]] for ring in command.rings]}


def as_command(record: Mapping[str, Any]) -> Enqueue:
    """The inverse of as_record."""
    return Enqueue(rings=_rings(record), **{name: record[name] for name in _PLAIN})


_PLAIN = ("token", "queue", "boost_seconds", "sticky_agent", "sticky_seconds", "max_wait_seconds")


def _rings(record: Mapping[str, Any]) -> tuple[Ring, ...]:
    return tuple(Ring(after, tuple((skill, level) for skill, level in needs)) for after, needs in record["rings"])
