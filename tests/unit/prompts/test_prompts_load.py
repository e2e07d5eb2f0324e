from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from prompt_sounds import read_samples, tone, write_wav

from ivrengine.prompts import archive as archive_module
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.catalogue_file import Entry
from ivrengine.prompts.errors import BadName, SourceRefused
from ivrengine.prompts.load import Loaded, load


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Two recordings, a text file, a letter that claims to be sound, and a name that can't be used."""
    directory = tmp_path / "pack"
    write_wav(directory / "Bye Bye.wav", tone(0.5, 22050), rate=22050)
    write_wav(directory / "news/sub.wav", tone(1.0, 44100), rate=44100)
    write_wav(directory / "欢迎.wav", tone(0.5))
    (directory / "letter.mp3").write_text("dear all\n" * 100)
    (directory / "README.txt").write_text("read me")
    (directory / "catalogue.yml").write_text("bye_bye: {text: 再见}\nnot_here: x\n", encoding="utf-8")
    return directory


def zipped(directory: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(directory.rglob("*")):
            archive.write(path, path.relative_to(directory))
    return target


def tarred(directory: Path, target: Path, mode: str) -> Path:
    with tarfile.open(target, mode) as archive:
        archive.add(directory, ".")
    return target


def outcomes(results: list[Loaded]) -> dict[str, str]:
    return {result.file: result.outcome for result in results}


@pytest.mark.parametrize("kind", ["directory", "zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_pack_is_loaded_and_every_file_reported(catalogue: Catalogue, pack: Path, tmp_path: Path, kind: str) -> None:
    source = pack
    if kind == "zip":
        source = zipped(pack, tmp_path / "pack.zip")
    elif kind != "directory":
        source = tarred(pack, tmp_path / f"pack.{kind}", f"w:{kind.partition('.')[2]}")
    results = list(load(catalogue, source, "zh-CN"))
    assert outcomes(results) == {
        "Bye Bye.wav": "loaded",
        "news/sub.wav": "loaded",
        "欢迎.wav": "refused",
        "letter.mp3": "refused",
        "README.txt": "passed_over",
        "catalogue.yml": "passed_over",
    }
    assert [result.done for result in results] == [1, 2, 3, 4, 5, 6]
    assert catalogue.duration_ms("bye_bye", "zh-CN") == 500
    assert catalogue.duration_ms("news/sub", "zh-CN") == 1000
    assert catalogue.entry("bye_bye", "zh-CN").text == "再见"
    assert catalogue.entry("bye_bye", "zh-CN").source == "imported"
    assert catalogue.names("zh-CN") == ["bye_bye", "news/sub", "welcome"]
    letter = next(result for result in results if result.file == "letter.mp3")
    assert "letter.mp3 is no" in letter.detail
    assert "/tmp" not in letter.detail


def test_a_second_load_leaves_unchanged_files_alone(catalogue: Catalogue, pack: Path) -> None:
    list(load(catalogue, pack, "zh-CN"))
    catalogue.update("zh-CN", {"news/sub": Entry("订报", "imported", catalogue.entry("news/sub", "zh-CN").sha256)})
    write_wav(pack / "Bye Bye.wav", tone(0.75))
    second = outcomes(list(load(catalogue, pack, "zh-CN")))
    assert (second["Bye Bye.wav"], second["news/sub.wav"]) == ("loaded", "unchanged")
    assert catalogue.duration_ms("bye_bye", "zh-CN") == 750
    assert outcomes(list(load(catalogue, pack, "zh-CN")))["Bye Bye.wav"] == "unchanged"
    assert catalogue.text("news/sub", "zh-CN") == "订报"
    catalogue.path("news/sub", "zh-CN").unlink()
    catalogue.reload()
    assert outcomes(list(load(catalogue, pack, "zh-CN")))["news/sub.wav"] == "loaded"


def test_a_single_file_a_prefix_and_16_khz(catalogue: Catalogue, pack: Path) -> None:
    results = list(load(catalogue, pack / "Bye Bye.wav", "zh-CN", 16000, "end/"))
    assert [(result.name, result.outcome, result.total) for result in results] == [("end/bye_bye", "loaded", 1)]
    assert read_samples(catalogue.path("end/bye_bye", "zh-CN"))[1] == 16000


def test_two_files_for_one_name_are_told(catalogue: Catalogue, tmp_path: Path) -> None:
    write_wav(tmp_path / "p/a.WAV", tone(0.5))
    write_wav(tmp_path / "p/a.wav", tone(0.7))
    results = list(load(catalogue, tmp_path / "p", "zh-CN"))
    assert [result.outcome for result in results] == ["loaded", "refused"]
    assert "a.WAV has already become the prompt a" in results[1].detail
    assert catalogue.duration_ms("a", "zh-CN") == 500


def test_warnings_of_the_conversion_are_passed_on(catalogue: Catalogue, tmp_path: Path) -> None:
    write_wav(tmp_path / "p/quiet.wav", tone(0.5, amplitude=0))
    assert next(load(catalogue, tmp_path / "p", "zh-CN")).warnings == ("it holds nothing but silence",)


def test_an_iteration_given_up_early_keeps_what_was_loaded(catalogue: Catalogue, pack: Path) -> None:
    results = load(catalogue, pack, "zh-CN")
    assert next(results).outcome == "loaded"
    results.close()
    assert catalogue.entry("bye_bye", "zh-CN").source == "imported"


def test_links_in_a_directory_are_not_followed(catalogue: Catalogue, tmp_path: Path) -> None:
    secret = write_wav(tmp_path / "secret/secret.wav", tone(0.5))
    (tmp_path / "p").mkdir()
    os.symlink(secret, tmp_path / "p/link.wav")
    os.symlink(secret.parent, tmp_path / "p/folder")
    os.mkfifo(tmp_path / "p/pipe.wav")
    assert outcomes(list(load(catalogue, tmp_path / "p", "zh-CN"))) == {"link.wav": "refused", "pipe.wav": "refused"}


def test_a_tar_with_links_devices_and_paths_that_lead_out(catalogue: Catalogue, tmp_path: Path) -> None:
    sound = write_wav(tmp_path / "x.wav", tone(0.5)).read_bytes()
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        for name, kind, target in [
            ("../up.wav", tarfile.REGTYPE, ""),
            ("/abs.wav", tarfile.REGTYPE, ""),
            ("link.wav", tarfile.SYMTYPE, "/etc/passwd"),
            ("hard.wav", tarfile.LNKTYPE, "good.wav"),
            ("pipe.wav", tarfile.FIFOTYPE, ""),
            ("good.wav", tarfile.REGTYPE, ""),
        ]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, target, len(sound) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(sound))
    before = set(tmp_path.rglob("*"))
    results = list(load(catalogue, tmp_path / "evil.tar", "zh-CN"))
    assert outcomes(results) == {
        "../up.wav": "refused",
        "/abs.wav": "refused",
        "link.wav": "refused",
        "hard.wav": "refused",
        "pipe.wav": "refused",
        "good.wav": "loaded",
    }
    assert set(tmp_path.rglob("*")) - before == {catalogue.path("good", "zh-CN")}


def test_a_zip_with_links_and_paths_that_lead_out(catalogue: Catalogue, tmp_path: Path) -> None:
    sound = write_wav(tmp_path / "x.wav", tone(0.5)).read_bytes()
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        for name in ("../up.wav", "/abs.wav", "a/../../b.wav", "c:\\d.wav", "__MACOSX/._good.wav", ".DS_Store", "good.wav"):
            archive.writestr(name, sound)
        link = zipfile.ZipInfo("link.wav")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    results = list(load(catalogue, tmp_path / "evil.zip", "zh-CN"))
    assert {result.outcome for result in results if result.file != "good.wav"} == {"refused"}
    assert len(results) == 6
    assert catalogue.names("zh-CN") == ["good", "welcome"]


def test_a_bomb_is_refused_by_the_bytes_that_come_out_not_by_what_it_claims(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "TOTAL_LIMIT_BYTES", 1_000_000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.wav", b"\0" * 2_000_000)
    with pytest.raises(SourceRefused, match=r"bomb\.zip unpacks to more than"):
        list(load(catalogue, tmp_path / "bomb.zip", "zh-CN"))
    lying = (tmp_path / "bomb.zip").read_bytes().replace((2_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    (tmp_path / "liar.zip").write_bytes(lying)
    with pytest.raises(SourceRefused):
        list(load(catalogue, tmp_path / "liar.zip", "zh-CN"))
    (tmp_path / "p").mkdir()
    (tmp_path / "p/a.txt").write_bytes(b"\0" * 2_000_000)
    with pytest.raises(SourceRefused, match="unpacks to more than"):
        list(load(catalogue, tarred(tmp_path / "p", tmp_path / "bomb.tgz", "w:gz"), "zh-CN"))
    assert catalogue.names("zh-CN") == ["welcome"]


def test_one_file_of_an_archive_may_not_be_larger_than_a_source(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "SOURCE_LIMIT_BYTES", 10_000)
    write_wav(tmp_path / "p/a.wav", tone(2.0))
    with pytest.raises(SourceRefused):
        list(load(catalogue, zipped(tmp_path / "p", tmp_path / "p.zip"), "zh-CN"))


def test_too_many_files_are_refused(catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MEMBER_LIMIT", 3)
    for index in range(4):
        write_wav(tmp_path / f"p/{index}.wav", tone(0.2))
    for source in (tmp_path / "p", zipped(tmp_path / "p", tmp_path / "p.zip"), tarred(tmp_path / "p", tmp_path / "p.tar", "w")):
        with pytest.raises(SourceRefused, match="more than 3 files"):
            list(load(catalogue, source, "zh-CN"))


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04broken", b"\x1f\x8bbroken", b"BZhbroken", b"\xfd7zXZ\x00broken"])
def test_what_is_no_archive_is_refused_by_name(catalogue: Catalogue, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(SourceRefused, match=r"x\.zip is no archive"):
        list(load(catalogue, tmp_path / "x.zip", "zh-CN"))


def test_a_damaged_archive_keeps_what_came_before_the_damage(catalogue: Catalogue, pack: Path, tmp_path: Path) -> None:
    (pack / "letter.mp3").unlink()
    whole = tarred(pack, tmp_path / "p.tar", "w").read_bytes()
    (tmp_path / "p.tar").write_bytes(whole[: len(whole) // 2])
    results: list[Loaded] = []
    with pytest.raises(SourceRefused):
        results.extend(load(catalogue, tmp_path / "p.tar", "zh-CN"))
    loaded = {result.name for result in results if result.outcome == "loaded"}
    assert {name for name in catalogue.names("zh-CN") if catalogue.entry(name, "zh-CN").source == "imported"} == loaded
    assert loaded


def test_an_encrypted_member_is_refused(catalogue: Catalogue, pack: Path, tmp_path: Path) -> None:
    path = zipped(pack, tmp_path / "p.zip")
    data = bytearray(path.read_bytes())
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 8] |= 1
    path.write_bytes(data)
    results = list(load(catalogue, path, "zh-CN"))
    assert {result.outcome for result in results} == {"refused"}
    assert "is encrypted" in results[0].detail


def test_the_prompts_themselves_are_no_source(catalogue: Catalogue, root: Path) -> None:
    with pytest.raises(SourceRefused, match="prompts directory itself"):
        list(load(catalogue, root / "zh-CN", "zh-CN"))


def test_a_language_is_checked_before_anything_is_read(catalogue: Catalogue, pack: Path) -> None:
    with pytest.raises(BadName):
        list(load(catalogue, pack, "../x"))
