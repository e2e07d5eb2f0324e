"""``ivrengine calls``: who rang, and what each caller did step by step."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from ..config import Settings
from ..storage.rows import SHORT_ID
from .records import lasting, moment, opened, print_json, print_table, shown, when, zone_of


@click.group()
def calls() -> None:
    """Calls that reached the engine, and their traces."""


@calls.command("list")
@click.option("--since", default="", metavar="TIME", help="Begun at or after: 2026-10-01, '2026-10-01 21:30', or 2h or 7d ago.")
@click.option("--until", default="", metavar="TIME", help="Begun before; written like --since.")
@click.option("--number", default="", help="Only this caller; 029* for all that begin so.")
@click.option("--dialled", default="", help="Only calls to this number; 4008* for all that begin so.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many, the newest.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table; times in UTC seconds.")
@click.pass_obj
def list_calls(settings: Settings, since: str, until: str, number: str, dialled: str, limit: int, as_json: bool) -> None:
    """List calls, the newest first."""
    zone, now = zone_of(settings), time.time()
    with opened(settings) as store:
        found = store.calls.recent(
            since=moment(since, zone, now) if since else None,
            until=moment(until, zone, now) if until else None,
            number=number,
            dialled=dialled,
            limit=limit,
        )
    if as_json:
        print_json(found)
        return
    rows = [
        (
            call.call_id[:SHORT_ID],
            when(call.started_at, zone),
            call.number,
            call.name,
            call.dialled,
            call.flow,
            lasting(call.duration_seconds) if call.ended_at is not None else "no end yet",
            call.ended_by,
            call.outcome,
        )
        for call in found
    ]
    columns = ("call", "began", "caller", "name", "dialled", "flow", "duration", "ended by", "outcome")
    print_table(columns, rows, "There are no such calls.")


@calls.command()
@click.argument("call_id")
@click.option("--json", "as_json", is_flag=True, help="The call with its steps and recordings as JSON; times in UTC seconds.")
@click.pass_obj
def show(settings: Settings, call_id: str, as_json: bool) -> None:
    """Show one call and every step of it: what was chosen, how long it took, what came of it.

    CALL_ID is what `calls list` shows; its beginning will do.
    """
    with opened(settings) as store:
        call = store.calls.get(call_id)
        steps = store.steps.of_call(call.call_id)
        recordings = store.recordings.of_call(call.call_id)
    if as_json:
        print_json({**asdict(call), "steps": [asdict(step) for step in steps], "recordings": [asdict(one) for one in recordings]})
        return
    zone = zone_of(settings)
    end = f"{when(call.ended_at, zone)} after {lasting(call.duration_seconds)}" if call.ended_at is not None else "no end yet"
    for name, value in (
        ("call", call.call_id),
        ("caller", f"{call.number} {call.name}".strip()),
        ("dialled", call.dialled),
        ("flow", f"{call.flow} at {call.flow_version[:SHORT_ID]}"),
        ("began", when(call.started_at, zone)),
        ("answered", when(call.answered_at, zone) or "not answered"),
        (
            "ended",
            " ".join(part for part in (end, call.ended_by and f"by {call.ended_by}", call.cause and f"({call.cause})") if part),
        ),
        ("outcome", call.outcome),
        *(("recording", f"{one.name}: {one.path} ({lasting(one.duration_ms / 1000)})") for one in recordings),
    ):
        click.echo(f"{name:>9}  {shown(value)}")
    rows = [
        (
            step.sequence,
            when(step.entered_at, zone)[-8:],
            step.flow,
            step.step,
            step.verb,
            step.key,
            step.label,
            step.outcome,
            lasting(step.left_at - step.entered_at),
            step.detail,
        )
        for step in steps
    ]
    columns = ("#", "at", "flow", "step", "does", "key", "choice", "outcome", "took", "detail")
    print_table(columns, rows, "No step of it has been written down.")
