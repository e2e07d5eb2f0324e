"""What the engine says has Chinese: no sentence that reaches a page is written without a template that can be translated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, g

import ivrengine
from ivrengine.domain.sentence import Sentence
from ivrengine.flow.finding import Finding
from webadmin import words
from webadmin.telling import finding_in_words, in_words

HOUSE = Path(ivrengine.__file__).parent
ROOMS = ("acd", "domain", "esl", "flow", "prompts", "reports", "runtime", "site", "storage")
BAD_FLOWS = Path(__file__).parents[2] / "bad_flows"
# function -> which of its arguments are read by people
TOLD = {
    "refused": (0,), "done": (0,), "refusal": (0, 1), "Finding": (3, 4), "finding": (2, 3), "step_finding": (3, 4), "RaiseAlarm": (1,),
    "refuse": (2,), "warn": (1,), "alarm": (1,),
}  # fmt: skip
# Raised for people whom a page tells; an error that only programs or logs see needs no template.
ERRORS = {
    "AmbiguousRecord", "BadCustomer", "BadDraft", "BadExpiry", "BadName", "BadPassword", "BadPattern", "BadPin", "BadUser",
    "CatalogueBroken", "ConverterMissing", "ExpressionError", "JobFailed", "NoSuchDraft", "NoSuchRecord", "NoSuchVersion", "NotAudio",
    "NotPublished", "Overtaken", "PromptError", "SiteChanged", "SourceRefused", "SpeakerFailed", "SpeechError", "StillNeeded",
}  # fmt: skip


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for room in ROOMS:
        for path in sorted((HOUSE / room).rglob("*.py")):
            yield path, ast.parse(path.read_text("utf-8"))


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""


def bare(node: ast.AST) -> bool:
    """Written out in English, and not as a Sentence."""
    if isinstance(node, ast.IfExp):
        return bare(node.body) or bare(node.orelse)
    if isinstance(node, ast.BoolOp):
        return any(map(bare, node.values))
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value)


def test_what_people_are_told_is_a_sentence() -> None:
    wrong = []
    for path, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            told = TOLD.get(name_of(node), ())
            arguments = [node.args[index] for index in told if index < len(node.args)]
            arguments += [each.value for each in node.keywords if told and each.arg in ("sentence", "fix")]
            arguments += node.args if name_of(node) in ERRORS else []
            wrong += [f"{path.relative_to(HOUSE)}:{node.lineno}: {ast.unparse(each)}" for each in arguments if bare(each)]
    assert wrong == [], "write Sentence(template, name=value), so that pages can tell it in Chinese"


def test_templates_are_written_out_with_all_their_values() -> None:
    wrong = []
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Sentence":
                template = node.args[0] if node.args else None
                literal = isinstance(template, ast.Constant) and isinstance(template.value, str)
                asked = set(re.findall(r"%\((\w+)\)", template.value)) if literal else set()
                if not literal or asked != {each.arg for each in node.keywords}:
                    wrong.append(f"{path.relative_to(HOUSE)}:{node.lineno}: {ast.unparse(node)}")
    assert wrong == [f"domain/sentence.py:{line}: Sentence(template, **values)" for line in _makers()]


def _makers() -> list[int]:
    """Lines of the module itself that make sentences of what was a sentence before."""
    lines = (HOUSE / "domain" / "sentence.py").read_text("utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if "Sentence(template, **values)" in line]


@pytest.fixture
def chinese(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        g.language = "zh-CN"
        yield


def findings() -> list[Finding]:
    found: list[Finding] = []
    for path in sorted(BAD_FLOWS.glob("*.yml")):
        found += _of(path)
    return found


def _of(path: Path) -> list[Finding]:
    from ivrengine.flow.compile import compile_flow

    return compile_flow(path.read_bytes(), path.name).findings


def test_every_finding_about_bad_flows_is_told_in_chinese(chinese: None) -> None:
    found = findings()
    english = [finding for finding in found if not re.search("[\u4e00-\u9fff]", finding_in_words(finding))]
    assert len(found) > 50 and english == []
    assert all(isinstance(finding.sentence, Sentence) for finding in found)


def test_an_order_of_values_is_the_translation_s(chinese: None) -> None:
    sentence = Sentence("there is no agent %(agent)r", agent="101")
    assert in_words(sentence) == "没有坐席 '101'"
    assert in_words("of nobody's making") == "of nobody's making"


def test_alarms_and_deeds_have_titles() -> None:
    raised, deeds = set(), set()
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node) in ("RaiseAlarm", "warn", "alarm", "_alarm"):
                code = next((each for each in node.args[:2] if isinstance(each, ast.Constant) and isinstance(each.value, str)), None)
                if code is not None and re.fullmatch("[a-z_]+", code.value):
                    raised.add(code.value)
            if isinstance(node, ast.Call) and name_of(node) in ("audit_row", "add", "_audit") and "storage" not in path.parts[-1]:
                deeds |= {each.value for each in node.args[:2] if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    assert len(raised) > 25 and raised - words.ALARMS.keys() == set()
    assert {each for each in deeds if re.fullmatch("[a-z]+_[a-z_]+", each)} - words.DEEDS.keys() == set()
