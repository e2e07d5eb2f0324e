"""Whatever agents and customers are told by the runtime itself can be played in both languages that are shipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ivrengine.prompts.catalogue import Catalogue

ROOT = Path(__file__).parents[3]
NAMED = sorted(
    {
        name
        for path in (ROOT / "ivrengine" / "runtime").glob("*.py")
        for name in re.findall(r'"((?:desk|talk|callback)/[a-z_]+)"', path.read_text("utf-8"))
    }
)


def test_some_are_named() -> None:
    assert {"desk/ready_in", "talk/calling", "callback/agent_hears"} <= set(NAMED)


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_all_of_them_can_be_played(language: str) -> None:
    catalogue = Catalogue(ROOT / "prompts")
    assert [problem for name in NAMED if (problem := catalogue.problem(name, language))] == []
    assert [name for name in NAMED if not catalogue.text(name, language)] == []
