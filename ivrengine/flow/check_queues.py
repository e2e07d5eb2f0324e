"""Waiting for agents: queues and skills that exist, information that can be cut, keys that callers are told of, callbacks."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ivrengine.domain.sentence import Sentence

from .check_view import FlowView, Path, Site, StepView, reach
from .finding import Finding, did_you_mean, shown
from .types import QueueRef, SkillRef

# What must not be cut in the middle when an agent is found: somebody speaks, keys a secret, or is with somebody else.
_NOT_TO_BE_CUT = frozenset({"desk", "dial_extension", "queue", "record", "survey", "transfer", "voicemail"})


def check_queues(site: Site) -> Iterator[Finding]:
    informing = _informing(site)
    place_offered = any(
        path[-1] == "leaves_as" and value == "callback_requested"
        for view in site.views.values() for step in view.steps.values() for path, value in step.leaves
    )  # fmt: skip
    for view in site.views.values():
        for step in view.steps.values():
            yield from _names(site, view, step)
            if step.step.verb == "queue":
                yield from _keys(view, step)
            elif step.step.verb == "callback":
                yield from _callback(site, view, step, place_offered or view.flow.name in informing)
            if view.flow.name in informing and _must_not_be_cut(step):
                sentence = Sentence(
                    "callers hear this flow while they wait for an agent, and %(verb)s can't be cut when one is found", verb=step.step.verb
                )
                fix = Sentence("let the caller leave the queue for it, with go: instead of do: inform")
                yield view.step_finding("cannot_be_cut", step, (), sentence, fix)


def _informing(site: Site) -> set[str]:
    """Flows that callers walk through while they wait."""
    entered = [
        call.flow for view in site.views.values() for step in view.steps.values() if step.step.verb == "queue" for call in step.calls
    ]

    def following(name: str) -> list[str]:
        steps = site.views[name].steps.values() if name in site.views else ()
        return [call.flow for step in steps for call in step.calls if step.step.verb != "queue"]

    return reach(entered, following)


def _must_not_be_cut(step: StepView) -> bool:
    return step.step.verb in _NOT_TO_BE_CUT or step.field("secret") is True


def _names(site: Site, view: FlowView, step: StepView) -> Iterator[Finding]:
    for path, value in step.leaves:
        if isinstance(value, QueueRef):
            yield from _known(view, step, path, "queue", value, site.queues)
        elif path and isinstance(path[-1], SkillRef):
            yield from _known(view, step, path, "skill", path[-1], site.skills)


def _known(view: FlowView, step: StepView, path: Path, what: str, name: str, known: Collection[str] | None) -> Iterator[Finding]:
    if known is not None and name not in known:
        if what == "queue":
            sentence, way_out = Sentence("the site has no queue %(name)s", name=shown(name)), Sentence("add the queue to the site")
        else:
            sentence, way_out = Sentence("the site has no skill %(name)s", name=shown(name)), Sentence("add the skill to the site")
        yield view.step_finding(f"unknown_{what}", step, path, sentence, did_you_mean(name, known) or way_out)


def _keys(view: FlowView, step: StepView) -> Iterator[Finding]:
    announce = step.field("announce")
    if step.spec.choices and not (announce and announce.offer):
        sentence = Sentence("keys work here while a caller waits, but nothing tells of them")
        yield view.step_finding("keys_not_told", step, ("choices",), sentence, Sentence("say them in announce: offer:"), "warning")
    if announce and announce.offer and not step.spec.choices:
        sentence = Sentence("an offer is announced here, but no key does anything")
        yield view.step_finding(
            "keys_not_told", step, ("announce", "offer"), sentence, Sentence("add choices:, or take it away"), "warning"
        )


def _callback(site: Site, view: FlowView, step: StepView, place_offered: bool) -> Iterator[Finding]:
    if step.spec.queue is None and not place_offered:
        sentence = Sentence("this callback names no queue, and nobody comes here from a queue")
        yield view.step_finding("no_queue", step, (), sentence, Sentence("give queue:, or enter this flow by do: inform of a queue"))
    if not site.outside_numbers:
        sentence = Sentence("no number may be called back, as the list of permitted outside numbers is empty")
        fix = Sentence("let the operator fill outside_numbers in ivrengine.toml")
        yield view.step_finding("outside_number", step, (), sentence, fix, "warning")
