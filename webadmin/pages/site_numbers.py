"""The dialled numbers: which flow each leads to, where that is written, how often it was called today, and another flow for it.

A number's flow is changed in the drafts (``runtime/number_changes.py``) and reaches callers by publishing only.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response

from ivrengine.flow.flowset import Place
from ivrengine.flow.number_edit import CannotEdit
from ivrengine.runtime.dialled_numbers import Numbers, numbers_of
from ivrengine.runtime.drafts import BadDraft
from ivrengine.runtime.number_changes import NotGiven, NumberChanges

from ..context import auditor, user, web
from ..telling import in_words

NUMBER_LIMIT = 40
UNKNOWN_SHOWN = 20

blueprint = Blueprint("site_numbers", __name__, url_prefix="/site/numbers")


@blueprint.record_once
def _add_filters(state: Any) -> None:
    state.app.add_template_filter(_address_of, "flow_line")


def _address_of(place: Place) -> str:
    """Of the editor, at that line."""
    return url_for("flows.one", name=PurePosixPath(place.file).stem, _anchor=f"line-{place.line}")


@blueprint.get("/")
def index() -> str:
    return _page("")


@blueprint.post("/change")
def change() -> Response | tuple[str, int]:
    """Give a number to another flow, or to none: in the drafts."""
    engine = web().engine
    number, to = request.form.get("number", "").strip()[: NUMBER_LIMIT + 1], request.form.get("flow", "")
    try:
        flow = NumberChanges(engine.publisher, engine.drafts, engine.store, engine.clock).give(number, to, auditor())
    except (NotGiven, BadDraft, CannotEdit) as error:
        return _page(in_words(error)), 409
    publish = Markup('<a href="{}">{}</a>').format(url_for("flows.publish"), _("Look and publish"))
    if flow is None:
        flash(_("In the drafts the number %(number)s leads nowhere now.", number=number))
    else:
        flash(_("In the drafts the number %(number)s leads to %(flow)s now.", number=number, flow=flow.title))
    flash(Markup("{} {}").format(_("Callers notice nothing before you publish."), publish), "warning")
    return redirect(url_for("site_numbers.index"))


def _page(problem: str) -> str:
    engine, midnight = web().engine, _midnight()
    found = numbers_of(engine.publisher.published(), engine.publisher.draft(), engine.store.calls.dialled(midnight))
    return render_template(
        "site_numbers/index.html", found=found, problem=problem, may_change=user().may("admin"), number_limit=NUMBER_LIMIT,
        number=request.form.get("number", ""), chosen=request.form.get("flow", ""), differs=[row for row in found.rows if row.differs],
        unknown=_unknown(found, engine.store.alarms.counts("unknown_number", midnight)),
    )  # fmt: skip


def _unknown(found: Numbers, refused: dict[str, int]) -> list[tuple[str, int]]:
    """Numbers that were called today and that no flow has now, and how often."""
    counts = dict(found.unknown)  # of calls that a flow took which has lost its number since
    for number, count in refused.items():
        counts[number] = counts.get(number, 0) + count
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:UNKNOWN_SHOWN]


def _midnight() -> float:
    return datetime.fromtimestamp(web().now(), web().zone).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
