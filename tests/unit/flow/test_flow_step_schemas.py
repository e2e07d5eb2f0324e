"""What each step's schema refuses, with the place and a sentence for whoever writes the flow."""

from __future__ import annotations

import pytest

from ivrengine.flow.compile import compile_flow

HEAD = "flow: x\nlanguages: [zh-CN, en-US]\nstart: one\nsteps:\n  bye: {hangup: }\n  one:\n    "
COLLECT = "collect: {variable: a, prompt: p, next: bye, no_input: bye, no_match: bye, "

REFUSED = {
    "say without a kind": ("say: {next: bye}", "exactly one of number, digits"),
    "say with two kinds": ("say: {number: a, money: b, next: bye}", "exactly one of number, digits"),
    "answer with too long a pause": ("answer: {pause: 1h, next: bye}", "is out of range"),
    "collect without a length": (COLLECT + "first_digit: 5s}", "either digits: (how many) or patterns:"),
    "collect with both": (COLLECT + 'digits: 4, patterns: ["1xxx"]}', "either digits: (how many) or patterns:"),
    "a span that ends before it begins": (COLLECT + "digits: 6-4}", '"6-4" ends before it begins'),
    "no span at all": (COLLECT + "digits: some}", '"some" is neither a whole number nor a span'),
    "too many digits": (COLLECT + "digits: 99}", "between 1 and 31 digits"),
    "a pattern that nobody can key": (COLLECT + 'patterns: ["8axx"]}', '"8axx" is not a pattern of keys'),
    "a pattern with the terminator": (COLLECT + 'patterns: ["8x#"]}', "the key # ends an entry"),
    "a terminator of two keys": (COLLECT + 'digits: 4, terminator: "##"}', '"##" is not one key'),
    "a secret that is read back": (COLLECT + "digits: 4, secret: true, confirm: {}}", "a secret is never read back"),
    "an empty entry without a terminator": (COLLECT + "digits: 4, terminator: none, empty: bye}", "needs a terminator"),
    "one key for right and wrong": (COLLECT + "digits: 4, confirm: {right: 1, wrong: 1}}", "both use the key 1"),
    "a check of two kinds": (COLLECT + "digits: 4, check: [{length: 4, luhn: true, say: p}]}", "a check has exactly one of"),
    "a variable of the engine's": ("set: {values: {caller: 1}, next: bye}", '"caller" is set by the engine'),
    "an expression that can't be read": ("set: {values: {a: 'b ='}, next: bye}", "can't be read"),
    "an expression that calls out": (
        "branch: {cases: [{when: 'open(1)', go: bye}], otherwise: bye}",
        "calls something other than",
    ),
    "an attribute": ("branch: {cases: [{when: 'a.__class__', go: bye}], otherwise: bye}", "uses Attribute"),
    "no cases": ("branch: {cases: [], otherwise: bye}", ""),
    "page keys that clash": (
        "page: {pages: p, done: bye, again: {key: 1, label: A}, next: {key: 1, label: B}}",
        '"next" and "again" both use the key 1',
    ),
    "by_hours without closed": ("by_hours: {calendar: office, open: bye}", "closed"),
    "a label that is none": ("by_hours: {calendar: office, closed: bye, Lunch Break: bye}", '"Lunch Break" is not a label'),
    "a rule with two tests": (
        "by_caller: {rules: [{prefix: '029', list: vip, go: bye}], otherwise: bye}",
        "exactly one of prefix, list and withheld",
    ),
    "a prefix that is none": ("by_caller: {rules: [{prefix: '029*', go: bye}], otherwise: bye}", "is not how a number begins"),
    "a language that the flow doesn't have": ("language: {to: fr-FR, next: bye}", 'the flow has no language "fr-FR"'),
    "two languages": ("language: {to: en-US, variable: a, next: bye}", "either to: (a language) or variable:"),
    "an extension that is too long": (
        "dial_extension: {extension: 123456789, answered: bye, failed: bye}",
        "two to eight digits",
    ),
    "an extension that is no expression": (
        "dial_extension: {extension: '8001,x y', answered: bye, failed: bye}",
        "nor an expression",
    ),
    "two destinations": (
        "transfer: {number: '029888', extension: '5000', failed: bye}",
        "either number: (outside) or extension:",
    ),
    "after being handed over": ("transfer: {extension: '5000', after: bye, failed: bye}", "handed over for good"),
    "a short number": ("transfer: {number: '02', failed: bye}", "is not a telephone number"),
    "review keys that clash": ("voicemail: {box: b, next: bye, review: {prompt: p, save: 1}}", "both use the key 1"),
    "a box with a path in it": ("voicemail: {box: ../../etc, next: bye}", "is not a box's name"),
    "a recording without an end": ("voicemail: {box: b, next: bye, longest: 10h}", "is out of range"),
    "a recording's name with a space": ("record: {name: 'a b', next: bye, failed: bye}", "is not a box's name"),
    "a version that is none": ("sub_flow: {flow: other, version: latest, otherwise: bye}", ""),
    "a counter's name": ("counter: {counter: 'Sales Asked', next: bye}", "is not a counter's name"),
    "a branch that is missing": ("blacklist: {blocked: bye}", "allowed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_sentence(name: str) -> None:
    text, sentence = REFUSED[name]
    compiled = compile_flow(HEAD + text + "\n", "x.yml")
    assert compiled.flow is None
    told = [finding for finding in compiled.findings if sentence in finding.sentence]
    assert told, [str(finding) for finding in compiled.findings]
    assert all(finding.place.line >= 6 for finding in told)
