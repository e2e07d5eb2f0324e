"""Recording a prompt by phone, as the page of a prompt shows it: ring one's own phone, follow how far it is, decide.

Everybody sees and decides about their own recording only. What happens on the phone is ``runtime/phone_take.py``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, g, jsonify, request, send_file
from flask_babel import gettext as _

from ivrengine.prompts.names import is_language, name_problem
from ivrengine.runtime.outcome import Outcome, Who

from ..auth import still_there
from ..context import auditor, spoken_language, user, web
from ..telling import in_words

BEAT_SECONDS = 5.0

blueprint = Blueprint("prompts_record", __name__, url_prefix="/prompts/record")


@blueprint.post("/begin/<language>/<path:name>")
def begin(language: str, name: str) -> tuple[Response, int] | Response:
    """Ring the phone that is given, and remember it as one's own."""
    engine = web().engine
    if not is_language(language) or name_problem(name) or language not in [*engine.settings.languages, *engine.catalogue.languages]:
        abort(404, _("There is no such prompt."))
    phone = request.form.get("phone", "").strip()
    outcome = engine.workplace.phone_takes.begin(language, name, phone, _who())
    if not outcome.ok:
        return jsonify(error=_refusal(outcome, phone), code=outcome.code), 409
    if engine.store.own_phones.of(user().name) != phone:
        engine.store.own_phones.set(user().name, phone).wait()
    return jsonify(take=latest())


@blueprint.get("/live")
def live() -> Response:
    app = _follow()
    return web().hub.subscribe(
        [_topic()], snapshot=partial(_told, app, auditor()), last_event_id=request.headers.get("Last-Event-ID", ""),
        beat_seconds=BEAT_SECONDS, still_there=still_there(),
    )  # fmt: skip


@blueprint.post("/press")
def press() -> tuple[Response, int] | Response:
    """Keep (1), again (2) or discard (3), said here instead of on the phone."""
    given = request.get_json(silent=True)
    given = given if isinstance(given, dict) else {}
    outcome = web().engine.workplace.phone_takes.press(str(given.get("take", "")), str(given.get("key", "")), _who())
    return jsonify(ok=True) if outcome.ok else (jsonify(error=_refusal(outcome, "")), 409)


@blueprint.get("/sound")
def sound() -> Response:
    """What was said, before it is decided about."""
    path = web().engine.workplace.phone_takes.sound(auditor(), request.args.get("take", ""))
    if path is None or not path.is_file():
        abort(404, _("There is nothing to be heard any more."))
    return send_file(path, mimetype="audio/wav", conditional=True)


def latest() -> dict[str, Any] | None:
    """Of who asks, for the page of a prompt."""
    return _in_words(web().engine.workplace.phone_takes.of(auditor()))


def _in_words(take: dict[str, Any] | None) -> dict[str, Any] | None:
    if take is None:
        return None
    return {**take, "sentence": in_words(take["sentence"]), "warnings": [in_words(each) for each in take["warnings"]]}


def _told(app: Flask, person: str) -> dict[str, Any]:
    """For a stream, which has no request: in the language that was asked for when the phone was rung."""
    take = app.extensions["ivrengine"].engine.workplace.phone_takes.of(person)
    with app.app_context():
        g.language = take["spoken_language"] if take else "en"
        return {"take": _in_words(take)}


def words() -> dict[str, str]:
    """What the page says at each point; ``{...}`` is filled in there."""
    return {
        "RINGING": _("Phone {phone} rings. Pick it up."),
        "INSTRUCTING": _("You are told what to do. Speak after the tone."),
        "RECORDING": _("Recording. Press # on the phone when you have finished."),
        "REVIEWING": _("{seconds} s were recorded. Press 1 to keep it, 2 to record again, 3 to discard it: on the phone or here."),
        "WAITING": _("You have hung up. {seconds} s were recorded: keep or discard them. After ten minutes they are discarded."),
        "KEEPING": _("It is converted and levelled..."),
        "KEPT": _("Kept. What was there before is among the former versions."),
        "DISCARDED": _("Discarded. Nothing was changed."),
        "late": _("Nobody decided, so it was discarded. Nothing was changed."),
        "NOT_REACHED": _("Nobody answered phone {phone}."),
        "busy": _("Phone {phone} is busy."),
        "rejected": _("The call was rejected at phone {phone}."),
        "unregistered": _("Phone {phone} is not registered."),
        "failed": _("Phone {phone} can't be rung."),
        "SILENT": _("The phone was hung up before anything was heard. Nothing was changed."),
        "FAILED": _("It could not be kept: {sentence}"),
        "other": _("You are recording another prompt: {name}."),
    }


def _refusal(outcome: Outcome, phone: str) -> str:
    sentences = {
        "no_phone": _("Give the extension of your phone: digits only."),
        "unregistered": _("%(phone)s is no phone of the house that is registered now. Outside numbers are not rung.", phone=phone),
        "recording": _("You are recording a prompt already. End that first."),
        "phone_busy": _("Somebody records a prompt on phone %(phone)s already.", phone=phone),
        "too_many": _("Too many prompts are being recorded now. Try again in a moment."),
        "no_room": _("The disk has no room for a recording, or its directory can't be written to. The engine's log says more."),
        "switch": _("The switch can't be reached now."),
        "over": _("This recording is over."),
    }
    return sentences.get(outcome.code) or in_words(outcome.sentence)


def _who() -> Who:
    return Who(auditor(), "", spoken_language())


def _topic() -> str:
    return f"take.{auditor()}"


def _follow() -> Flask:
    """From the first look on, every step of a recording is told to the page of who makes it."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if "prompts_record" not in app.extensions:
        pages = web()
        pages.engine.workplace.phone_takes.on_changed.append(lambda who: pages.hub.publish(f"take.{who}", _told(app, who)))
        app.extensions["prompts_record"] = True
    return app
