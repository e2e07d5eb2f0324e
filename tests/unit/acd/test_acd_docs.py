"""The page in the house is the one that the tables make now."""

from __future__ import annotations

from pathlib import Path

import ivrengine.acd
from ivrengine.acd.docs import page
from ivrengine.acd.strategies import STRATEGIES
from ivrengine.acd.transitions import AGENT_INTENT, AGENT_WORK, ITEM_STATE


def test_the_page_is_up_to_date():
    assert (Path(ivrengine.acd.__file__).parent / "README.md").read_text("utf-8") == page(), "run ./scripts/docs"


def test_it_draws_every_way_and_names_every_strategy():
    text = page()
    for table in (AGENT_WORK, AGENT_INTENT, ITEM_STATE):
        for state, row in table.items():
            for event, new in row.items():
                assert any(line.startswith(f"  {state} --> {new}: ") and event in line for line in text.splitlines())
    for name in STRATEGIES:
        assert f"| `{name}` |" in text
