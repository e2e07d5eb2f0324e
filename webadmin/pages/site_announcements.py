"""Announcements: what supervisors and admins have agents read: written, changed and ended here, with who has read them.

A change that somebody else has made meanwhile is never written over: both are shown. Agents read them on their console; marking one as
read is all that an agent may do here, and only for themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ivrengine.site.records import Agent, Site
from ivrengine.storage.announcements import TEXT_LIMIT, TITLE_LIMIT, Announcement, BadAnnouncement, Notice, checked
from ivrengine.storage.errors import NoSuchRecord, StaleRecord

from ..context import auditor, user, web, who
from ..telling import in_words

OVER_SHOWN = 50
AUDIT_SHOWN = 10
YEARS = range(2000, 2100)

blueprint = Blueprint("site_announcements", __name__, url_prefix="/site/announcements")


@dataclass(frozen=True, slots=True)
class Row:
    """``state``: now, coming or over. ``read`` and ``unread``: names of the agents it is for."""

    kept: Announcement
    state: str
    read: list[str]
    unread: list[str]


# -- for supervisors ---------------------------------------------------------------------------------------------------


@blueprint.get("/")
def index() -> str:
    return _list({})


@blueprint.post("/add")
def add() -> str | Response | tuple[str, int]:
    try:
        notice = _given()
        web().engine.store.announcements.add(notice, auditor(), web().now()).wait()
    except BadAnnouncement as error:
        return _list(_problems(error)), 422
    flash(_("It is announced.") if notice.in_force(web().now()) else _("It will be announced at %(time)s.", time=_local(notice.begins_at)))
    return redirect(url_for("site_announcements.index"))


@blueprint.get("/one/<int:number>")
def one(number: int) -> str:
    return _form(_known(number), {})


@blueprint.post("/one/<int:number>")
def change(number: int) -> str | Response | tuple[str, int]:
    known = _known(number)
    base = request.form.get("version", "")
    try:
        notice = _given()
        version = int(base) if base.isascii() and base.isdigit() and len(base) < 10 else 0
        web().engine.store.announcements.change(number, notice, version, auditor(), web().now()).wait()
    except BadAnnouncement as error:
        return _form(known, _problems(error)), 422
    except StaleRecord as error:
        stands = error.stands if isinstance(error.stands, Announcement) else known
        return _form(stands, {"general": _("Somebody else has changed this meanwhile. Look at both, then save again.")}, stale=True), 409
    except NoSuchRecord:
        abort(404, _("There is no such announcement."))
    flash(_("It is changed."))
    if (known.notice.title, known.notice.text) != (notice.title, notice.text):
        flash(_("Who had read it is asked to read it again."))
    return redirect(url_for("site_announcements.index"))


@blueprint.post("/one/<int:number>/end")
def end(number: int) -> Response:
    try:
        ended = web().engine.store.announcements.end(number, auditor(), web().now()).wait()
    except NoSuchRecord:
        abort(404, _("There is no such announcement."))
    flash(_("It is over: no agent sees it any more.") if ended else _("It was over already."))
    return redirect(url_for("site_announcements.index"))


# -- for agents --------------------------------------------------------------------------------------------------------


@blueprint.post("/one/<int:number>/read")
def read(number: int) -> Response:
    """The agent who asks has read it."""
    if not user().agent_id:
        abort(409, _("You have no agent number, so you can't do what agents do. An admin gives you one on the page Users."))
    me = who()
    agent = web().engine.call_centre.director.site.agent(me.agent_id)
    known = _known(number)
    if agent is None or not known.notice.concerns(agent.rules.team, agent.rules.queues):
        abort(404, _("There is no such announcement."))
    web().engine.store.announcements.mark_read(number, me.agent_id, web().now()).wait()
    return jsonify(ok=True)


# -- how ---------------------------------------------------------------------------------------------------------------


def _list(problems: dict[str, str]) -> str:
    store, now, site = web().engine.store.announcements, web().now(), web().engine.store.site.load()
    found = store.all()
    over = [each for each in found if each.notice.over(now)][:OVER_SHOWN]
    shown = [each for each in found if not each.notice.over(now)] + over
    reads = store.reads(each.announcement_id for each in shown)
    rows = [_row(each, site.agents, reads[each.announcement_id], now) for each in shown]
    return render_template(
        "site_announcements/index.html", now=[row for row in rows if row.state == "now"],
        coming=[row for row in rows if row.state == "coming"][::-1], over=[row for row in rows if row.state == "over"],
        audience=_audience(site), **_fields(site, None, problems),
    )  # fmt: skip


def _form(known: Announcement, problems: dict[str, str], *, stale: bool = False) -> str:
    site = web().engine.store.site.load()
    trail = web().engine.store.audit.recent(target=f"announcement {known.announcement_id}", limit=AUDIT_SHOWN)
    return render_template(
        "site_announcements/one.html", known=known, stands=known if stale else None, trail=trail, over=known.notice.over(web().now()),
        audience=_audience(site), **_fields(site, known, problems),
    )  # fmt: skip


def _fields(site: Site, known: Announcement | None, problems: dict[str, str]) -> dict[str, Any]:
    """What the form shows: what was just given, else what is kept."""
    given = request.form if request.method == "POST" else None
    notice = known.notice if known else None
    values: dict[str, Any] = {
        "title": given.get("title", "") if given else notice.title if notice else "",
        "text": given.get("text", "") if given else notice.text if notice else "",
        "begins": given.get("begins", "") if given else _local(notice.begins_at) if notice else "",
        "until": given.get("until", "") if given else _local(notice.ends_at) if notice else "",
        "important": "important" in given if given else bool(notice and notice.important),
        "teams": given.getlist("teams") if given else list(notice.teams) if notice else [],
        "queues": given.getlist("queues") if given else list(notice.queues) if notice else [],
    }
    gone = {kind: [name for name in values[kind] if name not in there] for kind, there in _names(site).items()}
    return {
        "values": values, "problems": problems, "zone": str(web().zone), "title_limit": TITLE_LIMIT, "text_limit": TEXT_LIMIT,
        "teams": [(each.name, each.title or each.name) for each in site.teams] + [(name, name) for name in gone["teams"]],
        "queues": [(each.name, each.title or each.name) for each in site.queues] + [(name, name) for name in gone["queues"]],
    }  # fmt: skip


def _names(site: Site) -> dict[str, list[str]]:
    return {"teams": [each.name for each in site.teams], "queues": [each.name for each in site.queues]}


def _given() -> Notice:
    """Of the form. Raises BadAnnouncement."""
    names = _names(web().engine.store.site.load())
    begins, until = _moment("begins"), _moment("until")
    notice = Notice(
        request.form.get("title", ""), request.form.get("text", ""), web().now() if begins is None else begins, until,
        tuple(request.form.getlist("teams")), tuple(request.form.getlist("queues")), "important" in request.form,
    )  # fmt: skip
    return checked(notice, names["teams"], names["queues"])


def _moment(field: str) -> float | None:
    """UTC seconds of a date and time in the site's zone; None for an empty field. Raises BadAnnouncement."""
    text = request.form.get(field, "").strip()
    if not text:
        return None
    try:
        local = datetime.fromisoformat(text)
        if local.tzinfo is not None or local.year not in YEARS:
            raise ValueError
        return local.replace(tzinfo=web().zone).timestamp()
    except (ValueError, OverflowError):
        raise BadAnnouncement(field, _("This is no time, such as 2026-10-01 21:30.")) from None


def _local(at: float | None) -> str:
    """As a field for date and time has it."""
    return "" if at is None else datetime.fromtimestamp(at, web().zone).strftime("%Y-%m-%dT%H:%M")


def _problems(error: BadAnnouncement) -> dict[str, str]:
    return {error.field: in_words(error)}


def _known(number: int) -> Announcement:
    try:
        return web().engine.store.announcements.get(number)
    except NoSuchRecord:
        abort(404, _("There is no such announcement."))


def _row(kept: Announcement, agents: Iterable[Agent], reads: dict[str, float], now: float) -> Row:
    state = "over" if kept.notice.over(now) else "now" if kept.notice.in_force(now) else "coming"
    concerned = [agent for agent in agents if kept.notice.concerns(agent.rules.team, agent.rules.queues)]
    names = {agent.agent_id: agent.rules.name or agent.agent_id for agent in concerned}
    return Row(
        kept, state, [name for agent_id, name in names.items() if agent_id in reads],
        [name for agent_id, name in names.items() if agent_id not in reads],
    )  # fmt: skip


def _audience(site: Site) -> Any:
    """For whom a notice is, in words."""
    titles = {
        "teams": {each.name: each.title or each.name for each in site.teams},
        "queues": {each.name: each.title or each.name for each in site.queues},
    }

    def told(notice: Notice) -> str:
        named = [*(titles["teams"].get(name, name) for name in notice.teams), *(titles["queues"].get(name, name) for name in notice.queues)]
        return ", ".join(named) or _("all agents")

    return told
