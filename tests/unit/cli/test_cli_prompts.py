from __future__ import annotations

import json
import shutil
import wave
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from ivrengine.cli.prompts import prompts
from ivrengine.config import Settings

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "site/prompts/zh-CN").mkdir(parents=True)
    return Settings(site=tmp_path / "site")


def write_sound(path: Path, amplitude: float = 0.3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = (amplitude * 32767 * np.sin(np.arange(8000) / 3)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    return path


def run(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(prompts, arguments, obj=settings)


def test_load_then_list(settings: Settings, tmp_path: Path) -> None:
    write_sound(tmp_path / "pack/News Today.wav")
    loaded = run(settings, "load", str(tmp_path / "pack"), "-l", "zh-CN", "--prefix", "info/")
    assert loaded.exit_code == 0, loaded.output
    assert "1 loaded, 0 unchanged, 0 passed over, 0 refused" in loaded.stdout
    listed = run(settings, "list", "--json")
    assert json.loads(listed.stdout) == [
        {"language": "zh-CN", "name": "info/news_today", "duration_ms": 1000, "source": "imported", "text": "", "problem": None}
    ]
    table = run(settings, "list").stdout
    assert "info/news_today" in table
    assert "1.0s" in table


def test_load_names_what_it_refuses_and_warns(settings: Settings, tmp_path: Path) -> None:
    write_sound(tmp_path / "pack/quiet.wav", 0.0)
    (tmp_path / "pack/letter.wav").write_text("dear all")
    result = run(settings, "load", str(tmp_path / "pack"), "-l", "zh-CN")
    assert result.exit_code == 1
    assert "letter.wav is no" in result.stderr
    assert "quiet.wav: it holds nothing but silence" in result.stderr
    assert "1 loaded" in result.stdout
    assert "1 refused" in result.stdout


def test_load_at_16_khz(settings: Settings, tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav")
    assert run(settings, "load", str(tmp_path / "a.wav"), "-l", "zh-CN", "--rate", "16000").exit_code == 0
    with wave.open(str(settings.prompts / "zh-CN/a.wav")) as file:
        assert file.getframerate() == 16000


def test_load_refuses_a_bad_archive_and_a_bad_language_in_a_sentence(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"nothing")
    bad_archive = run(settings, "load", str(tmp_path / "x.zip"), "-l", "zh-CN")
    assert bad_archive.exit_code == 1
    assert "Error: " in bad_archive.stderr
    assert "x.zip is no archive" in bad_archive.stderr
    assert "can't name a language" in run(settings, "load", str(tmp_path / "x.zip"), "-l", "../x").stderr


def test_list_shows_problems_and_what_has_only_a_text(settings: Settings) -> None:
    write_sound(settings.prompts / "zh-CN/good.wav")
    (settings.prompts / "zh-CN/bad.wav").write_bytes(b"")
    (settings.prompts / "zh-CN/catalogue.yml").write_text("welcome: '[bold]您好'\nBad Name: x\n", encoding="utf-8")
    result = run(settings, "list", "--problems", "--json")
    rows = json.loads(result.stdout)
    assert [row["name"] for row in rows] == ["bad", "welcome"]
    assert "bad.wav is empty" in rows[0]["problem"]
    assert "catalogue.yml:2" in result.stderr
    assert "good" in run(settings, "list", "-l", "zh-CN").stdout
    assert json.loads(run(settings, "list", "-l", "en-US", "--json").stdout) == []


def test_say_refuses_broken_texts_before_anything_is_made(settings: Settings) -> None:
    (settings.prompts / "zh-CN/catalogue.yml").write_text("welcome: {text: 您好, sorce: x}\n", encoding="utf-8")
    result = run(settings, "say", "-l", "zh-CN")
    assert result.exit_code == 1
    assert "catalogue.yml:1:1: welcome has an unknown field 'sorce'" in result.stderr
    assert sorted(path.name for path in (settings.prompts / "zh-CN").iterdir()) == ["catalogue.yml"]


@needs_espeak
def test_say_makes_what_is_missing_and_tells_what_it_can_not(settings: Settings) -> None:
    (settings.prompts / "zh-CN/catalogue.yml").write_text("welcome: 您好\n", encoding="utf-8")
    result = run(settings, "say", "-l", "zh-CN", "welcome", "speech/1")
    assert result.exit_code == 0, result.output
    assert "2 said, 0 kept as they were, 0 failed" in result.stdout
    again = run(settings, "say", "-l", "zh-CN", "welcome", "unknown")
    assert again.exit_code == 1
    assert "0 said, 1 kept as they were, 1 failed" in again.stdout
    assert "zh-CN unknown: unknown has no text in zh-CN" in again.stderr


@needs_espeak
def test_say_speaks_all_languages_of_the_settings(settings: Settings) -> None:
    settings.engine.languages = ["zh-CN", "en-US"]
    assert "2 said" in run(settings, "say", "speech/7").stdout
    assert (settings.prompts / "en-US/speech/7.wav").is_file()


def test_every_command_has_help() -> None:
    for name, command in prompts.commands.items():
        assert command.help, name
        assert all(option.help for option in command.params if isinstance(option, click.Option)), name
