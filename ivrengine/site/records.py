"""What a site says about its queues and people, as the database keeps it and ``site.yml`` writes it.

Each record can become a JSON-ready dict and back. A dict of another version of the engine is read as far as it is understood:
fields it lacks get their default, fields nobody knows are left out. The hash of a PIN stands in no record and no repr.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar

from ivrengine.acd.happenings import SiteSet
from ivrengine.acd.rules import AgentRules, BreakReason, Membership, QueueRules, Team
from ivrengine.domain.sentence import Sentence

# The parts of a site, in the order in which they are read: what is named in a later one stands in an earlier one.
Part = Literal["skills", "teams", "reasons", "dispositions", "queues", "agents"]

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Skill:
    """Something agents can do, with a level 1-10 each, and callers may need."""

    name: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Disposition:
    """What a talk was about or came to. ``code`` is what an agent keys; no ``queues`` means all of them."""

    code: str
    title: str = ""
    queues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent: the rules, and what the engine knows of the person besides.

    ``extension``: a phone that is always this agent's, "" for free seating. ``greeting_path``: the agent's own recording.
    ``supervisor``: may listen, whisper, allow breaks and so on. ``pin_hash`` as ``storage/pins.py`` makes it, "" for none.
    """

    rules: AgentRules
    extension: str = ""
    greeting_path: str = ""
    supervisor: bool = False
    pin_hash: str = field(default="", repr=False)

    @property
    def agent_id(self) -> str:
        return self.rules.agent_id


Record = Skill | Team | BreakReason | Disposition | QueueRules | Agent


@dataclass(frozen=True, slots=True)
class Site:
    """Everything of a site that is edited while the engine runs, in the order in which people wrote it."""

    skills: tuple[Skill, ...] = ()
    teams: tuple[Team, ...] = ()
    reasons: tuple[BreakReason, ...] = ()
    dispositions: tuple[Disposition, ...] = ()
    queues: tuple[QueueRules, ...] = ()
    agents: tuple[Agent, ...] = ()

    def happening(self) -> SiteSet:
        """What the dispatcher is told of it."""
        return SiteSet(self.queues, tuple(agent.rules for agent in self.agents), self.teams, self.reasons)

    def queue(self, name: str) -> QueueRules | None:
        return next((queue for queue in self.queues if queue.name == name), None)

    def agent(self, agent_id: str) -> Agent | None:
        return next((agent for agent in self.agents if agent.agent_id == agent_id), None)

    def dispositions_of(self, queue: str) -> tuple[Disposition, ...]:
        """Those that an agent may give for a talk of ``queue``."""
        return tuple(each for each in self.dispositions if not each.queues or queue in each.queues)


PARTS: dict[Part, type[Any]] = {
    "skills": Skill,
    "teams": Team,
    "reasons": BreakReason,
    "dispositions": Disposition,
    "queues": QueueRules,
    "agents": Agent,
}
# one of them in a sentence
NOUNS: dict[Part, str] = {
    "skills": Sentence("skill"), "teams": Sentence("team"), "reasons": Sentence("break reason"),
    "dispositions": Sentence("disposition"), "queues": Sentence("queue"), "agents": Sentence("agent"),
}  # fmt: skip
# who names records of which other part, in which field
REFERENCES: tuple[tuple[Part, str, Part], ...] = (
    ("dispositions", "queues", "queues"),
    ("agents", "team", "teams"),
    ("agents", "skills", "skills"),
    ("agents", "queues", "queues"),
)


def a_noun(part: Part) -> str:
    """With its article."""
    return Sentence("an %(noun)s", noun=NOUNS[part]) if part == "agents" else Sentence("a %(noun)s", noun=NOUNS[part])


def part_of(record: Record) -> Part:
    return next(part for part, kind in PARTS.items() if type(record) is kind)


def name_of(record: Record) -> str:
    """What tells it from the others of its part."""
    match record:
        case Agent():
            return record.agent_id
        case BreakReason():
            return record.reason
        case Disposition():
            return record.code
        case _:
            return record.name


def holders(site: Site, part: Part, name: str) -> list[str]:
    """Which other records name this one (``agent 1001``), so that it can't go."""
    found = []
    for holder, field_name, named in REFERENCES:
        for record in getattr(site, holder) if named == part else ():
            held = getattr(record.rules if isinstance(record, Agent) else record, field_name)
            if name in ([held] if isinstance(held, str) else held):
                found.append(Sentence("%(part)s %(name)s", part=NOUNS[holder], name=name_of(record)))
    return found


def version_of(record: Record) -> str:
    """Another one whenever the record is another one; the PIN, which is set by itself, is no part of it."""
    return hashlib.sha256(json.dumps(to_dict(record), sort_keys=True).encode("utf-8", "replace")).hexdigest()[:16]


def to_dict(record: Record) -> dict[str, Any]:
    """JSON-ready, without the PIN's hash."""
    if isinstance(record, Agent):
        others = {"extension": record.extension, "greeting_path": record.greeting_path, "supervisor": record.supervisor}
        return {**asdict(record.rules), **others}
    return asdict(record)


def from_dict(part: Part, values: Mapping[str, Any], pin_hash: str = "") -> Any:
    """The record that ``to_dict`` was given."""
    if part == "agents":
        queues = {name: _known(Membership, place) for name, place in values.get("queues", {}).items()}
        rules = _known(AgentRules, {**values, "queues": queues})
        return _known(Agent, {**values, "rules": rules, "pin_hash": pin_hash})
    if part == "dispositions":
        return _known(Disposition, {**values, "queues": tuple(values.get("queues", ()))})
    return _known(PARTS[part], values)


def _known(kind: type[R], values: Mapping[str, Any]) -> R:
    return kind(**{each.name: values[each.name] for each in fields(kind) if each.name in values})  # type: ignore[arg-type]
