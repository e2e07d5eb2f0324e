"""``ivrengine callbacks``: people who are to be called back. Asking and cancelling are ordered from the running engine."""

from __future__ import annotations

import click

from ..config import Settings
from ..storage.rows import SHORT_ID
from .engine_orders import order
from .records import opened, print_json, print_table, when, zone_of


@click.group()
def callbacks() -> None:
    """People who wait to be called back."""


@callbacks.command("list")
@click.option("--queue", default="", help="Only those of this queue.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table; times in UTC seconds.")
@click.pass_obj
def list_callbacks(settings: Settings, queue: str, as_json: bool) -> None:
    """List the callbacks that are still to be made, in the order of their places in line."""
    with opened(settings) as store:
        found = [each for each in store.callbacks.open() if not queue or each.queue == queue]
    if as_json:
        print_json(found)
        return
    zone = zone_of(settings)
    rows = [
        (
            each.callback_id[:SHORT_ID], each.queue, each.number, each.name, when(each.queued_at, zone), each.attempts,
            when(each.next_at or None, zone) or "when an agent is free", each.outcome,
        )
        for each in found
    ]  # fmt: skip
    columns = ("callback", "queue", "number", "name", "waits since", "tries", "not before", "last try")
    print_table(columns, rows, "Nobody waits to be called back.")


@callbacks.command()
@click.argument("queue")
@click.argument("number")
@click.option("--name", default="", help="Who it is, for the agent's display.")
@click.pass_obj
def add(settings: Settings, queue: str, number: str, name: str) -> None:
    """Have NUMBER called back from QUEUE; it must be a number that calls may go to."""
    order(settings, "callbacks.add", queue=queue, number=number, name=name)


@callbacks.command()
@click.argument("callback_id")
@click.pass_obj
def cancel(settings: Settings, callback_id: str) -> None:
    """Call nobody back: CALLBACK_ID is what `callbacks list` shows; its beginning will do."""
    order(settings, "callbacks.cancel", callback=callback_id)
