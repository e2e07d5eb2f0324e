"""What was acknowledged survives SIGKILL: a child acknowledges writes on its output and is killed somewhere in the middle."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ivrengine.storage.store import Store

# Ten greenlets write at once, as calls do; an id is printed by a bare os.write after its ticket was honoured.
CHILD = """
import os, sys
import gevent
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import KeepMessage
from ivrengine.storage.store import Store

store = Store(sys.argv[1])
store.open()

def caller(name):
    for number in range(100_000):
        call = CallInfo(f"{name}-{number}", "02988880001", "13800138000", "", 1.0)
        store.calls.begin(call, "hotline", "v1")
        message = store.messages.keep(KeepMessage("complaints", f"/voice/{name}-{number}.wav", 2000), call, 2.0).wait()
        os.write(1, (message + "\\n").encode())

gevent.joinall([gevent.spawn(caller, name) for name in range(10)])
"""


@pytest.mark.parametrize("attempt", range(3))
def test_every_acknowledged_message_survives_a_kill(tmp_path: Path, attempt: int) -> None:
    path = tmp_path / "data" / "ivrengine.db"
    lines_to_see = random.randint(1, 400)  # the moment of death, in acknowledgements
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    acknowledged = [child.stdout.readline() for _ in range(lines_to_see)]
    child.kill()
    acknowledged += child.stdout.readlines()  # those printed between our last look and the kill
    assert child.wait() == -9
    child.stdout.close()
    # A line is written whole (it is shorter than a pipe's atomic size), so each of them is an acknowledgement.
    ids = {line.decode().strip() for line in acknowledged}
    assert len(ids) >= lines_to_see
    with Store(path) as store:
        kept = {message.message_id: message for message in store.messages.in_box(limit=1_000_000)}
        calls = {call.call_id for call in store.calls.unfinished()}
    assert ids <= set(kept)
    # Order holds too: a call that was begun before its message, without being waited for, is there as well.
    assert {kept[one].call_id for one in ids} <= calls
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
