"""``ivrengine agents``: who takes calls, what they can, and what they do now.

Numbers, skills and queues are kept in the database; a running engine follows within seconds. Logging in and out, ready and breaks
are ordered from the running engine, which answers with the state they led to. PINs are asked for, never taken from the command line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import click

from ..acd.rules import AgentRules, Membership
from ..config import Settings
from ..errors import IvrEngineError
from ..flow.finding import did_you_mean
from ..site.records import Agent, Site
from .engine_orders import ask_engine, order
from .figures import times
from .records import lasting, myself, opened, print_json, print_table, shown, when, zone_of

LEVELS = range(1, 11)


@click.group()
def agents() -> None:
    """People who take calls: numbers, PINs, skills, queues, and their state now."""


# -- who there is ------------------------------------------------------------------------------------------------------


@agents.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table.")
@click.pass_obj
def list_agents(settings: Settings, as_json: bool) -> None:
    """List the agents of the site with what they can and which queues they serve."""
    with opened(settings) as store:
        site = store.site.load()
    rows = [_row(agent) for agent in site.agents]
    if as_json:
        print_json(rows)
        return
    columns = ("agent", "name", "team", "skills", "queues", "phone", "supervisor", "PIN")
    table = [
        (
            row["agent"], row["name"], row["team"], skills_of(agent), ", ".join(map(_place, row["queues"])),
            row["extension"] or "any", "yes" if row["supervisor"] else "", "yes" if row["has_pin"] else "none",
        )
        for row, agent in zip(rows, site.agents, strict=True)
    ]  # fmt: skip
    print_table(columns, table, "The site has no agents; `ivrengine agents add` or `ivrengine site import` brings some.")


def _row(agent: Agent) -> dict[str, Any]:
    rules = agent.rules
    return {
        "agent": rules.agent_id, "name": rules.name, "team": rules.team, "skills": dict(sorted(rules.skills.items())),
        "queues": [{"queue": name, "tier": place.tier, "penalty": place.penalty} for name, place in rules.queues.items()],
        "extension": agent.extension, "supervisor": agent.supervisor, "has_pin": bool(agent.pin_hash),
    }  # fmt: skip


def skills_of(agent: Agent) -> str:
    """``English 7, sales 3``."""
    return ", ".join(f"{skill} {level}" for skill, level in sorted(agent.rules.skills.items()))


def _place(row: dict[str, Any]) -> str:
    return row["queue"] + (f" (tier {row['tier']})" if row["tier"] != 1 else "")


def _described(command: Callable[..., None]) -> Callable[..., None]:
    """The options by which an agent is described, shared by ``add`` and ``set``."""
    for option in (
        click.option("--record/--no-record", default=None, help="Whether the agent's talks may be recorded."),
        click.option("--supervisor/--no-supervisor", default=None, help="May listen, allow breaks, move callers and so on."),
        click.option("--extension", help="A phone that is always this agent's; empty for any phone."),
        click.option("--queue", "queues", multiple=True, metavar="QUEUE[:TIER[:PENALTY]]", help="Serves this queue."),
        click.option("--skill", "skills", multiple=True, metavar="SKILL=LEVEL", help="Can this, at a level of 1 to 10."),
        click.option("--team", help="The team that the agent belongs to; empty for none."),
        click.option("--name", help="The agent's name, as colleagues and records show it."),
    ):
        command = option(command)
    return command


@agents.command()
@click.argument("number")
@_described
@click.option("--without-pin", is_flag=True, help="Don't ask for a PIN; the agent can't log in at a phone until there is one.")
@click.pass_obj
def add(settings: Settings, number: str, without_pin: bool, **described: Any) -> None:
    """Add an agent with NUMBER, the digits they log in with, and ask for their PIN."""
    if not (number.isascii() and number.isdigit() and len(number) <= 10):
        raise click.BadParameter("an agent's number has 1 to 10 digits", param_hint="NUMBER")
    with opened(settings, make=True) as store:
        site = store.site.load()
        if site.agent(number) is not None:
            raise click.ClickException(f"there is an agent {number} already; `agents set` changes them")
        agent = _changed(Agent(AgentRules(number)), site, **described)
        pin_hash = "" if without_pin else store.site.hash_pin(_asked_pin())
        store.site.save(replace(agent, pin_hash=pin_hash), myself(), time.time()).wait()
    click.echo(f"Agent {number} is added.")


@agents.command("set")
@click.argument("number")
@_described
@click.option("--drop-skill", "dropped_skills", multiple=True, metavar="SKILL", help="Can this no more.")
@click.option("--drop-queue", "dropped_queues", multiple=True, metavar="QUEUE", help="Serves this queue no more.")
@click.pass_obj
def set_agent(
    settings: Settings, number: str, dropped_skills: tuple[str, ...], dropped_queues: tuple[str, ...], **described: Any
) -> None:
    """Change what is said of agent NUMBER; what no option names stays. A running engine follows within seconds."""
    with opened(settings) as store:
        site = store.site.load()
        agent = _known(site, number)
        for kind, names, had in (("skill", dropped_skills, agent.rules.skills), ("queue", dropped_queues, agent.rules.queues)):
            for name in names:
                if name not in had:
                    raise click.ClickException(shown(f"agent {number} has no {kind} {name!r}"))
        skills = {name: level for name, level in agent.rules.skills.items() if name not in dropped_skills}
        queues = {name: place for name, place in agent.rules.queues.items() if name not in dropped_queues}
        left = replace(agent, rules=replace(agent.rules, skills=skills, queues=queues))
        store.site.save(_changed(left, site, **described), myself(), time.time()).wait()
    click.echo(f"Agent {number} is changed.")


@agents.command()
@click.argument("number")
@click.option("--none", "no_pin", is_flag=True, help="Take the PIN away; the agent can't log in at a phone any more.")
@click.option("--unlock", is_flag=True, help="Keep the PIN and forget the wrong ones that were given.")
@click.pass_obj
def pin(settings: Settings, number: str, no_pin: bool, unlock: bool) -> None:
    """Give agent NUMBER another PIN, which is asked for and ends a lock-out."""
    if no_pin and unlock:
        raise click.UsageError("--none and --unlock don't go together")
    with opened(settings) as store:
        _known(store.site.load(), number)
        if unlock:
            store.site.unlock_pin(number, myself(), time.time()).wait()
        else:
            store.site.set_pin(number, "" if no_pin else _asked_pin(), myself(), time.time())
    click.echo(f"Agent {number}: " + ("not locked out any more." if unlock else "no PIN any more." if no_pin else "the PIN is set."))


@agents.command()
@click.argument("number")
@click.option("--yes", is_flag=True, help="Don't ask first.")
@click.pass_obj
def remove(settings: Settings, number: str, yes: bool) -> None:
    """Remove agent NUMBER. A talk they have goes on; the records keep their number."""
    with opened(settings) as store:
        agent = _known(store.site.load(), number)
        if not yes:
            click.confirm(shown(f"Remove agent {number} {agent.rules.name}".rstrip() + "?"), abort=True)
        store.site.remove("agents", number, myself(), time.time()).wait()
    click.echo(f"Agent {number} is removed.")


def _changed(
    agent: Agent,
    site: Site,
    *,
    name: str | None,
    team: str | None,
    skills: Sequence[str],
    queues: Sequence[str],
    extension: str | None,
    supervisor: bool | None,
    record: bool | None,
) -> Agent:
    rules = agent.rules
    if team:
        _check_named(team, [each.name for each in site.teams], "--team")
    if extension and not (extension.isascii() and extension.isdigit()):
        raise click.BadParameter("a phone's number is digits only", param_hint="--extension")
    rules = replace(
        rules,
        name=rules.name if name is None else name,
        team=rules.team if team is None else team,
        skills=rules.skills | dict(_skill(text, site) for text in skills),
        queues=rules.queues | dict(_membership(text, site) for text in queues),
        record=rules.record if record is None else record,
    )
    return replace(
        agent,
        rules=rules,
        extension=agent.extension if extension is None else extension,
        supervisor=agent.supervisor if supervisor is None else supervisor,
    )


def _skill(text: str, site: Site) -> tuple[str, int]:
    skill, _, level = text.partition("=")
    _check_named(skill, [each.name for each in site.skills], "--skill")
    if not level.isascii() or not level.isdigit() or int(level) not in LEVELS:
        raise click.BadParameter(f"{text!r}: a level is 1 to 10, as in english=7", param_hint="--skill")
    return skill, int(level)


def _membership(text: str, site: Site) -> tuple[str, Membership]:
    queue, *places = text.split(":")
    _check_named(queue, [each.name for each in site.queues], "--queue")
    if len(places) > 2 or not all(place.isascii() and place.isdigit() and len(place) <= 4 for place in places):
        raise click.BadParameter(f"{text!r}: tier and penalty are whole numbers, as in sales:2:10", param_hint="--queue")
    return queue, Membership(*map(int, places))


def _check_named(name: str, known: list[str], option: str) -> None:
    if name not in known:
        fix = did_you_mean(name, known)
        raise click.BadParameter(shown(f"the site has no {name!r}" + (f"; {fix}" if fix else "")), param_hint=option)


def _known(site: Site, number: str) -> Agent:
    agent = site.agent(number)
    if agent is None:
        fix = did_you_mean(number, [each.agent_id for each in site.agents])
        raise click.ClickException(shown(f"there is no agent {number!r}" + (f"; {fix}" if fix else "")))
    return agent


def _asked_pin() -> str:
    """From the terminal without showing it, or one line of standard input."""
    if sys.stdin.isatty():
        return click.prompt("PIN", hide_input=True, confirmation_prompt=True)
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.ClickException("the PIN is read from the terminal, or from standard input where there is none")
    return line


# -- what they do now --------------------------------------------------------------------------------------------------


@agents.command("log-in")
@click.argument("number")
@click.option("--phone", default="", help="The phone that rings for the agent; their own where they have one.")
@click.pass_obj
def log_in(settings: Settings, number: str, phone: str) -> None:
    """Log agent NUMBER in at a phone, without their PIN. They are not ready yet."""
    order(settings, "agents.log_in", agent=number, phone=phone)


@agents.command("log-out")
@click.argument("number")
@click.pass_obj
def log_out(settings: Settings, number: str) -> None:
    """Log agent NUMBER out; during a talk, as soon as it is over."""
    order(settings, "agents.log_out", agent=number)


@agents.command()
@click.argument("number")
@click.pass_obj
def ready(settings: Settings, number: str) -> None:
    """Make agent NUMBER ready for calls; during a talk or wrap-up, after it."""
    order(settings, "agents.ready", agent=number)


@agents.command("break")
@click.argument("number")
@click.argument("reason")
@click.pass_obj
def take_break(settings: Settings, number: str, reason: str) -> None:
    """Send agent NUMBER on a break for REASON, one of the site's break reasons."""
    order(settings, "agents.break", agent=number, reason=reason)


@agents.command()
@click.argument("number")
@click.argument("dialled", metavar="WHOM")
@click.option("--queue", default="", help="For which of the agent's queues; the first one without it.")
@click.pass_obj
def call(settings: Settings, number: str, dialled: str, queue: str) -> None:
    """Ring the phone of agent NUMBER, and then WHOM: a colleague's number, a phone, or an outside number that is allowed."""
    order(settings, "agents.call", agent=number, number=dialled, queue=queue)


@agents.command()
@click.argument("number")
@click.pass_obj
def answer(settings: Settings, number: str) -> None:
    """Tell the ringing phone of agent NUMBER to answer; not every phone can."""
    order(settings, "agents.answer", agent=number)


@agents.command()
@click.argument("number")
@click.pass_obj
def mute(settings: Settings, number: str) -> None:
    """Let neither the caller nor the recording hear agent NUMBER."""
    order(settings, "agents.mute", agent=number)


@agents.command()
@click.argument("number")
@click.pass_obj
def unmute(settings: Settings, number: str) -> None:
    """Let agent NUMBER be heard again."""
    order(settings, "agents.unmute", agent=number)


@agents.command()
@click.argument("number")
@click.pass_obj
def hold(settings: Settings, number: str) -> None:
    """Give the caller of agent NUMBER music."""
    order(settings, "agents.hold", agent=number)


@agents.command()
@click.argument("number")
@click.pass_obj
def unhold(settings: Settings, number: str) -> None:
    """Connect agent NUMBER with the caller on hold again."""
    order(settings, "agents.unhold", agent=number)


@agents.command("hang-up")
@click.argument("number")
@click.pass_obj
def hang_up(settings: Settings, number: str) -> None:
    """Hang up for agent NUMBER; their caller's flow goes on."""
    order(settings, "agents.hang_up", agent=number)


@agents.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table; times in UTC seconds.")
@click.pass_obj
def states(settings: Settings, as_json: bool) -> None:
    """Show what every agent who is logged in does now, and since when."""
    try:
        _, rows = ask_engine(settings, "agents.states")
    except IvrEngineError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        print_json(rows)
        return
    now, zone = time.time(), zone_of(settings)
    table = [
        (
            row["agent"], row["name"], row["phone"] + ("" if row["reachable"] else " (not registered)"), row["state"],
            when(row["since"], zone)[-8:], lasting(now - row["since"]), row["calls"], row["asks"],
        )
        for row in rows
    ]  # fmt: skip
    print_table(("agent", "name", "phone", "state", "since", "for", "calls", "wants"), table, "No agent is logged in.")


agents.add_command(times)
