"""The engine dies at the worst moments, and callers leave at any: what remains is the same on both switches."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance import audio
from tests.acceptance.bench import Bench, SiteDatabase

from .conftest import SWITCHES, new_bench

NUMBER = "4000"
SECRET = "739164"
FLOW = """
flow: deaths
languages: [zh-CN]
numbers: ["4000"]
start: main
steps:
  main:
    menu:
      prompt: [main]
      choices:
        1: {label: Message, go: message}
        2: {label: Person, go: person}
        3: {label: PIN, go: pin}
        9: {label: Goodbye, go: bye}
      no_input: bye
      no_match: bye
      first_digit: 30s
  message: {voicemail: {box: office, prompt: [leave], saved: [thanks], next: main}}
  person: {dial_extension: {extension: "8001", ring: 20s, answered: main, failed: {say: [sorry], go: main}}}
  pin: {collect: {variable: pin, prompt: [pin], digits: 6, secret: true, next: right, no_input: main, no_match: main}}
  right: {play: {prompt: [thanks], next: main}}
  bye: {hangup: {prompt: [bye]}}
"""
# Tones in Hz. A packet that is late or lost, 20 ms, is a whole number of their waves, so they stay recognisable on a busy machine.
PROMPTS = {"main": 400, "leave": 700, "thanks": 1000, "sorry": 1300, "pin": 1700, "bye": 2100}


@pytest.fixture(params=SWITCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    made = new_bench(request.param, tmp_path)
    (made.site / "flows").mkdir(parents=True)
    (made.site / "flows" / "deaths.yml").write_text(FLOW)
    sounds = made.site / "prompts" / "zh-CN"
    sounds.mkdir(parents=True)
    for name, hertz in PROMPTS.items():
        audio.write(sounds / f"{name}.wav", audio.tone(hertz, 1.7))
    with made as started:
        toml = made.site / "ivrengine.toml"
        toml.write_text(toml.read_text() + '\n[engine]\nlanguages = ["zh-CN"]\ndeadman_seconds = 60.0\ndrain_seconds = 1.0\n')
        yield started


def heard(bench: Bench, call: object, name: str) -> bool:
    return call.has_heard(bench.site / "prompts" / "zh-CN" / f"{name}.wav")


def wait_heard(bench: Bench, call: object, name: str, timeout: float = 20.0) -> None:
    call.wait_heard(bench.site / "prompts" / "zh-CN" / f"{name}.wav", timeout)


def until(done: Callable[[], object], what: str, timeout: float = 20.0) -> None:
    deadline = time.monotonic() + timeout
    while not done():
        assert time.monotonic() < deadline, f"{what} did not happen within {timeout:g} s"
        time.sleep(0.05)


def recordings(bench: Bench) -> list[Path]:
    return list((bench.site / "data" / "recordings").glob("*.wav"))


def verbs(database: SiteDatabase, call_id: str) -> list[tuple[str, str]]:
    return [(step["step"], step["outcome"]) for step in database.steps(call_id)]


@pytest.mark.parametrize("away_seconds", [0.0, 6.0])
def test_a_message_is_spoken_while_the_engine_dies(
    bench: Bench, database: SiteDatabase, speech: Path, away_seconds: float
) -> None:
    """It is kept whole, whether the engine is back before its end or after."""
    bench.engine.start()
    call = bench.call(NUMBER, script=[{"press_after_prompt": "1"}, {"until_recording": True}, {"speak": str(speech)}, {"press": "#"}])
    until(lambda: recordings(bench), "the recording", 30)
    time.sleep(0.8)
    bench.engine.kill()
    time.sleep(away_seconds)
    bench.engine.start()
    (message,) = database.wait(lambda db: db.messages(), timeout=20)
    wait_heard(bench, call, "thanks")
    assert audio.share_heard(audio.read(message["path"]), audio.read(speech)) > audio.ENOUGH
    call.hang_up()
    database.wait_call_ended()
    assert len(recordings(bench)) == 1


def test_the_engine_dies_while_a_phone_rings_and_again_while_it_talks(bench: Bench, database: SiteDatabase) -> None:
    bench.engine.start()
    phone = bench.phone("8001", after_seconds=4.0, talk_seconds=5.0)
    call = bench.call(NUMBER, script=[{"press_after_prompt": "2"}, {"press_after_prompt": "9"}])
    database.wait(lambda db: db.rows("select * from runs where record like '%\"dialling\"%'"), timeout=20)
    time.sleep(0.5)
    bench.engine.kill()
    bench.engine.start()
    phone.wait_talking(20)
    bench.engine.kill()
    bench.engine.start()
    assert call.wait_ended(60) == "released"
    row = database.wait_call_ended()
    assert row["outcome"] == "completed"
    assert ("person", "answered") in verbs(database, row["call_id"])
    assert heard(bench, call, "bye")
    assert not heard(bench, call, "sorry")


def test_two_talks_in_one_call(bench: Bench, database: SiteDatabase) -> None:
    bench.engine.start()
    bench.phone("8001", after_seconds=0.5, talk_seconds=1.5)
    call = bench.call(NUMBER, script=[{"press_after_prompt": "2"}, {"press_after_prompt": "2"}, {"press_after_prompt": "9"}])
    assert call.wait_ended(60) == "released"
    row = database.wait_call_ended()
    assert verbs(database, row["call_id"]).count(("person", "answered")) == 2
    assert heard(bench, call, "bye")


@pytest.mark.parametrize("before_digits", [True, False])
def test_the_engine_dies_while_a_secret_is_keyed(bench: Bench, database: SiteDatabase, before_digits: bool) -> None:
    bench.engine.start()
    call = bench.call(NUMBER, script=[{"press_after_prompt": "3"}])
    wait_heard(bench, call, "pin")
    time.sleep(2.0)
    if not before_digits:
        call.press(SECRET[:3])
        time.sleep(0.5)
    bench.engine.kill()
    if before_digits:
        call.press(SECRET[:3])
    call.press(SECRET[3:])
    time.sleep(1.0)
    bench.engine.start()
    if not heard(bench, call, "thanks"):  # it was keyed while nobody looked, so it is asked for once more
        call.wait_prompt_ended(20)
        call.press(SECRET)
    wait_heard(bench, call, "thanks")
    call.hang_up()
    row = database.wait_call_ended()
    assert [step for step in verbs(database, row["call_id"]) if step[0] == "pin"] == [("pin", "entered")]
    for path in [*(bench.site / "data").glob("ivrengine.db*"), *bench.site.parent.glob("*.log"), *bench.switch_logs]:
        assert SECRET.encode() not in path.read_bytes(), path


def test_an_engine_that_stays_dead_leaves_its_callers_to_the_fallback(bench: Bench, speech: Path) -> None:
    """One in a menu, and one whose talk ends later: both hear the apology and can leave a message."""
    toml = bench.site / "ivrengine.toml"
    toml.write_text(toml.read_text().replace("deadman_seconds = 60.0", "deadman_seconds = 10.0"))
    bench.unclaimed_messages.mkdir(parents=True, exist_ok=True)
    bench.engine.start()
    phone = bench.phone("8001", after_seconds=0.2, talk_seconds=3.0)
    talking = bench.call(NUMBER, from_="13800138001", script=[{"press_after_prompt": "2"}])
    phone.wait_talking(20)
    leaving = [{"after_prompt": True}, {"until_recording": True}, {"speak": str(speech)}, {"hangup": True}]
    waiting = bench.call(NUMBER, from_="13800138002", script=leaving)
    wait_heard(bench, waiting, "main")
    bench.engine.kill()
    assert waiting.wait_ended(60) == "left"
    until(lambda: len(list(bench.unclaimed_messages.glob("*.wav"))) == 2, "the other's recording", 30)
    message = max(bench.unclaimed_messages.glob("*.wav"), key=lambda path: path.stat().st_size)
    assert audio.share_heard(audio.read(message), audio.read(speech)) > audio.ENOUGH
    talking.hang_up()


def test_what_is_being_said_when_the_engine_stops_is_kept(bench: Bench, database: SiteDatabase, speech: Path) -> None:
    bench.unclaimed_messages.mkdir(parents=True, exist_ok=True)
    bench.engine.start()
    call = bench.call(NUMBER, script=[{"press_after_prompt": "1"}, {"until_recording": True}, {"speak": str(speech)}])
    until(lambda: recordings(bench), "the recording", 30)
    time.sleep(1.0)
    assert bench.engine.stop() == 0
    (message,) = database.messages()
    assert message["duration_ms"] > 1500
    (row,) = database.calls()
    assert row["outcome"] == "fallback"
    until(lambda: list(bench.unclaimed_messages.glob("*.wav")), "the fallback's recording", 20)
    call.hang_up()


def test_callers_leave_at_any_instant(bench: Bench, database: SiteDatabase, speech: Path) -> None:
    chance = random.Random(20261001)
    bench.engine.start()
    bench.phone("8001", after_seconds=1.0, talk_seconds=30.0)
    calls = []
    for number in range(8):
        script = [{"after_prompt": True}, {"press": "1123"[number % 4]}, {"wait": chance.uniform(0.0, 4.0)}, {"hangup": True}]
        calls.append(bench.call(NUMBER, from_=f"1380013{number:04d}", script=script))
    for call in calls:
        assert call.wait_ended(60) == "left"
    rows = database.wait(lambda db: db.rows("select * from calls where ended_at is not null"), len(calls), 30)
    assert {(row["outcome"], row["ended_by"]) for row in rows} == {("caller_hung_up", "caller")}
    for row in rows:
        steps = database.steps(row["call_id"])
        assert [step["sequence"] for step in steps] == list(range(len(steps)))
        assert steps[-1]["outcome"] == "hangup"
    assert database.rows("select * from runs") == []
    assert database.rows("select * from alarms") == []
    kept = {message["path"] for message in database.messages()}
    assert {str(path) for path in recordings(bench) if audio.read(path).size > 1.5 * audio.RATE} <= kept
