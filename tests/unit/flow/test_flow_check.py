"""The linter on whole files: each of tests/bad_flows/*.yml has its expected findings beside it, word for word.

After a wanted change of a sentence: ``python tests/unit/flow/test_flow_check.py`` writes them anew; read the difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ivrengine.flow.calendar_file import load_calendars
from ivrengine.flow.check import check_flows
from ivrengine.flow.compile import FlowSetResult, load_flows, version_of
from ivrengine.flow.finding import Finding

BAD_FLOWS = Path(__file__).parents[2] / "bad_flows"
SITE = BAD_FLOWS / "site"
CASES = sorted(path.stem for path in BAD_FLOWS.glob("*.yml"))
NOW = 1_790_000_000.0  # September 2026


class Prompts:
    """Catalogue and voice in one: ``broken`` can't be played, ``long`` lasts 15 s, English lacks a prompt and money."""

    known = {"zh-CN": ["welcome", "only_chinese", "broken", "long"], "en-US": ["welcome", "broken", "long"]}

    def names(self, language: str) -> list[str]:
        return self.known.get(language, [])

    def problem(self, name: str, language: str) -> str | None:
        if name not in self.names(language):
            return f"the prompt {name} is missing in {language}"
        return f"{name}.wav is no recording" if name == "broken" else None

    def duration_ms(self, name: str, language: str) -> int:
        return 15_000 if name == "long" else 2_000

    def speech_problem(self, kind: str, language: str) -> str | None:
        return f"the words to speak a {kind} are missing in {language}" if (kind, language) == ("money", "en-US") else None


def load(texts: dict[str, str]) -> FlowSetResult:
    return load_flows({**{path.name: path.read_text() for path in SITE.glob("*.yml") if path.stem != "calendars"}, **texts})


def check(loaded: FlowSetResult) -> list[Finding]:
    calendars = load_calendars((SITE / "calendars.yml").read_text(), "calendars.yml")
    return check_flows(
        loaded, catalogue=Prompts(), voice=Prompts(), calendars=calendars, lists={"customers": frozenset({"029*"})},
        outside_numbers=["029123*"], now=NOW, queues=["circulation"], skills=["mandarin"],
    )  # fmt: skip


def told(name: str) -> str:
    text = (BAD_FLOWS / f"{name}.yml").read_text().replace("VERSION", version_of((SITE / "address.yml").read_text()))
    found = [finding for finding in check(load({f"{name}.yml": text})) if finding.place.file == f"{name}.yml"]
    return "".join(f"{finding.severity} {finding.code}\n  {finding}\n" for finding in found)


@pytest.mark.parametrize("name", CASES)
def test_a_bad_flow_is_told_word_for_word(name):
    assert told(name) == (BAD_FLOWS / f"{name}.txt").read_text()


if __name__ == "__main__":
    for case in CASES:
        (BAD_FLOWS / f"{case}.txt").write_text(told(case))
