"""What a scenario may ask for, whichever switch serves it.

A bench holds a site directory, a switch, callers, phones and an engine as a process of its own. ``freeswitch_bench.py`` is a real
FreeSWITCH with sipp and baresip, ``sim_bench.py`` the embedded switch; a scenario written against this file runs on both.

A script is a list of items with one key each: ``{"wait": seconds}``, ``{"press": "12#"}``, ``{"after_prompt": True}`` (until a prompt
that plays, or the next one, has ended and 0.3 s were quiet), ``{"press_after_prompt": "1"}``, ``{"until_recording": True}``,
``{"speak": path}``, ``{"hangup": True}``. It begins when the call is answered; a caller whose script has ended stays on the line.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from .engine import EngineProcess

Script = Sequence[Mapping[str, Any]]
Dtmf = Literal["rfc2833", "info"]


class CallHandle(Protocol):
    """One caller. What waits raises AssertionError when its time is over."""

    def wait_answered(self, timeout: float = 10.0) -> object: ...

    def wait_ended(self, timeout: float = 60.0) -> str:
        """``left`` (the caller hung up), ``released`` (the switch did) or ``refused`` (never answered)."""
        ...

    def wait_heard(self, prompt: Path | str, timeout: float = 20.0) -> float:
        """Until the beginning of a WAV was heard. Returns when, in seconds since the answer (FreeSWITCH) or the call's start."""
        ...

    def wait_prompt_ended(self, timeout: float = 60.0) -> None: ...
    def has_heard(self, prompt: Path | str) -> bool: ...
    def press(self, keys: str) -> None: ...
    def speak(self, path: Path | str) -> None: ...
    def hang_up(self) -> None: ...


class PhoneHandle(Protocol):
    """One phone of the house; several may be registered at once. What is done with a call is done with the latest one."""

    extension: str

    def wait_ringing(self, timeout: float = 15.0) -> None: ...
    def wait_talking(self, timeout: float = 15.0) -> None:
        """Until a call is answered, by either side."""
        ...

    def wait_idle(self, timeout: float = 15.0) -> None:
        """Until the phone has no call."""
        ...

    def dial(self, number: str) -> None:
        """Place a call, beside one that is up."""
        ...

    def press(self, keys: str) -> None: ...
    def speak(self, path: Path | str) -> None:
        """Say a WAV, from now on."""
        ...

    def hold(self, on: bool) -> None:
        """The phone's own hold key."""
        ...

    def transfer(self, number: str) -> None:
        """The phone's own transfer key, blind."""
        ...

    def join(self) -> None:
        """The phone's own transfer key, attended: its two calls are connected with each other, and it has none any more."""
        ...

    def join_ringing(self) -> None:
        """The same while the second of them still rings at the other end."""
        ...

    def hang_up(self) -> None: ...
    def has_heard(self, prompt: Path | str) -> bool:
        """In any of its calls."""
        ...


class Bench(Protocol):
    """``site`` is the engine's; its flows and prompts are put there before ``start``. A context manager: leaving it ends everything."""

    site: Path
    name: Literal["freeswitch", "simswitch"]
    engine: EngineProcess

    @property
    def switch_logs(self) -> Sequence[Path]:
        """What the switch has written down."""
        ...

    def start(self) -> Any:
        """Start the switch, not the engine: ``engine.start()`` does that."""
        ...

    def stop(self) -> None: ...
    def __enter__(self) -> Any: ...
    def __exit__(self, *exc_info: object) -> None: ...
    def api(self, command: str) -> str:
        """Ask the switch itself."""
        ...

    def call(self, number: str, from_: str = "13800138000", name: str = "", script: Script = (), dtmf: Dtmf = "rfc2833") -> Any:
        """A call from outside; returns a CallHandle. ``dtmf`` makes no difference on the embedded switch."""
        ...

    def phone(
        self, extension: str, behaviour: Literal["answer", "no_answer", "reject"] = "answer",
        *, after_seconds: float = 0.5, talk_seconds: float | None = None,
    ) -> Any:  # fmt: skip
        """Register a phone (a PhoneHandle), or change how one behaves that is registered. One that was never asked for is not
        registered."""
        ...

    @property
    def unclaimed_messages(self) -> Path: ...


class SiteDatabase:
    """Reads the site's database beside the engine that writes it."""

    def __init__(self, site: Path) -> None:
        self.path = site / "data/ivrengine.db"

    def rows(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """No rows where the database isn't there yet."""
        if not self.path.exists():
            return []
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, parameters)]

    def calls(self) -> list[dict[str, Any]]:
        return self.rows("select * from calls order by started_at")

    def steps(self, call_id: str) -> list[dict[str, Any]]:
        return self.rows("select * from steps where call_id = ? order by sequence", call_id)

    def messages(self) -> list[dict[str, Any]]:
        return self.rows("select * from messages where deleted_at is null order by created_at")

    def wait(
        self, read: Callable[[SiteDatabase], list[dict[str, Any]]], count: int = 1, timeout: float = 10.0
    ) -> list[dict[str, Any]]:
        """Until ``read`` gives at least ``count`` rows. Raises AssertionError."""
        for rows in _tries(lambda: read(self), timeout):
            if len(rows) >= count:
                return rows
        raise AssertionError(f"{len(rows)} rows instead of {count} after {timeout:g} s")

    def wait_call_ended(self, timeout: float = 10.0) -> dict[str, Any]:
        """The latest call, once its end is on record."""
        return self.wait(lambda db: db.rows("select * from calls where ended_at is not null order by started_at desc"), 1, timeout)[0]


def _tries(read: Callable[[], list[dict[str, Any]]], timeout: float) -> Iterator[list[dict[str, Any]]]:
    until = time.monotonic() + timeout
    while True:
        yield read()
        if time.monotonic() > until:
            return
        time.sleep(0.1)
