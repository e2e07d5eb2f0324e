"""A site to the text of ``site.yml``, such that reading it gives the same site. What is as usual is left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal
from typing import Any

import yaml

from ivrengine.acd.rules import AgentRules, BreakReason, Membership, QueueRules, Team

from .records import PARTS, Agent, Disposition, Record, Site, Skill, name_of
from .schema import KEYS, file_name

WIDTH = 128  # of a line
_HEADER = """\
# Queues and people of this site, as `ivrengine site export` wrote them. `ivrengine site import` reads them again.
# What a record doesn't say is as usual. A part that is left out altogether stays as it is when this file is imported.
"""
_PIN_NOTE = """\
# pin_hash lets an agent keep their PIN. Keep this file from strangers: short PINs can be guessed from it.
"""


class _OnOneLine(dict[str, Any]):
    """A map that is written ``{so: that}``."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(_OnOneLine, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), True))


def write_site_file(site: Site, *, with_pins: bool = True) -> str:
    """The text. Without ``with_pins`` nothing of the PINs is in it; who imports it keeps the PINs that are there."""
    parts: dict[str, Any] = {}
    for part in PARTS:
        parts[KEYS[part]] = {name_of(record): _values(record, with_pins) for record in getattr(site, part)}
    has_pins = with_pins and any(agent.pin_hash for agent in site.agents)
    text = yaml.dump(parts, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=False)
    return _HEADER + (_PIN_NOTE if has_pins else "") + "\n" + text


def duration(seconds: float) -> str:
    """With its unit: ``90s``, ``2.5s``, ``15m``, ``2h``; exactly the same number when it is read."""
    for unit, unit_seconds in (("h", 3600), ("m", 60)):
        if seconds and seconds % unit_seconds == 0:
            return f"{seconds / unit_seconds:.0f}{unit}"
    return f"{Decimal(repr(float(seconds))).normalize():f}s"


def _values(record: Record, with_pins: bool) -> dict[str, Any]:
    match record:
        case Skill():
            values: dict[str, Any] = _unusual(record, Skill(record.name), "name")
        case Team():
            values = _unusual(record, Team(record.name), "name")
        case BreakReason():
            values = _unusual(record, BreakReason(record.reason), "reason")
        case Disposition():
            values = _unusual(record, Disposition(record.code), "code", "queues")
            if record.queues:
                values["queues"] = list(record.queues)
        case QueueRules():
            return _unusual(record, QueueRules(record.name), "name")
        case Agent():
            return _agent(record, with_pins)
    return _OnOneLine(values)


def _agent(agent: Agent, with_pins: bool) -> dict[str, Any]:
    rules = agent.rules
    values = _unusual(rules, AgentRules(agent.agent_id), "agent_id", "skills", "queues")
    values |= _unusual(agent, Agent(rules), "rules", "pin_hash")
    if with_pins and agent.pin_hash:
        values["pin_hash"] = agent.pin_hash
    if rules.skills:
        values["skills"] = _OnOneLine(rules.skills)
    if rules.queues:
        usual = Membership()
        values["queues"] = _OnOneLine({name: _OnOneLine(_unusual(place, usual)) for name, place in rules.queues.items()})
    return values


def _unusual(record: Any, usual: Any, *left_out: str) -> dict[str, Any]:
    """The fields that are others than in ``usual``, as the file calls and writes them."""
    values: dict[str, Any] = {}
    for name in _names(record, left_out):
        value = getattr(record, name)
        if value != getattr(usual, name):
            values[file_name(name)] = duration(value) if name.endswith("_seconds") else value
    return values


def _names(record: Any, left_out: Iterable[str]) -> list[str]:
    return [each.name for each in fields(record) if each.name not in left_out]
