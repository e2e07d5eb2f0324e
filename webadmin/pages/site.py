"""The site: queues, agents, teams, skills, break reasons and dispositions as forms; the way to its hours, voicemail and blacklist.

What a form gives is judged by the reader of ``site.yml``. A change that somebody else has made meanwhile is never written over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import LazyString, lazy_gettext
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ivrengine.flow.finding import shown
from ivrengine.runtime.publishing import apart
from ivrengine.site.differences import differences
from ivrengine.site.pin_form import PIN_LEAST_DIGITS, PIN_MOST_DIGITS
from ivrengine.site.records import NOUNS, Agent, Part, Record, Site, holders, name_of, version_of
from ivrengine.site.schema import KEYS
from ivrengine.site.writing import duration
from ivrengine.storage.errors import NoSuchRecord, SiteChanged, StaleRecord, StillNeeded
from ivrengine.storage.pins import BadPin

from ..context import auditor, web
from ..rights import allowed
from ..telling import in_words
from .site_fields import CHOICES, GENERAL, examine, form_fields, given_values

NAME_LIMIT = 64
AUDIT_SHOWN = 10  # changes of one record

TITLES: dict[str, LazyString] = {
    "queues": lazy_gettext("Queues"),
    "agents": lazy_gettext("Agents"),
    "teams": lazy_gettext("Teams"),
    "skills": lazy_gettext("Skills"),
    "break_reasons": lazy_gettext("Break reasons"),
    "dispositions": lazy_gettext("Dispositions"),
}
# what names a record of a part
NAMES: dict[str, LazyString] = {"agents": lazy_gettext("Number that the agent keys"), "dispositions": lazy_gettext("Code that agents key")}
PAGES: dict[str, LazyString] = {
    "site_calendars.index": lazy_gettext("Hours"),
    "site_voicemail.index": lazy_gettext("Voicemail"),
    "site_blacklist.index": lazy_gettext("Blacklist"),
    "site_announcements.index": lazy_gettext("Announcements"),
    "site_numbers.index": lazy_gettext("Numbers"),
}
_PARTS: dict[str, Part] = {key: part for part, key in KEYS.items()}

blueprint = Blueprint("site", __name__, url_prefix="/site")


@blueprint.record_once
def _add_helpers(state: Any) -> None:
    state.app.context_processor(lambda: {"site_tabs": tabs})
    state.app.add_template_filter(lambda code: CHOICES.get(code, code), "site_choice")
    state.app.add_template_filter(duration, "site_duration")


def tabs() -> list[tuple[str, str, bool]]:
    """(title, address, whether it is shown) of the pages of the site, for who is asking."""
    found = [
        (str(title), url_for(endpoint), request.blueprint == endpoint.split(".")[0])
        for endpoint, title in PAGES.items()
        if allowed(endpoint, g.level)
    ]
    if allowed("site.records", g.level):
        part = (request.view_args or {}).get("part")
        found += [(str(title), url_for("site.records", part=key), part == key) for key, title in TITLES.items()]
    return found


@blueprint.get("/")
def index() -> str:
    engine = web().engine
    site, now = engine.store.site.load(), web().now()
    counts = {key: len(getattr(site, part)) for part, key in KEYS.items()}
    return render_template(
        "site/index.html", counts=counts, titles=TITLES, may_change=allowed("site.records", g.level),
        labels=[(calendar, engine.world.hours.label(name, now)) for name, calendar in sorted(engine.world.hours.calendars.items())],
        overridden=engine.store.overrides.in_force(now), unheard=len(engine.store.messages.in_box(unheard_only=True)),
    )  # fmt: skip


@blueprint.get("/<part>/")
def records(part: str) -> str:
    site, kind = web().engine.store.site.load(), _part(part)
    needed = {name_of(record): len(holders(site, kind, name_of(record))) for record in getattr(site, kind)} if kind != "agents" else {}
    return render_template(
        "site/records.html", part=part, title=TITLES[part], records=getattr(site, kind), name_of=name_of, needed=needed,
        teams={team.name: team.title for team in site.teams}, queues={queue.name: queue.title for queue in site.queues},
    )  # fmt: skip


@blueprint.get("/<part>/add")
def new(part: str) -> str:
    return _form(part, _part(part), web().engine.store.site.load(), None, {}, "")


@blueprint.post("/<part>/add")
def add(part: str) -> str | Response | tuple[str, int]:
    kind, site, name = _part(part), web().engine.store.site.load(), request.form.get("own_name", "").strip()
    if any(name_of(record) == name for record in getattr(site, kind)):
        return _form(part, kind, site, None, {"own_name": _("There is one of this name already.")}, name), 422
    return _keep(part, kind, site, None, name)


@blueprint.get("/<part>/one/<name>")
def one(part: str, name: str) -> str:
    kind, site = _part(part), web().engine.store.site.load()
    return _form(part, kind, site, _known(site, kind, name), {}, name)


@blueprint.post("/<part>/one/<name>")
def change(part: str, name: str) -> str | Response | tuple[str, int]:
    kind, site = _part(part), web().engine.store.site.load()
    return _keep(part, kind, site, _known(site, kind, name), name)


@blueprint.post("/<part>/one/<name>/remove")
def remove(part: str, name: str) -> Response:
    kind, site = _part(part), web().engine.store.site.load()
    _known(site, kind, name)
    try:
        base = request.form.get("version", "")
        web().engine.store.site.remove(kind, name, auditor(), web().now(), base=base).wait()
    except StaleRecord:
        flash(_("Somebody else has changed this meanwhile. Look at it again, then remove it."), "error")
        return redirect(url_for("site.one", part=part, name=name))
    except StillNeeded:
        flash(_("It is still named by %(holders)s.", holders=", ".join(holders(site, kind, name)[:AUDIT_SHOWN])), "error")
        return redirect(url_for("site.one", part=part, name=name))
    except NoSuchRecord:
        abort(404, _("There is no such record."))
    flash(_("%(name)s is removed.", name=name))
    return redirect(url_for("site.records", part=part))


@blueprint.post("/<part>/one/<name>/up")
def move_up(part: str, name: str) -> Response:
    """The order counts: agents key break reasons by it."""
    store, kind = web().engine.store.site, _part(part)
    revision, site = store.revision(), store.load()
    stands = list(getattr(site, kind))
    place = stands.index(_known(site, kind, name))
    if place:
        stands[place - 1], stands[place] = stands[place], stands[place - 1]
        try:
            store.replace(replace(site, **{kind: tuple(stands)}), auditor(), web().now(), expected_revision=revision).wait()
        except SiteChanged:
            flash(_("Somebody else has changed the site meanwhile. Look again."), "error")
    return redirect(url_for("site.records", part=part))


@blueprint.post("/agents/one/<name>/pin")
def pin(name: str) -> str | Response | tuple[str, int]:
    """Another PIN; with nothing, none. It is kept as a hash and shown nowhere."""
    store, site = web().engine.store.site, web().engine.store.site.load()
    known, given = _known(site, "agents", name), request.form.get("pin", "")
    removing = "none" in request.form
    try:
        if not given and not removing:
            raise BadPin
        store.set_pin(name, "" if removing else given, auditor(), web().now())
    except BadPin:
        sentence = _("A PIN has %(least)s to %(most)s digits and nothing else.", least=PIN_LEAST_DIGITS, most=PIN_MOST_DIGITS)
        return _form("agents", "agents", site, known, {"pin": sentence}, name), 422
    except NoSuchRecord:
        abort(404, _("There is no such record."))
    flash(_("%(name)s has no PIN any more.", name=name) if removing else _("%(name)s has another PIN.", name=name))
    return redirect(url_for("site.one", part="agents", name=name))


@blueprint.post("/agents/one/<name>/unlock")
def unlock(name: str) -> Response:
    _known(web().engine.store.site.load(), "agents", name)
    web().engine.store.site.unlock_pin(name, auditor(), web().now()).wait()
    flash(_("The wrong PINs that were given for %(name)s are forgotten.", name=name))
    return redirect(url_for("site.one", part="agents", name=name))


def _part(part: str) -> Part:
    if part not in _PARTS:
        abort(404, _("There is no such page."))
    return _PARTS[part]


def _known(site: Site, kind: Part, name: str) -> Any:
    found = next((record for record in getattr(site, kind) if name_of(record) == name), None)
    if found is None:
        abort(404, _("There is no such record."))
    return found


def _keep(part: str, kind: Part, site: Site, known: Record | None, name: str) -> str | Response | tuple[str, int]:
    examined = apart(examine, kind, name[: NAME_LIMIT + 1], given_values(kind, site, request.form), site)
    if examined.record is None:
        return _form(part, kind, site, known, {field: in_words(said) for field, said in examined.problems.items()}, name), 422
    base = request.form.get("version", "") if known is not None else ""
    try:
        web().engine.store.site.save(examined.record, auditor(), web().now(), base=base).wait()
    except StaleRecord:
        return _stale(part, kind, name, examined.record)
    flash(_("%(name)s is saved.", name=name))
    for sentence in examined.advice:
        flash(in_words(sentence), "warning")
    return redirect(url_for("site.records", part=part))


def _stale(part: str, kind: Part, name: str, given: Record) -> tuple[str, int]:
    """What stands now beside what was given, which stays in the form: saved once more, it replaces the other knowingly."""
    site = web().engine.store.site.load()
    stands = next((record for record in getattr(site, kind) if name_of(record) == name), None)
    if stands is None:
        return _form(part, kind, site, None, {GENERAL: _("Somebody else has removed this meanwhile. Save it to add it again.")}, name), 409
    sentence = _("Somebody else has changed this meanwhile. Look at both, then save again.")
    return _form(part, kind, site, stands, {GENERAL: sentence}, name, _apart(kind, stands, given)), 409


def _apart(kind: Part, known: Record, given: Record) -> list[str]:
    """What is different between the record as it stands and as it was just given."""
    found = differences(Site(**{kind: (known,)}), Site(**{kind: (given,)}))
    return [f"{field}: {shown(there)} / {shown(here)}" for each in found for field, (there, here) in each.fields.items() if field != "pin"]


def _form(
    part: str, kind: Part, site: Site, known: Record | None, problems: dict[str, str], name: str, clash: list[str] | None = None
) -> str:
    given = request.form if request.method == "POST" and request.endpoint in ("site.add", "site.change") else None
    trail = web().engine.store.audit.recent(target=f"{NOUNS[kind]} {name}", limit=AUDIT_SHOWN) if known is not None else []
    return render_template(
        "site/one.html", part=part, title=TITLES[part], name_label=NAMES.get(part, _("Name")), known=known, name=name,
        fields=form_fields(kind, site, known, given), problems=problems, choices=CHOICES, site=site, clash=clash or [],
        version=version_of(known) if known is not None else "", trail=trail, has_pin=isinstance(known, Agent) and bool(known.pin_hash),
        general=problems.get(GENERAL, ""),
    )  # fmt: skip
