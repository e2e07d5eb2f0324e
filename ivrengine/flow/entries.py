"""Judges of keyed entries for ``listen``: so many digits or one of some patterns, ended by a key, by enough keys, or by time."""

from __future__ import annotations

from collections.abc import Iterable

from .keyfields import Span
from .keymatch import KeyMatcher
from .listening import Progress


class EntryJudge:
    """``digits``: from least to most; ``patterns``: used instead when there are any. ``terminator`` is a key or empty.

    The terminator alone is an empty entry; it is dead (no match) unless ``empty_allowed``.
    """

    __slots__ = ("least", "most", "terminator", "empty_allowed", "_matcher")

    def __init__(self, digits: Span | None, patterns: Iterable[str], terminator: str, empty_allowed: bool) -> None:
        patterns = tuple(patterns)
        self._matcher = KeyMatcher[str]((), [(pattern, pattern) for pattern in patterns]) if patterns else None
        self.least = digits.least if digits else min(map(len, patterns))
        self.most = digits.most if digits else max(map(len, patterns))
        self.terminator = terminator
        self.empty_allowed = empty_allowed

    def progress(self, entry: str) -> Progress:
        if self.terminator and entry.endswith(self.terminator):
            return Progress(complete=True) if len(entry) > 1 or self.empty_allowed else Progress(dead=True)
        if self._matcher is not None:
            verdict = self._matcher.verdict(entry)
            matched = verdict.value is not None
            return Progress(complete=matched and not verdict.more, dead=not matched and not verdict.more, acceptable=matched)
        if not entry.isdigit():
            return Progress(dead=True)
        return Progress(complete=len(entry) >= self.most, acceptable=len(entry) >= self.least)

    def without_terminator(self, entry: str) -> str:
        return entry.removesuffix(self.terminator) if self.terminator else entry

    def fits(self, entry: str) -> bool:
        """Whether a finished entry, without its terminator, has as many digits as are wanted or matches a pattern."""
        if self._matcher is not None:
            return self._matcher.verdict(entry).value is not None
        return self.least <= len(entry) <= self.most and (entry.isdigit() or not entry)

    def can_begin_with(self, key: str) -> bool:
        """Whether ``key`` as the first one means something to this entry."""
        return key == self.terminator or not self.progress(key).dead
