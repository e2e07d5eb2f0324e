"""Rules of the house that no import contract can keep: no clock and no chance in the pure rooms, docstrings, readable sizes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ivrengine.flow.docs import reference
from ivrengine.flow.step import REGISTRY

ROOT = Path(__file__).parents[2]
MODULES = sorted(path.relative_to(ROOT) for room in ("ivrengine", "webadmin") for path in (ROOT / room).rglob("*.py"))
PURE = [path for path in MODULES if path.parts[1] in ("domain", "flow", "acd")]
LONGEST_FILE = 430  # lines
LONGER = {
    "ivrengine/flow/rehearsal.py": "one call under the virtual clock: every command's effect stands beside the next",
}
# what asks the world for the time or for luck: the last two words of the name, or a bare call
FORBIDDEN = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "time.monotonic",
    "time.perf_counter", "time.sleep", "random.random", "random.choice", "random.randint", "os.urandom",
    "uuid.uuid4", "uuid.uuid1",
}  # fmt: skip
FORBIDDEN_IMPORTS = {"time", "random", "secrets"}


def forbidden_in(source: str) -> list[str]:
    """Names of what a pure module may not use, with their lines."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if f"{owner}.{node.attr}" in FORBIDDEN:
                found.append(f"{node.lineno}: {owner}.{node.attr}")
        elif isinstance(node, ast.Import):
            found += [f"{node.lineno}: import {alias.name}" for alias in node.names if alias.name in FORBIDDEN_IMPORTS]
        elif isinstance(node, ast.ImportFrom) and node.module in FORBIDDEN_IMPORTS:
            found.append(f"{node.lineno}: from {node.module} import")
    return found


def test_the_search_finds_what_it_looks_for():
    assert forbidden_in("import datetime\nx = datetime.datetime.now()\n") == ["2: datetime.now"]
    assert forbidden_in("from time import time\n") == ["1: from time import"]
    assert forbidden_in("from datetime import datetime, time\nx = datetime.combine(d, time.min)\n") == []


@pytest.mark.parametrize("path", PURE, ids=str)
def test_the_pure_rooms_ask_nobody_for_the_time_or_for_luck(path):
    assert forbidden_in((ROOT / path).read_text("utf-8")) == []


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_every_module_says_what_it_does(path):
    assert ast.get_docstring(ast.parse((ROOT / path).read_text("utf-8")))


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_file_is_too_long_without_a_reason(path):
    lines = len((ROOT / path).read_text("utf-8").splitlines())
    assert (lines > LONGEST_FILE) == (str(path) in LONGER), f"{lines} lines"


def test_every_registered_step_is_one_file_with_an_entry_in_the_reference():
    files = {path.stem.removesuffix("_") for path in (ROOT / "ivrengine" / "flow" / "steps").glob("*.py")} - {"_", "__init__"}
    entries = [line.removeprefix("### ") for line in (ROOT / "flows" / "README.md").read_text("utf-8").splitlines()]
    assert {type(step).__module__.rpartition(".")[2].removesuffix("_") for step in REGISTRY.values()} <= files
    for verb in REGISTRY:
        assert entries.count(verb) == 1, f"{verb} has no entry: run ./scripts/docs"
        assert f"\n### {verb}\n" in reference()
