"""The linter: everything that is wrong with a set of flows and can be known before a caller finds it.

Command line, editor and publishing all use it. It tells all findings at once, never just the first. Paths through a flow are
only looked at when all of the flow can be read, so that one mistake is not told as ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .calendar_file import CalendarFile
from .calendars import year_findings
from .check_advice import check_advice
from .check_keys import check_keys
from .check_queues import check_queues
from .check_references import check_references
from .check_structure import called_flows, check_structure
from .check_variables import check_variables
from .check_view import FlowView, PromptCatalogue, Site, SpeechVoice
from .compile import FlowSetResult
from .finding import Finding, errors, sort_key
from .flowset import FlowSet


def check_flows(
    loaded: FlowSetResult,
    *,
    catalogue: PromptCatalogue,
    voice: SpeechVoice,
    calendars: CalendarFile,
    lists: Mapping[str, frozenset[str]],
    outside_numbers: Iterable[str],
    now: float,
    queues: Iterable[str] | None = None,
    skills: Iterable[str] | None = None,
) -> list[Finding]:
    """All findings of the files, the calendars and the flows together, in the order of the files. ``now``: UTC seconds.

    ``queues`` and ``skills``: names of those that the site has; None where that isn't known, so that it isn't checked.
    """
    views: dict[str, FlowView] = {}
    for draft in loaded.drafts:
        views.setdefault(draft.flow.name, FlowView.of(draft))
    site = Site(
        views, frozenset(views), catalogue, voice, calendars, lists, tuple(outside_numbers),
        None if queues is None else frozenset(queues), None if skills is None else frozenset(skills),
    )  # fmt: skip
    found = [*loaded.findings, *calendars.findings, *year_findings(calendars, now)]
    for check in (check_structure, check_references, check_keys, check_queues, check_variables, check_advice):
        found += check(site)
    return sorted(dict.fromkeys(found), key=sort_key)


def sound_flows(loaded: FlowSetResult, findings: Iterable[Finding]) -> FlowSet:
    """The flows whose files have no error and that enter only such flows."""
    broken = {finding.place.file for finding in errors(findings)}
    flows = {name: flow for name, flow in loaded.flows.flows.items() if flow.file not in broken}
    while True:
        lost = [name for name, flow in flows.items() if not called_flows(flow) <= flows.keys()]
        if not lost:
            return FlowSet(flows.values())
        for name in lost:
            del flows[name]
