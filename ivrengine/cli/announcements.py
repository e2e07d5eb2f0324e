"""``ivrengine announcements``: what agents are to read on their console. A running engine shows a change within a second.

Announcements are no part of the site's file: ``site export`` and ``site import`` leave them alone.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import Any

import click

from ..config import Settings
from ..storage.announcements import TITLE_LIMIT, Announcement, Notice, checked
from ..storage.errors import StaleRecord
from ..storage.store import Store
from .records import moment, myself, opened, print_json, print_table, when, zone_of

_OPTIONS = (
    click.option("--text", help="What is to be read besides the title."),
    click.option("--from", "begins", metavar="TIME", help="From when on, such as '2026-10-01 08:00'; at once without it."),
    click.option("--until", metavar="TIME", help="When it is over by itself; never without it, or with an empty text."),
    click.option("--team", "teams", multiple=True, help="Only for agents of this team; may be repeated."),
    click.option("--queue", "queues", multiple=True, help="Only for agents who serve this queue; may be repeated."),
    click.option("--important/--not-important", default=None, help="Whether it stands out until it is read."),
)


def _options(command: Any) -> Any:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group()
def announcements() -> None:
    """Announcements: what supervisors have agents read on their console. They are no part of `site export`."""


@announcements.command("list")
@click.option("--all", "over_too", is_flag=True, help="Also those that are over.")
@click.option("--json", "as_json", is_flag=True, help="JSON; times in UTC seconds.")
@click.pass_obj
def list_announcements(settings: Settings, over_too: bool, as_json: bool) -> None:
    """List what is announced or will be, for whom, and how many have read it."""
    now = time.time()
    with opened(settings) as store:
        found = [each for each in store.announcements.all() if over_too or not each.notice.over(now)]
        reads, agents = store.announcements.reads(each.announcement_id for each in found), store.site.load().agents
    if as_json:
        print_json([{**asdict(each), "read_by": sorted(reads[each.announcement_id])} for each in found])
        return
    zone, rows = zone_of(settings), []
    for each in found:
        notice = each.notice
        concerned = sum(notice.concerns(agent.rules.team, agent.rules.queues) for agent in agents)
        state = "over" if notice.over(now) else "important" if notice.important else ""
        audience = ", ".join((*notice.teams, *notice.queues)) or "all agents"
        read = f"{len(reads[each.announcement_id])} of {concerned}"
        rows.append(
            (each.announcement_id, notice.title, state, audience, when(notice.begins_at, zone), when(notice.ends_at, zone), read)
        )  # fmt: skip
    print_table(("", "title", "", "for", "from", "until", "read by"), rows, "Nothing is announced.")


@announcements.command()
@click.argument("title")
@_options
@click.pass_obj
def add(settings: Settings, title: str, **given: Any) -> None:
    """Announce TITLE to all agents, or to some teams and queues."""
    now = time.time()
    with opened(settings) as store:
        notice = _checked(store, _with(settings, Notice(title, "", now), given, now))
        number = store.announcements.add(notice, myself(), now).wait()
    later = "" if notice.in_force(now) else f", from {when(notice.begins_at, zone_of(settings))} on"
    click.echo(f"Announced as {number}{later}.")


@announcements.command()
@click.argument("number", type=int)
@click.option("--title", help=f"Another title, of at most {TITLE_LIMIT} characters.")
@_options
@click.pass_obj
def change(settings: Settings, number: int, title: str | None, **given: Any) -> None:
    """Change the announcement NUMBER; what isn't given stays. With another title or text it is to be read again."""
    now = time.time()
    with opened(settings) as store:
        stands = store.announcements.get(number)
        wanted = _with(settings, stands.notice if title is None else replace(stands.notice, title=title), given, now)
        _change(store, stands, _checked(store, wanted), now)
    click.echo(f"Announcement {number} is changed.")


@announcements.command()
@click.argument("number", type=int)
@click.pass_obj
def end(settings: Settings, number: int) -> None:
    """Let the announcement NUMBER be over now."""
    with opened(settings) as store:
        ended = store.announcements.end(number, myself(), time.time()).wait()
    click.echo(f"Announcement {number} is over." if ended else f"Announcement {number} was over already.")


def _with(settings: Settings, notice: Notice, given: dict[str, Any], now: float) -> Notice:
    zone, changes = zone_of(settings), {}
    if given["text"] is not None:
        changes["text"] = given["text"]
    if given["begins"]:
        changes["begins_at"] = moment(given["begins"], zone, now)
    if given["until"] is not None:
        changes["ends_at"] = moment(given["until"], zone, now) if given["until"] else None
    if given["teams"] or given["queues"]:
        changes["teams"], changes["queues"] = given["teams"], given["queues"]
    if given["important"] is not None:
        changes["important"] = given["important"]
    return replace(notice, **changes)


def _checked(store: Store, notice: Notice) -> Notice:
    site = store.site.load()
    return checked(notice, [team.name for team in site.teams], [queue.name for queue in site.queues])


def _change(store: Store, stands: Announcement, notice: Notice, now: float) -> None:
    try:
        store.announcements.change(stands.announcement_id, notice, stands.version, myself(), now).wait()
    except StaleRecord as error:
        raise click.ClickException("somebody else has changed it just now; look at it and try again") from error
