"""The engine as a process of its own on the embedded switch of the test, to be killed and started again."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from typing import Any

from tests.acceptance.warm_start import STARTER, WarmProcess

from .conftest import PASSWORD, House, eventually


class Process:
    """``ivrengine serve`` on the house's switch; asks its database directly, as a second reader."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.process: WarmProcess | None = None

    def start(self) -> None:
        environment = {
            **os.environ,
            "IVRENGINE_SWITCH_PORT": str(self.house.switch.port),
            "IVRENGINE_SWITCH_PASSWORD": PASSWORD,
            "IVRENGINE_WEB_PORT": "0",
        }
        self.process = STARTER.start(["--site", str(self.house.site), "serve"], environment, self.house.site / "log")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        path = self.house.site / "data" / "ivrengine.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path)) as connection:
            try:
                return connection.execute(query, parameters).fetchall()
            except sqlite3.OperationalError:
                return []

    def log_lines(self, part: str) -> list[str]:
        return [line for line in (self.house.site / "log").read_text().splitlines() if part in line]

    def saved_in(self, call_id: str, step: str) -> None:
        def check() -> bool:
            rows = self.rows("SELECT record FROM runs WHERE call_id = ?", call_id)
            return bool(rows) and json.loads(rows[0][0])["frames"][-1][2] == step

        eventually(check, f"the saved place {step}")

    def ended(self, call_id: str) -> tuple[Any, ...]:
        query = "SELECT outcome, cause FROM calls WHERE call_id = ? AND ended_at IS NOT NULL"
        return eventually(lambda: self.rows(query, call_id), "the end of the call")[0]

    def steps(self, call_id: str) -> list[tuple[Any, ...]]:
        return self.rows("SELECT step, outcome, label FROM steps WHERE call_id = ? ORDER BY sequence", call_id)
