"""kill -9 of the engine while callers are in the middle of things, and a restart: the calls go on.

The engine is a real process here; the embedded switch lives in the test's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from ivrengine.simswitch.callers import check_script, place_call

from .conftest import FLOW, House, eventually, make_site, write_tone
from .engine_process import Process


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    house = House(make_site(tmp_path / "site", FLOW))
    process = Process(house)
    yield process
    if process.process is not None and process.process.poll() is None:
        process.kill()
    house.switch.stop()


def place(house: House, *script: dict[str, Any]) -> str:
    """A call placed on the switch itself: there may be no engine."""
    return place_call(house.switch.core, "100", "13800138000", "", check_script(list(script)), os.urandom(8).hex()).uuid


def person(house: House, call_id: str) -> Any:
    return house.switch.core.channels[call_id].person


def heard(house: House, call_id: str) -> list[str]:
    return [Path(row["path"]).stem for row in person(house, call_id).report()]


def press(house: House, call_id: str, keys: str) -> None:
    person(house, call_id).press(keys)


def test_a_caller_in_a_menu_goes_on_after_kill_and_restart(process: Process) -> None:
    house = process.house
    process.start()
    call_id = eventually(lambda: place(house), "a call")
    process.saved_in(call_id, "main")
    process.kill()
    gevent.sleep(0.3)
    assert call_id in house.switch.core.channels
    before = heard(house, call_id).count("main")
    process.start()
    eventually(lambda: heard(house, call_id).count("main") > before, "the menu's prompt again")
    press(house, call_id, "9")
    assert process.ended(call_id)[0] == "completed"
    assert ("main", "choice", "Goodbye") in process.steps(call_id)


def test_a_message_being_spoken_when_the_engine_dies_is_kept(process: Process, tmp_path: Path) -> None:
    house = process.house
    speech = write_tone(tmp_path / "speech.wav", 4.0, 600.0)
    process.start()
    call_id = place(house, {"press_after_prompt": "2"}, {"until_recording": True}, {"speak": str(speech)}, {"press": "#"})
    process.saved_in(call_id, "message")
    eventually(lambda: list((house.site / "data" / "recordings").glob("*.wav")), "the recording")
    process.kill()
    process.start()
    process.ended(call_id)
    ((duration_ms, path),) = process.rows("SELECT duration_ms, path FROM messages WHERE call_id = ?", call_id)
    assert duration_ms > 3000
    assert Path(path).stat().st_size > 3 * 16_000


def test_a_message_whose_caller_hung_up_while_no_engine_ran_is_kept(process: Process, tmp_path: Path) -> None:
    house = process.house
    speech = write_tone(tmp_path / "speech.wav", 3.0, 600.0)
    process.start()
    script = [{"press_after_prompt": "2"}, {"until_recording": True}, {"speak": str(speech)}, {"hangup": True}]
    call_id = place(house, *script)
    eventually(lambda: list((house.site / "data" / "recordings").glob("*.wav")), "the recording")
    process.saved_in(call_id, "message")
    process.kill()
    eventually(lambda: call_id not in house.switch.core.channels, "the hang-up")
    process.start()
    process.ended(call_id)
    ((duration_ms,),) = process.rows("SELECT duration_ms FROM messages WHERE call_id = ?", call_id)
    assert duration_ms > 2500


def test_a_talk_goes_on_while_the_engine_is_away(process: Process) -> None:
    house = process.house
    process.start()
    call_id = place(house, {"press_after_prompt": "3"})
    process.saved_in(call_id, "person")
    eventually(lambda: house.switch.core.channels[call_id].partner, "the talk")
    process.kill()
    process.start()
    eventually(lambda: len(process.log_lines("picked up again")) == 1, "the adoption")
    partner = house.switch.core.channels[call_id].partner
    assert partner is not None
    partner.person.hang_up()
    assert process.ended(call_id)[0] == "completed"
    assert ("person", "answered") in [step[:2] for step in process.steps(call_id)]


def test_a_caller_who_hung_up_meanwhile_gets_an_end_on_record(process: Process) -> None:
    house = process.house
    process.start()
    call_id = place(house)
    process.saved_in(call_id, "main")
    process.kill()
    person(house, call_id).hang_up()
    eventually(lambda: call_id not in house.switch.core.channels, "the hang-up")
    process.start()
    assert process.ended(call_id) == ("caller_hung_up", "LOST_WHILE_AWAY")
    assert process.rows("SELECT value FROM counters WHERE name = 'ended'") == [(1,)]


def test_a_call_that_came_while_no_engine_ran_is_taken_in_time(process: Process) -> None:
    house = process.house
    process.start()
    first = place(house)
    process.saved_in(first, "main")
    process.kill()
    call_id = place(house, {"press_after_prompt": "9"})
    process.start()
    assert process.ended(call_id)[0] == "completed"


def test_the_saved_version_of_the_flow_is_walked_to_its_end(process: Process) -> None:
    house = process.house
    process.start()
    call_id = place(house)
    process.saved_in(call_id, "main")
    process.kill()
    (house.site / "flows" / "line.yml").write_text(FLOW.replace("Goodbye", "Farewell"), encoding="utf-8")
    process.start()
    eventually(lambda: heard(house, call_id).count("main") > 1, "the menu's prompt again")
    press(house, call_id, "9")
    process.ended(call_id)
    assert ("main", "choice", "Goodbye") in process.steps(call_id)


def test_broken_files_at_a_restart_leave_the_last_good_set_in_force(process: Process) -> None:
    house = process.house
    process.start()
    call_id = place(house)
    process.saved_in(call_id, "main")
    process.kill()
    (house.site / "flows" / "line.yml").write_text("flow: [", encoding="utf-8")
    process.start()
    eventually(lambda: heard(house, call_id).count("main") > 1, "the menu's prompt again")
    assert process.ended(place(house, {"press_after_prompt": "9"}))[0] == "completed"
