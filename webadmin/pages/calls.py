"""The calls that are up, the last ones, and the way of each through its flow."""

from __future__ import annotations

from itertools import product
from typing import Any

import gevent
from flask import Blueprint, Flask, Response, abort, current_app, g, render_template, request
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _

from ivrengine.runtime.news import Item
from ivrengine.storage.errors import AmbiguousRecord, NoSuchRecord

from ..auth import still_there
from ..context import Web, sees_numbers, web
from ..i18n import LANGUAGES

CALLS_SHOWN = 30
LIVE_SHOWN = 100  # of those that are up
GATHER_SECONDS = 0.5
EXTENSION = "ivrengine_calls"
SIGHTS = tuple(product(LANGUAGES, (False, True)))  # languages, with whole numbers and without

blueprint = Blueprint("calls", __name__, url_prefix="/calls")


class Changes:
    """Tells those who look at the calls what the lists are when something has happened, at most once in GATHER_SECONDS.

    The lists are made once for all who read the same language and see as much, not by every page for itself.
    """

    def __init__(self, app: Flask, pages: Web) -> None:
        self._app = app
        self._hub = pages.hub
        self._told_soon = False

    def lists(self, language: str, whole: bool) -> str:
        """What changes on the page, to be put in its place. ``whole``: with callers' whole numbers."""
        with self._app.test_request_context():
            g.language = language
            return render_template("calls/_lists.html", whole=whole, **_now())

    def happened(self, item: Item) -> None:
        if not self._told_soon and any(self._hub.watched(_topic(*sight)) for sight in SIGHTS):
            self._told_soon = True
            gevent.spawn_later(GATHER_SECONDS, self._tell)

    def _tell(self) -> None:
        self._told_soon = False
        for sight in SIGHTS:
            if self._hub.watched(_topic(*sight)):
                self._hub.publish(_topic(*sight), self.lists(*sight))


@blueprint.record_once
def _watch_news(state: BlueprintSetupState) -> None:
    pages: Web = state.app.extensions["ivrengine"]
    changes = state.app.extensions[EXTENSION] = Changes(state.app, pages)
    pages.engine.news.watch(changes.happened)


@blueprint.get("/")
def index() -> str:
    return render_template("calls/index.html", topic=_topic(g.language, sees_numbers()), whole=sees_numbers(), **_now())


@blueprint.get("/live")
def live() -> Response:
    """The lists as the page shows them, each time they change."""
    language = request.args.get("language", "")
    language = language if language in LANGUAGES else g.language
    changes: Changes = current_app.extensions[EXTENSION]
    last, whole = request.headers.get("Last-Event-ID", ""), sees_numbers()
    return web().hub.subscribe(
        [_topic(language, whole)], snapshot=lambda: changes.lists(language, whole), last_event_id=last, still_there=still_there()
    )


def _topic(language: str, whole: bool) -> str:
    """Who may not see whole numbers never hears of a topic that has them."""
    return f"calls.{language}.whole" if whole else f"calls.{language}"


def _now() -> dict[str, Any]:
    engine = web().engine
    sessions = list(engine.reception.sessions.values())
    return {
        "up_now": len(sessions),
        "live": [{"call": s.call, "flow": s.run.frames[0].flow, "step": s.run.frame.step} for s in reversed(sessions[-LIVE_SHOWN:])],
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
    return render_template("calls/one.html", call=found, steps=store.steps.of_call(found.call_id), whole=sees_numbers())
