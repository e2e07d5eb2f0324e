"""One call as a timeline: its steps, its waits, the offers to agents, talk, wrap-up, marks and recordings, in the order they happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ivrengine.storage.calls import Call
from ivrengine.storage.errors import AmbiguousRecord, NoSuchRecord
from ivrengine.storage.segments import Segment
from ivrengine.storage.store import Store

Kind = Literal["call", "step", "wait", "offer", "talk", "wrap_up", "mark", "recording"]


@dataclass(frozen=True, slots=True)
class Moment:
    """``until`` None for what has no length, or no end yet. ``item_id`` of a talk whose recording can be heard."""

    at: float
    until: float | None
    kind: Kind
    title: str
    detail: str = ""
    outcome: str = ""
    item_id: str = ""


@dataclass(frozen=True, slots=True)
class OneCall:
    """``call`` None where only its waits are known: a callback, or a call that was forgotten by age."""

    call_id: str
    number: str
    call: Call | None
    segments: tuple[Segment, ...]
    moments: tuple[Moment, ...]


def one_call(store: Store, call_id: str) -> OneCall | None:
    """The call whose whole id is given, or the callback's wait of this id, which has no call. None where nothing is known of it."""
    call: Call | None
    try:
        call = store.calls.get(call_id)
    except (NoSuchRecord, AmbiguousRecord):  # the store takes the beginnings of ids; here only a whole one is meant
        call = None
    if call is not None and call.call_id != call_id:
        call = None
    segments = tuple(store.segments.of_call(call_id)) if call_id else ()
    if call is None and not segments and (alone := store.segments.get(call_id)):
        segments = (alone,)
    if call is None and not segments:
        return None
    moments = [*_steps(store, call_id), *_marks(store, call_id), *_recordings(store, call_id)]
    for segment in segments:
        moments += _waiting(store, segment)
    if call is not None:
        moments.append(Moment(call.started_at, None, "call", "begins", call.dialled))
        if call.ended_at is not None:
            moments.append(Moment(call.ended_at, None, "call", "ends", call.ended_by, call.cause))
    number = call.number if call is not None else segments[0].number
    # What begins at the same instant: the call first, its end last; the rest as it was found.
    order = {("call", "begins"): 0, ("call", "ends"): 2}
    moments.sort(key=lambda each: (each.at, order.get((each.kind, each.title), 1)))
    return OneCall(call_id, number, call, segments, tuple(moments))


def _steps(store: Store, call_id: str) -> list[Moment]:
    return [
        Moment(step.entered_at, step.left_at, "step", f"{step.flow} / {step.step}", " ".join(filter(None, (step.verb, step.label))),
               step.outcome)
        for step in store.steps.of_call(call_id)
    ]  # fmt: skip


def _marks(store: Store, call_id: str) -> list[Moment]:
    return [
        Moment(mark.at, None, "mark", f"{mark.survey} / {mark.question}", mark.label, mark.mark)
        for mark in store.marks.of_call(call_id)
        if mark.mark
    ]


def _recordings(store: Store, call_id: str) -> list[Moment]:
    return [
        Moment(each.created_at, None, "recording", each.name, f"{each.duration_ms / 1000:.0f} s")
        for each in store.recordings.of_call(call_id)
    ]


def _waiting(store: Store, segment: Segment) -> list[Moment]:
    found = [Moment(segment.queued_at, segment.ended_at, "wait", segment.queue, "", segment.terminal)]
    found += [
        Moment(each.offered_at, each.ended_at if each.bridged_at is None else each.bridged_at, "offer", each.agent_id, each.phone,
               each.outcome)
        for each in store.attempts.of_item(segment.item_id)
    ]  # fmt: skip
    if segment.terminal == "answered" and segment.ended_at is not None:
        heard = segment.item_id if segment.recording_path else ""
        found.append(Moment(segment.ended_at, segment.talk_ended_at, "talk", segment.agent_id, segment.notes, item_id=heard))
        if segment.talk_ended_at is not None and segment.wrap_up_seconds is not None:
            over = segment.talk_ended_at + segment.wrap_up_seconds
            found.append(Moment(segment.talk_ended_at, over, "wrap_up", segment.agent_id, segment.disposition))
    return found
