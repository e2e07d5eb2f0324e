"""Who is asking, and whether they may: sessions in a signed cookie that can be ended on this side, keys of links, one table of rights.

The cookie holds a token and nothing else; whose it is, and until when, the database says at every request. Anybody who is not known is
sent to the log-in page, or told 401 where a program asks.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from flask import (
    Flask,
    Request,
    abort,
    flash,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.sessions import SecureCookieSessionInterface
from flask_babel import gettext as _
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response as AnyResponse

from ivrengine.storage.log_ins import Session
from ivrengine.storage.users import User

from . import i18n
from .context import Web, web
from .kept_forms import keep
from .rights import allowed

KEY_COOKIE = "ivrengine_key"
SESSION_COOKIE = "ivrengine_session"
THEME_COOKIE = "ivrengine_theme"
TOKEN = "token"  # in the session's cookie
THEMES = ("auto", "light", "dark")
# Asked more often than this by one address: 429. Beside it a name is locked out after too many wrong passwords, whoever asks.
LIMITS = {"log_in.form": "20 per minute", "account.password": "20 per minute"}
# What somebody may do whose password was chosen by another.
BEFORE_CHANGE = ("account.password", "account.preferences", "log_in.log_out", "static")


class CookieInterface(SecureCookieSessionInterface):
    """Only over TLS where the page came over TLS: without a proxy in front the pages are plain HTTP on this machine."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def init(app: Flask, visitor_key: str) -> None:
    """``visitor_key`` opens the pages of the level ``visitor`` by a link; with "" there is no such link."""
    users = app.extensions["ivrengine"].engine.store.users
    app.config.update(
        SECRET_KEY=users.key("session"),
        SESSION_COOKIE_NAME=SESSION_COOKIE,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.session_interface = CookieInterface()
    app.before_request(_check(visitor_key))


def init_limits(app: Flask) -> None:
    """After all views are there."""
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://", headers_enabled=False)
    for endpoint, limit in LIMITS.items():
        app.view_functions[endpoint] = limiter.limit(limit, methods=["POST"])(app.view_functions[endpoint])


def begin(token: str) -> None:
    """This browser is logged in from now on; nothing of its session before stays."""
    session.clear()
    session[TOKEN] = token


def end() -> None:
    """The session is over, here and in the browser."""
    web().engine.store.log_ins.log_out(g.session, web().now()).wait()
    session.clear()


def still_there() -> Callable[[], bool]:
    """A question that a live page goes on asking when its request is over. To ask it counts as a use of the session."""
    pages, token = web(), session.get(TOKEN, "")
    if g.user is not None:
        return lambda: _look(pages, token) is not None
    if g.level == "visitor":
        return lambda: True
    key = _bearer() or request.cookies.get(KEY_COOKIE, "")
    return lambda: _same(key, pages.engine.store.users.key("wallboard"))


def _look(pages: Web, token: str) -> tuple[User, Session] | None:
    return pages.engine.store.log_ins.who(token, pages.now(), pages.engine.settings.web.idle_seconds) if token else None


def _check(visitor_key: str) -> Callable[[], AnyResponse | None]:
    def check() -> AnyResponse | None:
        if request.endpoint == "static":
            g.user, g.level, g.language, g.theme = None, "public", "en", "auto"
            return None
        g.user, g.session = _look(web(), session.get(TOKEN, "")) or (None, None)
        g.language = i18n.choose(g.user.language if g.user else "")
        g.theme = _theme()
        g.level = "public"
        given = request.args.get("key", "")
        if given:
            return _take_key(given, visitor_key)
        g.level = g.user.role if g.user else _level_of_key(_bearer() or request.cookies.get(KEY_COOKIE, ""), visitor_key)
        if g.user and g.user.must_change and request.endpoint not in BEFORE_CHANGE:
            return redirect(url_for("account.password")) if wants_page(request) else _refuse(403, _("Change your password first."))
        if allowed(request.endpoint, g.level):
            return None
        if g.user is not None:
            abort(403, _("Your role does not allow this."))
        return _send_to_log_in()

    return check


def _theme() -> str:
    for wish in (g.user.theme if g.user else "", request.cookies.get(THEME_COOKIE, "")):
        if wish in THEMES:
            return wish
    return "auto"


def _bearer() -> str:
    """A key as programs give it."""
    given = request.authorization
    return (given.token or "") if given is not None and given.type == "bearer" else ""


def _level_of_key(given: str, visitor_key: str) -> str:
    if not given:
        return "public"
    if visitor_key and _same(given, visitor_key):
        return "visitor"
    return "board" if _same(given, web().engine.store.users.key("wallboard")) else "public"


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())


def _take_key(given: str, visitor_key: str) -> AnyResponse:
    """Into a cookie and out of the address, where others could read it over a shoulder or in a history."""
    if _level_of_key(given, visitor_key) == "public":
        abort(403, _("This link is not valid any more. Ask for a new one, or log in."))
    response = redirect(request.path if not request.path.startswith("//") else "/")
    response.set_cookie(KEY_COOKIE, given, httponly=True, samesite="Strict", secure=request.is_secure)
    return response


def _send_to_log_in() -> AnyResponse:
    if not wants_page(request):
        return _refuse(401, _("You are not logged in, or your session has ended."))
    if request.method != "GET" and (form := keep()):
        problem = _("Your session has ended. What you have typed is kept: log in, and you can send it.")
        return make_response(render_template("log_in/form.html", problem=problem, name="", next="", kept=form), 401)
    if request.method != "GET":
        flash(_("You are not logged in, or your session has ended. Nothing was done."), "error")
    elif session.pop(TOKEN, None):
        flash(_("Your session has ended."), "warning")
    back = request.full_path.rstrip("?") if request.method == "GET" and request.endpoint not in (None, "home") else None
    return redirect(url_for("log_in.form", next=back))


def wants_page(asked: Request) -> bool:
    """Whether a person will read the answer, and not a script."""
    accepts = asked.headers.get("Accept", "")
    return not accepts or "text/html" in accepts


def _refuse(code: int, sentence: str) -> AnyResponse:
    response = jsonify(error=sentence)
    response.status_code = code
    return response


def local_address(text: str) -> str | None:
    """``text`` when it is an address on these pages and nowhere else."""
    plain = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return text if plain else None
