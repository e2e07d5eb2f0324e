"""Who talks to whom: one entry from the moment that caller and agent hear each other until the agent's leg is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ivrengine.acd.happenings import Queued


@dataclass(slots=True, eq=False)
class Talk:
    """Times are of the director's clock. ``work``: TALKING HOLD CONSULT CONFERENCE.

    ``caller_there`` False: the caller is parked, with music, while the agent does something else. ``passed_on``: the caller goes, or
    has gone, to somebody else, and the end of the agent's leg does not end the step. ``next_queue``: where to, when the leg is gone.
    ``over``: the leg is gone. ``own``: a call that the agent has made. ``muted``: nobody hears the agent.
    """

    attempt_id: str
    item_id: str
    call_id: str
    token: str
    agent_id: str
    queue: str
    leg_id: str
    since: float
    phone: str = ""
    work: str = "TALKING"
    recording_path: str = ""
    masked: bool = False
    held_since: float = 0.0  # 0: not on hold
    hold_seconds: float = 0.0
    caller_there: bool = True
    passed_on: bool = False
    next_queue: Queued | None = None
    over: bool = False
    own: bool = False
    muted: bool = False

    def change_work(self, work: str, now: float) -> None:
        if self.held_since:
            self.hold_seconds += now - self.held_since
            self.held_since = 0.0
        if work == "HOLD":
            self.held_since = now
        self.work = work


class Talks:
    def __init__(self) -> None:
        self._by_attempt: dict[str, Talk] = {}

    def __iter__(self) -> Iterator[Talk]:
        return iter(list(self._by_attempt.values()))

    def __len__(self) -> int:
        return len(self._by_attempt)

    def add(self, talk: Talk) -> None:
        self._by_attempt[talk.attempt_id] = talk

    def remove(self, attempt_id: str) -> Talk | None:
        talk = self._by_attempt.pop(attempt_id, None)
        if talk is not None:
            talk.over = True
        return talk

    def of_attempt(self, attempt_id: str) -> Talk | None:
        return self._by_attempt.get(attempt_id)

    def of_agent(self, agent_id: str) -> Talk | None:
        return next((talk for talk in self._by_attempt.values() if talk.agent_id == agent_id), None)

    def of_leg(self, leg_id: str) -> Talk | None:
        return next((talk for talk in self._by_attempt.values() if talk.leg_id == leg_id), None)

    def of_call(self, call_id: str) -> Talk | None:
        return next((talk for talk in self._by_attempt.values() if talk.call_id == call_id), None)
