"""``ivrengine fs``: FreeSWITCH's configuration from this site's settings.

The group expects the settings as ``context.obj``. Never overwrites what it did not write, and has no option that would.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click
import yaml

from ..config import Settings
from ..errors import IvrEngineError
from . import freeswitch_conf


def numbers_of_flows(flows: Path) -> list[str]:
    """The dialled numbers that the flows in ``flows`` serve, as their ``numbers:`` say; nothing else of them is checked."""
    numbers: list[str] = []
    for path in sorted(flows.glob("*.yml")):
        try:
            document = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise freeswitch_conf.RenderError(f"{path} can't be read; `ivrengine flow check` says what is wrong with it") from error
        listed = document.get("numbers", []) if isinstance(document, dict) else []
        if not isinstance(listed, list) or not all(isinstance(number, str) for number in listed):
            raise freeswitch_conf.RenderError(f"{path}: `numbers` must be a list of numbers")
        numbers.extend(listed)
    return numbers


def _split(_context: click.Context, _parameter: click.Parameter, value: str | None) -> list[str] | None:
    return None if value is None else [part.strip() for part in value.split(",") if part.strip()]


def _port_range(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    first, dash, last = value.partition("-")
    if not (dash and first.isdecimal() and last.isdecimal()):
        raise click.BadParameter("two ports with a dash between them, e.g. 16384-32766")
    return int(first), int(last)


@click.group()
def fs() -> None:
    """FreeSWITCH's configuration."""


@fs.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Where the configuration goes.")
@click.option("--sip-ip", help="Address on which SIP and speech are served.  [freeswitch.sip_ip]")
@click.option("--sip-port", type=click.IntRange(1, 65535), help="Port of the phones.  [freeswitch.phones_port]")
@click.option("--trunk-port", type=click.IntRange(1, 65535), help="Port of the trunk.  [freeswitch.trunk_port]")
@click.option(
    "--rtp",
    "rtp_ports",
    callback=_port_range,
    metavar="FIRST-LAST",
    help="Ports for speech.  [freeswitch.rtp_first_port, rtp_last_port]",
)
@click.option("--esl-port", type=click.IntRange(1, 65535), help="Port of the event socket.  [switch.port]")
@click.option("--phones", callback=_split, metavar="8001,8002", help="Extensions of the phones.  [freeswitch.phones]")
@click.option(
    "--numbers",
    callback=_split,
    metavar="02988880001,4008*",
    help="Dialled numbers that go to the engine; the flows' own without it.",
)
@click.pass_obj
def render(
    settings: Settings,
    out: Path,
    sip_ip: str | None,
    sip_port: int | None,
    trunk_port: int | None,
    rtp_ports: tuple[int, int] | None,
    esl_port: int | None,
    phones: list[str] | None,
    numbers: list[str] | None,
) -> None:
    """Fill FreeSWITCH's configuration from the settings.

    Passwords are made on the first run and kept afterwards. Files that this command did not write, or that were changed
    since, are never overwritten: it names them and writes nothing.
    """
    try:
        ours = settings.freeswitch
        ours.sip_ip = sip_ip or ours.sip_ip
        ours.phones_port = sip_port or ours.phones_port
        ours.trunk_port = trunk_port or ours.trunk_port
        ours.rtp_first_port, ours.rtp_last_port = rtp_ports or (ours.rtp_first_port, ours.rtp_last_port)
        ours.phones = ours.phones if phones is None else phones
        settings.switch.port = esl_port or settings.switch.port
        plan = render_to(settings, out.absolute(), numbers_of_flows(settings.flows) if numbers is None else numbers)
    except IvrEngineError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{plan.out}: {len(plan.written)} files written, {len(plan.unchanged)} unchanged, {len(plan.removed)} removed.")
    click.echo(next_steps(settings, plan.out))


def render_to(settings: Settings, out: Path, numbers: Sequence[str]) -> freeswitch_conf.Plan:
    """Render and write to ``out`` (an absolute path); make the directory for unclaimed messages. Raises RenderError."""
    passwords = freeswitch_conf.passwords_in(out, settings)
    plan = freeswitch_conf.plan(out, freeswitch_conf.render(settings, numbers, passwords))
    freeswitch_conf.write(plan)
    try:
        settings.unclaimed_messages.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise freeswitch_conf.RenderError(f"{settings.unclaimed_messages} can't be made: {error.strerror}") from error
    return plan


def next_steps(settings: Settings, out: Path) -> str:
    """What the administrator does now, as text."""
    ours = settings.freeswitch
    lines = [
        "Next:",
        f"  1. In {settings.site / 'ivrengine.toml'}, under [switch]:",
        f"       port = {settings.switch.port}",
        f'       password_file = "{out / freeswitch_conf.ESL_PASSWORD_FILE}"',
        "  2. Start FreeSWITCH with it (with -log, -db and -run DIR where it may not write to the usual ones):",
        f"       freeswitch -nonat -nc -conf {shlex.quote(str(out))}",
        "     Run it as the engine's user, or let its user read that directory and write to",
        f"       {settings.unclaimed_messages}",
        f"  3. Phones register at {ours.sip_ip}:{ours.phones_port}, domain {settings.switch.domain};",
        f"     their passwords are in {out / freeswitch_conf.PASSWORDS}. The trunk sends calls to port {ours.trunk_port}",
        f"     from {', '.join(ours.trunk_addresses) or 'nowhere: set freeswitch.trunk_addresses'}.",
        f"  4. ivrengine --site {shlex.quote(str(settings.site))} doctor",
    ]
    return "\n".join(lines)
