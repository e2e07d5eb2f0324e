"""``ivrengine doctor`` beside a real FreeSWITCH that serves the shipped flows: content where all is well, exact where it is not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from .engine import ROOT
from .freeswitch_bench import FreeSwitchBench

CIRCULATION = "02988880001"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeSwitchBench]:
    bench = FreeSwitchBench(tmp_path_factory.mktemp("engine"))
    for name in ("flows", "prompts"):
        shutil.copytree(ROOT / name, bench.site / name)
    with bench:
        bench.engine.start()
        yield bench


def test_doctor_is_content(bench: FreeSwitchBench) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ivrengine", "--site", str(bench.site), "doctor", "--json"],
        cwd=ROOT, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert [finding for finding in told["findings"] if finding["level"] == "failure"] == []
    assert done.returncode == 0
    assert {"switch", "modules", "dialplan", "numbers", "prompts", "recordings"} <= {finding["check"] for finding in told["findings"]}
    assert bench.switch.password.encode() not in done.stdout + done.stderr


def test_doctor_finds_that_the_switch_serves_other_numbers(bench: FreeSwitchBench) -> None:
    flow = bench.site / "flows/circulation.yml"
    text = flow.read_text("utf-8")
    flow.write_text(text.replace(CIRCULATION, "02988889999"), "utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ivrengine", "--site", str(bench.site), "doctor"],
            cwd=ROOT, capture_output=True, timeout=60, check=False, text=True,
        )  # fmt: skip
    finally:
        flow.write_text(text, "utf-8")
    assert done.returncode == 1
    assert "does not hand over exactly what the flows serve" in done.stdout and "fs render" in done.stdout


def ask(bench: FreeSwitchBench, **environment: str) -> str:
    """What doctor says in words; it must have found a failure."""
    done = subprocess.run(
        [sys.executable, "-m", "ivrengine", "--site", str(bench.site), "doctor"],
        cwd=ROOT, capture_output=True, timeout=60, check=False, text=True, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 1 and done.stderr == ""
    return done.stdout


def test_doctor_says_whose_password_is_wanted(bench: FreeSwitchBench) -> None:
    told = ask(bench, IVRENGINE_SWITCH_PASSWORD="a-wrong-password")
    assert "refused our password" in told and "event_socket.conf.xml" in told and "a-wrong-password" not in told


def test_doctor_names_a_missing_module_and_how_to_load_it(bench: FreeSwitchBench) -> None:
    bench.switch.api("unload mod_tone_stream")
    try:
        told = ask(bench)
    finally:
        bench.switch.api("load mod_tone_stream")
    assert "mod_tone_stream is not loaded" in told and 'fs_cli -x "load mod_tone_stream"' in told


def test_doctor_names_a_directory_that_is_gone(bench: FreeSwitchBench) -> None:
    directory = bench.site / "data" / "voicemail" / "unclaimed"
    directory.rename(directory.with_name("away"))
    try:
        told = ask(bench)
    finally:
        directory.with_name("away").rename(directory)
    assert f"mkdir -p {directory}" in told
