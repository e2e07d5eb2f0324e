"""``ivrengine flow``: check the flows of a site, draw them, print the step reference. Publishing is in ``publications``, dialled
numbers are in ``numbers``.

Sentences about files hold strangers' text; it goes through ``shown`` before it reaches a terminal.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

import click
from rich.console import Console
from rich.text import Text

from ..config import Settings
from ..flow.compile import load_flows
from ..flow.diagram import to_dot, to_mermaid
from ..flow.docs import reference
from ..flow.finding import Finding, did_you_mean
from ..flow.flowset import Flow
from ..prompts.catalogue import Catalogue
from ..prompts.voice import Voice
from ..runtime.site_files import check_site, read_site
from ..storage.store import Store
from .numbers import number, numbers
from .publications import diff, history, publish, rollback
from .records import print_json, shown

_STYLES = {"error": "bold red", "warning": "yellow"}


@click.group()
def flow() -> None:
    """Flows: check them, publish them, draw them, look up what can be written in them."""


for command in (publish, history, diff, rollback, numbers, number):
    flow.add_command(command)


@flow.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON list of findings instead of sentences.")
@click.pass_obj
def check(settings: Settings, as_json: bool) -> None:
    """Tell everything that is wrong with the flows, the calendars and the lists.

    Each finding has its place, a sentence, and a way out. Errors keep the flows from being put in force; warnings do not. The
    exit code is 1 when there are errors.
    """
    site = read_site(settings.flows)
    catalogue = Catalogue(settings.prompts)
    voice = Voice(catalogue, settings.languages[0], settings.languages[1:])
    queues, skills = _names_of_site(settings)
    checked = check_site(site, catalogue, voice, settings.engine.outside_numbers, time.time(), queues, skills)
    counts = Counter(finding.severity for finding in checked.findings)
    if as_json:
        print_json([finding.to_record() for finding in checked.findings])
    else:
        for finding in checked.findings:
            _print(finding)
        if not site.texts:
            click.echo(f"There is no flow in {settings.flows}.")
        else:
            click.echo(f"{_counted(len(site.texts), 'flow')}: {_counted(counts['error'], 'error')}, "
                       f"{_counted(counts['warning'], 'warning')}.")  # fmt: skip
    if counts["error"]:
        sys.exit(1)


def _names_of_site(settings: Settings) -> tuple[list[str] | None, list[str] | None]:
    """The queues and skills that the database knows; None where there are none yet, as before the first import."""
    if not settings.database.exists():
        return None, None
    with Store(settings.database) as store:
        known = store.site.load()
    return [queue.name for queue in known.queues] or None, [skill.name for skill in known.skills] or None


@flow.command()
def docs() -> None:
    """Print the reference of all steps as Markdown, made from the steps themselves."""
    click.echo(reference(), nl=False)


@flow.command()
@click.argument("name")
@click.option("--format", "kind", type=click.Choice(["mermaid", "dot"]), default="mermaid", show_default=True, help="Language.")
@click.pass_obj
def diagram(settings: Settings, name: str, kind: str) -> None:
    """Draw the flow NAME as text for Mermaid or Graphviz.

    \b
    ivrengine flow diagram hotline --format dot | dot -Tsvg > hotline.svg
    """
    click.echo(to_dot(_flow(settings, name)) if kind == "dot" else to_mermaid(_flow(settings, name)), nl=False)


def _flow(settings: Settings, name: str) -> Flow:
    drafts = {draft.flow.name: draft.flow for draft in load_flows(read_site(settings.flows).texts).drafts}
    if name not in drafts:
        fix = did_you_mean(name, drafts)
        raise click.ClickException(shown(f"there is no flow {name!r} in {settings.flows}" + (f"; {fix}" if fix else "")))
    return drafts[name]


def _print(finding: Finding) -> None:
    text = Text.assemble(
        (shown(str(finding.place)), "bold"), ": ", (finding.severity, _STYLES[finding.severity]), ": ", shown(finding.sentence)
    )
    if finding.fix:
        text.append(f"\n    {shown(finding.fix)}", style="dim")
    Console(soft_wrap=True).print(text)


def _counted(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
