"""Alarms: what a person should mend, the latest first, who has seen it, and how often it came in which hour."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ..auth import still_there
from ..context import auditor, web
from .board_feed import feed

BEAT_SECONDS = 2.0
HOURS_SHOWN = 48
HOUR_SECONDS = 3600

blueprint = Blueprint("alarms", __name__, url_prefix="/alarms")


@blueprint.get("/")
def index() -> str:
    rows = feed().state("alarms")["alarms"]
    seen = request.args.get("show") == "all"
    return render_template("alarms/index.html", rows=[row for row in rows if seen or row["open"]], seen=seen, count=len(rows))


@blueprint.get("/live")
def live() -> Response:
    source = feed()
    return web().hub.subscribe(
        ["alarms"],
        snapshot=lambda: source.told("alarms"),
        last_event_id=request.headers.get("Last-Event-ID", ""),
        beat_seconds=BEAT_SECONDS,
        still_there=still_there(),
    )


@blueprint.get("/one")
def one() -> str:
    """One alarm's history: by the hour, and who has acknowledged it."""
    alarms, (code, place) = web().engine.store.alarms, _named(request.args)
    alarm = alarms.get(code, place)
    if alarm is None:
        abort(404, _("There is no such alarm."))
    counted = dict(alarms.hours(code, place))
    newest = int(web().now() // HOUR_SECONDS) * HOUR_SECONDS
    hours = [(hour, counted.get(hour, 0)) for hour in range(newest - (HOURS_SHOWN - 1) * HOUR_SECONDS, newest + 1, HOUR_SECONDS)]
    return render_template(
        "alarms/one.html", alarm=alarm, hours=hours, most=max(count for _hour, count in hours), shown=HOURS_SHOWN,
        acknowledgements=alarms.acknowledgements(code, place),
    )  # fmt: skip


@blueprint.post("/acknowledge")
def acknowledge() -> Response:
    code, place = _named(request.form)
    done = web().engine.store.alarms.acknowledge(code, place, auditor(), web().now()).wait()
    if done:
        flash(_("Acknowledged. It comes back here when it is raised again."))
    else:
        flash(_("Somebody else has acknowledged it before you."), "warning")
    return redirect(url_for("alarms.index", show=request.form.get("show") or None))


def _named(given: dict[str, str]) -> tuple[str, str]:
    return given.get("code", ""), given.get("place", "")
