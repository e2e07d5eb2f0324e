"""``ivrengine call``: under the virtual clock, at the terminal, and on the embedded switch, as a person uses it."""

from __future__ import annotations

import json
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ivrengine.cli.call import call
from ivrengine.cli.keys import Act, BadKeys, parse_keys, to_script
from ivrengine.cli.live import DEMO_FILE
from ivrengine.cli.simswitch import APOLOGY, embedded_switch
from ivrengine.config import Settings, load_settings
from ivrengine.errors import IvrEngineError, SettingsError
from ivrengine.simswitch.server import SimSwitch

FLOW = """\
flow: hotline
languages: [en-US]
numbers: [100]
start: main
steps:
  main:
    menu:
      prompt: [welcome]
      choices: {1: {label: Goodbye, go: bye}}
      no_input: bye
      no_match: bye
  bye: {hangup: }
"""
PASSWORD = "only-for-tests"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "hotline.yml").write_text(FLOW)
    (tmp_path / "prompts" / "en-US").mkdir(parents=True)
    with wave.open(str(tmp_path / "prompts" / "en-US" / "welcome.wav"), "wb") as recording:
        recording.setparams((1, 2, 8000, 0, "NONE", ""))
        recording.writeframes(b"\x00\x10" * 8000)
    loaded = load_settings(tmp_path, {"IVRENGINE_ENGINE_LANGUAGES": "en-US"})
    loaded.switch.password, loaded.switch.port = PASSWORD, 0
    return loaded


@pytest.fixture
def switch(settings: Settings) -> Iterator[SimSwitch]:
    server = embedded_switch(settings, speed=50)
    server.start()
    where = {"host": server.host, "port": server.port, "password": PASSWORD}
    (settings.data / DEMO_FILE).write_text(json.dumps(where))
    yield server
    server.stop()


def run(settings: Settings, *arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(call, list(arguments), obj=settings, input=typed)


def told(result: Result) -> str:
    """The sentence of a command that failed."""
    assert result.exit_code != 0
    assert isinstance(result.exception, IvrEngineError | SystemExit)
    return str(result.exception) if isinstance(result.exception, IvrEngineError) else result.output


# -- under the virtual clock -------------------------------------------------------------------------------------------


def test_keys_walk_the_flow(settings: Settings) -> None:
    result = run(settings, "100", "--keys", "1")
    assert result.exit_code == 0
    assert "hotline:main choice (Goodbye)" in result.output and "hangs up" in result.output


def test_the_transcript_as_json(settings: Settings) -> None:
    records = json.loads(run(settings, "100", "--keys", "w1s 1", "--json").output)
    assert ["presses", "1"] in [[record["what"], record["text"]] for record in records]


def test_at_the_terminal(settings: Settings) -> None:
    result = run(settings, "100", typed="nonsense\n1\n")
    assert "'nonsense' is neither keys" in result.output
    assert "presses  1" in result.output and "hotline:bye ended" in result.output


def test_the_end_of_input_hangs_up(settings: Settings) -> None:
    result = run(settings, "100", typed="")
    assert result.exit_code == 0 and "hotline:main hangup" in result.output


QUEUE = """\
flow: waits
languages: [en-US]
numbers: [200, "*90"]
start: which
steps:
  which: {branch: {cases: [{when: 'dialled == "*90"', label: In, go: log_in}], otherwise: person}}
  person: {queue: {queue: sales, choices: {1: {label: Out, go: bye}}, answered: bye, refused_empty: bye, failed: bye}}
  log_in: {desk: {verb: ready, done: bye, refused: bye, outside: bye}}
  bye: {hangup: }
"""


@pytest.mark.parametrize(
    ("arguments", "outcome", "at"),
    [
        (["200", "--keys", ""], "person answered", "50.1"),
        (["200", "--keys", "", "--agent-after", "5", "--talk", "60"], "person answered", "65.1"),
        (["200", "--keys", "", "--no-agents"], "person refused_empty", "0.0"),
        (["200", "--keys", "w3s 1"], "person exit_key (Out)", "3.0"),
        (["*90", "--keys", ""], "log_in outside", "0.0"),
        (["*90", "--keys", "", "--phone", "8001"], "log_in done", "0.0"),
    ],
)
def test_agents_and_the_desk_are_played(settings: Settings, arguments: list[str], outcome: str, at: str) -> None:
    (settings.flows / "waits.yml").write_text(QUEUE)
    result = run(settings, *arguments)
    assert result.exit_code == 0, result.output
    (line,) = [line for line in result.output.splitlines() if f"waits:{outcome}" in line]
    assert line.split()[0] == at
    assert ("(music)" in result.output) == (at != "0.0")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["999", "--keys", "1"], "no flow has the number 999; there are 100"),
        (["100", "--keys", "abc"], "'abc' is neither keys"),
        (["100", "--keys", "w2h"], "'w2h' is neither keys"),
        (["100", "--keys", "1", "--at", "tomorrow"], "'tomorrow' is neither a time"),
        (["100", "--live"], "no demo is running"),
        (["100", "--live", "--at", "2026-01-01"], "go with calls under the virtual clock"),
        (["100", "--live", "--json"], "--json needs --keys"),
    ],
)
def test_what_cannot_be_done_is_told(settings: Settings, arguments: list[str], sentence: str) -> None:
    assert sentence in told(run(settings, *arguments))


def test_a_sound_that_cannot_be_spoken_is_told(settings: Settings) -> None:
    mailbox = "bye: {voicemail: {box: a, next: end}}\n  end: {hangup: }"
    (settings.flows / "hotline.yml").write_text(FLOW.replace("bye: {hangup: }", mailbox))
    assert "/nowhere.wav can't be spoken" in told(run(settings, "100", "--keys", "1 say:/nowhere.wav"))


def test_flows_with_errors_are_told_with_their_place(settings: Settings) -> None:
    (settings.flows / "hotline.yml").write_text(FLOW.replace("go: bye}", "go: nowhere}"))
    assert "flows/hotline.yml:9" in told(run(settings, "100", "--keys", "1"))


def test_sounds_are_spoken_from_where_the_caller_is() -> None:
    assert parse_keys("say:a.wav") == [Act("speak", str(Path("a.wav").absolute()))]
    assert to_script(parse_keys("12 !3 w500ms hangup")) == [
        {"press_after_prompt": "12"}, {"press": "3"}, {"wait": 0.5}, {"hangup": True},
    ]  # fmt: skip
    with pytest.raises(BadKeys, match="longer than an hour"):
        parse_keys("w61m")


# -- on the embedded switch --------------------------------------------------------------------------------------------


def test_a_caller_whom_no_engine_answers_hears_the_apology_and_may_leave_a_message(settings: Settings, switch: SimSwitch) -> None:
    rows = json.loads(run(settings, "100", "--live", "--keys", "w90s hangup", "--json").output)
    assert str(APOLOGY) in [row["path"] for row in rows] and APOLOGY.is_file()
    assert list(settings.unclaimed_messages.glob("*.wav"))


@pytest.mark.parametrize(
    ("left", "sentence"),
    [("{", "can't be understood"), ("[]", "can't be understood"), ('{"host": "127.0.0.1"}', "can't be understood")],
)
def test_a_broken_address_of_the_demo_is_told(settings: Settings, left: str, sentence: str) -> None:
    settings.data.mkdir(parents=True)
    (settings.data / DEMO_FILE).write_text(left)
    assert sentence in told(run(settings, "100", "--live", "--keys", "1"))


def test_the_embedded_switch_refuses_what_it_cannot_be(settings: Settings) -> None:
    settings.switch.host = "0.0.0.0"
    with pytest.raises(SettingsError, match="loopback"):
        embedded_switch(settings)
    settings.switch.shard = "node2"
    with pytest.raises(SettingsError, match="shard ivr"):
        embedded_switch(settings)
