"""``ivrengine queues watch``: the live board in the terminal. It reads the database, so it runs beside the engine and never slows it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime, tzinfo

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ..acd.figures import FORMULAS, Figures
from ..acd.figures import shown as figure_shown
from ..config import Settings
from ..reports.board import AgentRow, Board, QueueRow, board
from .records import PIPE_WIDTH, opened, shown, zone_of

LEAST_SECONDS = 0.2  # between two readings
# the service level that is shown, one of the three
SERVICE_LEVEL = "service_level_ignored"
_COLOURS = {
    "ready": "green", "ringing": "cyan", "talking": "blue", "holding": "magenta", "wrap-up": "yellow", "away": "red",
    "on the phone": "bright_black", "logged out": "bright_black",
}  # fmt: skip


@click.command()
@click.argument("names", nargs=-1)
@click.option("--every", "every_seconds", type=click.FloatRange(LEAST_SECONDS, 60), default=1.0, show_default=True, help="Seconds.")
@click.option("--agents/--no-agents", "with_agents", default=True, help="With the agents below the queues, or without.")
@click.option("--once", is_flag=True, help="Show it once and end.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a reading, on a line; times in UTC seconds.")
@click.pass_obj
def watch(settings: Settings, names: tuple[str, ...], every_seconds: float, with_agents: bool, once: bool, as_json: bool) -> None:
    """Show the queues and agents live, all of them or those of the queues NAMES, until Ctrl-C.

    Figures count since midnight. The service level leaves out who hung up in time: answered in time / (offered - hung up in time).
    """
    zone = zone_of(settings)
    with opened(settings) as store:

        def reading() -> Board:
            return board(store, time.time(), zone)

        unknown = set(names) - {row.queue for row in reading().queues}
        if unknown:
            raise click.ClickException(shown(f"there is no queue {min(unknown)!r}"))
        try:
            if as_json:
                _print_json(reading, names, every_seconds, once)
            elif once:
                Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(picture(reading(), zone, names, with_agents))
            else:
                with Live(picture(reading(), zone, names, with_agents), auto_refresh=False, screen=True) as live:
                    while True:
                        time.sleep(every_seconds)
                        live.update(picture(reading(), zone, names, with_agents), refresh=True)
        except KeyboardInterrupt:
            pass


def _print_json(reading: Callable[[], Board], names: tuple[str, ...], every_seconds: float, once: bool) -> None:
    while True:
        now = reading()
        rows = {"queues": [asdict(row) for row in _chosen(now, names)], "agents": [asdict(row) for row in _agents(now, names)]}
        click.echo(json.dumps({**asdict(now), **rows}))  # ASCII only: nothing in it that a terminal would obey
        if once:
            return
        time.sleep(every_seconds)


def _chosen(now: Board, names: Iterable[str]) -> list[QueueRow]:
    return [row for row in now.queues if not names or row.queue in names]


def _agents(now: Board, names: Iterable[str]) -> list[AgentRow]:
    return [row for row in now.agents if not names or set(names) & set(row.queues)]


def picture(now: Board, zone: tzinfo, names: tuple[str, ...] = (), with_agents: bool = True) -> Group:
    """The board as tables."""
    queues = Table(title=f"Queues at {datetime.fromtimestamp(now.at, zone):%H:%M:%S}", title_justify="left")
    for column in ("queue", "waiting", "longest", "callbacks", "agents", "ready", "ringing", "talks", "wrap-up", "away"):
        queues.add_column(column, justify="left" if column == "queue" else "right")
    for column in ("offered", "answered", "abandoned", "ASA", "AHT", "SL"):
        queues.add_column(column, justify="right")
    for row in _chosen(now, names):
        queues.add_row(
            _text(row.title or row.queue), _busy(row.waiting), figure_shown(row.longest_wait_seconds, "seconds"),
            f"{row.callbacks_waiting}/{row.callbacks_due}" if row.callbacks_due or row.callbacks_waiting else "", str(row.agents),
            str(row.ready), str(row.ringing), str(row.talks), str(row.wrap_up), str(row.away), *_figures(row.figures),
        )  # fmt: skip
    if not names and len(now.queues) > 1:
        queues.add_section()
        queues.add_row("all", *[""] * 9, *_figures(now.total))
    if not now.queues:
        queues.add_row("The site has no queues.")
    queues.caption = FORMULAS[SERVICE_LEVEL].title.replace("Service level", "SL: service level")
    return Group(queues, _agent_table(_agents(now, names))) if with_agents else Group(queues)


def _figures(figures: Figures) -> list[str]:
    names = ("offered", "answered", "abandoned", "average_speed_of_answer", "average_handling_time", SERVICE_LEVEL)
    return [figure_shown(getattr(figures, name), FORMULAS[name].unit) for name in names]


def _agent_table(rows: list[AgentRow]) -> Table:
    table = Table(title="Agents", title_justify="left")
    for column in ("agent", "name", "team", "phone", "does", "for", "queue", "calls", "talked"):
        table.add_column(column, justify="right" if column in ("for", "calls", "talked") else "left")
    present = [row for row in rows if row.doing != "logged out"]
    for row in present:
        doing = Text(shown(f"{row.doing} ({row.reason})" if row.reason else row.doing), style=_COLOURS[row.doing])
        lasting = Text(figure_shown(row.seconds, "seconds"), style="bold red" if row.too_long else "")
        table.add_row(
            _text(row.agent_id), _text(row.name), _text(row.team), _text(row.phone), doing, lasting, _text(row.queue),
            str(row.calls), figure_shown(row.talk_seconds, "seconds"),
        )  # fmt: skip
    if absent := len(rows) - len(present):
        table.caption = f"{absent} logged out"
    return table


def _text(words: str) -> Text:
    return Text(shown(words))


def _busy(waiting: int) -> Text:
    return Text(str(waiting), style="bold yellow" if waiting else "")
