"""What the file of a recording tells whose end nobody has seen."""

from __future__ import annotations

import wave
from array import array
from pathlib import Path

import pytest

from ivrengine.domain.caller import CallInfo
from ivrengine.flow.recording import RECORDING, RECORDING_NAME
from ivrengine.flow.run import Frame, Run
from ivrengine.runtime.recording_files import left_recording


def run_of(state: dict[str, str]) -> Run:
    return Run(CallInfo("c", "100", "", "", 0.0), [Frame("line", "v", "message", state)], "zh-CN")


WAITING = {RECORDING: "c:3", RECORDING_NAME: "message-c-3"}


def record(directory: Path, *parts: tuple[int, float]) -> None:
    with wave.open(str(directory / "message-c-3.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        for level, seconds in parts:
            file.writeframes(array("h", [level, -level] * int(4000 * seconds)).tobytes())


@pytest.mark.parametrize("hung_up", [False, True])
def test_all_of_it_counts_as_said(tmp_path: Path, hung_up: bool) -> None:
    """Also a pause at its end: whether that ended it is not known, and a message must not be thrown away for it."""
    record(tmp_path, (9000, 2.0), (10, 1.0))
    ended = left_recording(run_of(WAITING), tmp_path, hung_up=hung_up)
    assert ended is not None
    assert (ended.token, ended.outcome, ended.duration_ms) == ("c:3", "recorded", 3000)
    assert ended.ended_by == ("hangup" if hung_up else "key")


def test_silence_is_no_message(tmp_path: Path) -> None:
    record(tmp_path, (10, 2.5))
    ended = left_recording(run_of(WAITING), tmp_path, hung_up=True)
    assert ended is not None
    assert ended.duration_ms == 0


@pytest.mark.parametrize("content", [None, b"", b"not a wav"])
def test_nothing_that_can_be_used(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "message-c-3.wav").write_bytes(content)
    assert left_recording(run_of(WAITING), tmp_path, hung_up=False) is None
    assert left_recording(run_of({}), tmp_path, hung_up=False) is None
