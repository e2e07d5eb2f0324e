"""The calls that are up, the last ones, and the way of each through its flow."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask_babel import gettext as _

from ivrengine.storage.errors import AmbiguousRecord, NoSuchRecord

from ..context import web

CALLS_SHOWN = 30

blueprint = Blueprint("calls", __name__, url_prefix="/calls")


@blueprint.get("/")
def index() -> str:
    engine = web().engine
    live = [{"call": s.call, "flow": s.run.frames[0].flow, "step": s.run.frame.step} for s in engine.reception.sessions.values()]
    ended = [call for call in engine.store.calls.recent(limit=CALLS_SHOWN) if call.ended_at is not None]
    numbers = sorted(number for flow in engine.library.flows.flows.values() for number in flow.numbers)
    return render_template("calls/index.html", live=live, ended=ended, numbers=numbers, up=engine.switch.connected)


@blueprint.get("/<call_id>")
def one(call_id: str) -> str:
    store = web().engine.store
    try:
        found = store.calls.get(call_id)
    except (NoSuchRecord, AmbiguousRecord):
        abort(404, _("There is no such call."))
    return render_template("calls/one.html", call=found, steps=store.steps.of_call(found.call_id))
