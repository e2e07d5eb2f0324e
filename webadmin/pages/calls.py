"""The calls that are up, the last ones, and the way of each through its flow."""

from __future__ import annotations

from typing import Any

import gevent
from flask import Blueprint, Response, abort, render_template, request
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _

from ivrengine.runtime.news import Item
from ivrengine.storage.errors import AmbiguousRecord, NoSuchRecord

from ..auth import still_there
from ..context import Web, web
from ..live import Hub

CALLS_SHOWN = 30
GATHER_SECONDS = 0.5

blueprint = Blueprint("calls", __name__, url_prefix="/calls")


class Changes:
    """Tells those who look at the calls that something has happened, at most once in GATHER_SECONDS."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._told_soon = False

    def happened(self, item: Item) -> None:
        if not self._told_soon and self._hub.watched("calls"):
            self._told_soon = True
            gevent.spawn_later(GATHER_SECONDS, self._tell)

    def _tell(self) -> None:
        self._told_soon = False
        self._hub.publish("calls", None)


@blueprint.record_once
def _watch_news(state: BlueprintSetupState) -> None:
    pages: Web = state.app.extensions["ivrengine"]
    pages.engine.news.watch(Changes(pages.hub).happened)


@blueprint.get("/")
def index() -> str:
    return render_template("calls/index.html", **_now())


@blueprint.get("/lists")
def lists() -> str:
    """What changes on the page, to be put in its place."""
    return render_template("calls/_lists.html", **_now())


@blueprint.get("/live")
def live() -> Response:
    last = request.headers.get("Last-Event-ID", "")
    return web().hub.subscribe(["calls"], last_event_id=last, still_there=still_there())


def _now() -> dict[str, Any]:
    engine = web().engine
    sessions = engine.reception.sessions.values()
    return {
        "live": [{"call": s.call, "flow": s.run.frames[0].flow, "step": s.run.frame.step} for s in sessions],
        "ended": [call for call in engine.store.calls.recent(limit=CALLS_SHOWN) if call.ended_at is not None],
        "numbers": sorted(number for flow in engine.library.flows.flows.values() for number in flow.numbers if number.isdigit()),
        "up": engine.switch.connected,
    }


@blueprint.get("/<call_id>")
def one(call_id: str) -> str:
    store = web().engine.store
    try:
        found = store.calls.get(call_id)
    except (NoSuchRecord, AmbiguousRecord):
        abort(404, _("There is no such call."))
    return render_template("calls/one.html", call=found, steps=store.steps.of_call(found.call_id))
