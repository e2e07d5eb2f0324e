"""The flows that callers walk: loaded from the site's files, checked, kept by version so that a call ends on the one it began.

A load with errors changes nothing: the last good set stays, and every finding is told. What is in force lies in the
database, so a restart beside half-edited files goes on with the last good set, and with the versions that saved calls are on.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import gevent

from ivrengine.errors import IvrEngineError
from ivrengine.flow.calendars import HoursBook
from ivrengine.flow.compile import compile_flow
from ivrengine.flow.finding import Finding, errors
from ivrengine.flow.flowset import Flow, FlowSet
from ivrengine.flow.world import World
from ivrengine.log import note
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.voice import Voice
from ivrengine.storage.errors import NoSuchRecord
from ivrengine.storage.store import Store

from .site_files import CheckedSite, SiteFiles, check_site, read_site
from .world_feed import WorldFeed

T = TypeVar("T")
log = logging.getLogger(__name__)


class NothingToServe(IvrEngineError):
    """There is no set of flows without errors: neither in the files nor in the database."""


class Library:
    """Implements flow.flowset.FlowSource. ``flows`` is the set in force."""

    def __init__(
        self,
        directory: Path,
        store: Store,
        catalogue: Catalogue,
        voice: Voice,
        world: World,
        feed: WorldFeed,
        clock: Callable[[], float],
    ) -> None:
        self.flows = FlowSet([])
        self._directory = directory
        self._store = store
        self._catalogue = catalogue
        self._voice = voice
        self._world = world
        self._feed = feed
        self._clock = clock
        self._by_version: dict[tuple[str, str], Flow] = {}

    # -- FlowSource ----------------------------------------------------------------------------------------------------

    def get(self, name: str, version: str | None = None) -> Flow:
        if version is None:
            return self.flows.flows[name]
        return self._by_version[name, version]

    def for_number(self, dialled: str) -> Flow | None:
        return self.flows.for_number(dialled)

    # -- loading -------------------------------------------------------------------------------------------------------

    def start(self) -> list[Finding]:
        """Put the files in force; where they have errors, the set that was in force last. Raises NothingToServe."""
        findings = self.reload()
        if not self.flows.flows:
            published = self._store.publications.current()
            if published is None:
                raise NothingToServe("\n".join([str(NothingToServe()), *map(str, errors(findings))]))
            note(log, "the files have errors; the set in force before goes on", level=logging.WARNING, version=published)
            site = SiteFiles.from_record(json.loads(self._store.flow_versions.text(published)))
            self._put_in_force(site, self._check(site).flows)
        return findings

    def reload(self) -> list[Finding]:
        """Read the files again. With errors nothing changes; the findings tell them all."""
        site = _apart(read_site, self._directory)
        checked = self._check(site)
        for finding in checked.findings:
            note(log, str(finding), level=logging.WARNING, action="flow_check", code=finding.code)
        if not errors(checked.findings) and checked.flows.flows:
            self._put_in_force(site, checked.flows)
        return checked.findings

    def recall(self, pinned: Sequence[tuple[str, str]]) -> None:
        """Compile the versions that saved calls are on from the database; one that is missing is found out by its caller."""
        for name, version in pinned:
            if (name, version) in self._by_version:
                continue
            try:
                text = self._store.flow_versions.text(version)
            except NoSuchRecord:
                note(log, "a version that a saved call is on is not kept", level=logging.WARNING, flow=name, version=version)
                continue
            flow = compile_flow(text, f"{name}@{version}").flow
            if flow is not None:
                self._by_version[name, version] = flow

    def _check(self, site: SiteFiles) -> CheckedSite:
        return _apart(check_site, site, self._catalogue, self._voice, self._world.outside_numbers, self._clock())

    def _put_in_force(self, site: SiteFiles, flows: FlowSet) -> None:
        now = self._clock()
        text = json.dumps(site.to_record(), ensure_ascii=False, sort_keys=True)
        version = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._store.flow_versions.keep(version, text, now)
        for flow in flows.flows.values():
            self._store.flow_versions.keep(flow.version, site.texts[flow.file], now)
            self._by_version[flow.name, flow.version] = flow
        self._store.publications.publish(version, now).wait()
        self.flows = flows
        self._world.lists = site.lists
        self._feed.use_calendars(HoursBook.from_text(site.calendars_text))
        note(log, "flows are in force", version=version, flows=", ".join(sorted(flows.flows)))


def _apart(work: Callable[..., T], *args: Any) -> T:
    """Do pure work in a native thread: a large site takes seconds to check, and no caller should notice."""
    return gevent.get_hub().threadpool.apply(work, args)
