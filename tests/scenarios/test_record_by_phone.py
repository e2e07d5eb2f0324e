"""A prompt is recorded by phone: rung, told what to do, spoken, heard again and kept; what nobody has kept changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.acceptance import audio
from tests.acceptance.bench import Bench, SiteDatabase
from tests.acceptance.engine import ROOT

from .call_centre import eventually, opened
from .conftest import SWITCHES, prompt

NAME = "survey/service"  # a prompt of the site that has a sound already
NEW = "news/by_phone"
SPEECH_SECONDS = 4.5  # of the fixture, and a little
RING_SECONDS = 60.0  # until the command has started, on a machine that has much to do


@pytest.fixture(params=SWITCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with opened(request.param, tmp_path) as started:
        yield started


class Recording:
    """``ivrengine prompts record`` as it runs, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self._output = output

    def said(self) -> str:
        return self._output.read_text("utf-8")

    def until(self, sentence: str, times: int = 1) -> None:
        eventually(lambda: self.said().count(sentence) >= times, f"{sentence!r} after {self.said()!r}", RING_SECONDS)

    def result(self) -> int:
        return self.process.wait(RING_SECONDS)


@contextmanager
def recording(bench: Bench, name: str, phone: str = "8001") -> Iterator[Recording]:
    output = bench.site / f"record-{name.replace('/', '-')}.txt"
    with open(output, "wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "ivrengine", "--site", str(bench.site), "prompts", "record", name, "-l", "zh-CN", "--phone", phone],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    try:
        yield Recording(process, output)
    finally:
        process.kill()
        process.wait()


def takes(bench: Bench) -> list[Path]:
    return list((bench.site / "data/recordings/takes").glob("*"))


def test_what_was_spoken_becomes_the_prompt_and_can_be_put_back(bench: Bench, database: SiteDatabase, speech: Path) -> None:
    phone = bench.phone("8001")
    before = prompt(bench, NAME).read_bytes()
    with recording(bench, NAME) as one:
        phone.wait_talking(RING_SECONDS)
        one.until("It records.")
        phone.speak(speech)
        time.sleep(SPEECH_SECONDS)
        phone.press("#")
        one.until("heard again")
        phone.press("1")
        assert one.result() == 0, one.said()
    phone.wait_idle(20)
    samples, rate = soundfile.read(prompt(bench, NAME), always_2d=True)
    assert (rate, samples.shape[1]) == (8000, 1)
    assert audio.share_heard(samples[:, 0], audio.read(speech)) > audio.ENOUGH
    assert -24 < 20 * np.log10(_loudness(samples[:, 0])) < -18  # levelled as uploads are
    assert any(former.read_bytes() == before for former in (bench.site / "prompts/zh-CN/.former" / NAME).glob("*.wav"))
    rows = database.wait(lambda db: db.rows("select * from audit where verb = 'record_prompt'"))
    assert rows[0]["target"] == f"prompt {NAME}" and '"source": "recorded"' in rows[0]["after"]
    assert not takes(bench)


def test_nobody_answers_and_who_hangs_up_keep_nothing(bench: Bench, speech: Path) -> None:
    phone = bench.phone("8001", "reject")
    with recording(bench, NEW) as one:
        assert one.result() == 1 and any(f"Nobody answered ({why})" in one.said() for why in ("rejected", "busy"))
    bench.phone("8001")
    with recording(bench, NEW) as one:
        one.until("Somebody has answered")  # a phone that hangs up before the switch has seen the answer has not answered
        phone.hang_up()
        assert one.result() == 1 and "without a word" in one.said()
    with recording(bench, NEW) as one:
        phone.wait_talking(RING_SECONDS)
        one.until("It records.")
        phone.speak(speech)
        time.sleep(SPEECH_SECONDS)
        phone.press("#")
        one.until("heard again")
        phone.press("2")
        one.until("It records.", 2)
        phone.speak(speech)
        time.sleep(SPEECH_SECONDS)
        phone.press("#")
        one.until("heard again", 2)
        phone.press("3")
        assert one.result() == 1 and "Discarded" in one.said()
    assert not prompt(bench, NEW).exists() and not takes(bench)


def test_an_engine_that_dies_in_the_middle_has_kept_nothing(bench: Bench, speech: Path) -> None:
    phone = bench.phone("8001")
    with recording(bench, NEW) as one:
        phone.wait_talking(RING_SECONDS)
        one.until("It records.")
        phone.speak(speech)
        bench.engine.kill()
    bench.engine.start()
    phone.wait_idle(30)
    eventually(lambda: not takes(bench), "the swept directory", 20)
    assert not prompt(bench, NEW).exists()


def _loudness(samples: np.ndarray) -> float:
    loud = samples[np.abs(samples) > audio.AUDIBLE]
    return float(np.sqrt(np.mean(np.square(loud))))
