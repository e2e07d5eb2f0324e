"""What is wrong with a flow file, told to a person: where, what, and how to mend it. Nothing is ever raised for it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ivrengine.domain.sentence import Sentence

from .flowset import Place

Severity = Literal["error", "warning"]
MOST_KNOWN = 12  # words that are listed where none is near
SHOWN_CHARACTERS = 60  # of a stranger's text inside a sentence


@dataclass(frozen=True, slots=True)
class Finding:
    """``code`` is stable (``unknown_step``...); an error keeps a flow from being published, a warning does not."""

    code: str
    severity: Severity
    place: Place
    sentence: str
    fix: str = ""

    def __str__(self) -> str:
        text = f"{self.place}: {self.sentence}"
        return f"{text}; {self.fix}" if self.fix else text

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready dict for ``--json`` and for the web."""
        return {
            "code": self.code,
            "severity": self.severity,
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "sentence": self.sentence,
            "fix": self.fix,
        }


def shown(text: Any) -> str:
    """``text`` in quotes, on one line and not too long, as it may stand in a sentence."""
    line = " ".join(str(text).split())
    return f'"{line if len(line) <= SHOWN_CHARACTERS else line[:SHOWN_CHARACTERS] + "..."}"'


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean "choices"?`` for a word that is nearly a known one; else the known ones, or nothing if there are many."""
    candidates = sorted(set(known))
    near = difflib.get_close_matches(word[:SHOWN_CHARACTERS], candidates, n=1, cutoff=0.6)
    if near:
        return Sentence("did you mean %(word)s?", word=shown(near[0]))
    words = tuple(shown(word)[1:-1] for word in candidates)
    return Sentence("known are %(words)s", words=words) if 0 < len(words) <= MOST_KNOWN else ""


def sort_key(finding: Finding) -> tuple[str, int, int, str, str]:
    """The order a person reads a file in."""
    return finding.place.file, finding.place.line, finding.place.column, finding.code, finding.sentence


def errors(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == "error"]
