"""What is different between two sites, record by record and field by field, for whoever is about to import one over the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from .records import NOUNS, PARTS, Agent, Part, Record, Site, name_of, to_dict
from .schema import file_name

SHOWN_CHARACTERS = 120  # of one value in a sentence


@dataclass(frozen=True, slots=True)
class Difference:
    """``fields``: name -> (before, after) of a changed record. ``order``: the records of the part stand in another order."""

    part: Part
    name: str
    kind: Literal["add", "change", "remove", "order"]
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        noun = NOUNS[self.part]
        if self.kind == "order":
            return f"change  the order of the {noun}s"
        told = ", ".join(f"{name}: {_shown(before)} -> {_shown(after)}" for name, (before, after) in self.fields.items())
        return f"{self.kind:<7} {noun} {self.name}" + (f" ({told})" if told else "")


def differences(before: Site, after: Site) -> list[Difference]:
    """What leads from one to the other, in the order of the file. A PIN is only said to be another one, or new."""
    found: list[Difference] = []
    for part in PARTS:
        old = {name_of(record): record for record in getattr(before, part)}
        new = {name_of(record): record for record in getattr(after, part)}
        found += [Difference(part, name, "remove") for name in old if name not in new]
        for name, record in new.items():
            if name not in old:
                found.append(Difference(part, name, "add"))
            elif changed := _changed(old[name], record):
                found.append(Difference(part, name, "change", changed))
        if [name for name in old if name in new] != [name for name in new if name in old]:
            found.append(Difference(part, "", "order"))
    return found


def _changed(before: Record, after: Record) -> dict[str, tuple[Any, Any]]:
    old, new = to_dict(before), to_dict(after)
    changed = {file_name(name): (old[name], value) for name, value in new.items() if old[name] != value}
    if isinstance(before, Agent) and isinstance(after, Agent) and after.pin_hash not in ("", before.pin_hash):
        changed["pin"] = ("set" if before.pin_hash else "none", "another")
    return changed


def _shown(value: Any) -> str:
    text = "nothing" if value in ("", {}, (), []) else str(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
