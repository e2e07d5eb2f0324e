"""The menu: pages in the order of a day's work, each shown to those who may open it, and the page that each level begins with."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, g, request, url_for
from flask_babel import lazy_gettext as _

from .rights import allowed

# endpoint -> what the menu calls it; pages that are not there yet are left out
MENU = {
    "console.index": _("My desk"),
    "board.index": _("Wallboard"),
    "supervisor.index": _("Supervisor"),
    "alarms.index": _("Alarms"),
    "calls.index": _("Calls"),
    "try_out.index": _("Try"),
    "flows.index": _("Flows"),
    "prompts.index": _("Prompts"),
    "site.index": _("Site"),
    "recordings.index": _("Recordings"),
    "reports.index": _("Reports"),
    "users.index": _("Users"),
    "audit.index": _("Audit trail"),
}
# where each level begins: the first of these that is there
HOMES = {
    "board": ("board.index", "calls.index"),
    "visitor": ("try_out.index", "calls.index"),
    "agent": ("console.index", "calls.index"),
    "supervisor": ("supervisor.index", "board.index", "calls.index"),
    "admin": ("board.index", "calls.index"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    title: str
    address: str
    here: bool  # the page that is shown, or one of its own


def home_of(app: Flask, level: str) -> str | None:
    """The endpoint that ``level`` begins with; None where there is nothing for it."""
    return next((endpoint for endpoint in HOMES[level] if endpoint in app.view_functions and allowed(endpoint, level)), None)


def entries(app: Flask) -> list[Entry]:
    """The menu for who is asking."""
    return [
        Entry(str(title), url_for(endpoint), _is_here(endpoint.split(".")[0]))
        for endpoint, title in MENU.items()
        if endpoint in app.view_functions and allowed(endpoint, g.level) and (endpoint != "console.index" or _has_a_desk())
    ]


def _has_a_desk() -> bool:
    """Who is no agent has none; an agent without a number is told on the page what is missing."""
    return g.level == "agent" or bool(g.user and g.user.agent_id)


def _is_here(page: str) -> bool:
    """Whether a blueprint of the page is shown; a page of several has site, site_voicemail..."""
    blueprint = request.blueprint or ""
    return blueprint == page or blueprint.startswith(f"{page}_")
