"""``ivrengine supervise``: what a supervisor does to live talks, agents and waiting callers. Ordered from the running engine.

Everything is audited under your user name. Waiting callers are named as `ivrengine queues waiting` shows them.
"""

from __future__ import annotations

import click

from ..config import Settings
from .engine_orders import ask_engine, order
from .records import print_table

_PHONE = click.option("--phone", required=True, help="Your phone; it rings, and you hear the talk when you answer.")


@click.group()
def supervise() -> None:
    """Listening, helping and deciding while agents work."""


@supervise.command()
@click.argument("agent")
@_PHONE
@click.pass_obj
def listen(settings: Settings, agent: str, phone: str) -> None:
    """Hear the talk of AGENT; neither side hears you."""
    order(settings, "supervise.listen", agent=agent, phone=phone)


@supervise.command()
@click.argument("agent")
@_PHONE
@click.pass_obj
def whisper(settings: Settings, agent: str, phone: str) -> None:
    """Hear the talk of AGENT and speak to AGENT; the caller does not hear you."""
    order(settings, "supervise.whisper", agent=agent, phone=phone)


@supervise.command()
@click.argument("agent")
@_PHONE
@click.pass_obj
def barge(settings: Settings, agent: str, phone: str) -> None:
    """Join the talk of AGENT; both sides hear you."""
    order(settings, "supervise.barge", agent=agent, phone=phone)


@supervise.command("take-over")
@click.argument("agent")
@click.option("--by", required=True, metavar="AGENT", help="The logged-in agent who gets the caller.")
@click.pass_obj
def take_over(settings: Settings, agent: str, by: str) -> None:
    """Take the caller from AGENT and give them to another agent at once, before all who wait."""
    order(settings, "supervise.take_over", agent=agent, by=by)


@supervise.command()
@click.argument("agent")
@click.pass_obj
def disconnect(settings: Settings, agent: str) -> None:
    """End the call that AGENT is on: the caller is hung up on."""
    order(settings, "supervise.disconnect", agent=agent)


@supervise.command()
@click.argument("agent")
@click.argument("state", type=click.Choice(["ready", "break", "log-out"]), metavar="STATE")
@click.option("--reason", default="", help="For a break: one of the site's break reasons.")
@click.pass_obj
def force(settings: Settings, agent: str, state: str, reason: str) -> None:
    """Put AGENT into STATE (ready, break or log-out); during a talk, as soon as it is over."""
    if (state == "break") != bool(reason):
        raise click.UsageError("a break needs --reason, and nothing else takes one")
    order(settings, f"supervise.force_{state.replace('-', '_')}", agent=agent, reason=reason)


@supervise.command()
@click.argument("caller")
@click.argument("queue")
@click.pass_obj
def move(settings: Settings, caller: str, queue: str) -> None:
    """Move a waiting CALLER to another QUEUE; they keep the time they have waited."""
    order(settings, "supervise.move", item=caller, queue=queue)


@supervise.command("raise")
@click.argument("caller")
@click.argument("seconds", type=click.IntRange(1, 86_400))
@click.pass_obj
def raise_caller(settings: Settings, caller: str, seconds: int) -> None:
    """Give a waiting CALLER a head start, as if they had waited so many SECONDS longer."""
    order(settings, "supervise.raise", item=caller, seconds=str(seconds))


@supervise.command("pick-up")
@click.argument("caller")
@click.argument("agent")
@click.pass_obj
def pick_up(settings: Settings, caller: str, agent: str) -> None:
    """Give a waiting CALLER to AGENT now, whatever their turn and AGENT's skills."""
    order(settings, "supervise.pick_up", item=caller, agent=agent)


@supervise.command()
@click.option("--allow", default="", metavar="AGENT", help="Let this agent go on the break they asked for.")
@click.option("--refuse", default="", metavar="AGENT", help="Refuse this agent's break.")
@click.pass_obj
def breaks(settings: Settings, allow: str, refuse: str) -> None:
    """List the breaks that agents have asked for, or decide about one."""
    if allow and refuse:
        raise click.UsageError("decide about one break at a time")
    if allow or refuse:
        order(settings, "supervise.allow_break" if allow else "supervise.refuse_break", agent=allow or refuse)
        return
    _, rows = ask_engine(settings, "agents.states")
    table = [(row["agent"], row["name"], row["asks"], row["state"]) for row in rows if row["asks"]]
    print_table(("agent", "name", "asks for", "now"), table, "Nobody has asked for a break.")
