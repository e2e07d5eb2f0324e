"""The agent's console: who calls, and the bar of the telephone, while the sound stays on the phone. Everybody sees and does only their own.

The page is drawn from the server's state by static/console.js; the state is told by ``console_desk.py``, the card of a call is made by
``console_card.py``, and every verb is ``runtime.soft_phone``'s.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import gevent
from flask import Blueprint, abort, current_app, jsonify, render_template, request, send_file
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ivrengine.acd.figures import AGENT_FORMULAS, AgentCounters, agent_figures, shown
from ivrengine.errors import IvrEngineError
from ivrengine.reports.agent_times import agent_times
from ivrengine.reports.day import today
from ivrengine.runtime.outcome import Outcome, Who
from ivrengine.storage.customers import BadCustomer, read_customer
from ivrengine.storage.errors import AmbiguousRecord, NoSuchRecord, StorageError

from ..auth import still_there
from ..context import auditor, user, web
from ..context import who as agent_who
from ..notices import notices
from .console_card import disposition_of, name_of, title_of
from .console_desk import Desks
from .console_words import customer_problem, done, refusal, texts

BEAT_SECONDS = 2.0  # a lost line must show within five
ROWS = 20  # of each list on the page
MESSAGE_LIMIT = 50_000_000  # bytes of one message's sound
VERBS = (
    "log_in", "log_out", "ready", "break", "pick_up", "hold", "unhold", "transfer", "consult", "complete", "three_way", "take_back",
    "pause_recording", "resume_recording", "mute", "unmute", "answer", "call", "hang_up", "more_wrap_up", "disposition",
)  # fmt: skip

blueprint = Blueprint("console", __name__, url_prefix="/console")


# -- the page --------------------------------------------------------------------------------------------------------------


@blueprint.get("/")
def index() -> str:
    agent_id = user().agent_id
    site = web().engine.call_centre.director.site
    known = bool(agent_id) and site.agent(agent_id) is not None
    return render_template("console/index.html", agent_id=agent_id, known=known, texts=texts(), zone=str(web().zone))


@blueprint.get("/live")
def live() -> Response:
    desks, agent_id = _desks(), _me().agent_id
    to_read = notices(web(), current_app.extensions)
    desks.watch(agent_id)
    to_read.watch(agent_id)
    response = web().hub.subscribe(
        (f"desk.{agent_id}", f"card.{agent_id}", f"notices.{agent_id}"),
        snapshot=lambda: {**desks.snapshot(agent_id), "notices": to_read.of(agent_id)},
        last_event_id=request.headers.get("Last-Event-ID", ""),
        beat_seconds=BEAT_SECONDS,
        still_there=still_there(),
    )
    response.call_on_close(lambda: desks.unwatch(agent_id))
    response.call_on_close(lambda: to_read.unwatch(agent_id))
    return response


@blueprint.get("/day")
def day() -> Response:
    """What changes slowly: today's figures, my calls, what I have missed, who waits for a callback, messages."""
    pages, me = web(), _me()
    store, site, now = pages.engine.store, pages.engine.call_centre.director.site.site, pages.now()
    store.database.submit(lambda db: None, "a look at the day").wait()  # behind what was handed over before
    began, midnight = today(now, pages.zone)
    agent = site.agent(me.agent_id)
    mine = set(agent.rules.queues) if agent else set()
    callbacks = [each for each in store.callbacks.open() if each.queue in mine]
    return jsonify(
        figures=_figures(began, midnight, now, me.agent_id),
        calls=[
            {
                "item": each.item_id, "at": each.queued_at, "number": each.number, "queue": title_of(site, each.queue),
                "queue_name": each.queue, "direction": each.direction,
                "disposition": disposition_of(site, each), "automatic": each.automatic, "notes": each.notes,
            }
            for each in store.segments.of_agent(me.agent_id, began, ROWS)
        ],
        missed=[
            {
                "at": each.offered_at, "number": each.number, "queue": title_of(site, each.queue), "queue_name": each.queue,
                "why": each.outcome, "terminal": each.terminal,
                "agent": name_of(site, each.answered_by) if each.terminal == "answered" else "",
            }
            for each in store.attempts.missed(me.agent_id, began, ROWS)
        ],
        callbacks=[
            {
                "number": each.number, "name": each.name, "queue": title_of(site, each.queue), "since": each.queued_at,
                "queue_name": each.queue,
                "not_before": max(each.not_before, each.next_at), "attempts": each.attempts,
            }
            for each in callbacks[:ROWS]
        ],
        callbacks_count=len(callbacks),
        messages=[
            {
                "id": each.message_id, "at": each.created_at, "box": each.box, "number": each.callback_number or each.number,
                "name": each.name, "seconds": each.duration_ms / 1000, "urgent": bool(each.urgent),
            }
            for each in store.messages.in_box(unheard_only=True, limit=ROWS)
        ],
    )  # fmt: skip


@blueprint.get("/directory")
def directory() -> Response:
    """Where a caller may be passed on to by a click: queues with a number, and colleagues who are logged in."""
    me, director = _me(), web().engine.call_centre.director
    site = director.site.site
    views = [each for each in director.dispatcher.agents() if each.intent != "LOGGED_OUT" and each.agent_id != me.agent_id]
    return jsonify(
        queues=[
            {"number": each.number, "title": each.title or each.name, "waiting": director.dispatcher.waiting(each.name)}
            for each in site.queues
            if each.number
        ],
        agents=[
            {"number": each.agent_id, "title": name_of(site, each.agent_id), "free": each.available}
            for each in sorted(views, key=lambda view: (not view.available, view.agent_id))
        ],
    )


# -- verbs -----------------------------------------------------------------------------------------------------------------


@blueprint.post("/do/<verb>")
def do(verb: str) -> tuple[Response, int] | Response:
    """One verb of the bar, with its arguments as JSON."""
    me = _me()
    if verb not in VERBS:
        abort(404)
    arguments = _given("phone", "reason", "number", "notes", "code", "item", "queue")
    try:
        outcome = web().engine.workplace.soft_phone.do(verb, arguments, me)
    except StorageError:
        raise
    except IvrEngineError as error:
        current_app.logger.warning("an agent's %s failed: %s", verb, error)
        return jsonify(error=_("The switch can't do that now. Your caller stays where they are.")), 503
    if verb == "disposition" and outcome.ok:
        _desks().renew(me.agent_id)
    return _answer(verb, outcome)


@blueprint.post("/notes")
def notes() -> tuple[Response, int] | Response:
    """Kept while the agent writes."""
    me, given = _me(), _given("item", "notes")
    return _answer("notes", web().engine.workplace.soft_phone.note(given["item"], given["notes"], me))


@blueprint.post("/customer")
def customer() -> tuple[Response, int] | Response:
    """A new customer, or what has changed about one; who the caller of the agent's call is from then on."""
    me, store, now = _me(), web().engine.store, web().now()
    given = _given("id", "name", "level", "notes", "numbers")
    contact = _contact(me)
    try:
        data = read_customer(given["name"], given["level"], given["notes"], given["numbers"].split(","))
    except BadCustomer as error:
        return jsonify(error=customer_problem(error.field), field=error.field), 422
    try:
        if given["id"]:
            store.customers.change(given["id"], data, auditor(), now).wait()
        else:
            given["id"] = store.customers.add(data, auditor(), now).wait()
        if contact:
            store.customers.choose(contact, given["id"]).wait()
    except NoSuchRecord:
        return jsonify(error=_("This customer is not there any more.")), 409
    _desks().renew(me.agent_id)
    return jsonify(ok=True, told=_("Kept."))


@blueprint.post("/customer/choose")
def choose() -> tuple[Response, int] | Response:
    """Of several who share the number, this one calls."""
    me, given = _me(), _given("id")
    contact = _contact(me)
    if not contact:
        return jsonify(error=_("You have no call.")), 409
    try:
        web().engine.store.customers.choose(contact, given["id"]).wait()
    except NoSuchRecord:
        return jsonify(error=_("This customer is not there any more.")), 409
    _desks().renew(me.agent_id)
    return jsonify(ok=True, told="")


@blueprint.post("/call-back")
def call_back() -> tuple[Response, int] | Response:
    """Somebody the agent has missed is called back from the queue, when their turn comes."""
    me, given = _me(), _given("queue", "number", "name")
    agent = web().engine.call_centre.director.site.agent(me.agent_id)
    if agent is None or given["queue"] not in agent.rules.queues:
        return jsonify(error=_("This is no queue of yours.")), 409
    return _answer("call_back", web().engine.workplace.callbacks.add(given["queue"], given["number"], given["name"], me))


@blueprint.get("/message/<message_id>")
def message(message_id: str) -> Response:
    """The sound of a caller's message."""
    _me()
    path = Path(_message(message_id).path)
    data = gevent.get_hub().threadpool.apply(_read, (path,))
    if data is None:
        abort(404, _("The sound of this message is gone."))
    return send_file(io.BytesIO(data), mimetype="audio/wav", conditional=True)


@blueprint.post("/message/<message_id>/heard")
def heard(message_id: str) -> Response:
    me, store, now = _me(), web().engine.store, web().now()
    found = _message(message_id)
    store.messages.mark_heard(found.message_id, now).wait()
    store.audit.add(me.name, "hear_message", f"message {found.message_id}", "", "", now)
    return jsonify(ok=True, told="")


# -- how -------------------------------------------------------------------------------------------------------------------


def _me() -> Who:
    """Oneself as an agent. A user without an agent's number is told, not refused: it is no matter of rights."""
    if not user().agent_id:
        abort(409, _("You have no agent number, so you can't do what agents do. An admin gives you one on the page Users."))
    return agent_who()


def _desks() -> Desks:
    """Made when the first agent looks."""
    if "console" not in current_app.extensions:
        current_app.extensions["console"] = Desks(web())
    return current_app.extensions["console"]


def _given(*names: str) -> dict[str, str]:
    """Texts of the JSON that was sent; anything that is no text counts as missing."""
    sent = request.get_json(silent=True)
    sent = sent if isinstance(sent, dict) else {}
    return {name: sent[name] if isinstance(sent.get(name), str) else "" for name in names}


def _contact(me: Who) -> str:
    """The contact of the call on the agent's screen; "" for none."""
    state = _desks().state(me.agent_id)
    if not state.get("stage"):
        return ""
    store = web().engine.store
    segment = store.segments.get(state["item"]) if state["item"] else store.segments.last_of_agent(me.agent_id)
    return segment.contact_id if segment else ""


def _message(message_id: str) -> Any:
    try:
        found = web().engine.store.messages.get(message_id)
    except (NoSuchRecord, AmbiguousRecord):
        abort(404, _("There is no such message."))
    if found.deleted_at is not None:
        abort(404, _("There is no such message."))
    return found


def _read(path: Path) -> bytes | None:
    """In a native thread."""
    try:
        return path.read_bytes() if path.stat().st_size <= MESSAGE_LIMIT else None
    except OSError:
        return None


def _figures(began: float, midnight: float, now: float, agent_id: str) -> list[dict[str, str]]:
    found = agent_times(web().engine.store, began, midnight, now, agent_id)
    counters = found[0].counters if found else AgentCounters()
    figures = agent_figures(counters)
    titles = {"logged_in_seconds": _("Time logged in"), "occupied_seconds": _("Occupied"), "occupancy": _("Occupancy")}
    told = [
        {"title": title, "value": shown(getattr(figures, name), AGENT_FORMULAS[name].unit), "formula": AGENT_FORMULAS[name].text}
        for name, title in titles.items()
    ]
    counted = {"talk_seconds": _("Talk"), "hold_seconds": _("Hold"), "wrap_up_seconds": _("Wrap-up"), "break_seconds": _("Breaks")}
    told += [{"title": title, "value": shown(getattr(counters, name), "seconds"), "formula": name} for name, title in counted.items()]
    return told


def _answer(verb: str, outcome: Outcome) -> tuple[Response, int] | Response:
    if outcome.ok:
        return jsonify(ok=True, code=outcome.code, told=done(verb, outcome))
    return jsonify(error=refusal(outcome), code=outcome.code), 409
