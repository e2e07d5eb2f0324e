"""What is different between two sets of flows, file by file and line by line, for whoever is about to publish one over the other."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Literal

from .site_files import SiteFiles

MOST_LINES = 20_000  # of a file that is compared line by line
CONTEXT_LINES = 3


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """``kind``: "+" only in the later text, "-" only in the earlier one, " " in both, "@" the place of the lines that follow."""

    kind: Literal["+", "-", " ", "@"]
    text: str


@dataclass(frozen=True, slots=True)
class FileChange:
    """``file``: as findings name it, ``flows/main.yml``. ``lines`` is empty where a file is too long to be compared."""

    file: str
    kind: Literal["add", "change", "remove"]
    lines: list[ChangedLine] = field(default_factory=list)

    @property
    def added(self) -> int:
        return sum(line.kind == "+" for line in self.lines)

    @property
    def removed(self) -> int:
        return sum(line.kind == "-" for line in self.lines)


def changes(before: SiteFiles, after: SiteFiles) -> list[FileChange]:
    """What leads from one to the other, in the order of the files' names."""
    old, new = texts_of(before), texts_of(after)
    found = []
    for file in sorted(old.keys() | new.keys()):
        if old.get(file) != new.get(file):
            kind: Literal["add", "change", "remove"] = "add" if file not in old else "remove" if file not in new else "change"
            found.append(FileChange(file, kind, changed_lines(old.get(file, ""), new.get(file, ""))))
    return found


def texts_of(site: SiteFiles) -> dict[str, str]:
    """Every file of the set. Of a list only what counts: its numbers, in order."""
    texts = dict(site.texts)
    if site.calendars_text is not None:
        texts[site.calendars_file] = site.calendars_text
    directory = site.calendars_file.rpartition("/")[0]
    for name, numbers in site.lists.items():
        texts[f"{directory}/lists/{name}.txt"] = "".join(f"{number}\n" for number in sorted(numbers))
    return texts


def changed_lines(old: str, new: str) -> list[ChangedLine]:
    """What is different between two texts, with a few lines around; none where they are too long to be compared."""
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > MOST_LINES:
        return []
    lines = []
    for line in list(difflib.unified_diff(before, after, lineterm="", n=CONTEXT_LINES))[2:]:
        mark: Literal["+", "-", " ", "@"] = line[0]  # type: ignore[assignment]
        lines.append(ChangedLine(mark, line if mark == "@" else line[1:]))
    return lines
