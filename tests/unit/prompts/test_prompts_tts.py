from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest
from prompt_sounds import needs_espeak, read_samples, tone, write_wav

from ivrengine.prompts import tts as tts_module
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.catalogue_file import Entry
from ivrengine.prompts.errors import CatalogueBroken, SpeakerFailed
from ivrengine.prompts.levels import SILENCE_DBFS, TARGET_DBFS, spoken_dbfs
from ivrengine.prompts.speech import SPEECH_LANGUAGES
from ivrengine.prompts.tts import ESPEAK_VOICES, EspeakSpeaker, Said, say_missing, text_digest


class ToneSpeaker:
    """Says one tenth of a second for each character, between half seconds of silence."""

    source = "espeak-ng"

    def __init__(self) -> None:
        self.said: list[str] = []

    def speak(self, text: str, language: str, target: Path) -> None:
        if text == "unspeakable":
            raise SpeakerFailed("it can't be said")
        self.said.append(text)
        pause = np.zeros(11025, np.float32)
        sound = tone(0.1 * len(text), 22050) if text != "(hush)" else pause
        write_wav(target, np.concatenate([pause, sound, pause]), rate=22050)


@pytest.fixture
def speaker() -> ToneSpeaker:
    return ToneSpeaker()


def outcomes(results: list[Said]) -> dict[str, str]:
    return {result.name: result.outcome for result in results if not result.name.startswith("speech/")}


def test_a_text_without_a_recording_is_said_and_noted(catalogue: Catalogue, speaker: ToneSpeaker) -> None:
    catalogue.update("zh-CN", {"news/milk": Entry("订购牛奶")})
    results = list(say_missing(catalogue, "zh-CN", speaker=speaker))
    assert outcomes(results) == {"news/milk": "said", "welcome": "kept"}
    assert catalogue.entry("news/milk", "zh-CN") == Entry("订购牛奶", "espeak-ng", text_digest("订购牛奶"))
    assert 400 < catalogue.duration_ms("news/milk", "zh-CN") < 400 + 2 * 130
    assert [result.done for result in results] == list(range(1, results[0].total + 1))


def test_every_word_of_numbers_and_dates_is_said_without_silence_around(catalogue: Catalogue, speaker: ToneSpeaker) -> None:
    list(say_missing(catalogue, "en-US", speaker=speaker))
    for name, text in SPEECH_LANGUAGES["en-US"].WORDS.items():
        assert catalogue.text(name, "en-US") == text
        assert abs(catalogue.duration_ms(name, "en-US") - 100 * len(text)) < 50


def test_only_the_names_asked_for_are_said(catalogue: Catalogue, speaker: ToneSpeaker) -> None:
    catalogue.update("zh-CN", {"a": Entry("一"), "b": Entry("二")})
    assert outcomes(list(say_missing(catalogue, "zh-CN", ["b"], speaker))) == {"b": "said"}
    assert speaker.said == ["二"]


def test_a_changed_text_is_said_again_and_an_unchanged_one_is_not(catalogue: Catalogue, speaker: ToneSpeaker) -> None:
    catalogue.update("zh-CN", {"a": Entry("一")})
    assert outcomes(list(say_missing(catalogue, "zh-CN", ["a"], speaker))) == {"a": "said"}
    assert outcomes(list(say_missing(catalogue, "zh-CN", ["a"], speaker))) == {"a": "kept"}
    said = catalogue.entry("a", "zh-CN")
    catalogue.update("zh-CN", {"a": Entry("一二三", said.source, said.sha256)})
    assert outcomes(list(say_missing(catalogue, "zh-CN", ["a"], speaker))) == {"a": "said"}
    assert speaker.said == ["一", "一二三"]


def test_all_that_was_said_is_said_again_where_asked_and_nothing_else(catalogue: Catalogue, speaker: ToneSpeaker) -> None:
    catalogue.update("zh-CN", {"a": Entry("一")})
    list(say_missing(catalogue, "zh-CN", ["a"], speaker))
    results = list(say_missing(catalogue, "zh-CN", ["a", "welcome"], speaker, again=True))
    assert outcomes(results) == {"a": "said", "welcome": "kept"}
    assert speaker.said == ["一", "一"]


@pytest.mark.parametrize("source", ["recorded", "imported", ""])
def test_what_a_person_recorded_is_never_replaced(catalogue: Catalogue, speaker: ToneSpeaker, source: str) -> None:
    before = catalogue.path("welcome", "zh-CN").read_bytes()
    catalogue.update("zh-CN", {"welcome": Entry("新的问候", source, text_digest("别的"))})
    assert outcomes(list(say_missing(catalogue, "zh-CN", ["welcome"], speaker))) == {"welcome": "kept"}
    assert catalogue.path("welcome", "zh-CN").read_bytes() == before
    catalogue.path("welcome", "zh-CN").write_bytes(b"damaged")
    catalogue.reload()
    (result,) = say_missing(catalogue, "zh-CN", ["welcome"], speaker)
    assert result.outcome == "failed"
    assert "is not replaced" in result.detail


def test_a_damaged_prompt_that_was_said_is_said_again(catalogue: Catalogue, speaker: ToneSpeaker) -> None:
    catalogue.update("zh-CN", {"a": Entry("一")})
    list(say_missing(catalogue, "zh-CN", ["a"], speaker))
    catalogue.path("a", "zh-CN").write_bytes(b"")
    catalogue.reload()
    assert outcomes(list(say_missing(catalogue, "zh-CN", ["a"], speaker))) == {"a": "said"}


def test_one_failure_stops_nothing_else_and_is_told(catalogue: Catalogue, speaker: ToneSpeaker) -> None:
    catalogue.update("zh-CN", {"a": Entry("unspeakable"), "b": Entry("(hush)"), "c": Entry("三")})
    results = {result.name: result for result in say_missing(catalogue, "zh-CN", ["a", "b", "c", "d", "E!"], speaker)}
    assert {name: result.outcome for name, result in results.items()} == {
        "a": "failed",
        "b": "failed",
        "c": "said",
        "d": "failed",
        "E!": "failed",
    }
    assert results["a"].detail == "it can't be said"
    assert "said nothing" in results["b"].detail
    assert "d has no text in zh-CN" in results["d"].detail
    assert not catalogue.path("b", "zh-CN").exists()
    assert catalogue.entry("a", "zh-CN").source == ""


def test_an_iteration_given_up_early_keeps_what_was_said(catalogue: Catalogue, speaker: ToneSpeaker) -> None:
    results = say_missing(catalogue, "en-US", ["speech/0", "speech/1"], speaker)
    next(results)
    results.close()
    assert catalogue.entry("speech/0", "en-US").source == "espeak-ng"
    assert catalogue.names("en-US") == ["speech/0", "welcome"]


def test_a_broken_catalogue_is_told(catalogue: Catalogue, root: Path, speaker: ToneSpeaker) -> None:
    (root / "zh-CN/catalogue.yml").write_text("a: [")
    with pytest.raises(CatalogueBroken):
        list(say_missing(catalogue, "zh-CN", ["speech/0"], speaker))


def test_a_missing_program_and_a_language_without_voice_are_told(tmp_path: Path) -> None:
    with pytest.raises(SpeakerFailed, match="no-such-program is not installed"):
        EspeakSpeaker("no-such-program").speak("hello", "en-US", tmp_path / "x.wav")
    with pytest.raises(SpeakerFailed, match="no voice chosen for fr-FR"):
        EspeakSpeaker().speak("bonjour", "fr-FR", tmp_path / "x.wav")


def fake_espeak(tmp_path: Path, script: str) -> EspeakSpeaker:
    program = tmp_path / "fake-espeak"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return EspeakSpeaker(str(program))


def test_text_is_never_part_of_the_command_line(tmp_path: Path) -> None:
    speaker = fake_espeak(tmp_path, f'printf "%s\\n" "$@" > {tmp_path}/arguments; cat > {tmp_path}/text; : > "$8"')
    try:
        speaker.speak("-f /etc/passwd; $(id) [[h@l'oU]]", "en-US", tmp_path / "x.wav")
    except SpeakerFailed:
        pass
    assert "passwd" not in (tmp_path / "arguments").read_text()
    assert (tmp_path / "text").read_text() == "-f /etc/passwd; $(id) [ [h@l'oU]]"


def test_a_failing_or_hanging_program_is_told_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SpeakerFailed, match="voice file is broken"):
        fake_espeak(tmp_path, "echo 'the voice file is broken' >&2; exit 3").speak("hello", "en-US", tmp_path / "x.wav")
    with pytest.raises(SpeakerFailed, match="could not say 'hello'"):
        fake_espeak(tmp_path, "exit 0").speak("hello", "en-US", tmp_path / "x.wav")
    monkeypatch.setattr(tts_module, "SPEAK_LIMIT_SECONDS", 0.1)
    with pytest.raises(SpeakerFailed, match="took longer"):
        fake_espeak(tmp_path, "exec sleep 60").speak("hello", "en-US", tmp_path / "x.wav")


@needs_espeak
@pytest.mark.parametrize(("language", "text"), [("zh-CN", "您好，欢迎致电。"), ("en-US", "Good day, and welcome.")])
def test_espeak_says_a_prompt_that_can_be_heard(catalogue: Catalogue, language: str, text: str) -> None:
    catalogue.update(language, {"hello": Entry(text)})
    assert outcomes(list(say_missing(catalogue, language, ["hello"]))) == {"hello": "said"}
    assert catalogue.problem("hello", language) is None
    assert 800 < catalogue.duration_ms("hello", language) < 4000
    samples, rate = read_samples(catalogue.path("hello", language))
    assert abs(spoken_dbfs(samples, rate) - TARGET_DBFS) < 1.5


def phonemes(text: str, language: str) -> str:
    command = [shutil.which("espeak-ng") or "", "-v", ESPEAK_VOICES[language], "-x", "-q", "--stdin"]
    words = tts_module._RESPELLED.get(language, str)(text).encode()
    return subprocess.run(command, input=words, capture_output=True, check=True, timeout=30).stdout.decode()


@needs_espeak
@pytest.mark.parametrize(
    ("text", "tones"),
    [
        ("零", "2"),
        ("一", "1"),
        ("二", "4"),
        ("百", "3"),
        ("万", "4"),
        ("亿", "4"),
        ("幺", "1"),
        ("凌晨", "22"),
        ("投诉", "24"),
        ("欢迎", "12"),
        ("服务", "24"),
        ("更改地址", "1343"),
        ("重新", "21"),
        ("放假", "44"),
        ("更多", "41"),
    ],
)
def test_espeak_speaks_chinese_with_the_right_tones(text: str, tones: str) -> None:
    spoken = phonemes(text, "zh-CN")
    assert "(en)" not in spoken
    numbers = {"55": "1", "35": "2", "214": "3", "21": "3", "51": "4"}
    assert "".join(numbers.get(number, "?") for number in re.findall(r"[0-9]+", spoken)) == tones


@needs_espeak
def test_every_chinese_word_has_one_syllable_for_each_character() -> None:
    for name, text in SPEECH_LANGUAGES["zh-CN"].WORDS.items():
        if not text.isascii():
            assert len(re.findall(r"[0-9]+", phonemes(text, "zh-CN"))) == len(text), name


def test_the_shipped_words_can_be_heard_and_have_no_silence_around() -> None:
    shipped = Catalogue(Path(__file__).parents[3] / "prompts")
    for language, words in SPEECH_LANGUAGES.items():
        for name in words.WORDS:
            samples, rate = read_samples(shipped.path(name, language))
            loud = np.flatnonzero(np.abs(samples) > 10 ** (-45 / 20))
            assert spoken_dbfs(samples, rate) > -30 > SILENCE_DBFS, name
            assert np.abs(samples).max() < 0.72, name
            assert loud[0] / rate < 0.05, name
            assert (len(samples) - loud[-1]) / rate < 0.05, name
