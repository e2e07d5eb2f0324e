"""An admin uploads, hears, edits, says, undoes and removes prompts; what is no sound, or is needed, is refused and changes nothing."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).parents[1] / "prompts"))
from prompt_sounds import needs_espeak, tone, write_wav

HOSTILE = "<script>alert(1)</script>"
FLOW = """\
flow: hotline
languages: [zh-CN]
start: hello
steps:
  hello:
    play: {prompt: [welcome, never/recorded], next: bye}
  bye:
    hangup:
"""


@pytest.fixture
def admin(client: Callable[[str], FlaskClient], engine: Any) -> FlaskClient:
    root = engine.settings.prompts
    write_wav(root / "zh-CN/welcome.wav", tone(1.0))
    write_wav(root / "zh-CN/free.wav", tone(1.5))
    (root / "en-US").mkdir()
    (root / "zh-CN/catalogue.yml").write_text("welcome: {text: 您好, source: recorded}\nfree: {text: 自由}\n", "utf-8")
    engine.settings.flows.mkdir(exist_ok=True)
    (engine.settings.flows / "hotline.yml").write_text(FLOW, "utf-8")
    engine.catalogue.reload()
    return client("admin")


def sound(tmp_path: Path, seconds: float = 2.0, amplitude: float = 0.3) -> bytes:
    return write_wav(tmp_path / "given.wav", tone(seconds, 44100, amplitude), rate=44100).read_bytes()


def upload(admin: FlaskClient, data: bytes, file: str, name: str = "", language: str = "zh-CN") -> str:
    fields = {"language": language, "name": name, "files": (io.BytesIO(data), file)}
    answer = admin.post("/prompts/upload", data=fields, content_type="multipart/form-data", follow_redirects=True)
    return answer.text


def test_the_list_tells_text_length_uses_and_what_is_missing(admin: FlaskClient) -> None:
    page = admin.get("/prompts/?language=zh-CN").text
    assert "您好" in page and "1.0 s" in page and "1 step" in page and "never/recorded" in page and "speech/0" not in page
    missing = admin.get("/prompts/?language=zh-CN&show=missing").text
    assert "never/recorded" in missing and ">welcome<" not in missing and "speech/0" in missing
    assert ">free<" in admin.get("/prompts/?show=unused").text and ">welcome<" not in admin.get("/prompts/?show=unused").text
    for odd in ("language=../..", "show=x", "q=" + HOSTILE):
        answer = admin.get(f"/prompts/?{odd}")
        assert answer.status_code == 200 and HOSTILE not in answer.text


def test_a_sound_is_converted_heard_by_ranges_and_audited(admin: FlaskClient, engine: Any, tmp_path: Path) -> None:
    page = upload(admin, sound(tmp_path, amplitude=2.0), "News Today.WAV")
    assert "news_today is added." in page and "clipped" in page and "2.0 s" in page
    assert engine.catalogue.duration_ms("news_today", "zh-CN") == 2000
    whole = admin.get("/prompts/sound/zh-CN/news_today")
    assert whole.mimetype == "audio/wav" and whole.data[:4] == b"RIFF" and len(whole.data) > 30_000
    part = admin.get("/prompts/sound/zh-CN/news_today", headers={"Range": "bytes=0-3"})
    assert part.status_code == 206 and part.data == b"RIFF"
    (row,) = engine.store.audit.recent(target="prompt news_today")
    assert row.who == "user admin" and row.verb == "upload_prompt" and "imported" in row.after


def test_a_replaced_prompt_is_put_back(admin: FlaskClient, engine: Any, tmp_path: Path) -> None:
    page = upload(admin, sound(tmp_path), "x.wav", "welcome")
    assert "is replaced" in page and engine.catalogue.duration_ms("welcome", "zh-CN") == 2000
    stamp = re.search(r'name="version" value="(\d+)"', page)
    assert stamp
    former = admin.get(f"/prompts/sound/zh-CN/welcome?version={stamp[1]}")
    assert 15_000 < len(former.data) < 17_000
    answer = admin.post("/prompts/undo/zh-CN/welcome", data={"version": stamp[1]}, follow_redirects=True)
    assert "as it was" in answer.text and engine.catalogue.duration_ms("welcome", "zh-CN") == 1000
    assert "no such former" in admin.post("/prompts/undo/zh-CN/welcome", data={"version": "../x"}, follow_redirects=True).text


@pytest.mark.parametrize(
    ("data", "file", "name", "sentence"),
    [
        (b"hello", "a.txt", "", "is refused"), (HOSTILE.encode() * 99, "a.wav", "", "is refused"), (b"", "a.wav", "", "is empty"),
        (b"PK\x03\x04", "all.zip", "", "prompts load"), (b"x", f"{HOSTILE}.wav", "", "can&#39;t name a prompt"),
        (b"x", "a.wav", "../../etc/passwd", "small letters"), (b"x", "a.wav", HOSTILE, "small letters"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "list.m3u8", "", "is refused"), (b"x", "", "", "Choose a file"),
    ],
)  # fmt: skip
def test_what_is_no_sound_is_refused_and_changes_nothing(
    admin: FlaskClient, engine: Any, data: bytes, file: str, name: str, sentence: str
) -> None:
    before = sorted(path for path in engine.settings.site.rglob("*") if "a.db" not in path.name)
    page = upload(admin, data, file, name)
    assert sentence in page and HOSTILE not in page and "/tmp" not in page
    assert sorted(path for path in engine.settings.site.rglob("*") if "a.db" not in path.name) == before


def test_a_path_in_a_file_name_is_only_its_last_part(admin: FlaskClient, engine: Any, tmp_path: Path) -> None:
    upload(admin, sound(tmp_path), "..\\..\\..\\evil.wav")
    upload(admin, sound(tmp_path, 3.0), "../../../worse.wav")
    assert "worse" in engine.catalogue.names("zh-CN")
    assert not list(tmp_path.parent.glob("evil*")) and not list(tmp_path.parent.parent.glob("worse*"))


def test_a_sound_larger_than_other_forms_goes_through_and_one_too_large_does_not(
    admin: FlaskClient, app: Flask, engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    data = sound(tmp_path, 20.0)
    assert len(data) > 1_500_000
    token = re.search(r'name="csrf-token" content="([^"]+)"', admin.get("/prompts/").text)
    assert token
    fields = {"language": "zh-CN", "csrf_token": token[1]}
    answer = admin.post("/prompts/upload", data={**fields, "files": (io.BytesIO(data), "long.wav")})
    assert answer.status_code == 302 and engine.catalogue.has("long", "zh-CN")
    monkeypatch.setattr("webadmin.pages.prompts.UPLOAD_LIMIT_BYTES", 1_000_000)
    answer = admin.post("/prompts/upload", data={**fields, "files": (io.BytesIO(data), "longer.wav")})
    assert answer.status_code == 413 and not engine.catalogue.has("longer", "zh-CN")
    assert admin.post("/prompts/remove/zh-CN/long").status_code == 400 and engine.catalogue.has("long", "zh-CN")


def test_what_a_flow_or_the_engine_plays_stays_and_says_who(admin: FlaskClient, engine: Any) -> None:
    page = admin.post("/prompts/remove/zh-CN/welcome", follow_redirects=True).text
    assert "still played by flows/hotline.yml (hello)" in page and engine.catalogue.has("welcome", "zh-CN")
    page = admin.post("/prompts/remove/zh-CN/free", follow_redirects=True).text
    assert "free is removed" in page and not engine.catalogue.has("free", "zh-CN")
    stamp = re.search(r'name="version" value="(\d+)"', page)
    assert stamp
    admin.post("/prompts/undo/zh-CN/free", data={"version": stamp[1]})
    assert engine.catalogue.has("free", "zh-CN") and engine.catalogue.text("free", "zh-CN") == "自由"


def test_text_and_language_are_changed(admin: FlaskClient, engine: Any) -> None:
    admin.post("/prompts/text/zh-CN/free", data={"text": f" {HOSTILE}\n=1+1 ", "to": "en-US"})
    assert engine.catalogue.text("free", "en-US") == f"{HOSTILE} =1+1" and not engine.catalogue.names("zh-CN").count("free")
    assert HOSTILE not in admin.get("/prompts/one/en-US/free").text
    answer = admin.post("/prompts/text/zh-CN/welcome", data={"text": "x", "to": "en-US"})
    assert answer.status_code == 422 and "still played" in answer.text and engine.catalogue.text("welcome", "zh-CN") == "您好"
    assert admin.post("/prompts/text/en-US/free", data={"text": "x" * 5000}).status_code == 422


@needs_espeak
def test_a_text_is_said_and_a_person_is_not_talked_over(admin: FlaskClient, engine: Any) -> None:
    assert admin.get("/prompts/one/zh-CN/never/recorded").status_code == 200
    admin.post("/prompts/text/zh-CN/never/recorded", data={"text": "欢迎"})
    assert "1 said" in admin.post("/prompts/say/zh-CN/never/recorded", follow_redirects=True).text
    assert engine.catalogue.entry("never/recorded", "zh-CN").source == "espeak-ng"
    before = engine.catalogue.path("welcome", "zh-CN").read_bytes()
    assert "A person has recorded" in admin.post("/prompts/say/zh-CN/welcome", follow_redirects=True).text
    assert engine.catalogue.path("welcome", "zh-CN").read_bytes() == before


@pytest.mark.parametrize("path", ["zh-CN/..%2f..%2fa.db", "..%2f../etc", "zh-CN/%00", "xx-XX/welcome", "zh-CN/unknown"])
@pytest.mark.parametrize("page", ["one", "sound"])
def test_nothing_else_is_found(admin: FlaskClient, page: str, path: str) -> None:
    assert admin.get(f"/prompts/{page}/{path}").status_code == 404
