"""``ivrengine customers``: added, listed, shown and imported from the shell; strangers' text commands no terminal."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ivrengine.cli.customers import customers
from ivrengine.config import Settings, load_settings
from ivrengine.errors import IvrEngineError


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    return load_settings(tmp_path, {})


def run(site: Settings, *arguments: str, text: str | None = None, code: int = 0) -> Result:
    done = CliRunner().invoke(customers, list(arguments), obj=site, input=text)
    assert done.exit_code == code, done.output
    return done


def test_added_listed_and_shown(site: Settings) -> None:
    added = run(site, "add", "Li Lei", "138 0013 8000", "02987654321", "--level", "gold", "--notes", "a\nb").output
    short = added.split()[-1].rstrip(".")
    table = run(site, "list", "1380013").output
    assert "Li Lei" in table and short in table and "13800138000 02987654321" in table
    assert "There is no such customer." in run(site, "list", "nobody").output
    shown = run(site, "show", short).output
    assert "gold" in shown and "Li Lei" in shown and shown.count("\n") >= 7
    assert json.loads(run(site, "show", short, "--json").output)[0]["numbers"] == ["13800138000", "02987654321"]
    assert json.loads(run(site, "list", "--json").output)[0]["level"] == "gold"


def test_nonsense_is_refused_in_a_sentence(site: Settings) -> None:
    done = CliRunner().invoke(customers, ["add", "Li", "call me"], obj=site)
    assert isinstance(done.exception, IvrEngineError) and "no telephone number" in str(done.exception)
    run(site, "add", "Li")
    done = CliRunner().invoke(customers, ["show", "nobody"], obj=site)
    assert isinstance(done.exception, click.ClickException) or done.exit_code == 1


def test_an_import_with_bad_lines_imports_nothing_unless_told_so(site: Settings) -> None:
    text = "name,numbers\n\x1b[31mLi,100200\nHan,call me\n"
    refused = run(site, "import", "-", text=text, code=1).output
    assert "3: 'call' is no telephone number" in refused and "nothing was imported" in refused
    done = json.loads(run(site, "import", "-", "--skip-bad", "--json", text=text).output)
    assert (done["imported"], done["new"], done["problems"][0]["line"]) == (1, 1, 3)
    assert "\x1b" not in run(site, "list").output
