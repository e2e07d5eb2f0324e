"""The fields of the site's records as a form has them: what each is called, how it is filled in, and what is wrong with it.

A form is read by the very reader of ``site.yml``: it is written as one record of such a file, a field a line, so that every sentence
of the reader finds its field. Refuses what the file would refuse.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from ivrengine.domain.sentence import joined
from ivrengine.flow.types import Seconds
from ivrengine.site.reading import read_site_file
from ivrengine.site.records import Agent, Part, Record, Site, name_of
from ivrengine.site.schema import KEYS, SPECS
from ivrengine.site.writing import duration

Kind = Literal["text", "check", "choice", "number", "duration", "team", "queues", "skills", "places"]
OWN_NAME = "own_name"  # what tells a record from the others of its part
GENERAL = ""  # the problems of no single field
_IS_DURATION = Seconds.__metadata__[0]  # type: ignore[attr-defined]
_APART = ("pin", "pin_hash")  # set by itself

LABELS: dict[str, LazyString] = {
    "title": _("Title"),
    "name": _("Name"),
    "number": _("Number for transfers"),
    "outbound_number": _("Number shown when agents call out"),
    "auto_answer": _("The phone answers by itself, if it can"),
    "strategy": _("Which free agent is rung"),
    "order": _("Whom a free agent serves first"),
    "weight": _("Head start over other queues"),
    "capacity": _("Most callers waiting (0: any number)"),
    "max_wait": _("Longest wait (0s: none)"),
    "when_empty": _("While no agent is logged in who could serve them"),
    "no_agent": _("Longest wait without agents (0s: none)"),
    "ring": _("A phone rings for"),
    "ring_all_limit": _("Phones that ring at once"),
    "accept_key": _("Key to accept (empty: none)"),
    "accept": _("Time to press it"),
    "wrap_up_least": _("Shortest wrap-up"),
    "wrap_up_most": _("Longest wrap-up"),
    "disposition_required": _("A disposition is required"),
    "notes_required": _("Notes are required (not of who has only a phone)"),
    "longest_hold": _("Alarm after a hold of (0s: never)"),
    "exclusion": _("Not to the same agent again for"),
    "short_abandon": _("Short abandon below"),
    "service_level": _("Service level: answered within"),
    "record": _("Talks are recorded"),
    "announce_recording": _("Callers are told so"),
    "whisper": _("Agents hear queue and customer first"),
    "callback_from_abandoned": _("Who hangs up waiting is called back"),
    "callback_from_messages": _("Who leaves a message is called back"),
    "callback_first": _("Rung first for a callback"),
    "callback_tries": _("Tries of a callback"),
    "callback_pause": _("Pause between tries"),
    "callback_ring": _("A customer's phone rings for"),
    "team": _("Team"),
    "supervisor": _("May supervise by phone"),
    "extension": _("Own phone (empty: any phone)"),
    "greeting": _("Sound file with own greeting"),
    "skills": _("Skills, level 1 to 10 (empty: none)"),
    "queues": _("Queues"),
    "position": _("Place in line (top down)"),
    "no_answer_limit": _("Missed calls in a row until not ready"),
    "no_answer": _("Pause after a missed call"),
    "rejected": _("Pause after a rejected call"),
    "busy": _("Pause after a busy phone"),
    "unregistered": _("Pause after an unregistered phone"),
    "most_away": _("Most on a break at once (0: all)"),
    "longest": _("Longest (0s: any)"),
    "approval": _("A supervisor must agree"),
}
CHOICES: dict[str, LazyString] = {
    "longest_idle": _("longest idle"),
    "round_robin": _("in turn"),
    "fewest_calls": _("fewest calls"),
    "least_talk": _("least talk"),
    "random": _("by chance"),
    "top_down": _("top down"),
    "ring_all": _("all ring"),
    "best_skill": _("best skill"),
    "cost": _("who fits best"),
    "age": _("who has waited longest"),
    "wait": _("callers wait"),
    "refuse": _("callers are refused"),
    "agent": _("the agent"),
    "customer": _("the customer"),
}
# (title, the first field of the section); the fields stand in the order of the schema
SECTIONS: dict[Part, dict[str, LazyString]] = {
    "queues": {
        "ring": _("How phones ring"),
        "wrap_up_least": _("Wrap-up"),
        "longest_hold": _("Figures and alarms"),
        "record": _("Recording"),
        "callback_from_abandoned": _("Calling back"),
    },
    "agents": {"skills": _("Skills and queues"), "position": _("Distribution")},
}


@dataclass(frozen=True, slots=True)
class FormField:
    """``value`` as the form shows it: a text, a bool, a list of names, or name -> text (skills) or (serves, tier, penalty) (places)."""

    name: str
    label: LazyString
    kind: Kind
    value: Any
    choices: tuple[str, ...] = ()
    section: LazyString | None = None


@dataclass(slots=True)
class Examined:
    """``record`` where nothing is wrong. ``problems``: field -> sentence; OWN_NAME, or GENERAL for the rest."""

    record: Record | None
    problems: dict[str, str] = field(default_factory=dict)
    advice: list[str] = field(default_factory=list)


def form_fields(part: Part, site: Site, record: Record | None, form: Mapping[str, str] | None) -> list[FormField]:
    """What the form shows: what was just given, else the record as it is, else what is usual."""
    sections = SECTIONS.get(part, {})
    return [
        FormField(
            name, LABELS[name], _kind(part, name), _value(part, name, site, record, form), _choices(part, name),
            sections.get(name),
        )
        for name in SPECS[part].model_fields
        if name not in _APART
    ]  # fmt: skip


def given_values(part: Part, site: Site, form: Mapping[str, str]) -> dict[str, Any]:
    """The record as a file would have it; what is left empty is as usual."""
    values: dict[str, Any] = {}
    for name in SPECS[part].model_fields:
        if name in _APART:
            continue
        match _kind(part, name):
            case "check":
                values[name] = "true" if name in form else "false"
            case "queues":
                values[name] = [queue.name for queue in site.queues if f"queues.{queue.name}" in form]
            case "skills":
                values[name] = {each.name: level for each in site.skills if (level := form.get(f"skills.{each.name}", "").strip())}
            case "places":
                values[name] = {
                    queue.name: {
                        key: given for key in ("tier", "penalty") if (given := form.get(f"{key}.{queue.name}", "").strip())
                    }
                    for queue in site.queues
                    if f"queues.{queue.name}" in form
                }
            case _:
                given = form.get(name, "").strip()
                if given:
                    values[name] = given
    return values


def examine(part: Part, name: str, values: Mapping[str, Any], site: Site) -> Examined:
    """Read one record as the reader of ``site.yml`` does, beside all others. For a native thread: a site may be large."""
    others = [record for record in getattr(site, part) if name_of(record) != name]
    lines = [f"{KEYS[part]}:", *(f"  {_written(name_of(other))}: {_written(_unique_of(other))}" for other in others)]
    name_line = len(lines) + 1
    lines += [f"  {_written(name)}:{'' if values else ' {}'}", *(f"    {key}: {_written(value)}" for key, value in values.items())]
    read = read_site_file("\n".join(lines) + "\n", stored=site)
    fields = dict(enumerate([OWN_NAME, *values], name_line))
    result = Examined(None)
    for finding in read.findings:
        where = fields.get(finding.place.line, GENERAL)
        sentence = joined(filter(None, (finding.sentence, finding.fix)))
        if finding.severity == "error":
            result.problems[where] = joined(filter(None, (result.problems.get(where, ""), sentence)))
        elif where != GENERAL:
            result.advice.append(sentence)
    if not result.problems:
        result.record = next((record for record in getattr(read.site, part) if name_of(record) == name), None)
    return result


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _unique_of(record: Any) -> dict[str, str]:
    """As much of another record as this one could clash with."""
    return {name: value for name in ("extension", "number") if (value := getattr(record, name, ""))}


def _kind(part: Part, name: str) -> Kind:
    info = SPECS[part].model_fields[name]
    if part == "agents" and name in ("team", "skills", "queues"):
        return {"team": "team", "skills": "skills", "queues": "places"}[name]  # type: ignore[return-value]
    if part == "dispositions" and name == "queues":
        return "queues"
    if _IS_DURATION in info.metadata:
        return "duration"
    if isinstance(info.default, bool):
        return "check"
    if get_origin(info.annotation) is Literal:
        return "choice"
    return "number" if isinstance(info.default, int) else "text"


def _choices(part: Part, name: str) -> tuple[str, ...]:
    return get_args(SPECS[part].model_fields[name].annotation) if _kind(part, name) == "choice" else ()


def _value(part: Part, name: str, site: Site, record: Record | None, form: Mapping[str, str] | None) -> Any:
    kind = _kind(part, name)
    if form is not None:
        match kind:
            case "check":
                return name in form
            case "queues":
                return [queue.name for queue in site.queues if f"queues.{queue.name}" in form]
            case "skills":
                return {each.name: form.get(f"skills.{each.name}", "") for each in site.skills}
            case "places":
                return {
                    queue.name: (f"queues.{queue.name}" in form, form.get(f"tier.{queue.name}", ""), form.get(f"penalty.{queue.name}", ""))
                    for queue in site.queues
                }
            case _:
                return form.get(name, "")
    stands = SPECS[part].model_fields[name].default if record is None else _stands(record, name)
    match kind:
        case "duration":
            return duration(stands)
        case "queues":
            return list(stands)
        case "skills":
            return {each.name: str(stands.get(each.name, "")) for each in site.skills}
        case "places":
            return {
                queue.name: (True, str(stands[queue.name].tier), str(stands[queue.name].penalty))
                if queue.name in stands
                else (False, "", "")
                for queue in site.queues
            }
        case "check":
            return bool(stands)
    return str(stands)


def _stands(record: Any, name: str) -> Any:
    """A field of a record, whatever its part of the name that the file leaves out."""
    for holder in (record.rules, record) if isinstance(record, Agent) else (record,):
        for attribute in (name, f"{name}_seconds", f"{name}_path"):
            if hasattr(holder, attribute):
                return getattr(holder, attribute)
    raise AttributeError(name)
