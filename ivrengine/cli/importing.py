"""What the commands that bring in a list share: their options, reading the file, and telling what was done and what can't be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

import click

from ..errors import IvrEngineError
from ..storage.table_text import SIZE_LIMIT, Parsed
from .records import myself, print_json, shown

Record = TypeVar("Record")


def import_options(command: Callable[..., None]) -> Callable[..., None]:
    """FILE, --skip-bad, --by and --json."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="What was done and every bad line, as JSON."),
        click.option("--by", default=myself, help="Who adds them; your user name without it."),
        click.option("--skip-bad", is_flag=True, help="Import the good lines although there are bad ones."),
        click.argument("file", type=click.File("rb")),
    ):
        command = option(command)
    return command


def import_list(
    file: BinaryIO,
    parse: Callable[[bytes], Parsed[Record]],
    keep: Callable[[list[Record]], dict[str, int]],
    *,
    skip_bad: bool,
    as_json: bool,
) -> None:
    """``keep`` stores the records (none where bad lines forbid it) and answers what else to tell, each with its number.

    Every bad line is told; unless ``skip_bad`` they end the command with an error.
    """
    name = getattr(file, "name", "<stdin>")
    try:
        parsed = parse(file.read(SIZE_LIMIT + 1))
    except (IvrEngineError, OSError) as error:
        raise click.ClickException(f"{name}: {error}") from error
    records = parsed.records if skip_bad or not parsed.problems else []
    counts: dict[str, Any] = {"imported": len(records), **keep(records)}
    if as_json:
        print_json({**counts, "problems": [{"line": problem.line, "sentence": problem.sentence} for problem in parsed.problems]})
    else:
        for problem in parsed.problems:
            click.echo(f"{name}:{problem.line}: {shown(problem.sentence)}", err=True)
        click.echo(", ".join(f"{number} {what}" for what, number in counts.items()) + f", {len(parsed.problems)} bad lines.")
    if parsed.problems and not skip_bad:
        raise click.ClickException("nothing was imported; mend the bad lines, or leave them out with --skip-bad")
