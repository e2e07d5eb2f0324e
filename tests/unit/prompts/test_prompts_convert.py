from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from prompt_sounds import needs_ffmpeg, read_samples, tone, write_wav

from ivrengine.prompts import decode as decode_module
from ivrengine.prompts.convert import convert
from ivrengine.prompts.errors import ConverterMissing, NotAudio
from ivrengine.prompts.levels import PEAK_DBFS, TARGET_DBFS, spoken_dbfs
from ivrengine.prompts.wav import read_wav


def main_frequency(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples))
    return float(np.argmax(spectrum) * rate / len(samples))


@pytest.mark.parametrize("source_rate", [8000, 11025, 22050, 44100, 48000])
@pytest.mark.parametrize("rate", [8000, 16000])
def test_any_rate_becomes_a_prompt_of_the_same_length_and_pitch(tmp_path: Path, source_rate: int, rate: int) -> None:
    source = write_wav(tmp_path / "s.wav", tone(1.0, source_rate), rate=source_rate)
    made = convert(source, tmp_path / "out/x.wav", rate)
    info = read_wav(tmp_path / "out/x.wav")
    assert info.telephone_problem() is None
    assert info.rate == rate
    assert abs(info.duration_ms - 1000) <= 2
    assert abs(made.duration_ms - 1000) <= 2
    samples, _ = read_samples(tmp_path / "out/x.wav")
    assert abs(main_frequency(samples, rate) - 440) < 3
    assert made.warnings == ()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("x.flac", "FLAC"), ("x.ogg", "OGG"), ("x.aiff", "AIFF"), ("x.mp3", "MP3"), ("noname", "WAV"), ("x.raw", "WAV")],
)
def test_formats_that_need_no_ffmpeg(tmp_path: Path, name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    soundfile.write(tmp_path / name, np.column_stack([tone(1.0, 22050)] * 2), 22050, format=kind)
    convert(tmp_path / name, tmp_path / "out.wav")
    samples, rate = read_samples(tmp_path / "out.wav")
    assert abs(main_frequency(samples, rate) - 440) < 3


@pytest.mark.parametrize(("suffix", "subtype"), [(".gsm", "GSM610"), (".ulaw", "ULAW"), (".alaw", "ALAW"), (".sln", "PCM_16")])
def test_headerless_telephone_formats_are_known_by_name(tmp_path: Path, suffix: str, subtype: str) -> None:
    source = tmp_path / f"x{suffix}"
    soundfile.write(source, tone(1.0), 8000, format="RAW", subtype=subtype, endian="LITTLE")
    convert(source, tmp_path / "out.wav")
    samples, rate = read_samples(tmp_path / "out.wav")
    assert abs(main_frequency(samples, rate) - 440) < 3


@needs_ffmpeg
def test_ffmpeg_reads_what_the_library_can_not(tmp_path: Path) -> None:
    source = write_wav(tmp_path / "s.wav", tone(1.0, 44100), rate=44100)
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(source), str(tmp_path / "s.m4a")], check=True)
    convert(tmp_path / "s.m4a", tmp_path / "out.wav")
    samples, rate = read_samples(tmp_path / "out.wav")
    assert abs(main_frequency(samples, rate) - 440) < 3


@needs_ffmpeg
def test_a_playlist_never_makes_ffmpeg_open_another_file(tmp_path: Path) -> None:
    write_wav(tmp_path / "secret.wav", tone(1.0))
    playlists = {
        "x.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n",
        "x.ffconcat": "ffconcat version 1.0\nfile secret.wav\n",
    }
    for name, text in playlists.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(NotAudio):
            convert(tmp_path / name, tmp_path / "out.wav")


def test_what_only_ffmpeg_could_read_says_so_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    (tmp_path / "x.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + b"\0" * 100)
    with pytest.raises(ConverterMissing, match=r"x\.m4a.*install ffmpeg"):
        convert(tmp_path / "x.m4a", tmp_path / "out.wav")


@needs_ffmpeg
@pytest.mark.parametrize(
    "content", [b"hello, I am a letter\n" * 50, b"%PDF-1.4\n" + bytes(range(256)) * 20, b"\x89PNG\r\n\x1a\n" + b"\0" * 500]
)
def test_what_is_not_audio_is_refused_by_name_and_the_old_prompt_stays(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "letter.mp3").write_bytes(content)
    old = write_wav(tmp_path / "out.wav", tone(0.5)).read_bytes()
    with pytest.raises(NotAudio, match=r"letter\.mp3 is not audio"):
        convert(tmp_path / "letter.mp3", tmp_path / "out.wav")
    assert (tmp_path / "out.wav").read_bytes() == old
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letter.mp3", "out.wav"]


def test_empty_missing_too_big_and_too_long_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.wav").touch()
    with pytest.raises(NotAudio, match=r"empty\.wav is empty"):
        convert(tmp_path / "empty.wav", tmp_path / "out.wav")
    with pytest.raises(NotAudio, match="is not a file"):
        convert(tmp_path, tmp_path / "out.wav")
    write_wav(tmp_path / "none.wav", tone(0))
    with pytest.raises(NotAudio, match=r"none\.wav holds no sound"):
        convert(tmp_path / "none.wav", tmp_path / "out.wav")
    long = write_wav(tmp_path / "long.wav", tone(3.0))
    monkeypatch.setattr(decode_module, "DURATION_LIMIT_SECONDS", 2.0)
    with pytest.raises(NotAudio, match=r"long\.wav is longer than"):
        convert(long, tmp_path / "out.wav")
    monkeypatch.setattr(decode_module, "SOURCE_LIMIT_BYTES", 1000)
    with pytest.raises(NotAudio, match=r"long\.wav is larger than"):
        convert(long, tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.parametrize("amplitude", [0.01, 0.1, 0.9])
def test_quiet_and_loud_sources_become_equally_loud(tmp_path: Path, amplitude: float) -> None:
    made = convert(write_wav(tmp_path / "s.wav", tone(1.0, amplitude=amplitude)), tmp_path / "out.wav")
    assert abs(made.spoken_dbfs - TARGET_DBFS) < 0.5
    samples, rate = read_samples(tmp_path / "out.wav")
    assert abs(spoken_dbfs(samples, rate) - TARGET_DBFS) < 0.5


def test_pauses_do_not_make_speech_louder(tmp_path: Path) -> None:
    spoken = tone(1.0, amplitude=0.1)
    paused = np.concatenate([spoken, np.zeros(16000, np.float32), spoken])
    made = convert(write_wav(tmp_path / "s.wav", paused), tmp_path / "out.wav")
    assert abs(made.spoken_dbfs - TARGET_DBFS) < 0.5


def test_peaks_stay_below_the_limit_without_being_cut(tmp_path: Path) -> None:
    clicks = tone(1.0, amplitude=0.01)
    clicks[::800] = 0.8
    made = convert(write_wav(tmp_path / "s.wav", clicks), tmp_path / "out.wav")
    assert made.peak_dbfs <= PEAK_DBFS + 0.1
    assert made.spoken_dbfs < TARGET_DBFS


def test_clipping_in_the_source_is_warned_of(tmp_path: Path) -> None:
    shouted = np.clip(tone(0.5, amplitude=2.0), -1, 1)
    made = convert(write_wav(tmp_path / "s.wav", shouted), tmp_path / "out.wav")
    assert len(made.warnings) == 1
    assert "clipped in 440 place(s)" in made.warnings[0]


def test_silence_is_warned_of_and_never_amplified_nor_trimmed(tmp_path: Path) -> None:
    silent = convert(write_wav(tmp_path / "s.wav", tone(1.0, amplitude=0.0003)), tmp_path / "out.wav")
    assert silent.gain_db == 0
    assert silent.warnings == ("it holds nothing but silence",)
    late = np.concatenate([np.zeros(16000, np.float32), tone(0.5), np.zeros(8000, np.float32)])
    made = convert(write_wav(tmp_path / "s.wav", late), tmp_path / "out.wav")
    assert made.warnings == ("it starts with 2.0 s of silence", "it ends with 1.0 s of silence")
    assert made.duration_ms == 3500


def test_silence_is_cut_where_asked(tmp_path: Path) -> None:
    late = np.concatenate([np.zeros(16000, np.float32), tone(0.5), np.zeros(8000, np.float32)])
    made = convert(write_wav(tmp_path / "s.wav", late), tmp_path / "out.wav", keep_silence_ms=15)
    assert 515 <= made.duration_ms <= 540
    assert made.warnings == ()


def test_a_click_is_warned_of(tmp_path: Path) -> None:
    assert "only 50 ms" in convert(write_wav(tmp_path / "s.wav", tone(0.05)), tmp_path / "out.wav").warnings[0]


def test_samples_that_are_no_numbers_do_no_harm(tmp_path: Path) -> None:
    samples = tone(0.5)
    samples[100], samples[200] = np.nan, np.inf
    soundfile.write(tmp_path / "s.wav", samples, 8000, subtype="FLOAT")
    convert(tmp_path / "s.wav", tmp_path / "out.wav")
    assert np.isfinite(read_samples(tmp_path / "out.wav")[0]).all()


def test_no_prompt_has_any_other_rate(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="8000 or 16000"):
        convert(write_wav(tmp_path / "s.wav", tone(0.5)), tmp_path / "out.wav", 44100)
