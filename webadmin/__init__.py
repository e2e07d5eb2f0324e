"""The pages in a browser, served by the process that has the calls. ``create_app(engine, key)`` is all that others see.

For now one page: the calls that are up, the last ones, and the way of each through its flow. Who has the link with the key may
look; nothing can be changed here.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Flask, Response, abort, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException

from ivrengine.app import Engine
from ivrengine.domain.caller import mask_number
from ivrengine.storage.errors import AmbiguousRecord, NoSuchRecord

COOKIE = "ivrengine_key"
CALLS_SHOWN = 30
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def create_app(engine: Engine, key: str, *, simulated: bool = False) -> Flask:
    """The WSGI application. ``key`` opens the pages; ``simulated`` shows the banner that no call is real."""
    app = Flask(__name__)
    zone = ZoneInfo(engine.settings.engine.timezone)

    @app.template_filter("clock")
    def clock(at: float | None) -> str:
        return datetime.fromtimestamp(at, zone).strftime("%H:%M:%S") if at is not None else "-"

    app.add_template_filter(mask_number, "masked")

    @app.before_request
    def check_key() -> Response | None:
        if request.endpoint in ("health", "static"):
            return None
        given = request.args.get("key", "")
        if given and hmac.compare_digest(given.encode(), key.encode()):
            response = redirect(request.path)
            response.set_cookie(COOKIE, key, httponly=True, samesite="Strict")
            return response
        if not hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), key.encode()):
            abort(403, "This page opens with the link that the engine has printed.")
        return None

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @app.errorhandler(HTTPException)
    def tell(error: HTTPException) -> tuple[str, int]:
        return render_template("error.html", title=error.name, sentence=error.description), error.code or 500

    @app.get("/health")
    def health() -> tuple[dict[str, object], int]:
        """200 while the link to the switch is up."""
        up = engine.switch.connected
        return {"switch": "up" if up else "down", "calls": len(engine.reception.sessions)}, 200 if up else 503

    @app.get("/")
    def calls() -> str:
        live = [
            {"call": s.call, "flow": s.run.frames[0].flow, "step": s.run.frame.step} for s in engine.reception.sessions.values()
        ]
        ended = [call for call in engine.store.calls.recent(limit=CALLS_SHOWN) if call.ended_at is not None]
        numbers = sorted(number for flow in engine.library.flows.flows.values() for number in flow.numbers)
        return render_template(
            "calls.html", live=live, ended=ended, numbers=numbers, simulated=simulated, up=engine.switch.connected
        )

    @app.get("/calls/<call_id>")
    def call(call_id: str) -> str:
        try:
            found = engine.store.calls.get(call_id)
        except (NoSuchRecord, AmbiguousRecord):
            abort(404, "There is no such call.")
        return render_template(
            "call.html", call=found, steps=engine.store.steps.of_call(found.call_id), simulated=simulated, back=url_for("calls")
        )

    return app
