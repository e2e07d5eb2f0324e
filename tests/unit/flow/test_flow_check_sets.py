"""The linter on several flows together: what can only be seen when flows enter each other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivrengine.flow.calendar_file import load_calendars
from ivrengine.flow.check import check_flows, sound_flows
from ivrengine.flow.check_keys import covers, overlaps
from ivrengine.flow.check_structure import circles
from ivrengine.flow.compile import load_flows
from ivrengine.flow.finding import Finding, errors
from ivrengine.flow.flowset import FlowSet
from ivrengine.flow.keymatch import pattern_matches


class Everything:
    """A catalogue and a voice that have every prompt and every word."""

    def names(self, language: str) -> list[str]:
        return []

    def problem(self, name: str, language: str) -> None:
        return None

    def duration_ms(self, name: str, language: str) -> int:
        return 1000

    def speech_problem(self, kind: str, language: str) -> None:
        return None


def checked(**texts: str) -> tuple[list[Finding], FlowSet]:
    """Findings without the warnings, and the sound flows, of ``name=steps`` (a flow with a number has "numbers:" in it)."""
    files = {f"{name}.yml": f"flow: {name}\nlanguages: [zh-CN]\n{text}" for name, text in texts.items()}
    loaded = load_flows(files)
    found = check_flows(
        loaded, catalogue=Everything(), voice=Everything(), calendars=load_calendars(None), lists={}, outside_numbers=(), now=0.0
    )
    return errors(found), sound_flows(loaded, found)


def codes(**texts: str) -> list[tuple[str, str]]:
    return [(finding.code, finding.place.file) for finding in checked(**texts)[0]]


ASK = """\
start: ask
steps:
  ask: {collect: {variable: street, prompt: p, digits: 3, next: given, no_input: none, no_match: none}}
  given: {return: {label: given}}
  none: {return: {label: none}}
"""


def main(body: str) -> str:
    return f"numbers: [100]\nstart: main\nsteps:\n{body}  bye: {{hangup: }}\n"


def test_what_a_sub_flow_sets_is_known_where_it_returns():
    body = "  main: {sub_flow: {flow: ask, returns: {given: tell}, otherwise: bye}}\n  tell: {say: {digits: street, next: bye}}\n"
    assert codes(main=main(body), ask=ASK) == []
    body = "  main: {sub_flow: {flow: ask, otherwise: tell}}\n  tell: {say: {digits: street, next: bye}}\n"
    assert codes(main=main(body), ask=ASK) == [("variable_not_set", "main.yml")]


def test_what_the_caller_of_a_sub_flow_has_set_is_known_in_it():
    tell = "start: tell\nsteps:\n  tell: {say: {digits: name, next: done}}\n  done: {return: }\n"
    sets = "  main: {set: {values: {name: '\"1\"'}, next: sub}}\n  sub: {sub_flow: {flow: tell, otherwise: bye}}\n"
    assert codes(main=main(sets), tell=tell) == []
    bare = "  main: {sub_flow: {flow: tell, otherwise: bye}}\n"
    assert codes(main=main(sets), other=main(bare).replace("100", "200"), tell=tell) == [("variable_not_set", "tell.yml")]
    assert codes(tell="numbers: [300]\n" + tell.replace("{return: }", "{hangup: }")) == [("unknown_variable", "tell.yml")]


def test_a_secret_stays_one_in_flows_that_share_it():
    ask = ASK.replace("digits: 3", "digits: 3, secret: true")
    body = "  main: {sub_flow: {flow: ask, returns: {given: tell}, otherwise: bye}}\n  tell: {say: {digits: street, next: bye}}\n"
    assert codes(main=main(body), ask=ask) == [("secret_exposed", "main.yml")]


def test_a_loop_through_a_sub_flow_that_never_waits_is_found():
    through = "start: a\nsteps:\n  a: {set: {values: {x: '1'}, next: done}}\n  done: {return: }\n"
    loop = "  main: {sub_flow: {flow: through, otherwise: main2}}\n"
    loop += "  main2: {branch: {cases: [{when: 'x > 1', go: bye}], otherwise: main}}\n"
    assert codes(main=main(loop), through=through) == [("endless_loop", "main.yml")]
    waiting = loop.replace("through", "ask").replace("x > 1", "caller == 1")
    assert codes(main=main(waiting), ask=ASK) == []  # the other flow waits for the caller


def test_flows_that_enter_each_other_are_found():
    one = main("  main: {sub_flow: {flow: two, otherwise: bye}}\n")
    two = "start: ask\nsteps:\n  ask: {collect: {variable: x, prompt: p, digits: 1, next: sub, no_input: out, no_match: out}}\n"
    two += "  sub: {sub_flow: {flow: one, otherwise: out}}\n  out: {return: }\n"
    assert codes(one=one, two=two) == [("sub_flow_circle", "one.yml"), ("sub_flow_circle", "two.yml")]


def test_a_flow_without_errors_that_enters_a_broken_one_is_not_served_either():
    findings, sound = checked(
        main=main("  main: {sub_flow: {flow: ask, otherwise: bye}}\n"),
        ask=ASK.replace("next: given", "next: gvien"),
        other=main("  main: {play: {prompt: p, next: bye}}\n").replace("100", "200"),
    )
    assert [(finding.code, finding.place.file) for finding in findings] == [("unknown_step", "ask.yml")]
    assert set(sound.flows) == {"other"}


def test_one_mistake_in_a_step_is_not_told_as_many():
    body = "  main: {menu: {prompt: p, choices: {1: {label: A, go: one}}, no_input: bye, no_match: bye, trys: 3}}\n"
    body += "  one: {play: {prompt: p, next: two}}\n  two: {play: {prompt: [{number: never}], next: bye}}\n"
    assert codes(main=main(body)) == [("unknown_field", "main.yml")]


def test_a_thousand_steps_in_a_row_are_no_recursion():
    body = "".join(f"  s{n}: {{set: {{values: {{x: '1'}}, next: s{n + 1}}}}}\n" for n in range(1500))
    text = main("  main: {answer: {next: s0}}\n" + body + "  s1500: {answer: {next: bye}}\n")
    assert codes(main=text) == []


edges = st.dictionaries(st.integers(0, 7), st.lists(st.integers(0, 7), max_size=4), max_size=8)


@given(edges)
def test_circles_are_exactly_the_nodes_that_lead_back_to_themselves(graph):
    def leads_back(node: int) -> bool:
        seen, waiting = set(), [target for target in graph[node] if target in graph]
        while waiting:
            here = waiting.pop()
            if here == node:
                return True
            if here not in seen:
                seen.add(here)
                waiting += [target for target in graph[here] if target in graph]
        return False

    assert {node for circle in circles(graph) for node in circle} == {node for node in graph if leads_back(node)}


patterns = st.text(alphabet="01x*", min_size=1, max_size=3)


@given(patterns, patterns)
def test_overlap_and_cover_agree_with_trying_every_entry(one, other):
    entries = [a + b + c for a in "012*" for b in ("", *"012*") for c in ("", *"012*")]
    both = [entry for entry in entries if pattern_matches(one, entry) and pattern_matches(other, entry)]
    assert overlaps(one, other) == bool(both)
    narrow = [entry for entry in entries if pattern_matches(other, entry)]
    assert covers(one, other) == all(pattern_matches(one, entry) for entry in narrow)


_STEP = st.sampled_from(
    [
        "play: {prompt: p, next: %s}",
        "set: {values: {v: 'w'}, next: %s}",
        "hangup: ",
        "return: ",
        "answer: {next: %s}",
        "sub_flow: {flow: f1, otherwise: %s}",
        "say: {number: v, next: %s}",
        "by_hours: {calendar: c, closed: %s}",
    ]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(_STEP, st.integers(0, 6)), min_size=1, max_size=6), st.integers(1, 3))
def test_any_flows_are_checked_without_raising(steps, count):
    body = "".join(f"  s{n}: {{{text.replace('%s', f's{target}')}}}\n" for n, (text, target) in enumerate(steps))
    texts = {f"f{n}": f"numbers: [{n}1]\nstart: s0\nfallback: s1\non_hangup: s2\nsteps:\n{body}" for n in range(count)}
    findings, sound = checked(**texts)
    assert findings or len(sound.flows) == count


@pytest.mark.parametrize("text", ["", "a: 1", "steps: {}", "flow: x\nsteps:\n  a: {play: {}}", "flow: x\nsteps: [a]\nkeys: 5"])
def test_fragments_are_findings_only(text):
    findings, sound = checked(main=text)
    assert findings and not sound.flows
