"""``ivrengine`` as a process of its own, forked from one that has imported everything: on a busy machine the imports are most of a start.

``python -m tests.acceptance.warm_start`` is that one. It answers lines of JSON: ``{"arguments", "environment", "output"}`` starts a
process and tells its id, ``{"poll": id}`` tells how it has ended, null while it lasts. The processes are killed and restarted like any
other, and no hub or thread exists before the fork, so each sets up everything as a fresh one does. That ``python -m ivrengine`` itself
starts is for tests/integration/test_demo.py and test_pages.py to show.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
POLL_SECONDS = 0.02


class WarmProcess:
    """What tests use of ``subprocess.Popen``."""

    def __init__(self, starter: Starter, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._starter = starter

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._starter.ask({"poll": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            time.sleep(POLL_SECONDS)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:  # nobody else waits for it, so the id is still its own
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class Starter:
    """Started with the first process that is wanted."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], output: Path) -> WarmProcess:
        """``ivrengine ARGUMENTS``; what it prints is put behind what is in ``output``."""
        return WarmProcess(self, self.ask({"arguments": list(arguments), "environment": dict(environment), "output": str(output)}))

    def ask(self, request: Mapping[str, Any]) -> Any:
        with self._lock:
            if self._process is None:
                command = [sys.executable, "-m", "tests.acceptance.warm_start"]
                self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                atexit.register(self._process.kill)
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            assert answer, f"the starter of processes has ended with {self._process.poll()}"
            return json.loads(answer)


STARTER = Starter()


def _serve() -> None:
    from gevent import monkey

    monkey.patch_all()
    import importlib

    from ivrengine.cli.main import main

    for module in ("ivrengine.app", "ivrengine.cli.serve", "ivrengine.cli.simswitch", "ivrengine.simswitch.server"):
        importlib.import_module(module)
    fork, waitpid = monkey.get_original("os", "fork"), monkey.get_original("os", "waitpid")
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if "poll" in request:
            pid, status = waitpid(request["poll"], os.WNOHANG)
            answers.write(json.dumps(os.waitstatus_to_exitcode(status) if pid else None).encode() + b"\n")
            continue
        pid = fork()
        if pid == 0:
            answers.close()
            _become(request)
            main()
            return
        answers.write(b"%d\n" % pid)


def _become(request: Mapping[str, Any]) -> None:
    import random

    for descriptor, path, flags in ((0, os.devnull, os.O_RDONLY), (1, request["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)):
        opened = os.open(path, flags, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.dup2(1, 2)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["ivrengine", *request["arguments"]]
    random.seed()


if __name__ == "__main__":
    _serve()
