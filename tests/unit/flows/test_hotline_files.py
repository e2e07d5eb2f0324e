"""The shipped flows as files: no findings, every prompt recorded in both languages, audible, and short."""

from __future__ import annotations

import re
import wave
from functools import cache

import numpy as np
import pytest
import yaml
from hotline_calls import PERMITTED, ROOT, loaded, moment, site

from ivrengine.flow.types import PromptRef, walk
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.levels import peak_dbfs, spoken_dbfs
from ivrengine.prompts.voice import Voice
from ivrengine.runtime.site_files import check_site

LANGUAGES = ("zh-CN", "en-US")
SAMPLE = yaml.safe_load((ROOT / "site.yml").read_text(encoding="utf-8"))
LONGEST_SECONDS = 10
SHORTEST_SECONDS = 0.2
MOST_BYTES = 12_000_000  # of all recordings together, words of numbers included
DESK_PROMPT = re.compile(r'"((?:desk|talk|callback|record)/[a-z_]+)"')


@cache
def catalogue() -> Catalogue:
    return Catalogue(ROOT / "prompts")


@cache
def prompt_names() -> tuple[str, ...]:
    leaves = (value for flow in loaded().flows.flows.values() for step in flow.steps.values() for _, value in walk(step.spec))
    return tuple(sorted({str(value) for value in leaves if isinstance(value, PromptRef)} | engine_s_own()))


def engine_s_own() -> set[str]:
    """What the engine says by itself at the desk, in talks, callbacks and takes; the names of queues and break reasons among it."""
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "ivrengine/runtime").glob("*.py"))
    names = {f"queue/{name}" for name in SAMPLE["queues"]} | {f"break/{name}" for name in SAMPLE["break_reasons"]}
    return names.union(*(DESK_PROMPT.findall(source) for source in sources))


def test_the_flows_have_no_findings() -> None:
    voice = Voice(catalogue(), "zh-CN")
    findings = check_site(
        site(), catalogue(), voice, PERMITTED, moment("2026-06-01T12:00"), set(SAMPLE["queues"]), set(SAMPLE["skills"])
    ).findings
    # China tells the moved working days of a year at the end of the year before; nobody can know them earlier.
    assert [str(finding) for finding in findings if finding.code != "calendar_year"] == []


def test_each_number_enters_one_flow_and_all_flows_are_there() -> None:
    flows = loaded().flows
    numbers = {number: flow.name for flow in flows.flows.values() for number in flow.numbers}
    codes = {number for number, name in numbers.items() if name == "desk"}
    assert codes == {"*90", "*91", "*92", "*93*", "*94", "*95*", "*96", "*97*", "*98"}
    numbers = {number: name for number, name in numbers.items() if name != "desk"}
    assert numbers == {"02988880001": "circulation", "100": "circulation", "02988880002": "delivery", "02988880003": "property"}
    assert {flow.languages for flow in flows.flows.values()} == {LANGUAGES}
    for name in numbers.values():
        assert flows.flows[name].fallback and flows.flows[name].on_hangup


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_prompt_is_recorded_for_the_telephone_audible_and_short(language: str) -> None:
    assert len(prompt_names()) > 40
    for name in prompt_names():
        assert catalogue().problem(name, language) is None
        with wave.open(str(catalogue().path(name, language))) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2), name
            samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2") / 32768
        assert SHORTEST_SECONDS < len(samples) / 8000 < LONGEST_SECONDS, name
        assert -32 < spoken_dbfs(samples, 8000) < -12, name
        assert peak_dbfs(samples) < -1, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_prompt_has_its_text_in_its_own_language(language: str) -> None:
    for name in prompt_names():
        text = catalogue().text(name, language)
        assert bool(re.search(r"[\u4e00-\u9fff]", text)) == (language == "zh-CN"), f"{name}: {text}"


def test_all_recordings_together_stay_small() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "prompts").rglob("*.wav")) < MOST_BYTES


def test_no_prompt_is_left_that_nobody_plays() -> None:
    for language in LANGUAGES:
        own = {name for name in catalogue().names(language) if not name.startswith("speech/")}
        assert own == set(prompt_names())
