"""`ivrengine prompts`: what a caller hears - bring recordings in, record them by phone, list them, make missing ones from their texts.

The group expects the settings as ``context.obj``; it needs ``prompts`` (a directory) and ``languages``.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ..config import Settings
from ..prompts.catalogue import Catalogue
from ..prompts.errors import PromptError
from ..prompts.load import load
from ..prompts.names import check_language
from ..prompts.tts import say_missing
from .engine_orders import ask_engine, order
from .records import lasting, print_table, shown

LOOK_SECONDS = 0.5  # between two looks at how far a recording is

_Result = TypeVar("_Result")


@click.group()
def prompts() -> None:
    """Prompts: the recordings that callers hear, and the texts that they say."""


@prompts.command("load")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--language", "-l", required=True, help="The language that is spoken in the recordings, e.g. zh-CN.")
@click.option("--rate", type=click.Choice(["8000", "16000"]), default="8000", show_default=True, help="Samples per second.")
@click.option("--prefix", default="", help="Put this before every name, e.g. news/.")
@click.pass_obj
def load_prompts(settings: Settings, source: Path, language: str, rate: str, prefix: str) -> None:
    """Bring recordings in from SOURCE: a file, a directory or an archive (zip, tar) of any audio.

    Each file becomes an 8 or 16 kHz mono 16-bit WAV at the loudness of all others. Its path without the suffix is the prompt's
    name. What is not audio is refused by name, and clipping and silence are warned of; the exit code is 1 if a file was refused.
    """
    counts = {"loaded": 0, "unchanged": 0, "passed_over": 0, "refused": 0}
    catalogue = Catalogue(settings.prompts)
    try:
        _refuse_broken(catalogue, language)
        for result in _with_progress(load(catalogue, source, language, int(rate), prefix), f"Loading {language}"):
            counts[result.outcome] += 1
            if result.detail:
                click.echo(result.detail, err=True)
            for warning in result.warnings:
                click.echo(f"{result.file}: {warning}", err=True)
    except PromptError as error:
        raise click.ClickException(str(error)) from error
    click.echo(", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in counts.items()))
    if counts["refused"]:
        sys.exit(1)


@prompts.command("list")
@click.option("--language", "-l", "languages", multiple=True, help="Only this language, e.g. zh-CN; may be repeated.")
@click.option("--problems", "only_problems", is_flag=True, help="Only prompts that can't be played.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table.")
@click.pass_obj
def list_prompts(settings: Settings, languages: tuple[str, ...], only_problems: bool, as_json: bool) -> None:
    """List prompts with length, source and text, and what is wrong with them."""
    catalogue = Catalogue(settings.prompts)
    rows = [row for language in languages or catalogue.languages for row in _rows(catalogue, language)]
    if only_problems:
        rows = [row for row in rows if row["problem"]]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        table = [
            (
                row["language"],
                row["name"],
                "" if row["duration_ms"] is None else lasting(row["duration_ms"] / 1000),
                row["source"] or "unknown",
                row["text"],
                row["problem"] or "",
            )
            for row in rows
        ]
        print_table(("language", "name", "length", "source", "text", "problem"), table, f"There are no prompts in {settings.prompts}.")
    for fault in catalogue.faults:
        click.echo(fault, err=True)


def _rows(catalogue: Catalogue, language: str) -> Iterator[dict[str, Any]]:
    for name in catalogue.names(language):
        problem = catalogue.problem(name, language)
        entry = catalogue.entry(name, language)
        yield {
            "language": language,
            "name": name,
            "duration_ms": None if problem else catalogue.duration_ms(name, language),
            "source": entry.source,
            "text": entry.text,
            "problem": problem,
        }


@prompts.command("say")
@click.argument("names", nargs=-1)
@click.option("--language", "-l", "languages", multiple=True, help="Only this language; default: all languages of the settings.")
@click.option("--again", is_flag=True, help="Also say again what espeak-ng said before, though its text is the same.")
@click.pass_obj
def say_prompts(settings: Settings, names: tuple[str, ...], languages: tuple[str, ...], again: bool) -> None:
    """Make missing prompts from their texts with espeak-ng.

    Texts are read from prompts/LANGUAGE/catalogue.yml; the words of numbers and dates need none. A prompt that espeak-ng said
    before is said again when its text has changed; recordings of people are never replaced. Without NAMES, all are looked at.
    """
    failed = said = kept = 0
    try:
        for language in languages or settings.languages:
            catalogue = Catalogue(settings.prompts)
            _refuse_unknown(catalogue, language, settings.languages)
            _refuse_broken(catalogue, language)
            for result in _with_progress(say_missing(catalogue, language, names or None, again=again), f"Saying {language}"):
                if result.outcome == "failed":
                    failed += 1
                    click.echo(f"{language} {result.name}: {result.detail}", err=True)
                said += result.outcome == "said"
                kept += result.outcome == "kept"
    except PromptError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{said} said, {kept} kept as they were, {failed} failed")
    if failed:
        sys.exit(1)


@prompts.command("record")
@click.argument("name")
@click.option("--language", "-l", default="", help="Language of the prompt; the first of the settings without it.")
@click.option("--phone", required=True, help="Extension of a phone of the house, where you pick up and speak.")
@click.pass_obj
def record_prompt(settings: Settings, name: str, language: str, phone: str) -> None:
    """Have the running engine ring PHONE and record the prompt NAME on it.

    Whoever picks up is told what to do: speak after the tone, end with #, hear it again, and press 1 to keep it, 2 to speak again or 3
    to discard it. What it replaces can be put back on the page Prompts. This command tells how far it is, until it is over; Ctrl-C
    leaves the recording to the phone.
    """
    take = str(uuid.uuid4())
    order(settings, "prompts.record", name=name, language=language or settings.languages[0], phone=phone, take=take)
    told = None
    while True:
        _, state = ask_engine(settings, "prompts.recording", take=take)
        if state is None:
            raise click.ClickException("the engine does not know of this recording any more; what was not kept is gone")
        if (state["state"], state["tries"]) != told:
            told = state["state"], state["tries"]
            click.echo(_standing(state))
        if state["over"]:
            break
        time.sleep(LOOK_SECONDS)
    for warning in state["warnings"]:
        click.echo(f"{name}: {shown(warning)}", err=True)
    if state["state"] != "KEPT":
        sys.exit(1)


def _standing(state: dict[str, Any]) -> str:
    sentences = {
        "RINGING": "The phone rings.",
        "INSTRUCTING": "Somebody has answered and hears what to do.",
        "RECORDING": "It records.",
        "REVIEWING": f"{lasting(state['spoken_ms'] / 1000)} were spoken and are heard again.",
        "WAITING": "They have hung up without a choice. Nothing is kept unless the page Prompts says so within ten minutes.",
        "KEEPING": "It is being kept.",
        "KEPT": f"Kept as {state['name']} in {state['language']}.",
        "DISCARDED": "Discarded; nothing was changed.",
        "NOT_REACHED": f"Nobody answered ({state['why'].replace('_', ' ')}).",
        "SILENT": "They hung up without a word.",
        "FAILED": f"Not kept: {shown(state['sentence'])}",
    }
    return sentences.get(state["state"], state["state"])


def _refuse_unknown(catalogue: Catalogue, language: str, expected: list[str]) -> None:
    """A language without a directory that the settings don't name either is a slip of the keyboard."""
    directory = catalogue.root / check_language(language)
    if language not in expected and not directory.is_dir():
        raise click.ClickException(f"there is no directory {directory}; the settings' languages are {', '.join(expected)}")


def _refuse_broken(catalogue: Catalogue, language: str) -> None:
    """A person who has just written texts must hear of a mistake in them before anything is made."""
    directory = str(catalogue.root / check_language(language))
    faults = [fault for fault in catalogue.faults if fault.startswith(directory)]
    if faults:
        raise click.ClickException("\n".join(faults))


def _with_progress(results: Iterable[_Result], title: str) -> Iterator[_Result]:
    """Pass results on and draw a bar on the terminal's error stream; they carry ``done``, ``total`` and ``name``."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[name]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None, name="")
        for result in results:
            yield result
            bar.update(task, completed=result.done, total=result.total, name=escape(result.name))
