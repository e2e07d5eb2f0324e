"""``ivrengine users``: who may log in to the pages. Passwords are made here, printed once, and must be changed at the first log-in.

It works beside a running engine and without one: a forgotten password, a lock-out or a lost admin are mended on the machine itself.
"""

from __future__ import annotations

import time

import click

from ..config import Settings
from ..flow.finding import did_you_mean
from ..storage.passwords import one_time_password
from ..storage.store import Store
from ..storage.users import ROLES
from .records import myself, opened, print_json, print_table, shown, when, zone_of


@click.group()
def users() -> None:
    """People who log in to the pages in a browser, and what they may do there."""


@users.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table; times in UTC seconds.")
@click.pass_obj
def list_users(settings: Settings, as_json: bool) -> None:
    """List the users with their roles."""
    with opened(settings) as store:
        found, locked = store.users.all(), store.log_ins.locked(time.time())
    states = {user.name: "disabled" if user.disabled else "locked out" if user.name in locked else "" for user in found}
    if as_json:
        print_json([
            {
                "name": user.name, "role": user.role, "agent": user.agent_id, "state": states[user.name],
                "must_change": bool(user.must_change), "seen_at": user.seen_at,
            }
            for user in found
        ])  # fmt: skip
        return
    zone = zone_of(settings)
    table = [
        (
            user.name, user.role, user.agent_id, states[user.name], "one-time" if user.must_change else "own",
            when(user.seen_at, zone) or "never",
        )
        for user in found
    ]  # fmt: skip
    nothing = "There are no users yet; the first start of the engine makes the user admin."
    print_table(("name", "role", "agent", "state", "password", "last seen"), table, nothing)


@users.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="Each may do what those before it may.")
@click.option("--agent", default="", metavar="NUMBER", help="The agent that this user is.")
@click.pass_obj
def add(settings: Settings, name: str, role: str, agent: str) -> None:
    """Add the user NAME and print their one-time password."""
    with opened(settings, make=True) as store:
        if agent:
            _check_agent(store, agent)
        password = one_time_password()
        store.users.add(name, role, agent, store.users.hash(password), myself(), time.time()).wait()
    click.echo(f"User {shown(name)} is added. One-time password: {password}")


@users.command()
@click.argument("name")
@click.pass_obj
def password(settings: Settings, name: str) -> None:
    """Give the user NAME another one-time password and print it; it ends a lock-out and logs them out everywhere."""
    with opened(settings) as store:
        made = one_time_password()
        store.users.set_password(name, store.users.hash(made), myself(), time.time(), must_change=True).wait()
    click.echo(f"User {shown(name)} has the one-time password: {made}")


@users.command()
@click.argument("name")
@click.pass_obj
def unlock(settings: Settings, name: str) -> None:
    """Forget the wrong passwords that were given for the user NAME, whose password stays."""
    with opened(settings) as store:
        store.users.unlock(name, myself(), time.time()).wait()
    click.echo(f"User {shown(name)} is not locked out.")


@users.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask first.")
@click.pass_obj
def remove(settings: Settings, name: str, yes: bool) -> None:
    """Remove the user NAME, who is logged out at once; the audit trail keeps their name."""
    if not yes:
        click.confirm(f"Remove the user {shown(name)}?", abort=True)
    with opened(settings) as store:
        store.users.remove(name, myself(), time.time()).wait()
    click.echo(f"User {shown(name)} is removed.")


@users.command()
@click.option("--renew", is_flag=True, help="Make another one; the old one opens nothing any more.")
@click.pass_obj
def key(settings: Settings, renew: bool) -> None:
    """Print the key of the wallboard: /board/?key=KEY opens it without a log-in, /metrics takes it as a bearer token."""
    with opened(settings, make=True) as store:
        found = store.users.renew_key("wallboard", myself(), time.time()).wait() if renew else store.users.key("wallboard")
    click.echo(found)


def _check_agent(store: Store, number: str) -> None:
    site = store.site.load()
    if site.agent(number) is None:
        fix = did_you_mean(number, [agent.agent_id for agent in site.agents])
        raise click.BadParameter(shown(f"the site has no agent {number!r}" + (f"; {fix}" if fix else "")), param_hint="--agent")
