"""One's own account: the password, and how the pages look and speak."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ivrengine.storage.passwords import LEAST, BadPassword

from ..auth import THEME_COOKIE, THEMES, local_address
from ..context import auditor, user, web
from ..i18n import COOKIE as LANGUAGE_COOKIE
from ..i18n import LANGUAGES

COOKIE_SECONDS = 400 * 86400

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.route("/password", methods=["GET", "POST"])
def password() -> str | Response | tuple[str, int]:
    problems: dict[str, str] = {}
    if request.method == "POST":
        problems = _change()
        if not problems:
            flash(_("Your password is changed. Other browsers that were logged in as you are logged out."))
            return redirect(url_for("home"))
    return render_template("account/password.html", problems=problems, least=LEAST), 422 if problems else 200


def _change() -> dict[str, str]:
    """The problems by field; none when it is changed."""
    store, now = web().engine.store, web().now()
    old, new, again = (request.form.get(field, "") for field in ("old", "new", "again"))
    if new != again:
        return {"again": _("This is not the same as the new password.")}
    if new == old:
        return {"new": _("The new password is the old one.")}
    try:
        new_hash = store.users.hash(new, user().name)
    except BadPassword:
        return {"new": _("It needs at least %(least)s characters, four of them different, and not your name.", least=LEAST)}
    result = store.log_ins.confirm(user().name, old, now)
    if result == "locked":
        return {"old": _("Too many wrong passwords were given. Try again in a quarter of an hour.")}
    if result != "ok":
        return {"old": _("This is not your password.")}
    store.users.set_password(user().name, new_hash, auditor(), now, must_change=False, keep=g.session.session_key).wait()
    return {}


@blueprint.post("/preferences")
def preferences() -> Response:
    """Language and theme: of this browser, and of the user where one is logged in."""
    language, theme = request.form.get("language", g.language), request.form.get("theme", g.theme)
    language = language if language in LANGUAGES else g.language
    theme = theme if theme in THEMES else g.theme
    if g.user:
        web().engine.store.users.prefer(g.user.name, language=language, theme=theme).wait()
    response = redirect(local_address(request.form.get("next", "")) or url_for("home"))
    for cookie, value in ((LANGUAGE_COOKIE, language), (THEME_COOKIE, theme)):
        response.set_cookie(cookie, value, max_age=COOKIE_SECONDS, httponly=True, samesite="Lax", secure=request.is_secure)
    return response
