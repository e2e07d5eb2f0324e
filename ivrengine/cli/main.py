"""The command ``ivrengine``: one file per command group, imported only when it is asked for."""

from __future__ import annotations

import codecs
import importlib
import io
import logging
import sys

import click

from ivrengine import __version__
from ivrengine.config import load_settings
from ivrengine.errors import IvrEngineError

# command -> module that has it, under the same name
COMMANDS = {
    "agents": "ivrengine.cli.agents",
    "announcements": "ivrengine.cli.announcements",
    "blacklist": "ivrengine.cli.blacklist",
    "call": "ivrengine.cli.call",
    "callbacks": "ivrengine.cli.callbacks",
    "calls": "ivrengine.cli.calls",
    "customers": "ivrengine.cli.customers",
    "demo": "ivrengine.cli.demo",
    "doctor": "ivrengine.cli.doctor",
    "flow": "ivrengine.cli.flow",
    "fs": "ivrengine.cli.fs",
    "hours": "ivrengine.cli.hours",
    "prompts": "ivrengine.cli.prompts",
    "queues": "ivrengine.cli.queues",
    "report": "ivrengine.cli.reports",
    "serve": "ivrengine.cli.serve",
    "simswitch": "ivrengine.cli.simswitch",
    "site": "ivrengine.cli.site",
    "supervise": "ivrengine.cli.supervise",
    "users": "ivrengine.cli.users",
    "voicemail": "ivrengine.cli.voicemail",
}


class Commands(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        module = COMMANDS.get(name)
        return getattr(importlib.import_module(module), name) if module else None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--site",
    type=click.Path(exists=True, file_okay=False),
    default=".",
    envvar="IVRENGINE_SITE",
    show_default="the current directory",
    help="Directory with flows/, prompts/ and ivrengine.toml.",
)
@click.version_option(__version__, prog_name="ivrengine")
@click.pass_context
def cli(context: click.Context, site: str) -> None:
    """A call-centre engine: callers walk flows written in YAML, on FreeSWITCH or on the embedded switch."""
    context.obj = load_settings(site)


def speak_any_language() -> None:
    """Texts of prompts are Chinese. A terminal whose locale says nothing (ASCII) gets UTF-8, any other what it can show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            ascii_only = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding="utf-8" if ascii_only else stream.encoding, errors="replace")


def main() -> None:
    """Run a command; errors that a person can mend are one sentence, not a stack."""
    # What a command says to a person it says itself; only those that run on (serve, demo) send the log to the terminal.
    logging.getLogger().addHandler(logging.NullHandler())
    speak_any_language()
    try:
        cli(prog_name="ivrengine")
    except IvrEngineError as error:
        click.echo(f"ivrengine: {error}", err=True)
        sys.exit(1)
    except OSError as error:  # a full disk, a directory of somebody else: nothing that a stack would explain
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"ivrengine: {place}{error.strerror or error}", err=True)
        sys.exit(1)
