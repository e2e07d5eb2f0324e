"""The flows that callers walk: the published set, and the versions that calls are still on, so that a call ends on the one it began.

Follows the publications in the database, whoever makes them. The first start of a site publishes its files; later starts go on with
what is published, and files that were edited meanwhile reach nobody. A set that can't be read changes nothing: the one before stays.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from gevent.lock import RLock

from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError
from ivrengine.flow.calendars import HoursBook
from ivrengine.flow.check import sound_flows
from ivrengine.flow.compile import compile_flow, load_flows
from ivrengine.flow.finding import Finding, errors
from ivrengine.flow.flowset import Flow, FlowSet
from ivrengine.flow.world import World
from ivrengine.log import note
from ivrengine.storage.errors import NoSuchRecord, StorageError
from ivrengine.storage.publications import Publication
from ivrengine.storage.store import Store

from .publishing import NotPublished, Publisher, apart, set_version
from .site_files import SiteFiles
from .world_feed import WorldFeed

FOLLOW_SECONDS = 1.0  # between two looks for a publication of another process
FIRST_START = "first start"  # who has published what a new site began with
RELOAD = "reload"  # who has published what a SIGHUP brought

log = logging.getLogger(__name__)


class NothingToServe(IvrEngineError):
    """There is no set of flows without errors: neither in the files nor in the database."""


class Library:
    """Implements flow.flowset.FlowSource. ``flows`` is the set in force, ``publication`` how it came to be."""

    def __init__(self, publisher: Publisher, store: Store, world: World, feed: WorldFeed) -> None:
        self.flows = FlowSet([])
        self.publication: Publication | None = None
        self._publisher = publisher
        self._store = store
        self._world = world
        self._feed = feed
        self._by_version: dict[tuple[str, str], Flow] = {}
        self._lock = RLock()  # pages and the regular look may follow at once
        self._failing = False
        self._unusable = 0  # id of the publication that could not be put in force: told once

    # -- FlowSource ----------------------------------------------------------------------------------------------------

    def get(self, name: str, version: str | None = None) -> Flow:
        if version is None:
            return self.flows.flows[name]
        return self._by_version[name, version]

    def for_number(self, dialled: str) -> Flow | None:
        return self.flows.for_number(dialled)

    # -- loading -------------------------------------------------------------------------------------------------------

    def start(self) -> list[Finding]:
        """Put what is published in force; on a new site publish its files. Returns the findings of the set. Raises NothingToServe."""
        if self._store.publications.current() is None:
            findings = self.reload(FIRST_START)
            if self.publication is None:
                raise NothingToServe("\n".join([str(NothingToServe()), *map(str, errors(findings))]))
            return findings
        self.follow()
        if self.publication is None:
            raise NothingToServe(Sentence("the published flows can't be used by this version of the engine; the log says why"))
        site = self._publisher.set_of(self.publication.version)
        findings = self._told(self._publisher.check(site).findings)
        if set_version(self._publisher.draft()) != self.publication.version:
            sentence = Sentence(
                "the files are not what is published; `ivrengine flow diff` tells how, `ivrengine flow publish` puts them in force"
            )
            note(log, sentence, level=logging.WARNING)
        return findings

    def reload(self, author: str = RELOAD) -> list[Finding]:
        """Publish the files as they are. With errors nothing changes; the findings tell them all."""
        site = self._publisher.draft()
        checked = self._publisher.check(site)
        self._told(checked.findings)
        try:
            self._publisher.take(site, checked, author)
        except NotPublished as error:
            note(log, str(error), level=logging.WARNING)
        else:
            self.follow()
        return checked.findings

    def follow(self) -> None:
        """Put the newest publication in force where it isn't yet; called FOLLOW_SECONDS apart, and by whoever has just published."""
        with self._lock:
            try:
                self._follow()
                self._failing = False
            except StorageError as error:
                if not self._failing:
                    log.error("publications can't be read, so the flows in force stay: %s", error)
                self._failing = True

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

    def _follow(self) -> None:
        current = self._store.publications.current()
        if current is None or current.publication_id == self._unusable:
            return
        if self.publication is not None and current.publication_id == self.publication.publication_id:
            return
        site = self._publisher.set_of(current.version)
        flows, findings = apart(_compile, site)
        if not flows.flows or errors(findings):
            self._unusable = current.publication_id
            note(log, "a publication can't be used", level=logging.ERROR, publication=current.publication_id)
            self._told(findings)
            if self.publication is not None or not flows.flows:
                return  # the set before stays; with none, as after an upgrade, those flows that can be used are better than nothing
        self._put_in_force(current, site, flows)

    def _put_in_force(self, publication: Publication, site: SiteFiles, flows: FlowSet) -> None:
        for flow in flows.flows.values():
            self._by_version[flow.name, flow.version] = flow
        self.flows = flows
        self.publication = publication
        self._world.lists = site.lists
        self._feed.use_calendars(HoursBook.from_text(site.calendars_text))
        note(
            log, "flows are in force", version=publication.version, publication=publication.publication_id,
            author=publication.author, flows=", ".join(sorted(flows.flows)),
        )  # fmt: skip

    def _told(self, findings: list[Finding]) -> list[Finding]:
        for finding in findings:
            note(log, str(finding), level=logging.WARNING, action="flow_check", code=finding.code)
        return findings


def _compile(site: SiteFiles) -> tuple[FlowSet, list[Finding]]:
    """The flows that can be walked. What they need beside themselves was checked when they were published: a prompt that has been
    lost since then is no reason to turn callers away."""
    loaded = load_flows(site.texts)
    return sound_flows(loaded, loaded.findings), loaded.findings
