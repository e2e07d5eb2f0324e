"""``ivrengine voicemail``: the messages that callers left."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import BinaryIO

import click

from ..config import Settings
from ..storage.rows import SHORT_ID
from .records import lasting, opened, print_json, print_table, shown, when, zone_of

PLAYERS = (("aplay", "-q"), ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"))
COPY_BYTES = 1 << 20


@click.group()
def voicemail() -> None:
    """Messages that callers left, box by box."""


@voicemail.command("list")
@click.option("--box", default="", help="Only this box.")
@click.option("--unheard", is_flag=True, help="Only messages that nobody has listened to.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="At most so many, the newest.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table; times in UTC seconds.")
@click.pass_obj
def list_messages(settings: Settings, box: str, unheard: bool, limit: int, as_json: bool) -> None:
    """List messages, the newest first."""
    with opened(settings) as store:
        messages = store.messages.in_box(box, unheard_only=unheard, limit=limit)
    if as_json:
        print_json(messages)
        return
    zone = zone_of(settings)
    rows = [
        (
            message.message_id[:SHORT_ID],
            message.box,
            when(message.created_at, zone),
            lasting(message.duration_ms / 1000),
            message.number,
            message.name,
            message.callback_number,
            "yes" if message.urgent else "",
            when(message.heard_at, zone) or "new",
        )
        for message in messages
    ]
    columns = ("message", "box", "left", "length", "caller", "name", "call back", "urgent", "heard")
    print_table(columns, rows, "There are no such messages.")


@voicemail.command()
@click.argument("message_id")
@click.option("--out", type=click.File("wb"), help="Write the WAV to this file instead of playing it; - for standard output.")
@click.pass_obj
def play(settings: Settings, message_id: str, out: BinaryIO | None) -> None:
    """Play a message and mark it as heard.

    MESSAGE_ID is what `voicemail list` shows; its beginning will do. Where neither aplay nor ffplay is installed, it says
    where the file lies.
    """
    with opened(settings) as store:
        message = store.messages.get(message_id)
        path = Path(message.path).absolute()
        if message.deleted_at is not None:
            raise click.ClickException(f"the message was deleted on {when(message.deleted_at, zone_of(settings))}")
        if not path.is_file():
            raise click.ClickException(f"the message's file {shown(str(path))} is missing")
        if out is not None:
            _copy(path, out)
        else:
            _play(path)
        store.messages.mark_heard(message.message_id, time.time()).wait()


@voicemail.command()
@click.argument("message_ids", nargs=-1, required=True, metavar="MESSAGE_ID...")
@click.option("--yes", is_flag=True, help="Don't ask first.")
@click.pass_obj
def delete(settings: Settings, message_ids: tuple[str, ...], yes: bool) -> None:
    """Delete messages with their files. There is no way back.

    MESSAGE_ID is what `voicemail list` shows; its beginning will do. None is deleted when one of them is unknown.
    """
    with opened(settings) as store:
        messages = [store.messages.get(message_id) for message_id in message_ids]
        for message in messages:
            who = f"{message.number} {message.name}".strip() or "an unknown caller"
            click.echo(
                shown(f"{message.message_id[:SHORT_ID]}  {message.box}  {lasting(message.duration_ms / 1000)}  from {who}")
            )
        if not yes:
            click.confirm(f"Delete {len(messages)} for good?", abort=True)
        for message in messages:
            store.messages.delete(message.message_id, time.time())
    click.echo(f"{len(messages)} deleted.")


def _play(path: Path) -> None:
    for player, *options in PLAYERS:
        program = shutil.which(player)
        if program is not None:
            done = subprocess.run([program, *options, str(path)], stdin=subprocess.DEVNULL, check=False)
            if done.returncode != 0:
                raise click.ClickException(f"{player} could not play {shown(str(path))}; the message stays unheard")
            return
    click.echo(f"Neither aplay nor ffplay is installed; the message is in {shown(str(path))}")


def _copy(path: Path, out: BinaryIO) -> None:
    try:
        with path.open("rb") as file:
            shutil.copyfileobj(file, out, COPY_BYTES)
    except OSError as error:
        raise click.ClickException(f"{shown(str(path))} can't be written out: {error.strerror}") from error
