"""``ivrengine doctor``: what it finds, and that every failure comes with what mends it."""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import numpy
import pytest
import soundfile
from click.testing import CliRunner

from ivrengine.cli import checks
from ivrengine.cli.checks import Finding
from ivrengine.cli.doctor import diagnose, doctor
from ivrengine.cli.freeswitch_conf import TEMPLATES
from ivrengine.config import Settings, load_settings
from ivrengine.esl.errors import SwitchRefused
from ivrengine.simswitch.server import SimSwitch
from ivrengine.storage.store import Store

NOW = datetime.datetime(2026, 10, 1, 12, 0, tzinfo=datetime.UTC)
CONTEXTS = {
    "xml_locate dialplan context name ivr": '<context name="ivr"><extension name="fallback"></extension></context>',
    "xml_locate dialplan context name public": '<condition field="destination_number" expression="^(02988880001|4008[0-9]*)$">',
}


class FakeSwitch:
    """Answers api commands by the longest known beginning; an exception as an answer is raised."""

    def __init__(
        self, answers: dict[str, str | Exception] | None = None, modules: Iterable[str] = checks.REQUIRED_MODULES
    ) -> None:
        self.answers: dict[str, str | Exception] = {
            **CONTEXTS,
            "strepoch": str(int(NOW.timestamp())),
            "system id": "freeswitch",
            "system test": "yes",
            "global_getvar log_dir": "/nowhere",
            **(answers or {}),
        }
        self._modules = set(modules)

    def api(self, command: str, timeout: float = 5.0) -> str:
        answer = self.answers[max((known for known in self.answers if command.startswith(known)), key=len)]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def modules(self) -> set[str]:
        return self._modules

    def version(self) -> str:
        return "FreeSWITCH Version 1.10.12-release"


def site(path: Path) -> Settings:
    """A site on which nothing is wrong."""
    for language in ("zh-CN", "en-US"):
        (path / "prompts" / language).mkdir(parents=True)
        soundfile.write(path / "prompts" / language / "welcome.wav", numpy.full(8000, 0.1), 8000, subtype="PCM_16")
    for name in ("data/recordings", "data/voicemail/unclaimed", "flows"):
        (path / name).mkdir(parents=True)
    (path / "flows" / "a.yml").write_text("flow: a\nlanguages: [en-US]\nstart: end\nsteps:\n  end: {hangup: }\n")
    settings = Settings(path, data=path / "data")
    settings.switch.password = "a-generated-password"
    return settings


def failures(findings: Iterable[Finding]) -> list[Finding]:
    bad = [finding for finding in findings if finding.level == "failure"]
    assert all(finding.fix for finding in bad), bad
    return bad


def only(findings: Iterable[Finding]) -> Finding:
    bad = failures(findings)
    assert len(bad) == 1, bad
    return bad[0]


def test_nothing_fails_where_nothing_is_wrong(tmp_path: Path) -> None:
    settings = site(tmp_path)
    found = checks.check_site(settings, NOW) + checks.check_switch(settings, FakeSwitch(), ["02988880001", "4008*"], NOW)
    assert failures(found) == []
    assert {"password", "modules", "dialplan", "numbers", "prompts", "recordings", "disk", "clock", "database"} <= {
        f.check for f in found
    }


def test_the_stock_password_is_a_failure_and_is_named(tmp_path: Path) -> None:
    settings = site(tmp_path)
    settings.switch.password = "ClueCon"
    assert "stock password" in only(checks.check_password(settings)).sentence
    settings.switch.password = ""
    assert "password_file" in only(checks.check_password(settings)).fix


def test_an_unreadable_password_file_is_a_failure(tmp_path: Path) -> None:
    settings = site(tmp_path)
    settings.switch.password, settings.switch.password_file = "", "not-there"
    assert "not-there" in only(checks.check_password(settings)).sentence


def test_a_password_that_others_can_read_and_a_far_switch_are_warned_of(tmp_path: Path) -> None:
    settings = site(tmp_path)
    settings.switch.password, settings.switch.password_file, settings.switch.host = "", "secret", "192.0.2.7"
    (tmp_path / "secret").write_text("a-generated-password")
    (tmp_path / "secret").chmod(0o644)
    warnings = [finding for finding in checks.check_password(settings) if finding.level == "warning"]
    assert next(w.fix for w in warnings) == f"chmod 600 {tmp_path / 'secret'}"
    assert "192.0.2.7" in warnings[1].sentence


def test_a_missing_module_is_named_with_the_line_that_loads_it() -> None:
    switch = FakeSwitch(modules=set(checks.REQUIRED_MODULES) - {"mod_sndfile"})
    finding = only(checks.check_modules(switch))
    assert "mod_sndfile" in finding.sentence and '<load module="mod_sndfile"/>' in finding.fix


def test_the_shipped_configuration_loads_every_module_that_is_asked_for() -> None:
    text = (TEMPLATES / "autoload_configs/modules.conf.xml").read_text()
    assert all(f'<load module="{module}"/>' in text for module in checks.REQUIRED_MODULES)


def test_a_dialplan_without_fallback_or_with_other_numbers_is_a_failure(tmp_path: Path) -> None:
    settings = site(tmp_path)
    nothing = FakeSwitch({"xml_locate": "can't find anything", **dict.fromkeys(CONTEXTS, "can't find anything")})
    assert [f.check for f in failures(checks.check_dialplan(settings, nothing, ["1"]))] == ["dialplan", "numbers"]
    finding = only(checks.check_dialplan(settings, FakeSwitch(), ["02988880001"]))
    assert finding.check == "numbers" and "fs render" in finding.fix
    assert "numbers:" in only(checks.check_dialplan(settings, FakeSwitch(), [])).fix


def test_directories_are_checked_by_the_switch_itself(tmp_path: Path) -> None:
    settings = site(tmp_path)
    finding = failures(checks.check_directories(settings, FakeSwitch({f"system test -w {settings.recordings}": ""})))
    assert [f.check for f in finding] == ["recordings"]
    assert finding[0].fix == f"setfacl -R -m u:freeswitch:rwX {settings.recordings}"
    unreadable = only(checks.check_directories(settings, FakeSwitch({"system test -r": ""})))
    assert unreadable.fix == f"setfacl -R -m u:freeswitch:rX {settings.prompts}"


def test_a_missing_directory_is_a_failure(tmp_path: Path) -> None:
    settings = site(tmp_path)
    (tmp_path / "data/voicemail/unclaimed").rmdir()
    assert only(checks.check_directories(settings, FakeSwitch())).fix == f"mkdir -p {tmp_path}/data/voicemail/unclaimed"


def test_paths_reach_the_shell_quoted(tmp_path: Path) -> None:
    settings = site(tmp_path / "a; touch b")
    asked: list[str] = []

    class Listening(FakeSwitch):
        def api(self, command: str, timeout: float = 5.0) -> str:
            asked.append(command)
            return "yes"

    assert failures(checks.check_directories(settings, Listening())) == []
    assert all(f"'{tmp_path}/a; touch b/" in command for command in asked)


@pytest.mark.parametrize(("free", "level"), [(100, "failure"), (10**9, "warning"), (10**11, "ok")])
def test_disk_space(tmp_path: Path, free: int, level: str) -> None:
    (finding,) = checks.check_disk(site(tmp_path), lambda path: (10**12, 10**12 - free, free))
    assert finding.level == level and bool(finding.fix) is (level != "ok")


def test_an_implausible_clock_is_a_failure(tmp_path: Path) -> None:
    assert "1970" in only(checks.check_clock(site(tmp_path), datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC))).sentence


def test_the_switchs_clock_must_agree() -> None:
    assert failures(checks.check_switch_clock(FakeSwitch(), NOW)) == []
    assert "60 s" in only(checks.check_switch_clock(FakeSwitch(), NOW + datetime.timedelta(seconds=60))).sentence


def test_the_database_must_be_writable_and_stays_as_it_was(tmp_path: Path) -> None:
    settings = site(tmp_path)
    assert failures(checks.check_database(settings)) == []
    assert not settings.database.exists()
    with sqlite3.connect(settings.database) as connection:
        connection.execute("create table calls (x)")
    assert failures(checks.check_database(settings)) == []
    with sqlite3.connect(settings.database) as connection:
        assert connection.execute("select name from sqlite_master").fetchall() == [("calls",)]
    settings.database.write_bytes(b"this is no database, whatever its name says" * 100)
    assert "is damaged" in only(checks.check_database(settings)).sentence
    settings.database.unlink()
    settings.database.mkdir()
    assert "can't be written" in only(checks.check_database(settings)).sentence


def test_missing_and_broken_prompts_are_failures(tmp_path: Path) -> None:
    settings = site(tmp_path)
    settings.engine.languages = ["zh-CN", "fr-FR"]
    assert "no prompts in fr-FR" in only(checks.check_prompts(settings)).sentence
    settings.engine.languages = ["zh-CN"]
    (tmp_path / "prompts/zh-CN/broken.wav").write_bytes(b"no sound")
    assert "broken.wav" in only(checks.check_prompts(settings)).sentence


def test_espeak_is_wanted_but_not_needed() -> None:
    (finding,) = checks.check_espeak(lambda program: None)
    assert finding.level == "warning" and finding.fix == "apt-get install espeak-ng"
    (finding,) = checks.check_espeak(lambda program: f"/usr/bin/{program}")
    assert finding.level == "ok"


def test_a_configuration_that_everybody_can_read_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "freeswitch.xml.fsxml").write_text("<password/>")
    (tmp_path / "freeswitch.xml.fsxml").chmod(0o644)
    switch = FakeSwitch({"global_getvar log_dir": str(tmp_path)})
    tmp_path.chmod(0o755)
    assert [f.fix for f in checks.check_switch_secrets(switch)] == [f"chmod 750 {tmp_path}"]
    tmp_path.chmod(0o750)
    assert list(checks.check_switch_secrets(switch)) == []


def test_a_switch_that_refuses_a_question_is_a_finding(tmp_path: Path) -> None:
    switch = FakeSwitch({"strepoch": SwitchRefused("-ERR strepoch Command not found!")})
    finding = only(checks.check_switch(site(tmp_path), switch, ["02988880001", "4008*"], NOW))
    assert finding.check == "clock" and "Command not found" in finding.sentence


def test_the_embedded_switch_is_not_examined(tmp_path: Path) -> None:
    switch = FakeSwitch()
    switch.version = lambda: "FreeSWITCH Version 1.10.12 (simulated)"  # type: ignore[method-assign]
    assert [f.level for f in checks.check_switch(site(tmp_path), switch, [], NOW)] == ["ok", "skipped"]


def test_without_a_switch_the_command_fails_and_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(diagnose.__globals__, "CONNECT_SECONDS", 0.3)
    site(tmp_path)
    environ = {"IVRENGINE_SWITCH_PORT": "1", "IVRENGINE_SWITCH_PASSWORD": "a-generated-password"}
    result = CliRunner().invoke(doctor, ["--json"], obj=load_settings(tmp_path, environ))
    told = json.loads(result.output)
    assert result.exit_code == 1 and told["ok"] is False
    (failed,) = [finding for finding in told["findings"] if finding["level"] == "failure"]
    assert failed["check"] == "switch" and "127.0.0.1:1" in failed["sentence"] and "fs render" in failed["fix"]
    assert "a-generated-password" not in result.output
    plain = CliRunner().invoke(doctor, [], obj=load_settings(tmp_path, environ))
    assert plain.exit_code == 1 and "fix:" in plain.output and "1 of" in plain.output


def test_a_refused_password_says_whose_password_is_wanted_where(tmp_path: Path) -> None:
    settings = site(tmp_path)
    server = SimSwitch("127.0.0.1", 0, "another-password", sounds_dir=tmp_path, recordings_dir=tmp_path, numbers=["100"])
    server.start()
    settings.switch.port = server.port
    failed = [finding for finding in diagnose(settings, NOW) if finding.level == "failure"]
    server.stop()
    assert [finding.check for finding in failed] == ["switch"]
    assert "refused our password" in failed[0].sentence and "event_socket.conf.xml into switch.password" in failed[0].fix


def test_a_database_of_a_newer_version_and_a_file_in_its_place_are_failures(tmp_path: Path) -> None:
    settings = site(tmp_path)
    Store(settings.database).open()
    with sqlite3.connect(settings.database) as connection:
        connection.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('ivrengine', 'later', '2030')")
    assert "newer version" in only(checks.check_database(settings)).sentence
    settings.data = tmp_path / "a-file"
    settings.data.touch()
    assert "is not a directory" in only(checks.check_database(settings)).sentence


def test_flows_with_errors_and_no_flows_are_failures(tmp_path: Path) -> None:
    settings = site(tmp_path)
    assert failures(checks.check_flows(settings, NOW)) == []
    (tmp_path / "flows" / "a.yml").write_text("flow: [")
    assert "flows/a.yml:2:1" in only(checks.check_flows(settings, NOW)).sentence
    (tmp_path / "flows" / "a.yml").unlink()
    assert "no flow" in only(checks.check_flows(settings, NOW)).sentence
    (tmp_path / "flows").rmdir()
    assert "no directory" in only(checks.check_flows(settings, NOW)).sentence
