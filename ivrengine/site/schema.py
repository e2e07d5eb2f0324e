"""What may stand in ``site.yml``: one schema per kind of record, and what each field means to the engine.

The names are those of ``acd/rules.py``; a duration drops its ``_seconds`` and is written with a unit (``ring: 20s``). Defaults are
the rules' own, so that nothing is said twice.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from ivrengine.acd.rules import AgentRules, BreakReason, Membership, QueueRules, StrategyName, Team
from ivrengine.domain.sentence import Sentence
from ivrengine.flow.types import KEYS as KEYS_OF_A_PHONE
from ivrengine.flow.types import ExtensionNumber, Seconds, StepSpec, refusal

from .pin_form import PIN_FORM
from .records import Agent, Disposition, Part, Record, Skill

TITLE_LIMIT = 120  # characters
PATH_LIMIT = 500
HIGHEST_LEVEL = 10
MOST_SKILLS = 200  # of one agent
MOST_QUEUES = 200
_QUEUE, _AGENT, _PLACE, _REASON, _TEAM = QueueRules(""), AgentRules(""), Membership(), BreakReason(""), Team("")
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

R = TypeVar("R")


def _one_line(text: str) -> str:
    if _UNSPEAKABLE.search(text):
        raise refusal(Sentence("line breaks and control characters can't stand in a name"), Sentence("write it on one line"))
    return text


def _key(text: str) -> str:
    if len(text) > 1 or text not in KEYS_OF_A_PHONE:
        raise refusal(Sentence("a key is one of 0 to 9, * and #"))
    return text


def _keyed(text: str) -> str:
    if not re.fullmatch(r"[0-9]{0,10}", text, re.ASCII):
        raise refusal(Sentence("a number that agents key has one to ten digits"))
    return text


def _shown_number(text: str) -> str:
    if not re.fullmatch(r"\+?[0-9]{0,20}", text, re.ASCII):
        raise refusal(Sentence("a number that is shown has at most 20 digits, with + before them or without"))
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
    title: Title = Field("", description="as people call it")


class TeamSpec(StepSpec):
    title: Title = Field("", description="as people call it")
    most_away: Count = Field(_TEAM.most_away, description="so many may be on a break at once; 0: all")


class ReasonSpec(StepSpec):
    title: Title = Field("", description="as people call it")
    longest: Seconds = Field(_REASON.longest_seconds, description="longer is an alarm; 0s: never")
    approval: bool = Field(_REASON.approval, description="a supervisor must agree first")


class DispositionSpec(StepSpec):
    title: Title = Field("", description="what a talk was about, as people call it")
    queues: tuple[str, ...] = Field((), max_length=MOST_QUEUES, description="only for talks of these queues; none: of all")


class QueueSpec(StepSpec):
    title: Title = Field("", description="as agents see it on their phones")
    number: Annotated[str, AfterValidator(_keyed)] = Field(_QUEUE.number, description="by which agents transfer a caller to it")
    outbound_number: Annotated[str, AfterValidator(_shown_number)] = Field(
        _QUEUE.outbound_number, description="shown to whom its agents call outside; none: the engine's"
    )
    strategy: StrategyName = Field(_QUEUE.strategy, description="which of several free agents is rung")
    order: Literal["cost", "age"] = Field(
        _QUEUE.order, description="whom a free agent serves first: who fits best (cost), or who has waited longest (age)"
    )
    weight: Seconds = Field(_QUEUE.weight_seconds, description="head start of its callers over those of other queues")
    capacity: Count = Field(_QUEUE.capacity, description="so many may wait, one more is refused; 0: any number")
    max_wait: Seconds = Field(_QUEUE.max_wait_seconds, description="then the wait ends as timeout; 0s: never")
    when_empty: Literal["wait", "refuse"] = Field(
        _QUEUE.when_empty, description="a caller who comes while no agent is logged in who could ever serve them"
    )
    no_agent: Seconds = Field(_QUEUE.no_agent_seconds, description="so long without such an agent logged in, then the wait ends; 0s: never")
    ring: Seconds = Field(_QUEUE.ring_seconds, ge=3, le=300, description="an agent's phone rings so long")
    ring_all_limit: int = Field(_QUEUE.ring_all_limit, ge=1, le=50, description="phones that ring at once with strategy ring_all")
    accept_key: Annotated[str, AfterValidator(_key)] = Field(
        _QUEUE.accept_key, description="which the agent presses after answering; none: connected at once"
    )
    accept: Seconds = Field(_QUEUE.accept_seconds, ge=1, le=120, description="time to press it")
    wrap_up_least: Seconds = Field(_QUEUE.wrap_up_least_seconds, description="wrap-up lasts so long at least")
    wrap_up_most: Seconds = Field(
        _QUEUE.wrap_up_most_seconds, description="and ends by itself after this; 0s: at once, or never where a disposition is required"
    )
    disposition_required: bool = Field(_QUEUE.disposition_required, description="wrap-up lasts until a disposition is given")
    notes_required: bool = Field(
        _QUEUE.notes_required, description="wrap-up lasts until notes are written; who keys the disposition at a phone owes none"
    )
    longest_hold: Seconds = Field(_QUEUE.longest_hold_seconds, description="a caller on hold for longer is an alarm; 0s: never")
    exclusion: Seconds = Field(
        _QUEUE.exclusion_seconds, description="a caller is not offered again so soon to an agent who refused or missed them"
    )
    short_abandon: Seconds = Field(_QUEUE.short_abandon_seconds, description="who hangs up sooner counts as short abandon")
    service_level: Seconds = Field(_QUEUE.service_level_seconds, description="within which calls should be answered")
    record: bool = Field(_QUEUE.record, description="talks are recorded")
    announce_recording: bool = Field(_QUEUE.announce_recording, description="and the caller is told so")
    whisper: bool = Field(_QUEUE.whisper, description="the agent hears queue and customer before the connection")
    callback_from_abandoned: bool = Field(_QUEUE.callback_from_abandoned, description="who hung up while waiting is called back")
    callback_from_messages: bool = Field(_QUEUE.callback_from_messages, description="who left a message is called back")
    callback_first: Literal["agent", "customer"] = Field(_QUEUE.callback_first, description="who is rung first for a callback")
    callback_tries: int = Field(_QUEUE.callback_tries, ge=1, le=20, description="times that a customer is dialled in all")
    callback_pause: Seconds = Field(_QUEUE.callback_pause_seconds, description="between two of them")
    callback_ring: Seconds = Field(_QUEUE.callback_ring_seconds, ge=5, le=300, description="the customer's phone rings so long")

    @model_validator(mode="after")
    def _least_before_most(self) -> QueueSpec:
        if self.wrap_up_most and self.wrap_up_least > self.wrap_up_most:
            raise refusal(Sentence("wrap_up_least is longer than wrap_up_most"), Sentence("make one of them fit the other"))
        return self


class MembershipSpec(StepSpec):
    tier: int = Field(_PLACE.tier, ge=1, le=1000, description="a lower tier is asked first")
    penalty: int = Field(_PLACE.penalty, ge=0, le=100_000, description="makes the agent dearer within the tier")


class AgentSpec(StepSpec):
    name: Title = Field("", description="the person's")
    team: str = Field("", description="whose cap on breaks counts")
    supervisor: bool = Field(False, description="may listen, whisper, allow breaks, move callers")
    # checked by the reader, whose sentences don't tell it
    pin: str = Field("", description=f"{PIN_FORM}; only its hash is kept; none: the one there is stays")
    pin_hash: str = Field("", description="of the PIN, as an export writes it")
    extension: ExtensionNumber = Field(ExtensionNumber(""), description="a phone that is always this agent's; none: any phone")
    greeting: Annotated[Text, Field(max_length=PATH_LIMIT)] = Field("", description="sound file with the agent's own words to callers")
    skills: dict[str, Level] = Field({}, max_length=MOST_SKILLS, description="skill: level from 1 to 10")
    queues: Annotated[
        dict[str, Annotated[MembershipSpec, BeforeValidator(_place)]],
        BeforeValidator(_memberships),
        Field(max_length=MOST_QUEUES),
    ] = Field({}, description="queue: tier, or queue: {tier: 1, penalty: 0}, or a list of queues")
    position: Count = Field(_AGENT.position, description="place in line with strategy top_down")
    no_answer_limit: int = Field(_AGENT.no_answer_limit, ge=1, le=100, description="missed calls in a row, then the agent is not ready")
    no_answer: Seconds = Field(_AGENT.no_answer_seconds, description="no call so long after a missed one below the limit")
    rejected: Seconds = Field(_AGENT.rejected_seconds, description="the same after a rejected one")
    busy: Seconds = Field(_AGENT.busy_seconds, description="the same after the phone was busy")
    unregistered: Seconds = Field(_AGENT.unregistered_seconds, description="the same after the phone was not registered")
    record: bool = Field(_AGENT.record, description="this agent's talks are recorded, where the queue's are")
    auto_answer: bool = Field(_AGENT.auto_answer, description="the agent's phone is told to answer by itself; not every phone does")


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
