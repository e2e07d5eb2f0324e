"""One module a page, each with a ``blueprint``; named here, and its endpoints in the table of rights.py."""

from __future__ import annotations

from importlib import import_module

from flask import Flask

PAGES = (
    "log_in",
    "account",
    "calls",
    "flows",
    "console",
    "health",
    "users",
    "audit",
)


def register(app: Flask) -> None:
    for name in PAGES:
        app.register_blueprint(import_module(f"{__name__}.{name}").blueprint)
