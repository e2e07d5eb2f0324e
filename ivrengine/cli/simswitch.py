"""``ivrengine simswitch``: the embedded switch as a process of its own, so that calls survive a restart of the engine."""

from __future__ import annotations

import logging
import os
import signal

import click
from gevent.event import Event

from ivrengine.config import Settings
from ivrengine.errors import SettingsError
from ivrengine.log import set_up
from ivrengine.simswitch.server import NotLoopback, SimSwitch

from .freeswitch_conf import TEMPLATES
from .fs import numbers_of_flows

PARENT_LOOK_SECONDS = 1.0
SHARD, CONTEXT = "ivr", "ivr"  # what the embedded switch's dialplan says
APOLOGY = TEMPLATES / "sounds" / "apology.wav"  # the one that a real switch's fallback says


@click.command()
@click.option("--speed", type=click.FloatRange(0.1, 1000), default=1.0, show_default=True, help="Simulated seconds per second.")
@click.option("--with-parent", is_flag=True, help="End when the process that has started it is gone, however that ended.")
@click.option("--verbose", is_flag=True, help="Log more.")
@click.pass_obj
def simswitch(settings: Settings, speed: float, with_parent: bool, verbose: bool) -> None:
    """Run the embedded switch on the host and port of [switch]: a FreeSWITCH to try things on, without real calls."""
    set_up(logging.DEBUG if verbose else logging.WARNING)
    server = embedded_switch(settings, speed)
    asked_to_stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.set())
    signal.signal(signal.SIGINT, lambda *_: asked_to_stop.set())
    try:
        server.start()
    except OSError as error:
        raise SettingsError(f"the embedded switch can't listen on {server.host}:{server.port}: {error.strerror}") from error
    click.echo(f"simulated switch on {server.host}:{server.port} - no real calls")
    parent = os.getppid()
    while not asked_to_stop.wait(PARENT_LOOK_SECONDS) and not (with_parent and os.getppid() != parent):
        pass
    server.stop()


def embedded_switch(settings: Settings, speed: float = 1.0) -> SimSwitch:
    """The switch of this site, not yet started, with the directory that its fallback records into. Raises SettingsError."""
    if (settings.switch.shard, settings.switch.context) != (SHARD, CONTEXT):
        raise SettingsError(f"the embedded switch knows the shard {SHARD} and the context {CONTEXT} only: change [switch]")
    password = settings.switch_password()
    if not password:
        raise SettingsError("the embedded switch needs a password: set switch.password or switch.password_file")
    try:
        settings.unclaimed_messages.mkdir(parents=True, exist_ok=True)
        return SimSwitch(
            settings.switch.host,
            settings.switch.port,
            password,
            sounds_dir=settings.prompts / settings.languages[0],
            recordings_dir=settings.unclaimed_messages,
            numbers=numbers_of_flows(settings.flows),
            speed=speed,
            domain=settings.switch.domain,
            apology=APOLOGY,
        )
    except OSError as error:
        raise SettingsError(f"{settings.unclaimed_messages} can't be made: {error.strerror}") from error
    except (NotLoopback, ValueError) as error:
        raise SettingsError(f"the embedded switch can't start: {error}") from error
