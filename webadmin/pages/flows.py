"""The flows: what is drafted and what callers walk, an editor with the engine's own linter, publishing, history and rolling back.

Drafts are the files in ``flows/``; what is saved here reaches callers only by publishing. Supervisors may look, admins may change. What
can't be saved or published is refused with a sentence, and the text stays in the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ivrengine.flow.calendar_file import load_calendars
from ivrengine.flow.compile import compile_flow
from ivrengine.flow.diagram import to_graph
from ivrengine.flow.finding import Finding
from ivrengine.flow.flowset import Flow
from ivrengine.flow.vocabulary import vocabulary
from ivrengine.runtime.drafts import TEXT_LIMIT, BadDraft, Draft, NoSuchDraft, StaleDraft
from ivrengine.runtime.flow_changes import texts_of
from ivrengine.runtime.publishing import NotPublished, apart, set_version
from ivrengine.runtime.site_files import SiteFiles
from ivrengine.storage.errors import NoSuchRecord
from ivrengine.storage.publications import COMMENT_LIMIT, Overtaken, Publication

from ..context import auditor, user, web
from ..telling import finding_in_words, finding_record, in_words, picture_in_words

HISTORY_SHOWN = 200
ELSEWHERE_SHOWN = 50  # findings of other files
DRAFT, PUBLISHED = "draft", "published"
NEW_FLOW = """\
flow: {name}
languages: [{languages}]
start: begin

steps:
  begin:
    answer: {{next: bye}}
  bye:
    hangup:
"""

blueprint = Blueprint("flows", __name__, url_prefix="/flows")


@dataclass(frozen=True, slots=True)
class FileRow:
    """``state``: published, differs, new or removed. ``name`` is "" for a file that the editor does not open."""

    name: str
    file: str
    title: str
    numbers: tuple[str, ...]
    state: str
    errors: int
    warnings: int


# -- looking -----------------------------------------------------------------------------------------------------------


@blueprint.get("/")
def index() -> str:
    publisher = web().engine.publisher
    draft, published = publisher.draft(), publisher.published()
    checked = publisher.check(draft)
    flows = {flow.file: flow for flow in (*web().engine.library.flows.flows.values(), *checked.flows.flows.values())}
    rows = _rows(draft, published, flows, checked.findings)
    known = {row.file for row in rows}
    return render_template(
        "flows/index.html",
        rows=rows,
        differs=set_version(draft) != set_version(published),
        others=[finding for finding in checked.findings if finding.place.file not in known],
        current=_current(),
        may_edit=user().may("admin"),
    )


def _rows(draft: SiteFiles, published: SiteFiles, flows: Mapping[str, Flow], findings: list[Finding]) -> list[FileRow]:
    old, new = texts_of(published), texts_of(draft)
    names = {web().engine.drafts.place(name): name for name in web().engine.drafts.names()}
    rows = []
    for file in sorted(old.keys() | new.keys() | names.keys()):
        state = "new" if file not in old else "removed" if file not in {*new, *names} else "published"
        if state == "published" and old[file] != new.get(file):
            state = "differs"
        severities = [finding.severity for finding in findings if finding.place.file == file]
        flow = flows.get(file)
        title, numbers = (flow.title, flow.numbers) if flow else ("", ())
        rows.append(FileRow(names.get(file, ""), file, title, numbers, state, severities.count("error"), severities.count("warning")))
    return rows


@blueprint.get("/file/<name>")
def one(name: str) -> str | Response:
    """The editor; what it shows it asks ``state`` for."""
    try:
        draft = web().engine.drafts.read(name)
    except NoSuchDraft as error:
        abort(404, in_words(error))
    except BadDraft as error:
        flash(in_words(error), "error")
        return redirect(url_for("flows.index"))
    return render_template("flows/one.html", name=draft.name, place=web().engine.drafts.place(name), may_edit=user().may("admin"))


@blueprint.get("/file/<name>/state")
def state(name: str) -> Response | tuple[Response, int]:
    try:
        draft = web().engine.drafts.read(name)
    except BadDraft as error:
        return _refused(error, 404)
    published = texts_of(web().engine.publisher.published()).get(web().engine.drafts.place(name))
    return jsonify(**_told(draft), published=published, **_examined(name, draft.text))


@blueprint.get("/file/<name>/counts")
def counts(name: str) -> Response:
    """Of today, by step and by the label of a choice. ``name``: of the flow."""
    now = web().now()
    midnight = datetime.fromtimestamp(now, web().zone).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    rows = web().engine.store.steps.counts(name, midnight)
    return jsonify(counts=[{"step": row.step, "outcome": row.outcome, "label": row.label, "count": row.count} for row in rows])


@blueprint.post("/file/<name>/check")
def check(name: str) -> Response | tuple[Response, int]:
    """All findings of the engine's linter for the text as it is being written, and its picture."""
    text = _json().get("text")
    if not isinstance(text, str):
        return _refused(BadDraft(_("There is no text to check.")), 400)
    if len(text) > TEXT_LIMIT:
        return _refused(BadDraft(_("The text is longer than %(limit)s characters. Make two flows of it.", limit=TEXT_LIMIT)), 413)
    if name not in web().engine.drafts.names():
        return _refused(NoSuchDraft(_("There is no such file.")), 404)
    return jsonify(**_examined(name, text))


@blueprint.get("/words")
def words() -> Response:
    """What the editor offers: the words of the language, and the names of what the site has."""
    engine = web().engine
    known = engine.store.site.load()
    draft = engine.publisher.draft()
    flows = engine.publisher.check(draft).flows.flows
    names = {
        "prompt": sorted({name for language in engine.settings.languages for name in engine.catalogue.names(language)}),
        "queue": [queue.name for queue in known.queues],
        "skill": [skill.name for skill in known.skills],
        "calendar": sorted(load_calendars(draft.calendars_text, draft.calendars_file).names),
        "list": sorted(draft.lists),
        "flow": sorted({*flows, *engine.library.flows.flows}),
    }
    return jsonify(vocabulary=vocabulary(), names=names)


def _examined(name: str, text: str) -> dict[str, Any]:
    """``name`` is of a file that is there."""
    engine = web().engine
    place = engine.drafts.place(name)
    site = engine.publisher.draft()
    site.findings = [finding for finding in site.findings if finding.place.file != place]
    if place == site.calendars_file:
        site.calendars_text = text
    else:
        site.texts[place] = text
    findings = engine.publisher.check(site).findings
    here = [finding_record(finding) for finding in findings if finding.place.file == place]
    elsewhere = [finding for finding in findings if finding.place.file != place]
    return {
        "findings": here,
        "elsewhere": [{**finding_record(finding), "address": _address(finding)} for finding in elsewhere[:ELSEWHERE_SHOWN]],
        **({"graph": None, "flow": ""} if place == site.calendars_file else _told_picture(apart(_picture, text, place))),
    }


def _picture(text: str, place: str) -> dict[str, Any]:
    draft = compile_flow(text, place).draft
    return {"graph": to_graph(draft.flow), "flow": draft.flow.name} if draft else {"graph": None, "flow": ""}


def _told_picture(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "graph": picture_in_words(found["graph"])} if found["graph"] else found


def _address(finding: Finding) -> str | None:
    """Of the editor at a finding's line, where it is in a file that the editor opens."""
    drafts = web().engine.drafts
    name = finding.place.file.rpartition("/")[2].removesuffix(".yml")
    known = finding.place.file == drafts.place(name) and name in drafts.names()
    return url_for("flows.one", name=name, _anchor=f"line-{finding.place.line}") if known else None


# -- drafts ------------------------------------------------------------------------------------------------------------


@blueprint.post("/file/<name>/save")
def save(name: str) -> Response | tuple[Response, int]:
    """Refused with what stands there when the file is not the one the text began with (409). With an empty ``base`` it is a new file."""
    given = _json()
    text, base = given.get("text"), given.get("base")
    if not isinstance(text, str) or not isinstance(base, str):
        return _refused(BadDraft(_("There is no text to save.")), 400)
    drafts = web().engine.drafts
    try:
        saved = drafts.save(name, text, base) if base else drafts.create(name, text)
    except StaleDraft as error:
        theirs = _told(error.theirs) if error.theirs else None
        return jsonify(error=in_words(error), theirs=theirs), 409
    except NoSuchDraft as error:
        return _refused(error, 404)
    except BadDraft as error:
        return _refused(error, 422)
    if saved.base != base:
        _audit("save_draft", name, base, saved.base)
    return jsonify(base=saved.base, **_examined(name, text))


@blueprint.post("/new")
def create() -> Response:
    name = request.form.get("name", "").strip()
    text = NEW_FLOW.format(name=name, languages=", ".join(web().engine.settings.languages))
    try:
        made = web().engine.drafts.create(name, text)
    except BadDraft as error:
        flash(in_words(error), "error")
        return redirect(url_for("flows.index"))
    _audit("new_draft", name, "", made.base)
    return redirect(url_for("flows.one", name=name))


@blueprint.post("/file/<name>/remove")
def remove(name: str) -> Response:
    """The draft; callers go on walking it until the next publication."""
    base = request.form.get("base", "")
    try:
        web().engine.drafts.remove(name, base)
    except BadDraft as error:
        flash(in_words(error), "error")
        return redirect(url_for("flows.index"))
    _audit("remove_draft", name, base, "")
    flash(_("%(file)s is removed. Callers walk it until you publish.", file=web().engine.drafts.place(name)))
    return redirect(url_for("flows.index"))


def _audit(verb: str, name: str, before: str, after: str) -> None:
    states = [{"version": version} if version else "" for version in (before, after)]
    web().engine.store.audit.add(auditor(), verb, f"draft {name}", *states, web().now()).wait()


# -- publishing --------------------------------------------------------------------------------------------------------


@blueprint.route("/publish", methods=["GET", "POST"])
def publish() -> str | Response | tuple[str, int]:
    """What would change, and what is wrong; publishes exactly what was shown."""
    engine = web().engine
    problem, code = "", 200
    if request.method == "POST":
        comment = request.form.get("comment", "").strip()
        try:
            _need_short(comment)
            done = engine.publisher.publish(auditor(), comment, draft=request.form.get("draft", ""), after=_after())
        except Overtaken as error:
            problem, code = in_words(error), 409
        except NotPublished as error:
            problem, code = in_words(error), 422
        else:
            engine.library.follow()
            sentence = _("Published as %(id)s. New calls walk it; calls that are up finish on what they began.", id=done.publication_id)
            flash(sentence)
            return redirect(url_for("flows.history"))
    draft = engine.publisher.draft()
    findings = engine.publisher.check(draft).findings
    shown = render_template(
        "flows/publish.html",
        problem=problem,
        changes=engine.publisher.changes(engine.publisher.published(), draft),
        findings=[(finding, _address(finding)) for finding in findings],
        errors=sum(finding.severity == "error" for finding in findings),
        draft=set_version(draft),
        current=_current(),
        comment=request.form.get("comment", ""),
        limit=COMMENT_LIMIT,
    )
    return (shown, code) if code != 200 else shown


@blueprint.get("/history")
def history() -> str:
    found = web().engine.store.publications.recent(HISTORY_SHOWN)
    return render_template("flows/history.html", publications=found, may_edit=user().may("admin"))


@blueprint.get("/compare")
def compare() -> str:
    publisher = web().engine.publisher
    before, after = request.args.get("before", PUBLISHED), request.args.get("after", DRAFT)
    try:
        found = publisher.changes(_set(before), _set(after))
    except NoSuchRecord as error:
        abort(404, in_words(error))
    return render_template("flows/compare.html", before=before, after=after, changes=found)


@blueprint.post("/roll-back")
def roll_back() -> Response:
    engine = web().engine
    wish = request.form.get("publication", "")
    try:
        done = engine.publisher.roll_back(int(wish) if _is_number(wish) else 0, auditor(), after=_after())
    except NotPublished as error:
        flash(" ".join([in_words(error) + ".", *(f"{finding_in_words(finding)}." for finding in error.findings[:5])]), "error")
    except (Overtaken, NoSuchRecord) as error:
        flash(in_words(error), "error")
    else:
        engine.library.follow()
        flash(_("Rolled back. New calls walk what was published as %(id)s; the drafts are as they were.", id=wish))
        if done.version != set_version(engine.publisher.draft()):
            flash(_("The drafts differ from what is published now."), "warning")
    return redirect(url_for("flows.history"))


def _set(name: str) -> SiteFiles:
    publisher = web().engine.publisher
    if name == DRAFT:
        return publisher.draft()
    if name == PUBLISHED:
        return publisher.published()
    publication = web().engine.store.publications.get(int(name) if _is_number(name) else 0)
    return publisher.set_of(publication.version)


def _need_short(comment: str) -> None:
    if len(comment) > COMMENT_LIMIT:
        raise NotPublished(_("The comment is longer than %(limit)s characters.", limit=COMMENT_LIMIT))


def _after() -> int:
    """The publication that the page was made on; a form without it publishes on nothing."""
    given = request.form.get("after", "")
    return int(given) if _is_number(given) else 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 18


def _current() -> Publication | None:
    return web().engine.store.publications.current()


# -- answers to scripts ------------------------------------------------------------------------------------------------


def _json() -> Mapping[str, Any]:
    given = request.get_json(silent=True)
    return given if isinstance(given, dict) else {}


def _told(draft: Draft) -> dict[str, str]:
    return {"text": draft.text, "base": draft.base}


def _refused(error: Exception, code: int) -> tuple[Response, int]:
    return jsonify(error=in_words(error)), code
