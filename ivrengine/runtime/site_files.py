"""The files of a site that make its flows: read from disk here, judged by the pure linter, never changed.

A file that can't be read is a finding like any other. Refuses files that are absurdly large, and follows no other names than
``*.yml`` and ``lists/*.txt``.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ivrengine.domain.sentence import Sentence
from ivrengine.flow.calendar_file import load_calendars
from ivrengine.flow.check import check_flows, sound_flows
from ivrengine.flow.check_view import PromptCatalogue, SpeechVoice
from ivrengine.flow.compile import load_flows
from ivrengine.flow.finding import Finding, sort_key
from ivrengine.flow.flowset import FlowSet, Place
from ivrengine.flow.number_lists import load_list

CALENDARS = "calendars.yml"
LISTS = "lists"
FILE_LIMIT = 2_000_000  # bytes


@dataclass(slots=True)
class SiteFiles:
    """``texts``: place name (``flows/main.yml``) -> text of each flow. ``lists``: name -> numbers and prefixes.

    ``findings``: what couldn't be read.
    """

    texts: dict[str, str] = field(default_factory=dict)
    calendars_text: str | None = None  # None where there is no file
    lists: dict[str, frozenset[str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    calendars_file: str = CALENDARS

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        lists = {name: sorted(numbers) for name, numbers in self.lists.items()}
        return {"flows": self.texts, "calendars": self.calendars_text, "lists": lists}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> SiteFiles:
        lists = {name: frozenset(numbers) for name, numbers in record["lists"].items()}
        return cls(dict(record["flows"]), record["calendars"], lists)


@dataclass(slots=True)
class CheckedSite:
    """``flows`` are those without errors; only a set without any error may be put in force."""

    flows: FlowSet
    findings: list[Finding]


def read_site(directory: Path) -> SiteFiles:
    """Everything in ``flows/``: ``*.yml`` (one flow each), ``calendars.yml``, ``lists/*.txt`` (a number a line, # comments)."""
    site = SiteFiles(calendars_file=f"{directory.name}/{CALENDARS}")
    if not directory.is_dir():
        site.findings.append(
            Finding(
                "unreadable", "error", Place(directory.name, 1, 1), Sentence("there is no directory %(directory)s", directory=directory)
            )
        )
    elif not os.access(directory, os.R_OK | os.X_OK):
        sentence = Sentence("the directory %(directory)s can't be read: Permission denied", directory=directory)
        site.findings.append(Finding("unreadable", "error", Place(directory.name, 1, 1), sentence))
        return site
    for path in _files(directory, "*.yml"):
        name = f"{directory.name}/{path.name}"
        text = _read(path, name, site.findings)
        if text is None:
            continue
        if path.name == CALENDARS:
            site.calendars_text = text
        else:
            site.texts[name] = text
    for path in _files(directory, "*.yaml"):
        place = Place(f"{directory.name}/{path.name}", 1, 1)
        site.findings.append(
            Finding("file_name", "warning", place, Sentence("the file is not read"), Sentence("rename it to %(stem)s.yml", stem=path.stem))
        )
    for path in _files(directory / LISTS, "*.txt"):
        name = f"{directory.name}/{LISTS}/{path.name}"
        text = _read(path, name, site.findings)
        if text is not None:
            site.lists[path.stem], findings = load_list(text, name)
            site.findings += findings
    return site


def check_site(
    site: SiteFiles,
    catalogue: PromptCatalogue,
    voice: SpeechVoice,
    outside_numbers: Sequence[str],
    now: float,
    queues: Collection[str] | None = None,
    skills: Collection[str] | None = None,
) -> CheckedSite:
    """Compile and lint a site; all findings at once. ``now`` (UTC seconds) says of which years the holidays must be known.

    ``queues`` and ``skills``: the names that flows may use; None where they are not known.
    """
    result = load_flows(site.texts)
    calendars = load_calendars(site.calendars_text, site.calendars_file)
    findings = site.findings + check_flows(
        result, catalogue=catalogue, voice=voice, calendars=calendars, lists=site.lists, outside_numbers=outside_numbers, now=now,
        queues=queues, skills=skills,
    )  # fmt: skip
    return CheckedSite(sound_flows(result, findings), sorted(findings, key=sort_key))


def _files(directory: Path, pattern: str) -> list[Path]:
    return sorted(path for path in directory.glob(pattern) if not path.name.startswith("."))


def _read(path: Path, name: str, findings: list[Finding]) -> str | None:
    place = Place(name, 1, 1)
    try:
        if path.stat().st_size > FILE_LIMIT:
            findings.append(
                Finding("file_too_large", "error", place, Sentence("the file is larger than %(most)s MB", most=FILE_LIMIT // 1000000))
            )
            return None
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        fix = Sentence('save it with the encoding "UTF-8"')
        findings.append(
            Finding("yaml_encoding", "error", place, Sentence("the file is not UTF-8 text (byte %(start)s)", start=error.start), fix)
        )
    except OSError as error:
        findings.append(Finding("unreadable", "error", place, Sentence("the file can't be read: %(error)s", error=error.strerror)))
    return None
