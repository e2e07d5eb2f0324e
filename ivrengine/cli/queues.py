"""``ivrengine queues``: the queues of the site, and who waits in them now."""

from __future__ import annotations

import time
from dataclasses import asdict, fields

import click

from ..acd.rules import QueueRules
from ..config import Settings
from ..flow.finding import did_you_mean
from ..site.records import Site
from .agents import skills_of
from .board import watch
from .engine_orders import ask_engine
from .figures import figures
from .records import lasting, opened, print_json, print_table, shown


@click.group()
def queues() -> None:
    """Queues: their rules, and the callers who wait."""


@queues.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table.")
@click.pass_obj
def list_queues(settings: Settings, as_json: bool) -> None:
    """List the queues of the site with what matters most of each."""
    with opened(settings) as store:
        site = store.site.load()
    if as_json:
        print_json(list(site.queues))
        return
    rows = [
        (
            queue.name, queue.title, queue.number, queue.strategy, _agents(site, queue.name), queue.capacity or "any number",
            lasting(queue.max_wait_seconds) if queue.max_wait_seconds else "for ever", lasting(queue.ring_seconds),
            lasting(queue.wrap_up_most_seconds), "yes" if queue.record else "no",
        )
        for queue in site.queues
    ]  # fmt: skip
    columns = ("queue", "title", "number", "strategy", "agents", "may wait", "longest", "rings", "wrap-up", "recorded")
    print_table(columns, rows, "The site has no queues; `ivrengine site import` brings some.")


@queues.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="The rules as JSON.")
@click.pass_obj
def show(settings: Settings, name: str, as_json: bool) -> None:
    """Show every rule of the queue NAME, and who serves it."""
    with opened(settings) as store:
        site = store.site.load()
    queue = _known(site, name)
    if as_json:
        print_json(asdict(queue))
        return
    for each in fields(QueueRules):
        click.echo(f"{each.name:>26}  {shown(str(getattr(queue, each.name)))}")
    served = [(agent, agent.rules.queues[name]) for agent in site.agents if name in agent.rules.queues]
    rows = [(agent.agent_id, agent.rules.name, place.tier, place.penalty, skills_of(agent)) for agent, place in served]
    print_table(("agent", "name", "tier", "penalty", "skills"), rows, "No agent serves it.")


@queues.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table; times in UTC seconds.")
@click.pass_obj
def waiting(settings: Settings, name: str | None, as_json: bool) -> None:
    """Show who waits now, in the order of the line, in all queues or in NAME."""
    if name:
        with opened(settings) as store:
            _known(store.site.load(), name)
    _, rows = ask_engine(settings, "queues.waiting", queue=name or "")
    if as_json:
        print_json(rows)
        return
    now = time.time()
    table = [
        (
            row["queue"], row["position"], row["item"], row["number"], lasting(now - row["queued_at"]), row["state"],
            row["boost_seconds"] or "",
        )
        for row in rows
    ]  # fmt: skip
    print_table(("queue", "place", "caller", "number", "waits", "state", "head start"), table, "Nobody is waiting.")


queues.add_command(watch)
queues.add_command(figures)


def _agents(site: Site, queue: str) -> int:
    return sum(queue in agent.rules.queues for agent in site.agents)


def _known(site: Site, name: str) -> QueueRules:
    queue = site.queue(name)
    if queue is None:
        fix = did_you_mean(name, [each.name for each in site.queues])
        raise click.ClickException(shown(f"there is no queue {name!r}" + (f"; {fix}" if fix else "")))
    return queue
