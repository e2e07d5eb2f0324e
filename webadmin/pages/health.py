"""For machines: whether the process lives, whether it takes calls, and its figures."""

from __future__ import annotations

from flask import Blueprint

from ..context import web

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> tuple[dict[str, object], int]:
    """200 while the link to the switch is up."""
    engine = web().engine
    up = engine.switch.connected
    return {"switch": "up" if up else "down", "calls": len(engine.reception.sessions)}, 200 if up else 503
