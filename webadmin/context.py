"""What every page may reach: the engine, the hub of live pages, who is asking, and in whose name verbs are done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

import gevent
from flask import abort, current_app, g
from flask_babel import gettext as _

from ivrengine.app import Engine
from ivrengine.runtime.outcome import Who
from ivrengine.storage.users import User

from .live import Hub

BREATH_SECONDS = 0.0005


@dataclass(slots=True)
class Web:
    """The pages of one engine. ``simulated``: no call is real, and the pages say so."""

    engine: Engine
    hub: Hub
    simulated: bool

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.engine.settings.engine.timezone)

    def now(self) -> float:
        return self.engine.clock()


def web() -> Web:
    return current_app.extensions["ivrengine"]


def user() -> User:
    """Who is logged in; for views whose right is ``agent`` or higher."""
    found: User | None = g.user
    if found is None:
        abort(403)
    return found


def breathe() -> str:
    """Calls come first: they have their turn between the rows of a long page. Templates call it every some rows.

    ``sleep(0)`` would not do: the loop goes on with who has just said so up to fifty times before it looks at sockets and timers.
    """
    gevent.sleep(BREATH_SECONDS)
    return ""


def auditor() -> str:
    """The name under which the audit trail keeps what the request changes."""
    return f"user {user().name}"


def who() -> Who:
    """For the verbs of an agent: oneself. Refuses users who are no agent, because to the engine nobody's number is everybody's right."""
    if not user().agent_id:
        abort(403, _("You have no agent number, so you can't do what agents do. An admin gives you one on the page Users."))
    return Who(auditor(), user().agent_id, spoken_language())


def supervisor() -> Who:
    """For the verbs of supervisors: their right is their role, whatever agent they are."""
    if not user().may("supervisor"):
        abort(403)
    return Who(auditor(), "", spoken_language())


def own_phone() -> str:
    """The phone that who asks has given for themselves, or the one at which they are logged in as an agent; "" for none."""
    found = web().engine.store.own_phones.of(user().name)
    if found or not user().agent_id:
        return found
    view = web().engine.call_centre.director.dispatcher.agent(user().agent_id)
    return view.phone if view is not None and view.intent != "LOGGED_OUT" else ""


def sees_numbers() -> bool:
    """Whether who asks may see callers' whole numbers wherever they are shown; others see them masked (decision 0009)."""
    return g.user is not None and g.user.may("supervisor")


def spoken_language() -> str:
    """The site's language of prompts that is nearest to the one the pages are read in."""
    languages = web().engine.settings.languages
    return next((each for each in languages if each.split("-")[0] == g.language.split("-")[0]), languages[0])
