"""Who a flow keeps out of a queue is counted by the definition of offered and refused, on the board as in reports."""

from __future__ import annotations

from pathlib import Path

from ivrengine.acd.figures import figures
from ivrengine.acd.rules import QueueRules
from ivrengine.app import Engine
from ivrengine.config import load_settings
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import TurnedAway
from ivrengine.reports.queue_figures import queue_figures
from ivrengine.site.records import Site
from ivrengine.storage.intervals import bucket_of

AT = 1_790_000_000.0


def test_the_figures_count_who_was_turned_away(tmp_path: Path) -> None:
    engine = Engine(load_settings(tmp_path, {}), lambda: AT)
    engine.call_centre.recovery.done = True
    with engine.store as store:
        store.site.replace(Site(queues=(QueueRules("sales"),)), "tests", AT).wait()
        engine.call_centre.director.site.load()
        for number, outcome in enumerate(("refused_full", "flow_out", "flow_out")):
            call = CallInfo(f"c{number}", "100", number="138")
            for _ in range(2):  # a step that begins again after a restart says the same
                engine.call_centre.turned_away(call, TurnedAway(f"c{number}:1", "sales", outcome))
        store.database.submit(lambda db: None, "a look").wait()
        counted = store.intervals.read("sales", bucket_of(AT), AT + 900.0)
        told = figures(counted)
        assert (told.offered, told.refused, counted.flow_out, counted.refused_full) == (2, 1, 2, 1)
        rows = queue_figures(store, bucket_of(AT), AT + 900.0)
        assert [(row.queue, row.figures) for row in rows] == [("sales", told), ("", told)]
        assert [each.terminal for each in store.segments.of_contact("c1")] == ["flow_out"]
