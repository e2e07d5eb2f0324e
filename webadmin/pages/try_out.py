"""Trying out: a telephone in the page that calls the site's numbers, and phones of the house that are answered in a second tab.

On the embedded switch these are calls like any other. On a real one no simulated caller can dial: there the flow is rehearsed under a
clock of its own. Admins only; everything is the caller's own: another's calls and phones are not found.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request, send_file
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from ivrengine.domain.caller import NAME_LIMIT, NUMBER_LIMIT, clean_name, clean_number
from ivrengine.errors import IvrEngineError
from ivrengine.esl.errors import EslError
from ivrengine.flow.diagram import to_graph
from ivrengine.flow.flowset import FlowSet

from ..auth import still_there
from ..context import supervisor, user, web
from ..telling import finding_in_words, in_words, picture_in_words
from .try_out_phone import PhoneInHand
from .try_out_sounds import MADE, UPLOAD_LIMIT_BYTES, NoSound, made
from .try_out_stage import Stage, TooMuch
from .try_out_trial import Trial, Wish
from .try_out_trials import DraftHasErrors, trials

PHONES = tuple(str(number) for number in range(8001, 8010))  # those that the embedded switch has from the start
CALLER = "13800138000"
FINDINGS_SHOWN = 5
BEAT_SECONDS = 5.0
YEARS = range(2000, 2100)
_KEYS = re.compile(r"[0-9*#A-D]{1,40}\Z")
_EXTENSION = re.compile(r"8[0-9]{3}\Z")

blueprint = Blueprint("try_out", __name__, url_prefix="/try")

Answer = Response | AnyResponse | tuple[Response, int]


class Refused(Exception):
    """What is wrong with a field, as a sentence."""


# -- pages -------------------------------------------------------------------------------------------------------------


@blueprint.get("/")
def index() -> str:
    engine = web().engine
    return render_template(
        "try_out/index.html",
        numbers=_numbers(engine.library.flows),
        number=clean_number(request.args.get("number", "")),
        draft=request.args.get("draft") == "1",
        caller=CALLER,
        real=trials().on_simulated_switch(),
        connected=engine.switch.connected,
        tongues=engine.settings.languages,
        zone=engine.settings.engine.timezone,
    )


@blueprint.get("/phone")
def phone() -> str:
    """A phone of the house, for the page that is the agent."""
    if not trials().on_simulated_switch():
        return render_template("try_out/phone.html", real=False, connected=web().engine.switch.connected)
    director = web().engine.call_centre.director
    agents = director.site.site.agents
    seated = {view.phone: view.agent_id for view in director.dispatcher.agents() if view.intent != "LOGGED_OUT"}
    names = {agent.agent_id: f"{agent.agent_id} {agent.rules.name}" for agent in agents}
    phones = [(number, names.get(seated.get(number, ""), "")) for number in PHONES]
    return render_template(
        "try_out/phone.html", real=True, phones=phones, agents=sorted(names.items()), extension=request.args.get("extension", "")
    )


def _numbers(flows: FlowSet) -> list[tuple[str, str]]:
    """(number, title of its flow); a number that stands for many is one of them."""
    return sorted((number.replace("*", "1"), flow.title) for flow in flows.flows.values() for number in flow.numbers if number[0] != "*")


# -- a call ------------------------------------------------------------------------------------------------------------


@blueprint.post("/call")
def call() -> Answer:
    asked = _json()
    try:
        wish = _wish(asked)
        trial = trials().begin(user().name, wish)
    except DraftHasErrors as error:
        shown = [finding_in_words(finding) for finding in error.findings[:FINDINGS_SHOWN]]
        return _no(_("The draft has errors. Mend them on the page Flows first: %(findings)s", findings="; ".join(shown)))
    except Refused as error:
        return _no(in_words(error))
    except TooMuch as error:
        return _no(in_words(error), 429)
    except EslError as error:
        return _no(_("The switch does not take the call: %(why)s", why=in_words(error)), 503)
    return jsonify(call=trial.name, topic=trial.topic, flow=wish.flow.title)


def _wish(asked: dict[str, Any]) -> Wish:
    number, caller, name, language = (_text(asked, key) for key in ("number", "caller", "name", "language"))
    if not number or clean_number(number) != number:
        raise Refused(_("A number is made of at most %(limit)s digits, + * and #.", limit=NUMBER_LIMIT))
    if clean_number(caller) != caller:
        raise Refused(
            _("The caller's number is made of at most %(limit)s digits, + * and #; leave it empty to withhold it.", limit=NUMBER_LIMIT)
        )
    if clean_name(name) != " ".join(name.split()):
        raise Refused(_("The caller's name is one line of at most %(limit)s characters.", limit=NAME_LIMIT))
    if number.startswith("*"):
        raise Refused(_("Feature codes are dialled at phones of the house: take one in your hand in a second tab."))
    draft = asked.get("draft") is True
    flows, world = trials().flows(draft=draft)
    flow = flows.for_number(number)
    if flow is None:
        raise Refused(_("No flow answers the number %(number)s.", number=number))
    return Wish(number, caller, clean_name(name), flows, world, flow, language, _moment(_text(asked, "at")), draft)


def _moment(text: str) -> float | None:
    """UTC seconds of a date and time in the site's zone; None for now."""
    if not text:
        return None
    try:
        local = datetime.fromisoformat(text)
        if local.tzinfo is not None or local.year not in YEARS:
            raise ValueError
        return local.replace(tzinfo=web().zone).timestamp()
    except (ValueError, OverflowError) as error:
        raise Refused(_("The date and time can't be understood.")) from error


@blueprint.get("/call/<name>/events")
def events(name: str) -> Response:
    return _stream(_trial(name))


@blueprint.get("/call/<name>/flow/<flow>")
def flow(name: str, flow: str) -> Answer:
    found = _trial(name).flow(flow)
    if found is None:
        abort(404)
    return jsonify(title=found.title, graph=picture_in_words(to_graph(found)))


@blueprint.get("/call/<name>/sound/<token>")
def sound(name: str, token: str) -> Response:
    return _sound(_trial(name), token)


@blueprint.post("/call/<name>/press")
def press(name: str) -> Answer:
    trial, keys = _trial(name), _keys()
    return _do(trial, lambda: trial.press(keys))


@blueprint.post("/call/<name>/speak")
def speak(name: str) -> Answer:
    return _speak(_trial(name))


@blueprint.post("/call/<name>/hang-up")
def hang_up(name: str) -> Answer:
    trial = _trial(name)
    return _do(trial, trial.hang_up)


# -- a phone -----------------------------------------------------------------------------------------------------------


@blueprint.post("/phone/<extension>/take")
def take(extension: str) -> Answer:
    """Take a phone of the house in one's hand, and log an agent in there where one is named."""
    agent_id = _text(_json(), "agent")
    if not _EXTENSION.match(extension):
        return _no(_("A phone of the house has a number from 8000 to 8999."))
    if not trials().on_simulated_switch():
        return _no(_("Only phones of the simulated switch can be taken in hand."))
    try:
        taken = trials().take_phone(extension, user().name)
    except TooMuch as error:
        return _no(in_words(error), 409)
    except EslError as error:
        return _no(in_words(error), 503)
    if agent_id:
        desk = web().engine.workplace.desk
        outcome = desk.log_in(agent_id, extension, supervisor())
        outcome = desk.ready(agent_id, supervisor()) if outcome.ok else outcome
        if not outcome.ok:
            taken.leave()
            return _no(in_words(outcome.sentence), 409)
    return jsonify(topic=taken.topic)


@blueprint.get("/phone/<extension>/events")
def phone_events(extension: str) -> Response:
    return _stream(_phone(extension))


@blueprint.get("/phone/<extension>/sound/<token>")
def phone_sound(extension: str, token: str) -> Response:
    return _sound(_phone(extension), token)


@blueprint.post("/phone/<extension>/speak")
def phone_speak(extension: str) -> Answer:
    return _speak(_phone(extension))


@blueprint.post("/phone/<extension>/<verb>")
def phone_verb(extension: str, verb: str) -> Answer:
    held = _phone(extension)
    verbs = {"answer": held.answer, "reject": held.reject, "hang-up": held.hang_up, "give-back": held.leave}
    if verb in verbs:
        return _do(held, verbs[verb])
    if verb == "press":
        keys = _keys()
        return _do(held, lambda: held.press(keys))
    if verb == "dial":
        return _dial(held, _text(_json(), "number"))
    if verb != "ready":
        abort(404)
    desk = web().engine.workplace.desk
    outcome = desk.ready(desk.agent_at(held.name), supervisor())
    return jsonify(done=True) if outcome.ok else _no(in_words(outcome.sentence), 409)


def _dial(held: PhoneInHand, number: str) -> Answer:
    if not number or clean_number(number) != number:
        return _no(_("A number is made of at most %(limit)s digits, + * and #.", limit=NUMBER_LIMIT))
    return _do(held, lambda: held.dial(number))


# -- shared ------------------------------------------------------------------------------------------------------------


@blueprint.get("/made/<name>")
def made_sound(name: str) -> Response:
    if name not in MADE:
        abort(404)
    return send_file(io.BytesIO(made(name)), mimetype="audio/wav")


def _trial(name: str) -> Trial:
    found = trials().trial(name, user().name)
    if found is None:
        abort(404, _("There is no such call."))
    return found


def _phone(extension: str) -> PhoneInHand:
    found = trials().phone(extension, user().name)
    if found is None:
        abort(404, _("This phone is not in your hand."))
    return found


def _stream(stage: Stage) -> Response:
    last = request.headers.get("Last-Event-ID", "")
    topics = [stage.topic]
    return web().hub.subscribe(
        topics, snapshot=stage.snapshot, last_event_id=last, beat_seconds=BEAT_SECONDS, still_there=still_there()
    )


def _sound(stage: Stage, token: str) -> Response:
    path = stage.sounds.file(token)
    if path is None or not path.is_file():
        abort(404)
    return send_file(path, mimetype="audio/wav")


def _speak(stage: Trial | PhoneInHand) -> Answer:
    """The body is a form with one sound; ``goes_on`` for a further piece of what is being said."""
    request.max_content_length = UPLOAD_LIMIT_BYTES
    given = request.files.get("sound")
    if given is None:
        return _no(_("There is no sound in what was sent."))
    data, goes_on = given.read(), request.form.get("goes_on") == "1"
    return _do(stage, lambda: stage.speak(data, goes_on=goes_on))


def _do(stage: Stage, act: Callable[[], None]) -> Answer:
    if stage.over:
        return _no(_("The call is over."), 409)
    try:
        act()
    except NoSound:
        return _no(_("This file holds no sound that can be read, or more than two minutes of it. Take a WAV, FLAC, OGG or MP3 file."))
    except EslError as error:
        return _no(_("The switch refuses: %(why)s", why=in_words(error).removeprefix("-ERR ").strip()), 409)
    except IvrEngineError as error:
        return _no(in_words(error), 409)
    return jsonify(done=True)


def _keys() -> str:
    keys = _text(_json(), "keys")
    if not _KEYS.match(keys):
        abort(422, _("These are no keys of a telephone."))
    return keys


def _json() -> dict[str, Any]:
    asked = request.get_json(silent=True)
    if not isinstance(asked, dict):
        abort(400, _("This can't be understood."))
    return asked


def _text(asked: dict[str, Any], key: str) -> str:
    text = asked.get(key, "")
    if not isinstance(text, str):
        abort(400, _("This can't be understood."))
    return text.strip()


def _no(sentence: str, code: int = 422) -> tuple[Response, int]:
    return jsonify(error=sentence), code
