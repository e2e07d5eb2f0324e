"""``ivrengine flow publish|history|diff|rollback`` as a person uses them."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ivrengine.cli.flow import flow
from ivrengine.cli.hours import hours
from ivrengine.config import load_settings

FLOW = """\
flow: hotline
languages: [en-US]
numbers: [100]
start: hello
steps:
  hello: {play: {prompt: [welcome], next: person}}
  person: {dial_extension: {extension: "8001", answered: bye, failed: bye}}
  bye: {hangup: }
"""
OTHER = FLOW.replace("8001", "8002")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "flows" / "hotline.yml").write_text(FLOW)
    (tmp_path / "prompts" / "en-US").mkdir(parents=True)
    with wave.open(str(tmp_path / "prompts" / "en-US" / "welcome.wav"), "wb") as recording:
        recording.setparams((1, 2, 8000, 0, "NONE", ""))
        recording.writeframes(b"\x00\x10" * 8000)
    return tmp_path


def run(site: Path, *arguments: str) -> Result:
    return CliRunner().invoke(flow, list(arguments), obj=load_settings(site, {}))


def test_publish_change_look_and_roll_back(site: Path) -> None:
    first = run(site, "publish", "-m", "the first")
    assert first.exit_code == 0 and first.output.startswith("Published as 1, version ")
    assert run(site, "diff").output == "Nothing is different.\n"
    (site / "flows" / "hotline.yml").write_text(OTHER)
    changed = run(site, "diff")
    assert changed.exit_code == 1
    lines = changed.output.splitlines()
    assert lines[0] == "flows/hotline.yml: changed"
    assert '-  person: {dial_extension: {extension: "8001", answered: bye, failed: bye}}' in lines
    assert '+  person: {dial_extension: {extension: "8002", answered: bye, failed: bye}}' in lines
    assert "are not what is published" in run(site, "history").output
    assert run(site, "publish").exit_code == 0
    assert run(site, "diff", "1", "2").output == changed.output
    back = run(site, "rollback", "1")
    assert back.exit_code == 0 and back.output.startswith("Published as 3, ")
    assert run(site, "diff", "1", "published").exit_code == 0
    history = json.loads(run(site, "history", "--json").output)
    assert [(each["publication_id"], each["comment"]) for each in history] == [(3, "back to publication 1"), (2, ""), (1, "the first")]
    assert history[0]["version"] == history[2]["version"] and history[0]["author"]


def test_errors_are_told_all_and_nothing_is_published(site: Path) -> None:
    (site / "flows" / "hotline.yml").write_text(FLOW.replace("next: person", "next: persn").replace("[welcome]", "[welcom]"))
    result = run(site, "publish")
    assert result.exit_code == 1 and "2 errors must be mended first" in result.output
    assert 'there is no step "persn"; did you mean "person"?' in result.output and "welcom is missing" in result.output
    assert "Nothing is published yet" in run(site, "history").output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rollback", "9"], "there is no publication 9"),
        (["diff", "9"], "there is no publication 9"),
        (["diff", "yesterday"], "neither a number of the history"),
        (["publish", "-m", "x" * 501], "longer than 500"),
    ],
)
def test_what_is_refused(site: Path, arguments: list[str], sentence: str) -> None:
    run(site, "publish")
    result = run(site, *arguments)
    assert result.exit_code != 0 and sentence in result.output + str(result.exception)


def test_hours_are_those_that_callers_are_told(site: Path) -> None:
    calendars = site / "flows" / "calendars.yml"
    calendars.write_text("office: {zone: UTC, weekly: {mon-sun: open}}\n")
    run(site, "publish")
    calendars.write_text("office: {zone: UTC, weekly: {mon-sun: closed}}\n")
    shown = CliRunner().invoke(hours, ["show", "--json"], obj=load_settings(site, {}))
    assert json.loads(shown.output)[0]["label"] == "open"
