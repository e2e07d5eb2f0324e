"""YAML text to a flow that the interpreter can walk, or everything that is wrong with it.

One file is one flow. A file with an error yields no flow and disturbs no other file. What needs more than the file itself
(prompts, calendars, other flows, unreachable steps) is the linter's work, in ``check``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from ivrengine.domain.sentence import Sentence

from . import steps as _steps  # noqa: F401  importing the package registers every step
from .document import Document, MapNode, Node, TextNode, load_document
from .finding import Finding, did_you_mean, errors, shown, sort_key
from .flowset import CompiledStep, Flow, FlowSet
from .schema_findings import Loc, validate
from .step import REGISTRY
from .types import KEYS, FlowRef, KeyAction, StepRef, StepSpec, refusal, walk

DIALLED_NUMBER = re.compile(r"(?:[+*#]?[0-9]{1,20}#?\*?|\*)\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?\Z")
_STEP_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
MOST_STEPS = 2000


def _number(text: str) -> str:
    if not DIALLED_NUMBER.match(text):
        raise refusal(
            Sentence("%(text)s is not a dialled number", text=shown(text)),
            Sentence("write digits, with * at the end for every number that begins so"),
        )
    return text


def _language(text: str) -> str:
    if not _LANGUAGE.match(text):
        raise refusal(Sentence("%(text)s is not a language", text=shown(text)), Sentence("write it like zh-CN or en-US"))
    return text


def _keys(keys: dict[str, KeyAction]) -> dict[str, KeyAction]:
    for key in keys:
        if len(key) != 1 or key not in KEYS:
            raise refusal(Sentence("%(key)s is not a key", key=shown(key)), Sentence('a flow\'s own key is one of 0-9, "*" and "#"'))
    return keys


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class FlowHead(StepSpec):
    """The top level of a flow file."""

    flow: FlowRef
    name: str = Field(default="", max_length=120)
    languages: Annotated[tuple[Annotated[str, AfterValidator(_language)], ...], BeforeValidator(_list)] = Field(min_length=1, max_length=20)
    numbers: Annotated[tuple[Annotated[str, AfterValidator(_number)], ...], BeforeValidator(_list)] = ()
    start: StepRef
    steps: dict[str, Any] = Field(min_length=1, max_length=MOST_STEPS)
    fallback: StepRef | None = None
    on_hangup: StepRef | None = None
    keys: Annotated[dict[str, KeyAction], AfterValidator(_keys)] = {}
    max_failed_entries: int = Field(default=20, ge=1, le=1000)


Leaves = list[tuple[Loc, Any]]


@dataclass(slots=True)
class Draft:
    """What could be read of a flow. ``complete``: all of it, without an error; only then do paths through it mean anything."""

    flow: Flow
    document: Document
    complete: bool
    leaves: Mapping[str, Leaves]  # of each step's spec


@dataclass(slots=True)
class Compiled:
    """One file's flow. ``flow`` is None when anything in the file is wrong; ``draft`` is what the linter may still look at."""

    flow: Flow | None
    findings: list[Finding]
    draft: Draft | None = None


@dataclass(slots=True)
class FlowSetResult:
    """All flows of a directory that are sound in themselves, and what is wrong with the others."""

    flows: FlowSet
    findings: list[Finding]
    drafts: list[Draft] = field(default_factory=list)


def version_of(text: str | bytes) -> str:
    """The version of a flow: the first 16 hex digits of its text's SHA-256."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()[:16]


def compile_flow(text: str | bytes, file: str) -> Compiled:
    """Compile one file. Never raises: every problem is a finding."""
    document = load_document(text, file)
    findings = list(document.findings)
    if document.node is None:
        return Compiled(None, findings)
    if not isinstance(document.node, MapNode):
        sentence = Sentence("a flow file begins with a key and a colon, like flow: hotline")
        findings.append(Finding("wrong_type", "error", document.place(document.node), sentence))
        return Compiled(None, findings)
    head, head_findings = validate(FlowHead, document, (), Sentence("the flow"), _head_value(document.node))
    findings += head_findings
    steps, step_findings = _compile_steps(document)
    findings += step_findings
    leaves = {name: list(walk(step.spec)) for name, step in steps.items()}
    findings += _unknown_steps(document, steps, leaves)
    whole = isinstance(head, FlowHead)
    head = head if isinstance(head, FlowHead) else _salvage(document)
    flow = Flow(
        name=str(head.flow), title=head.name or str(head.flow), version=version_of(text), languages=head.languages,
        numbers=head.numbers, start=str(head.start), steps=steps, fallback=_text(head.fallback), on_hangup=_text(head.on_hangup),
        keys=head.keys, max_failed_entries=head.max_failed_entries, file=file,
    )  # fmt: skip
    if whole:
        findings += _prepare(flow, document)
    draft = Draft(flow, document, complete=whole and len(steps) == len(head.steps) and not errors(findings), leaves=leaves)
    return Compiled(None if errors(findings) else flow, sorted(findings, key=sort_key), draft)


def load_flows(texts: Mapping[str, str | bytes]) -> FlowSetResult:
    """Compile files that belong together: file name -> text. Of two flows with one name or number the later file's is refused."""
    flows: dict[str, Flow] = {}
    names: dict[str, Draft] = {}
    numbers: dict[str, Draft] = {}
    findings: list[Finding] = []
    drafts: list[Draft] = []
    for file in sorted(texts):
        compiled = compile_flow(texts[file], file)
        findings += compiled.findings
        if compiled.draft is None:
            continue
        clashes = [*_clashes(compiled.draft, names, numbers)]
        findings += clashes
        drafts.append(compiled.draft)
        if compiled.flow is not None and not clashes:
            flows[compiled.flow.name] = compiled.flow
    return FlowSetResult(FlowSet(flows.values()), sorted(findings, key=sort_key), drafts)


def _text(value: str | None) -> str | None:
    return None if value is None else str(value)


def _compile_steps(document: Document) -> tuple[dict[str, CompiledStep], list[Finding]]:
    steps_node = document.at("steps")
    steps: dict[str, CompiledStep] = {}
    findings: list[Finding] = []
    if not isinstance(steps_node, MapNode):
        return steps, findings  # the head's schema has told that already
    for name, (key, node) in steps_node.entries.items():
        if not _STEP_NAME.match(name):
            sentence = Sentence("%(name)s can't be the name of a step", name=shown(name))
            fix = Sentence("use small letters, digits and _, beginning with a letter")
            findings.append(Finding("bad_name", "error", document.place(key), sentence, fix))
            continue
        verb = _verb(document, name, key, node)
        if isinstance(verb, Finding):
            if verb.place not in {finding.place for finding in document.findings}:
                findings.append(verb)
            continue
        implementation = REGISTRY[verb]
        spec, problems = validate(implementation.Spec, document, ("steps", name, verb), verb)
        findings += problems
        if isinstance(spec, StepSpec):
            steps[name] = CompiledStep(name, verb, implementation, spec, document.place(key))
    return steps, findings


def _verb(document: Document, name: str, key: TextNode, node: Node) -> str | Finding:
    if isinstance(node, TextNode) and node.text in REGISTRY:
        sentence = Sentence('the step "%(name)s" needs a colon after %(text)s', name=name, text=node.text)
        return Finding("wrong_type", "error", document.place(node), sentence, Sentence("write {%(text)s: }", text=node.text))
    if not isinstance(node, MapNode) or not node.entries:
        sentence = Sentence('the step "%(name)s" does not say what it does', name=name)
        place = document.place(key if isinstance(node, TextNode) and not node.text else node)
        return Finding("missing_verb", "error", place, sentence, Sentence("write one of the verbs below it, like play:"))
    known = [verb for verb in node.entries if verb in REGISTRY]
    if len(node.entries) > 1:
        second = node.entries[known[1]][0] if len(known) > 1 else list(node.entries.values())[1][0]
        words = ", ".join(shown(word)[1:-1] for word in list(node.entries)[:6])
        sentence = Sentence('the step "%(name)s" holds more than one thing: %(words)s', name=name, words=words)
        fix = Sentence("write one verb per step, and indent its fields below it")
        return Finding("several_verbs", "error", document.place(second), sentence, fix)
    verb = next(iter(node.entries))
    if not known:
        sentence = Sentence("there is no kind of step called %(verb)s", verb=shown(verb))
        return Finding("unknown_verb", "error", document.place(node.entries[verb][0]), sentence, did_you_mean(verb, REGISTRY))
    return verb


def _prepare(flow: Flow, document: Document) -> Iterator[Finding]:
    for step in flow.steps.values():
        try:
            step.prepared = step.implementation.prepare(step.spec, flow)
        except ValueError as error:
            yield Finding("wrong_value", "error", document.locate(("steps", step.name, step.verb), key=True), str(error))


def _head_value(node: MapNode) -> dict[str, Any]:
    """The head with nothing but the names of its steps: each step is converted and validated by its own schema."""
    value = {key: inner.plain for key, (_, inner) in node.entries.items() if key != "steps"}
    steps = node.get("steps")
    if steps is not None:
        value["steps"] = dict.fromkeys(steps.entries) if isinstance(steps, MapNode) else steps.plain
    return value


def _salvage(document: Document) -> FlowHead:
    """The fields of a broken head that are sound, so that the steps below it can still be looked at."""
    kept: dict[str, Any] = {"flow": "unnamed", "languages": ["en-US"], "start": "unnamed", "steps": {"unnamed": {}}}
    assert isinstance(document.node, MapNode)
    for key, value in _head_value(document.node).items():
        try:
            FlowHead.model_validate({**kept, key: value})
        except ValidationError:
            continue
        kept[key] = value
    return FlowHead.model_validate(kept)


def _unknown_steps(document: Document, steps: Mapping[str, CompiledStep], leaves: Mapping[str, Leaves]) -> Iterator[Finding]:
    steps_node = document.at("steps")
    names = steps_node.entries if isinstance(steps_node, MapNode) else {}
    for path, name in _step_references(document, steps, leaves):
        if name and name not in names:
            fix = did_you_mean(name, names)
            yield Finding("unknown_step", "error", document.locate(path), Sentence("there is no step %(name)s", name=shown(name)), fix)


def _step_references(document: Document, steps: Mapping[str, CompiledStep], leaves: Mapping[str, Leaves]) -> Iterator[tuple[Loc, str]]:
    """Of the head as it is written, broken or not; of the steps that could be read."""
    keys = document.at("keys")
    paths: list[tuple[str, ...]] = [("start",), ("fallback",), ("on_hangup",)]
    paths += [("keys", key, "go") for key in keys.entries] if isinstance(keys, MapNode) else []
    for path in paths:
        node = document.at(*path)
        if isinstance(node, TextNode):
            yield path, node.text
    for step in steps.values():
        for path, value in leaves[step.name]:
            if isinstance(value, StepRef):
                yield ("steps", step.name, step.verb, *path), str(value)


def _clashes(draft: Draft, names: dict[str, Draft], numbers: dict[str, Draft]) -> Iterator[Finding]:
    flow = draft.flow
    place = draft.document.locate(("flow",))
    if flow.name in names:
        first = names[flow.name].document.file
        yield Finding(
            "repeated_flow",
            "error",
            place,
            Sentence("%(first)s holds a flow %(name)s too", first=first, name=shown(flow.name)),
            Sentence("rename one of the two"),
        )
    elif draft.document.at("flow") is not None:
        names[flow.name] = draft
    for index, number in enumerate(flow.numbers):
        place = draft.document.locate(("numbers", index))
        if number in flow.numbers[:index]:
            yield Finding(
                "repeated_number",
                "error",
                place,
                Sentence("the number %(number)s stands here twice", number=number),
                Sentence("delete one of the two"),
            )
        elif number in numbers and numbers[number].flow.name != flow.name:
            other = numbers[number].flow
            sentence = Sentence(
                'the number %(number)s enters the flow "%(name)s" (%(file)s) already', number=number, name=other.name, file=other.file
            )
            yield Finding("repeated_number", "error", place, sentence, Sentence("delete it in one of them"))
        numbers.setdefault(number, draft)
