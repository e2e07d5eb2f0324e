"""What ``ivrengine doctor`` looks at of queues and agents: queues that flows name, counters against rows, PINs that everybody knows.

Changes nothing, like every check: the database is read as it is, also while an engine runs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from urllib.parse import quote

import sqlite_utils

from ..config import Settings
from ..flow.compile import load_flows
from ..flow.types import QueueRef, walk
from ..runtime.site_files import read_site
from ..site.reading import read_site_file
from ..site.records import Site
from ..storage.intervals import disagreements_in
from ..storage.pins import matches
from ..storage.site import read_site as read_stored_site
from .checks import BUSY_SECONDS, Finding
from .site import FILE

COUNTED_SECONDS = 30 * 86400.0  # counters of older intervals are not counted anew
PINS_CHECKED = 20  # a twentieth of a second each


def check_call_centre(settings: Settings, now: float) -> Iterator[Finding]:
    try:
        site, disagreeing = _stored(settings, now)
    except sqlite3.Error as error:
        yield Finding("queues", "skipped", f"not looked at: {error}")
        return
    yield from _check_queues(settings, site)
    yield from _check_pins(settings, site)
    if disagreeing:
        sentence = f"counters of the last 30 days are others than the rows they were made of (intervals: {disagreeing})"
        yield Finding("counters", "failure", sentence, "report it with a copy of the database; the rows are right")
    elif site.queues:
        yield Finding("counters", "ok", "the counters of the queues agree with their rows")


def _stored(settings: Settings, now: float) -> tuple[Site, int]:
    """The site, and how many intervals disagree; nothing of a database that is not there or of an older version."""
    if not settings.database.exists():
        return Site(), 0
    connection = sqlite3.connect(f"file:{quote(str(settings.database))}?mode=ro", uri=True, timeout=BUSY_SECONDS)
    try:
        db = sqlite_utils.Database(connection, execute_plugins=False)
        if not {"site", "pins", "segments", "intervals"} <= set(db.table_names()):
            return Site(), 0
        connection.execute("BEGIN")
        return read_stored_site(db), len(disagreements_in(db, now - COUNTED_SECONDS, now))
    finally:
        connection.close()


def _check_queues(settings: Settings, site: Site) -> Iterator[Finding]:
    steps = [
        (flow.name, step) for flow in load_flows(read_site(settings.flows).texts).flows.flows.values() for step in flow.steps.values()
    ]
    named = {str(leaf): (flow, step.place) for flow, step in steps for _, leaf in walk(step.spec) if isinstance(leaf, QueueRef)}
    missing = sorted(set(named) - {queue.name for queue in site.queues})
    for queue in missing:
        flow, place = named[queue]
        sentence = f"{place}: the flow {flow} sends callers to the queue {queue}, which there is not"
        yield Finding("queues", "warning", sentence, f"ivrengine --site {settings.site} site import")
    if named and not missing:
        yield Finding("queues", "ok", f"the {len(named)} queues that flows name are there")


def _check_pins(settings: Settings, site: Site) -> Iterator[Finding]:
    """Whoever can read the site's file could log in as these."""
    file = settings.site / FILE
    if not file.is_file():
        return
    written = read_site_file(file.read_bytes(), FILE).pins
    kept = {agent.agent_id: agent.pin_hash for agent in site.agents if agent.pin_hash}
    known = [agent_id for agent_id in list(written)[:PINS_CHECKED] if agent_id in kept and matches(written[agent_id], kept[agent_id])]
    if known:
        sentence = f"agent {known[0]}{f' and {len(known) - 1} more' if len(known) > 1 else ''}: the PIN stands in {file}"
        yield Finding("pins", "warning", sentence, f"ivrengine --site {settings.site} agents pin {known[0]}")
