"""One FreeSWITCH that several tests use one after the other: starting one takes longer than many a test.

Between two tests it is made as it was: no channel, no registration, no global variable of the last one, and the next one's site in its
configuration. One that does not come clean is replaced, and says so. Whoever kills or changes the switch itself starts one of its own.
"""

from __future__ import annotations

import time
import warnings
from pathlib import Path

from .switch import EslClient, FreeSwitch

CLEAN_SECONDS = 5.0  # for channels to be gone that were told to go


class KeptSwitch:
    def __init__(self) -> None:
        self._switch: FreeSwitch | None = None
        self._globals: dict[str, str] = {}
        self._starts = 0

    def take(self, site: Path, directory: Path) -> FreeSwitch:
        """A running switch that serves ``site``. One that has to be started first lives in ``directory``."""
        if self._switch is not None and self._switch.running:
            self._switch.serve(site)
            return self._switch
        self._starts += 1
        made = FreeSwitch(site, directory / f"freeswitch-{self._starts}")
        made.render()
        try:
            made.start()
        except BaseException:
            made.stop()
            raise
        self._switch, self._globals = made, _globals(made.api("global_getvar"))
        return made

    def give_back(self) -> None:
        """After a test, when its engine, callers and phones are gone."""
        switch = self._switch
        if switch is None:
            return
        try:
            left = self._clean(switch)
        except (OSError, RuntimeError) as error:
            left = str(error)
        if left:
            warnings.warn(f"FreeSWITCH is started anew for the next test: {left}", stacklevel=2)
            self.stop()

    def stop(self) -> None:
        if self._switch is not None:
            self._switch.stop()
        self._switch = None

    def _clean(self, switch: FreeSwitch) -> str:
        """What could not be removed, "" for nothing."""
        client = switch.client()
        try:
            client.api("hupall NORMAL_CLEARING")
            client.api("sofia profile phones flush_inbound_reg")
            for name, _ in _globals(client.api("global_getvar")).items() ^ self._globals.items():
                client.api(f"global_setvar {name}={self._globals.get(name, '')}")
            until = time.monotonic() + CLEAN_SECONDS
            while left := self._left(client):
                if time.monotonic() > until:
                    return left
                time.sleep(0.05)
        finally:
            client.close()
        return ""

    def _left(self, client: EslClient) -> str:
        for what in ("channels", "registrations"):
            if client.api(f"show {what} count").split()[:1] != ["0"]:
                return client.api(f"show {what}")
        changed = _globals(client.api("global_getvar")).items() ^ self._globals.items()
        return f"global variables {sorted(name for name, _ in changed)}" if changed else ""


def _globals(text: str) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)
