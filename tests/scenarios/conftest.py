"""The same calls on the embedded switch and on a real FreeSWITCH: every test here runs once on each.

The site is the one that is shipped: the newspaper's hot lines with their prompts.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from ivrengine.cli.main import cli
from tests.acceptance import audio
from tests.acceptance.bench import Bench, SiteDatabase
from tests.acceptance.freeswitch_bench import FreeSwitchBench
from tests.acceptance.kept_switch import KeptSwitch
from tests.acceptance.sim_bench import SimBench
from tests.acceptance.switch import why_not

ROOT = Path(__file__).resolve().parents[2]
NO_FREESWITCH = why_not()


SWITCHES = [
    "simswitch",
    pytest.param(
        "freeswitch",
        marks=[pytest.mark.acceptance, pytest.mark.skipif(NO_FREESWITCH is not None, reason=NO_FREESWITCH or "")],
    ),
]


KEPT = KeptSwitch()


def new_bench(switch: str, work: Path) -> Bench:
    """Not started yet: put flows and prompts into its site first. All tests of a process share one FreeSWITCH."""
    return SimBench(work) if switch == "simswitch" else FreeSwitchBench(work, kept=KEPT)


@pytest.fixture(scope="session", autouse=True)
def no_switch_stays_behind() -> Iterator[None]:
    yield
    KEPT.stop()


@pytest.fixture(params=SWITCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A started switch with the hot lines as its site; the engine is started by the test."""
    made = new_bench(request.param, tmp_path)
    shutil.copytree(ROOT / "flows", made.site / "flows")
    shutil.copytree(ROOT / "prompts", made.site / "prompts")
    with made as started:
        yield started


@pytest.fixture
def database(bench: Bench) -> SiteDatabase:
    return SiteDatabase(bench.site)


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Four seconds that can be found again in a recording."""
    return audio.write(tmp_path / "speech.wav", audio.chirp(4.0))


def command(bench: Bench, *arguments: str) -> str:
    """``ivrengine`` on the bench's site, as an administrator would run it, but in this process: starting one takes longer than most
    commands. Fails when it does."""
    done = CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["--site", str(bench.site), *arguments])
    assert done.exit_code == 0, f"{done.output}{done.exception!r}"
    return done.stdout


def prompt(bench: Bench, name: str, language: str = "zh-CN") -> Path:
    return bench.site / "prompts" / language / f"{name}.wav"


def labels(database: SiteDatabase, call_id: str) -> list[str]:
    """The labels of the choices made, in order."""
    return [step["label"] for step in database.steps(call_id) if step["label"]]


def open_office(bench: Bench) -> None:
    """Whatever the time of day is now."""
    command(bench, "hours", "override", "office", "open", "--permanent")
