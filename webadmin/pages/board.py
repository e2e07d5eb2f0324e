"""The wallboard: all queues and agents at this instant, read from across the room. Its link has a key of its own and changes nothing.

Supervisors say here from which value on a figure is to be looked at; an admin makes the link worthless by a new one. Every figure is
made by ``reports/board.py`` and ``acd/figures.py`` and tells its formula.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ivrengine.acd.figures import FORMULAS
from ivrengine.storage.board_limits import BoardLimit

from ..auth import KEY_COOKIE, still_there
from ..context import auditor, user, web
from .board_feed import COUNTED, feed

BEAT_SECONDS = 2.0  # a page without a word for 5 s says that it is stale
LIMIT_MOST = 1_000_000.0
# figures that can have limits -> whether more is worse
LIMITED = {
    "waiting": True,
    "longest_wait_seconds": True,
    "ready": False,
    "service_level_ignored": False,
    "abandoned": True,
    "callbacks_due": True,
}
SHARES = frozenset({"service_level_ignored"})  # set in percent

blueprint = Blueprint("board", __name__, url_prefix="/board")


@dataclass(frozen=True, slots=True)
class Shown:
    """One figure of the board: what it is called, and how it is made."""

    name: str
    label: str
    formula: str


@blueprint.get("/")
def index() -> str:
    wall = request.args.get("wall", "1" if g.user is None and g.level == "board" else "0") == "1"
    return render_template(
        "board/index.html", figures=_figures(), wall=wall, may_set=g.user is not None and user().may("supervisor"),
        zone=web().engine.settings.engine.timezone,
    )  # fmt: skip


@blueprint.get("/live")
def live() -> Response:
    source = feed()
    return web().hub.subscribe(
        ["board", "board_tick"],
        snapshot=lambda: source.told("board"),
        last_event_id=request.headers.get("Last-Event-ID", ""),
        beat_seconds=BEAT_SECONDS,
        still_there=_link_or_session(),
    )


def _link_or_session() -> Callable[[], bool]:
    """Whether the link is still worth something, or the session goes on."""
    users, given = web().engine.store.users, request.cookies.get(KEY_COOKIE, "")
    if g.user is not None or g.level != "board":
        return still_there()
    return lambda: compare_digest(given.encode("utf-8", "replace"), users.key("wallboard").encode())


# -- limits and the link -----------------------------------------------------------------------------------------------


@blueprint.route("/settings", methods=["GET", "POST"])
def settings() -> str | Response | tuple[str, int]:
    queues = {"": _("All queues together"), **{each.name: each.title or each.name for each in web().engine.store.site.load().queues}}
    queue = request.values.get("queue", "")
    if queue not in queues:
        abort(404, _("There is no such queue."))
    values = _kept(queue)
    problems: dict[str, str] = {}
    if request.method == "POST":
        values = {name: request.form.get(name, "").strip() for name in _fields()}
        limits, problems = _read_limits(queue, values)
        if not problems:
            web().engine.store.board_limits.replace(queue, limits, auditor(), web().now()).wait()
            flash(_("The limits of %(queue)s are kept; every wallboard has them within seconds.", queue=queues[queue]))
            return redirect(url_for("board.settings", queue=queue))
    page = render_template(
        "board/settings.html", queues=queues, queue=queue, values=values, problems=problems, limited=LIMITED, shares=SHARES,
        labels={each.name: each.label for each in _figures()},
        link=url_for("board.index", key=web().engine.store.users.key("wallboard"), _external=True) if user().may("admin") else "",
    )  # fmt: skip
    return page, 422 if problems else 200


@blueprint.post("/link")
def renew_link() -> Response:
    web().engine.store.users.renew_key("wallboard", auditor(), web().now()).wait()
    flash(_("There is a new link. The one before opens nothing any more, and boards that were opened by it close."))
    return redirect(url_for("board.settings"))


def _fields() -> list[str]:
    return [f"{name}-{part}" for name in LIMITED for part in ("warn", "alarm", "sound")]


def _kept(queue: str) -> dict[str, str]:
    """The limits of ``queue`` as the form shows them."""
    values = dict.fromkeys(_fields(), "")
    for each in web().engine.store.board_limits.all():
        if each.queue == queue and each.figure in LIMITED:
            for part, bound in (("warn", each.warn), ("alarm", each.alarm)):
                if bound is not None:
                    values[f"{each.figure}-{part}"] = f"{bound * 100 if each.figure in SHARES else bound:g}"
            values[f"{each.figure}-sound"] = "on" if each.sound else ""
    return values


def _read_limits(queue: str, values: dict[str, str]) -> tuple[list[BoardLimit], dict[str, str]]:
    """The limits, and what is wrong with which field."""
    limits, problems = [], {}
    for name, more_is_worse in LIMITED.items():
        bounds: dict[str, float | None] = {}
        for part in ("warn", "alarm"):
            bound, problem = _number(values[f"{name}-{part}"], share=name in SHARES)
            bounds[part] = bound
            if problem:
                problems[f"{name}-{part}"] = problem
        warn, alarm = bounds["warn"], bounds["alarm"]
        if warn is not None and alarm is not None and (alarm <= warn if more_is_worse else alarm >= warn):
            problems[f"{name}-alarm"] = (
                _("The alarm must be higher than the warning.") if more_is_worse else _("The alarm must be lower than the warning.")
            )
        if warn is not None or alarm is not None:
            limits.append(BoardLimit(queue, name, warn, alarm, bool(values[f"{name}-sound"])))
    return limits, problems


def _number(text: str, *, share: bool) -> tuple[float | None, str]:
    if not text:
        return None, ""
    try:
        value = float(text) if re.fullmatch(r"[0-9]{1,8}([.][0-9]{1,3})?", text, re.ASCII) else math.nan
    except ValueError:
        value = math.nan
    most = 100.0 if share else LIMIT_MOST
    if not 0 <= value <= most:
        return None, _("A number from 0 to %(most)s, or nothing for no limit.", most=f"{most:.0f}")
    return (value / 100 if share else value), ""


# -- what the figures are ----------------------------------------------------------------------------------------------


def _figures() -> list[Shown]:
    """In the order of the board."""
    now = [
        ("waiting", _("Waiting"), _("Callers who wait for an agent now. Callbacks in line are not among them.")),
        ("longest_wait_seconds", _("Longest wait"), _("How long the one who has waited longest among those who wait now has waited.")),
        ("ready", _("Ready"), _("Agents who would get the next call.")),
        ("talks", _("Talking"), _("Talks that came from the queue and are not over.")),
        ("wrap_up", _("Wrap-up"), _("Agents who finish their work after a talk.")),
        ("away", _("Break"), _("Agents who are logged in and on a break, whatever the reason.")),
        ("callbacks_due", _("Callbacks due"), _("Callbacks that are to be made before midnight, those in line among them.")),
    ]
    labels = {
        "offered": _("Offered"),
        "answered": _("Answered"),
        "abandoned": _("Abandoned"),
        "service_level_ignored": _("Service level"),
        "average_handling_time": _("Handling time"),
    }
    return [
        *(Shown(*each) for each in now[:6]),
        *(Shown(name, labels[name], f"{labels[name]} = {in_words(FORMULAS[name].text)}") for name in COUNTED),
        Shown(*now[6]),
    ]


def in_words(formula: str) -> str:
    """A formula with what counters and figures are called in the language of the page."""
    words = _counters()
    return re.sub(r"[a-z_]+", lambda found: words.get(found.group(), found.group()), formula)


def _counters() -> dict[str, str]:
    return {
        "answered": _("answered"),
        "abandoned": _("hung up"),
        "short_abandon": _("hung up at once"),
        "timeout": _("waited too long"),
        "no_agent": _("no agent there"),
        "exit_key": _("left by key"),
        "voicemail": _("left a message"),
        "callback_requested": _("wanted a callback"),
        "flow_out": _("sent elsewhere"),
        "failed": _("failed"),
        "offered": _("offered"),
        "answered_within": _("answered in time"),
        "abandoned_within": _("hung up in time"),
        "handled": _("talks that are over"),
        "talk_seconds": _("seconds of talk"),
        "hold_seconds": _("seconds on hold"),
        "wrap_up_seconds": _("seconds of wrap-up"),
    }
