"""The engine as a process of its own, as an administrator starts it; it can be killed without a word and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from .warm_start import STARTER, WarmProcess

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60.0
STOP_SECONDS = 30.0


class EngineProcess:
    """``ivrengine --site SITE serve``. It is ready when it has printed ``ready_words``: its link to the switch stands. ``warm``: its
    imports are done before it starts."""

    def __init__(self, site: Path, *, ready_words: str = "is up", arguments: tuple[str, ...] = (), warm: bool = False) -> None:
        self.site = site
        self._warm = warm
        self.web_port = 0  # of its pages; 0: it serves none
        self._ready_words = ready_words
        self._arguments = arguments
        self._module = ["ivrengine"]
        self._process: subprocess.Popen[bytes] | WarmProcess | None = None
        self._starts = 0

    def watch_into(self, path: Path) -> None:
        """At the next start: have the longest lateness of its hub, in ms, written to ``path``."""
        self._module = ["scripts.benches.watched_engine", str(path)]

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the engine was never started"
        return self._process.pid

    @property
    def log(self) -> str:
        """What all its starts have printed."""
        return "".join(
            path.read_text("utf-8", "replace") for path in sorted(self.site.parent.glob(f"{self.site.name}-engine-*.log"))
        )

    def start(self) -> EngineProcess:
        """Start it and wait until it is ready. Raises AssertionError with what it printed."""
        assert not self.running, "the engine runs already"
        self._starts += 1
        path = self.site.parent / f"{self.site.name}-engine-{self._starts:02d}.log"
        arguments = ["--site", str(self.site), "serve", *self._arguments]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "IVRENGINE_WEB_PORT": str(self.web_port)}
        path.touch()
        if self._warm and self._module == ["ivrengine"]:
            self._process = STARTER.start(arguments, environment, path)
        else:
            with open(path, "wb") as output:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", *self._module, *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                    stdout=output, stderr=subprocess.STDOUT,
                )  # fmt: skip
        until = time.monotonic() + READY_SECONDS
        while self._ready_words not in path.read_text("utf-8", "replace"):
            assert self.running, f"the engine ended with {self._process.returncode}:\n{path.read_text('utf-8', 'replace')}"
            assert time.monotonic() < until, f"the engine was not ready:\n{path.read_text('utf-8', 'replace')}"
            time.sleep(0.05)
        return self

    def kill(self) -> None:
        """kill -9: no farewell, no flush."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self, timeout: float = STOP_SECONDS) -> int | None:
        """SIGTERM; returns the exit code. Killed when it takes longer than ``timeout``."""
        if self._process is None:
            return None
        if self.running:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        return self._process.returncode

    def restart(self) -> None:
        self.stop()
        self.start()
