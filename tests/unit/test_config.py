"""Settings: what is read from where, and what is refused with its place."""

from pathlib import Path

import pytest

from ivrengine.config import load_settings
from ivrengine.errors import SettingsError


def write(site: Path, text: str) -> Path:
    (site / "ivrengine.toml").write_text(text, encoding="utf-8")
    return site


def test_defaults_without_a_file(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    assert (settings.switch.host, settings.switch.port) == ("127.0.0.1", 8021)
    assert settings.database == tmp_path / "data" / "ivrengine.db"


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    write(tmp_path, '[switch]\nport = 9000\nhost = "10.0.0.1"\n[engine]\nlanguages = ["en-US"]\ndrain_seconds = 5\n')
    settings = load_settings(tmp_path, {"IVRENGINE_SWITCH_PORT": "9001", "IVRENGINE_ENGINE_OUTSIDE_NUMBERS": "10*, 110"})
    assert (settings.switch.host, settings.switch.port) == ("10.0.0.1", 9001)
    assert settings.languages == ["en-US"]
    assert settings.engine.drain_seconds == 5.0
    assert settings.engine.outside_numbers == ["10*", "110"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[switch]\nprot = 1\n", "unknown key 'prot' in [switch]"),
        ("[swich]\nport = 1\n", "unknown section or key 'swich'"),
        ('[switch]\nport = "8021"\n', "switch.port must be a whole number, not '8021'"),
        ("[switch]\nport = true\n", "switch.port must be a whole number"),
        ("[switch]\nport = 70000\n", "switch.port must be 1 to 65535, not 70000"),
        ('[switch]\nshard = "a b"\n', "switch.shard: 'a b' can't be used"),
        ("[engine]\nmax_calls = 0\n", "engine.max_calls must be 1 to"),
        ("[engine]\ndrain_seconds = inf\n", "engine.drain_seconds must be 0 to"),
        ("[engine]\ndrain_seconds = nan\n", "engine.drain_seconds must be 0 to"),
        ("[engine]\nlanguages = []\n", "at least one language is needed"),
        ('[engine]\nlanguages = ["../x"]\n', "'../x' can't name a language"),
        ('[engine]\ntimezone = "Mars/Base"\n', "no time zone 'Mars/Base'"),
        ("data = 3\n", "data must be a text, not 3"),
        ("[engine]\nlanguages = [1]\n", "engine.languages must be a list of texts"),
        ("switch = 3\n", "[switch] must be a section"),
        ("[switch\n", "ivrengine.toml"),
        ("[engine]\ndeadman_seconds = 1\n", "deadman_seconds must be 10 to 3600, not 1"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(write(tmp_path, text), {})
    assert told in str(error.value)


def test_a_file_that_is_no_text_or_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "ivrengine.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="ivrengine.toml is not UTF-8 text"):
        load_settings(tmp_path, {})
    (tmp_path / "ivrengine.toml").unlink()
    (tmp_path / "ivrengine.toml").mkdir()
    with pytest.raises(SettingsError, match="ivrengine.toml can't be read: Is a directory"):
        load_settings(tmp_path, {})


def test_a_password_of_the_wrong_kind_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(write(tmp_path, "[switch]\npassword = 12345678\n"), {})
    assert "switch.password must be a text" in str(error.value) and "12345678" not in str(error.value)


def test_the_password_comes_from_its_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush-hush\n")
    settings = load_settings(write(tmp_path, '[switch]\npassword_file = "secret"\n'), {"IVRENGINE_SWITCH_PASSWORD": ""})
    assert settings.switch_password() == "hush-hush"
    settings.switch.password = "other"
    assert "other" not in repr(settings)


def test_a_password_of_two_lines_is_refused_without_repeating_it(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, '[switch]\npassword = "one\\ntwo"\n'), {})
    with pytest.raises(SettingsError, match="line breaks") as error:
        settings.switch_password()
    assert "two" not in str(error.value)


def test_an_unreadable_password_file_is_named(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, '[switch]\npassword_file = "none"\n'), {})
    with pytest.raises(SettingsError, match="none"):
        settings.switch_password()
