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


# A call centre's life in rows: each caller waits, is offered, talks and is wrapped up, the agent's states beside it. What the child
# prints was honoured before; what a restarted engine reads must hold all of it, and the counters must be those of the rows.
WORKING_CHILD = """
import os, sys
import gevent
from ivrengine.storage.store import Store

store = Store(sys.argv[1])
store.open()

def told(*words):
    os.write(1, (" ".join(words) + "\\n").encode())

def agent(name):
    for number in range(100_000):
        item, at = f"{name}-{number}", 1000.0 * number
        store.contacts.begin(item, "138", "", at)
        store.segments.begin(item, item, item, item, "delivery", f"138{name}", at).wait()
        told("waits", item)
        store.attempts.begin(item + "/1", item, name, "8001", "leg-" + item, at + 1).wait()
        told("offered", item)
        store.agent_states.log(name, "READY", "RINGING", "", at + 1, item + "/1", "8001", 2 * number)
        store.attempts.bridged(item + "/1", at + 2)
        store.segments.ended(item, "answered", at + 2, 2.0, name, item + "/1").wait()
        told("talks", item)
        store.attempts.ended(item + "/1", "talked", at + 60)
        store.segments.talked(item, 58.0, 0.0, at + 60)
        store.segments.wrapped_up(item, 5.0, "11")
        store.agent_states.log(name, "READY", "IDLE", "", at + 65, "", "8001", 2 * number + 1).wait()
        told("idle", item)
        assert store.callbacks.request(item, "delivery", item, at).wait() == "accepted"
        told("callback", item)

gevent.joinall([gevent.spawn(agent, f"10{n:02}") for n in range(10)])
"""


@pytest.mark.parametrize("attempt", range(3))
def test_every_acknowledged_place_offer_talk_and_state_survives_a_kill(tmp_path: Path, attempt: int) -> None:
    path = tmp_path / "data" / "ivrengine.db"
    lines_to_see = random.randint(1, 300)
    child = subprocess.Popen([sys.executable, "-c", WORKING_CHILD, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    acknowledged = [child.stdout.readline() for _ in range(lines_to_see)]
    child.kill()
    acknowledged += child.stdout.readlines()
    assert child.wait() == -9
    child.stdout.close()
    told: dict[str, str] = {}  # item -> how far it is known to have come
    callbacks = set()
    for line in acknowledged:
        word, item = line.decode().split()
        told[item] = word
        if word == "callback":
            callbacks.add(item)
    with Store(path) as store:
        waiting = {segment.item_id for segment in store.segments.waiting()}
        talking = {segment.item_id for segment in store.segments.talking()}
        live = {attempt.item_id for attempt in store.attempts.live()}
        last = store.agent_states.last()
        for item, word in told.items():
            segment = store.segments.get(item)
            assert segment is not None and store.contacts.get(item).contact_id == item
            if word in ("talks", "idle", "callback"):
                assert segment.terminal == "answered" and item not in waiting
            if word == "offered":
                assert item in live or store.attempts.of_item(item)[0].ended_at is not None
            if word in ("idle", "callback"):
                assert segment.disposition == "11" and item not in talking | live
                assert last[segment.agent_id].epoch >= 2 * int(item.partition("-")[2]) + 1
        # Each agent does one thing at a time, so at most one place, talk or leg is open for each.
        assert max(len(waiting), len(talking), len(live)) <= 10
        assert callbacks <= {callback.callback_id for callback in store.callbacks.open()}
        assert store.intervals.disagreements() == []
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
