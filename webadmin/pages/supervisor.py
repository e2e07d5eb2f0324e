"""The supervisor's page: who does what with whom now, and every verb of ``runtime/supervisor.py``, on the supervisor's own phone.

The verbs check, do and audit; here only what a page may ask is sorted out. The phone that rings is the one the supervisor has given
for themselves once, never one that a request names.
"""

from __future__ import annotations

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ..auth import still_there
from ..context import own_phone, supervisor, user, web
from ..telling import in_words
from .board_feed import feed

BEAT_SECONDS = 2.0
PHONE_LIMIT = 20  # digits
ARGUMENT_LIMIT = 200  # characters
# what each verb may be told besides; ``phone`` and ``by`` are the supervisor's own
VERBS: dict[str, tuple[str, ...]] = {
    "listen": ("agent",),
    "whisper": ("agent",),
    "barge": ("agent",),
    "take_over": ("agent", "by"),
    "disconnect": ("agent",),
    "force_ready": ("agent",),
    "force_break": ("agent", "reason"),
    "force_log_out": ("agent",),
    "allow_break": ("agent",),
    "refuse_break": ("agent",),
    "move": ("item", "queue"),
    "raise": ("item", "seconds"),
    "pick_up": ("item", "agent"),
}
ON_MY_PHONE = frozenset({"listen", "whisper", "barge"})

blueprint = Blueprint("supervisor", __name__, url_prefix="/supervisor")


@blueprint.get("/")
def index() -> str:
    site = web().engine.store.site.load()
    return render_template(
        "supervisor/index.html", phone=own_phone(), queues=site.queues, reasons=site.reasons, me=user().agent_id,
    )  # fmt: skip


@blueprint.get("/live")
def live() -> Response:
    source = feed()
    return web().hub.subscribe(
        ["supervisor", "supervisor_tick", "alarms"],
        snapshot=lambda: source.told("supervisor", open_alarms=source.open_alarms()),
        last_event_id=request.headers.get("Last-Event-ID", ""),
        beat_seconds=BEAT_SECONDS,
        still_there=still_there(),
    )


@blueprint.post("/phone")
def phone() -> Response:
    number = request.form.get("phone", "").strip()
    if number and (len(number) > PHONE_LIMIT or not number.isascii() or not number.isdigit()):
        flash(_("A phone is given by its extension: digits only."), "error")
    else:
        web().engine.store.own_phones.set(user().name, number).wait()
        flash(_("Phone %(phone)s rings from now on when you listen.", phone=number) if number else _("Your phone is forgotten."))
    return redirect(url_for("supervisor.index"))


@blueprint.post("/do")
def do() -> tuple[Response, int] | Response:
    told = request.get_json(silent=True)
    told = told if isinstance(told, dict) else {}
    verb = told.get("verb")
    if not isinstance(verb, str) or verb not in VERBS:
        return jsonify(error=_("This is nothing that supervisors do.")), 400
    arguments = {name: value[:ARGUMENT_LIMIT] for name in VERBS[verb] if isinstance(value := told.get(name), str)}
    if verb in ON_MY_PHONE:
        arguments["phone"] = own_phone()
        if not arguments["phone"]:
            return jsonify(error=_("Give the extension of your phone first, at the top of the page.")), 409
    if verb == "pick_up":
        arguments["agent"] = arguments.get("agent") or user().agent_id
    if verb == "take_over":
        arguments["by"] = arguments.get("by") or user().agent_id
    if not arguments.get("by" if verb == "take_over" else "agent", "-"):
        return jsonify(error=_("Choose an agent who gets the caller; you have no agent number yourself.")), 409
    outcome = web().engine.workplace.supervisor.do(verb, arguments, supervisor())
    sentence = in_words(outcome.sentence)
    return (jsonify(ok=True, sentence=sentence), 200) if outcome.ok else (jsonify(error=sentence), 409)
