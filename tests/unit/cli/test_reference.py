"""The page of commands and settings: nothing in it is missing, and the page in the tree is the one that is generated now."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import click
import pytest

from ivrengine.cli.reference import SECTIONS, commands, reference, settings
from ivrengine.config import Settings, load_settings

ROOT = Path(__file__).parents[3]
COMMANDS = dict(commands())


def test_the_page_in_the_tree_is_up_to_date():
    assert (ROOT / "ivrengine" / "cli" / "README.md").read_text("utf-8") == reference(), "run ./scripts/docs"


def test_every_file_of_commands_is_reached():
    assert {"ivrengine serve", "ivrengine flow check", "ivrengine hours override", "ivrengine fs render"} <= set(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_help_for_itself_and_its_options(words):
    command = COMMANDS[words]
    assert command.help and command.help.strip(), f"{words} has no docstring"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help and parameter.help.strip(), f"{words} {parameter.opts[0]} has no help"
        else:
            argument = parameter.make_metavar(click.Context(command)).strip("[].")
            assert argument in command.help, f"{words}: no word on {argument}"


@pytest.mark.parametrize("words", [words for words, command in COMMANDS.items() if not isinstance(command, click.Group)])
def test_every_command_has_its_entry(words):
    entry = reference().split(f"\n### {words}\n", 1)[1].split("\n##", 1)[0]
    for parameter in COMMANDS[words].params:
        if isinstance(parameter, click.Option):
            assert f"| `{', '.join(parameter.opts)}" in entry


@pytest.mark.parametrize("name", [name for name, _ in settings()])
def test_every_setting_is_documented(name):
    section, _, key = name.partition(".")
    entry = reference().split(f"\n### [{section}]\n", 1)[1].split("\n##", 1)[0]
    row = next(line for line in entry.splitlines() if line.startswith(f"| `{key}` | "))
    assert not row.split(" | ")[1].endswith(": "), f"{name} has no meaning"


def test_every_section_that_is_read_is_documented(tmp_path):
    loaded = load_settings(tmp_path, {})
    sections = {field.name: type(getattr(loaded, field.name)) for field in fields(Settings) if field.name not in ("site", "data")}
    assert sections == SECTIONS
