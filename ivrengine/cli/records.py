"""What the commands on stored records share: opening the database, moments of time, tables and JSON.

Everything a stranger may have written (names, numbers, reasons) goes through ``shown`` before it reaches a terminal.
"""

from __future__ import annotations

import getpass
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..config import Settings
from ..errors import IvrEngineError
from ..storage.store import Store

PIPE_WIDTH = 240  # characters of a table that goes to a file or another program, where no terminal says its width

_AGO = re.compile(r"(\d{1,6})(m|h|d)")
_AGO_SECONDS = {"m": 60, "h": 3600, "d": 86400}
# In JSON a terminal would still obey these: DEL and the one-byte escape sequences.
_C1 = re.compile(r"[\x7f-\x9f]")


@contextmanager
def opened(settings: Settings, *, make: bool = False) -> Iterator[Store]:
    """The site's records. Without ``make``, a site that has none yet is told as such; our errors end the command."""
    if not make and not settings.database.exists():
        raise click.ClickException(f"there is no database {settings.database} yet: is --site right, has the engine run once?")
    try:
        with Store(settings.database) as store:
            yield store
    except IvrEngineError as error:
        raise click.ClickException(str(error)) from error


def myself() -> str:
    """Who to write down as having done something: the user's name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "command line"


def zone_of(settings: Settings) -> tzinfo:
    """The zone in which this site writes and reads times."""
    return ZoneInfo(settings.engine.timezone)


def moment(text: str, zone: tzinfo, now: float) -> float:
    """UTC seconds of ``2026-10-01``, ``2026-10-01 21:30`` (in ``zone``), or of ``30m``, ``2h``, ``7d`` ago."""
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago:
            return now - timedelta(seconds=int(ago[1]) * _AGO_SECONDS[ago[2]]).total_seconds()
        told = datetime.fromisoformat(text.strip())
        return (told if told.tzinfo else told.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text!r} is neither a time such as '2026-10-01 21:30' nor an age such as 2h or 7d") from None


def when(at: float | None, zone: tzinfo) -> str:
    """A moment as people write it in ``zone``; empty for None."""
    return "" if at is None else f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M:%S}"


def lasting(seconds: float | None) -> str:
    """``4.5s``, ``2m05s``, ``1h02m``; empty for None."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{max(0.0, seconds):.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"


def shown(text: str) -> str:
    """Text of strangers with nothing in it that a terminal would obey."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], nothing: str) -> None:
    """A table, or the sentence ``nothing`` where there is no row. Long cells are folded, never cut."""
    if not rows:
        click.echo(nothing)
        return
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(str(cell))) for cell in row))  # Text: brackets in a name are no markup
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)


def print_json(value: Any) -> None:
    """A record, or a list of them, for programs. Times stay UTC seconds."""
    if isinstance(value, list):
        value = [one if isinstance(one, dict) else asdict(one) for one in value]
    text = json.dumps(value, ensure_ascii=False, indent=1)
    click.echo(_C1.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text))
