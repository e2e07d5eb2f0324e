"""Errors that a person reads. Each class's docstring is the default sentence."""

from __future__ import annotations


class IvrEngineError(Exception):
    """Something went wrong in the engine."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class SettingsError(IvrEngineError):
    """The settings can't be used."""
