"""``ivrengine queues figures`` and ``ivrengine agents times``: what was counted between two moments, and how it is computed."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import tzinfo

import click

from ..acd.figures import AGENT_FORMULAS, FORMULAS, Formula
from ..acd.figures import shown as figure_shown
from ..config import Settings
from ..reports.agent_times import agent_times
from ..reports.day import today
from ..reports.queue_figures import queue_figures
from .records import moment, opened, print_json, print_table, zone_of

_since = click.option(
    "--since", default="", metavar="TIME", help="From then on: 2026-10-01, '2026-10-01 21:30', or 2h or 7d ago; midnight."
)
_until = click.option("--until", default="", metavar="TIME", help="Before then, written like --since; now.")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table; shares as parts of one.")
_explain = click.option("--explain", is_flag=True, help="Say below the table how each figure is computed.")


@click.command()
@_since
@_until
@_explain
@_json
@click.pass_obj
def figures(settings: Settings, since: str, until: str, explain: bool, as_json: bool) -> None:
    """Show what was counted in each queue, by quarters of an hour: offered, answered, waits, service level in three variants."""
    a, b, _ = _between(settings, since, until)
    with opened(settings) as store:
        found = queue_figures(store, a, b)
    if as_json:
        print_json(found)
        return
    rows = [(row.queue or "all", *(figure_shown(getattr(row.figures, name), FORMULAS[name].unit) for name in FORMULAS)) for row in found]
    print_table(("queue", *(formula.title for formula in FORMULAS.values())), rows, "")
    if explain:
        _explained(FORMULAS)


@click.command()
@click.argument("agent_id", required=False, default="")
@_since
@_until
@_explain
@_json
@click.pass_obj
def times(settings: Settings, agent_id: str, since: str, until: str, explain: bool, as_json: bool) -> None:
    """Show how agents spent their time, all of them or AGENT_ID: ready, ringing, talking, wrap-up, breaks, and occupancy."""
    a, b, now = _between(settings, since, until)
    with opened(settings) as store:
        found = agent_times(store, a, b, now, agent_id)
    if as_json:
        print_json(found)
        return
    counted = ("ready_idle_seconds", "ring_seconds", "talk_seconds", "hold_seconds", "wrap_up_seconds", "break_seconds", "external_seconds")
    rows = [
        (
            row.agent_id,
            *(figure_shown(asdict(row.counters)[name], "seconds") for name in counted),
            *(figure_shown(getattr(row.figures, name), AGENT_FORMULAS[name].unit) for name in AGENT_FORMULAS),
        )
        for row in found
    ]
    columns = ("agent", "ready", "ringing", "talking", "holding", "wrap-up", "away", "on the phone")
    print_table((*columns, *(formula.title for formula in AGENT_FORMULAS.values())), rows, "Nobody was logged in.")
    if explain:
        _explained(AGENT_FORMULAS)


def _between(settings: Settings, since: str, until: str) -> tuple[float, float, float]:
    zone: tzinfo = zone_of(settings)
    now = time.time()
    a = moment(since, zone, now) if since else today(now, zone)[0]
    return a, moment(until, zone, now) if until else now, now


def _explained(formulas: dict[str, Formula]) -> None:
    for formula in formulas.values():
        if formula.text != formula.name:
            click.echo(f"{formula.title}: {formula.name} = {formula.text}")
