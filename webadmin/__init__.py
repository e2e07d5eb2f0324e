"""The pages in a browser, served by the process that has the calls. ``create_app(engine, key)`` is all that others see.

One blueprint a page in pages/; who may call what is told by the table in rights.py. Nothing here may block the hub: the database is
reached through the store, what computes for long goes to native threads.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from flask import Flask, abort, g, jsonify, redirect, render_template, request, url_for
from flask.json.provider import DefaultJSONProvider
from flask_babel import gettext as _
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from ivrengine.app import Engine
from ivrengine.domain.caller import mask_number
from ivrengine.storage.errors import StorageError

from . import auth, i18n, navigation
from .context import Web, breathe
from .live import Hub
from .pages import register
from .telling import in_words
from .words import alarm_title, deed, word

COOKIE = auth.KEY_COOKIE
BODY_LIMIT = 1_000_000  # bytes of a request; a page that takes uploads raises it for itself
FORM_PARTS_LIMIT = 1000
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
POLICY = (
    "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


class Json(DefaultJSONProvider):
    """What is nested too deeply is no JSON to us."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            return super().loads(s, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def create_app(engine: Engine, key: str = "", *, simulated: bool = False) -> Flask:
    """The WSGI application. Whoever has ``key`` may look at the pages for visitors; ``simulated`` shows the banner that no call is real.

    The engine's database must be open: the secret that signs cookies is kept there, so that a restart logs nobody out.
    """
    app = Flask(__name__)
    app.json = Json(app)
    app.extensions["ivrengine"] = Web(engine, Hub(), simulated)
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_LIMIT,
        MAX_FORM_PARTS=FORM_PARTS_LIMIT,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=False,  # it asks for a Referer, which our own pages don't send
    )
    if engine.settings.web.proxies:
        count = engine.settings.web.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    i18n.init(app)
    auth.init(app, key)
    CSRFProtect(app)
    _add_template_helpers(app)
    _add_answers(app)
    register(app)
    auth.init_limits(app)

    @app.get("/")
    def home() -> Response:
        endpoint = navigation.home_of(app, g.level)
        if endpoint is None:
            abort(404)
        return redirect(url_for(endpoint))

    return app


def _add_template_helpers(app: Flask) -> None:
    web: Web = app.extensions["ivrengine"]

    @app.template_filter("clock")
    def clock(at: float | None) -> str:
        return datetime.fromtimestamp(at, web.zone).strftime("%H:%M:%S") if at is not None else "-"

    @app.template_filter("moment")
    def moment(at: float | None) -> str:
        return datetime.fromtimestamp(at, web.zone).strftime("%Y-%m-%d %H:%M:%S") if at is not None else "-"

    app.add_template_filter(mask_number, "masked")
    app.add_template_filter(word, "word")
    app.add_template_filter(alarm_title, "alarm_title")
    app.add_template_filter(deed, "deed")
    app.add_template_filter(in_words, "in_words")

    def csp_nonce() -> str:
        """For a page whose editor must make a style sheet of its own; nothing else may use it."""
        if "csp_nonce" not in g:
            g.csp_nonce = secrets.token_urlsafe(16)
        return g.csp_nonce

    @app.context_processor
    def helpers() -> dict[str, Any]:
        return {
            "simulated": web.simulated,
            "user": g.get("user"),
            "level": g.get("level", "public"),
            "language": g.get("language", "en"),
            "languages": i18n.LANGUAGES,
            "theme": g.get("theme", "auto"),
            "menu": navigation.entries(app) if "level" in g else [],
            "csp_nonce": csp_nonce,
            "breathe": breathe,
        }


def _add_answers(app: Flask) -> None:
    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        styles = f"; style-src 'self' 'nonce-{g.csp_nonce}'" if "csp_nonce" in g else ""
        response.headers["Content-Security-Policy"] = POLICY + styles
        # What is on a page is nobody's who finds the browser later; only our own files may be kept, and are asked for anew.
        response.headers["Cache-Control"] = "no-cache" if request.endpoint == "static" else "no-store"
        return response

    @app.errorhandler(CSRFError)
    def tell_csrf(error: CSRFError) -> tuple[Any, int]:
        sentence = _("This page had grown too old, so nothing was done. Load it again and repeat.")
        if not auth.wants_page(request):
            return jsonify(error=sentence, reason="token"), 400  # a script gets itself another and repeats
        return _told(_("Not done"), sentence, 400)

    @app.errorhandler(HTTPException)
    def tell(error: HTTPException) -> tuple[Any, int]:
        code = error.code or 500
        titles, sentences = _common_answers()
        given = error.description if error.description != type(error).description and code < 500 else None
        return _told(titles.get(code, error.name), in_words(given or "") or sentences.get(code) or titles.get(code, error.name), code)

    @app.errorhandler(StorageError)
    def tell_storage(error: StorageError) -> tuple[Any, int]:
        app.logger.error("a page could not be shown: %s", error)
        return _told(_("Busy"), _("The database is busy. Try again in a moment."), 503)


def _told(title: str, sentence: str, code: int) -> tuple[Any, int]:
    if not auth.wants_page(request):
        return jsonify(error=sentence), code
    return render_template("frame/error.html", title=title, sentence=sentence), code


def _common_answers() -> tuple[dict[int, str], dict[int, str]]:
    """Titles and sentences of answers that are no page, by their code."""
    titles = {
        403: _("Not allowed"),
        404: _("Not found"),
        405: _("Not possible"),
        413: _("Too large"),
        429: _("Too many requests"),
        500: _("Something went wrong"),
    }
    sentences = {
        403: _("Your role does not allow this."),
        404: _("There is nothing at this address."),
        405: _("This address can't be used in this way."),
        413: _("This is more than the page takes."),
        429: _("That was too often. Wait a minute and try again."),
        500: _("Something went wrong here. The engine's log says what; calls go on."),
    }
    return titles, sentences
