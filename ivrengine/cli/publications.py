"""``ivrengine flow publish|history|diff|rollback``: which set of flows callers walk, and how it came to be.

A running engine follows within a second; without one, the next start does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import click

from ..config import Settings
from ..errors import IvrEngineError
from ..prompts.catalogue import Catalogue
from ..prompts.voice import Voice
from ..runtime.flow_changes import FileChange
from ..runtime.publishing import NotPublished, Publisher, set_version
from ..runtime.site_files import SiteFiles
from ..storage.publications import COMMENT_LIMIT, Publication
from ..storage.store import Store
from .records import myself, opened, print_json, print_table, shown, when, zone_of

HISTORY_SHOWN = 20
DRAFT, PUBLISHED = "draft", "published"
_STYLES = {"+": "green", "-": "red", "@": "cyan", " ": None}
_KINDS = {"add": "new file", "change": "changed", "remove": "removed"}


@click.command()
@click.option("-m", "--comment", default="", help="Why, for those who look at the history later.")
@click.pass_obj
def publish(settings: Settings, comment: str) -> None:
    """Let callers walk the flows as they stand in the files now.

    Refused, with all findings, when the flows, the calendars or the lists have errors. Calls that are up finish on what they began.
    """
    _need_short(comment)
    with opened(settings, make=True) as store:
        try:
            done = publisher_of(settings, store).publish(myself(), comment)
        except NotPublished as error:
            for finding in error.findings:
                click.echo(shown(str(finding)), err=True)
            raise
    _tell(done)


@click.command()
@click.argument("publication", type=int)
@click.option("-m", "--comment", default="", help="Why, for those who look at the history later.")
@click.pass_obj
def rollback(settings: Settings, publication: int, comment: str) -> None:
    """Publish once more what was published as PUBLICATION, a number of `ivrengine flow history`. The files stay as they are."""
    _need_short(comment)
    with opened(settings) as store:
        try:
            done = publisher_of(settings, store).roll_back(publication, myself(), comment)
        except NotPublished as error:
            for finding in error.findings:
                click.echo(shown(str(finding)), err=True)
            raise
    _tell(done)


@click.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=HISTORY_SHOWN, show_default=True, help="So many at most.")
@click.option("--json", "as_json", is_flag=True, help="JSON; times in UTC seconds.")
@click.pass_obj
def history(settings: Settings, limit: int, as_json: bool) -> None:
    """What was published, when, by whom and why; the newest first."""
    with opened(settings) as store:
        found = store.publications.recent(limit)
        differs = bool(found) and set_version(publisher_of(settings, store).draft()) != found[0].version
    if as_json:
        print_json(found)
        return
    zone = zone_of(settings)
    rows = [(each.publication_id, when(each.published_at, zone), each.author, each.comment, each.version) for each in found]
    print_table(("", "published", "by", "comment", "version"), rows, "Nothing is published yet.")
    if differs:
        click.echo(f"The files in {settings.flows} are not what is published: ivrengine flow diff.")


@click.command()
@click.argument("before", default=PUBLISHED)
@click.argument("after", default=DRAFT)
@click.pass_obj
def diff(settings: Settings, before: str, after: str) -> None:
    """What leads from BEFORE to AFTER: numbers of `ivrengine flow history`, `published`, or `draft` for the files.

    Without them: what `ivrengine flow publish` would change. The exit code is 1 when something is different.
    """
    with opened(settings) as store:
        publisher = publisher_of(settings, store)
        found = publisher.changes(_set(publisher, store, before), _set(publisher, store, after))
    _print(found)
    if found:
        sys.exit(1)


def publisher_of(settings: Settings, store: Store) -> Publisher:
    catalogue = Catalogue(settings.prompts)
    voice = Voice(catalogue, settings.languages[0], settings.languages[1:])
    return Publisher(settings.flows, store, catalogue, voice, tuple(settings.engine.outside_numbers), time.time)


def _set(publisher: Publisher, store: Store, name: str) -> SiteFiles:
    if name == DRAFT:
        return publisher.draft()
    if name == PUBLISHED:
        return publisher.published()
    if not (name.isascii() and name.isdigit()):
        raise click.BadParameter(f"{shown(name)} is neither a number of the history nor {PUBLISHED} nor {DRAFT}")
    return publisher.set_of(store.publications.get(int(name)).version)


def _need_short(comment: str) -> None:
    if len(comment) > COMMENT_LIMIT:
        raise IvrEngineError(f"the comment is longer than {COMMENT_LIMIT} characters")


def _tell(done: Publication) -> None:
    click.echo(f"Published as {done.publication_id}, version {done.version}. A running engine takes it within a second.")


def _print(found: Sequence[FileChange]) -> None:
    if not found:
        click.echo("Nothing is different.")
    for change in found:
        click.secho(f"{shown(change.file)}: {_KINDS[change.kind]}", bold=True)
        if not change.lines:
            click.echo("(nothing in it, or too long to be compared line by line)")
        for line in change.lines:
            click.secho(shown((line.kind if line.kind != "@" else "") + line.text), fg=_STYLES[line.kind])
