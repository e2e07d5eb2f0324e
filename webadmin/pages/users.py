"""Who may log in: roles, the agent that somebody is, one-time passwords, lock-outs. Every change is audited by the store."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response

from ivrengine.site.records import Agent
from ivrengine.storage.errors import StaleRecord, StillNeeded
from ivrengine.storage.passwords import one_time_password
from ivrengine.storage.users import NAME_LIMIT, ROLES, BadUser, User, user_name, version_of

from ..context import auditor, user, web

ROLE_NAMES = {"agent": lazy_gettext("Agent"), "supervisor": lazy_gettext("Supervisor"), "admin": lazy_gettext("Admin")}

blueprint = Blueprint("users", __name__, url_prefix="/users")


@dataclass(frozen=True, slots=True)
class Given:
    """What a form says of a user."""

    name: str
    role: str
    agent_id: str
    disabled: bool


@blueprint.get("/")
def index() -> str:
    return _list(Given("", "agent", "", False), {})


@blueprint.post("/")
def add() -> str | tuple[str, int]:
    given, problems = _read(request.form.get("name", ""))
    if not problems:
        users, password = web().engine.store.users, one_time_password()
        try:
            users.add(given.name, given.role, given.agent_id, users.hash(password), auditor(), web().now()).wait()
            return _told(given.name, password, _("The user %(name)s is added.", name=user_name(given.name)))
        except BadUser:
            problems["name"] = _(
                "This can't be the name: 1 to %(most)s letters, digits, dots, dashes or @, and nobody else's.", most=NAME_LIMIT
            )
    return _list(given, problems), 422


@blueprint.get("/<name>")
def one(name: str) -> str:
    return _form(_known(name), {})


@blueprint.post("/<name>")
def change(name: str) -> str | Response | tuple[str, int]:
    known = _known(name)
    given, problems = _read(known.name)
    if not problems:
        try:
            web().engine.store.users.change(
                known.name, auditor(), web().now(), role=given.role, agent_id=given.agent_id, disabled=given.disabled,
                base=request.form.get("version", ""),
            ).wait()
            flash(_("The user %(name)s is changed.", name=known.name))
            return redirect(url_for("users.index"))
        except StaleRecord:
            return _form(_known(name), {}, clash=True), 409
        except StillNeeded:
            problems["role"] = _("This is the last admin: nobody could change users any more.")
    return _form(known, problems), 422


@blueprint.post("/<name>/password")
def password(name: str) -> str:
    """Another one-time password. It is shown in the answer itself and kept nowhere, not even in the session."""
    known, users, made = _known(name), web().engine.store.users, one_time_password()
    users.set_password(known.name, users.hash(made), auditor(), web().now(), must_change=True).wait()
    return _told(known.name, made, _("The user %(name)s has another password and is logged out everywhere.", name=known.name))


@blueprint.post("/<name>/unlock")
def unlock(name: str) -> Response:
    known = _known(name)
    web().engine.store.users.unlock(known.name, auditor(), web().now()).wait()
    flash(_("The wrong passwords that were given for %(name)s are forgotten.", name=known.name))
    return redirect(url_for("users.one", name=known.name))


@blueprint.post("/<name>/remove")
def remove(name: str) -> Response:
    known = _known(name)
    if known.name == user().name:
        flash(_("You can't remove yourself."), "error")
        return redirect(url_for("users.one", name=known.name))
    try:
        web().engine.store.users.remove(known.name, auditor(), web().now()).wait()
    except StillNeeded:
        flash(_("This is the last admin: nobody could change users any more."), "error")
        return redirect(url_for("users.one", name=known.name))
    flash(_("The user %(name)s is removed.", name=known.name))
    return redirect(url_for("users.index"))


def _known(name: str) -> User:
    found = web().engine.store.users.get(name)
    if found is None:
        abort(404, _("There is no such user."))
    return found


def _agents() -> list[Agent]:
    return sorted(web().engine.store.site.load().agents, key=lambda agent: agent.agent_id)


def _read(name: str) -> tuple[Given, dict[str, str]]:
    given = Given(
        name[: NAME_LIMIT + 1], request.form.get("role", ""), request.form.get("agent_id", ""), "disabled" in request.form
    )
    problems = {}
    if given.role not in ROLES:
        problems["role"] = _("Choose a role.")
    if given.agent_id and all(agent.agent_id != given.agent_id for agent in _agents()):
        problems["agent_id"] = _("The site has no such agent.")
    return given, problems


def _list(given: Given, problems: dict[str, str]) -> str:
    store = web().engine.store
    return render_template(
        "users/index.html", users=store.users.all(), locked=store.log_ins.locked(web().now()), agents=_agents(), roles=ROLE_NAMES,
        given=given, problems=problems,
    )  # fmt: skip


def _form(known: User, problems: dict[str, str], clash: bool = False) -> str:
    """``clash``: somebody else has changed the user meanwhile; both are shown."""
    given = Given(known.name, known.role, known.agent_id, known.disabled)
    if request.method == "POST":
        given = _read(known.name)[0]
    store = web().engine.store
    return render_template(
        "users/one.html", known=known, given=given, problems=problems, agents=_agents(), roles=ROLE_NAMES,
        version=version_of(known), clash=clash, locked=known.name in store.log_ins.locked(web().now()),
        log_ins=store.log_ins.recent(name=known.name, limit=10),
    )  # fmt: skip


def _told(name: str, password: str, sentence: str) -> str:
    return render_template("users/password.html", name=user_name(name), password=password, sentence=sentence)
