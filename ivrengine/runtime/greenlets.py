"""Greenlets that can't die unnoticed: a crash is logged with its trace and turns the process's exit code to 1."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gevent

log = logging.getLogger(__name__)


class Crew:
    """Spawns linked greenlets and remembers whether one has crashed."""

    def __init__(self) -> None:
        self.crashes = 0
        self._repeating: list[gevent.Greenlet] = []

    def spawn(self, work: Callable[..., Any], *args: Any) -> gevent.Greenlet:
        greenlet = gevent.spawn(work, *args)
        greenlet.link_exception(self._crashed)
        return greenlet

    def repeat(self, work: Callable[[], Any], every_seconds: float) -> gevent.Greenlet:
        """Do ``work`` again and again with a pause between; a failed turn is logged and does not end the repeating."""
        greenlet = self.spawn(self._repeat, work, every_seconds)
        self._repeating.append(greenlet)
        return greenlet

    def stop_repeating(self) -> None:
        """End all regular tasks."""
        gevent.killall(self._repeating)

    def _repeat(self, work: Callable[[], Any], every_seconds: float) -> None:
        while True:
            gevent.sleep(every_seconds)
            try:
                work()
            except Exception:
                log.exception("a regular task failed and will be tried again: %s", getattr(work, "__qualname__", work))

    def _crashed(self, greenlet: gevent.Greenlet) -> None:
        self.crashes += 1
        log.error("a greenlet has crashed: %s", greenlet.exception, exc_info=greenlet.exc_info)
