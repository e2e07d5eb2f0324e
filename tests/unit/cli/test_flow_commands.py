"""``ivrengine flow`` and ``ivrengine hours`` as a person uses them."""

from __future__ import annotations

import json
import time
import wave
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ivrengine.acd.rules import QueueRules
from ivrengine.cli.flow import flow
from ivrengine.cli.hours import hours
from ivrengine.config import load_settings
from ivrengine.storage.store import Store

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
CALENDARS = """\
office:
  zone: Asia/Shanghai
  weekly: {mon-fri: {open: 08:30-12:00, lunch: 12:00-13:00}, sat-sun: weekend}
always:
  zone: UTC
  weekly: {mon-sun: open}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "hotline.yml").write_text(FLOW)
    (tmp_path / "flows" / "calendars.yml").write_text(CALENDARS)
    (tmp_path / "prompts" / "en-US").mkdir(parents=True)
    with wave.open(str(tmp_path / "prompts" / "en-US" / "welcome.wav"), "wb") as recording:
        recording.setparams((1, 2, 8000, 0, "NONE", ""))
        recording.writeframes(b"\x00\x10" * 8000)
    return tmp_path


def run(site: Path, *arguments: str, group=flow) -> Result:
    return CliRunner().invoke(group, list(arguments), obj=load_settings(site, {}), catch_exceptions=False)


# -- flow --------------------------------------------------------------------------------------------------------------


def test_check_of_a_sound_site(site):
    result = run(site, "check")
    assert (result.exit_code, result.output) == (0, "1 flow: no errors, no warnings.\n")


def test_check_tells_places_and_ways_out_and_fails(site):
    (site / "flows" / "hotline.yml").write_text(FLOW.replace("next: person", "next: persn").replace("[welcome]", "[welcom]"))
    result = run(site, "check")
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0].startswith("flows/hotline.yml:6:27: error: the prompt welcom is missing in en-US")
    assert lines[1] == '    did you mean "welcome"?'
    assert lines[2:4] == ['flows/hotline.yml:6:42: error: there is no step "persn"', '    did you mean "person"?']
    assert lines[-1] == "1 flow: 2 errors, no warnings."


def test_check_as_json(site):
    (site / "flows" / "hotline.yml").write_text(FLOW.replace("next: person", "next: persn"))
    result = run(site, "check", "--json")
    assert result.exit_code == 1
    assert json.loads(result.output) == [
        {
            "code": "unknown_step", "severity": "error", "file": "flows/hotline.yml", "line": 6, "column": 43,
            "sentence": 'there is no step "persn"', "fix": 'did you mean "person"?',
        }
    ]  # fmt: skip


def test_queues_are_checked_against_those_of_the_site_once_it_has_some(site):
    person = 'person: {dial_extension: {extension: "8001", answered: bye, failed: bye}}'
    (site / "flows" / "hotline.yml").write_text(FLOW.replace(person, "person: {queue: {queue: salse, failed: bye}}"))
    assert run(site, "check").exit_code == 0
    with Store(load_settings(site, {}).database) as store:
        store.site.save(QueueRules("sales"), "test", 0.0).wait()
    result = run(site, "check")
    assert result.exit_code == 1 and 'the site has no queue "salse"' in result.output and 'did you mean "sales"?' in result.output


def test_warnings_alone_do_not_fail(site):
    (site / "flows" / "hotline.yml").write_text(FLOW.replace("next: person", "next: bye").replace("  person", "  # person"))
    result = run(site, "check")
    assert result.exit_code == 0 and "1 warning." in result.output


def test_check_hides_what_a_terminal_would_obey(site):
    (site / "flows" / "hotline.yml").write_text(FLOW.replace("play:", '"pl\\ea\\u202e[red]y":'))
    output = run(site, "check").output
    assert "\x1b" not in output and "\u202e" not in output and "[red]" in output


def test_diagram_and_docs(site):
    assert "step_hello --> step_person" in run(site, "diagram", "hotline").output
    assert "step_hello -> step_person" in run(site, "diagram", "hotline", "--format", "dot").output
    result = run(site, "diagram", "hotlin")
    assert result.exit_code == 1 and 'did you mean "hotline"?' in result.output
    assert "### menu" in run(site, "docs").output


# -- hours -------------------------------------------------------------------------------------------------------------


def test_show_at_a_given_time(site):
    result = run(site, "show", "office", "--at", "2026-11-23 09:00", "--json", group=hours)
    (row,) = json.loads(result.output)
    assert (row["label"], row["by"], row["then"], row["zone"]) == ("open", "calendar", "lunch", "Asia/Shanghai")
    assert row["changes_at"] == 1795406400.0  # 12:00 in Shanghai
    table = run(site, "show", group=hours).output
    assert "office" in table and "always" in table and "never" in table


def test_an_override_lasts_until_the_next_boundary(site):
    result = run(site, "override", "office", "holiday", group=hours)
    assert result.exit_code == 0, result.output
    with Store(load_settings(site, {}).database) as store:
        stored = store.overrides.in_force(time.time())["office"]
    assert (stored.state, stored.lasts) == ("holiday", "boundary") and stored.until > time.time()
    (row,) = json.loads(run(site, "show", "office", "--json", group=hours).output)
    assert (row["label"], row["by"], row["changes_at"]) == ("holiday", "override", stored.until)
    cleared = run(site, "override", "office", "--clear", group=hours)
    assert cleared.exit_code == 0 and "as the calendar says" in cleared.output
    (row,) = json.loads(run(site, "show", "office", "--json", group=hours).output)
    assert row["by"] == "calendar"
    again = run(site, "override", "office", "--clear", group=hours)
    assert again.exit_code == 1 and "no override is in force" in again.output


def test_an_override_may_be_permanent_or_end_at_a_time(site):
    assert run(site, "override", "always", "closed", "--permanent", group=hours).exit_code == 0
    assert run(site, "override", "office", "open", "--until", "2099-01-01 00:00", group=hours).exit_code == 0
    with Store(load_settings(site, {}).database) as store:
        in_force = store.overrides.in_force(time.time())
    assert in_force["always"].until is None and in_force["office"].until == 4070880000.0  # midnight in Shanghai
    assert run(site, "show", group=hours).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("offic", "open"), 'did you mean "office"?'),
        (("office", "opne"), 'did you mean "open"?'),
        (("office",), "give a LABEL"),
        (("office", "open", "--clear"), "give a LABEL"),
        (("office", "open", "--permanent", "--until", "2099-01-01"), "give a LABEL"),
        (("office", "open", "--until", "2001-01-01"), "is over already"),
        (("office", "open", "--until", "soon"), "is no time"),
        (("always", "closed"), "always says open"),
    ],
)
def test_what_an_override_refuses(site, arguments, words):
    result = run(site, "override", *arguments, group=hours)
    assert result.exit_code != 0 and words in result.output


def test_a_broken_calendar_is_told_and_the_others_shown(site):
    (site / "flows" / "calendars.yml").write_text(CALENDARS.replace("Asia/Shanghai", "Nowhere"))
    result = run(site, "show", group=hours)
    assert result.exit_code == 0 and "there is no time zone" in result.output and "always" in result.output
