"""What agents were told will happen after the present call."""

from __future__ import annotations

from pathlib import Path

from ivrengine.storage.store import Store


def test_a_wish_is_kept_until_it_is_struck_out(tmp_path: Path) -> None:
    with Store(tmp_path / "ivrengine.db") as store:
        store.agent_states.wish("101", "NOT_READY", "lunch").wait()
        store.agent_states.wish("102", "LOGGED_OUT", "").wait()
        store.agent_states.wish("101", "READY", "").wait()
        assert store.agent_states.wishes() == {"101": ("READY", ""), "102": ("LOGGED_OUT", "")}
        store.agent_states.wish("101", "", "").wait()
        store.agent_states.wish("101", "", "").wait()
        assert store.agent_states.wishes() == {"102": ("LOGGED_OUT", "")}
