"""Publishing: the files in ``flows/`` are drafts; a set of them without errors becomes a version that never changes, and callers walk it.

Versions and publications lie in the database. Whoever publishes, page, command line or a reload, does it here; the running engine
sees a new publication and follows it (``library``). Refuses a set with errors with all findings, a draft that is not the one the
author has looked at, and a publication on top of one the author hasn't seen. Rolling back is publishing what was before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import gevent
from gevent.lock import BoundedSemaphore

from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError
from ivrengine.flow.finding import Finding, errors
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.voice import Voice
from ivrengine.storage.native import outcome, unpack
from ivrengine.storage.publications import ANY, Overtaken, Publication
from ivrengine.storage.store import Store

from .flow_changes import FileChange, changes
from .site_files import CALENDARS, CheckedSite, SiteFiles, check_site, read_site

CHECKS_AT_ONCE = 2  # further editors wait a moment: the native threads are the database's as well

T = TypeVar("T")


class NotPublished(IvrEngineError):
    """The set has errors."""

    def __init__(self, sentence: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(sentence)
        self.findings = list(findings)


class Publisher:
    """``outside_numbers``: those that flows may transfer to."""

    def __init__(
        self,
        directory: Path,
        store: Store,
        catalogue: Catalogue,
        voice: Voice,
        outside_numbers: Sequence[str],
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._store = store
        self._catalogue = catalogue
        self._voice = voice
        self._outside_numbers = outside_numbers
        self._clock = clock
        self._checks = BoundedSemaphore(CHECKS_AT_ONCE)

    # -- looking

    def draft(self) -> SiteFiles:
        """The files as they are now."""
        return apart(read_site, self._directory)

    def check(self, site: SiteFiles) -> CheckedSite:
        """With the queues and skills of the site's records, where there are any yet."""
        known = self._store.site.load()
        queues, skills = [queue.name for queue in known.queues] or None, [skill.name for skill in known.skills] or None
        numbers, now = self._outside_numbers, self._clock()
        with self._checks:
            return apart(check_site, site, self._catalogue, self._voice, numbers, now, queues, skills)

    def set_of(self, version: str) -> SiteFiles:
        """The files of a published version. Raises NoSuchRecord."""
        return _set_of(self._store, version, self._directory)

    def published(self) -> SiteFiles:
        """The files that callers walk; none before the first publication."""
        return published_set(self._store, self._directory) or SiteFiles(calendars_file=f"{self._directory.name}/{CALENDARS}")

    def changes(self, before: SiteFiles, after: SiteFiles) -> list[FileChange]:
        return apart(changes, before, after)

    # -- doing

    def publish(self, author: str, comment: str = "", *, draft: str = "", after: int = ANY) -> Publication:
        """Publish the files as they are. ``draft``: the version they must have (see ``set_version``); ``after``: the id of the
        publication that must be in force until now. Raises NotPublished or Overtaken."""
        site = self.draft()
        if draft and set_version(site) != draft:
            raise Overtaken(Sentence("the files were changed meanwhile; look again at what would change, then publish"))
        return self._publish(site, author, comment, after)

    def roll_back(self, publication_id: int, author: str, comment: str = "", *, after: int = ANY) -> Publication:
        """Publish once more what was published then; the files stay as they are. Raises NoSuchRecord, NotPublished or Overtaken."""
        then = self._store.publications.get(publication_id)
        return self._publish(self.set_of(then.version), author, comment or f"back to publication {publication_id}", after)

    def take(self, site: SiteFiles, checked: CheckedSite, author: str, comment: str = "", after: int = ANY) -> Publication:
        """Publish a set that was checked just now. Raises NotPublished or Overtaken."""
        wrong = errors(checked.findings)
        if wrong:
            raise NotPublished(
                Sentence("nothing is published: %(count)s errors must be mended first", count=len(wrong))
                if len(wrong) > 1
                else Sentence("nothing is published: 1 error must be mended first"),
                wrong,
            )
        if not checked.flows.flows:
            raise NotPublished(Sentence("nothing is published: there is no flow in %(directory)s", directory=self._directory))
        now, version = self._clock(), set_version(site)
        keep = self._store.flow_versions.keep
        kept = [keep(version, _as_text(site), now)]
        kept += [keep(flow.version, site.texts[flow.file], now) for flow in checked.flows.flows.values()]
        for ticket in kept:
            ticket.wait()
        return self._store.publications.publish(version, now, author, comment, after).wait()

    def _publish(self, site: SiteFiles, author: str, comment: str, after: int) -> Publication:
        current = self._store.publications.current()
        if current is not None and current.version == set_version(site) and after in (ANY, current.publication_id):
            raise NotPublished(Sentence("nothing is published: callers walk exactly these flows already"))
        return self.take(site, self.check(site), author, comment, after)


def published_set(store: Store, directory: Path) -> SiteFiles | None:
    """The files that callers walk; None before the first publication. ``directory``: where the drafts lie."""
    current = store.publications.current()
    return _set_of(store, current.version, directory) if current else None


def _set_of(store: Store, version: str, directory: Path) -> SiteFiles:
    site = SiteFiles.from_record(json.loads(store.flow_versions.text(version)))
    site.calendars_file = f"{directory.name}/{CALENDARS}"
    return site


def set_version(site: SiteFiles) -> str:
    """The version of a set: the first 16 hex digits of its content's SHA-256."""
    return hashlib.sha256(_as_text(site).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _as_text(site: SiteFiles) -> str:
    return json.dumps(site.to_record(), ensure_ascii=False, sort_keys=True)


def apart(work: Callable[..., T], *args: Any) -> T:
    """Do pure work in a native thread: a large site takes seconds to check, and no caller should notice."""
    return unpack(gevent.get_hub().threadpool.apply(outcome, (work, *args)))
