"""What is replaced is kept and can be put back; prompts are made in a process of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from prompt_sounds import needs_espeak, tone, write_wav

from ivrengine.prompts import versions as versions_module
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.catalogue_file import Entry
from ivrengine.prompts.errors import BadName, PromptError
from ivrengine.prompts.job import load_apart, say_apart
from ivrengine.prompts.load import load
from ivrengine.prompts.versions import NoSuchVersion, keep, move, remove, restore, version_path, versions

FIRST_STAMP = "01000000000000000000"


@pytest.fixture
def replaced(catalogue: Catalogue, root: Path) -> bytes:
    """`welcome` has been replaced by a longer one; what it was before."""
    path = root / "zh-CN/welcome.wav"
    os.utime(path, ns=(int(FIRST_STAMP), int(FIRST_STAMP)))
    catalogue.reload()
    before = path.read_bytes()
    list(load(catalogue, write_wav(root.parent / "new/welcome.wav", tone(2.0)), "zh-CN"))
    return before


def test_a_replaced_recording_is_put_back_with_its_text_and_back_again(catalogue: Catalogue, replaced: bytes) -> None:
    catalogue.update("zh-CN", {"welcome": Entry("新的", "imported", "x")})
    (former,) = versions(catalogue, "welcome", "zh-CN")
    assert former.stamp == FIRST_STAMP and former.duration_ms == 1000 and former.made_at == 1e9
    restore(catalogue, "welcome", "zh-CN", former.stamp)
    assert catalogue.path("welcome", "zh-CN").read_bytes() == replaced and catalogue.duration_ms("welcome", "zh-CN") == 1000
    assert catalogue.entry("welcome", "zh-CN") == Entry("您好", "recorded", "")
    (other,) = versions(catalogue, "welcome", "zh-CN")
    restore(catalogue, "welcome", "zh-CN", other.stamp)
    assert catalogue.duration_ms("welcome", "zh-CN") == 2000 and catalogue.text("welcome", "zh-CN") == "新的"
    assert catalogue.names("zh-CN") == ["welcome"] and not catalogue.faults


def test_a_removed_prompt_comes_back(catalogue: Catalogue) -> None:
    remove(catalogue, "welcome", "zh-CN")
    assert catalogue.names("zh-CN") == [] and catalogue.text("welcome", "zh-CN") == ""
    restore(catalogue, "welcome", "zh-CN", versions(catalogue, "welcome", "zh-CN")[0].stamp)
    assert catalogue.has("welcome", "zh-CN") and catalogue.text("welcome", "zh-CN") == "您好"
    with pytest.raises(PromptError, match="there is no prompt"):
        remove(catalogue, "nothing", "zh-CN")


def test_a_prompt_moves_to_its_own_language_and_never_over_another(catalogue: Catalogue) -> None:
    catalogue.update("zh-CN", {"later": Entry("later")})
    with pytest.raises(PromptError, match="already"):
        move(catalogue, "welcome", "zh-CN", "en-US")
    assert catalogue.has("welcome", "zh-CN")
    move(catalogue, "welcome", "zh-CN", "de-DE")
    move(catalogue, "later", "zh-CN", "en-US")
    assert catalogue.names("zh-CN") == [] and catalogue.duration_ms("welcome", "de-DE") == 1000
    assert catalogue.text("welcome", "de-DE") == "您好" and catalogue.text("later", "en-US") == "later"


def test_the_oldest_are_dropped(catalogue: Catalogue, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions_module, "KEPT", 3)
    for count in range(1, 7):
        path = write_wav(root / "zh-CN/new.wav", tone(0.2))
        os.utime(path, ns=(path.stat().st_atime_ns, count))
        keep(catalogue, "new", "zh-CN")
        path.unlink()
    assert [int(version.stamp) for version in versions(catalogue, "new", "zh-CN")] == [6, 5, 4]
    assert len(list((root / "zh-CN/.former/new").iterdir())) == 6


@pytest.mark.parametrize("stamp", ["", "..", "../../welcome", "1", "0" * 20, FIRST_STAMP + "\n"])
def test_a_stamp_leads_nowhere_else(catalogue: Catalogue, replaced: bytes, stamp: str) -> None:
    with pytest.raises(NoSuchVersion):
        version_path(catalogue, "welcome", "zh-CN", stamp)
    with pytest.raises(BadName):
        version_path(catalogue, "../welcome", "zh-CN", FIRST_STAMP)


def test_a_process_of_its_own_makes_prompts_and_tells_what_it_refuses(catalogue: Catalogue, root: Path, tmp_path: Path) -> None:
    (made,) = load_apart(root, write_wav(tmp_path / "in/hello.wav", tone(0.5, 44100, 1.5), rate=44100), "en-US", "news/")
    assert made.outcome == "loaded" and made.name == "news/hello" and "clipped" in made.warnings[0]
    catalogue.reload()
    assert catalogue.has("news/hello", "en-US")
    (tmp_path / "noise.wav").write_bytes(b"<script>" * 500)
    (refused,) = load_apart(root, tmp_path / "noise.wav", "en-US")
    assert refused.outcome == "refused" and "noise.wav" in refused.detail and str(tmp_path) not in refused.detail
    with pytest.raises(PromptError, match="language"):
        load_apart(root, tmp_path / "noise.wav", "../..")


@needs_espeak
def test_a_process_of_its_own_says_a_text(catalogue: Catalogue, root: Path) -> None:
    catalogue.update("en-US", {"bye": Entry("Good bye")})
    (said,) = say_apart(root, "en-US", ["bye"])
    catalogue.reload()
    assert said.outcome == "said" and catalogue.entry("bye", "en-US").source == "espeak-ng"
