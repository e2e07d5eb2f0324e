"""``ivrengine serve``: the engine itself, until it is told to stop.

Signals set a flag and nothing more; the loop below acts on it. SIGTERM and SIGINT drain (a second one stops at once), SIGHUP
reads the prompts again and publishes the files of the flows.
"""

from __future__ import annotations

import logging
import os
import signal
import sys

import click
from gevent.event import Event

from ivrengine.app import Engine
from ivrengine.config import STOCK_PASSWORD, Settings
from ivrengine.errors import SettingsError
from ivrengine.flow.finding import errors
from ivrengine.log import note, set_up
from ivrengine.memory import LOOK_SECONDS, collect_when_quiet, settle
from ivrengine.prompts.names import path_problem

from .pages import Pages

log = logging.getLogger(__name__)


class Orders:
    """What signals have asked for since the last look."""

    def __init__(self) -> None:
        self.asked = Event()
        self.stop = 0
        self.reload = False
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)

    def _on_stop(self, *_: object) -> None:
        self.stop += 1
        self.asked.set()

    def _on_reload(self, *_: object) -> None:
        self.reload = True
        self.asked.set()


def wait_for_stop(engine: Engine, orders: Orders) -> None:
    """Until a stop is ordered; reloads when asked to."""
    settle()
    engine.crew.repeat(lambda: collect_when_quiet(len(engine.reception.sessions)), LOOK_SECONDS)
    while not orders.stop:
        orders.asked.wait()
        orders.asked.clear()
        if orders.reload:
            orders.reload = False
            reload(engine)


def run(engine: Engine, orders: Orders) -> int:
    """Serve until a stop is ordered, then let calls end; gives the exit code."""
    wait_for_stop(engine, orders)
    note(log, "stopping: calls may end by themselves", calls=len(engine.reception.sessions))
    engine.crew.spawn(_second_stop, orders)
    return engine.stop()


def reload(engine: Engine) -> None:
    """Whatever is wrong with the files or the disk, the calls go on with what is in force."""
    try:
        if errors(engine.reload()):
            log.error("the files have errors; the set of flows in force stays")
    except Exception:
        log.exception("flows and prompts could not be loaded again; those in force stay")


def _second_stop(orders: Orders) -> None:
    """Asked twice: don't wait for calls any longer. What is up is adopted by the next start, or goes to the fallback."""
    while orders.stop < 2:
        orders.asked.wait()
        orders.asked.clear()
    log.warning("stopping at once; calls stay on the switch for the next start")
    sys.stderr.flush()
    os._exit(1)


def need_plain_paths(settings: Settings) -> None:
    """Paths of prompts and recordings go into the switch's commands: told at the start, not to the first caller."""
    for path, fix in (
        (settings.prompts, "move the site to another directory"),
        (settings.data, "set `data` at the top of ivrengine.toml to another directory, or IVRENGINE_DATA"),
    ):
        problem = path_problem(str(path))
        if problem:
            raise SettingsError(f"{problem}; {fix}")


@click.command()
@click.option("--verbose", is_flag=True, help="Log more.")
@click.pass_obj
def serve(settings: Settings, verbose: bool) -> None:
    """Take calls from the switch until stopped."""
    set_up(logging.DEBUG if verbose else logging.INFO)
    need_plain_paths(settings)
    if settings.switch_password() in ("", STOCK_PASSWORD):
        raise SettingsError(
            "the event socket's password is empty or the stock one; set switch.password_file to the file that "
            "`ivrengine fs render` wrote, or switch.password, in ivrengine.toml"
        )
    pages = Pages(settings.web.host, settings.web.port) if settings.web.port else None
    engine = Engine(settings)
    orders = Orders()
    engine.start()
    if pages is not None:
        pages.open(engine)
    code = run(engine, orders)
    if pages is not None:
        pages.close()
    sys.exit(code)
