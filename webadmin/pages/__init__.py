"""One module a page, each with a ``blueprint``; named here, and its endpoints in the table of rights.py."""

from __future__ import annotations

from importlib import import_module

from flask import Flask

PAGES = (
    "log_in",
    "account",
    "calls",
    "try_out",
    "flows",
    "console",
    "prompts",
    "prompts_record",
    "site",
    "site_calendars",
    "site_calendar_drafts",
    "site_blacklist",
    "site_voicemail",
    "site_announcements",
    "site_numbers",
    "board",
    "supervisor",
    "alarms",
    "recordings",
    "reports",
    "health",
    "users",
    "audit",
)

# Now, before any call is up, and not with the first request.
_MODULES = [import_module(f"{__name__}.{name}") for name in PAGES]


def register(app: Flask) -> None:
    for module in _MODULES:
        app.register_blueprint(module.blueprint)
