"""A flow as a picture: all steps and branches are there, and no label can break out of the drawing."""

from __future__ import annotations

from ivrengine.flow.compile import compile_flow
from ivrengine.flow.diagram import to_dot, to_graph, to_mermaid

FLOW = """\
flow: hotline
name: 'Press <b>1</b> "now"'
languages: [zh-CN]
numbers: [100]
start: who
fallback: end
keys: {"0": {label: Person, go: person}}
steps:
  who: {by_caller: {rules: [{prefix: "029", label: Xi'an, go: main}, {withheld: true, go: end}], otherwise: main}}
  main:
    menu:
      prompt: p
      choices:
        1: {label: 'Say "hi" \\ | ]', go: person}
        2: {label: 投诉, go: check}
      extensions: {allow: 8xxx, label: Direct, go: person}
      no_input: end
      no_match: {say: p, go: end}
  check: {branch: {cases: [{when: 'caller == "1"', go: person}], otherwise: sub}}
  sub: {sub_flow: {flow: other, returns: {given: end}, otherwise: person}}
  person: {dial_extension: {extension: "8001", answered: end, failed: end}}
  end: {hangup: }
"""


def test_mermaid_has_every_step_and_branch():
    text = to_mermaid(compile_flow(FLOW, "x").flow)
    assert text.startswith("flowchart TD\n")
    for line in (
        '  step_who{{"who<br/>by_caller"}}',
        '  step_sub["sub<br/>sub_flow other"]',
        '  step_end(["end<br/>hangup"])',
        '  step_who -->|"Xi#39;an"| step_main',
        '  step_who -->|"rules 1"| step_end',
        '  step_main -->|"2 投诉"| step_check',
        '  step_main -->|"Direct"| step_person',
        '  step_main -->|"no_input"| step_end',
        '  step_check -->|"caller #61;#61; #34;1#34;"| step_person',
        '  step_sub -->|"given"| step_end',
        '  any_step -.->|"0 Person"| step_person',
        '  caller -.->|"when a step fails"| step_end',
    ):
        assert line in text.splitlines(), line
    assert "<b>" not in text and '"hi"' not in text and "\\" not in text


def test_dot_escapes_quotes_and_backslashes():
    text = to_dot(compile_flow(FLOW, "x").flow)
    assert text.startswith("digraph step_hotline {") and text.endswith("}\n")
    assert '  caller [shape=oval, label="Press <b>1</b> \\"now\\": 100"];' in text
    assert '  step_main -> step_person [label="1 Say \\"hi\\" \\\\ | ]"];' in text
    assert '  any_step -> step_person [label="0 Person", style=dashed];' in text
    for line in text.splitlines():
        assert line.replace("\\\\", "").replace('\\"', "").count('"') % 2 == 0


def test_long_labels_are_cut_and_stay_on_one_line():
    text = FLOW.replace("label: Person", f'label: "{"x" * 70}\\nnext"')
    assert '"0 ' + "x" * 35 + '..."' in to_mermaid(compile_flow(text, "x").flow)


def test_a_graph_has_every_step_with_its_line_and_every_branch():
    graph = to_graph(compile_flow(FLOW, "x").flow)
    nodes = {node["id"]: node for node in graph["nodes"]}
    assert nodes["step_main"] == {"id": "step_main", "name": "main", "verb": "menu", "kind": "step", "line": 10}
    assert (nodes["step_who"]["kind"], nodes["step_end"]["kind"], nodes["any_step"]["kind"]) == ("deciding", "end", "any")
    assert nodes["caller"]["name"] == 'Press <b>1</b> "now": 100'
    edges = [(edge["from"], edge["to"], edge["label"], edge["dashed"]) for edge in graph["edges"]]
    assert edges[0] == ("caller", "step_who", "", False)
    assert ("step_main", "step_person", 'Say "hi" \\ | ]'.join(["1 ", ""]), False) in edges
    assert ("any_step", "step_person", "0 Person", True) in edges
    assert {edge["from"] for edge in graph["edges"]} | {edge["to"] for edge in graph["edges"]} == set(nodes)
