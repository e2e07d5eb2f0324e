"""The step reference: every step is in it with its sample and its fields; the page in flows/ is the one generated now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ivrengine.flow.compile import compile_flow
from ivrengine.flow.docs import reference, step_docs
from ivrengine.flow.step import REGISTRY
from ivrengine.flow.types import walk

ROOT = Path(__file__).parents[3]


def test_the_page_in_flows_is_up_to_date():
    assert (ROOT / "flows" / "README.md").read_text() == reference(), "run ./scripts/docs"


@pytest.mark.parametrize("verb", sorted(REGISTRY))
def test_every_step_has_a_sample_and_all_its_fields(verb):
    text = step_docs(REGISTRY[verb])
    assert "```yaml" in text, f"the docstring of {verb} has no sample"
    for name, field in REGISTRY[verb].Spec.model_fields.items():
        assert f"| `{field.alias or name}` |" in text
    assert "| value |" not in text and "``yaml" not in text.replace("```yaml", "")


@pytest.mark.parametrize("verb", sorted(REGISTRY))
def test_every_sample_can_be_read(verb):
    """Each sample of a step's docstring, with the steps that it leads to put beside it, compiles without a finding."""
    samples = re.findall(r"```yaml\n(.*?)```", step_docs(REGISTRY[verb]), re.DOTALL)
    assert samples
    for sample in samples:
        body = "\n".join(f"  {line}" for line in sample.splitlines())
        head = "flow: x\nlanguages: [zh-CN, en-US]\nstart: {start}\nsteps:\n"
        names = set(re.findall(r'"([a-z0-9_]+)"', "".join(_unknown(head + body))))
        more = "".join(f"  {name}: {{hangup: }}\n" for name in sorted(names))
        start = re.match(r"\w+", sample)[0]
        compiled = compile_flow(head.replace("{start}", start) + body + "\n" + more, "x.yml")
        assert [str(finding) for finding in compiled.findings] == []
        assert any(True for step in compiled.flow.steps.values() for _ in walk(step.spec)) or verb in ("return", "hangup")


def _unknown(text: str) -> list[str]:
    found = compile_flow(text.replace("{start}", "nowhere"), "x.yml").findings
    return [finding.sentence for finding in found if finding.code == "unknown_step"]
