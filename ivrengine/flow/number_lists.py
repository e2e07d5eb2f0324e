"""Lists of numbers (``flows/lists/customers.txt``): a number a line, or a prefix with ``*`` at its end."""

from __future__ import annotations

import re

from ivrengine.domain.sentence import Sentence

from .finding import Finding, shown
from .flowset import Place

MOST_FINDINGS = 50  # of one list; more say nothing new
_PUNCTUATION = re.compile(r"[\s().-]+")
_NUMBER = re.compile(r"\+?[0-9]{1,20}\*?\Z")


def load_list(text: str, file: str) -> tuple[frozenset[str], list[Finding]]:
    """The numbers and prefixes of a list, and a finding for each line that is neither. Spaces and hyphens don't count."""
    numbers: set[str] = set()
    findings: list[Finding] = []
    for index, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        entry = _PUNCTUATION.sub("", line.split("#", 1)[0])
        if not entry:
            continue
        if _NUMBER.match(entry):
            numbers.add(entry)
        elif len(findings) < MOST_FINDINGS:
            sentence = Sentence("%(line)s is not a number, nor the beginning of one with * at its end", line=shown(line))
            findings.append(Finding("bad_number", "error", Place(file, index, 1), sentence, Sentence("correct or delete the line")))
    return frozenset(numbers), findings
