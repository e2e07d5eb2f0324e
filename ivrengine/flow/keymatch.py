"""Which entry of keys matches what: literal choices and patterns (``8xxx``).

In a pattern ``x`` stands for any digit, every other character for itself. The literal choice wins over a pattern, and a
denied pattern over an allowed one. ``*`` and ``#`` are keys here, never wildcards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from .types import KEYS

T = TypeVar("T")
LONGEST_ENTRY = 32  # keys


@dataclass(frozen=True, slots=True)
class Verdict(Generic[T]):
    """``value`` of the choice that the entry matches completely, if any; ``more``: a longer entry could still match."""

    value: T | None
    more: bool


def pattern_matches(pattern: str, entry: str) -> bool:
    return len(pattern) == len(entry) and all(p == e or (p == "x" and e.isdigit()) for p, e in zip(pattern, entry, strict=True))


def pattern_begins(pattern: str, entry: str) -> bool:
    """True when something longer than ``entry`` could match ``pattern``."""
    return len(pattern) > len(entry) and pattern_matches(pattern[: len(entry)], entry)


def is_pattern(text: str) -> bool:
    """Made of keys and ``x`` only, and not empty or longer than an entry may be."""
    return 0 < len(text) <= LONGEST_ENTRY and all(c in KEYS or c == "x" for c in text)


class KeyMatcher(Generic[T]):
    """Decides for each entry so far: matched, may still match, or dead.

    ``choices``: (literal, value) pairs. ``patterns``: (pattern, value) pairs. ``denied``: patterns that never match.
    """

    __slots__ = ("_literals", "_patterns", "_denied", "_prefixes", "_cache")
    _CACHE_LIMIT = 500

    def __init__(
        self, choices: Iterable[tuple[str, T]], patterns: Iterable[tuple[str, T]] = (), denied: Iterable[str] = ()
    ) -> None:
        self._literals = dict(choices)
        self._patterns = tuple(patterns)
        self._denied = tuple(denied)
        self._prefixes = {literal[:n] for literal in self._literals for n in range(len(literal))}
        self._cache: dict[str, Verdict[T]] = {}

    def verdict(self, entry: str) -> Verdict[T]:
        known = self._cache.get(entry)
        if known is None:
            known = self._work_out(entry)
            if len(self._cache) < self._CACHE_LIMIT:
                self._cache[entry] = known
        return known

    def _work_out(self, entry: str) -> Verdict[T]:
        value = self._literals.get(entry)
        if value is None and not any(pattern_matches(p, entry) for p in self._denied):
            value = next((v for p, v in self._patterns if pattern_matches(p, entry)), None)
        more = entry in self._prefixes or any(pattern_begins(p, entry) for p, _ in self._patterns)
        return Verdict(value, more)
