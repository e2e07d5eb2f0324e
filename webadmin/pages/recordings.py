"""Recordings of talks: found by what is known of the talk, heard with their waveform, downloaded, and given marks of quality.

An address names a talk by its id, never a file. Whoever hears or downloads a recording leaves a row in the audit trail.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from flask import Blueprint, abort, flash, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ivrengine.acd.figures import shown
from ivrengine.storage.talk_recordings import BEST_MARK, COMMENT_LIMIT, TalkRecording, Wanted

from ..context import auditor, web
from .recordings_sound import NoSound, Waveforms, file_of, serve

ROWS = 50  # on one page
HEARD_SECONDS = 600.0  # a browser asks for one recording in many parts: within this time they are one row of the audit trail
HEARD_KEPT = 5000
SECONDS_MOST = 86_400

blueprint = Blueprint("recordings", __name__, url_prefix="/recordings")
waveforms = Waveforms()
_heard: dict[tuple[str, str, str], float] = {}  # who, what they did, which recording -> when


@blueprint.app_template_filter("lasting")
def lasting(seconds: float | None) -> str:
    """As figures are written: 1:05."""
    return shown(seconds, "seconds")


@blueprint.get("/")
def index() -> str | tuple[str, int]:
    store, values = web().engine.store, {name: request.args.get(name, "").strip() for name in _FIELDS}
    wanted, problems = _read(values)
    found = [] if problems else store.talk_recordings.search(wanted, limit=ROWS + 1, before=_before())
    rows, more = found[:ROWS], found[ROWS - 1] if len(found) > ROWS else None
    site = store.site.load()
    page = render_template(
        "recordings/index.html", rows=rows, values=values, problems=problems, queues=site.queues, agents=site.agents,
        dispositions=site.dispositions, names=_names(), marks=store.talk_recordings.newest_marks([row.item_id for row in rows]),
        older=url_for("recordings.index", **values, at=repr(more.ended_at), after=more.item_id) if more else "",
    )  # fmt: skip
    return page, 422 if problems else 200


@blueprint.get("/<item_id>")
def one(item_id: str) -> str:
    recording = _recording(item_id)
    return render_template(
        "recordings/one.html", recording=recording, names=_names(), marks=web().engine.store.talk_recordings.marks(item_id),
        best=BEST_MARK, problem="", comment="", longest=COMMENT_LIMIT,
    )  # fmt: skip


@blueprint.get("/<item_id>/peaks")
def peaks(item_id: str) -> Response:
    recording = _recording(item_id)
    try:
        return jsonify(peaks=waveforms.of(_file(recording)), seconds=recording.recording_ms / 1000)
    except NoSound:
        abort(404, _("The file of this recording is gone or can't be played."))


@blueprint.get("/<item_id>/sound")
def sound(item_id: str) -> Response:
    return _serve(item_id, "hear_recording")


@blueprint.get("/<item_id>/download")
def download(item_id: str) -> Response:
    response = _serve(item_id, "download_recording")
    name = re.sub(r"[^0-9A-Za-z_-]", "-", item_id)
    response.headers["Content-Disposition"] = f'attachment; filename="talk-{name}.wav"'
    return response


@blueprint.post("/<item_id>/mark")
def mark(item_id: str) -> Response | tuple[str, int]:
    recording, given = _recording(item_id), request.form.get("mark", "")
    comment = request.form.get("comment", "").strip()
    if given not in [str(each) for each in range(1, BEST_MARK + 1)]:
        page = render_template(
            "recordings/one.html", recording=recording, names=_names(), marks=web().engine.store.talk_recordings.marks(item_id),
            best=BEST_MARK, problem=_("Choose a mark."), comment=comment, longest=COMMENT_LIMIT,
        )  # fmt: skip
        return page, 422
    web().engine.store.talk_recordings.mark(item_id, auditor(), int(given), comment, web().now()).wait()
    flash(_("The mark is kept."))
    return redirect(url_for("recordings.one", item_id=item_id))


# -- the file ----------------------------------------------------------------------------------------------------------


def _recording(item_id: str) -> TalkRecording:
    found = web().engine.store.talk_recordings.get(item_id)
    if found is None:
        abort(404, _("There is no such recording."))
    return found


def _file(recording: TalkRecording) -> Any:
    return file_of(recording.recording_path, web().engine.settings.recordings)


def _serve(item_id: str, verb: str) -> Response:
    recording = _recording(item_id)
    try:
        response = serve(_file(recording), request.range)
    except NoSound:
        abort(404, _("The file of this recording is gone or can't be played."))
    _audit(verb, item_id)
    return response


def _audit(verb: str, item_id: str) -> None:
    """Kept before the first byte goes out. Parts of one hearing are told once."""
    key, now = (auditor(), verb, item_id), monotonic()
    if now - _heard.get(key, float("-inf")) < HEARD_SECONDS:
        return
    if len(_heard) >= HEARD_KEPT:
        _heard.clear()
    web().engine.store.audit.add(auditor(), verb, f"recording {item_id}", "", "", web().now()).wait()
    _heard[key] = now


# -- what is looked for ------------------------------------------------------------------------------------------------

_FIELDS = ("number", "agent", "queue", "disposition", "since", "until", "least", "most")


def _read(values: dict[str, str]) -> tuple[Wanted, dict[str, str]]:
    problems: dict[str, str] = {}
    if not re.fullmatch(r"[+]?[0-9*#]{0,40}", values["number"], re.ASCII):
        problems["number"] = _("Digits only, from the beginning of the number.")
    days = {}
    for name in ("since", "until"):
        try:
            days[name] = datetime.strptime(values[name], "%Y-%m-%d").replace(tzinfo=web().zone) if values[name] else None
            if days[name] is not None:
                days[name] = (days[name] + timedelta(days=name == "until")).timestamp()
        except (ValueError, OverflowError):
            days[name] = None
            problems[name] = _("This is no day: write it like 2026-10-31.")
    if not problems and days["since"] is not None and days["until"] is not None and days["until"] <= days["since"]:
        problems["until"] = _("This day is before the first one.")
    lengths = {}
    for name in ("least", "most"):
        fits = re.fullmatch(r"[0-9]{0,5}", values[name], re.ASCII) and int(values[name] or 0) <= SECONDS_MOST
        if not fits:
            problems[name] = _("Seconds, from 0 to %(most)s.", most=SECONDS_MOST)
        lengths[name] = float(values[name]) if fits and values[name] else None
    wanted = Wanted(
        values["number"], values["agent"], values["queue"], values["disposition"], days["since"], days["until"],
        lengths["least"], lengths["most"],
    )  # fmt: skip
    return wanted, problems


def _before() -> tuple[float, str] | None:
    """After which recording of the page before to go on."""
    at, item_id = request.args.get("at", type=float), request.args.get("after", "")
    return (at, item_id) if at is not None and item_id else None


def _names() -> dict[str, dict[str, str]]:
    """What queues, agents and dispositions are called; kept for the request."""
    if "recording_names" not in g:
        site = web().engine.store.site.load()
        g.recording_names = {
            "queues": {each.name: each.title or each.name for each in site.queues},
            "agents": {each.agent_id: each.rules.name or each.agent_id for each in site.agents},
            "dispositions": {each.code: each.title or each.code for each in site.dispositions},
        }
    return g.recording_names
