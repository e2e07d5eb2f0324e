"""Variables: is each set on every way that leads to its use? Is a secret ever spoken, dialled or shown?

Follows all paths at once: what is certainly set at a step is what every way into it has set. Sub-flows share the caller's
variables, so a flow begins with what is set at all places that enter it, and gives back what its return steps have set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ivrengine.domain.sentence import Sentence

from .check_view import FlowView, Path, Site, StepView
from .context import BUILT_IN_VARIABLES
from .expressions import Expression
from .finding import Finding, did_you_mean, shown
from .types import VariableName

Names = frozenset[str]
Summary = dict[str, Names]  # label of a return -> what is certainly set when a flow returns with it
NOTHING: Names = frozenset()
_FIRST = ("greeting", "prompt")  # heard before a step has set anything of its own
_DECIDES = ("when", "expression")  # fields whose value only chooses a branch: a secret may be read there


def check_variables(site: Site) -> Iterator[Finding]:
    views = {name: view for name, view in site.views.items() if view.draft.complete}
    summaries = _summaries(views)
    entries = _entry_sets(views, summaries)
    settable = {name for view in views.values() for step in view.steps.values() for name in _may_set(step)}
    for name, view in views.items():
        if entries[name] is not None:
            yield from _unset(view, _Known(view, entries[name] or NOTHING, summaries), settable)
    yield from _exposed(site.views)


# -- what is set where -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Known:
    """What is certainly set on entry of each step; a step that no way leads to is missing."""

    view: FlowView
    entry: Names
    summaries: Mapping[str, Summary]
    at: dict[str, Names] = field(default_factory=dict)

    def __post_init__(self) -> None:
        waiting = list(self.view.entries)
        for name in waiting:
            self.at[name] = self.entry
        while waiting:
            step = self.view.steps[waiting.pop()]
            for target, names in self.ways_out(step):
                known = self.at.get(target)
                now = names if known is None else known & names
                if known is None or now != known:
                    self.at[target] = now
                    waiting.append(target)

    def ways_out(self, step: StepView) -> Iterator[tuple[str, Names]]:
        here = self.at[step.name]
        for exit in step.exits:
            if exit.target in self.view.steps:
                returned = self._returned(step, exit.path)
                if returned is not None:
                    yield str(exit.target), here | exit.sets | returned
        if step.takes_flow_keys:
            for action in self.view.flow.keys.values():
                if action.go in self.view.steps:
                    yield str(action.go), here

    def _returned(self, step: StepView, path: Path) -> Names | None:
        """What a sub-flow has set by this way out; None when (so far) it never comes back by it."""
        if step.step.verb != "sub_flow" or str(step.spec.flow) not in self.summaries:
            return NOTHING
        called = str(step.spec.flow)
        summary = self.summaries[called]
        if path[0] == "returns":
            return summary.get(str(path[1]))
        others = [names for label, names in summary.items() if label not in step.spec.returns]
        return frozenset.intersection(*others) if others else None


def _summaries(views: dict[str, FlowView]) -> dict[str, Summary]:
    """Begins with "never returns" for all flows and goes on until nothing changes."""
    summaries: dict[str, Summary] = {name: {} for name in views}
    changed = True
    while changed:
        changed = False
        for name, view in views.items():
            known = _Known(view, NOTHING, summaries)
            summary: Summary = {}
            for step in view.steps.values():
                if step.step.verb == "return" and step.name in known.at:
                    names = known.at[step.name]
                    summary[step.spec.label] = summary.get(step.spec.label, names) & names
            if summary != summaries[name]:
                summaries[name] = summary
                changed = True
    return summaries


def _entry_sets(views: dict[str, FlowView], summaries: dict[str, Summary]) -> dict[str, Names | None]:
    """What is certainly set when a flow is entered; None for one that is only entered from where nobody gets."""
    called = {call.flow for view in views.values() for step in view.steps.values() for call in step.calls}
    entries: dict[str, Names | None] = {name: NOTHING if view.flow.numbers or name not in called else None for name, view in views.items()}
    waiting = [name for name, names in entries.items() if names is not None]
    while waiting:
        view = views[waiting.pop()]
        known = _Known(view, entries[view.flow.name] or NOTHING, summaries)
        for step in view.steps.values():
            for target in {call.flow for call in step.calls if step.name in known.at} & views.keys():
                before, here = entries[target], known.at[step.name]
                now = here if before is None else before & here
                if before is None or now != before:
                    entries[target] = now
                    waiting.append(target)
    return entries


def _may_set(step: StepView) -> set[str]:
    found = {str(name) for exit in step.exits for name in exit.sets}
    return found | {str(value) for _, value in step.leaves if isinstance(value, VariableName)}


# -- findings ----------------------------------------------------------------------------------------------------------


def _unset(view: FlowView, known: _Known, settable: set[str]) -> Iterator[Finding]:
    for step in view.steps.values():
        if step.name not in known.at:
            continue
        available = set(known.at[step.name]) | set(BUILT_IN_VARIABLES)
        own = step.step.implementation.own_names(step.spec)
        for path, value in step.leaves:
            if not isinstance(value, Expression):
                continue
            there = available if path[0] in _FIRST else available | own
            for name in sorted(value.names - there):
                yield _unset_finding(view, known, step, path, name, settable)
            if isinstance(path[-1], VariableName):  # `set` works its values out one after the other
                available.add(str(path[-1]))


def _unset_finding(view: FlowView, known: _Known, step: StepView, path: Path, name: str, settable: set[str]) -> Finding:
    if name not in settable:
        fix = did_you_mean(name, settable | set(BUILT_IN_VARIABLES))
        if not fix.startswith("did you mean"):
            fix = Sentence("set it before, with set or collect; a text stands in quotes of its own")
        return view.step_finding("unknown_variable", step, path, Sentence("no step sets the variable %(name)s", name=shown(name)), fix)
    before = next(
        (other.name for other in view.steps.values() if other.name in known.at
         for target, names in known.ways_out(other) if target == step.name and name not in names),
        None,
    )  # fmt: skip
    way = Sentence('when the caller comes from "%(before)s"', before=before) if before else Sentence("on every way here")
    sentence = Sentence("the variable %(name)s may not be set %(way)s", name=shown(name), way=way)
    return view.step_finding("variable_not_set", step, path, sentence, Sentence("set it on that way too, or ask for it before"))


def _exposed(views: Mapping[str, FlowView]) -> Iterator[Finding]:
    secrets = _secrets(views)
    for name, view in views.items():
        for step in view.steps.values():
            for path, value in step.leaves:
                if not isinstance(value, Expression) or path[-1] in _DECIDES or isinstance(path[-1], VariableName):
                    continue
                for secret in sorted(value.names & secrets[name]):
                    sentence = Sentence("%(secret)s is secret, and would be spoken, dialled or written down here", secret=shown(secret))
                    yield view.step_finding("secret_exposed", step, path, sentence, Sentence("leave it out; a secret may only be compared"))


def _secrets(views: Mapping[str, FlowView]) -> dict[str, set[str]]:
    """Secret names in each flow: those of all flows that it shares variables with, and what is worked out from them."""
    groups = _groups(views)
    for group in groups.values():
        steps = [step for name in group.flows for step in views[name].steps.values()]
        for step in steps:
            if step.field("secret") is True:
                group.names |= {str(value) for _, value in step.leaves if isinstance(value, VariableName)}
        while True:
            more = {
                str(path[-1])
                for step in steps
                for path, value in step.leaves
                if isinstance(path[-1], VariableName) and isinstance(value, Expression) and value.names & group.names
            }
            if more <= group.names:
                break
            group.names |= more
    return {name: group.names for name, group in groups.items()}


@dataclass(slots=True)
class _Group:
    flows: set[str]
    names: set[str] = field(default_factory=set)


def _groups(views: Mapping[str, FlowView]) -> dict[str, _Group]:
    groups = {name: _Group({name}) for name in views}
    for name, view in views.items():
        for step in view.steps.values():
            for called in [call.flow for call in step.calls]:
                if called in groups and groups[called] is not groups[name]:
                    merged = _Group(groups[name].flows | groups[called].flows)
                    for flow in merged.flows:
                        groups[flow] = merged
    return groups
