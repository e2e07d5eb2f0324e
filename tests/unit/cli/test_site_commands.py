"""``ivrengine site`` as a person at a terminal uses it, and the sample site."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ivrengine.acd.rules import QueueRules
from ivrengine.cli.site import BadSiteFile, bring_sample
from ivrengine.cli.site import site as site_group
from ivrengine.config import Settings
from ivrengine.flow.compile import load_flows
from ivrengine.flow.finding import errors
from ivrengine.flow.types import QueueRef, walk
from ivrengine.runtime.site_files import read_site
from ivrengine.site.fields import fields_of_site
from ivrengine.site.reading import read_site_file
from ivrengine.storage.store import Store

ROOT = Path(__file__).parents[3]
TWO_QUEUES = """\
queues: {delivery: {title: Delivery}, circulation: {}}
agents: {"1001": {pin: "4711", queues: [delivery, circulation]}}
"""
ONE_QUEUE = TWO_QUEUES.replace(", circulation: {}", "").replace(", circulation]", "]")
FLOW = """\
flow: line
languages: [zh-CN]
numbers: ["900"]
start: wait
steps:
  wait:
    queue: {queue: circulation, answered: end, failed: end}
  end:
    hangup: {}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "flows").mkdir()
    return Settings(site=tmp_path, data=tmp_path / "data")


def run(settings: Settings, *arguments: str, text: str | None = None, code: int = 0) -> Result:
    result = CliRunner().invoke(site_group, list(arguments), obj=settings, input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result


def imported(settings: Settings, text: str, *arguments: str, answer: str | None = None, code: int = 0) -> str:
    (settings.site / "site.yml").write_text(text, encoding="utf-8")
    return run(settings, "import", *arguments, text=answer, code=code).output


def test_every_command_and_option_has_help() -> None:
    for command in site_group.commands.values():
        assert command.help and all(each.help for each in command.params if isinstance(each, click.Option))


def test_a_site_is_imported_once_and_the_second_time_nothing_is_different(settings: Settings) -> None:
    first = imported(settings, TWO_QUEUES, "--by", "wang")
    assert "add     queue delivery\n" in first and "add     agent 1001\n" in first
    assert imported(settings, TWO_QUEUES) == "The site is what the file says already.\n"
    with Store(settings.database) as store:
        assert store.site.check_pin("1001", "4711", 1.0) == "ok"
        assert {row.who for row in store.audit.recent()} == {"wang"}
        assert all("4711" not in f"{row.before}{row.after}" for row in store.audit.recent())
    assert b"4711" not in settings.database.read_bytes()


def test_differences_are_shown_and_a_dry_run_changes_nothing(settings: Settings) -> None:
    imported(settings, TWO_QUEUES)
    output = imported(settings, TWO_QUEUES.replace("title: Delivery", "ring: 30s"), "--dry-run")
    assert "change  queue delivery (title: Delivery -> nothing, ring: 20.0 -> 30.0)" in output
    assert output.endswith("Nothing was changed.\n")
    with Store(settings.database) as store:
        assert store.site.load().queues[0].ring_seconds == 20.0


def test_nothing_is_removed_without_being_asked(settings: Settings) -> None:
    imported(settings, TWO_QUEUES)
    assert "Remove 1 record? [y/N]: n" in imported(settings, ONE_QUEUE, answer="n\n").replace("]: \n", "]: n")
    assert "say --yes where that is meant" in imported(settings, ONE_QUEUE, "--json", code=1)
    with Store(settings.database) as store:
        assert len(store.site.load().queues) == 2
    assert imported(settings, ONE_QUEUE, answer="y\n").endswith("The site is what the file says.\n")
    with Store(settings.database) as store:
        assert [queue.name for queue in store.site.load().queues] == ["delivery"]
    imported(settings, TWO_QUEUES)
    told = json.loads(imported(settings, ONE_QUEUE, "--json", "--yes"))
    assert told["imported"] is True
    assert [(each["kind"], each["name"]) for each in told["differences"]] == [("remove", "circulation"), ("change", "1001")]


def test_with_an_error_nothing_is_imported_and_all_is_told(settings: Settings) -> None:
    bad = ONE_QUEUE.replace("[delivery]", "[delivry]").replace("title: Delivery", "ring: 5")
    output = imported(settings, bad, code=1)
    assert 'error: site.yml:1:27: "5" is not a duration' in output
    assert 'error: site.yml:2:41: agent 1001: there is no queue "delivry"; did you mean "delivery"?' in output
    assert "nothing was imported" in output
    told = imported(settings, bad, "--json", code=1)
    findings = json.loads(told[: told.rindex("}") + 1])["findings"]
    assert [finding["code"] for finding in findings] == ["wrong_value", "unknown_queue"]
    assert imported(settings, "queues: {\n", code=1)
    with Store(settings.database) as store:
        assert store.site.revision() == 0


def test_who_still_needs_what_goes_is_a_warning(settings: Settings) -> None:
    (settings.flows / "line.yml").write_text(FLOW, encoding="utf-8")
    imported(settings, TWO_QUEUES)
    with Store(settings.database) as store:
        store.segments.begin("a", "a", "a", "a", "circulation", "138", 1.0)
        store.agent_states.log("1001", "READY", "IDLE", "", 1.0, "", "8001", 1).wait()
    output = imported(settings, ONE_QUEUE.replace('"1001"', '"1002"'), "--dry-run")
    assert "warning: flows/line.yml:6:3: the flow line sends callers to the queue circulation" in output
    assert "1 callers wait in the queue circulation" in output
    assert "agent 1001 is logged in and won't be in the site" in output


def test_an_export_is_private_and_makes_the_same_site_elsewhere(settings: Settings, tmp_path: Path) -> None:
    imported(settings, TWO_QUEUES)
    file = tmp_path / "out.yml"
    run(settings, "export", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "4711" not in re.sub(r"pin_hash: \S+", "", file.read_text("utf-8"))
    elsewhere = Settings(site=tmp_path / "b", data=tmp_path / "b" / "data")
    run(elsewhere, "import", str(file))
    with Store(settings.database) as one, Store(elsewhere.database) as other:
        assert other.site.load() == one.site.load()
        assert other.site.check_pin("1001", "4711", 1.0) == "ok"
    assert "pin" not in run(settings, "export", "--without-pins").output.partition("\n\n")[2]
    assert run(settings, "export", "-").output == file.read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


def test_the_file_may_come_through_a_pipe_or_be_missing(settings: Settings) -> None:
    assert "No such file" in run(settings, "import", code=1).output
    assert "there is no database" in run(settings, "show", code=1).output
    run(settings, "import", "-", text=TWO_QUEUES)
    shown = run(settings, "show").output
    assert "delivery, circulation" in shown
    told = json.loads(run(settings, "show", "--json").output)
    assert told["agents"][0]["agent_id"] == "1001" and "pin_hash" not in told["agents"][0]


def test_a_site_that_somebody_else_changes_meanwhile_is_not_overwritten(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(settings, TWO_QUEUES)

    def slow(*_: object) -> list[object]:
        with Store(settings.database) as other:
            other.site.save(QueueRules("property"), "li", 2.0).wait()
        return []

    monkeypatch.setattr("ivrengine.cli.site._missing_in", slow)
    output = imported(settings, TWO_QUEUES.replace("title: Delivery", "title: D"), code=1)
    assert "somebody else has changed the site meanwhile" in output


def test_every_field_says_what_it_means_and_what_is_usual(settings: Settings) -> None:
    assert all(each.meaning for each in fields_of_site())
    told = {(each["part"], each["name"]): each["usual"] for each in json.loads(run(settings, "fields", "--json").output)}
    assert (told["queues", "ring"], told["queues", "record"], told["break_reasons", "longest"]) == ("20s", "true", "0s")
    assert (told["agents", "pin"], told["agents", "no_answer_limit"]) == ("", "1")
    shown = run(settings, "fields", "teams").output
    assert "most_away" in shown and "ring_all_limit" not in shown
    assert 'did you mean "queues"?' in run(settings, "fields", "queue", code=2).output


def test_the_demo_brings_the_file_into_an_empty_site_only(settings: Settings) -> None:
    assert bring_sample(settings, 1.0) is False
    assert not settings.data.exists()
    (settings.site / "site.yml").write_text("queues: {q: {ring: 5}}\n")
    with pytest.raises(BadSiteFile, match='site.yml:1:20: "5" is not a duration'):
        bring_sample(settings, 1.0)
    (settings.site / "site.yml").write_text(TWO_QUEUES)
    assert bring_sample(settings, 2.0) is True
    assert bring_sample(settings, 3.0) is False
    with Store(settings.database) as store:
        assert store.site.check_pin("1001", "4711", 4.0) == "ok"
        store.site.remove("agents", "1001", "li", 5.0).wait()
    assert bring_sample(settings, 6.0) is False


# -- the sample ----------------------------------------------------------------------------------------------------------


def test_the_sample_site_is_sound_and_says_that_its_pins_are_known() -> None:
    text = (ROOT / "site.yml").read_text("utf-8")
    read = read_site_file(text)
    assert read.findings == []
    assert "KNOWN TO EVERYBODY" in text
    assert set(read.pins) == {agent.agent_id for agent in read.site.agents}
    assert {reason.reason for reason in read.site.reasons if reason.approval} == {"training"}
    assert any(agent.supervisor for agent in read.site.agents)


def test_every_queue_and_skill_of_the_sample_flows_is_in_the_sample_site() -> None:
    site = read_site_file((ROOT / "site.yml").read_text("utf-8")).site
    flows = load_flows(read_site(ROOT / "flows").texts)
    assert not errors(flows.findings)
    used = {str(leaf) for flow in flows.flows.flows.values() for step in flow.steps.values() for _, leaf in walk(step.spec)
            if isinstance(leaf, QueueRef)}  # fmt: skip
    assert used <= {queue.name for queue in site.queues}
    needed = {skill for flow in flows.flows.flows.values() for step in flow.steps.values() for skill in getattr(step.spec, "needs", ())}
    assert needed <= {skill.name for skill in site.skills}
