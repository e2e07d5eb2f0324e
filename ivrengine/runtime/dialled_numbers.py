"""Which dialled number leads to which flow: as published, as drafted, where it is written, and what is wrong with it.

An exact number wins over a prefix, the longest prefix over the others. Two flows with one number are an error of the linter, so that they
are never published together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ivrengine.flow.compile import Draft, load_flows
from ivrengine.flow.flowset import Place, number_matches

from .publishing import apart
from .site_files import SiteFiles


@dataclass(frozen=True, slots=True)
class FlowName:
    name: str
    title: str
    file: str


@dataclass(frozen=True, slots=True)
class DialledNumber:
    """``published`` and ``drafted``: the flow that the number enters, None for none. ``places``: where it is written in the drafts; more
    than one is a conflict. ``calls``: of the time that was asked for."""

    number: str
    published: FlowName | None = None
    drafted: FlowName | None = None
    places: tuple[Place, ...] = ()
    calls: int = 0

    @property
    def is_prefix(self) -> bool:
        return self.number.endswith("*")

    @property
    def is_feature_code(self) -> bool:
        """Dialled at phones of the house."""
        return self.number.startswith("*") and len(self.number) > 1

    @property
    def conflict(self) -> bool:
        return len(self.places) > 1

    @property
    def differs(self) -> bool:
        """Whether publishing the drafts would send callers elsewhere."""
        return (self.published.name if self.published else "") != (self.drafted.name if self.drafted else "")


@dataclass(frozen=True, slots=True)
class Numbers:
    """``flows``: of the drafts, those that can be read. ``unknown``: what was dialled and matched nothing, and how often."""

    rows: tuple[DialledNumber, ...]
    flows: tuple[FlowName, ...]
    unknown: tuple[tuple[str, int], ...] = ()


def numbers_of(published: SiteFiles, draft: SiteFiles, dialled: Iterable[tuple[str, int]] = ()) -> Numbers:
    """``dialled``: numbers as they were called, and how often. Waits: the flows are read in a native thread."""
    return apart(_numbers, published.texts, draft.texts, tuple(dialled))


def _numbers(published: Mapping[str, str], draft: Mapping[str, str], dialled: tuple[tuple[str, int], ...]) -> Numbers:
    then, now = load_flows(published).drafts, load_flows(draft).drafts
    found: dict[str, DialledNumber] = {}
    for each in then:
        for number in each.flow.numbers:
            row = found.setdefault(number, DialledNumber(number))
            if row.published is None:
                found[number] = replace(row, published=_name(each))
    for each in now:
        for index, number in enumerate(each.flow.numbers):
            row = found.setdefault(number, DialledNumber(number))
            place = each.document.locate(("numbers", index))
            found[number] = replace(row, drafted=row.drafted or _name(each), places=(*row.places, place))
    counts: dict[str, int] = {}
    unknown: dict[str, int] = {}
    for number, count in dialled:
        pattern = entered(number, found)
        counts[pattern] = counts.get(pattern, 0) + count
        if not pattern:
            unknown[number] = unknown.get(number, 0) + count
    rows = [replace(row, calls=counts.get(row.number, 0)) for row in found.values()]
    return Numbers(
        tuple(sorted(rows, key=lambda row: (row.is_feature_code, row.number))), tuple(_name(each) for each in now),
        tuple(sorted(unknown.items(), key=lambda item: (-item[1], item[0]))),
    )  # fmt: skip


def entered(number: str, patterns: Iterable[str]) -> str:
    """The pattern by which ``number`` is answered; "" for none. As FlowSet.for_number decides."""
    matching = [pattern for pattern in patterns if number_matches(pattern, number)]
    return max(matching, key=lambda pattern: (not pattern.endswith("*"), len(pattern)), default="")


def _name(draft: Draft) -> FlowName:
    return FlowName(draft.flow.name, draft.flow.title, draft.document.file)
