"""``ivrengine flow numbers``, ``flow number``, ``announcements`` and ``prompts record`` as a person at a terminal uses them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from ivrengine.cli import prompts as prompt_commands
from ivrengine.cli.announcements import announcements
from ivrengine.cli.flow import flow
from ivrengine.cli.prompts import prompts
from ivrengine.config import load_settings
from ivrengine.site.reading import read_site_file
from ivrengine.storage.store import Store

FLOW = """\
flow: {name}
languages: [en-US]
numbers: [{number}]
start: bye
steps:
  bye: {{hangup: }}
"""
SITE = """\
teams: {day: Day}
queues: {sales: {title: Sales}}
agents: {"1001": {name: Fang, team: day, queues: {sales: 1}}, "1002": {name: Qiang}}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "data").mkdir()
    for name, number in (("front", "100"), ("back", "200")):
        (tmp_path / "flows" / f"{name}.yml").write_text(FLOW.format(name=name, number=number))
    with Store(load_settings(tmp_path, {}).database) as store:
        store.site.replace(read_site_file(SITE).site, "tests", 1.0).wait()
    return tmp_path


def run(site: Path, group: click.Group, *arguments: str, code: int = 0) -> Result:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(group, list(arguments), obj=load_settings(site, {}))
    assert result.exit_code == code, f"{result.output}{result.exception!r}"
    return result


@pytest.mark.parametrize("command", [*announcements.commands.values(), flow.commands["number"], flow.commands["numbers"]])
def test_every_command_and_option_has_help(command: click.Command) -> None:
    assert command.help and len(command.help) > 20
    assert all(parameter.help for parameter in command.params if isinstance(parameter, click.Option))


def test_numbers_are_listed_and_led_elsewhere_in_the_drafts(site: Path) -> None:
    run(site, flow, "publish")
    listed = run(site, flow, "numbers").output
    assert "front" in listed and "flows/front.yml:3:11" in listed and "the same" in listed
    assert "leads to back now (flows/back.yml)" in run(site, flow, "number", "100", "back").output
    rows = json.loads(run(site, flow, "numbers", "--json").output)["numbers"]
    assert [(row["number"], row["published"]["name"], row["drafted"]["name"]) for row in rows] == [
        ("100", "front", "back"), ("200", "back", "back")
    ]  # fmt: skip
    assert "leads nowhere now" in run(site, flow, "number", "100", "--nobody").output
    assert "numbers: [200]" in (site / "flows" / "back.yml").read_text()
    with Store(load_settings(site, {}).database) as store:
        assert [row.verb for row in store.audit.recent(target="number 100")] == ["give_number", "give_number"]


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (["number", "100", "gone"], "there is no flow 'gone'", 1), (["number", "1x", "back"], "no dialled number", 1),
        (["number", "100"], "name the flow", 2), (["number", "100", "back", "--nobody"], "name the flow", 2),
        (["number", "100", "front"], "leads there already", 1),
    ],
)  # fmt: skip
def test_what_can_not_be_is_told(site: Path, arguments: list[str], sentence: str, code: int) -> None:
    assert sentence in run(site, flow, *arguments, code=code).output


def test_an_announcement_from_the_first_word_to_its_end(site: Path) -> None:
    assert run(site, announcements, "list").output == "Nothing is announced.\n"
    arguments = ["add", "Drill", "--text", "Stairs", "--team", "day", "--important", "--until", "2999-01-01"]
    assert run(site, announcements, *arguments).output == "Announced as 1.\n"
    listed = run(site, announcements, "list").output
    assert "Drill" in listed and "important" in listed and "day" in listed and "0 of 1" in listed
    run(site, announcements, "change", "1", "--title", "Fire drill", "--until", "")
    (kept,) = json.loads(run(site, announcements, "list", "--json").output)
    assert kept["notice"]["title"] == "Fire drill" and kept["notice"]["text"] == "Stairs" and kept["notice"]["ends_at"] is None
    assert "is over" in run(site, announcements, "end", "1").output and "over already" in run(site, announcements, "end", "1").output
    assert run(site, announcements, "list").output == "Nothing is announced.\n"
    assert "Fire drill" in run(site, announcements, "list", "--all").output
    assert "from 2999-01-01 00:00:00 on" in run(site, announcements, "add", "Later", "--from", "2999-01-01").output


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (["add", " "], "needs a title", 1), (["add", "x", "--team", "gone"], "there is no 'gone'", 1),
        (["add", "x", "--until", "soon"], "neither a time", 2), (["change", "9"], "there is no announcement 9", 1),
        (["end", "9"], "there is no announcement 9", 1), (["add", "x", "--until", "2001-01-01"], "after the beginning", 1),
    ],
)  # fmt: skip
def test_what_can_not_be_announced_is_told(site: Path, arguments: list[str], sentence: str, code: int) -> None:
    assert sentence in run(site, announcements, *arguments, code=code).output


def test_a_recording_by_phone_is_followed_to_its_end(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def state(name: str, **more: Any) -> dict[str, Any]:
        return {
            "state": name, "tries": 1, "spoken_ms": 2500, "warnings": [], "why": "", "sentence": "", "name": "hello",
            "language": "zh-CN", "over": name in ("KEPT", "NOT_REACHED"), **more,
        }  # fmt: skip

    asked: list[tuple[str, dict[str, str]]] = []
    states: list[Any] = []

    def order(settings: Any, verb: str, **arguments: str) -> None:
        asked.append((verb, arguments))

    monkeypatch.setattr(prompt_commands, "order", order)
    monkeypatch.setattr(prompt_commands, "ask_engine", lambda settings, verb, **arguments: ("", states.pop(0)))
    monkeypatch.setattr(prompt_commands, "LOOK_SECONDS", 0.0)
    states += [state("RINGING"), state("RINGING"), state("RECORDING"), state("REVIEWING"), state("KEPT", warnings=["it is clipped"])]
    told = run(site, prompts, "record", "hello", "--phone", "8001").output
    assert told.count("The phone rings.") == 1 and "It records." in told and "2.5s were spoken" in told
    assert "Kept as hello in zh-CN." in told and "hello: it is clipped" in told
    assert asked[0][0] == "prompts.record" and asked[0][1]["phone"] == "8001" and asked[0][1]["language"] == "zh-CN"
    states += [state("NOT_REACHED", why="no_answer")]
    assert "Nobody answered (no answer)." in run(site, prompts, "record", "hello", "--phone", "8001", code=1).output
    states += [None]
    assert "does not know of this recording" in run(site, prompts, "record", "hello", "--phone", "8001", code=1).output
