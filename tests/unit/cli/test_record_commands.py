"""The command groups on stored records, as a person at a terminal uses them."""

from __future__ import annotations

import json
import os
import stat
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner, Result

from ivrengine.cli import records
from ivrengine.cli.blacklist import blacklist
from ivrengine.cli.calls import calls
from ivrengine.cli.voicemail import voicemail
from ivrengine.config import Settings
from ivrengine.domain.blacklist import BlacklistEntry
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import KeepMessage, KeepRecording, LogStep
from ivrengine.storage.store import Store

SHANGHAI = ZoneInfo("Asia/Shanghai")
BEGAN = datetime(2026, 10, 1, 21, 30, tzinfo=SHANGHAI).timestamp()
CALL = CallInfo("0a1b2c3d-0000-4000-8000-000000000001", "02988880001", "13800138000", "Li Lei", BEGAN)


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    return Settings(site=tmp_path, data=tmp_path / "data")


def run(site: Settings, group: click.Group, *arguments: str, text: str | bytes | None = None, code: int = 0) -> Result:
    result = CliRunner().invoke(group, list(arguments), obj=site, input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result


def all_commands() -> list[tuple[str, click.Command]]:
    return [
        (f"{group.name} {name}", command) for group in (blacklist, calls, voicemail) for name, command in group.commands.items()
    ]


@pytest.mark.parametrize(("name", "command"), all_commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_and_option_has_help(name: str, command: click.Command) -> None:
    assert command.help and len(command.help) > 20
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, f"{name} {parameter.name}"
    assert CliRunner().invoke(command, ["--help"]).exit_code == 0


@pytest.mark.parametrize(
    ("group", "arguments"),
    [
        (blacklist, ["list"]),
        (blacklist, ["remove", "123"]),
        (calls, ["list"]),
        (calls, ["show", "x"]),
        (voicemail, ["play", "x"]),
    ],
)
def test_a_site_without_a_database_is_told_and_none_is_made(site: Settings, group: click.Group, arguments: list[str]) -> None:
    assert "there is no database" in run(site, group, *arguments, code=1).output
    assert not site.data.exists()


# -- blacklist -----------------------------------------------------------------------------------------------------------


def test_a_number_is_added_listed_and_removed(site: Settings) -> None:
    added = run(site, blacklist, "add", "138 0013 8000", "--reason", "shouts [b]", "--expires", "2099-12-31", "--by", "wang")
    assert added.output == "Calls from 13800138000 are refused until 2100-01-01 00:00:00.\n"
    run(site, blacklist, "add", "0085*")
    listed = run(site, blacklist, "list").output
    assert "shouts [b]" in listed and "wang" in listed and "0085*" in listed and "never" in listed
    entries = json.loads(run(site, blacklist, "list", "--json").output)
    assert {entry["pattern"]: entry["hits"] for entry in entries} == {"0085*": 0, "13800138000": 0}
    assert "accepted again" in run(site, blacklist, "remove", "0085*").output
    assert "0085* is not on the blacklist" in run(site, blacklist, "remove", "0085*", code=1).output
    assert len(json.loads(run(site, blacklist, "list", "--json").output)) == 1
    assert stat.S_IMODE(site.database.stat().st_mode) == 0o600


@pytest.mark.parametrize("arguments", [["*"], ["12*34"], ["123", "--expires", "2020-01-01"], ["123", "--expires", "soon"], [""]])
def test_a_bad_entry_is_refused_in_a_sentence(site: Settings, arguments: list[str]) -> None:
    result = run(site, blacklist, "add", *arguments, code=1)
    assert result.output.startswith("Error: ") and "Traceback" not in result.output
    assert not site.database.exists()


def test_an_empty_list_and_expired_entries_are_told(site: Settings) -> None:
    with Store(site.database) as store:
        store.blacklist.add(BlacklistEntry("123", "", 1.0), "x", 0.5).wait()
    assert "(over)" in run(site, blacklist, "list").output
    run(site, blacklist, "remove", "123")
    assert run(site, blacklist, "list").output == "The blacklist is empty.\n"


def test_an_import_with_bad_lines_imports_nothing_unless_told_so(site: Settings, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("号码,原因\n13800138000,骚扰\nnonsense!,x\n0085*,境外\n13800138000,again\n".encode("gb18030"))
    refused = run(site, blacklist, "import", str(path), code=1)
    assert (
        f"{path}:3: 'nonsense!' is neither a number" in refused.output
        and f"{path}:5: 13800138000 is in line 2 already" in refused.output
    )
    assert "nothing was imported" in refused.output and not site.database.exists()
    done = run(site, blacklist, "import", str(path), "--skip-bad", "--json")
    assert json.loads(done.output)["imported"] == 2
    assert [problem["line"] for problem in json.loads(done.output)["problems"]] == [3, 5]
    entries = json.loads(run(site, blacklist, "list", "--json").output)
    assert {(entry["pattern"], entry["reason"]) for entry in entries} == {("13800138000", "骚扰"), ("0085*", "境外")}


def test_a_list_comes_from_standard_input_and_what_is_no_text_is_refused(site: Settings) -> None:
    assert run(site, blacklist, "import", "-", text="123\n# why\n456*\n").output == "2 imported, 0 bad lines.\n"
    assert "not a text" in run(site, blacklist, "import", "-", text=b"\x00\xff\x00", code=1).output


# -- calls ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def called(site: Settings) -> Settings:
    with Store(site.database) as store:
        store.calls.begin(CALL, "hotline", "abcdef0123456789")
        store.calls.answered(CALL.call_id, BEGAN + 0.1)
        store.steps.log(CALL.call_id, LogStep(1, "hotline", "v", "greet", "by_hours", BEGAN, BEGAN, "closed"))
        store.steps.log(CALL.call_id, LogStep(2, "hotline", "v", "main", "menu", BEGAN, BEGAN + 4.5, "choice", "Complaint", "2"))
        store.steps.log(
            CALL.call_id, LogStep(3, "hotline", "v", "box", "voicemail", BEGAN + 5, BEGAN + 70, "kept", detail="a\x1b[31mb")
        )
        store.recordings.keep(KeepRecording("proof", "/data/recordings/p.wav", 3000), CALL.call_id, BEGAN + 1)
        store.calls.end(CALL.call_id, BEGAN + 71, "caller", "NORMAL_CLEARING", "message left")
        store.calls.begin(CallInfo("ffff", "4008", "029123", "evil\x1b]0;x\x07\x9bname\u202e", BEGAN + 100), "other", "v").wait()
    return site


def test_calls_are_listed_with_what_came_of_them(called: Settings) -> None:
    output = run(called, calls, "list").output
    assert "0a1b2c3d" in output and "2026-10-01 21:30:00" in output and "1m11s" in output and "message left" in output
    assert "no end yet" in output
    assert output.index("ffff") < output.index("0a1b2c3d")


def test_a_callers_name_can_not_command_the_terminal(called: Settings) -> None:
    for arguments in (["list"], ["list", "--json"], ["show", "ffff"], ["show", "0a1b"], ["show", "ffff", "--json"]):
        output = run(called, calls, *arguments).output
        assert not set(output) & {"\x1b", "\x07", "\x9b"}, arguments
    assert json.loads(run(called, calls, "list", "--json").output)[0]["name"] == "evil\x1b]0;x\x07\x9bname\u202e"


def test_calls_are_chosen_by_time_and_number(called: Settings) -> None:
    def found(*arguments: str) -> list[str]:
        return [call["call_id"][:4] for call in json.loads(run(called, calls, "list", "--json", *arguments).output)]

    assert found() == ["ffff", "0a1b"]
    assert found("--since", "2026-10-01 21:31") == ["ffff"]
    assert found("--until", "2026-10-01 21:31") == ["0a1b"]
    assert found("--number", "138*") == ["0a1b"] and found("--dialled", "4008") == ["ffff"]
    assert found("--limit", "1") == ["ffff"]
    assert "neither a time" in run(called, calls, "list", "--since", "yesterday", code=2).output
    assert run(called, calls, "list", "--number", "nobody").output == "There are no such calls.\n"


def test_the_trace_of_a_call_tells_labels_and_durations(called: Settings) -> None:
    output = run(called, calls, "show", "0a1b2c3d").output
    lines = output.splitlines()
    assert any("caller" in line and "13800138000 Li Lei" in line for line in lines)
    assert any("ended" in line and "after 1m11s by caller (NORMAL_CLEARING)" in line for line in lines)
    assert any("recording" in line and "proof: /data/recordings/p.wav (3.0s)" in line for line in lines)
    (choice,) = [line for line in lines if "Complaint" in line]
    assert "menu" in choice and "choice" in choice and "4.5s" in choice and " 2 " in choice and "21:30:00" in choice
    (message,) = [line for line in lines if "voicemail" in line]
    assert "1m05s" in message
    assert output.index("by_hours") < output.index("Complaint") < output.index("voicemail")


def test_a_trace_as_json_and_a_call_without_steps(called: Settings) -> None:
    told = json.loads(run(called, calls, "show", "0a1b", "--json").output)
    assert told["outcome"] == "message left" and told["recordings"][0]["name"] == "proof"
    assert [(step["verb"], step["label"]) for step in told["steps"]] == [
        ("by_hours", ""),
        ("menu", "Complaint"),
        ("voicemail", ""),
    ]
    assert "No step of it" in run(called, calls, "show", "ffff").output
    assert "no call whose id begins with 'none'" in run(called, calls, "show", "none", code=1).output


# -- voicemail -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def message(site: Settings) -> str:
    return keep(site, "complaints", "one")


def keep(site: Settings, box: str, name: str) -> str:
    path = site.voicemail / box / f"{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(f"RIFF{name}".encode())
    with Store(site.database) as store:
        return store.messages.keep(KeepMessage(box, str(path), 65_000, "02912345678"), CALL, BEGAN).wait()


def heard_at(site: Settings, message_id: str) -> float | None:
    with Store(site.database) as store:
        return store.messages.get(message_id).heard_at


@pytest.fixture
def player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An aplay that writes down its arguments, alone on the search path."""
    directory = tmp_path / "bin"
    directory.mkdir()
    program = directory / "aplay"
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {directory}/played\nexit $(/bin/cat {directory}/code 2>/dev/null || echo 0)\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(directory))
    return directory


def test_messages_are_listed_by_box(site: Settings, message: str) -> None:
    other = keep(site, "delivery", "two")
    output = run(site, voicemail, "list").output
    assert (
        message[:8] in output
        and other[:8] in output
        and "1m05s" in output
        and "13800138000" in output
        and "02912345678" in output
    )
    assert [one["message_id"] for one in json.loads(run(site, voicemail, "list", "--box", "delivery", "--json").output)] == [
        other
    ]
    assert run(site, voicemail, "list", "--box", "nobody").output == "There are no such messages.\n"


def test_playing_hands_the_file_to_the_player_and_marks_it_heard(site: Settings, message: str, player: Path) -> None:
    run(site, voicemail, "play", message[:8])
    assert (player / "played").read_text().splitlines() == ["-q", str(site.voicemail / "complaints" / "one.wav")]
    assert heard_at(site, message) is not None
    assert json.loads(run(site, voicemail, "list", "--unheard", "--json").output) == []


def test_a_player_that_fails_leaves_the_message_unheard(site: Settings, message: str, player: Path) -> None:
    (player / "code").write_text("1")
    assert "aplay could not play" in run(site, voicemail, "play", message, code=1).output
    assert heard_at(site, message) is None


def test_without_a_player_it_says_where_the_file_is(
    site: Settings, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert str(site.voicemail / "complaints" / "one.wav") in run(site, voicemail, "play", message).output
    assert heard_at(site, message) is not None


def test_playing_into_a_file(site: Settings, message: str, tmp_path: Path) -> None:
    run(site, voicemail, "play", message, "--out", str(tmp_path / "copy.wav"))
    assert (tmp_path / "copy.wav").read_bytes() == b"RIFFone"
    assert run(site, voicemail, "play", message, "--out", "-").stdout_bytes == b"RIFFone"
    assert heard_at(site, message) is not None


def test_a_missing_file_is_told_and_stays_unheard(site: Settings, message: str) -> None:
    (site.voicemail / "complaints" / "one.wav").unlink()
    assert "is missing" in run(site, voicemail, "play", message, code=1).output
    assert heard_at(site, message) is None


def test_deleting_asks_and_takes_the_file_along(site: Settings, message: str) -> None:
    path = site.voicemail / "complaints" / "one.wav"
    run(site, voicemail, "delete", message[:8], text="n\n", code=1)
    assert path.exists()
    assert "1 deleted" in run(site, voicemail, "delete", message[:8], text="y\n").output
    assert not path.exists()
    assert "was deleted on" in run(site, voicemail, "play", message, code=1).output


def test_several_are_deleted_or_none(site: Settings, message: str) -> None:
    other = keep(site, "delivery", "two")
    assert "no message whose id" in run(site, voicemail, "delete", "--yes", message, "nonsense", code=1).output
    assert len(json.loads(run(site, voicemail, "list", "--json").output)) == 2
    assert "2 deleted" in run(site, voicemail, "delete", "--yes", message, other).output
    assert os.listdir(site.voicemail / "delivery") == []


# -- moments and durations -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-01 21:30", BEGAN),
        ("2026-10-01T13:30:00+00:00", BEGAN),
        ("2026-10-01", BEGAN - 21.5 * 3600),
        ("2h", BEGAN - 7200),
        ("7d", BEGAN - 7 * 86400),
        ("30m", BEGAN - 1800),
    ],
)
def test_moments(text: str, expected: float) -> None:
    assert records.moment(text, SHANGHAI, BEGAN) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(None, ""), (0.04, "0.0s"), (-1.0, "0.0s"), (59.94, "59.9s"), (125, "2m05s"), (3725, "1h02m")]
)
def test_durations(seconds: float | None, expected: str) -> None:
    assert records.lasting(seconds) == expected
