"""YAML text to a flow: all problems of a file at once, each with its place; a broken file never disturbs a sound one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivrengine.flow.compile import compile_flow, load_flows, version_of

SOUND = """\
flow: hotline
name: Delivery hotline
languages: [zh-CN, en-US]
numbers: [02988880001, "4008*"]
start: greet
fallback: bye
keys: {"*": {label: Back, do: back}}
steps:
  greet: {play: {prompt: [welcome, {number: "1 + 1"}], next: main}}
  main:
    menu:
      prompt: main_menu
      choices:
        1: {label: no, go: bye}
        "#": {label: Repeat, do: repeat}
      no_input: bye
      no_match: {say: sorry, go: bye}
      first_digit: 3.5s
  bye: {hangup: }
"""


def told(text: str) -> list[str]:
    return [str(finding) for finding in compile_flow(text, "m.yml").findings]


def test_a_sound_file_becomes_a_flow():
    compiled = compile_flow(SOUND, "flows/m.yml")
    assert compiled.findings == []
    flow = compiled.flow
    assert (flow.name, flow.title, flow.file) == ("hotline", "Delivery hotline", "flows/m.yml")
    assert (flow.languages, flow.numbers) == (("zh-CN", "en-US"), ("02988880001", "4008*"))
    assert (flow.start, flow.fallback, flow.on_hangup) == ("greet", "bye", None)
    assert {name: step.verb for name, step in flow.steps.items()} == {"greet": "play", "main": "menu", "bye": "hangup"}
    menu = flow.steps["main"]
    assert menu.spec.choices["1"].label == "no" and menu.spec.first_digit == 3.5
    assert menu.prepared is not None
    assert str(menu.place) == "flows/m.yml:10:3"


def test_the_version_is_the_text():
    assert compile_flow(SOUND, "x").flow.version == version_of(SOUND) == version_of(SOUND.encode())
    assert len(version_of(SOUND)) == 16
    assert version_of(SOUND + "# a word\n") != version_of(SOUND)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("choices:", "chocies:", 'm.yml:13:7: unknown field "chocies" in menu; did you mean "choices"?'),
        ("start: greet", "start: great", 'm.yml:5:8: there is no step "great"; did you mean "greet"?'),
        ("next: main", "next: mian", 'm.yml:9:62: there is no step "mian"; did you mean "main"?'),
        ("do: back", "go: bakc", 'm.yml:7:31: there is no step "bakc"; known are bye, greet, main'),
        ("{hangup: }", "{hangpu: }", 'm.yml:19:9: there is no kind of step called "hangpu"; did you mean "hangup"?'),
        ("{hangup: }", "hangup", 'm.yml:19:8: the step "bye" needs a colon after hangup; write {hangup: }'),
        ("{hangup: }", "", 'm.yml:19:3: the step "bye" does not say what it does; write one of the verbs below it, like play:'),
        ("3.5s", "3.5", 'm.yml:18:20: "3.5" is not a duration; write a number with its unit: 500ms, 5s, 2m or 1h'),
        ("3.5s", "61s", 'm.yml:18:20: "61s" is out of range; give at most 60 seconds'),
        ("3.5s", "", 'm.yml:18:19: "first_digit" has no value; write one after the colon, or delete the line'),
        ("1 + 1", "1 +", "m.yml:9:36: '1 +' can't be read: invalid syntax"),
        ("1 + 1", "a.b", "m.yml:9:36: 'a.b' uses Attribute, which flows may not use"),
        ("do: repeat", "do: repaet", 'm.yml:15:34: "repaet" is not one of repeat, back, hangup; did you mean "repeat"?'),
        ("do: repeat", "go: bye, do: repeat", 'm.yml:15:14: give either go: (a step) or do: (repeat, back or hangup)'),
        ("      no_input: bye\n", "", 'm.yml:11:5: menu needs "no_input"; add "no_input:"'),
        ("prompt: main_menu", "prompt: Main menu", None),
        ("zh-CN", "chinese", None),
        ('"4008*"', "4x*", None),
        ('"*": {label', "12: {label", None),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_a_way_out(old, new, sentence):
    assert old in SOUND
    findings = compile_flow(SOUND.replace(old, new, 1), "m.yml").findings
    assert len(findings) == 1
    if sentence is not None:
        assert str(findings[0]) == sentence
    assert compile_flow(SOUND.replace(old, new, 1), "m.yml").flow is None


def test_all_mistakes_are_told_at_once():
    text = SOUND.replace("chocies", "").replace("start: greet", "start: nowhere\ncolour: red").replace("3.5s", "soon")
    text = text.replace("zh-CN", "chinese").replace("next: main", "next: mian, must_hear: perhaps")
    text = text.replace("{hangup: }", "{hangup: {cause: x}}")
    assert [finding.code for finding in compile_flow(text, "m.yml").findings] == [
        "wrong_value", "unknown_step", "unknown_field", "wrong_value", "wrong_value", "wrong_value",
    ]  # fmt: skip


def test_a_value_of_the_wrong_kind_is_told_in_words():
    nested = told(SOUND.replace("prompt: main_menu", "prompt: [[a]]"))
    assert nested[0].startswith("m.yml:12:16: expected a prompt's name, or one of")
    short = told(SOUND.replace("{label: no, go: bye}", "bye"))
    assert short == ['m.yml:14:12: "1": expected fields with values (key: value), not a text']
    assert told("- a\n") == ["m.yml:1:1: a flow file begins with a key and a colon, like flow: hotline"]


def test_a_broken_file_disturbs_no_other():
    broken = SOUND.replace("next: main", "next: gone").replace("hotline", "other").replace("4008", "4009").replace("0298", "0299")
    result = load_flows({"a.yml": SOUND, "b.yml": "flow: {", "c.yml": broken})
    assert set(result.flows.flows) == {"hotline"}
    assert {finding.place.file for finding in result.findings} == {"b.yml", "c.yml"}
    assert result.flows.for_number("4008123").name == "hotline"


def test_a_name_and_a_number_belong_to_one_flow():
    result = load_flows({"a.yml": SOUND, "b.yml": SOUND, "c.yml": SOUND.replace("flow: hotline", "flow: other")})
    assert set(result.flows.flows) == {"hotline"} and result.flows.flows["hotline"].file == "a.yml"
    assert [(f.code, str(f.place)) for f in result.findings] == [
        ("repeated_flow", "b.yml:1:7"), ("repeated_number", "c.yml:4:11"), ("repeated_number", "c.yml:4:24"),
    ]  # fmt: skip


def test_a_number_twice_in_one_flow_is_named():
    assert told(SOUND.replace('"4008*"', "02988880001")) == []
    found = load_flows({"m.yml": SOUND.replace('"4008*"', "02988880001")}).findings
    assert [(f.code, str(f.place)) for f in found] == [("repeated_number", "m.yml:4:24")]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_mangled_file_never_raises(data):
    lines = SOUND.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(lines) - 1))
        action = data.draw(st.sampled_from(["drop", "copy", "cut", "noise"]))
        if action == "drop" and len(lines) > 1:
            del lines[index]
        elif action == "copy":
            lines.insert(data.draw(st.integers(0, len(lines))), lines[index])
        elif action == "cut":
            lines[index] = lines[index][: data.draw(st.integers(0, len(lines[index])))]
        else:
            lines[index] += data.draw(st.text(alphabet="ab:-#*&!'\"{}[], 0", max_size=6))
    compiled = compile_flow("\n".join(lines), "m.yml")
    assert (compiled.flow is None) == bool(compiled.findings)
    assert all("\n" not in str(finding) for finding in compiled.findings)


def test_what_a_stranger_wrote_stays_on_one_line_and_short():
    noise = "x\\n" * 300
    text = SOUND.replace("main_menu", f'"{noise}"').replace("{hangup: }", f'{{"{noise}": 1, "{noise}2": 2}}')
    text = text.replace("  bye:", f'  "{noise}3": 1\n  bye:').replace("go: bye", f'go: "{noise}"').replace("zh-CN", f'"{noise}"')
    found = compile_flow(text, "m.yml").findings
    assert len(found) >= 4
    for finding in found:
        assert "\n" not in str(finding) and len(str(finding)) < 500
