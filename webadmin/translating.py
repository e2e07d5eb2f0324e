"""Keeps translations/zh_CN/<page>.po in step with the texts in code and templates: ``scripts/translations`` runs it.

A text of pages/<page>*.py or templates/<page>/ belongs into <page>.po, any other into frame.po. A text that several pages have stands
in each of their files, so that a page can be moved or dropped with its own. What the engine itself says (``Sentence``, in any room but
the command line's) belongs into engine_<room>.po.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

import ivrengine

from .i18n import DIRECTORY

ROOT = Path(__file__).parent
LOCALE = "zh_CN"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false"}}
MAIN = "frame"
KEYWORDS = {**DEFAULT_KEYWORDS, "lazy_gettext": None, "Sentence": None}
ENGINE = Path(ivrengine.__file__).parent
ENGINE_METHODS = [("cli/**.py", "ignore"), ("**.py", "python")]
ENGINE_KEYWORDS: dict[str, None] = {"Sentence": None}

Id = str | tuple[str, ...]


def page_of(path: str) -> str:
    """The page that a file belongs to, by its place."""
    parts = Path(path).parts
    pages = [each.stem for each in (ROOT / "pages").glob("*.py")]
    if parts[0] == "templates" and len(parts) > 2:
        return parts[1] if parts[1] in pages else MAIN
    if parts[0] == "pages":
        stem = Path(path).stem
        return max((page for page in pages if stem == page or stem.startswith(f"{page}_")), key=len, default=MAIN)
    return MAIN


def texts() -> dict[str, Catalog]:
    """What is to be translated, by page."""
    found: defaultdict[str, Catalog] = defaultdict(lambda: Catalog(locale=LOCALE))
    for path, line, message, comments, context in extract_from_dir(str(ROOT), METHODS, OPTIONS, KEYWORDS):
        found[page_of(path)].add(message, locations=[(path, line)], auto_comments=comments, context=context)
    for path, line, message, comments, _ in extract_from_dir(str(ENGINE), ENGINE_METHODS, {}, ENGINE_KEYWORDS):
        found[f"engine_{Path(path).with_suffix('').parts[0]}"].add(message, locations=[(path, line)], auto_comments=comments)
    return dict(found)


def problems() -> list[str]:
    """What is not translated, translated wrongly, or not needed any more; a line each."""
    found = texts()
    told = [f"{name}.po: the page is gone" for name in _files() if name not in found]
    for page, catalog in sorted(found.items()):
        kept = _read(page)
        for message in catalog:
            if message.id:
                told += [f"{page}.po: {sentence}: {_first(message.id)}" for sentence in _wrong(kept, message.id, message.context)]
        unused = [each.id for each in kept if each.id and catalog.get(each.id, each.context) is None]
        told += [f"{page}.po: not needed any more: {_first(text)}" for text in unused]
    return told + _differing(list(found))


def _differing(pages: list[str]) -> list[str]:
    """The files are read into one: what is the same in English must be the same in Chinese. (``pgettext`` tells two meanings apart.)"""
    said: defaultdict[tuple[str | None, str], dict[str, str]] = defaultdict(dict)
    for page in sorted(pages):
        for each in _read(page):
            if each.id and isinstance(each.string, str) and each.string:
                said[each.context, _first(each.id)].setdefault(each.string, page)
    return [
        f"{text} is translated differently: " + ", ".join(f"{page}.po {chinese}" for chinese, page in words.items())
        for (_, text), words in said.items()
        if len(words) > 1
    ]


def write(pages: list[str]) -> None:
    """Of these pages (all where none is named): add what is missing, with nothing as its translation, and take out what is not needed."""
    found = texts()
    for page, catalog in found.items():
        if pages and page not in pages:
            continue
        kept = _read(page)
        for message in catalog:
            known = kept.get(message.id, message.context) if message.id else None
            message.locations = [(path, 0) for path in sorted({path for path, _ in message.locations})]
            if known is not None:
                message.string = known.string
        path = DIRECTORY / LOCALE / f"{page}.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalog, width=0, sort_output=True, omit_header=True, include_lineno=False)
    for name in _files():
        if not pages and name not in found:
            (DIRECTORY / LOCALE / f"{name}.po").unlink()


def _wrong(kept: Catalog, text: Id, context: str | None) -> list[str]:
    known = kept.get(text, context)
    if known is None or not (all(known.string) if isinstance(known.string, tuple) else known.string):
        return ["not translated"]
    return [f"translated wrongly ({error})" for error in known.check(kept)]


def _first(text: Id) -> str:
    return repr(text if isinstance(text, str) else text[0])


def _files() -> list[str]:
    return sorted(path.stem for path in (DIRECTORY / LOCALE).glob("*.po"))


def _read(page: str) -> Catalog:
    path = DIRECTORY / LOCALE / f"{page}.po"
    if not path.exists():
        return Catalog(locale=LOCALE)
    with path.open("rb") as file:
        return read_po(file, locale=LOCALE)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write(sys.argv[2:])
    found = problems()
    print("\n".join(found) or "All texts are translated.")
    sys.exit(1 if found else 0)
