"""Logging in and out. Whatever is wrong is told by the same sentence after the same time."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ..auth import begin, end, local_address
from ..context import web
from ..kept_forms import kept

blueprint = Blueprint("log_in", __name__)


@blueprint.route("/log-in", methods=["GET", "POST"])
def form() -> str | Response | tuple[str, int]:
    """After it, what was typed before the session ended is offered once more."""
    if request.method == "GET":
        return _page("")
    name, password = request.form.get("name", ""), request.form.get("password", "")
    browser = request.user_agent.string
    log_in = web().engine.store.log_ins.log_in(name, password, web().now(), request.remote_addr or "", browser)
    if log_in.result == "ok":
        begin(log_in.token)
        typed = kept(request.form.get("kept", ""))
        if typed is not None and local_address(typed.to):
            return render_template("log_in/kept.html", kept=typed)
        return redirect(local_address(request.form.get("next", "")) or url_for("home"))
    if log_in.result == "locked":
        return _page(_("Too many wrong passwords were given for this name. Try again in a quarter of an hour, or ask an admin.")), 403
    return _page(_("Name or password is wrong.")), 403


@blueprint.post("/log-out")
def log_out() -> Response:
    end()
    flash(_("You are logged out."))
    return redirect(url_for("log_in.form"))


def _page(problem: str) -> str:
    given = request.form if request.method == "POST" else request.args
    return render_template(
        "log_in/form.html", problem=problem, name=request.form.get("name", "")[:80], next=given.get("next", ""),
        kept=request.form.get("kept", ""),
    )  # fmt: skip
