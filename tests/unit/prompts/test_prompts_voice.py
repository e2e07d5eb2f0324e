from __future__ import annotations

import re
from pathlib import Path

import pytest
from prompt_sounds import tone, write_wav

from ivrengine.domain.audio import SPEECH_KINDS, Music, Prompt, RecordedFile, Silence, Speech, Tone
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.speech.en_us import ENGLISH
from ivrengine.prompts.speech.zh_cn import MANDARIN
from ivrengine.prompts.voice import PATHS_LIMIT, Voice

ERROR_TONE = "tone_stream://%(200,100,400);%(200,0,400)"


@pytest.fixture
def spoken(root: Path) -> Catalogue:
    """Every English speech word as 100 ms of sound, and the Chinese digits only."""
    for name in ENGLISH.WORDS:
        write_wav(root / f"en-US/{name}.wav", tone(0.1))
    for name in MANDARIN.words_needed("digits"):
        write_wav(root / f"zh-CN/{name}.wav", tone(0.2))
    return Catalogue(root)


def test_items_become_paths_in_order_with_their_length_and_text(spoken: Catalogue, root: Path) -> None:
    write_wav(root / "taken.wav", tone(2.0))
    items = [
        Prompt("welcome", "zh-CN"),
        Tone("beep"),
        Silence(400),
        RecordedFile(str(root / "taken.wav")),
        Speech("number", "21", "en-US"),
    ]
    rendered = Voice(spoken, "zh-CN").render(items)
    assert rendered.paths == [
        str(root / "zh-CN/welcome.wav"),
        "tone_stream://%(300,0,800)",
        "silence_stream://400",
        str(root / "taken.wav"),
        str(root / "en-US/speech/20.wav"),
        str(root / "en-US/speech/1.wav"),
    ]
    assert rendered.duration_ms == 1000 + 300 + 400 + 2000 + 200
    assert rendered.texts == ["您好", "(beep tone)", "", "(recording)", "twenty one"]
    assert rendered.problems == []


def test_a_prompt_missing_in_the_callers_language_is_heard_in_the_next(spoken: Catalogue, root: Path) -> None:
    (root / "en-US/welcome.wav").unlink()
    spoken.reload()
    assert Voice(spoken, "zh-CN").render([Prompt("welcome", "en-US")]).paths == [str(root / "zh-CN/welcome.wav")]
    assert Voice(spoken, "fr-FR", ["zh-CN"]).render([Prompt("welcome", "en-US")]).paths == [str(root / "zh-CN/welcome.wav")]
    assert Voice(spoken, "zh-CN").render([Prompt("welcome", "en-US")]).problems == []


def test_a_prompt_missing_everywhere_is_an_error_tone_and_a_sentence(spoken: Catalogue) -> None:
    rendered = Voice(spoken, "zh-CN").render([Prompt("nothing", "en-US"), Prompt("../x", "en-US"), Prompt("welcome", "zh-CN")])
    assert rendered.paths[:2] == [ERROR_TONE, ERROR_TONE]
    assert len(rendered.paths) == len(rendered.texts) == 3
    assert len(rendered.problems) == 2
    assert "nothing is missing in en-US" in rendered.problems[0]
    assert rendered.duration_ms == 500 + 500 + 1000


def test_a_value_is_never_spoken_in_two_languages(spoken: Catalogue, root: Path) -> None:
    voice = Voice(spoken, "zh-CN", ["en-US"])
    assert {Path(path).parts[-3] for path in voice.render([Speech("digits", "12", "zh-CN")]).paths} == {"zh-CN"}
    rendered = voice.render([Speech("number", "11", "zh-CN")])  # 十 is missing, 一 is not
    assert rendered.paths == [str(root / "en-US/speech/11.wav")]
    assert rendered.texts == ["eleven"]


def test_a_language_without_words_for_values_falls_back(spoken: Catalogue) -> None:
    assert Voice(spoken, "en-US").render([Speech("count", "2", "fr-FR")]).texts == ["two"]
    assert Voice(spoken, "fr-FR").render([Speech("count", "2", "fr-FR")]).problems


def test_a_value_that_can_not_be_spoken_is_an_error_tone_and_a_sentence(spoken: Catalogue) -> None:
    rendered = Voice(spoken, "en-US").render([Speech("date", "2025-02-29", "en-US")])
    assert rendered.paths == [ERROR_TONE]
    assert "'2025-02-29' can't be spoken as date" in rendered.problems[0]


def test_pauses_of_a_telephone_number_are_played(spoken: Catalogue) -> None:
    rendered = Voice(spoken, "en-US").render([Speech("phone", "4008001234", "en-US")])
    assert sum(path.startswith("silence_stream://") for path in rendered.paths) == 2
    assert rendered.duration_ms == 10 * 100 + 2 * 250


@pytest.mark.parametrize(
    "name", ["a!b.wav", "a b.wav", "a,b.wav", "a'b.wav", "${x}.wav", "a\nb.wav", "a@@5.wav", "a\\b.wav", "{x=1}.wav", 'a"b.wav']
)
def test_paths_that_freeswitch_would_misread_are_refused(catalogue: Catalogue, tmp_path: Path, name: str) -> None:
    write_wav(tmp_path / name, tone(0.2))
    rendered = Voice(catalogue, "zh-CN").render([RecordedFile(str(tmp_path / name))])
    assert rendered.paths == [ERROR_TONE]
    assert "FreeSWITCH would misread" in rendered.problems[0]


def test_a_prompts_directory_with_such_a_path_is_refused_too(tmp_path: Path) -> None:
    write_wav(tmp_path / "my calls/zh-CN/welcome.wav", tone(0.2))
    rendered = Voice(Catalogue(tmp_path / "my calls"), "zh-CN").render([Prompt("welcome", "zh-CN")])
    assert rendered.paths == [ERROR_TONE]
    assert "' '" in rendered.problems[0]


def test_a_recording_that_is_gone_or_empty_is_told(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    rendered = Voice(catalogue, "zh-CN").render(
        [RecordedFile(str(tmp_path / "gone.wav")), RecordedFile(str(tmp_path / "empty.wav"))]
    )
    assert rendered.paths == [ERROR_TONE, ERROR_TONE]
    assert "gone.wav" in rendered.problems[0]
    assert "is empty" in rendered.problems[1]


def test_more_files_than_freeswitch_can_take_in_a_row_are_left_out_legibly(spoken: Catalogue) -> None:
    rendered = Voice(spoken, "en-US").render([Speech("digits", "1" * 40, "en-US")] * 4)
    assert len(rendered.paths) == PATHS_LIMIT
    assert len(rendered.texts) == 3
    assert "left out" in rendered.problems[0]


def test_silence_of_no_length_never_becomes_silence_for_ever(catalogue: Catalogue) -> None:
    rendered = Voice(catalogue, "zh-CN").render([Silence(0), Silence(-1)])
    assert rendered.paths == []
    assert rendered.texts == ["", ""]


@pytest.mark.parametrize("kind", SPEECH_KINDS)
def test_missing_speech_words_are_counted_and_named(spoken: Catalogue, kind: str) -> None:
    voice = Voice(spoken, "zh-CN")
    assert voice.speech_problem(kind, "en-US") is None
    problem = voice.speech_problem(kind, "zh-CN")
    assert (problem is None) == (kind == "digits")
    if problem:
        missing = [name for name in MANDARIN.words_needed(kind) if not spoken.has(name, "zh-CN")]
        assert problem.startswith(f"{len(missing)} words")
    assert "fr-FR" in (voice.speech_problem(kind, "fr-FR") or "")


def test_an_unknown_kind_of_speech_is_told(spoken: Catalogue) -> None:
    assert "no such kind" in (Voice(spoken, "zh-CN").speech_problem("colour", "en-US") or "")


def test_the_shipped_prompts_speak_every_kind_in_both_languages() -> None:
    catalogue = Catalogue(Path(__file__).parents[3] / "prompts")
    voice = Voice(catalogue, "zh-CN")
    assert [voice.speech_problem(kind, language) for kind in SPEECH_KINDS for language in ("zh-CN", "en-US")] == [None] * 16
    assert catalogue.faults == []
    for language in ("zh-CN", "en-US"):
        for name in catalogue.names(language):
            if re.match("speech/", name):
                assert 80 <= catalogue.duration_ms(name, language) <= 1500, name


def test_music_is_the_switch_s_own_stream_and_outlasts_every_call(catalogue: Catalogue) -> None:
    rendered = Voice(catalogue, "zh-CN").render([Music("moh")])
    assert (rendered.paths, rendered.problems) == (["local_stream://moh"], [])
    assert rendered.duration_ms >= 24 * 3600 * 1000
    assert Voice(catalogue, "zh-CN").render([Music("moh!${x}")]).paths == [ERROR_TONE]
