"""Recordings: found, heard in parts, drawn, marked; never a file that a request names, and never without a row of the audit trail."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pages_house import AT

from ivrengine.acd.rules import AgentRules, QueueRules
from ivrengine.site.records import Agent, Disposition, Site
from webadmin.pages import recordings, recordings_sound
from webadmin.pages.recordings_sound import NoSound, Waveforms

Client = Callable[[str], FlaskClient]
ID = "call-1:1"
HOSTILE = '<script>alert(1)</script>"&'


@pytest.fixture(autouse=True)
def nothing_heard_yet() -> None:
    recordings._heard.clear()


def write_sound(path: Path, seconds: float = 1.0) -> bytes:
    """Stereo: the left side loud in its second half, the right side silent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        count = int(seconds * 8000)
        left = (int(16000 * math.sin(n)) if n >= count / 2 else 0 for n in range(count))
        file.writeframes(b"".join(struct.pack("<hh", sample, 0) for sample in left))
    return path.read_bytes()


@pytest.fixture
def sound(engine: Any) -> bytes:
    """A talk of agent 101 with its recording."""
    store, path = engine.store, engine.settings.recordings / "talks" / "call-1-1.wav"
    site = Site(
        queues=(QueueRules("news", "News"),), agents=(Agent(AgentRules("101", HOSTILE)),), dispositions=(Disposition("7", "Bought"),)
    )
    store.site.replace(site, "test", AT).wait()
    keep(engine, ID, path)
    return write_sound(path)


def keep(engine: Any, item_id: str, path: Path, **more: Any) -> None:
    segments = engine.store.segments
    segments.begin(item_id, "call-1", "call-1", item_id, "news", more.get("number", "13800138000"), AT - 100)
    segments.ended(item_id, "answered", more.get("at", AT - 90), 10.0, "101")
    segments.recording(item_id, str(path), more.get("duration_ms", 1000))
    segments.talked(item_id, 1.0, 0.0, AT)
    segments.wrapped_up(item_id, 1.0, "7", notes=HOSTILE).wait()


def verbs_of(engine: Any) -> list[str]:
    return [row.verb for row in engine.store.audit.recent(target=f"recording {ID}")]


def test_a_recording_is_found_by_what_is_known_of_the_talk(engine: Any, sound: bytes, client: Client) -> None:
    boss = client("supervisor")
    page = boss.get("/recordings/").text
    assert "13800138000" in page and "Bought" in page and "0:01" in page and "<script>alert" not in page
    assert "/recordings/call-1:1" in page
    for query in ("number=138", "agent=101", "queue=news", "disposition=7", "since=2026-09-21&until=2026-09-21", "least=1&most=1"):
        assert ID in boss.get(f"/recordings/?{query}").text, query
    for query in ("number=139", "agent=102", "queue=x", "disposition=8", "since=2026-09-22", "until=2026-09-20", "least=2"):
        assert "No recording is like this" in boss.get(f"/recordings/?{query}").text, query


@pytest.mark.parametrize(
    "query",
    ["number=%25", "number=13'", "since=yesterday", "since=2026-02-30", "until=99999-01-01", "least=-1", "most=1e3", "least=99999",
     "since=2026-09-21&until=2026-09-20", "least=%D9%A1"],
)  # fmt: skip
def test_what_can_not_be_looked_for_is_told_at_its_field(sound: bytes, client: Client, query: str) -> None:
    answer = client("supervisor").get(f"/recordings/?{query}")
    assert answer.status_code == 422 and 'class="problem"' in answer.text and "No recording is like this" not in answer.text


def test_older_ones_stand_on_the_next_page(engine: Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "ROWS", 2)
    for number in range(5):
        keep(engine, f"i{number}", Path("/nowhere"), at=AT - 10 + number)
    boss, seen, address = client("supervisor"), [], "/recordings/?number=138"
    while address:
        page = boss.get(address).text
        seen += [f"i{number}" for number in (4, 3, 2, 1, 0) if f'href="/recordings/i{number}"' in page]
        _, _, rest = page.partition('class="button" href="/recordings/?number')
        address = "/recordings/?number" + rest.partition('"')[0].replace("&amp;", "&") if rest else ""
    assert seen == ["i4", "i3", "i2", "i1", "i0"]


def test_it_is_heard_whole_or_in_parts(sound: bytes, client: Client) -> None:
    boss = client("supervisor")
    whole = boss.get(f"/recordings/{ID}/sound")
    assert (whole.status_code, whole.data, whole.mimetype) == (200, sound, "audio/wav")
    assert whole.headers["Accept-Ranges"] == "bytes" and whole.headers["Content-Length"] == str(len(sound))
    part = boss.get(f"/recordings/{ID}/sound", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (206, sound[10:20], f"bytes 10-19/{len(sound)}")
    assert boss.get(f"/recordings/{ID}/sound", headers={"Range": "bytes=-5"}).data == sound[-5:]
    assert boss.get(f"/recordings/{ID}/sound", headers={"Range": f"bytes={len(sound) - 3}-"}).data == sound[-3:]
    beyond = boss.get(f"/recordings/{ID}/sound", headers={"Range": f"bytes={len(sound)}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(sound)}")
    assert boss.get(f"/recordings/{ID}/sound", headers={"Range": "bytes=0-1,5-6"}).status_code == 200
    assert boss.get(f"/recordings/{ID}/sound", headers={"Range": "nonsense"}).status_code == 200


def test_hearing_and_downloading_are_on_record_once(engine: Any, sound: bytes, client: Client) -> None:
    boss = client("supervisor")
    for begin in (500, 0, 100):  # whoever begins in the middle too
        boss.get(f"/recordings/{ID}/sound", headers={"Range": f"bytes={begin}-"})
    assert verbs_of(engine) == ["hear_recording"]
    answer = boss.get(f"/recordings/{ID}/download")
    assert answer.data == sound and answer.headers["Content-Disposition"] == 'attachment; filename="talk-call-1-1.wav"'
    assert verbs_of(engine) == ["download_recording", "hear_recording"]
    client("admin").get(f"/recordings/{ID}/sound")
    assert verbs_of(engine) == ["hear_recording", "download_recording", "hear_recording"]


def test_the_waveform_shows_who_speaks_when_and_is_computed_once(sound: bytes, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "waveforms", Waveforms())
    boss = client("supervisor")
    told = boss.get(f"/recordings/{ID}/peaks").json
    left, right = told["peaks"]
    assert len(left) == len(right) == recordings_sound.PEAKS and told["seconds"] == 1.0
    assert max(left[:399]) == 0 and min(left[401:]) > 30 and max(left) <= 50 and max(right) == 0
    monkeypatch.setattr(recordings_sound, "peaks", lambda path: pytest.fail("computed again"))
    assert boss.get(f"/recordings/{ID}/peaks").json == told


def test_peaks_do_not_depend_on_how_the_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sound(tmp_path / "a.wav", 0.7)
    whole = recordings_sound.peaks(tmp_path / "a.wav")
    monkeypatch.setattr(recordings_sound, "BLOCK_FRAMES", 97)
    assert recordings_sound.peaks(tmp_path / "a.wav") == whole
    write_sound(tmp_path / "short.wav", 0.01)
    assert len(recordings_sound.peaks(tmp_path / "short.wav")[0]) == 80


@pytest.mark.parametrize("content", [b"", b"RIFF....", b"not sound at all" * 100])
def test_a_file_that_is_no_sound_is_told_so(engine: Any, sound: bytes, client: Client, content: bytes) -> None:
    path = engine.settings.recordings / "talks" / "call-1-1.wav"
    path.write_bytes(content)
    answer = client("supervisor").get(f"/recordings/{ID}/peaks")
    assert answer.status_code == 404 and "can&#39;t be played" in answer.text or "can't be played" in answer.json["error"]
    path.unlink()
    assert client("supervisor").get(f"/recordings/{ID}/sound").status_code == 404
    assert client("supervisor").get(f"/recordings/{ID}").status_code == 200  # the rest is there as before
    assert verbs_of(engine) == []


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "", "\x00", "talks/../../secret.wav"])
def test_a_file_elsewhere_is_never_served_whatever_a_row_says(engine: Any, client: Client, path: str) -> None:
    keep(engine, "evil", Path(path) if path else Path(), duration_ms=1)
    engine.store.segments.recording("evil", path or "/", 1).wait()
    for part in ("sound", "download", "peaks"):
        assert client("supervisor").get(f"/recordings/evil/{part}").status_code == 404
    with pytest.raises(NoSound):
        recordings_sound.file_of(path, engine.settings.recordings)


@pytest.mark.parametrize("item_id", ["nothing", "..%2f..%2fetc%2fpasswd", "%00", "call-1", "x" * 3000])
def test_an_id_that_nobody_has_is_not_found(sound: bytes, client: Client, item_id: str) -> None:
    for part in ("", "/sound", "/peaks", "/download"):
        assert client("supervisor").get(f"/recordings/{item_id}{part}").status_code == 404
    assert client("supervisor").post(f"/recordings/{item_id}/mark", data={"mark": "3"}).status_code == 404


def test_marks_are_kept_with_who_gave_them(engine: Any, sound: bytes, client: Client) -> None:
    boss = client("supervisor")
    for wrong in ("", "0", "6", "3.5", "\u0663"):
        answer = boss.post(f"/recordings/{ID}/mark", data={"mark": wrong, "comment": "kept words"})
        assert answer.status_code == 422 and "Choose a mark" in answer.text and "kept words" in answer.text
    page = boss.post(f"/recordings/{ID}/mark", data={"mark": "4", "comment": HOSTILE}, follow_redirects=True).text
    assert "user supervisor" in page and "<script>alert" not in page and "The mark is kept" in page
    client("admin").post(f"/recordings/{ID}/mark", data={"mark": "5"})
    assert [each.mark for each in engine.store.talk_recordings.marks(ID)] == [5, 4]
    assert "5 / 5" in boss.get("/recordings/").text


def test_agents_hear_nothing(sound: bytes, client: Client) -> None:
    for part in ("", "/sound", "/peaks", "/download"):
        assert client("agent").get(f"/recordings/{ID}{part}").status_code == 403
