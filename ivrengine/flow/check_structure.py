"""Whether a caller can walk a flow: steps that nobody reaches, dead ends, loops without a wait, calls between flows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from ivrengine.domain.sentence import Sentence

from .check_view import FlowCall, FlowView, Site, StepView, reach
from .finding import Finding, did_you_mean, shown
from .flowset import Flow
from .types import FlowRef, walk

Node = tuple[str, str]  # flow, step
# Verbs that connect the caller with somebody; who is at the desk is no caller and wants nobody.
_TO_A_PERSON = frozenset({"desk", "dial_extension", "queue", "transfer"})
_NAMES_SHOWN = 5


def check_structure(site: Site) -> Iterator[Finding]:
    complete = {name: view for name, view in site.views.items() if view.draft.complete}
    for view in complete.values():
        yield from _unreachable(view)
        yield from _no_end(view)
        yield from _on_hangup(view)
        yield from _return_outside(view)
    for view in site.views.values():
        yield from _sub_flows(view, site)
    yield from _recursion(complete)
    yield from _loops(complete)
    yield from _no_person(complete)
    yield from _unused(site)


def _unreachable(view: FlowView) -> Iterator[Finding]:
    found = view.reachable()
    for name in view.steps:
        if name not in found:
            yield view.step_finding(
                "unreachable_step",
                name,
                (),
                Sentence('no way leads to the step "%(name)s"', name=name),
                Sentence("lead a branch to it, or delete it"),
            )


def _no_end(view: FlowView) -> Iterator[Finding]:
    """Steps from which every way goes round for ever; a caller could only hang up."""
    before: dict[str, list[str]] = {name: [] for name in view.steps}
    for name, step in view.steps.items():
        for target in step.next:
            before[target].append(name)
    hangs_up = any(action.do == "hangup" for action in view.flow.keys.values())
    ends = [name for name, step in view.steps.items() if _ends(step) or (hangs_up and step.takes_flow_keys)]
    ending = reach(ends, before.__getitem__)
    reachable = view.reachable()
    lost = [name for name in view.steps if name in reachable and name not in ending]
    if lost:
        others = Sentence(" (nor from %(steps)s)", steps=_listed(lost[1:])) if lost[1:] else ""
        sentence = Sentence('no way leads from the step "%(step)s"%(others)s to an end of the call', step=lost[0], others=others)
        yield view.step_finding("no_end", lost[0], (), sentence, Sentence("add a branch to a step with hangup, transfer or return"))


def _ends(step: StepView) -> bool:
    return step.step.implementation.may_end(step.spec) or any(path[-1] == "do" and value == "hangup" for path, value in step.leaves)


def _on_hangup(view: FlowView) -> Iterator[Finding]:
    if view.flow.on_hangup not in view.steps:
        return
    for name in sorted(view.reachable([view.flow.on_hangup])):
        step = view.steps[name].step
        if not step.implementation.runs_after_hangup:
            sentence = Sentence(
                'the step "%(name)s" comes after on_hangup, but %(verb)s needs a caller, who has gone by then', name=name, verb=step.verb
            )
            yield view.step_finding("needs_caller", name, (), sentence, Sentence("use steps that only note or decide something"))


def _return_outside(view: FlowView) -> Iterator[Finding]:
    if not view.flow.numbers:
        return
    for name, step in view.steps.items():
        if step.step.verb == "return":
            sentence = Sentence("callers enter this flow by a number, so there is no flow that they could return to")
            yield view.step_finding("return_outside", name, (), sentence, Sentence("use hangup, or take the numbers away from this flow"))


# -- flows that enter flows --------------------------------------------------------------------------------------------


def called_flows(flow: Flow) -> set[str]:
    """Names of the flows that a flow enters itself."""
    return {str(value) for step in flow.steps.values() for _, value in walk(step.spec) if isinstance(value, FlowRef)}


def _calls_of(view: FlowView) -> list[str]:
    return [call.flow for step in view.steps.values() for call in step.calls]


def _sub_flows(view: FlowView, site: Site) -> Iterator[Finding]:
    for step in view.steps.values():
        for call in step.calls:
            called = site.views.get(call.flow)
            if called is None:
                if call.flow not in site.known_flows:
                    fix = did_you_mean(call.flow, site.known_flows)
                    yield view.step_finding(
                        "unknown_flow", step, call.path, Sentence("there is no flow %(flow)s", flow=shown(call.flow)), fix
                    )
            elif called.draft.complete:
                yield from _pin(view, step, call, called)
                yield from _labels(view, step, called)


def _labels(view: FlowView, step: StepView, called: FlowView) -> Iterator[Finding]:
    labels, name = return_labels(called), called.flow.name
    for label in step.field("returns") or ():
        if label not in labels:
            sentence = Sentence('the flow "%(name)s" never returns %(label)s', name=name, label=shown(label))
            fix = did_you_mean(label, labels) or Sentence('the flow "%(name)s" has no step with return', name=name)
            yield view.step_finding("unknown_label", step, ("returns", label), sentence, fix)


def _pin(view: FlowView, step: StepView, call: FlowCall, called: FlowView) -> Iterator[Finding]:
    version, name = call.version, called.flow.name
    if version is None:
        sentence = Sentence(
            'the flow "%(name)s" is entered in whatever version is published, so a change of it changes this flow too', name=name
        )
        fix = Sentence("write version: %(version)s to stay with the present one", version=called.flow.version)
        yield view.step_finding("not_pinned", step, call.path, sentence, fix, "warning")
    elif version != called.flow.version:
        sentence = Sentence('the flow "%(name)s" is not at the version %(version)s any more', name=name, version=version)
        fix = Sentence("write version: %(version)s, which is the present one", version=called.flow.version)
        yield view.step_finding("unknown_version", step, (*call.path[:-1], "version"), sentence, fix)


def return_labels(view: FlowView) -> list[str]:
    return sorted({step.spec.label for step in view.steps.values() if step.step.verb == "return"})


def _recursion(views: dict[str, FlowView]) -> Iterator[Finding]:
    calls = {name: [called for called in _calls_of(view) if called in views] for name, view in views.items()}
    for name, view in views.items():
        for step in view.steps.values():
            for call in step.calls:
                if call.flow in views and name in reach([call.flow], calls.__getitem__):
                    sentence = Sentence(
                        'the flow "%(flow)s" leads back into this flow, so that callers get deeper and deeper into sub-flows',
                        flow=call.flow,
                    )
                    fix = Sentence("leave the other flow with a return step instead")
                    yield view.step_finding("sub_flow_circle", step, call.path, sentence, fix)


# -- loops -------------------------------------------------------------------------------------------------------------


def _loops(views: dict[str, FlowView]) -> Iterator[Finding]:
    """Circles of steps, across flows too, in which nothing waits for the caller."""
    edges: dict[Node, list[Node]] = {}
    through = {name: _passes_through(view, views) for name, view in views.items()}
    for name, view in views.items():
        for step in view.steps.values():
            if step.waits:
                continue
            following = [(name, target) for target in step.next]
            for call in step.calls:
                if call.flow in views:
                    following = [(call.flow, views[call.flow].flow.start)] + (following if through[call.flow] else [])
            edges[name, step.name] = following
    for circle in circles(edges):
        name, first = min(circle, key=lambda node: list(views[node[0]].steps).index(node[1]))
        rest = sorted(node for node in circle if node != (name, first))
        others = _listed([step if flow == name else f"{flow}:{step}" for flow, step in rest])
        company = Sentence(" with %(others)s", others=others) if others else ""
        sentence = Sentence(
            'the step "%(first)s" goes round in a circle%(company)s without waiting for the caller', first=first, company=company
        )
        yield views[name].step_finding("endless_loop", first, (), sentence, Sentence("put a menu or another step that waits into it"))


def _passes_through(view: FlowView, views: dict[str, FlowView]) -> bool:
    """True when a caller can be led from start to a return without any wait; sub-flows of it count as if they never wait."""
    found = reach([view.flow.start], lambda name: [] if view.steps[name].waits else view.steps[name].next)
    return any(view.steps[name].step.verb == "return" for name in found)


def circles(edges: dict[Any, list[Any]]) -> Iterator[list[Any]]:
    """Strongly connected parts with more than one node, or one that leads to itself (Tarjan's way, without recursion)."""
    index: dict[Any, int] = {}
    low: dict[Any, int] = {}
    stack: list[Any] = []
    on_stack: set[Any] = set()
    for root in edges:
        if root in index:
            continue
        work = [(root, iter(edges[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, following = work[-1]
            for target in following:
                if target not in edges:
                    continue
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(edges[target])))
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part = stack[stack.index(node) :]
                    del stack[stack.index(node) :]
                    on_stack -= set(part)
                    if len(part) > 1 or node in edges[node]:
                        yield part


# -- advice ------------------------------------------------------------------------------------------------------------


def _no_person(views: dict[str, FlowView]) -> Iterator[Finding]:
    for view in views.values():
        if view.flow.numbers and not _reaches_person(view, views, set()):
            sentence = Sentence("no way of this flow leads to a person")
            fix = Sentence("offer queue, dial_extension or transfer somewhere, best on the key 0")
            yield view.finding("no_person", ("numbers",), sentence, fix, "warning", key=True)


def _reaches_person(view: FlowView, views: dict[str, FlowView], seen: set[str]) -> bool:
    seen.add(view.flow.name)
    for name in view.reachable():
        step = view.steps[name]
        if step.step.verb in _TO_A_PERSON:
            return True
        for call in step.calls:
            if call.flow in views and call.flow not in seen and _reaches_person(views[call.flow], views, seen):
                return True
    return False


def _unused(site: Site) -> Iterator[Finding]:
    called = {name for view in site.views.values() for name in _calls_of(view)}
    for name, view in site.views.items():
        if not view.flow.numbers and name not in called and view.draft.complete:
            sentence = Sentence('no number and no other flow leads into the flow "%(name)s"', name=name)
            yield view.finding("unused_flow", ("flow",), sentence, Sentence("give it numbers:, or enter it by sub_flow"), "warning")


def _listed(names: Collection[str]) -> str:
    shown_names = list(names)[:_NAMES_SHOWN]
    more = len(names) - len(shown_names)
    listed = ", ".join(shown_names)
    return Sentence("%(names)s and %(count)s more", names=listed, count=more) if more > 0 else listed
