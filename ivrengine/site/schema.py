"""What may stand in ``site.yml``: one schema per kind of record, and what each field means to the engine.

The names are those of ``acd/rules.py``; a duration drops its ``_seconds`` and is written with a unit (``ring: 20s``). Defaults are
the rules' own, so that nothing is said twice.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ivrengine.acd.rules import AgentRules, BreakReason, Membership, QueueRules, StrategyName, Team
from ivrengine.flow.types import KEYS as KEYS_OF_A_PHONE
from ivrengine.flow.types import ExtensionNumber, Seconds, StepSpec

from .records import Agent, Disposition, Part, Record, Skill

TITLE_LIMIT = 120  # characters
PATH_LIMIT = 500
HIGHEST_LEVEL = 10
MOST_SKILLS = 200  # of one agent
MOST_QUEUES = 200
_QUEUE, _AGENT, _PLACE, _REASON, _TEAM = QueueRules(""), AgentRules(""), Membership(), BreakReason(""), Team("")
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

R = TypeVar("R")


def _refusal(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("ivr", "{message}", {"message": sentence})


def _one_line(text: str) -> str:
    if _UNSPEAKABLE.search(text):
        raise _refusal("line breaks and control characters can't stand in a name; write it on one line")
    return text


def _key(text: str) -> str:
    if len(text) > 1 or text not in KEYS_OF_A_PHONE:
        raise _refusal("a key is one of 0 to 9, * and #")
    return text


def _keyed(text: str) -> str:
    if not re.fullmatch(r"[0-9]{0,10}", text, re.ASCII):
        raise _refusal("a number that agents key has one to ten digits")
    return text


def _memberships(value: Any) -> Any:
    """``[delivery, circulation]``, ``{delivery: 2}`` and ``{delivery: {tier: 2, penalty: 5}}``."""
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return {name: {} for name in value}
    return value


def _place(value: Any) -> Any:
    """A bare number is the tier, nothing is an ordinary place."""
    return ({"tier": value} if value else {}) if isinstance(value, str) else value


Text = Annotated[str, AfterValidator(_one_line)]
Title = Annotated[Text, Field(max_length=TITLE_LIMIT)]
Level = Annotated[int, Field(ge=1, le=HIGHEST_LEVEL)]
Count = Annotated[int, Field(ge=0, le=100_000)]


class SkillSpec(StepSpec):
    title: Title = ""


class TeamSpec(StepSpec):
    title: Title = ""
    most_away: Count = _TEAM.most_away


class ReasonSpec(StepSpec):
    title: Title = ""
    longest: Seconds = _REASON.longest_seconds
    approval: bool = _REASON.approval


class DispositionSpec(StepSpec):
    title: Title = ""
    queues: tuple[str, ...] = Field(default=(), max_length=MOST_QUEUES)


class QueueSpec(StepSpec):
    title: Title = ""
    strategy: StrategyName = _QUEUE.strategy
    order: Literal["cost", "age"] = _QUEUE.order
    weight: Seconds = _QUEUE.weight_seconds
    capacity: Count = _QUEUE.capacity
    max_wait: Seconds = _QUEUE.max_wait_seconds
    when_empty: Literal["wait", "refuse"] = _QUEUE.when_empty
    no_agent: Seconds = _QUEUE.no_agent_seconds
    ring: Seconds = Field(default=_QUEUE.ring_seconds, ge=3, le=300)
    ring_all_limit: int = Field(default=_QUEUE.ring_all_limit, ge=1, le=50)
    accept_key: Annotated[str, AfterValidator(_key)] = _QUEUE.accept_key
    accept: Seconds = Field(default=_QUEUE.accept_seconds, ge=1, le=120)
    wrap_up_least: Seconds = _QUEUE.wrap_up_least_seconds
    wrap_up_most: Seconds = _QUEUE.wrap_up_most_seconds
    disposition_required: bool = _QUEUE.disposition_required
    longest_hold: Seconds = _QUEUE.longest_hold_seconds
    exclusion: Seconds = _QUEUE.exclusion_seconds
    short_abandon: Seconds = _QUEUE.short_abandon_seconds
    service_level: Seconds = _QUEUE.service_level_seconds
    record: bool = _QUEUE.record
    announce_recording: bool = _QUEUE.announce_recording
    whisper: bool = _QUEUE.whisper
    callback_from_abandoned: bool = _QUEUE.callback_from_abandoned
    callback_from_messages: bool = _QUEUE.callback_from_messages
    callback_first: Literal["agent", "customer"] = _QUEUE.callback_first
    callback_tries: int = Field(default=_QUEUE.callback_tries, ge=1, le=20)
    callback_pause: Seconds = _QUEUE.callback_pause_seconds
    callback_ring: Seconds = Field(default=_QUEUE.callback_ring_seconds, ge=5, le=300)
    number: Annotated[str, AfterValidator(_keyed)] = _QUEUE.number

    @model_validator(mode="after")
    def _least_before_most(self) -> QueueSpec:
        if self.wrap_up_most and self.wrap_up_least > self.wrap_up_most:
            raise _refusal("wrap_up_least is longer than wrap_up_most; make one of them fit the other")
        return self


class MembershipSpec(StepSpec):
    tier: int = Field(default=_PLACE.tier, ge=1, le=1000)
    penalty: int = Field(default=_PLACE.penalty, ge=0, le=100_000)


class AgentSpec(StepSpec):
    name: Title = ""
    team: str = ""
    supervisor: bool = False
    pin: str = ""  # checked by the reader, whose sentences don't tell it
    pin_hash: str = ""
    extension: ExtensionNumber = ExtensionNumber("")
    greeting: Annotated[Text, Field(max_length=PATH_LIMIT)] = ""
    skills: dict[str, Level] = Field(default={}, max_length=MOST_SKILLS)
    queues: Annotated[
        dict[str, Annotated[MembershipSpec, BeforeValidator(_place)]],
        BeforeValidator(_memberships),
        Field(max_length=MOST_QUEUES),
    ] = {}
    position: Count = _AGENT.position
    no_answer_limit: int = Field(default=_AGENT.no_answer_limit, ge=1, le=100)
    no_answer: Seconds = _AGENT.no_answer_seconds
    rejected: Seconds = _AGENT.rejected_seconds
    busy: Seconds = _AGENT.busy_seconds
    unregistered: Seconds = _AGENT.unregistered_seconds
    record: bool = _AGENT.record


SPECS: dict[Part, type[StepSpec]] = {
    "skills": SkillSpec,
    "teams": TeamSpec,
    "reasons": ReasonSpec,
    "dispositions": DispositionSpec,
    "queues": QueueSpec,
    "agents": AgentSpec,
}
# how the file calls a part
KEYS: dict[Part, str] = {
    "skills": "skills", "teams": "teams", "reasons": "break_reasons", "dispositions": "dispositions", "queues": "queues",
    "agents": "agents",
}  # fmt: skip


def record_of(part: Part, name: str, spec: Any) -> Record:
    """The record that a sound spec describes."""
    match part:
        case "skills":
            return Skill(name, spec.title)
        case "teams":
            return _filled(Team, spec, name=name)
        case "reasons":
            return _filled(BreakReason, spec, reason=name)
        case "dispositions":
            return Disposition(name, spec.title, tuple(spec.queues))
        case "queues":
            return _filled(QueueRules, spec, name=name)
        case "agents":
            places = {queue: Membership(place.tier, place.penalty) for queue, place in spec.queues.items()}
            rules = _filled(AgentRules, spec, agent_id=name, queues=places)
            return Agent(rules, str(spec.extension), spec.greeting, spec.supervisor, spec.pin_hash)


def file_name(field_name: str) -> str:
    """How the file calls a field of the rules."""
    return field_name.removesuffix("_seconds").removesuffix("_path")


def _filled(kind: type[R], spec: BaseModel, **given: Any) -> R:
    names = [each.name for each in fields(kind) if each.name not in given]  # type: ignore[arg-type]
    return kind(**given, **{name: getattr(spec, file_name(name)) for name in names})
