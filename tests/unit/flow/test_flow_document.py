"""YAML text to nodes: every trap of the language is named with its place, whichever of PyYAML's parsers is at work."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ivrengine.flow import document
from ivrengine.flow.document import load_document

TRAPS = [
    ("a hash key in brackets", "a: {1: x, #: y}\n", "yaml_hash_key", 1, 11),
    ("a hash key that would vanish", "a:\n  1: b\n  #: {label: x}\n", "yaml_hash_key", 3, 3),
    ("a hash key in brackets over lines", "a: {1: x,\n  # : y,\n  2: z}", "yaml_hash_key", 2, 3),
    ("a star key", "a:\n  *: {b: c}\n", "yaml_star", 2, 3),
    ("a star key in brackets", "a: {*: y}\n", "yaml_star", 1, 5),
    ("a star value", "a: *8\n", "yaml_star", 1, 4),
    ("an anchor", "a: &x 1\n", "yaml_anchor", 1, 4),
    ("a tag", "a: !!int 3\n", "yaml_tag", 1, 4),
    ("an unknown tag", "a: !python/object:os.system {}\n", "yaml_tag", 1, 4),
    ("a merge key", "<<: {a: 1}\n", "yaml_merge", 1, 1),
    ("a repeated key", "a: 1\nb: 2\na: 3\n", "yaml_repeated_key", 3, 1),
    ("a repeated key, once in quotes", "1: a\n'1': b\n", "yaml_repeated_key", 2, 1),
    ("a map as a key", "{a: b}: c\n", "yaml_key", 1, 1),
    ("a tab", "a:\n\tb: 1\n", "yaml_tab", 2, 1),
    ("a tab that would join two values", "c: x\n\ty\n", "yaml_tab", 2, 1),
    ("two documents", "a: 1\n---\nb: 2\n", "yaml_several_documents", 2, 1),
    ("a control character", "a: 1\nb: \x01\n", "yaml_character", 2, 4),
    ("half a surrogate pair", "\ud800", "yaml_character", 1, 1),
    ("an open bracket", "a: [1,2\n", "yaml_syntax", 2, 1),
    ("an open quote", "b: 1\na: 'x\n", "yaml_syntax", 2, 4),
    ("a reserved character", "a: @x\n", "yaml_syntax", 1, 4),
    ("a colon in a text", "a: b: c\n", "yaml_syntax", 1, 5),
    ("a wrong indent", "a:\n  b: 1\n c: 2\n", "yaml_syntax", 3, 2),
    ("nothing", "# only a comment\n", "yaml_empty", 1, 1),
    ("not UTF-8", "a: 1\nb: 按键".encode("gb18030"), "yaml_encoding", 2, 1),
    ("UTF-16", "a: 1".encode("utf-16"), "yaml_encoding", 1, 1),
    ("too deep", "[" * 50, "yaml_too_deep", 1, 21),
    ("too large", "# " + "x" * document.LARGEST_DOCUMENT, "yaml_too_large", 1, 1),
]


@pytest.fixture(params=sorted({document._PARSER, yaml.BaseLoader}, key=lambda loader: loader.__name__), autouse=True)
def each_parser(request, monkeypatch):
    monkeypatch.setattr(document, "_PARSER", request.param)


@pytest.mark.parametrize(("text", "code", "line", "column"), [trap[1:] for trap in TRAPS], ids=[trap[0] for trap in TRAPS])
def test_each_trap_is_one_finding_with_its_place(text, code, line, column):
    found = load_document(text, "flows/x.yml").findings
    assert [(f.code, f.severity, f.place.line, f.place.column) for f in found] == [(code, "error", line, column)]
    assert str(found[0]).startswith(f"flows/x.yml:{line}:{column}: ")


def test_every_value_stays_text():
    text = 'a: no\nb: +8613800138000\nc: 075123\nd: 12:30\ne: 1e3\nf: ~\ng: 2026-10-01\nh: "4008*"\ni: [on, 0x10, off]\nj:\n'
    assert load_document(text, "x").node.plain == {
        "a": "no", "b": "+8613800138000", "c": "075123", "d": "12:30", "e": "1e3", "f": "~", "g": "2026-10-01", "h": "4008*",
        "i": ["on", "0x10", "off"], "j": "",
    }  # fmt: skip


def test_a_byte_order_mark_and_windows_line_ends_are_harmless():
    loaded = load_document("\ufeffa: 1\r\nb: 2\r\n".encode(), "x")
    assert loaded.findings == [] and loaded.node.plain == {"a": "1", "b": "2"}


def test_hash_and_tab_inside_a_text_or_a_comment_are_no_traps():
    text = "a: 'b #: c' # see #: x\nb: |\n  #: x\n  \tindented\n# the key #: stands in quotes\nc: {\"#\": y}\n"
    assert load_document(text, "x").findings == []


def test_several_problems_are_told_at_once_and_the_first_value_counts():
    loaded = load_document("a: &x 1\na: 2\nb: *x\n#: y\n", "x")
    assert [f.code for f in loaded.findings] == ["yaml_anchor", "yaml_repeated_key", "yaml_star", "yaml_hash_key"]
    assert loaded.node.plain["a"] == "1"


def test_a_bomb_of_aliases_is_refused_unexpanded():
    levels = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"] + [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    loaded = load_document("\n".join(levels), "x")
    assert {f.code for f in loaded.findings} == {"yaml_anchor", "yaml_star"}
    assert len(loaded.findings) <= document.MOST_FINDINGS


def test_too_many_values_are_refused():
    loaded = load_document("- 1\n" * (document.MOST_NODES + 1), "x")
    assert [f.code for f in loaded.findings] == ["yaml_too_large"]


def test_a_place_is_found_through_short_forms():
    loaded = load_document("menu:\n  prompt: welcome\n  no_input: bye\n  say:\n    - a\n    - number: 1 + 1\n", "x")
    assert str(loaded.locate(("menu", "prompt", 0))) == "x:2:11"  # one value where a list may be
    assert str(loaded.locate(("menu", "no_input", "go"))) == "x:3:13"
    assert str(loaded.locate(("menu", "say", 1, "function-after[convert(), str]"))) == "x:6:7"
    assert str(loaded.locate(("menu", "say", 1, "SpeechItem", "number"))) == "x:6:15"
    assert str(loaded.locate(("menu", "say", 1, "number"), key=True)) == "x:6:7"
    assert str(loaded.locate(("menu", "prompt_retry", 2, 0))) == "x:2:3"
    assert str(loaded.locate(("menu", "say", 7, 1))) == "x:6:7"  # a part that is not there is passed over, the next one counts


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(), st.binary(), st.text(alphabet="ab:-#*&!|>'\"{}[],? \n\t<~%@`01")))
def test_any_text_gives_nodes_or_findings_and_never_raises(text):
    loaded = load_document(text, "x")
    assert loaded.node is not None or loaded.findings
    for finding in loaded.findings:
        assert finding.place.line >= 1 and finding.place.column >= 1 and "\n" not in str(finding)
