"""Who is refused: exact numbers and prefixes, looked up without a database while a caller waits.

A ``Blacklist`` is a snapshot: a change of the stored entries makes another one. It refuses no caller without a number,
knows nothing of countries (``+86``, ``0086`` and a trunk ``0`` are different numbers unless an entry names each), and
matches nothing but whole numbers and prefixes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ivrengine.domain.sentence import Sentence

from .caller import NUMBER_LIMIT, clean_number

# Written for the eye, dialled by nobody; a caller's number may carry them as well as an entry.
_PUNCTUATION = re.compile(r"[\s().-]+")
# A telephone number, or the name of a SIP account. Letters after digits are what a spreadsheet makes of a long number.
_PATTERN = re.compile(r"([+*#]?[0-9#]+|[A-Za-z][0-9A-Za-z#_]*)\*?")
_DECIMAL = re.compile(r"\s*[0-9]+\.0+\s*")


class BadPattern(ValueError):
    """A text that can't be a number or a prefix; says why in a sentence for a non-programmer."""


@dataclass(frozen=True, slots=True)
class BlacklistEntry:
    """``pattern`` is a number, or a prefix with ``*`` at its end; ``expires_at`` in UTC seconds, None for never."""

    pattern: str
    reason: str = ""
    expires_at: float | None = None


class Blacklist:
    """The entries in a form that answers at once, whatever their number."""

    def __init__(self, entries: Iterable[BlacklistEntry] = ()) -> None:
        self._numbers: dict[str, BlacklistEntry] = {}
        self._prefixes: dict[str, BlacklistEntry] = {}
        for entry in entries:
            if entry.pattern.endswith("*"):
                self._prefixes[_key(entry.pattern[:-1])] = entry
            else:
                self._numbers[_key(entry.pattern)] = entry
        self._lengths = sorted({len(prefix) for prefix in self._prefixes}, reverse=True)

    def __len__(self) -> int:
        return len(self._numbers) + len(self._prefixes)

    def match(self, number: str, now: float) -> BlacklistEntry | None:
        """The entry that refuses ``number`` at ``now`` (UTC seconds), or None.

        An exact number comes before a prefix, a longer prefix before a shorter one; expired entries don't count. A number
        with a leading ``+`` is compared with it and without it.
        """
        key = _key(number)
        for candidate in (key, key[1:]) if key.startswith("+") else (key,):
            entry = self._match(candidate, now)
            if entry is not None:
                return entry
        return None

    def _match(self, key: str, now: float) -> BlacklistEntry | None:
        if not key:
            return None
        entry = self._numbers.get(key)
        if entry is not None and _lasts(entry, now):
            return entry
        for length in self._lengths:
            if length > len(key):
                continue
            entry = self._prefixes.get(key[:length])
            if entry is not None and _lasts(entry, now):
                return entry
        return None


def clean_pattern(text: str) -> str:
    """The one spelling of a number or prefix: without spaces, brackets, dots and hyphens. Raises BadPattern."""
    pattern = _PUNCTUATION.sub("", text)
    if not pattern:
        raise BadPattern(Sentence("a number is missing"))
    if len(pattern) > NUMBER_LIMIT:
        raise BadPattern(Sentence("%(pattern)s... is longer than %(most)s characters", pattern=pattern[:20], most=NUMBER_LIMIT))
    if not pattern.strip("+*"):
        raise BadPattern(Sentence("%(pattern)s would refuse every caller; put at least one digit before the *", pattern=pattern))
    if "*" in pattern[1:-1]:
        raise BadPattern(
            Sentence("%(pattern)s has a * in the middle; it may only stand at the end, for every number that begins so", pattern=pattern)
        )
    if not _PATTERN.fullmatch(pattern) or _DECIMAL.fullmatch(text):
        raise BadPattern(Sentence("%(pattern)r is neither a number such as 13800138000 nor a prefix such as 0085*", pattern=pattern))
    return pattern


def _key(number: str) -> str:
    return _PUNCTUATION.sub("", clean_number(number))


def _lasts(entry: BlacklistEntry, now: float) -> bool:
    return entry.expires_at is None or now < entry.expires_at
