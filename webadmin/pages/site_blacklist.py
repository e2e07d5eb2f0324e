"""Whose calls are refused: adding, removing, and bringing in a list after a look at what it would do.

A list that was looked at waits in memory until it is confirmed, for who has brought it and nobody else. Bad lines are told by number.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ivrengine.domain.blacklist import BadPattern, BlacklistEntry, clean_pattern
from ivrengine.runtime.publishing import apart
from ivrengine.storage.blacklist import version_of
from ivrengine.storage.blacklist_import import REASON_LIMIT, BadExpiry, parse, parse_expiry
from ivrengine.storage.errors import NoSuchRecord, StaleRecord, StorageError
from ivrengine.storage.table_text import Parsed

from ..context import auditor, web
from ..telling import in_words

LIST_LIMIT_BYTES = 20_000_000
SHOWN = 300  # entries on the page
PREVIEWED = 50  # of a list that is looked at
WAITING_LIMIT = 5  # lists that wait to be confirmed

blueprint = Blueprint("site_blacklist", __name__, url_prefix="/site/blacklist")


@dataclass(frozen=True, slots=True)
class _Waiting:
    by: str
    file: str
    parsed: Parsed[BlacklistEntry]


_waiting: OrderedDict[str, _Waiting] = OrderedDict()


@blueprint.url_value_preprocessor
def _take_lists(endpoint: str | None, _values: object) -> None:
    """Before the token is looked for in the form: that reads all of it."""
    if endpoint == "site_blacklist.preview":
        request.max_content_length = LIST_LIMIT_BYTES


@blueprint.get("/")
def index() -> str:
    return _list({})


def _list(problems: dict[str, str], stands: BlacklistEntry | None = None) -> str:
    """``stands``: the entry that the given one would replace."""
    wanted = request.args.get("q", "").strip()
    entries = web().engine.store.blacklist.entries()
    found = [each for each in entries if wanted.lower() in f"{each.pattern} {each.reason}".lower()]
    return render_template(
        "site_blacklist/index.html", entries=found[:SHOWN], found=len(found), all=len(entries), wanted=wanted, shown=SHOWN, now=web().now(),
        problems=problems, form=request.form, stands=stands, base=version_of(stands) if stands else "",
    )  # fmt: skip


@blueprint.post("/")
def add() -> Response | tuple[str, int]:
    now, problems = web().now(), {}
    pattern, expires_at = "", None
    try:
        pattern = clean_pattern(request.form.get("number", ""))
    except BadPattern as error:
        problems["number"] = in_words(error)
    try:
        expires_at = parse_expiry(request.form.get("expires", "").replace("T", " "), web().zone, now)
    except BadExpiry as error:
        problems["expires"] = in_words(error)
    if problems:
        return _list(problems), 422
    reason = " ".join(request.form.get("reason", "").split())[:REASON_LIMIT]
    entry = BlacklistEntry(pattern, reason, expires_at)
    try:
        before = web().engine.store.blacklist.add(entry, auditor(), now, base=request.form.get("base", "")).wait()
    except StaleRecord as error:
        stands = error.stands if isinstance(error.stands, BlacklistEntry) else None
        sentence = _("This number is on the list already.") if stands else _("It was taken off the list meanwhile.")
        return _list({"number": sentence}, stands), 409
    verb, was = ("change", _state(before)) if before else ("add", None)
    web().engine.store.audit.add(auditor(), verb, f"blacklist {pattern}", was, _state(entry), now).wait()
    flash(_("Calls from %(number)s are refused.", number=pattern))
    return redirect(url_for("site_blacklist.index"))


def _state(entry: BlacklistEntry) -> dict[str, object]:
    return {"reason": entry.reason, "expires_at": entry.expires_at}


@blueprint.post("/remove")
def remove() -> Response:
    try:
        pattern = clean_pattern(request.form.get("number", ""))
        before = web().engine.store.blacklist.remove(pattern).wait()
    except (BadPattern, NoSuchRecord):
        flash(_("This number is not on the list."), "error")
    else:
        web().engine.store.audit.add(auditor(), "remove", f"blacklist {pattern}", _state(before), None, web().now()).wait()
        flash(_("Calls from %(number)s are accepted again.", number=pattern))
    return redirect(url_for("site_blacklist.index"))


@blueprint.post("/preview")
def preview() -> str | tuple[str, int]:
    """What a list would do; nothing is changed yet."""
    file = request.files.get("list")
    if file is None or not file.filename:
        return _list({"list": _("Choose a file.")}), 422
    data = apart(file.read)
    try:
        parsed = apart(parse, data, web().zone, web().now())
    except StorageError as error:
        return _list({"list": in_words(error)}), 422
    if not parsed.records and not parsed.problems:
        return _list({"list": _("There is nothing in this file.")}), 422
    token = secrets.token_urlsafe(16)
    _waiting[token] = _Waiting(auditor(), file.filename[:200], parsed)
    while len(_waiting) > WAITING_LIMIT:
        _waiting.popitem(last=False)
    known = {each.pattern for each in web().engine.store.blacklist.entries()}
    return render_template(
        "site_blacklist/preview.html", entries=parsed.records[:PREVIEWED], count=len(parsed.records), problems=parsed.problems[:PREVIEWED],
        bad=len(parsed.problems), replaced=sum(entry.pattern in known for entry in parsed.records), token_of_list=token,
        file=file.filename[:200], previewed=PREVIEWED,
    )  # fmt: skip


@blueprint.post("/import")
def import_list() -> Response:
    token = request.form.get("list", "")
    waiting = _waiting.get(token)
    if waiting is None or waiting.by != auditor():
        abort(409, _("This list is not here any more. Choose the file again."))
    del _waiting[token]
    entries, now = waiting.parsed.records, web().now()
    if entries:
        web().engine.store.blacklist.add_all(entries, auditor(), now).wait()
        web().engine.store.audit.add(
            auditor(), "import", "blacklist", None, {"file": waiting.file, "entries": len(entries)}, now
        ).wait()
    flash(_("%(count)s numbers are on the list now.", count=len(entries)))
    return redirect(url_for("site_blacklist.index"))
