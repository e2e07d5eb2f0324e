"""The page on commands and settings as Markdown, made from click and the settings' own fields, so that it can't be out of date.

``python -m ivrengine.cli.reference`` prints the page that ``scripts/docs`` puts into ``ivrengine/cli/README.md``.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator
from dataclasses import Field, fields
from typing import Any

import click

from ivrengine.config import KINDS, EngineSettings, FreeswitchSettings, SwitchSettings, WebSettings

from .main import cli

SECTIONS = {"switch": SwitchSettings, "engine": EngineSettings, "web": WebSettings, "freeswitch": FreeswitchSettings}

_HEAD = """\
# Commands and settings

This page is generated from the commands themselves by `./scripts/docs`; change them, not it.

From a checkout every command is `./scripts/ivrengine ...`; `-h` after any of them explains it. What a person can mend is told
in a sentence on standard error. The exit code is 0 when all went well, 1 when it did not, 2 when the command line was not
understood.
"""

_SETTINGS = """
## Settings

They are read from `ivrengine.toml` in the site directory; nothing in it is required. An environment variable
`IVRENGINE_<SECTION>_<KEY>` wins over the file, e.g. `IVRENGINE_SWITCH_PORT=8022`; lists are written there with commas.
`data` stands at the top of the file, outside all sections: the directory for database, recordings and messages (`data` in the
site without it; `IVRENGINE_DATA` wins). FreeSWITCH records into it, so its path can't have spaces or punctuation.

```toml
data = "/var/lib/ivrengine"

[switch]
password_file = "/etc/freeswitch-ivr/passwords/event-socket"

[engine]
languages = ["zh-CN", "en-US"]
```
"""


def reference() -> str:
    """The whole page."""
    return "".join(_page())


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command and group with the words that call it, ``ivrengine flow check``."""
    yield from _walk("ivrengine", cli)


def settings() -> Iterator[tuple[str, Field[Any]]]:
    """Every key of ivrengine.toml that stands in a section, ``switch.port``."""
    for section, kind in SECTIONS.items():
        for field in fields(kind):
            yield f"{section}.{field.name}", field


def _walk(words: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None, name
            yield from _walk(f"{words} {name}", inner)


def _page() -> Iterator[str]:
    yield f"{_HEAD}\n## Commands\n\n"
    described = [(words, command) for words, command in commands() if not isinstance(command, click.Group) or command is cli]
    for words, command in described:
        if command is not cli:
            yield f"- [{words}](#{words.replace(' ', '-')}): {_first_sentence(command)}\n"
    for words, command in described:
        yield f"\n### {words}\n\n{_text(command)}\n"
        yield f"\n    {words} {' '.join(command.collect_usage_pieces(click.Context(command)))}\n"
        options = [one for one in command.params if isinstance(one, click.Option)]
        if options:
            yield "\n| option | what | default |\n|---|---|---|\n"
            yield from map(_option, options)
    yield _SETTINGS
    for section, kind in SECTIONS.items():
        yield f"\n### [{section}]\n\n{kind.__doc__}\n\n| key | what | default |\n|---|---|---|\n"
        for field in fields(kind):
            default, meaning = _default(field), _cell(field.metadata["meaning"])
            yield f"| `{field.name}` | {KINDS[type(default)]}{_bounds(field)}: {meaning} | {_toml(default)} |\n"


def _text(command: click.Command) -> str:
    """The help as Markdown: a paragraph that click must not wrap (after \\b) is shown as it stands."""
    text = inspect.cleandoc(command.help or "")
    paragraphs = (
        "\n".join(f"    {line}" for line in paragraph.splitlines()[1:]) if paragraph.startswith("\b") else paragraph
        for paragraph in re.split(r"\n\s*\n", text)
    )
    return "\n\n".join(paragraphs)


def _first_sentence(command: click.Command) -> str:
    return re.split(r"(?<=\.)\s", " ".join(_text(command).split()), maxsplit=1)[0]


def _option(option: click.Option) -> str:
    names = ", ".join((*option.opts, *option.secondary_opts))
    if not option.is_flag:
        names += f" {_cell(_value(option))}"
    default = option.show_default if isinstance(option.show_default, str) else option.default if option.show_default else ""
    default = "required" if option.required else f"{default}"
    return f"| `{names}`{' (may be repeated)' if option.multiple else ''} | {_cell(option.help or '')} | {_cell(default)} |\n"


def _value(option: click.Option) -> str:
    if isinstance(option.type, click.IntRange | click.FloatRange):
        return f"{option.type.min}-{option.type.max}"
    return option.make_metavar(click.Context(click.Command("any")))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _bounds(field: Field[Any]) -> str:
    least, most = field.metadata["least"], field.metadata["most"]
    return f" {least:.0f}-{most:.0f}" if most < math.inf else ""


def _default(field: Field[Any]) -> Any:
    return field.default_factory() if callable(field.default_factory) else field.default


def _toml(value: Any) -> str:
    if isinstance(value, list):
        items = ", ".join(f'"{item}"' for item in value)
        return f"`[{items}]`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


if __name__ == "__main__":
    click.echo(reference(), nl=False)
