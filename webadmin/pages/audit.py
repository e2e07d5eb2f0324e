"""Who changed what, with what was so before; and who logged in from where. Nothing can be changed here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Flask, render_template, request
from flask_babel import gettext as _

from ivrengine.storage.audit import AuditRow

from ..context import web

ROWS = 50  # on one page
LAST_ID = 2**62  # more than any row's
FEW = 4  # changed fields that are shown unfolded
VALUE_LIMIT = 500  # characters of one value that are shown

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a row's before and after; ``field`` is "" where they are plain texts."""

    field: str
    before: str
    after: str


@blueprint.record_once
def _add_filters(state: Any) -> None:
    app: Flask = state.app
    app.add_template_filter(changes_of, "changes_of")
    app.add_template_filter(log_in_result, "log_in_result")


@blueprint.get("/")
def index() -> str:
    who, target = request.args.get("who", "").strip(), request.args.get("target", "").strip()
    before = request.args.get("before", 0, type=int)
    since, until = _day(request.args.get("day", ""))
    rows = web().engine.store.audit.recent(
        since=since, until=until, who=who, target=target, before_id=min(max(0, before), LAST_ID), limit=ROWS + 1
    )
    return render_template(
        "audit/index.html", rows=rows[:ROWS], more=rows[ROWS - 1].audit_id if len(rows) > ROWS else 0, who=who, target=target,
        day=request.args.get("day", "") if until else "", few=FEW,
    )  # fmt: skip


@blueprint.get("/log-ins")
def log_ins() -> str:
    name = request.args.get("name", "").strip()
    return render_template("audit/log_ins.html", rows=web().engine.store.log_ins.recent(name=name, limit=ROWS), name=name)


def changes_of(row: AuditRow) -> list[Change]:
    """What has changed, field by field where both sides are records."""
    before, after = _value(row.before), _value(row.after)
    if isinstance(before, dict) or isinstance(after, dict):
        before = before if isinstance(before, dict) else {}
        after = after if isinstance(after, dict) else {}
        names = [name for name in sorted({*before, *after}) if (before.get(name) or "") != (after.get(name) or "")]
        return [Change(name, _shown(before.get(name)), _shown(after.get(name))) for name in names]
    return [Change("", _shown(before), _shown(after))] if before or after else []


def log_in_result(result: str) -> str:
    return {
        "ok": _("logged in"),
        "wrong": _("wrong password"),
        "locked": _("locked out"),
        "ended": _("left"),
        "unknown": _("unknown name"),
        "disabled": _("disabled user"),
    }.get(result, result)


def _value(text: str) -> Any:
    try:
        return json.loads(text) if text.startswith("{") else text
    except ValueError:  # cut at the limit of a row, or a text that begins so
        return text


def _shown(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_LIMIT else text[:VALUE_LIMIT] + "…"


def _day(text: str) -> tuple[float, float]:
    """UTC seconds of a day of the site's zone; (0, 0) for none."""
    try:
        began = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=web().zone)
        return began.timestamp(), (began + timedelta(days=1)).timestamp()
    except (ValueError, OverflowError):
        return 0.0, 0.0
