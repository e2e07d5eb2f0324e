"""``ivrengine site``: queues, skills, agents, teams, break reasons and dispositions as one file, out of the database and into it."""

from __future__ import annotations

import dataclasses
import os
import time
from collections import Counter
from pathlib import Path

import click

from ..config import Settings
from ..errors import IvrEngineError
from ..flow.compile import load_flows
from ..flow.document import LARGEST_DOCUMENT
from ..flow.finding import Finding, did_you_mean, errors
from ..flow.flowset import Place
from ..flow.types import QueueRef, walk
from ..runtime.site_files import read_site
from ..site.differences import Difference, differences
from ..site.fields import fields_of_site
from ..site.reading import read_site_file
from ..site.records import PARTS, Site, name_of, to_dict
from ..site.schema import KEYS
from ..site.writing import write_site_file
from ..storage.store import Store
from .records import myself, opened, print_json, print_table, shown

FILE = "site.yml"
SIZE_LIMIT = 4 * LARGEST_DOCUMENT  # bytes: a character has four at most


class BadSiteFile(IvrEngineError):
    """The site's file has errors; `ivrengine site import --dry-run` tells them all."""


@click.group()
def site() -> None:
    """Queues, skills, agents, teams, break reasons and dispositions together, as one file."""


@site.command("show")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON, without PINs.")
@click.pass_obj
def show_site(settings: Settings, as_json: bool) -> None:
    """Show how many records each part of the site has, and their names."""
    with opened(settings) as store:
        stored = store.site.load()
    if as_json:
        print_json({KEYS[part]: [to_dict(record) for record in getattr(stored, part)] for part in PARTS})
        return
    rows = [(KEYS[part], len(getattr(stored, part)), ", ".join(map(name_of, getattr(stored, part)))) for part in PARTS]
    print_table(("part", "records", "names"), rows, "")


@site.command("fields")
@click.argument("part", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table.")
def show_fields(part: str | None, as_json: bool) -> None:
    """Tell what may stand in site.yml: every field of PART (such as queues; of all without it), what is usual, and what it means."""
    if part not in (None, *KEYS.values()):
        raise click.BadParameter(f"{part!r} is no part of a site; {did_you_mean(part or '', KEYS.values())}", param_hint="PART")
    found = [each for each in fields_of_site() if part in (None, each.part)]
    if as_json:
        print_json(found)
        return
    print_table(("part", "field", "usual", "meaning"), [dataclasses.astuple(each) for each in found], "")


@site.command("export")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), default="-")
@click.option("--without-pins", is_flag=True, help="Leave out the hashes of the PINs; who imports the file keeps the PINs they have.")
@click.pass_obj
def export_site(settings: Settings, file: str, without_pins: bool) -> None:
    """Write the site to FILE, or with - to the terminal, as `site import` reads it. Announcements are no part of it.

    PINs are written as hashes. A short PIN can be guessed from its hash, so FILE is made for your eyes only.
    """
    with opened(settings) as store:
        text = write_site_file(store.site.load(), with_pins=not without_pins)
    if file == "-":
        click.echo(text, nl=False)
        return
    _write_privately(Path(file), text)
    click.echo(f"The site is written to {file}.")


@site.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), required=False)
@click.option("--dry-run", is_flag=True, help="Only show what would be different.")
@click.option("--yes", is_flag=True, help="Remove what the file does not have without asking.")
@click.option("--by", default=myself, help="Who does it, for the audit trail; your user name without it.")
@click.option("--json", "as_json", is_flag=True, help="Findings and differences as JSON; needs --yes or --dry-run where records go.")
@click.pass_obj
def import_site(settings: Settings, file: str | None, dry_run: bool, yes: bool, by: str, as_json: bool) -> None:
    """Make the site what FILE says (site.yml in the site's directory, without it): all of it, or with any error nothing.

    \b
    A part that the file has (such as queues:) is replaced, one that it leaves out stays. What is different is shown first;
    before a record is removed you are asked. Agents of whom the file tells no PIN keep theirs. A running engine follows
    within seconds.
    """
    path = settings.site / FILE if file is None else Path(file)
    text = _read(path)
    with opened(settings, make=True) as store:
        revision, before = store.site.revision(), store.site.load()
        read = read_site_file(text, path.name if file is None else str(path), before)
        if errors(read.findings):
            _tell_findings(read.findings, as_json)
            raise click.ClickException("nothing was imported; what is wrong in the file stands above")
        after = store.site.with_pins(read.site, read.pins)
        found = differences(before, after)
        findings = [*read.findings, *_missing_in(after, settings, store)]
        if not as_json:
            _tell_findings(findings, as_json)
            for difference in found:
                click.echo(shown(str(difference)))
        wanted = bool(found) and not dry_run and (yes or _agreed(found, as_json))
        if wanted:
            store.site.replace(after, by, time.time(), expected_revision=revision).wait()
    if as_json:
        told = [dataclasses.asdict(difference) for difference in found]
        print_json({"imported": wanted, "differences": told, "findings": [finding.to_record() for finding in findings]})
    elif not found:
        click.echo("The site is what the file says already.")
    else:
        click.echo("The site is what the file says." if wanted else "Nothing was changed.")


def bring_sample(settings: Settings, at: float) -> bool:
    """For the demo: the site's file into a database that has no queue and no agent yet; True when that was done.

    Raises BadSiteFile for a file with errors. Without a file nothing is done.
    """
    path = settings.site / FILE
    if not path.is_file():
        return False
    with Store(settings.database) as store:
        revision, before = store.site.revision(), store.site.load()
        if before.queues or before.agents:
            return False
        read = read_site_file(path.read_bytes(), FILE, before)
        if found := errors(read.findings):
            raise BadSiteFile(str(found[0]))
        after = store.site.with_pins(read.site, read.pins)
        store.site.replace(after, "demo", at, expected_revision=revision).wait()
    return True


def _agreed(found: list[Difference], as_json: bool) -> bool:
    """Somebody who runs a script is not asked, and removes nothing by mistake."""
    removed = [difference for difference in found if difference.kind == "remove"]
    if not removed:
        return True
    if as_json:
        raise click.ClickException(f"{_records(len(removed))} would be removed; say --yes where that is meant")
    return click.confirm(f"Remove {_records(len(removed))}?")


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"


def _missing_in(after: Site, settings: Settings, store: Store) -> list[Finding]:
    """Warnings of what somebody still needs and the new site has not: queues of flows and of callers, agents at work."""
    queues = {queue.name for queue in after.queues}
    found: list[Finding] = []
    for flow in load_flows(read_site(settings.flows).texts).flows.flows.values():
        for step in flow.steps.values():
            for name in {str(value) for _, value in walk(step.spec) if isinstance(value, QueueRef)} - queues:
                sentence = f"the flow {flow.name} sends callers to the queue {name}, which the site won't have"
                found.append(Finding("unknown_queue", "warning", step.place, sentence, "keep the queue, or change the flow"))
    place = Place(FILE, 1, 1)
    waiting = Counter(segment.queue for segment in store.segments.waiting())
    for name in sorted(set(waiting) - queues):
        sentence = f"{waiting[name]} callers wait in the queue {name}, which the site won't have"
        found.append(Finding("callers_wait", "warning", place, sentence, "move them first, or let them finish"))
    for state in store.agent_states.last().values():
        if state.intent != "LOGGED_OUT" and after.agent(state.agent_id) is None:
            sentence = f"agent {state.agent_id} is logged in and won't be in the site"
            found.append(Finding("agent_at_work", "warning", place, sentence, "log them out first"))
    return found


def _tell_findings(findings: list[Finding], as_json: bool) -> None:
    if as_json:
        print_json({"imported": False, "differences": [], "findings": [finding.to_record() for finding in findings]})
        return
    for finding in findings:
        click.echo(shown(f"{finding.severity}: {finding}"), err=True)


def _read(path: Path) -> bytes:
    try:
        with click.open_file(str(path), "rb") as file:
            return file.read(SIZE_LIMIT)
    except OSError as error:
        raise click.ClickException(f"{path} can't be read: {error.strerror}") from error


def _write_privately(path: Path, text: str) -> None:
    """Whole or not at all, and for nobody else's eyes."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise click.ClickException(f"{path} can't be written: {error.strerror}") from error
