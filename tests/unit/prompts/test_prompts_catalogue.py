from __future__ import annotations

import os
import struct
import threading
from pathlib import Path

import pytest
from prompt_sounds import tone, write_wav

from ivrengine.prompts import catalogue as catalogue_module
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.catalogue_file import Entry, read_entries, update_entries
from ivrengine.prompts.errors import BadName, CatalogueBroken, PromptUnusable
from ivrengine.prompts.wav import WavInfo, read_wav


def test_what_is_there_is_told(catalogue: Catalogue, root: Path) -> None:
    assert catalogue.languages == ("en-US", "zh-CN")
    assert catalogue.has("welcome", "zh-CN")
    assert catalogue.duration_ms("welcome", "zh-CN") == 1000
    assert catalogue.duration_ms("welcome", "en-US") == 500
    assert catalogue.path("welcome", "zh-CN") == root / "zh-CN/welcome.wav"
    assert catalogue.text("welcome", "zh-CN") == "您好"
    assert catalogue.text("welcome", "en-US") == ""
    assert catalogue.names("zh-CN") == ["welcome"]
    assert catalogue.names("fr-FR") == []
    assert catalogue.faults == []


def test_an_absent_directory_is_an_empty_catalogue(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "nowhere")
    assert catalogue.languages == ()
    assert "missing" in (catalogue.problem("welcome", "zh-CN") or "")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Upper",
        "a b",
        "../etc/passwd",
        "a/../b",
        "/a",
        "a/",
        "a//b",
        "a!b",
        "a{b}",
        "a[b]",
        "a,b",
        "a&b",
        "a^b",
        "a|b",
        "a.b",
        "欢迎",
        "a\n",
        "x" * 121,
    ],
)
def test_names_that_could_leave_the_directory_or_be_read_as_code_are_refused(catalogue: Catalogue, name: str) -> None:
    assert catalogue.problem(name, "zh-CN")
    assert not catalogue.has(name, "zh-CN")
    with pytest.raises(BadName):
        catalogue.path(name, "zh-CN")
    with pytest.raises(PromptUnusable):
        catalogue.duration_ms(name, "zh-CN")


@pytest.mark.parametrize("language", ["", "..", "zh/CN", "ZH", "zh-CN/..", "z", "zh_CN"])
def test_languages_that_could_leave_the_directory_are_refused(catalogue: Catalogue, language: str) -> None:
    assert catalogue.problem("welcome", language)
    with pytest.raises(BadName):
        catalogue.path("welcome", language)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"hello, I am no sound", "is not a WAV file"),
        (b"RIFF\x00\x00\x00\x00WAVE", "holds no sound"),
        (b"RIFF\x00\x00\x00\x00WAVEdata\x04\x00\x00\x00abcd", "before its format"),
    ],
)
def test_unreadable_files_are_told_with_their_path(root: Path, content: bytes, says: str) -> None:
    path = root / "zh-CN/news/bad.wav"
    path.parent.mkdir()
    path.write_bytes(content)
    problem = Catalogue(root).problem("news/bad", "zh-CN")
    assert problem and says in problem and str(path) in problem


def test_wrong_formats_are_told(root: Path) -> None:
    write_wav(root / "zh-CN/stereo.wav", tone(0.5), channels=2)
    write_wav(root / "zh-CN/cd.wav", tone(0.5, 44100), rate=44100)
    write_wav(root / "zh-CN/wide.wav", tone(0.5, 16000), rate=16000)
    catalogue = Catalogue(root)
    assert "2 channel" in (catalogue.problem("stereo", "zh-CN") or "")
    assert "44100 Hz" in (catalogue.problem("cd", "zh-CN") or "")
    assert catalogue.problem("wide", "zh-CN") is None
    assert catalogue.duration_ms("wide", "zh-CN") == 500


def test_a_file_cut_short_and_one_without_sound_are_told(root: Path) -> None:
    whole = (root / "zh-CN/welcome.wav").read_bytes()
    (root / "zh-CN/cut.wav").write_bytes(whole[:-100])
    (root / "zh-CN/none.wav").write_bytes(whole[:40] + b"\0\0\0\0")
    catalogue = Catalogue(root)
    assert "cut short" in (catalogue.problem("cut", "zh-CN") or "")
    assert "no sound" in (catalogue.problem("none", "zh-CN") or "")


def test_chunks_before_the_sound_and_the_extensible_format_are_understood(tmp_path: Path) -> None:
    body = (
        struct.pack("<HHIIHH", 0xFFFE, 1, 8000, 16000, 2, 16) + struct.pack("<HHI", 22, 16, 4) + struct.pack("<H", 1) + b"\0" * 14
    )
    chunks = b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"fmt " + struct.pack("<I", len(body)) + body
    (tmp_path / "x.wav").write_bytes(b"RIFF\0\0\0\0WAVE" + chunks + b"data" + struct.pack("<I", 1600) + b"\0" * 1600)
    info = read_wav(tmp_path / "x.wav")
    assert info == WavInfo(1, 1, 8000, 16, 100)
    assert info.telephone_problem() is None


def test_reload_sees_changes_and_reads_only_what_changed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Catalogue(root)
    read: list[str] = []
    monkeypatch.setattr(catalogue_module, "read_wav", lambda path: read.append(path.name) or read_wav(path))
    catalogue.reload()
    assert read == []
    write_wav(root / "zh-CN/bye.wav", tone(0.25))
    (root / "en-US/welcome.wav").unlink()
    catalogue.reload()
    assert read == ["bye.wav"]
    assert catalogue.duration_ms("bye", "zh-CN") == 250
    assert not catalogue.has("welcome", "en-US")


def test_files_that_can_be_no_prompts_are_named(root: Path) -> None:
    write_wav(root / "zh-CN/Wel come.wav", tone(0.2))
    write_wav(root / "zh-CN/loud.WAV", tone(0.2))
    write_wav(root / "zh-CN/.hidden.wav", tone(0.2))
    faults = Catalogue(root).faults
    assert len(faults) == 2
    assert any("Wel come" in fault for fault in faults)
    assert any("loud.WAV" in fault for fault in faults)


def test_every_mistake_in_a_catalogue_is_told_with_its_line_and_the_rest_counts(root: Path) -> None:
    (root / "zh-CN/catalogue.yml").write_text(
        "welcome: 你好\nno: {text: 不}\nBad Name: x\nwelcome: again\nbye: {txt: x}\nnews: {text: x, source: radio}\n"
        "list: [a]\nlate: {text: '12:30'}\n",
        encoding="utf-8",
    )
    catalogue = Catalogue(root)
    assert catalogue.text("welcome", "zh-CN") == "你好"
    assert catalogue.text("no", "zh-CN") == "不"
    assert catalogue.text("late", "zh-CN") == "12:30"
    assert [fault.split("catalogue.yml:")[1].split(":")[0] for fault in catalogue.faults] == ["3", "4", "5", "6", "7"]


def test_a_catalogue_that_becomes_unreadable_keeps_the_texts_read_before(root: Path) -> None:
    catalogue = Catalogue(root)
    (root / "zh-CN/catalogue.yml").write_text("welcome: {text: [", encoding="utf-8")
    catalogue.reload()
    assert catalogue.text("welcome", "zh-CN") == "您好"
    assert "catalogue.yml:2:1: the catalogue is not valid YAML" in catalogue.faults[0]


@pytest.mark.parametrize("content", [b"welcome: {text: [", b"\xff\xfe", b"- a\n- b\n", b"a: b: c"])
def test_a_broken_catalogue_is_not_written_over(root: Path, content: bytes) -> None:
    path = root / "zh-CN/catalogue.yml"
    path.write_bytes(content)
    with pytest.raises(CatalogueBroken, match=r"catalogue\.yml"):
        update_entries(root / "zh-CN", {"bye": Entry("再见")})
    assert path.read_bytes() == content


def test_update_keeps_other_entries_and_is_read_back(catalogue: Catalogue, root: Path) -> None:
    catalogue.update("zh-CN", {"no": Entry("12:30 - yes", "imported", "ab" * 32), "a/b": Entry("x: {y}")})
    assert catalogue.text("no", "zh-CN") == "12:30 - yes"
    entries, problems = read_entries(root / "zh-CN/catalogue.yml")
    assert problems == []
    assert entries == {
        "welcome": Entry("您好", "recorded"),
        "no": Entry("12:30 - yes", "imported", "ab" * 32),
        "a/b": Entry("x: {y}"),
    }
    assert os.listdir(root / "zh-CN") and not [name for name in os.listdir(root / "zh-CN") if name.startswith(".")]


def test_writers_at_the_same_time_lose_nothing(root: Path) -> None:
    writers = [threading.Thread(target=update_entries, args=(root / "fr-FR", {f"n{index}": Entry("x")})) for index in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert set(read_entries(root / "fr-FR/catalogue.yml")[0]) == {f"n{index}" for index in range(8)}
