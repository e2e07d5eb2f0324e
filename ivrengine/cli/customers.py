"""``ivrengine customers``: who calls from which numbers, as agents see it when their phone rings."""

from __future__ import annotations

import time
from typing import BinaryIO

import click

from ..config import Settings
from ..storage.customers import CustomerData, read_customer
from ..storage.customers_import import parse
from .importing import import_list, import_options
from .records import myself, opened, print_json, print_table, shown, when, zone_of


@click.group()
def customers() -> None:
    """Customers: a name, a level, notes, and the numbers they call from."""


@customers.command("list")
@click.argument("text", default="")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table; times in UTC seconds.")
@click.pass_obj
def list_customers(settings: Settings, text: str, limit: int, as_json: bool) -> None:
    """List customers by name: all, or those whose name holds TEXT or whose number begins with it."""
    with opened(settings) as store:
        found = store.customers.search(text, limit)
    if as_json:
        print_json(found)
        return
    rows = [(each.customer_id[:8], each.name, each.level, " ".join(each.numbers)) for each in found]
    print_table(("id", "name", "level", "numbers"), rows, "There is no such customer." if text else "There are no customers.")


@customers.command()
@click.argument("customer")
@click.option("--json", "as_json", is_flag=True, help="One JSON record; times in UTC seconds.")
@click.pass_obj
def show(settings: Settings, customer: str, as_json: bool) -> None:
    """Show the CUSTOMER of this id (its beginning will do)."""
    with opened(settings) as store:
        found = store.customers.get(customer)
    if as_json:
        print_json([found])
        return
    zone = zone_of(settings)
    for title, value in (
        ("id", found.customer_id), ("name", found.name), ("level", found.level), ("numbers", " ".join(found.numbers)),
        ("notes", found.notes), ("changed", f"{when(found.changed_at, zone)} by {found.changed_by}"),
    ):  # fmt: skip
        first, *more = value.splitlines() or [""]
        click.echo(f"{title:8} {shown(first)}")
        for line in more:
            click.echo(f"{'':8} {shown(line)}")


@customers.command()
@click.argument("name")
@click.argument("numbers", nargs=-1)
@click.option("--level", default="", help="Such as gold; shown to the agent.")
@click.option("--notes", default="", help="What every agent should know.")
@click.option("--by", default=myself, help="Who adds it; your user name without it.")
@click.pass_obj
def add(settings: Settings, name: str, numbers: tuple[str, ...], level: str, notes: str, by: str) -> None:
    """Add a customer of this NAME who calls from these NUMBERS."""
    data = read_customer(name, level, notes, numbers)
    with opened(settings, make=True) as store:
        customer_id = store.customers.add(data, by, time.time()).wait()
    click.echo(f"{shown(data.name)} is customer {customer_id[:8]}.")


@customers.command("import")
@import_options
@click.pass_obj
def import_customers(settings: Settings, file: BinaryIO, skip_bad: bool, by: str, as_json: bool) -> None:
    """Add the customers in FILE, a table saved as CSV: name, numbers, level, notes; - reads from standard input.

    Several numbers stand in one cell, with spaces or slashes between them. A first line of headings may give another order. Who is
    there already, by name and one of the numbers, is brought up to date. Every bad line is told by its number; then nothing is
    imported, unless --skip-bad is given.
    """

    def keep(data: list[CustomerData]) -> dict[str, int]:
        if not data:
            return {"new": 0}
        with opened(settings, make=True) as store:
            return {"new": store.customers.add_all(data, by, time.time()).wait()}

    import_list(file, parse, keep, skip_bad=skip_bad, as_json=as_json)

