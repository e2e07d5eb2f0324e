"""``ivrengine demo``: the engine on the embedded switch with simulated agents, a first call placed by itself, all shown as it happens.

The switch is a process of its own: the engine may be stopped and started again while calls are up. Its address and password
are left in ``data/demo.json`` (readable by this user only) for ``ivrengine call --live``.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

import click
import gevent

from ivrengine.app import Engine
from ivrengine.config import Settings
from ivrengine.errors import IvrEngineError, SettingsError
from ivrengine.log import set_up

from .demo_agents import DemoAgents
from .live import DEMO_FILE, Teller, place_call
from .pages import Pages
from .serve import Orders, need_plain_paths, wait_for_stop
from .simswitch import CONTEXT as EMBEDDED_CONTEXT
from .simswitch import SHARD as EMBEDDED_SHARD
from .site import bring_sample

START_SECONDS = 20.0
ANY_NUMBER = [f"{digit}*" for digit in range(10)]
FIRST_CALL_FROM = "13800138000"
FIRST_CALL_KEYS = "2 1 w4s hangup"


class DemoFailed(IvrEngineError):
    """The demo could not be started."""


@click.command()
@click.option("--number", help="The number that the first call dials.  [the first flow's first number]")
@click.option("--keys", default=FIRST_CALL_KEYS, show_default=True, help="What the first caller presses.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port of the page; 0 takes a free one."
)
@click.option("--once", is_flag=True, help="End after the first call.")
@click.pass_obj
def demo(settings: Settings, number: str | None, keys: str, port: int, once: bool) -> None:
    """Start everything on the embedded switch, place a call and stay up for more.

    A site without queues and agents gets those of its site.yml. Its agents are simulated: they answer whoever waits for a person.
    """
    set_up(level=logging.ERROR)  # what happens to calls is told below in other words; warnings stand on the pages of alarms and flows
    need_plain_paths(settings)
    settings.switch.host, settings.switch.port = "127.0.0.1", _free_port()
    settings.switch.password, settings.switch.password_file = secrets.token_urlsafe(16), ""
    settings.switch.shard, settings.switch.context = EMBEDDED_SHARD, EMBEDDED_CONTEXT
    settings.engine.outside_numbers = settings.engine.outside_numbers or ANY_NUMBER  # nobody real is called
    if bring_sample(settings, time.time()):
        click.echo("Queues and agents of site.yml are in the database now.")
    pages = _take_port(port)
    engine = Engine(settings)
    orders = Orders()
    switch = _start_switch(settings)
    try:
        _wait_for_switch(settings, switch)
        engine.news.watch(Teller(engine).tell)
        engine.start()
        if not engine.switch.wait_connected(START_SECONDS):
            raise DemoFailed(f"the embedded switch let nobody in within {START_SECONDS:g} s: {engine.switch.last_error}")
        _leave_address(settings)
        agents = _seat_agents(engine)
        pages.open(engine, secrets.token_urlsafe(16), simulated=True)
        number = _number(engine, number)
        click.secho("Simulated switch - no real calls. A first call is placed now.", bold=True)
        call_id = place_call(engine.switch, number, FIRST_CALL_FROM, keys)
        if once:
            _wait_for_end(engine, call_id, orders)
        else:
            _invite(number, agents)
            wait_for_stop(engine, orders)
            click.echo("Stopping; whoever is still calling is hung up on.")
    finally:
        with contextlib.suppress(OSError):
            (settings.data / DEMO_FILE).unlink()
        engine.stop(drain_seconds=0.0)
        pages.close()
        switch.terminate()
        switch.wait()


def _seat_agents(engine: Engine) -> int:
    """As soon as the queues are as an earlier demo has left them; how many agents are there."""
    deadline = time.monotonic() + START_SECONDS
    while not engine.call_centre.recovery.done:
        if time.monotonic() > deadline:
            raise DemoFailed(f"the queues were not ready within {START_SECONDS:g} s")
        gevent.sleep(0.05)
    agents = DemoAgents(engine, random.Random())
    seated = agents.seat()
    agents.start()
    return seated


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _start_switch(settings: Settings) -> subprocess.Popen[bytes]:
    """The switch learns its password from the environment: a command line is readable by everybody."""
    environment = {
        **os.environ,
        "IVRENGINE_SWITCH_HOST": settings.switch.host,
        "IVRENGINE_SWITCH_PORT": str(settings.switch.port),
        "IVRENGINE_SWITCH_PASSWORD": settings.switch.password,
        "IVRENGINE_DATA": str(settings.data),
    }
    command = [sys.executable, "-m", "ivrengine", "--site", str(settings.site), "simswitch", "--with-parent"]
    return subprocess.Popen(command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL)


def _wait_for_switch(settings: Settings, switch: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection((settings.switch.host, settings.switch.port), 1.0).close()
            return
        except OSError as error:
            if switch.poll() is not None:
                raise DemoFailed("the embedded switch ended at once; what it said stands above") from error
            if time.monotonic() > deadline:
                raise DemoFailed(f"the embedded switch did not answer within {START_SECONDS:g} s") from error
            gevent.sleep(0.05)


def _leave_address(settings: Settings) -> None:
    path = settings.data / DEMO_FILE
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"host": settings.switch.host, "port": settings.switch.port, "password": settings.switch.password}, file)


def _take_port(port: int) -> Pages:
    """On loopback. A taken port is replaced by a free one."""
    try:
        return Pages("127.0.0.1", port)
    except SettingsError:
        return Pages("127.0.0.1", 0)


def _number(engine: Engine, wished: str | None) -> str:
    if wished is not None:
        if engine.library.for_number(wished) is None:
            raise DemoFailed(f"no flow has the number {wished}")
        return wished
    numbers = [n for flow in engine.library.flows.flows.values() for n in flow.numbers if not n.endswith("*")]
    if not numbers:
        raise DemoFailed("no flow has a number to dial")
    return numbers[0]


def _wait_for_end(engine: Engine, call_id: str, orders: Orders) -> None:
    """Until the call has come in and is over, or a stop is ordered."""
    came_in = False
    while not orders.stop and not (came_in and call_id not in engine.reception.sessions):
        came_in = came_in or call_id in engine.reception.sessions
        gevent.sleep(0.05)


def _invite(number: str, agents: int) -> None:
    command = Path("scripts/ivrengine")
    click.echo("Call a line yourself, in the page:     log in, then Try; keys and speech work, 0 leads to a person")
    click.echo(f"...or from another terminal:           ./{command} call --live {number}")
    if agents:
        click.echo(f"Watch {agents} simulated agents at work:    Wallboard in the page, or ./{command} queues watch")
    click.echo("Stop with Ctrl-C.\n")
