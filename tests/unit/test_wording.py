"""One word for one thing, in every text that people read or hear."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OTHER_SPELLING = "\u5ea7\u5e2d"  # of the Chinese for an agent, which sounds the same; the glossary names the one we use
PLACES = ("flows", "prompts", "webadmin", "ivrengine", "freeswitch-conf", "scripts", "tests")
TEXTS = {".po", ".yml", ".md", ".html", ".py", ".js"}


@pytest.mark.parametrize("place", PLACES)
def test_an_agent_has_one_name_in_chinese(place: str) -> None:
    texts = [path for path in (ROOT / place).rglob("*") if path.suffix in TEXTS and "vendor" not in path.parts]
    assert texts
    assert [str(path) for path in [*texts, ROOT / "site.yml"] if OTHER_SPELLING in path.read_text("utf-8")] == []


def test_the_glossary_names_it() -> None:
    assert "坐席" in (ROOT / "ivrengine" / "GLOSSARY.md").read_text("utf-8")
