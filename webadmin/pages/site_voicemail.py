"""The messages that callers left, box by box: listen, mark as heard, call back, delete. Every deed is a row of the audit trail."""

from __future__ import annotations

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ivrengine.storage.errors import AmbiguousRecord, NoSuchRecord
from ivrengine.storage.messages import Message

from ..auth import wants_page
from ..context import auditor, supervisor, web
from ..telling import in_words
from .recordings_sound import NoSound, file_of, serve

SHOWN = 200  # messages on the page
READ = 5000  # of which the boxes are told

blueprint = Blueprint("site_voicemail", __name__, url_prefix="/site/voicemail")


@blueprint.get("/")
def index() -> str:
    store, box, unheard = web().engine.store, request.args.get("box", ""), "unheard" in request.args
    boxes: dict[str, int] = {}
    for message in store.messages.in_box(limit=READ):
        boxes[message.box] = boxes.get(message.box, 0) + (message.heard_at is None)
    found = store.messages.in_box(box, unheard_only=unheard, limit=SHOWN + 1)
    return render_template(
        "site_voicemail/index.html", messages=found[:SHOWN], more=len(found) > SHOWN, boxes=sorted(boxes.items()), box=box, unheard=unheard,
        queues=store.site.load().queues,
    )  # fmt: skip


@blueprint.get("/<message_id>/sound")
def sound(message_id: str) -> Response:
    """The WAV, by ranges where the browser asks for them."""
    message = _known(message_id)
    try:
        return serve(file_of(message.path, web().engine.settings.data), request.range)
    except NoSound:
        abort(404, _("The sound of this message is missing."))


@blueprint.post("/<message_id>/heard")
def heard(message_id: str) -> Response:
    message, store, now = _known(message_id), web().engine.store, web().now()
    if message.heard_at is None:
        store.messages.mark_heard(message.message_id, now).wait()
        store.audit.add(auditor(), "hear_message", f"message {message.message_id}", "", "", now).wait()
    return _back() if wants_page(request) else jsonify(ok=True)


@blueprint.post("/<message_id>/call-back")
def call_back(message_id: str) -> Response:
    """The caller's turn comes in the queue, on the number that they left."""
    message, queue = _known(message_id), request.form.get("queue", "")
    if web().engine.store.site.load().queue(queue) is None:
        flash(_("Choose a queue."), "error")
        return _back()
    number = message.callback_number or message.number
    outcome = web().engine.workplace.callbacks.add(queue, number, message.name, supervisor())
    if outcome.ok:
        flash(_("They are called back when their turn comes."))
    else:
        sentences = {
            "duplicate": _("This number waits to be called back from that queue already."),
            "full": _("As many callbacks as that queue may have wait already."),
            "not_allowed": _("Calls may not go to this number, or there is no such queue."),
        }
        flash(sentences.get(outcome.code) or in_words(outcome.sentence), "error")
    return _back()


@blueprint.post("/<message_id>/delete")
def delete(message_id: str) -> Response:
    message, now = _known(message_id), web().now()
    web().engine.store.messages.delete(message.message_id, now)
    web().engine.store.audit.add(auditor(), "delete_message", f"message {message.message_id}", {"box": message.box}, None, now).wait()
    flash(_("The message is deleted."))
    return _back()


def _known(message_id: str) -> Message:
    try:
        message = web().engine.store.messages.get(message_id)
    except (NoSuchRecord, AmbiguousRecord):
        message = None
    if message is None or message.deleted_at is not None:
        abort(404, _("There is no such message."))
    return message


def _back() -> Response:
    box = request.form.get("box", "")
    return redirect(url_for("site_voicemail.index", box=box or None))
