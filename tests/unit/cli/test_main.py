"""The command itself: errors as one sentence, terminals of any locale, and paths that the switch would misread."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from ivrengine.cli import main
from ivrengine.cli.serve import need_plain_paths
from ivrengine.config import load_settings
from ivrengine.errors import SettingsError


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", "您好".encode()), ("utf-8", "您好".encode()), ("gb18030", "您好".encode("gb18030")), ("latin-1", b"??")],
)
def test_a_terminal_of_any_locale_can_be_told_chinese(monkeypatch, encoding: str, shown: bytes) -> None:
    terminal = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(terminal, encoding=encoding))
    main.speak_any_language()
    print("您好", end="", flush=True)
    assert terminal.getvalue() == shown


def test_what_a_person_can_mend_is_one_sentence(monkeypatch, tmp_path: Path, capsys) -> None:
    (tmp_path / "ivrengine.toml").write_text("[switch")
    monkeypatch.setattr(sys, "argv", ["ivrengine", "--site", str(tmp_path), "flow", "check"])
    with pytest.raises(SystemExit) as end:
        main.main()
    said = capsys.readouterr().err
    assert end.value.code == 1 and said.startswith("ivrengine: ") and "ivrengine.toml" in said and said.count("\n") == 1


def test_a_full_disk_is_one_sentence(monkeypatch, capsys) -> None:
    def full(prog_name: str) -> None:
        raise OSError(28, "No space left on device", "/data/x")

    monkeypatch.setattr(main, "cli", full)
    with pytest.raises(SystemExit) as end:
        main.main()
    assert end.value.code == 1 and capsys.readouterr().err == "ivrengine: /data/x: No space left on device\n"


def test_a_path_that_the_switch_would_misread_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "my site").mkdir()
    with pytest.raises(SettingsError, match="misread the character ' '.*move the site"):
        need_plain_paths(load_settings(tmp_path / "my site", {}))
    with pytest.raises(SettingsError, match="misread the character ' '.*IVRENGINE_DATA"):
        need_plain_paths(load_settings(tmp_path, {"IVRENGINE_DATA": "my data"}))
    need_plain_paths(load_settings(tmp_path, {}))
