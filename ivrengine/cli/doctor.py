"""``ivrengine doctor``: is everything there that calls need? Exit code 0 when nothing failed, 1 otherwise."""

from __future__ import annotations

import datetime
import sys
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from ..config import Settings
from ..domain.caller import CallInfo
from ..domain.events import CallEvent
from ..errors import IvrEngineError
from ..esl.switch import ChannelState, Switch
from .call_centre_checks import check_call_centre
from .checks import Finding, as_json, check_site, check_switch
from .fs import numbers_of_flows

CONNECT_SECONDS = 5.0
NO_CALLS = "doctor-looks-only"  # presence data that no call carries: the engine's calls are none of our business
_SIGNS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "failure": "[red]failed[/]", "skipped": "[dim]skipped[/]"}


class _Onlooker:
    """Listens to the switch and wants nothing of it."""

    def call_offered(self, call: CallInfo, channel: ChannelState) -> None:
        """Not ours."""

    def call_event(self, call_id: str, event: CallEvent) -> None:
        """Not ours."""

    def switch_connected(self, core_uuid: str, channels: list[ChannelState]) -> None:
        """Asked for by wait_connected."""

    def switch_lost(self, reason: str) -> None:
        """The next question fails and says so."""


@click.command()
@click.option("--json", "as_text", is_flag=True, help="Print the findings as JSON.")
@click.pass_obj
def doctor(settings: Settings, as_text: bool) -> None:
    """Check the switch, the password, modules, directories, disk, clock, database, prompts, queues and PINs.

    Each failure prints what mends it. The exit code is 1 when something failed; warnings don't count.
    """
    findings = diagnose(settings, datetime.datetime.now(datetime.UTC))
    if as_text:
        click.echo(as_json(findings))
    else:
        _print(findings)
    sys.exit(any(finding.level == "failure" for finding in findings))


def diagnose(settings: Settings, now: datetime.datetime) -> list[Finding]:
    """All findings; ``now`` is aware. Connects to the switch and leaves it again."""
    findings = [*check_site(settings, now), *check_call_centre(settings, now.timestamp())]
    try:
        numbers = numbers_of_flows(settings.flows)
        password = settings.switch_password()
    except IvrEngineError as error:
        return [*findings, Finding("switch", "skipped", f"not asked: {error}")]
    switch = Switch(settings.switch.host, settings.switch.port, password, _Onlooker(), shard=NO_CALLS)
    switch.start()
    try:
        if switch.wait_connected(CONNECT_SECONDS):
            return [*findings, *check_switch(settings, switch, numbers, now)]
        place = f"{settings.switch.host}:{settings.switch.port}"
        return [
            *findings,
            Finding("switch", "failure", f"no connection to the switch at {place}: {switch.last_error}", _fix(settings, switch.last_error)),
        ]
    finally:
        switch.stop()


def _fix(settings: Settings, error: str) -> str:
    if "refused our password" in error:
        given = "switch.password" if settings.switch.password else f"the file {settings.site / settings.switch.password_file}"
        return f"write the password of FreeSWITCH's autoload_configs/event_socket.conf.xml into {given}"
    return (
        f"start FreeSWITCH with the configuration of `ivrengine --site {settings.site} fs render --out DIR`, and take [switch] "
        "port and password_file in ivrengine.toml from what it prints; `ivrengine demo` needs no FreeSWITCH"
    )


def _print(findings: list[Finding]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for finding in findings:
        console.print(f"{_SIGNS[finding.level]:<18} [bold]{finding.check}[/]: {escape(finding.sentence)}")
        if finding.fix:
            console.print(f"         fix: {escape(finding.fix)}")
    failed = sum(finding.level == "failure" for finding in findings)
    summary: dict[bool, Any] = {
        True: f"[red]{failed} of {len(findings)} checks failed.[/]",
        False: "[green]Everything calls need is there.[/]",
    }
    console.print(summary[failed > 0])
