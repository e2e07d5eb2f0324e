"""Keys that can't do what the flow says: choices that others hide, entries that can't have the length they need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ivrengine.domain.sentence import Sentence

from .check_view import FlowView, Site, StepView
from .finding import Finding
from .keymatch import pattern_matches


def check_keys(site: Site) -> Iterator[Finding]:
    for view in site.views.values():
        for step in view.steps.values():
            if step.step.verb == "menu":
                yield from _menu(view, step)
            if step.field("check") is not None:
                yield from _collect(view, step)
            if step.field("rules") is not None:
                yield from _rules(view, step)
            if step.field("cases") is not None:
                yield from _cases(view, step)


# -- menus -------------------------------------------------------------------------------------------------------------


def _menu(view: FlowView, step: StepView) -> Iterator[Finding]:
    spec = step.spec
    choices = list(spec.choices)
    allow = spec.extensions.allow if spec.extensions else ()
    deny = spec.extensions.deny if spec.extensions else ()
    for choice in choices:
        path = ("choices", choice)
        hidden = [pattern for pattern in allow if pattern_matches(pattern, choice)]
        for pattern in hidden:
            sentence = Sentence(
                "the choice %(choice)s hides the extension %(choice)s, which %(pattern)s allows", choice=choice, pattern=pattern
            )
            fix = Sentence("give the choice another key, or deny %(choice)s", choice=choice)
            yield _at_key(view, step, "choice_shadowed", path, sentence, fix, "error")
        longer = [other for other in (*choices, *allow) if other != choice and overlaps(choice, other[: len(choice)])]
        longer = [other for other in longer if len(other) > len(choice)]
        if longer:
            sentence = Sentence(
                "a caller who presses %(choice)s waits for %(between_digits)g s, as %(longer)s begins with it too",
                choice=choice,
                between_digits=spec.between_digits,
                longer=longer[0],
            )
            yield _at_key(view, step, "choice_waits", path, sentence, Sentence("let no choice begin with another one"), "warning")
    for index, pattern in enumerate(allow):
        covering = [denied for denied in deny if covers(denied, pattern)]
        if covering:
            sentence = Sentence(
                "no extension of %(pattern)s can be keyed in, because %(covering)s denies all of them",
                pattern=pattern,
                covering=covering[0],
            )
            path = ("extensions", "allow", index)
            yield view.step_finding("choice_shadowed", step, path, sentence, Sentence("allow or deny something else"))
    for index, pattern in enumerate(deny):
        if not any(overlaps(pattern, allowed) for allowed in allow):
            path = ("extensions", "deny", index)
            yield view.step_finding(
                "denies_nothing",
                step,
                path,
                Sentence("%(pattern)s denies nothing that is allowed", pattern=pattern),
                Sentence("delete it"),
                "warning",
            )
    for key in view.flow.keys:
        longer = [choice for choice in choices if choice.startswith(key) and choice != key]
        if longer and key not in spec.choices:
            sentence = Sentence(
                "the flow's own key %(key)s does not work in this menu, because the choice %(longer)s begins with it",
                key=key,
                longer=longer[0],
            )
            path = ("choices", longer[0])
            yield _at_key(view, step, "choice_shadowed", path, sentence, Sentence("give one of the two another key"), "error")


def _at_key(view: FlowView, step: StepView, code: str, path: tuple[Any, ...], sentence: str, fix: str, severity: Any) -> Finding:
    full = ("steps", step.name, step.step.verb, *path)
    return view.finding(code, full, sentence, fix, severity, key=True)


def overlaps(one: str, other: str) -> bool:
    """True when some entry of keys matches both patterns, which have the same length."""
    return len(one) == len(other) and all(
        a == b or (a == "x" and (b.isdigit() or b == "x")) or (b == "x" and a.isdigit()) for a, b in zip(one, other, strict=True)
    )


def covers(wide: str, narrow: str) -> bool:
    """True when every entry that matches ``narrow`` matches ``wide`` too."""
    return len(wide) == len(narrow) and all(
        a == b or (a == "x" and b.isdigit()) for a, b in zip(wide, narrow, strict=True)
    )  # fmt: skip


# -- entries -----------------------------------------------------------------------------------------------------------


def _collect(view: FlowView, step: StepView) -> Iterator[Finding]:
    spec = step.spec
    lengths = [(spec.digits.least, spec.digits.most)] if spec.digits else [(len(p), len(p)) for p in spec.patterns]
    least, most = min(length for length, _ in lengths), max(length for _, length in lengths)
    asked = f"{least}" if least == most else Sentence("%(least)s to %(most)s", least=least, most=most)
    for index, check in enumerate(spec.check):
        path = ("check", index)
        if check.length is not None and (check.length.least > most or check.length.most < least):
            sentence = Sentence(
                "no entry can pass this check: it asks for %(least)s to %(most)s digits, but %(asked)s are collected",
                least=check.length.least, most=check.length.most, asked=asked,
            )  # fmt: skip
            yield view.step_finding("entry_length", step, (*path, "length"), sentence, Sentence("change one of the two"))
        if check.range is not None and len(str(check.range.least)) > most:
            sentence = Sentence("no entry of at most %(most)s digits can be %(least)s or more", most=most, least=check.range.least)
            yield view.step_finding("entry_length", step, (*path, "range"), sentence, Sentence("collect more digits, or change the range"))
        for number, pattern in enumerate(check.pattern):
            if not any(low <= len(pattern) <= high for low, high in lengths):
                sentence = Sentence(
                    "no entry can match %(pattern)s: it has %(pattern_count)s keys, but %(asked)s are collected",
                    pattern=pattern,
                    pattern_count=len(pattern),
                    asked=asked,
                )
                yield view.step_finding("entry_length", step, (*path, "pattern", number), sentence, Sentence("change one of the two"))
            elif spec.terminator and spec.terminator in pattern:
                sentence = Sentence(
                    "no entry can match %(pattern)s, because the key %(terminator)s ends an entry",
                    pattern=pattern,
                    terminator=spec.terminator,
                )
                yield view.step_finding("terminator_used", step, (*path, "pattern", number), sentence, Sentence("set another terminator"))
    if spec.terminator and spec.terminator in view.flow.keys:
        sentence = Sentence(
            "the flow's own key %(terminator)s does not work while digits are collected: it ends the entry", terminator=spec.terminator
        )
        fix = Sentence("give the flow's key or the terminator another key")
        yield view.step_finding("terminator_used", step, (), sentence, fix)


# -- decisions ---------------------------------------------------------------------------------------------------------


def _rules(view: FlowView, step: StepView) -> Iterator[Finding]:
    """Rules by the caller's number: the first that matches wins, so a shorter prefix hides a longer one after it."""
    seen: list[str] = []
    others: set[str] = set()
    for index, rule in enumerate(step.spec.rules):
        path = ("rules", index)
        hidden = [(prefix, before) for prefix in rule.prefix for before in seen if prefix.startswith(before)]
        for prefix, before in hidden:
            sentence = Sentence(
                "callers with %(prefix)s never get to this rule, because an earlier one takes all with %(before)s",
                prefix=prefix,
                before=before,
            )
            yield view.step_finding("rule_shadowed", step, (*path, "prefix"), sentence, Sentence("put the longer one first"))
        other = Sentence("the list %(name)s", name=rule.list) if rule.list is not None else ""
        other = other or (Sentence("withheld numbers") if rule.withheld else "")
        if other and other in others:
            sentence = Sentence("there is a rule for %(other)s above already", other=other)
            yield view.step_finding("rule_shadowed", step, path, sentence, Sentence("delete one of the two"))
        seen += rule.prefix
        others.add(other)


def _cases(view: FlowView, step: StepView) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, case in enumerate(step.spec.cases):
        if case.when.text in seen:
            sentence = Sentence("the same expression stands above already, so this case is never taken")
            yield view.step_finding("rule_shadowed", step, ("cases", index, "when"), sentence, Sentence("delete one of the two"))
        seen.add(case.when.text)
